"""Output of the commands: encoding of standard output, tables, messages on standard error."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import told_by_system

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["aligned", "complain", "explanation", "prepare_output", "write_rows"]


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
    sys.stdout.writelines(f"{line}\n" for line in aligned(cells))


def aligned(rows: Sequence[Sequence[str]], side: str = "<") -> Iterator[str]:
    """Yield rows as lines of aligned cells: the first at the left, others at this side (``<`` or ``>``)."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [f"{cell:{side}{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([f"{first:<{widths[0]}}", *cells]).rstrip()


def complain(message: str, prefix: str = "ner: ") -> None:
    """Print a message for the user on standard error; one that cannot be written does not end the work."""
    from ner_core.rendering import visible

    with contextlib.suppress(OSError):
        sys.stderr.write(f"{prefix}{visible(message)}\n")


def explanation(error: BaseException) -> str:
    """Return the message of an error, without the number of a system error."""
    from ner_core.files import NO_ROOM

    if not isinstance(error, OSError):
        return str(error)
    full = error.errno in NO_ROOM and error.filename is not None  # not a standard stream
    advice = "; nothing was written there: free some space, or write elsewhere" if full else ""
    return f"{told_by_system(error)}{advice}"
