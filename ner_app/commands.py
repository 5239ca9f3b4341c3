"""Commands of the zoo in separate processes, which are read line by line and can be stopped."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Command", "CommandError", "Commands"]

_TICK = 0.5
_GRACE = 5.0
_ERROR_LINES = 12


class Command:
    """One run of a Python script or module.

    Parameters
    ----------
    arguments : sequence of str
        Of the Python interpreter.
    take : callable
        Gets each line of standard output.
    take_error : callable, optional
        Gets each line of standard error; the last ones are kept in any case.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        take: Callable[[str], Any],
        take_error: Callable[[str], Any] = lambda _: None,
    ) -> None:
        self._take = {"out": take, "error": take_error}
        self._errors: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    @property
    def said(self) -> str:
        """The last lines of standard error."""
        return "".join(self._errors[-_ERROR_LINES:]).strip()

    def run(self) -> Iterator[None]:
        """Read the lines as they come; yield a few times a second until the process ends."""
        lines: queue.Queue[tuple[str, str | None]] = queue.Queue()
        streams = {"out": self._process.stdout, "error": self._process.stderr}
        for name, stream in streams.items():
            threading.Thread(target=_drain, args=(stream, name, lines), daemon=True).start()
        unfinished = len(streams)
        while unfinished:
            deadline = time.monotonic() + _TICK
            while unfinished and (left := deadline - time.monotonic()) > 0:
                try:
                    name, line = lines.get(timeout=left)
                except queue.Empty:
                    break
                if line is None:
                    unfinished -= 1
                    continue
                if name == "error":
                    self._errors = [*self._errors[-_ERROR_LINES:], line]
                self._take[name](line)
            yield

    def failed(self) -> bool:
        """Wait for the end, and return whether it was a failure."""
        return self._process.wait() != 0

    def stop(self) -> None:
        """End the process, gently if it listens."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class CommandError(RuntimeError):
    """A command of the zoo failed; the message is what it said."""


class Commands:
    """Commands for the model `name`, one after the other until they are `cancelled`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cancelled = False
        self._command: Command | None = None

    def cancel(self) -> None:
        """Stop what runs; nothing is run after it."""
        self.cancelled = True
        self._stop()

    def _stop(self) -> None:
        if self._command is not None:
            self._command.stop()

    def _do(self, step: str, *command: Any) -> Iterator[None]:
        """Run a `Command` of these arguments; raises `CommandError` where it fails."""
        self._command = running = Command(*command)
        yield from running.run()
        if running.failed() and not self.cancelled:
            msg = f"{step} {self.name} failed.\n{running.said}"
            raise CommandError(msg)


def _drain(stream: Any, name: str, lines: queue.Queue[tuple[str, str | None]]) -> None:
    """Queue the lines of a stream, and None at its end."""
    try:
        for line in stream:
            lines.put((name, line))
    finally:
        lines.put((name, None))
