"""Visitors, and how many requests of each may run or wait at once, so that none starves the others."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from ner_app.jobs import Cancelled, until
from ner_app.limits import LimitError
from ner_documents.fetching import is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

__all__ = ["BusyError", "TooManyRequestsError", "Turns", "Visitors", "visitor_of"]

_Answer = TypeVar("_Answer")
#: Requests of programs that run at once.
_RUNNING = 16


class TooManyRequestsError(LimitError):
    """A visitor has as many requests running or waiting as one may have."""

    status = 429


class BusyError(LimitError):
    """Too many requests of all visitors wait already."""

    status = 503


class Visitors:
    """Counts what each visitor has running, so that none can starve the others.

    A request over the limit is refused at once and so leaves the queue. This machine's own address is free.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._running: Counter[str] = Counter()
        self._guard = threading.Lock()

    @contextmanager
    def slot(self, request: Any) -> Iterator[None]:
        """Hold one of the visitor's slots.

        Parameters
        ----------
        request : gradio.Request, starlette.requests.Request or None
            The request; None (a call from inside) is not limited.

        Raises
        ------
        TooManyRequestsError
            The visitor already has as many requests running as allowed.
        """
        visitor = visitor_of(request)
        if not visitor:
            yield
            return
        with self._guard:
            if self._running[visitor] >= self.jobs:
                raise self.refusal(self.jobs)
            self._running[visitor] += 1
        try:
            yield
        finally:
            with self._guard:
                self._running[visitor] -= 1
                if not self._running[visitor]:
                    del self._running[visitor]

    def refusal(self, jobs: int) -> TooManyRequestsError:
        """Return the error for a visitor who has that many requests here."""
        requests = "a request" if jobs == 1 else f"{jobs} requests"
        return TooManyRequestsError(f"You already have {requests} running here. Wait for one to finish.")


class Turns:
    """Runs the requests of programs in threads: a few at once, some waiting, the rest refused at once.

    Parameters
    ----------
    visitors : Visitors
        Counts what each visitor has running or waiting.
    waiting : int
        Most requests that wait.
    """

    def __init__(self, visitors: Visitors, *, waiting: int = 200) -> None:
        self._visitors = visitors
        self._waiting = waiting
        self._limiter = anyio.CapacityLimiter(_RUNNING)

    async def run(self, request: Any, work: Callable[..., _Answer], *arguments: Any) -> _Answer:
        """Return what `work` returns.

        Raises
        ------
        TooManyRequestsError, BusyError
            The request must not even wait.
        """
        with self._visitors.slot(request):
            if self._limiter.statistics().tasks_waiting >= self._waiting:
                msg = f"{self._waiting:,} requests are waiting already. Try again in a few seconds."
                raise BusyError(msg)
            return await anyio.to_thread.run_sync(functools.partial(work, *arguments), limiter=self._limiter)

    async def run_while_heard(
        self, request: Request, work: Callable[..., _Answer], *arguments: Any
    ) -> _Answer:
        """Return what `work` returns; it ends soon after the client disconnects.

        Parameters
        ----------
        request : starlette.requests.Request
            Its body has been read.
        work : callable
            Also gets `progress`, which raises `Cancelled` once the client has left.
        *arguments
            Of `work`.

        Raises
        ------
        Cancelled
            The client has left.
        TooManyRequestsError, BusyError
            As `run`.
        """
        left = threading.Event()

        with anyio.CancelScope() as scope:

            async def wait_for_the_end() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                left.set()
                scope.cancel()  # what still waits for its turn never begins

            listening = asyncio.create_task(wait_for_the_end())
            try:
                return await self.run(request, functools.partial(work, progress=until(left)), *arguments)
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening
        raise Cancelled


def visitor_of(request: Any) -> str:
    """Return the visitor's address, or an empty string for this machine itself.

    Parameters
    ----------
    request : gradio.Request, starlette.requests.Request or None
        The request.
    """
    if request is None or request.client is None:
        return ""
    address = str(request.client.host)
    if is_public(address):
        return address
    # From a private address it may be a proxy that asks for somebody else. It adds the address that it saw at
    # the end of the header; what stands before it, the visitor may have made up.
    forwarded = str(request.headers.get("x-forwarded-for", "")).rpartition(",")[2].strip()
    return forwarded or ("" if address in {"127.0.0.1", "::1", "localhost"} else address)
