"""Progress of a run: documents and word pieces per second, time left, and a summary."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, Any

__all__ = ["Progress", "Totals", "duration"]

_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 30.0


@dataclass
class Totals:
    """Sums over the headers of annotated chunks."""

    documents: int = 0
    pieces: int = 0
    errors: int = 0
    notes: int = 0
    stored_bytes: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    first_error: str = ""

    def add(self, header: dict[str, Any]) -> None:
        """Count one chunk."""
        self.documents += header["documents"]
        self.pieces += header["pieces"]
        lost = [problem for problem in header["errors"] if problem["lost"]]
        self.errors += len(lost)
        self.notes += len(header["errors"]) - len(lost)
        if lost and not self.first_error:
            where = (lost[0][name] for name in ("source", "place", "line"))
            self.first_error = f"{':'.join(str(part) for part in where if part)}: {lost[0]['problem']}"
        self.stored_bytes += header["stored_bytes"]
        self.labels.update(header["labels"])


class Progress:
    """Report progress: one updated line on a terminal, else a line every half minute.

    Parameters
    ----------
    stream : text stream or None
        Usually standard error; None counts without writing.
    total_bytes : int or None
        Stored bytes of all inputs, to estimate the time left.
    """

    def __init__(self, stream: IO[str] | None, total_bytes: int | None) -> None:
        self.totals = Totals()
        self._earlier = Totals()
        self._stream = stream
        self._total_bytes = total_bytes
        self._terminal = stream is not None and stream.isatty()
        self._begin = self._written = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the run started or was resumed."""
        return max(time.monotonic() - self._begin, 1e-9)

    def add_earlier(self, header: dict[str, Any]) -> None:
        """Count a chunk that an interrupted run annotated."""
        self.totals.add(header)
        self._earlier.add(header)

    def add(self, header: dict[str, Any]) -> None:
        """Count a chunk, and report progress if it is due."""
        self.totals.add(header)
        now = time.monotonic()
        if now - self._written >= (_TERMINAL_SECONDS if self._terminal else _LOG_SECONDS):
            self._written = now
            width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be cleared
            self._write(f"\r\x1b[K{self.line()[:width]}" if self._terminal else f"{self.line()}\n")

    def close(self) -> None:
        """Clear the updated line."""
        if self._terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # a log on a full disk does not end the run
                self._stream.write(text)
                self._stream.flush()

    def _rates(self) -> list[str]:
        done, before, seconds = self.totals, self._earlier, self.seconds
        return [
            f"{(done.documents - before.documents) / seconds:,.0f} documents/s",
            f"{(done.pieces - before.pieces) / seconds:,.0f} word pieces/s",
        ]

    def line(self) -> str:
        """Return the progress as one line."""
        done = self.totals
        parts = [f"{done.documents:,} documents", *self._rates()]
        if done.errors:
            parts.append(f"{done.errors:,} errors")
        fresh = done.stored_bytes - self._earlier.stored_bytes
        if self._total_bytes and fresh > 0:
            left = max(self._total_bytes - done.stored_bytes, 0) * self.seconds / fresh
            parts.append(f"{min(done.stored_bytes / self._total_bytes, 1):.0%}, {duration(left)} left")
        return " | ".join(parts)

    def summary(self) -> str:
        """Return the totals of the run, including interrupted parts."""
        done, before = self.totals, self._earlier
        labels = ", ".join(f"{label} {count:,}" for label, count in sorted(done.labels.items())) or "none"
        lines = [
            f"documents    {done.documents:,}",
            f"entities     {sum(done.labels.values()):,} ({labels})",
            f"errors       {done.errors:,}",
            *([f"notes        {done.notes:,}"] if done.notes else []),
            f"word pieces  {done.pieces:,}",
            f"time         {', '.join([duration(self.seconds), *self._rates()])}",
        ]
        if before.documents or before.errors:
            lines.append(
                f"earlier      {before.documents:,} of the documents were annotated before the interruption"
            )
        return "\n".join(lines)


def duration(seconds: float) -> str:
    """Format a time.

    Examples
    --------
    >>> duration(4.25), duration(75), duration(7384)
    ('4.2 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
