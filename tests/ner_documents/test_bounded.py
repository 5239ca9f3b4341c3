"""Reading in a process that is ended when it takes too much; nothing else suffers."""

import os
import time
from pathlib import Path

import pytest

from ner_documents.document import Document, Problem
from ner_documents.reading import ReadOptions, bounded, read, read_bounded

DEEP = b"<div>" * 100_000  # minutes: the parser looks through all open elements for each


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
def test_what_needs_too_much_memory_is_ended():
    (problem,) = read_bounded("a.html", content=b"<p>x</p>" * 2_000_000, megabytes=300)
    assert isinstance(problem, Problem)
    assert problem.lost


def test_a_crash_is_a_problem_of_its_file(monkeypatch):
    process = bounded._Process(bounded.MEGABYTES)
    monkeypatch.setattr(bounded, "_borrow", lambda size: process)
    process._process.send_signal(11)
    process._process.wait()
    (problem,) = read_bounded("a.txt", content=b"x")
    assert "crashed (SIGSEGV)" in problem.reason


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
