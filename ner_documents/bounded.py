"""Work in a separate process: an untrusted file may hang or crash a library, or exhaust the memory.

The process is reused for the next file. It sends frames (a length and JSON) over its standard streams, so
that its answers can only be data.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ner_documents.document import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MEGABYTES", "Answers", "BoundedError", "BoundedProcess", "borrowed", "serve"]

MEGABYTES = 2048

_LENGTH = struct.Struct(">I")
_POLL = 0.1
_IDLE = 2
_FILES_A_PROCESS = 500
_FAILED = 3


class BoundedError(RuntimeError):
    """The process exceeded a limit or crashed; the message says how."""


class BoundedProcess:
    """The caller's side of a process that works on one file at a time.

    Attributes
    ----------
    whole : bool
        Set by the caller when the answer is complete: the process can then be reused.
    """

    def __init__(self, megabytes: int) -> None:
        root = str(Path(__file__).resolve().parents[1])
        paths = os.pathsep.join([root, *filter(None, sys.path)])
        command = [sys.executable, "-c", f"from {__name__} import serve; serve({megabytes})"]
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"}
        self.megabytes = megabytes
        self.owner = os.getpid()
        self.files = 0
        self.whole = False
        self._worker = ""
        self._left = self._seconds = 0.0
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

    def ask(
        self, module: str, question: dict[str, Any], content: bytes | None, seconds: float, worker: str
    ) -> None:
        """Call ``answer(question, content, answers)`` of a module in the process.

        Parameters
        ----------
        module : str
            A module of this package.
        question : dict
            Plain JSON values.
        content : bytes or None
            Content of the file.
        seconds : float
            Time limit; the time that the process waits between frames does not count.
        worker : str
            What runs in the process, for messages.
        """
        self.files += 1
        self.whole = False
        self._worker = worker
        self._left = self._seconds = seconds
        length = None if content is None else len(content)
        self.send({"module": module, "folder": str(Path.cwd()), "length": length, "question": question})
        if content is not None:
            self._write(content)

    def send(self, value: dict[str, Any]) -> None:
        """Send a frame; if the process has died, reading the next frame reports it."""
        self._write(_packed(value))

    def _write(self, content: bytes) -> None:
        target = self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            rest = memoryview(content)
            while target is not None and len(rest):
                rest = rest[target.write(rest) :]

    def frame(self, cancelled: Callable[[], object] | None = None) -> dict[str, Any] | None:
        """Wait for the next frame.

        Parameters
        ----------
        cancelled : callable, optional
            Called ten times a second; what it raises is passed on.

        Returns
        -------
        dict or None
            None when cancelled.

        Raises
        ------
        BoundedError
            When no frame arrives in time, or the process has ended.
        """
        body = self.body(cancelled)
        frame: dict[str, Any] | None = None if body is None else json.loads(body)
        return frame

    def body(self, cancelled: Callable[[], object] | None = None) -> bytes | None:
        """Wait for the next frame and return its bytes; see `frame`."""
        began = time.monotonic()
        try:
            while True:
                if len(self._buffer) >= _LENGTH.size:
                    end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
                    if len(self._buffer) >= end:
                        body = bytes(memoryview(self._buffer)[_LENGTH.size : end])
                        del self._buffer[:end]
                        return body
                if cancelled is not None and cancelled():
                    return None
                left = self._left - (time.monotonic() - began)
                if left <= 0:
                    msg = f"the {self._worker} took longer than {self._seconds:,.0f} seconds; split the file"
                    raise BoundedError(msg)
                if self._selector.select(min(left, _POLL)):
                    data = os.read(self._out.fileno(), 1 << 20)
                    if not data:
                        raise BoundedError(self._death())
                    self._buffer += data
        finally:
            self._left -= time.monotonic() - began

    def _death(self) -> str:
        code = self._process.wait()
        most = f"{self.megabytes:,} MB"
        if code == _FAILED:
            return f"the {self._worker} failed at it: the file is damaged"
        if code < 0 and code != -signal.SIGKILL:
            crash = signal.Signals(-code).name
            return f"the {self._worker} crashed ({crash}): the file is damaged, or needs more than {most}"
        return f"the {self._worker} needed more than {most}, or was ended; split the file"

    def alive(self) -> bool:
        """Return whether the process can be reused."""
        return self._process.poll() is None and not self._buffer

    def end(self) -> None:
        """Kill the process."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


_idle: list[BoundedProcess] = []
_lock = threading.Lock()


@contextmanager
def borrowed(megabytes: int = MEGABYTES) -> Iterator[BoundedProcess]:
    """Lend a process; it is kept for reuse if the answer was complete, else killed.

    Parameters
    ----------
    megabytes : int
        Memory limit (address space, where the system can limit it).
    """
    process = _borrow(megabytes)
    try:
        yield process
    finally:
        with _lock:
            if process.whole and process.files < _FILES_A_PROCESS and len(_idle) < _IDLE:
                _idle.append(process)
            else:
                process.end()


def _borrow(megabytes: int) -> BoundedProcess:
    with _lock:
        for process in _idle:
            if process.owner == os.getpid() and process.megabytes == megabytes:
                _idle.remove(process)
                if process.alive():
                    return process
                process.end()
                break
    return BoundedProcess(megabytes)


@atexit.register
def _end_idle() -> None:
    with _lock:
        for process in _idle:
            if process.owner == os.getpid():
                process.end()
        _idle.clear()


def _packed(value: dict[str, Any]) -> bytes:
    body = json.dumps(value, default=as_text).encode()
    return _LENGTH.pack(len(body)) + body


class Answers:
    """The side of the process: it sends frames and reads questions."""

    def __init__(self, questions: IO[bytes], target: IO[bytes]) -> None:
        self._questions, self._target = questions, target

    def write(self, value: dict[str, Any]) -> None:
        """Send a frame."""
        self._target.write(_packed(value))
        self._target.flush()

    def write_bytes(self, content: bytes) -> None:
        """Send a frame of bytes."""
        self._target.write(_LENGTH.pack(len(content)))
        self._target.write(content)
        self._target.flush()

    def read(self) -> dict[str, Any] | None:
        """Wait for a frame of the caller; None when the caller is gone."""
        head = self._questions.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        value: dict[str, Any] = json.loads(self._questions.read(_LENGTH.unpack(head)[0]))
        return value

    def content(self, length: int | None) -> bytes | None:
        """Read the file that follows a frame."""
        return None if length is None else self._questions.read(length)


def serve(megabytes: int) -> None:
    """Answer questions until the caller closes the stream."""
    answers = Answers(sys.stdin.buffer, os.fdopen(os.dup(1), "wb", 1 << 16))
    os.dup2(2, 1)  # a library's output must not mix with the frames
    _limit(megabytes)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    while asked := answers.read():
        content = answers.content(asked["length"])
        with contextlib.suppress(OSError):
            os.chdir(asked["folder"])
        try:
            importlib.import_module(asked["module"]).answer(asked["question"], content, answers)
        except (MemoryError, RecursionError):
            os._exit(1)
        except BaseException:  # noqa: BLE001 - a panic of a library in Rust is one
            os._exit(_FAILED)


def _limit(megabytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller handles Ctrl-C
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
