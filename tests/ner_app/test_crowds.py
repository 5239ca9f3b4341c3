"""Visitors who are many, rude or gone: none takes the page, its memory or its disk from the others."""

import json
import socket
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from gradio.utils import get_upload_folder

from ner_app import connections, sessions
from ner_app.service import Service
from tests.conftest import PATIENCE, wait_until
from tests.ner_app.conftest import post

STRANGER = {"X-Forwarded-For": "93.184.215.14"}


@pytest.mark.parametrize(
    "path", ["/api/recognize", "/gradio_api/queue/join", "/gradio_api/mcp/", "/gradio_api/call/x"]
)
def test_a_huge_body_is_refused_with_a_sentence_however_it_comes(page, path):
    huge = b"x" * 5_000_000
    answer = post(page, path, huge)
    assert answer.status_code == 413
    assert "5.0 MB; this page takes 0.2 MB" in answer.json()["error"]
    parts = (huge[:100_000] for _ in range(50))
    answer = requests.post(f"{page}{path}", data=parts, timeout=PATIENCE)
    assert answer.status_code == 413


def test_a_body_that_never_comes_is_refused_by_its_announced_size(page):
    host, _, port = page.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        head = "POST /api/recognize HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n"
        begin = time.monotonic()
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        assert time.monotonic() - begin < PATIENCE / 2


def test_an_upload_is_bounded_as_a_whole(page):
    answer = requests.post(
        f"{page}/gradio_api/upload", files={"files": ("a.txt", b"x" * 400_000)}, timeout=PATIENCE
    )
    assert answer.status_code == 413
    assert "this page takes 0.3 MB (NER_MAX_UPLOAD_BYTES on the server)" in answer.json()["error"]
    answer = requests.post(
        f"{page}/gradio_api/upload", files={"files": ("a.txt", b"x" * 1000)}, timeout=PATIENCE
    )
    assert answer.status_code == 200


def test_uploads_that_come_to_nothing_leave_nothing(page):
    """Else visitors fill the disk: Gradio deletes only what it knows the name of."""
    folder = Path(get_upload_folder())

    def parts():
        return {path.name for path in folder.glob("tmp*") if path.is_file()}

    before = parts()
    address, content = f"{page}/gradio_api/upload", b"x" * 100_000
    requests.post(address, files={"other": ("a.txt", content)}, timeout=PATIENCE)  # nobody asked for it

    def endless():
        yield b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(10):
            yield content

    kind = {"Content-Type": "multipart/form-data; boundary=xyz"}
    assert requests.post(address, endless(), headers=kind, timeout=PATIENCE).status_code == 413
    where = urlsplit(page)
    with socket.create_connection((where.hostname, where.port)) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in kind.items())
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n{head}\r\n"
        connection.sendall(head.encode() + next(endless()) + content)
        wait_until(lambda: parts() > before)
    wait_until(lambda: parts() == before)


def test_a_broken_form_is_told_so(page):
    kind = {"Content-Type": "multipart/form-data; boundary=xyz"}
    body = b'--xyz\r\nContent-Disposition: form-data; name="files"; file--xyz\r\n\r\nMary\r\n--xyz--\r\n'
    answer = post(page, "/gradio_api/upload", body, **kind)
    assert answer.status_code == 400, answer.text


@pytest.fixture
def held(monkeypatch):
    """An event; until it is set, nothing that visitors ask for is computed."""
    go, checked = threading.Event(), Service.checked
    monkeypatch.setattr(Service, "checked", lambda *asked: go.wait(PATIENCE) and checked(*asked))
    yield go
    go.set()


def test_one_visitor_cannot_fill_the_queue(page, held):
    config = requests.get(f"{page}/config", timeout=PATIENCE).json()
    batch = next(d for d in config["dependencies"] if d.get("api_name") == "recognize_batch")
    body = {
        "data": [["Mary"] * 3, "lookup", "CPU", "", "word", 0.0, None, "auto"],
        "fn_index": batch["id"],
    }
    headers = {"Content-Type": "application/json"}

    def ask(number, **more):
        return post(page, "/gradio_api/queue/join", body | {"session_hash": f"s{number}"}, **headers | more)

    answers = [ask(number, **STRANGER) for number in range(6)]
    statuses = [answer.status_code for answer in answers]
    assert (set(statuses), statuses) == ({200, 429}, sorted(statuses))
    assert "Wait for one to finish" in answers[-1].json()["detail"]
    assert ask(21, **{"X-Forwarded-For": "93.184.215.15"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/recognize", "/api/batch"])
def test_what_nobody_waits_for_ends(page, monkeypatch, path):
    begun, ended = threading.Event(), threading.Event()

    def endless(original):
        def recognize(*given, **options):
            if "Olga" not in str(given):  # what other tests left in the queue
                return original(*given, **options)
            begun.set()
            try:
                for _ in range(20 * PATIENCE):
                    given[-1](0, 1)
                    time.sleep(0.05)
            finally:
                ended.set()

        return recognize

    for name in ("recognize", "recognize_batch"):
        monkeypatch.setattr(Service, name, endless(getattr(Service, name)))
    body = json.dumps({"text": "Olga"} if path.endswith("recognize") else {"texts": ["Olga"]}).encode()
    where = urlsplit(page)
    with socket.create_connection((where.hostname, where.port)) as link:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        link.sendall(head.encode() + body)
        assert begun.wait(PATIENCE)
        assert not ended.is_set()
    assert ended.wait(PATIENCE / 2)  # half a second on a machine that does nothing else


def test_one_visitor_cannot_keep_the_others_from_comparing(page, held):
    config = requests.get(f"{page}/config", timeout=PATIENCE).json()
    tab = next(c for c in config["components"] if c["props"].get("elem_id") == "compare-tab")
    chosen = ["lookup|AUTO|FP32||", "lookup|CPU|FP32||"]

    def ask(number, **headers):
        sent = {"text": "Mary", "chosen": chosen, "job": f"j{number}"}
        body = {"data": sent, "component_id": tab["id"], "fn_name": "compare", "session_hash": f"s{number}"}
        return requests.post(
            f"{page}/gradio_api/component_server", json=body, headers=headers, timeout=PATIENCE
        ).json()

    with ThreadPoolExecutor(6) as pool:
        other = {"X-Forwarded-For": "93.184.215.16"}
        asked = [pool.submit(ask, number, **other) for number in range(6)]
        wait_until(lambda: sum(one.done() for one in asked) >= 2)
        held.set()
    answers = sorted((one.result() for one in asked), key=list)
    assert [next(iter(answer)) for answer in answers] == ["error"] * 2 + ["html"] * 4
    assert "Wait for one to finish" in answers[0]["error"]
    assert "html" in ask(6, **STRANGER)


def test_what_is_kept_of_visitors_is_little_and_bounded(served, monkeypatch):
    demo, page = served
    monkeypatch.setattr(sessions, "SESSIONS", 6)
    monkeypatch.setattr(demo.state_holder, "capacity", 6)
    monkeypatch.setattr(demo.state_holder, "session_data", OrderedDict())
    queue = demo._queue
    for fetched in (False, *[True] * 20):
        asked = {
            "url": f"{page}/gradio_api/call/v2/recognize",
            "json": {"text": "Mary lives in Santa Clara."},
        }
        event = requests.post(**asked, timeout=PATIENCE).json()["event_id"]
        if fetched:
            answer = requests.get(f"{page}/gradio_api/call/recognize/{event}", timeout=PATIENCE)
            assert "event: complete" in answer.text
    kept = demo.state_holder.session_data
    assert 0 < len(kept) <= 6
    assert sum(not calls for calls in queue.pending_event_ids_session.values()) <= 7
    assert any(queue.pending_event_ids_session.values()), "a result that was not fetched yet is lost"
    assert len(queue.event_analytics) <= 1
    size = sum(len(json.dumps(session.config_values, default=str)) for session in kept.values())
    assert size < 1000 * len(kept), "the whole configuration of the page is copied for every session"


def test_connections_that_ask_for_nothing_are_closed_and_the_others_stay(page, monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS", 0.3)
    where = urlsplit(page)
    with ExitStack() as stack:

        def link(sent):
            made = stack.enter_context(socket.create_connection((where.hostname, where.port), PATIENCE))
            made.sendall(sent)
            return made

        get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        again, answer = link(get), b""
        while b'"ok"}' not in answer:
            answer += again.recv(1000)
        again.sendall(get[:-2])  # half of a second request
        body = b'{"text": "Mary"}'
        head = b"POST /api/recognize HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        slow = link(head + body[:5])  # the body has a deadline of its own
        for silent in (link(b""), link(get[:-2]), again):
            assert silent.recv(1000) == b""
        slow.sendall(body[5:])
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
