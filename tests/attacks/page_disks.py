"""The page on a disk that is full at some moment."""

from __future__ import annotations

import atexit
import functools
import json
import os
import secrets
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks.attack import Kind
from tests.attacks.disks import REASONS, Disk, somewhere

if TYPE_CHECKING:
    from random import Random


@functools.cache
def page() -> tuple[Disk, str, Any]:
    """A page whose uploads and results are on a disk of its own: the disk, the address, the page."""
    from tests.ner_app.conftest import save_lookup_model

    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    save_lookup_model(folder)
    disk = Disk(folder / "disk")
    atexit.register(disk.end)
    os.environ |= {"NER_MODELS_DIR": str(folder), "NER_PUBLIC": "0", "GRADIO_TEMP_DIR": str(disk.path / "g")}
    from app import build_demo
    from ner_app.service import Service
    from ner_app.web import launch

    service = Service("lookup")
    demo = build_demo(service)
    return disk, launch(demo, service, block=False, quiet=True), demo


def sent(name: str, content: bytes) -> tuple[int, str, list[str]]:
    """Upload a file: status, what the page says, and where it is."""
    import requests

    answer = requests.post(f"{page()[1]}/gradio_api/upload", files={"files": (name, content)}, timeout=60)
    return answer.status_code, answer.text, answer.json() if answer.ok else []


def pressed(function: str, *data: Any) -> dict[str, Any]:
    """Press a button as a browser does, and return what the page shows in the end, by id of the element."""
    import requests

    _, address, demo = page()
    [(number, pressed)] = [(index, one) for index, one in demo.fns.items() if one.name == function]
    session = secrets.token_hex(6)
    question = {"data": data, "fn_index": number, "session_hash": session}
    requests.post(f"{address}/gradio_api/queue/join", json=question, timeout=60).raise_for_status()
    with requests.get(
        f"{address}/gradio_api/queue/data", params={"session_hash": session}, stream=True, timeout=60
    ) as events:
        for line in events.iter_lines():
            event = json.loads(line.removeprefix(b"data:")) if line else {}
            if event.get("msg") == "process_completed":
                values = event["output"].get("data") or []
                shown = {one.elem_id: value for one, value in zip(pressed.outputs, values, strict=False)}
                return shown | {"error": "" if event["success"] else str(event["output"].get("error"))}
    msg = "the answer broke off"
    raise AssertionError(msg)


def told(shown: dict[str, Any]) -> str:
    """Check that a page which could not write says so in a sentence."""
    said = shown.get("documents-status") or shown.get("redaction-status")
    text = f"{said} {shown['error']}"
    assert any(words in text for words in REASONS), text
    assert "Traceback" not in text
    return "a sentence, then on it went"


def emptied(disk: Disk) -> None:
    for path in disk.path.iterdir():
        shutil.rmtree(path, ignore_errors=True)


def upload(chance: Random, folder: Path, share: float) -> str:
    disk, _, _ = page()
    content = chance.randbytes(900_000)
    (disk.path / "g").mkdir(exist_ok=True)
    with disk.full(int(1_000_000 * share)):
        status, text, stored = sent("a.txt", content)
    assert status in (200, 507), (status, text)
    assert status == 200 or "is full" in text, text
    for path in (disk.path / "g").rglob("*"):
        assert path.is_dir() or path.read_bytes() == content, f"{path.stat().st_size} bytes were left"
    assert sent("a.txt", content)[0] == 200
    emptied(disk)
    return "a sentence, then on it went" if not stored else "there was room"


def work(function: str, name: str, content: bytes, most: int, *data: Any):
    """A button is pressed while the disk for uploads and results is full."""

    def attempt(chance: Random, folder: Path, share: float) -> str:
        disk, _, _ = page()
        (disk.path / "t").mkdir(exist_ok=True)
        _, _, [stored] = sent(name, content)
        before, tempfile.tempdir = tempfile.tempdir, str(disk.path / "t")
        given = [{"path": stored, "meta": {"_type": "gradio.FileData"}}]
        try:
            with disk.full(int(most * share)):
                shown = pressed(function, given, *data)
            ready = "download-redacted" if function == "redact_files" else "download-zip"
            outcome = "there was room" if is_whole(shown, ready) else told(shown)
            assert not list((disk.path / "t").iterdir()), "half a result was left"
            for path in (disk.path / "g").rglob("*.zip"):
                assert zipfile.ZipFile(path).testzip() is None, "half a result can be had"
            again = pressed(function, given, *data)
            assert is_whole(again, ready), again
            return outcome
        finally:
            tempfile.tempdir = before
            emptied(disk)

    return attempt


def is_whole(shown: dict[str, Any], ready: str) -> bool:
    """Return whether there is a zip, and read all of it."""
    value = (shown.get(ready) or {}).get("value")
    return bool(value) and zipfile.ZipFile(value["path"]).testzip() is None


TEXT = b"Mary met Priya Raman of Acme in Santa Clara. " * 3000
TABLE = b"id,text,state\n" + b"".join(
    b"%d,Mary met Acme in Rotterdam.,open\n" % number for number in range(1500)
)
CHOICE = ("lookup", "CPU", "")


def kinds() -> list[Kind]:
    found = {
        "page: upload": upload,
        "page: names of a document, and their zip": work(
            "recognize_all", "a.txt", TEXT, 3_000_000, "", *CHOICE, 0.0, "", "", ""
        ),
        "page: a table, and its copy with columns": work(
            "recognize_all", "a.csv", TABLE, 1_500_000, "", *CHOICE, 0.0, "", "", ""
        ),
        "page: redacted files": work(
            "redact_files", "a.txt", TEXT[: len(TEXT) // 3], 10_000, *CHOICE, "number"
        ),
    }
    return [Kind("full disk", called, somewhere(attempt)) for called, attempt in found.items()]
