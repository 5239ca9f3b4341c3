"""Commands of the zoo in separate processes, which are read line by line and can be stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from ner_app.jobs import in_background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["CommandError", "Commands"]

_GRACE = 5.0
_ERROR_LINES = 12


class CommandError(RuntimeError):
    """A command of the zoo failed; the message is what it said."""


class Commands:
    """Commands for the model `name`, one after the other until they are `cancelled`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cancelled = False
        self._process: subprocess.Popen[str] | None = None

    def cancel(self) -> None:
        """Stop what runs; nothing is run after it."""
        self.cancelled = True
        self._stop()

    def _stop(self) -> None:
        """End the process, gently if it listens."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _do(self, step: str, arguments: Sequence[str], take: Callable[[str], Any]) -> Iterator[None]:
        """Run a Python script or module; yield a few times a second until it ends.

        Parameters
        ----------
        step : str
            What it does, for people.
        arguments : sequence of str
            Of the Python interpreter.
        take : callable
            Gets each line of standard output and of standard error.

        Raises
        ------
        CommandError
            It failed; has the last lines of standard error.
        """
        process = self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        said: deque[str] = deque(maxlen=_ERROR_LINES)

        def read_errors() -> None:
            for line in process.stderr or ():
                said.append(line)
                take(line)

        def read() -> None:
            errors = threading.Thread(target=read_errors, daemon=True)
            errors.start()
            for line in process.stdout or ():
                take(line)
            errors.join()

        yield from in_background(read, lambda: None, threading.Event())
        if process.wait() and not self.cancelled:
            msg = f"{step} {self.name} failed.\n{''.join(said).strip()}"
            raise CommandError(msg)
