"""Long-running work, one at a time in a separate thread; visitors may leave and come back."""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Work", "Works"]

_LOG = logging.getLogger(__name__)


class Work(Protocol):
    """A download and conversion, or a lesson."""

    name: str

    def run(self) -> Iterator[Any]:
        """Do it; yield a few times a second."""

    def cancel(self) -> None:
        """Ask it to end soon."""

    def view(self) -> str:
        """Return the progress as HTML."""

    def end(self) -> dict[str, Any]:
        """Return how it ended, for the browser."""

    def failure(self, error: Exception) -> dict[str, Any]:
        """Return how it failed, for the browser."""


class Works:
    """The one work that runs at a time, and who started it.

    Parameters
    ----------
    ended : callable
        Called after each work, however it ended.
    doing : str
        What is done to the model that a work names, for the visitor who has to wait.
    """

    def __init__(self, ended: Callable[[], None], doing: str) -> None:
        self._after, self._doing = ended, doing
        self._guard = threading.Lock()
        self._running: Work | None = None
        self._token = ""
        self._ended: dict[str, dict[str, Any]] = {}

    def start(self, work: Work) -> dict[str, str]:
        """Start one.

        Returns
        -------
        dict
            ``token`` for `look` and `cancel`, or ``error``: why it cannot start.
        """
        with self._guard:
            if self._running is not None:
                busy = self._running.name
                return {"error": f"{busy} is being {self._doing}. Wait for it to finish, or cancel it."}
            self._running = work
            self._token = token = secrets.token_urlsafe(12)
        threading.Thread(target=self._run, args=(work, token), daemon=True).start()
        return {"token": token}

    def is_busy_with(self, name: str) -> bool:
        """Return whether this model is being worked on."""
        with self._guard:
            return self._running is not None and self._running.name == name

    def look(self, token: str) -> dict[str, Any]:
        """Return the progress, or how it ended, as HTML."""
        with self._guard:
            if self._running is not None and token == self._token:
                return {"html": self._running.view()}
            return self._ended.get(token) or {"html": "", "ended": True}

    def cancel(self, token: str) -> None:
        """Stop the work of this token."""
        with self._guard:
            running = self._running if token == self._token else None
        if running is not None:
            running.cancel()

    def _run(self, work: Work, token: str) -> None:
        try:
            for _ in work.run():
                pass
            ended = work.end()
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            _LOG.warning("Work on %s failed: %s", work.name, type(error).__name__)
            ended = work.failure(error)
        self._after()
        with self._guard:
            self._ended = {token: {"ended": True, **ended}}
            self._running = None
