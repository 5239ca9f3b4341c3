"""Transfers that are cancelled or killed, and several processes that want the same file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from model_zoo.download.transfer import Cancelled, Patience
from tests.conftest import PATIENCE, wait_until
from tests.model_zoo.catalog.test_catalog import zoo
from tests.model_zoo.file_server import cut, slowly, stall, status
from tests.model_zoo.transfers import CONTENT, fetch, nothing_else, sha384

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("when", ["before", "stalled", "waiting"])
def test_cancel_stops_soon_and_keeps_the_part(server, tmp_path, when):
    cancel = threading.Event()
    server.faults["/file"] = [{"stalled": stall(1500), "waiting": status(503)}.get(when, cut(0))]
    if when == "before":
        cancel.set()
    else:
        threading.Timer(0.1, cancel.set).start()
    endless = dict.fromkeys(
        ("first_wait", "longest_wait", "window", "stall"), 3600
    )  # longer than a test may run
    with pytest.raises(Cancelled):
        fetch(server, tmp_path / "file", cancel=cancel, patience=Patience(**endless))
    if when == "stalled":
        fetch(server, tmp_path / "file")
        assert server.asked("/file")[1]["Range"] == "bytes=1500-"


def test_cancel_ends_the_wait_for_another_process(server, tmp_path):
    from filelock import FileLock

    cancel = threading.Event()
    (tmp_path / ".partial").mkdir()
    with FileLock(tmp_path / ".partial" / "file.lock"):
        threading.Timer(0.1, cancel.set).start()
        with pytest.raises(Cancelled):
            fetch(server, tmp_path / "file", cancel=cancel)


COMMAND = """
import sys
from model_zoo.catalog.checksum import Checksum
from model_zoo.catalog.sources import HttpSource
from model_zoo.download.transfer import Transfer
from pathlib import Path
url, destination, size, checksum = sys.argv[1:]
done = Transfer().fetch(
    Path(destination), [HttpSource(url=url)], size=int(size), checksum=Checksum(value=checksum)
)
print(done.action)
"""


def start(server, destination):
    arguments = [server.url("/file"), str(destination), "5000", sha384(CONTENT).value]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_kill_minus_nine_in_the_middle_and_start_again(server, tmp_path):
    server.faults["/file"] = [stall(3500)]
    process = start(server, tmp_path / "file")
    part = tmp_path / ".partial" / "file.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 3500, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert part.stat().st_size == 3500
    assert not (tmp_path / "file").exists()
    assert fetch(server, tmp_path / "file").action == "downloaded"
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked("/file")[1]["Range"] == "bytes=3500-"


DOWNLOADER = "import sys; from model_zoo import downloader; sys.exit(downloader.{}(sys.argv[1:]))"


def test_processes_at_once_postprocess_one_after_the_other(server, tmp_path):
    server.files["/file"] = b"two\n" * 50_000
    steps = [
        {"$type": "regex_replace", "file": "file", "pattern": "two", "replacement": replacement}
        for replacement in ("second two", "2")
    ]
    entry = {"name": "file", "size": 200_000, "checksum": sha384(server.files["/file"]).value}
    zoo(tmp_path / "zoo", files=[{**entry, "source": server.url("/file")}], postprocessing=steps)
    arguments = ["--all", "--zoo", str(tmp_path / "zoo"), "-o", str(tmp_path / "out")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DOWNLOADER.format(command), *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for command in ("main", "omz")
    ]
    assert [process.wait(timeout=PATIENCE) for process in processes] == [0, 0]
    (made,) = (tmp_path / "out").rglob("file")
    assert made.read_bytes() == b"second 2\n" * 50_000


def test_two_processes_at_once_make_one_right_file(server, tmp_path):
    server.faults["/file"] = [slowly(20, 0.05)]
    processes = [start(server, tmp_path / "file") for _ in range(2)]
    said = sorted(process.communicate(timeout=PATIENCE)[0].strip() for process in processes)
    assert said == ["already there", "downloaded"]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert nothing_else(tmp_path, "file")
