"""Requests to the page: arguments, bodies, paths, uploads and connections that no honest program makes."""

from __future__ import annotations

import functools
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.attacks.attack import DAMAGES, Kind

if TYPE_CHECKING:
    from random import Random

SECRET = "Kryptonia-Zyx"
SENTENCE = f"Mary met {SECRET} in Santa Clara."
STRANGER = {"X-Forwarded-For": "93.184.215.14"}


@functools.cache
def page() -> str:
    """The address of a public page of a model that looks words up."""
    from tests.ner_app.conftest import save_lookup_model

    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    save_lookup_model(folder)
    os.environ |= {"NER_MODELS_DIR": str(folder), "NER_PUBLIC": "1", "NER_DEFAULT_MODEL": "lookup"}
    from app import build_demo
    from ner_app.limits import Limits
    from ner_app.service import Service
    from ner_app.web import launch

    limits = Limits(
        text_characters=20_000, batch_characters=20_000, batch_texts=3, upload_bytes=300_000, public=True
    )
    service = Service("lookup", limits)
    return launch(build_demo(service), service, block=False, quiet=True)


@functools.cache
def session():
    import requests

    return requests.Session()


def judged(answer, *, expected: range = range(200, 500)) -> str:
    """No error of the server, no traceback, nothing of this machine; honest questions still get answers."""
    assert answer.status_code in expected, f"{answer.status_code}: {answer.text[:200]}"
    text = answer.text
    assert "Traceback" not in text
    assert "root:" not in text
    assert 'File "/' not in text
    honest = session().post(f"{page()}/api/recognize", json={"text": "Mary"}, timeout=60)
    assert [one["text"] for one in honest.json()["entities"]] == ["Mary"], honest.text
    return "answered" if answer.ok else f"refused ({answer.status_code})"


def ask(path: str, body, headers=None, method: str = "POST"):
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return session().request(method, page() + path, data=data, headers=STRANGER | (headers or {}), timeout=60)


WILD = (
    None,
    5,
    -1,
    1e308,
    True,
    [],
    {},
    [[]],
    "",
    "\x00",
    "\ud800",
    "x" * 30_000,
    ["a"] * 5000,
    {"a": {"b": []}},
    10**400,
)


def argument(path: str, key: str, honest: dict):
    def attempt(chance: Random, folder: Path) -> str:
        return judged(ask(path, honest | {key: chance.choice(WILD)}))

    return attempt


def body(make, path: str = "/api/recognize", **headers: str):
    def attempt(chance: Random, folder: Path) -> str:
        return judged(ask(path, make(chance), headers))

    return attempt


BODIES = {
    "nested deeply": lambda chance: b"[" * chance.randrange(500, 200_000),
    "over the limits": lambda chance: json.dumps({"text": "Mary " * chance.choice((5000, 100_000))}),
    "texts by the thousand": lambda chance: json.dumps({"texts": ["Mary"] * chance.choice((4, 50_000))}),
    "the same key twice": lambda chance: b'{"text": "Mary", "text": {"a": 1}}',
    "no JSON": lambda chance: chance.randbytes(chance.randrange(1, 3000)),
    "numbers that are none": lambda chance: (
        b'{"text": "Mary", "threshold": %s}' % chance.choice((b"NaN", b"1e999", b"-Infinity", b"0x1"))
    ),
    "lone surrogates": lambda chance: b'{"text": "\\ud800 Mary \\udfff"}',
    "control characters": lambda chance: json.dumps(
        {"text": "".join(map(chr, chance.choices(range(32), k=200)))}
    ),
    "UTF-16": lambda chance: json.dumps({"text": "Mary"}).encode("utf-16"),
    "compressed": lambda chance: __import__("gzip").compress(b'{"text": "' + b"x" * 5_000_000 + b'"}'),
}

DEVICES = (
    "kserve://127.0.0.1:1/m",
    "MULTI:CPU(300000)",
    "HETERO:" + "CPU," * 4000 + "CPU",
    "http://169.254.169.254/",
    "BATCH:CPU(16)",
)
MODELS = (
    "/etc/passwd",
    "../../etc",
    "hf:owner/name",
    "\x00",
    "lookup/../lookup",
    "file:///etc/passwd",
    "x" * 10_000,
)
PATHS = (
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=../../../../etc/passwd",
    "/gradio_api/file=%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/gradio_api/file=/proc/self/environ",
    "/gradio_api/file=file:///etc/passwd",
    "/gradio_api/proxy=http://169.254.169.254/latest",
    "/gradio_api/stream/../../etc/passwd",
    "/static/../../../etc/passwd",
    "/assets/..%2f..%2f..%2fetc/passwd",
    "/api/../etc/passwd",
    "/api/recognize/%00",
    "/gradio_api/component_server",
    "/" + "a/" * 4000,
    "/?model=kserve%3A%2F%2F127.0.0.1&aggregation=bogus&threshold=x",
)


def named(key: str, values):
    def attempt(chance: Random, folder: Path) -> str:
        answer = ask("/api/recognize", {"text": "Mary", key: chance.choice(values)})
        return judged(answer, expected=range(400, 500))

    return attempt


def path(given: str):
    def attempt(chance: Random, folder: Path) -> str:
        method = chance.choice(("GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"))
        return judged(session().request(method, page() + given, headers=STRANGER, timeout=60))

    return attempt


def raw(make):
    """Send bytes and listen a moment; then the page must still answer others."""

    def attempt(chance: Random, folder: Path) -> str:
        where = urlsplit(page())
        with socket.create_connection((where.hostname, where.port), timeout=20) as link:
            try:
                link.sendall(make(chance))
                link.settimeout(0.5)
                link.recv(1000)
            except (TimeoutError, ConnectionError):
                pass
        honest = session().post(f"{page()}/api/recognize", json={"text": "Mary"}, timeout=60)
        assert [one["text"] for one in honest.json()["entities"]] == ["Mary"]
        return "others are answered"

    return attempt


HEAD = b"POST /api/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
RAW = {
    "a body that breaks off": lambda chance: HEAD + b'Content-Length: 1000\r\n\r\n{"text": "Ma',
    "a length of thousands of digits": lambda chance: (
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"
    ),
    "a negative length": lambda chance: HEAD + b"Content-Length: -5\r\n\r\n{}",
    "two lengths": lambda chance: HEAD + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}",
    "chunks that lie": lambda chance: HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\nMary",
    "headers without end": lambda chance: b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
    "a line without end": lambda chance: b"GET /" + b"a" * 500_000,
    "no HTTP": lambda chance: chance.randbytes(5000),
    "a request for TLS": lambda chance: (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200)
    ),
    "gone before the answer": lambda chance: HEAD + b'Content-Length: 16\r\n\r\n{"text": "Mary"}',
}


def upload(make):
    def attempt(chance: Random, folder: Path) -> str:
        name, content = make(chance)
        answer = session().post(
            f"{page()}/gradio_api/upload", files={"files": (name, content)}, headers=STRANGER, timeout=60
        )
        outcome = judged(answer)
        if answer.ok:
            for stored in answer.json():
                assert Path(stored).resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())
        return outcome

    return attempt


UPLOADS = {
    "names that lead outside": lambda chance: (
        chance.choice(("../../outside.txt", "/etc/outside.txt", "..\\..\\o.txt")),
        b"x",
    ),
    "names that are markup": lambda chance: ("<img src=x onerror=alert(1)>.txt", b"x"),
    "names without end": lambda chance: ("n" * 5000 + ".txt", b"x"),
    "too large": lambda chance: ("a.txt", b"x" * 1_000_000),
    "empty": lambda chance: ("a.txt", b""),
    "names with NUL and line feeds": lambda chance: ("a\x00b\r\nX: y.txt", b"x"),
}


def broken_upload(damage):
    def attempt(chance: Random, folder: Path) -> str:
        plain = (
            b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\nMary\r\n--xyz--\r\n"
        )
        content = damage(plain, chance)
        return judged(
            ask("/gradio_api/upload", content, {"Content-Type": "multipart/form-data; boundary=xyz"})
        )

    return attempt


def kinds() -> list[Kind]:
    one = {"text": SENTENCE, "model": "lookup", "device": "CPU"}
    found = [
        Kind("API argument", f"recognize: {key}", argument("/api/recognize", key, one))
        for key in (
            "text",
            "model",
            "device",
            "precision",
            "aggregation",
            "threshold",
            "labels",
            "offsets",
            "other",
        )
    ]
    found += [
        Kind("API argument", f"batch: {key}", argument("/api/batch", key, {"texts": ["Mary"]}))
        for key in ("texts", "labels")
    ]
    found += [Kind("API argument", "addresses and expressions as device", named("device", DEVICES))]
    found += [Kind("API argument", "paths and addresses as model", named("model", MODELS))]
    found += [Kind("API body", called, body(make)) for called, make in BODIES.items()]
    found += [
        Kind(
            "API body",
            f"honest one, {called}",
            body(lambda chance, d=damage: d(json.dumps(one).encode(), chance)),
        )
        for called, damage in DAMAGES.items()
    ]
    found += [
        Kind(
            "API body",
            "for Gradio: no data",
            body(lambda chance: json.dumps({"data": chance.choice(WILD)}), "/gradio_api/call/recognize"),
        )
    ]
    found += [
        Kind(
            "API body",
            "for MCP: no protocol",
            body(lambda chance: json.dumps(chance.choice(WILD)), "/gradio_api/mcp/"),
        )
    ]
    found += [
        Kind("path", given if len(given) < 100 else "thousands of folders", path(given)) for given in PATHS
    ]
    found += [Kind("connection", called, raw(make)) for called, make in RAW.items()]
    found += [Kind("upload", called, upload(make)) for called, make in UPLOADS.items()]
    found += [
        Kind("upload", f"honest one, {called}", broken_upload(damage)) for called, damage in DAMAGES.items()
    ]
    return found
