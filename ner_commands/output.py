"""Output of the commands: encoding of standard output, tables, messages on standard error."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any

__all__ = ["complain", "explanation", "prepare_output", "write_rows"]


def prepare_output(*, text: bool) -> None:
    """Set the encoding of standard output: UTF-8 for data, the terminal's for text."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not text:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def write_rows(rows: list[dict[str, Any]], kind: str) -> None:
    """Print rows as a table or as JSON."""
    from ner_core import rendering

    prepare_output(text=kind == "text")
    if kind == "json":
        sys.stdout.write(rendering.to_json(rows, indent=2) + "\n")
        return
    cells = [[" ".join(cell) if isinstance(cell, list) else cell for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def complain(message: str, prefix: str = "ner: ") -> None:
    """Print a message for the user on standard error; one that cannot be written does not end the work."""
    from ner_core.rendering import visible

    with contextlib.suppress(OSError):
        sys.stderr.write(f"{prefix}{visible(message)}\n")


def explanation(error: BaseException) -> str:
    """Return the message of an error, without the number of a system error."""
    from ner_core.files import NO_ROOM

    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if error.filename is None:  # of a standard stream
        return error.strerror
    full = error.errno in NO_ROOM
    advice = "; nothing was written there: free some space, or write elsewhere" if full else ""
    return f"{error.filename}: {error.strerror}{advice}"
