"""Reading the files and standard input that are given to commands."""

from __future__ import annotations

import glob
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ner_documents.document import Hint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.document import Document, Problem
    from ner_documents.reading import ReadOptions

__all__ = ["FOLDER", "called", "read_files", "told"]

#: What is wrong with a folder where a file is expected.
FOLDER = "is a folder; name the files in it"

# The commands that read whole files have no option for these two.
_HINTS = {hint: hint.value for hint in Hint} | {Hint.LIMIT: "split it", Hint.INTO: "rename it in the file"}


def read_files(names: list[str], options: ReadOptions) -> Iterator[Document | Problem]:
    """Read files of all document formats; others are read as text.

    Parameters
    ----------
    names : list of str
        Paths and globs, which the shells of Windows leave to programs; ``-`` is standard input. This and
        pipes are read as text, if they do not begin like a PDF, RTF, zip or office file.
    options : ReadOptions
        How to read them.
    """
    from ner_documents.document import Problem
    from ner_documents.formats import format_by_content
    from ner_documents.reading.bounded import read_safely
    from ner_documents.sources import Source, identified, source_of

    for name in chain.from_iterable(map(_expanded, names)):
        if Path(name).is_dir():
            yield Problem(name, None, FOLDER)
            continue
        if name == "-" or (Path(name).exists() and not Path(name).is_file()):  # a pipe or device
            try:
                with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as stream:
                    content = stream.read(options.limit + 1)
                source = Source(name, format_by_content(content, "text"), content=content)
            except OSError as error:
                yield Problem(name, None, error.strerror or str(error))
                continue
        else:
            source = identified(source_of(name))
            source = replace(source, format=source.format or "text")
        yield from read_safely(source, options)


def _expanded(name: str) -> list[str]:
    """Return the files that a glob matches; the name itself if there are none, or a file has it."""
    matches = glob.glob(name) if glob.has_magic(name) and not os.path.lexists(name) else []  # noqa: PTH207 - Path.glob takes no absolute pattern
    return sorted(matches) or [name]


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
