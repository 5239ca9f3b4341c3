"""Progress as Open Model Zoo's JSON events: dicts with a key ``$type``, one per line.

https://github.com/openvinotoolkit/open_model_zoo/tree/master/tools/model_tools#json-progress-report-format,
with further keys and types.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from model_zoo.catalog.errors import ZooError

__all__ = ["JsonReporter", "OutputError", "write_line"]

_OMZ_KEYS = {
    "model_download_begin": ("model", "num_files"),
    "model_file_download_begin": ("model", "model_file", "size"),
    "model_file_download_progress": ("model", "model_file", "size"),
    "model_file_download_end": ("model", "model_file", "successful"),
    "model_download_end": ("model", "successful"),
    "model_postprocessing_begin": ("model",),
    "model_postprocessing_end": ("model",),
}


_WHOLE_LINES = threading.Lock()


class OutputError(ZooError):
    """Progress can't be written: nobody reads standard output, or there is no room for it."""


def write_line(line: str) -> None:
    """Write a line of progress to standard output at once; lines of several threads do not mix.

    Raises
    ------
    OutputError
        Not an OSError, which would be taken for one of the model's files.
    """
    try:
        with _WHOLE_LINES:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except OSError as error:
        msg = f"standard output: {error.strerror or error}"
        raise OutputError(msg) from None


class JsonReporter:
    """Write each event as one line of JSON to standard output.

    Parameters
    ----------
    omz : bool
        Write only the types and keys that Open Model Zoo's own downloader has.
    """

    def __init__(self, *, omz: bool = False) -> None:
        self._omz = omz

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        if self._omz:
            if event["$type"] not in _OMZ_KEYS or event.get("size") == 0:
                return
            event = {key: event[key] for key in ("$type", *_OMZ_KEYS[event["$type"]])}
        write_line(json.dumps(event))

    def close(self) -> None:
        """Do nothing: every line is complete."""
