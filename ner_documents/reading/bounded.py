"""Reading in a process of its own: files of strangers may hang, crash or fill the memory of a library.

The process is kept for the next file. It speaks in frames, a length and JSON, over its standard streams, so
that nothing it says can be more than data.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ner_documents.document import Block, Document, Problem
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.registry import read, source_of
from ner_documents.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["SECONDS", "UNTRUSTED", "read_bounded", "serve"]

SECONDS = 60.0
MEGABYTES = 2048
#: Formats that libraries read, or that hold files of other formats.
UNTRUSTED = frozenset("html pdf docx odt rtf xlsx json eml mbox srt zip".split())  # noqa: SIM905

_LENGTH = struct.Struct(">I")
_POLL = 0.1
_IDLE = 2
_FILES_A_PROCESS = 500


def read_bounded(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    content: bytes | None = None,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[Document | Problem, None, None]:
    """Read as `read` does, in a process of its own that is ended when it takes too much.

    Parameters
    ----------
    source, options, content
        As for `read`; values of fields that JSON does not know come as strings.
    seconds : float
        Longest time that the process may work; what the caller does between items does not count.
    megabytes : int
        Most memory (address space, where the system can bound it).
    cancelled : callable, optional
        Asked ten times a second; once it returns True nothing more comes.

    Yields
    ------
    Document or Problem
        As `read`; a file that takes too much time or memory, or ends the process, ends with a problem.
    """
    found = source_of(source, content)
    if isinstance(found, Problem):
        yield found
        return
    process = _borrow(megabytes)
    whole = False
    try:
        process.ask(found, options or ReadOptions())
        left = seconds
        while True:
            waited = time.monotonic()
            try:
                frame = process.frame(left, cancelled)
            except TimeoutError:
                reason = f"reading took longer than {seconds:,.0f} seconds; split the file"
                yield Problem(found.path, None, reason)
                return
            except EOFError:
                yield Problem(found.path, None, process.death(megabytes))
                return
            left -= time.monotonic() - waited
            if frame is None:
                return
            if "end" in frame:
                whole = True
                return
            yield _item(frame)
    finally:
        _give_back(process, megabytes, usable=whole)


class _Process:
    """The other end of a reading process."""

    def __init__(self, megabytes: int) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, *filter(None, sys.path)])
        command = [sys.executable, "-c", f"from {__name__} import serve; serve({megabytes})"]
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"}
        self.files = 0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        self._buffer = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    @property
    def _out(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - it was opened as a pipe
        return self._process.stdout

    def ask(self, source: Source, options: ReadOptions) -> None:
        """Send a file to read."""
        self.files += 1
        content = source.content
        plain = {**dataclasses.asdict(dataclasses.replace(source, content=None)), "content": None}
        question: dict[str, Any] = {
            "source": plain,
            "options": dataclasses.asdict(options),
            "folder": str(Path.cwd()),
        }
        question["length"] = None if content is None else len(content)
        target = self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it died; the answer will say so
            if target is not None:
                _write(target, question)
                if content is not None:
                    target.write(content)
                target.flush()

    def frame(self, seconds: float, cancelled: Callable[[], bool] | None) -> dict[str, Any] | None:
        """Wait for the next frame; None when cancelled.

        Raises
        ------
        TimeoutError, EOFError
            When nothing comes in time, or nothing more can come.
        """
        deadline = time.monotonic() + seconds
        while True:
            if len(self._buffer) >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer)
                if len(self._buffer) >= _LENGTH.size + length:
                    body = bytes(self._buffer[_LENGTH.size : _LENGTH.size + length])
                    del self._buffer[: _LENGTH.size + length]
                    frame: dict[str, Any] = json.loads(body)
                    return frame
            if cancelled is not None and cancelled():
                return None
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if self._selector.select(min(left, _POLL)):
                data = os.read(self._out.fileno(), 1 << 20)
                if not data:
                    raise EOFError
                self._buffer += data

    def death(self, megabytes: int) -> str:
        """Say how the process ended."""
        code = self._process.wait()
        if code < 0 and code != -signal.SIGKILL:
            return f"the reader crashed ({signal.Signals(-code).name}): the file is damaged"
        return f"the reader needed more than {megabytes:,} MB, or was ended; split the file"

    def alive(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None and not self._buffer

    def end(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


_idle: list[tuple[int, int, _Process]] = []
_lock = threading.Lock()


def _borrow(megabytes: int) -> _Process:
    with _lock:
        for entry in _idle:
            owner, size, process = entry
            if owner == os.getpid() and size == megabytes:
                _idle.remove(entry)
                if process.alive():
                    return process
                process.end()
                break
    return _Process(megabytes)


def _give_back(process: _Process, megabytes: int, *, usable: bool) -> None:
    if usable and process.files < _FILES_A_PROCESS:
        with _lock:
            if len(_idle) < _IDLE:
                _idle.append((os.getpid(), megabytes, process))
                return
    process.end()


@atexit.register
def _end_idle() -> None:
    with _lock:
        for owner, _, process in _idle:
            if owner == os.getpid():
                process.end()
        _idle.clear()


def _write(target: IO[bytes], value: dict[str, Any]) -> None:
    body = json.dumps(value, default=_as_text).encode()
    target.write(_LENGTH.pack(len(body)) + body)


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _frame_of(item: Document | Problem) -> dict[str, Any]:
    if isinstance(item, Problem):
        return {
            "problem": [
                item.source,
                item.line,
                item.reason,
                item.raw.decode("latin-1"),
                item.place,
                item.lost,
            ]
        }
    blocks = [[one.kind, one.start, one.end, one.row, one.column, one.place] for one in item.blocks]
    fields = {key: None if value is item.text else value for key, value in item.fields.items()}
    same = [key for key, value in item.fields.items() if value is item.text]
    return {
        "document": [item.source, item.line, item.text, fields, item.lines, item.words, blocks, item.place],
        "same": same,
    }


def _item(frame: dict[str, Any]) -> Document | Problem:
    if "problem" in frame:
        source, line, reason, raw, place, lost = frame["problem"]
        return Problem(source, line, reason, raw.encode("latin-1"), place, lost)
    source, line, text, fields, lines, words, blocks, place = frame["document"]
    fields |= dict.fromkeys(frame["same"], text)
    made = tuple(Block(*block) for block in blocks)
    return Document(
        source, line, text, fields, tuple(lines), None if words is None else tuple(words), made, place
    )


def serve(megabytes: int) -> None:
    """Answer questions until nobody asks any more."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", 1 << 16)
    os.dup2(2, 1)  # what a library prints must not come between the frames
    _limit(megabytes)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    while head := questions.read(_LENGTH.size):
        question = json.loads(questions.read(_LENGTH.unpack(head)[0]))
        length = question["length"]
        content = None if length is None else questions.read(length)
        with contextlib.suppress(OSError):
            os.chdir(question["folder"])
        source = Source(**{**question["source"], "content": content})
        try:
            for item in read(source, ReadOptions(**question["options"])):
                _write(answers, _frame_of(item))
                answers.flush()
            _write(answers, {"end": True})
        except (MemoryError, RecursionError):
            os._exit(1)
        answers.flush()


def _limit(megabytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what Ctrl-C means
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
