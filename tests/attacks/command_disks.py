"""Disks that are full at some moment of ``ner annotate``, ``ner redact`` and ``ner restore``."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ner_documents.writing.formats import OUTPUT_FORMATS
from tests.attacks.attack import Kind
from tests.attacks.disks import REASONS, Disk, disk_in, said, somewhere

if TYPE_CHECKING:
    from random import Random

    from ner_documents.redaction import Key

#: Files that are redacted, and come back byte for byte where they are text.
REDACTED = ("a.txt", "a.csv", "a.json", "a.html", "a.eml", "a.rtf", "a.docx", "a.odt", "a.xlsx", "a.pdf")
RESTORED = REDACTED[:6]


def ner(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command in a folder: status, and what it said."""
    import cli

    chosen = () if arguments[0] == "restore" else ("--model", str(model()), "--device", "CPU")
    before = Path.cwd()
    os.chdir(folder)
    try:
        return said(cli.main, [*arguments, *chosen])
    finally:
        os.chdir(before)


@functools.cache
def model() -> Path:
    from tests.ner_app.conftest import save_lookup_model

    return save_lookup_model(Path(tempfile.mkdtemp(prefix="attacks-")))


@functools.cache
def corpus() -> Path:
    """Rows, pages, and files that cannot be read."""
    from tests.attacks.documents import files

    folder = Path(tempfile.mkdtemp(prefix="attacks-")) / "in"
    folder.mkdir()
    rows = "".join(f"Mary {number} met Priya Raman in Santa Clara.\n\n" for number in range(300))
    (folder / "rows.txt").write_text(rows)
    (folder / "broken.txt").write_bytes(b"no\0text\0")
    for name, content in files().items():
        (folder / name).write_bytes(content)
    return folder


@functools.cache
def annotated(form: str) -> tuple[bytes, bytes]:
    """Output and problems of a run that had room."""
    with tempfile.TemporaryDirectory() as folder:
        status, error = ner(Path(folder), "annotate", str(corpus()), "--format", form, "--quiet", "-o", "out")
        assert status == 0, error
        return tuple(Path(folder, name).read_bytes() for name in ("out", "out.errors.jsonl"))  # type: ignore[return-value]


def failed(status: int, error: str) -> str:
    """Check what is said when there is no room, and tell whether there was."""
    assert "Traceback" not in error, error
    if not any(words in error for words in REASONS):
        return "there was room"
    assert status == 1, error
    return "a sentence, then on it went"


def annotating(form: str):
    def attempt(chance: Random, folder: Path, share: float) -> str:
        right = annotated(form)
        arguments = ("annotate", str(corpus()), "--format", form, "--quiet", "-o", "out", "--resume")
        with disk_in(folder) as disk:
            with disk.full(int((3 * len(right[0]) + 40_000) * share)):
                outcome = failed(*ner(disk.path, *arguments))
            if outcome != "there was room":
                assert not (disk.path / "out").exists(), "half an output was left"
                assert not [path for path in disk.path.rglob("*") if path.name.endswith(".tmp")]
                status, error = ner(disk.path, *arguments)
                assert status == 0, error
            found = tuple((disk.path / name).read_bytes() for name in ("out", "out.errors.jsonl"))
            assert found == right, "other bytes"
            assert names(disk) == ["out", "out.errors.jsonl"]
            return outcome

    return attempt


def names(disk: Disk) -> list[str]:
    return sorted(path.name for path in disk.path.iterdir())


@functools.cache
def original(name: str) -> bytes:
    """A file of some length."""
    from tests.attacks.documents import files

    long = {
        "a.txt": b"Mary Jones (mary@acme.example) met Priya Raman.\n" * 300,
        "a.csv": b"id,text\n" + b"1,Mary met Priya Raman.\n" * 500,
    }
    return long.get(name) or files()[name]


@functools.cache
def redacted(name: str) -> tuple[bytes, bytes]:
    """The redacted file, and the key."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / name).write_bytes(original(name))
        status, error = ner(folder, "redact", name, "-o", f"out/{name}", "--key", "k.key")
        assert status == 0, error
        return (folder / "out" / name).read_bytes(), (folder / "k.key").read_bytes()


def redacting(name: str):
    def attempt(chance: Random, folder: Path, share: float) -> str:
        right, key = redacted(name)
        source = folder / name
        source.write_bytes(original(name))
        arguments = ("redact", str(source), "-o", f"out-{name}", "--key", "k.key", "--report", "r.json")
        with disk_in(folder) as disk:
            with disk.full(int((len(right) + 2 * len(key) + 8_000) * share)):
                outcome = failed(*ner(disk.path, *arguments))
            if outcome != "there was room":
                for left in disk.path.iterdir():
                    assert left.name in (f"out-{name}", "k.key", "r.json"), f"{left.name} was left"
                if (disk.path / "r.json").exists():
                    json.loads((disk.path / "r.json").read_text())
                if (disk.path / "k.key").exists():
                    read_key(disk.path / "k.key")
                if (disk.path / f"out-{name}").exists():
                    assert same(name, (disk.path / f"out-{name}").read_bytes(), right), "half a file was left"
                    assert (disk.path / "k.key").exists(), "a file was redacted, and its key is lost"
                status, error = ner(disk.path, *arguments, "--overwrite")
                assert status == 0, error
            assert same(name, (disk.path / f"out-{name}").read_bytes(), right), "other bytes"
            read_key(disk.path / "k.key")
            return outcome

    return attempt


def same(name: str, one: bytes, other: bytes) -> bool:
    """Return whether two results are equal; a PDF has a time in it."""
    return one == other or (
        name.endswith(".pdf") and one[:5] == other[:5] and abs(len(one) - len(other)) < 64
    )


def read_key(path: Path) -> Key:
    from ner_documents.redaction import Key

    return Key.from_json(path.read_text("utf-8"), str(path))


def restoring(name: str):
    def attempt(chance: Random, folder: Path, share: float) -> str:
        content, key = redacted(name)
        (folder / name).write_bytes(content)
        (folder / "k.key").write_bytes(key)
        arguments = ("restore", str(folder / name), "--key", str(folder / "k.key"), "-o", "back")
        with disk_in(folder) as disk:
            with disk.full(int((len(original(name)) + 8_000) * share)):
                outcome = failed(*ner(disk.path, *arguments))
            if outcome != "there was room":
                assert names(disk) == [], names(disk)
                status, error = ner(disk.path, *arguments)
                assert status == 0, error
            assert (disk.path / "back").read_bytes() == original(name)
            return outcome

    return attempt


def kinds() -> list[Kind]:
    found = {f"annotate: {form}": annotating(form) for form in OUTPUT_FORMATS}
    found |= {f"redact: {name[1:]}": redacting(name) for name in REDACTED}
    found |= {f"restore: {name[1:]}": restoring(name) for name in RESTORED}
    return [Kind("full disk", called, somewhere(attempt)) for called, attempt in found.items()]
