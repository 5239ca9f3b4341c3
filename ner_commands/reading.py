"""Reading the files and standard input that are given to commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ner_documents.document import Hint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.document import Document, Problem
    from ner_documents.reading import ReadOptions

__all__ = ["called", "read_files", "told"]

# The commands that read whole files have no option for these two.
_HINTS = {hint: hint.value for hint in Hint} | {Hint.LIMIT: "split it", Hint.INTO: "rename it in the file"}


def read_files(names: list[str], options: ReadOptions) -> Iterator[Document | Problem]:
    """Read files of all document formats; unknown suffixes are read as text.

    Parameters
    ----------
    names : list of str
        Paths; ``-`` is standard input, which is read as text, like pipes.
    options : ReadOptions
        How to read them.
    """
    from ner_documents.document import Problem
    from ner_documents.formats import format_by_name
    from ner_documents.reading import read, read_bounded
    from ner_documents.reading.bounded import UNTRUSTED
    from ner_documents.sources import Source

    for name in names:
        kind, compression = format_by_name(name)
        source = Source(name, kind or "text", compression)
        if name != "-" and Path(name).exists() and not Path(name).is_file():  # a pipe or device
            try:
                with Path(name).open("rb") as stream:
                    source = Source(name, "text", content=stream.read(options.limit + 1))
            except OSError as error:
                yield Problem(name, None, error.strerror or str(error))
                continue
        yield from read_bounded(source, options) if source.format in UNTRUSTED else read(source, options)


def told(problem: Problem) -> str:
    """Word a problem for the user: where, what, and what to do."""
    where = called("-") + problem.where[1:] if problem.source == "-" else problem.where
    return f"{where}: {problem.told(_HINTS)}"


def called(name: str) -> str:
    """Return the name of a file for messages.

    Examples
    --------
    >>> called("-"), called("a.txt")
    ('standard input', 'a.txt')
    """
    return "standard input" if name == "-" else name
