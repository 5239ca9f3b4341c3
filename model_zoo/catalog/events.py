"""Progress as Open Model Zoo's JSON events: dicts with a key ``$type``, one a line.

https://github.com/openvinotoolkit/open_model_zoo/tree/master/tools/model_tools#json-progress-report-format,
with further keys and types.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

__all__ = ["JsonReporter"]


class JsonReporter:
    """Writes each event as one line of JSON to standard output."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event; lines of several threads do not mix."""
        with self._lock:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def close(self) -> None:
        """Do nothing: every line is complete."""
