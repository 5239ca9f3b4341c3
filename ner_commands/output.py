"""What commands write: data that every program can read, tables, and complaints."""

from __future__ import annotations

import io
import sys
from typing import Any

__all__ = ["complain", "explanation", "prepare_output", "write_rows"]


def prepare_output(*, text: bool) -> None:
    """Set standard output so that every character can be written: UTF-8 for data, the terminal's for text.

    What cannot be encoded (half a surrogate pair from the command line) is written as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        if text:
            sys.stdout.reconfigure(errors="backslashreplace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def write_rows(rows: list[dict[str, Any]], kind: str) -> None:
    """Print a table, or the same as JSON."""
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


def complain(message: str) -> None:
    """Print one line for people on standard error."""
    from ner_core.rendering import visible

    sys.stderr.write(f"ner: {visible(message)}\n")


def explanation(error: BaseException) -> str:
    """Return what was wrong, without the number of the system error."""
    from ner_core.files import NO_ROOM

    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        todo = "; nothing was written there: make room, or write elsewhere" if error.errno in NO_ROOM else ""
        return f"{error.filename}: {error.strerror}{todo}"
    return str(error)
