"""Work that a script of the page started: how far it is, and the wish to end it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cancelled", "Jobs", "word"]


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """The visitor thought better of it."""


class Jobs:
    """How far long texts are, and which of them are to end."""

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}
        self._ended: set[str] = set()
        self._guard = threading.Lock()

    def begin(self, job: str) -> Callable[[int, int], None]:
        """Return what the core calls after each batch."""
        with self._guard:
            self._shares[job] = 0.0

        def progress(done: int, total: int) -> None:
            with self._guard:
                self._shares[job] = done / total
                if job in self._ended:
                    raise Cancelled

        return progress

    def end(self, job: str) -> None:
        """Forget a job, however it ended."""
        with self._guard:
            self._shares.pop(job, None)
            self._ended.discard(job)

    def cancel(self, job: str) -> None:
        """Let a job end at its next batch."""
        with self._guard:
            if job in self._shares:
                self._ended.add(job)

    def share(self, job: str) -> float:
        """Return how much of a job is done, 0 to 1."""
        with self._guard:
            return self._shares.get(job, 0.0)


def word(sent: Any, name: str) -> str:
    """Return what a script sent under a name, as text; empty where it sent nothing."""
    value = sent.get(name) if isinstance(sent, dict) else None
    return value if isinstance(value, str) else "" if value is None else str(value)[:100]
