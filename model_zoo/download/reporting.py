"""Report downloads to users: lines on standard output, progress bars on a terminal."""

from __future__ import annotations

import sys
import threading
from typing import Any

from model_zoo.catalog.events import write_line

__all__ = ["TextReporter", "readable_size"]


def readable_size(size: int | None) -> str:
    """Return a number of bytes in readable form.

    Examples
    --------
    >>> readable_size(433316646), readable_size(829), readable_size(None)
    ('433.3 MB', '829 B', 'size unknown')
    """
    if size is None:
        return "size unknown"
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"


class TextReporter:
    """Writes a line per file to standard output, and shows a progress bar per file on a terminal.

    Parameters
    ----------
    omz : bool
        Report skipped models with the wording of Open Model Zoo's downloader.
    """

    def __init__(self, *, omz: bool = False) -> None:
        self._omz = omz
        self._lock = threading.RLock()
        self._bars: dict[tuple[str, str], Any] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        """Report an event."""
        handler = getattr(self, f"_{event['$type']}", None)
        if handler is not None:
            with self._lock:
                handler(event)

    def close(self) -> None:
        """Remove the remaining bars."""
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars.clear()

    def _model_download_skipped(self, event: dict[str, Any]) -> None:
        if self._omz:
            asked = "{" + ", ".join(map(repr, event["asked"])) + "}"
            line = f"{'=' * 10} Skipping {event['model']} (model is unsupported in {asked} precisions)"
        else:
            line = f"Skipping {event['model']}: it comes in {', '.join(event['has'])} only"
        self._write(line)

    def _model_download_begin(self, event: dict[str, Any]) -> None:
        files = "1 file" if event["num_files"] == 1 else f"{event['num_files']} files"
        self._write(f"Downloading {event['model']} ({files}) to {event['folder']}")

    def _model_file_download_progress(self, event: dict[str, Any]) -> None:
        if not sys.stderr.isatty():
            return
        key = (event["model"], event["model_file"])
        if key not in self._bars:
            from tqdm import tqdm

            self._bars[key] = tqdm(
                total=event.get("total"), desc=event["model_file"], unit="B", unit_scale=True, leave=False
            )
        bar = self._bars[key]
        bar.total = event.get("total")
        bar.n = event["size"]  # may decrease when a file is restarted
        bar.refresh()

    def _model_file_download_end(self, event: dict[str, Any]) -> None:
        bar = self._bars.pop((event["model"], event["model_file"]), None)
        if bar is not None:
            bar.close()
        size = f" ({readable_size(event['size'])})" if event["successful"] else ""
        self._write(f"  {event['model_file']}: {event['action']}{size}")

    def _model_postprocessing_begin(self, event: dict[str, Any]) -> None:
        self._write(f"  Postprocessing {event['model']}")

    def _write(self, line: str) -> None:
        if self._bars:
            from tqdm import tqdm

            tqdm.write(line, file=sys.stdout)
        else:
            write_line(line)
