"""Work that a script of the page started: how far it is, and the wish to end it."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Cancelled", "Jobs", "in_background", "word"]

_Step = TypeVar("_Step")
_Result = TypeVar("_Result")
_TICK = 0.25


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


def in_background(
    work: Callable[[], _Result], step: _Step, cancelled: threading.Event
) -> Generator[_Step, None, _Result]:
    """Run work in a thread, so that whoever waits for it can leave at any time.

    Parameters
    ----------
    work : callable
        Should end soon once `cancelled` is set; nobody waits for it then.
    step : object
        What is yielded while it runs: Gradio notices at each one whether the visitor is still there.
    cancelled : threading.Event
        Ends the waiting.

    Returns
    -------
    object
        What `work` returns; its errors are raised.

    Raises
    ------
    Cancelled
        It was cancelled before there was a result.
    """
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([future], _TICK).done:
        if cancelled.is_set():
            raise Cancelled
        yield step
    return future.result()


def word(sent: Any, name: str) -> str:
    """Return what a script sent under a name, as text; empty where it sent nothing."""
    value = sent.get(name) if isinstance(sent, dict) else None
    return value if isinstance(value, str) else "" if value is None else str(value)[:100]
