"""What a reload of the page brings back."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

__all__ = ["Visits"]

_MOST_VISITS, _LONGEST_NAME, _HOUR = 500, 100, 3_600.0


class Visits:
    """The latest values of each visit, for an hour, as long as the files that Gradio keeps for them.

    Examples
    --------
    >>> visits = Visits()
    >>> visits.keep("4fz-2k", {"status": "3 documents"})
    >>> visits.latest("4fz-2k")
    {'status': '3 documents'}
    >>> visits.latest("of somebody else")
    {}
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, dict[Any, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, visit: str, values: dict[Any, Any]) -> None:
        """Remember the values of a visit, whose name the browser chose; without a name, nothing."""
        with self._lock:
            if visit:
                self._kept[visit[:_LONGEST_NAME]] = time.monotonic(), values
                self._kept.move_to_end(visit[:_LONGEST_NAME])
            self._forget()

    def latest(self, visit: str) -> dict[Any, Any]:
        """Return the values of a visit, none after an hour."""
        with self._lock:
            self._forget()
            return self._kept.get(visit[:_LONGEST_NAME], (0.0, {}))[1]

    def _forget(self) -> None:
        oldest = time.monotonic() - _HOUR
        while len(self._kept) > _MOST_VISITS or (self._kept and next(iter(self._kept.values()))[0] < oldest):
            self._kept.popitem(last=False)
