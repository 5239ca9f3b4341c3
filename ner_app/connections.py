"""Idle connections are closed, so that others can always connect."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import uvicorn.protocols.http.auto

if TYPE_CHECKING:
    import asyncio

__all__ = ["bound_connections"]

#: Deadline for the head of a request.
_SECONDS = 20.0
_MOST_FILES = 16_384

_Protocol: Any = uvicorn.protocols.http.auto.AutoHTTPProtocol


class _Punctual(_Protocol):
    """HTTP with a deadline for the head of a request; uvicorn waits for it forever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        asked = self.cycle is not None and not self.cycle.response_complete
        if asked or self.transport.get_protocol() is not self:
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bound_connections() -> None:
    """Close idle connections of pages started from now on, and raise the limit of open connections.

    Most systems let a process have 1,024 files and connections unless it asks for more.
    """
    uvicorn.protocols.http.auto.AutoHTTPProtocol = _Punctual
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
