"""What people and programs see of downloads."""

from __future__ import annotations

import io
import json
import sys
import threading

from model_zoo.catalog.events import JsonReporter
from model_zoo.download.reporting import TextReporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(file: str, size: int, total: int | None = 100) -> dict:
    event = {"$type": "model_file_download_progress", "model": "m", "model_file": file}
    return {**event, "size": size, "total": total}


def end(file: str, **changes: object) -> dict:
    event = {"$type": "model_file_download_end", "model": "m", "model_file": file}
    return {**event, "successful": True, "action": "downloaded", "size": 100, **changes}


def test_one_bar_for_each_file_on_a_terminal(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    report = TextReporter()
    for event in (
        progress("a.bin", 10),
        progress("b.bin", 20, None),
        progress("a.bin", 60),
        progress("a.bin", 5),
    ):
        report(event)
    assert len(report._bars) == 2
    assert "a.bin" in terminal.getvalue()
    assert "b.bin" in terminal.getvalue()
    report(end("a.bin"))
    report(end("b.bin", successful=False, action="failed"))
    assert not report._bars
    report(progress("c.bin", 1))
    report.close()
    assert not report._bars
    said = capsys.readouterr().out
    assert "a.bin: downloaded (100 B)" in said
    assert "b.bin: failed" in said


def test_no_bars_in_a_file(capsys):
    report = TextReporter()
    report({"$type": "model_download_begin", "model": "m", "num_files": 1, "folder": "f"})
    report(progress("a.bin", 10))
    report({"$type": "some_event_of_tomorrow"})
    report({"$type": "model_postprocessing_begin", "model": "m"})
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == "Downloading m (1 file) to f\n  Postprocessing m\n"


def test_json_lines_of_several_threads_do_not_mix(capsys):
    report = JsonReporter()
    threads = [
        threading.Thread(target=lambda name=name: [report(progress(name * 500, size)) for size in range(50)])
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(events) == 200
    report.close()
