"""Reading in a process that is ended when it takes too much; nothing else suffers."""

import os
import time
from pathlib import Path

import pytest

from ner_core import Entity, Recognition
from ner_documents import bounded
from ner_documents.document import Document
from ner_documents.reading import ReadOptions, read, read_bounded
from ner_documents.redaction import FormatError, Redactor, redact_file
from ner_documents.redaction.bounded import redact_bounded
from tests.ner_documents.packing import packed

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DEEP = b"<i>" * 100_000 + b"<hr>" * 100_000  # minutes: the parser looks through all open elements for each


def test_what_comes_is_what_read_gives():
    pages = {
        "a.html": "<h1>Zoë</h1><p>\U0001f600</p>".encode(),
        "a.csv": b'id,text\n1,"a\nb"\n2,c,d\n',
        "a.conll": b"Mary O\nsings O\n\n",
        "a.jsonl": b'{"text": "\\ud800", "n": [1, null]}\n',
        "a.txt": b"Jos\xe9",
    }
    for name, content in pages.items():
        assert list(read_bounded(name, content=content)) == list(read(name, content=content))
    options = ReadOptions(column="b")
    assert [item.text for item in read_bounded("a.csv", options, content=b"a,b\n1,x\n")] == ["x"]


def test_what_takes_too_long_is_ended_and_others_are_read():
    began = time.monotonic()
    (problem,) = read_bounded("a.html", content=DEEP, seconds=0.5)
    assert "longer than 0 seconds" in problem.reason or "longer than 1 second" in problem.reason
    assert time.monotonic() - began < 30
    (document,) = read_bounded("b.txt", content=b"Mary")
    assert document.text == "Mary"


def test_cancelling_ends_at_once():
    asked = []
    began = time.monotonic()
    found = list(read_bounded("a.html", content=DEEP, cancelled=lambda: bool(asked) or asked.append(1)))
    assert (found, time.monotonic() - began < 30) == ([], True)


@pytest.mark.skipif(not Path("/proc").exists(), reason="address space is bounded on Linux")
def test_a_lack_of_memory_is_not_said_to_be_damage():
    word = f'<w:document xmlns:w="{WORD}">{"<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 300_000}</w:document>'
    large = {"a.html": b"<p>x</p>" * 600_000, "a.docx": packed({"word/document.xml": word})}
    for name, content in large.items():
        (problem,) = read_bounded(name, content=content, megabytes=200)
        assert "memory" in problem.reason


def test_a_crash_is_a_problem_of_its_file(monkeypatch):
    process = bounded.BoundedProcess(bounded.MEGABYTES)
    monkeypatch.setattr(bounded, "_borrow", lambda size: process)
    process._process.send_signal(11)
    process._process.wait()
    (problem,) = read_bounded("a.txt", content=b"x")
    assert "crashed (SIGSEGV)" in problem.reason


@pytest.fixture
def aborting_pdf(tmp_path, monkeypatch):
    """A library for PDF that ends the process which calls it, as native code does."""
    (tmp_path / "pypdfium2.py").write_text("import os\n\nos.abort()\n")
    monkeypatch.syspath_prepend(tmp_path)
    bounded._end_idle()  # those know the real one
    yield
    bounded._end_idle()


@pytest.mark.usefixtures("aborting_pdf")
def test_a_library_that_aborts_takes_its_own_process_alone():
    (problem,) = read_bounded("a.pdf", content=b"%PDF-1.7")
    assert "the reader crashed (SIGABRT)" in problem.reason
    redactor = Redactor()
    with pytest.raises(FormatError, match=r"crashed \(SIGABRT\): the file is damaged"):
        redact_bounded("a.pdf", b"%PDF-1.7", names, redactor)
    assert redact_bounded("b.txt", b"Mary sings.", names, redactor).content == b"PER_1 sings."


def test_a_panic_of_a_library_is_said_to_be_the_file(tmp_path, monkeypatch):
    (tmp_path / "pypdfium2.py").write_text("class Panic(BaseException): pass\n\n\nraise Panic\n")
    monkeypatch.syspath_prepend(tmp_path)
    bounded._end_idle()  # those know the real one
    (problem,) = read_bounded("a.pdf", content=b"%PDF-1.7")
    bounded._end_idle()
    assert problem.reason == "the reader failed at it: the file is damaged"


def names(texts):
    for text in texts:
        start = text.find("Mary")
        yield Recognition(text, (Entity(start, start + 4, "PER", 0.9, "Mary"),) if start >= 0 else ())


LETTER = b"""From: Mary <mary@acme.example>
To: b@acme.example
Content-Type: multipart/mixed; boundary=x

--x

Mary and b@acme.example.
--x
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment; filename=a.txt

Mary again.
--x--
"""


def test_what_is_redacted_apart_is_what_is_redacted_here():
    files = {
        "a.txt": b"Mary met b@acme.example and \xed\xa0\x80.",
        "b.eml": LETTER,
        "c.csv": b"a,b\nMary,1\n",
    }
    here, apart = Redactor(), Redactor()
    for name, content in files.items():
        assert redact_bounded(name, content, names, apart) == redact_file(name, content, names, here)
    assert apart.placeholders.identities == here.placeholders.identities
    with pytest.raises(FormatError, match="files of this type are not redacted"):
        redact_bounded("a.exe", b"MZ", names, apart)
    assert apart.placeholders.identities == here.placeholders.identities


def test_redaction_that_takes_too_long_or_is_cancelled_is_ended():
    rows = b"Mary met Anna.\n" * 200_000
    with pytest.raises(FormatError, match="took longer than 0 seconds"):
        redact_bounded("a.txt", rows, names, Redactor(), seconds=0.01)
    with pytest.raises(KeyError):
        redact_bounded("a.txt", rows, names, Redactor(), cancelled=lambda: {}["cancelled"])


def test_a_process_serves_many_files_and_none_is_left_behind():
    items = [item for n in range(20) for item in read_bounded("a.txt", content=b"x%d" % n)]
    assert [item.text for item in items if isinstance(item, Document)] == [f"x{n}" for n in range(20)]
    assert len(bounded._idle) <= 2


def test_readers_that_stop_early_leave_no_process_in_use():
    rows = read_bounded("a.csv", content=b"text\n" + b"x\n" * 100_000)
    next(rows)
    rows.close()
    assert next(read_bounded("b.txt", content=b"Mary")).text == "Mary"


def test_pipes_and_devices_found_in_folders_are_problems(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to("/dev/zero")
    (tmp_path / "c.txt").mkdir()
    for name in ("a.parquet", "a.zip", "a.pdf"):
        os.mkfifo(tmp_path / name)
    for name in ("a.txt", "b.txt", "c.txt", "a.parquet", "a.zip", "a.pdf"):
        (problem,) = read(tmp_path / name)
        assert "not a file" in problem.reason or "directory" in problem.reason
