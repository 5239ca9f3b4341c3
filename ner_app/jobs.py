"""Work started by scripts of the page: progress, partial results, cancellation."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["Cancelled", "Job", "Jobs", "in_background", "until", "word"]

_Step = TypeVar("_Step")
_Result = TypeVar("_Result")
_TICK = 0.25
_LONGEST_NAME = 100
_MOST_UNWANTED = 1000


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """The visitor cancelled."""


class Job:
    """One piece of work; called after each step with the steps done and the steps in all.

    Attributes
    ----------
    share : float
        How much of it is done, 0 to 1.
    news : tuple
        Partial results; replaced as a whole, never mutated.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self.news: tuple[Any, ...] = ()
        self._ended = False

    def __call__(self, done: int, total: int) -> None:
        """Record a step.

        Raises
        ------
        Cancelled
            The visitor cancelled.
        """
        self.share = max(self.share, done / total)
        if self._ended:
            raise Cancelled

    def cancel(self) -> None:
        """Cancel it at its next step."""
        self._ended = True


class Jobs:
    """The running jobs, by the names that scripts gave them."""

    def __init__(self) -> None:
        self._running: dict[str, Job] = {}
        self._unwanted: deque[str] = deque(maxlen=_MOST_UNWANTED)

    @contextmanager
    def running(self, name: str) -> Iterator[Job]:
        """Make a job that can be looked up by its name inside, if that is not longer than scripts make it.

        Examples
        --------
        >>> jobs = Jobs()
        >>> with jobs.running("a" * 101):
        ...     jobs.get("a" * 101) is None
        True
        """
        name = name[:_LONGEST_NAME]
        job = self._running[name] = Job()
        if name in self._unwanted:
            job.cancel()
        try:
            yield job
        finally:
            self._running.pop(name, None)

    def get(self, name: str) -> Job | None:
        """Return a job that runs, or None."""
        return self._running.get(name)

    def cancel(self, name: str) -> None:
        """Cancel a job at its next step, also one that has not begun: requests overtake each other."""
        if job := self.get(name):
            job.cancel()
        elif name:
            self._unwanted.append(name[:_LONGEST_NAME])


def until(ended: threading.Event) -> Callable[..., None]:
    """Return a progress callback that raises `Cancelled` once `ended` is set."""

    def step(*_: int) -> None:
        if ended.is_set():
            raise Cancelled

    return step


def in_background(
    work: Callable[[], _Result], step: Callable[[], _Step], cancelled: threading.Event
) -> Generator[_Step, None, _Result]:
    """Run work in a thread, so that whoever waits for it can leave at any time.

    Parameters
    ----------
    work : callable
        Should end soon once `cancelled` is set; nobody waits for it then.
    step : callable
        Returns what is yielded while it runs: Gradio notices at each one whether the visitor is still there.
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
        yield step()
    return future.result()


def word(sent: Any, name: str) -> str:
    """Return a value that a script sent, as text; empty if absent."""
    value = sent.get(name) if isinstance(sent, dict) else None
    return value if isinstance(value, str) else "" if value is None else str(value)[:100]
