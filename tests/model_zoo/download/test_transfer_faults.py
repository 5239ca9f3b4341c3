"""Faults of servers and connections: the right file or a clear error every time, no good file lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.sources import HttpSource
from model_zoo.download import hub
from model_zoo.download.transfer import Patience, Transfer, TransferError
from tests.model_zoo.file_server import (
    chunked,
    claims,
    cut,
    http_date,
    redirect,
    sends,
    slowly,
    stall,
    status,
)
from tests.model_zoo.transfers import CONTENT, OTHER, QUICK, fetch, nothing_else, sha384

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("tenth", range(10))
@pytest.mark.parametrize("etag", [True, False])
def test_cut_at_every_tenth_is_continued_there(server, tmp_path, tenth, etag):
    if not etag:
        del server.etags["/file"]
    server.faults["/file"] = [cut(tenth * 500)]
    assert fetch(server, tmp_path / "file").action == "downloaded"
    assert (tmp_path / "file").read_bytes() == CONTENT
    second = server.asked("/file")[1]
    assert second.get("Range") == (f"bytes={tenth * 500}-" if tenth else None)
    assert second.get("If-Range") == ('"one"' if tenth and etag else None)


@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_later_run_continues_where_the_first_was_given_up(server, tmp_path, tenth):
    server.faults["/file"] = [cut(tenth * 500)]
    with pytest.raises(
        TransferError, match=f"ended after {tenth * 500} of 5000 bytes|broke after {tenth * 500}"
    ):
        fetch(server, tmp_path / "file", patience=replace(QUICK, attempts=1))
    assert not (tmp_path / "file").exists()
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked("/file")[1]["Range"] == f"bytes={tenth * 500}-"
    assert nothing_else(tmp_path, "file")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 4999), max_size=6),
    etag=st.booleans(),
    ranges=st.booleans(),
    known=st.booleans(),
)
def test_any_run_of_cuts_ends_with_the_right_file(server, tmp_path_factory, cuts, etag, ranges, known):
    folder = tmp_path_factory.mktemp("cuts")
    server.etags = {"/file": '"one"'} if etag else {}
    server.ranges = ranges
    server.faults["/file"] = [cut(at) for at in cuts]
    patience = replace(QUICK, attempts=len(cuts) + 1)
    fetch(server, folder / "file", patience=patience, content=CONTENT if known else None)
    assert (folder / "file").read_bytes() == CONTENT
    server.faults["/file"] = []


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges = False
    server.faults["/file"] = [cut(2000), cut(3000)]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", [True, False])
def test_a_file_that_changes_between_attempts_is_fetched_whole(server, tmp_path, etag):
    server.files["/file"] = OTHER
    if not etag:
        server.etags.clear()

    def changes(server, handler):
        server.answer(handler, stop=2000)
        server.files["/file"] = CONTENT
        if etag:
            server.etags["/file"] = '"two"'

    server.faults["/file"] = [changes]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_change_is_noticed_without_a_hash_on_a_server_that_ignores_if_range(server, tmp_path):
    server.files["/file"] = OTHER
    server.heeds_if_range = False

    def changes(server, handler):
        server.answer(handler, stop=2000)
        server.files["/file"], server.etags["/file"] = CONTENT, '"two"'

    server.faults["/file"] = [changes]
    fetch(server, tmp_path / "file", content=None)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_without_a_hash_only_a_validator_lets_a_part_be_continued(server, tmp_path):
    server.etags.clear()
    server.faults["/file"] = [cut(2000)]
    fetch(server, tmp_path / "file", content=None)
    assert "Range" not in server.asked("/file")[1]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_weak_etag_is_not_used_for_if_range(server, tmp_path):
    server.etags["/file"] = 'W/"one"'
    server.faults["/file"] = [cut(2000)]
    fetch(server, tmp_path / "file", content=None)
    assert "Range" not in server.asked("/file")[1]


@pytest.mark.parametrize("length", [0, 4999, 5001])
def test_a_stated_length_that_is_wrong_is_refused_at_once(server, tmp_path, length):
    server.faults["/file"] = [claims(length)]
    with pytest.raises(TransferError, match=f"has {length} bytes, expected 5000"):
        fetch(server, tmp_path / "file")
    assert len(server.requests) == 1
    assert not (tmp_path / "file").exists()


def test_more_bytes_than_expected_are_not_taken(server, tmp_path):
    server.faults["/file"] = [chunked(CONTENT + b"x")]
    with pytest.raises(TransferError, match="more than the expected 5000 bytes"):
        fetch(server, tmp_path / "file")
    assert nothing_else(tmp_path)


def test_chunks_that_end_early_are_retried(server, tmp_path):
    server.faults["/file"] = [chunked(CONTENT[:100], complete=False), chunked(CONTENT[:100])]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_wrong_bytes_are_named_and_the_next_source_is_tried(server, tmp_path):
    server.files["/wrong"] = OTHER
    done = fetch(server, tmp_path / "file", paths=("/wrong", "/file"))
    assert done.source == server.url("/file")
    assert len(server.asked("/wrong")) == 1
    with pytest.raises(TransferError) as caught:
        fetch(server, tmp_path / "again", paths=("/wrong",))
    assert str(sha384(CONTENT)) in str(caught.value)
    assert str(sha384(OTHER)) in str(caught.value)
    assert server.url("/wrong") in str(caught.value)


def test_a_failed_download_leaves_the_file_that_was_there(server, tmp_path):
    destination = tmp_path / "file"
    destination.write_bytes(b"an older version")
    server.files["/file"] = OTHER
    with pytest.raises(TransferError):
        fetch(server, destination)
    assert destination.read_bytes() == b"an older version"
    server.files["/file"] = CONTENT
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 522])
def test_passing_troubles_are_retried(server, tmp_path, code):
    server.faults["/file"] = [status(code)] * 2
    fetch(server, tmp_path / "file")
    assert len(server.requests) == 3
    server.faults["/file"] = [status(code)] * 3
    with pytest.raises(TransferError, match=f"HTTP {code}.*gave up after 3 attempts"):
        fetch(server, tmp_path / "again")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
def test_lasting_troubles_are_not_retried(server, tmp_path, code):
    server.faults["/file"] = [status(code)]
    with pytest.raises(TransferError, match=f"HTTP {code}"):
        fetch(server, tmp_path / "file")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "lowest", "highest"),
    [
        ("7", 7, 7),
        (lambda: http_date(9), 7, 9),
        ("9999", 20, 20),
        (lambda: http_date(-5), 0, 0),
        ("soon", 0.5, 1),
    ],
)
def test_retry_after_is_honoured_up_to_a_limit(server, tmp_path, value, lowest, highest):
    waits = []
    cancel = threading.Event()
    cancel.wait = waits.append
    server.faults["/file"] = [status(429, Retry_After=value if isinstance(value, str) else value())]
    fetch(server, tmp_path / "file", patience=Patience(first_wait=1, longest_wait=20), cancel=cancel)
    assert len(waits) == 1
    assert lowest <= waits[0] <= highest


def test_waits_grow_and_are_spread():
    patience = Patience(first_wait=1, longest_wait=10)
    for attempt, longest in enumerate([1, 2, 4, 8, 10, 10], 1):
        waits = {patience.wait(attempt, None) for _ in range(50)}
        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_a_redirect_is_followed_and_a_loop_is_an_error(server, tmp_path):
    server.faults["/moved"] = [redirect("/file")]
    fetch(server, tmp_path / "file", paths=("/moved",))
    assert (tmp_path / "file").read_bytes() == CONTENT
    server.faults["/loop"] = [redirect("/loop")] * 50
    with pytest.raises(TransferError, match="redirects in a loop"):
        fetch(server, tmp_path / "again", paths=("/loop",))
    assert len(server.asked("/loop")) <= 31


def test_a_stall_ends_the_attempt_and_nothing_is_lost(server, tmp_path):
    server.faults["/file"] = [stall(1500)]
    fetch(server, tmp_path / "file", patience=replace(QUICK, stall=0.2))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked("/file")[1]["Range"] == "bytes=1500-"


def test_a_server_that_lets_bytes_drip_is_given_up_and_gone_on_from_there(server, tmp_path):
    server.faults["/file"] = [slowly(50, 0.05)]  # 2000 bytes a second
    patience = replace(QUICK, slowest=1_000_000, window=0.3)
    fetch(server, tmp_path / "file", patience=patience)
    assert (tmp_path / "file").read_bytes() == CONTENT
    _, second = server.asked("/file")
    assert 0 < int(second["Range"].removeprefix("bytes=").removesuffix("-")) < 5000
    server.faults["/file"] = [slowly(50, 0.05)]
    with pytest.raises(TransferError, match=r"sends too slowly: \d+ bytes in \d s, expected 1e\+06 a second"):
        fetch(server, tmp_path / "again", patience=replace(patience, attempts=1))


def test_a_slow_server_is_not_given_up(server, tmp_path):
    server.faults["/file"] = [slowly(20, 0.05)]
    fetch(server, tmp_path / "file", patience=replace(QUICK, slowest=10, window=0.5))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_an_empty_file_is_an_error_unless_expected(server, tmp_path):
    server.files["/file"] = b""
    with pytest.raises(TransferError, match="has 0 bytes, expected 5000"):
        fetch(server, tmp_path / "file")
    with pytest.raises(TransferError, match="the file is empty"):
        fetch(server, tmp_path / "unknown", content=None)
    fetch(server, tmp_path / "empty", content=b"")
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_compressed_answer_is_refused_unless_the_hash_says_that_it_is_the_file(server, tmp_path):
    compressed = [sends(CONTENT, Content_Encoding="x-gzip")]  # Apache says so of every .tar.gz
    server.faults["/file"] = compressed * 3
    for known in ({"content": None}, {"content": OTHER[1:]}):
        with pytest.raises(TransferError, match=r"compressed \(x-gzip\)"):
            fetch(server, tmp_path / "file", **known)
    assert fetch(server, tmp_path / "file").action == "downloaded"


def test_a_range_that_was_not_asked_for_is_not_used(server, tmp_path):
    def other_range(server, handler):
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 100-4999/5000")
        handler.send_header("Content-Length", "4900")
        handler.end_headers()
        handler.wfile.write(CONTENT[100:])

    server.faults["/file"] = [cut(2000), other_range]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("left", [5000, 6000])
def test_a_part_as_long_as_the_file_or_longer(server, tmp_path, left):
    """What is left may be complete and right, complete and wrong, or nonsense."""
    for content in (CONTENT, OTHER):
        part = tmp_path / ".partial" / "file.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes((content * 2)[:left])
        fetch(server, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == CONTENT
        (tmp_path / "file").unlink()


def test_a_complete_part_of_unknown_size_is_found_out_by_416(server, tmp_path):
    server.faults["/file"] = [cut(4000)]
    one = replace(QUICK, attempts=1)
    with pytest.raises(TransferError):
        fetch(server, tmp_path / "file", content=None, patience=one)
    with (tmp_path / ".partial" / "file.part").open("ab") as part:
        part.write(CONTENT[4000:])
    assert fetch(server, tmp_path / "file", content=None, patience=one).checksum == sha384(CONTENT)
    assert server.asked("/file")[1]["Range"] == "bytes=5000-"
    assert len(server.requests) == 2


def test_a_damaged_note_only_costs_the_part(server, tmp_path):
    server.faults["/file"] = [cut(4000)]
    with pytest.raises(TransferError):
        fetch(server, tmp_path / "file", patience=replace(QUICK, attempts=1))
    (tmp_path / ".partial" / "file.json").write_text("{not json")
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_mirror_continues_the_part_of_another_source(server, tmp_path):
    server.files["/mirror"] = CONTENT
    server.faults["/file"] = [cut(1000), cut(2000), cut(3000)]
    fetch(server, tmp_path / "file", paths=("/file", "/mirror"))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked("/mirror")[0]["Range"] == "bytes=3000-"
    assert "If-Range" not in server.asked("/mirror")[0]


def test_no_connection_is_an_error_with_a_reason(server, tmp_path):
    server.close()
    with pytest.raises(TransferError, match=r"no answer \(.*refused.*gave up after 3 attempts"):
        fetch(server, tmp_path / "file")


def test_what_hinders_a_secure_connection_is_named(server, tmp_path, monkeypatch):
    source = HttpSource(url=f"https://somebody:secret@{server.base.removeprefix('http://')}/file")
    with pytest.raises(TransferError, match=r"//127.* no secure connection .*gave up after 3 attempts"):
        Transfer(patience=QUICK).fetch(tmp_path / "file", [source])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("HF_ENDPOINT", source.url)
    sentence = "missing.pem; REQUESTS_CA_BUNDLE and SSL_CERT_FILE name such files"
    with pytest.raises(TransferError, match=sentence) as caught:
        Transfer(patience=QUICK).fetch(tmp_path / "file", [source])
    assert "secret" not in str(caught.value)
    with pytest.raises(CatalogError, match=sentence) as told:
        hub.resolve("hf:owner/name")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (407, r"refuses to connect \(407 .*\); give it as http://USER:PASSWORD@HOST:PORT"),
        (403, r"refuses to connect \(403 Forbidden\)$"),
        (502, r"does not answer \(Tunnel connection failed: 502 .*gave up after 3 attempts"),
    ],
)
def test_a_proxy_that_refuses_is_named(server, tmp_path, monkeypatch, code, sentence):
    monkeypatch.setenv("https_proxy", server.base)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.faults["models.invalid:443"] = [status(code)] * 3
    with pytest.raises(TransferError, match=sentence):
        Transfer(patience=QUICK).fetch(tmp_path / "file", [HttpSource(url="https://models.invalid/file")])


@pytest.mark.parametrize("known", [True, False])
def test_a_web_page_is_not_taken_for_the_file(server, tmp_path, known):
    page = sends(b"<html>Sign in", Content_Type="text/html; charset=utf-8")
    server.faults["/file"] = [page]
    with pytest.raises(TransferError, match="sends a web page instead of the file"):
        fetch(server, tmp_path / "file", content=CONTENT if known else None)
    assert nothing_else(tmp_path)
    server.faults["/file"] = [page]
    fetch(server, tmp_path / "page.html", content=None)
    server.faults["/file"] = [sends(CONTENT, Content_Type="text/html")]
    assert fetch(server, tmp_path / "file").action == "downloaded"  # the hash is right


def test_the_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.base)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.files["http://models.invalid/file"] = CONTENT
    Transfer(patience=QUICK).fetch(tmp_path / "file", [HttpSource(url="http://models.invalid/file")])
    assert (tmp_path / "file").read_bytes() == CONTENT
