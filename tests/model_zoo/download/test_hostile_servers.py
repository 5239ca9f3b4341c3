"""Servers that never come to an end are given up in bounded time and memory; the next source is asked."""

from __future__ import annotations

import errno
import itertools
import socket
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest
import urllib3

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.sources import HttpSource
from model_zoo.download import answers, hub, remote, web
from model_zoo.download.transfer import Cancelled, Patience, Transfer, TransferError
from tests.model_zoo.file_server import FileServer, reply
from tests.model_zoo.transfers import CONTENT, QUICK, fetch, nothing_else, sha384

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
ONCE = replace(QUICK, attempts=1)
SOON = replace(ONCE, stall=0.2, window=0.2)


@pytest.fixture
def hostile():
    """Serve what a generator yields, on every connection."""
    listeners = []

    def serve(pieces, pause=0.0):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer(connection):
            with connection:
                connection.recv(65536)
                try:
                    for piece in pieces():
                        connection.sendall(piece)
                        time.sleep(pause)
                except OSError:
                    pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/file"

    yield serve
    for listener in listeners:
        listener.close()


def forever(*head, then):
    return lambda: itertools.chain(head, itertools.repeat(then))


KINDS = {
    "a status line that never ends": (forever(then=b"H" * 65536), 0.0),
    "a status line in drops": (forever(then=b"H"), 0.05),
    "headers in drops": (forever(HEAD, b"X: ", then=b"x"), 0.05),
    "headers without end": (forever(HEAD, then=b"X: y\r\n"), 0.0),
    "100 Continue again and again": (forever(then=b"HTTP/1.1 100 Continue\r\n\r\n"), 0.0),
    "100 Continue in drops": (forever(then=b"HTTP/1.1 100 Continue\r\n\r\n"), 0.1),
    "a redirect with an endless body": (
        forever(b"HTTP/1.1 302 Found\r\nLocation: /file\r\n\r\n", then=b"x" * 65536),
        0.0,
    ),
    "a chunk size in drops": (forever(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", then=b"0"), 0.05),
    "a chunk size that never ends": (
        forever(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", then=b"0" * 65536),
        0.0,
    ),
    "trailers without end": (
        forever(HEAD, b"Transfer-Encoding: chunked\r\n\r\n0\r\n", then=b"X: y\r\n" * 1000),
        0.0,
    ),
    "a body in drops": (forever(HEAD, b"Content-Length: 5000\r\n\r\n", then=b"x"), 0.05),
    "more than was asked for": (forever(HEAD, b"\r\n", then=b"x" * 65536), 0.0),
}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 \x1b[2JNo\r\n\r\n",
        b"HTTP/1.1 503 \x1b[2JNo\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: \x1b[2JNo\r\n\r\n",
    ],
)
def test_words_of_a_server_do_not_command_the_terminal(hostile, tmp_path, answer):
    url = hostile(lambda: [answer])
    with pytest.raises(TransferError, match=r"\?\[2[Jj][Nn]o") as caught:
        Transfer(patience=ONCE).fetch(tmp_path / "file", [HttpSource(url=url)])
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_end_is_given_up_for_the_next_source(server, hostile, tmp_path, kind):
    url = hostile(*KINDS[kind])
    tracemalloc.start()
    begin = time.monotonic()
    good = [HttpSource(url=server.url("/file"))] * 20  # a busy machine may be late as well
    done = Transfer(patience=SOON).fetch(
        tmp_path / "file", [HttpSource(url=url), *good], size=len(CONTENT), checksum=sha384(CONTENT)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.source == server.url("/file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert peak < 16 << 20
    assert time.monotonic() - begin < 200  # a moment on a machine that is not busy; drops alone take 250


@pytest.mark.parametrize("kind", KINDS)
def test_a_hub_without_end_is_a_sentence(hostile, monkeypatch, kind):
    """The look-up has the guards that transfers have."""
    monkeypatch.setenv("HF_ENDPOINT", hostile(*KINDS[kind]).removesuffix("/file"))
    monkeypatch.setattr(answers, "_PACE", (1000.0, 0.2))
    monkeypatch.setattr(answers, "_LARGEST", 1 << 20)
    monkeypatch.setattr(answers, "_ATTEMPTS", 1)
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    tracemalloc.start()
    begin = time.monotonic()
    with pytest.raises(CatalogError, match=r"hf:owner/name: the hub at .* can't be used"):
        hub.resolve("hf:owner/name")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert time.monotonic() - begin < 200


def test_a_redirect_does_not_lead_from_the_internet_into_the_private_network(server, tmp_path, monkeypatch):
    private = FileServer()
    private.files["/file"] = CONTENT
    server.faults["/file"] = [
        lambda _, handler: reply(handler, 302, headers={"Location": private.url("/file")}) for _ in range(3)
    ]
    assert fetch(server, tmp_path / "inside").source == server.url("/file")  # a mirror of one's own may
    port = int(server.base.rsplit(":", 1)[1])
    monkeypatch.setattr(web, "_is_public", lambda connection: connection.getpeername()[1] == port)
    with pytest.raises(TransferError, match="it redirects into a private network"):
        fetch(server, tmp_path / "outside")
    with pytest.raises(answers.AnswerError, match="it redirects into a private network"):
        answers.get_json(server.url("/file"), {}, 5.0)
    assert len(private.requests) == 1
    private.close()


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: \xb2",
        b"Content-Length: 5000, 4000",
        b"Content-Length: -5",
        b"Content-Range: bytes 0-1/" + b"9" * 5000,
        b"Retry-After: \xb2",
        b"Location: http://[",
    ],
)
@pytest.mark.parametrize("status", [b"200 OK", b"206 Partial Content", b"302 Found", b"416 No", b"429 Slow"])
def test_headers_that_are_no_numbers_are_a_failed_source(server, hostile, tmp_path, header, status):
    url = hostile(lambda: [b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n" + header + b"\r\n\r\nbody"])
    done = Transfer(patience=ONCE).fetch(
        tmp_path / "file",
        [HttpSource(url=url), HttpSource(url=server.url("/file"))],
        size=len(CONTENT),
        checksum=sha384(CONTENT),
    )
    assert done.source == server.url("/file")


def test_a_body_of_unknown_length_has_a_bound(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "_LARGEST_UNKNOWN", 1 << 20)
    url = hostile(*KINDS["more than was asked for"])
    with pytest.raises(TransferError, match="states no length and sends more than"):
        Transfer(patience=ONCE).fetch(tmp_path / "file", [HttpSource(url=url)])
    assert nothing_else(tmp_path)


def test_cancel_ends_headers_in_drops(hostile, tmp_path):
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    url = hostile(*KINDS["headers in drops"])
    endless = replace(QUICK, window=3600, stall=3600)  # longer than a test may run
    with pytest.raises(Cancelled):
        Transfer(patience=endless, cancel=cancel).fetch(tmp_path / "file", [HttpSource(url=url)], size=1)


def test_without_a_network_one_sentence_says_so_soon(tmp_path, monkeypatch):
    tries = []

    def unreachable(address, *_, **__):
        tries.append(address[0])
        if "name" in address[0]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", unreachable)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    sources = [HttpSource(url="https://name.invalid/file"), HttpSource(url="http://192.0.2.1/file")]
    begin = time.monotonic()
    with pytest.raises(TransferError) as caught:
        Transfer(patience=Patience(first_wait=0.1)).fetch(tmp_path / "file", sources, size=1)
    assert time.monotonic() - begin < 30  # a second with the waits of a user's download
    assert tries == ["name.invalid", "name.invalid", "192.0.2.1"]  # the network is waited for once
    first, *details = str(caught.value).splitlines()
    assert first.startswith("file: no network: none of its hosts can be reached.")
    assert len(details) == 2
    assert not list(tmp_path.rglob("file"))


def test_a_hub_without_network_is_one_sentence_and_the_cause_behind_it(monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", unknown)
    monkeypatch.setattr(answers, "_NOBODY_THERE", 0)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    with pytest.raises(CatalogError) as told:
        hub.resolve("hf:owner/name")
    sentence, cause = str(told.value).splitlines()
    assert sentence.startswith("hf:owner/name: no network: the hub cannot be reached. Connect this machine")
    assert (
        cause
        == "  https://hub.invalid: no answer (the host's name is not known: no network, or no such host)"
    )


def test_a_network_that_comes_back_is_used(server, tmp_path, monkeypatch):
    real = urllib3.util.connection.create_connection
    tries = []

    def flaky(*arguments, **settings):
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return real(*arguments, **settings)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", flaky)
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
