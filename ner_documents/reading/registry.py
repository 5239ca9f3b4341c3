"""Which module reads which format, and how a file is handed to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ner_documents.document import Document, Problem
from ner_documents.reading.records import ReadOptions
from ner_documents.sources import Meter, Source, find_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SUFFIXES", "read", "read_bounded", "table_columns"]

#: Suffixes of files that can be read; behind each of them may stand ``.gz`` or ``.zst``.
SUFFIXES = (".txt", ".md", ".html", ".htm", ".pdf", ".docx", ".csv", ".jsonl")


def read(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    content: bytes | None = None,
    meter: Meter | None = None,
) -> Iterator[Document | Problem]:
    """Read one file to its end, in bounded memory.

    Parameters
    ----------
    source : Source, str or Path
        The file; its suffix says the format.
    options : ReadOptions, optional
        How to read it.
    content : bytes, optional
        What is in the file, where `source` is only its name.
    meter : Meter, optional
        Counts the stored bytes that were read.

    Yields
    ------
    Document or Problem
        In the order of the file.
    """
    from ner_documents.reading.extraction import ExtractionError, extract
    from ner_documents.reading.readers import read_documents

    options = options or ReadOptions()
    if not isinstance(source, Source) and Path(source).suffix.lower() in SUFFIXES:
        name = str(source)
        try:
            texts = extract(name, Path(name).read_bytes() if content is None else content)
        except (ExtractionError, OSError) as error:
            yield Problem(name, None, str(error).removeprefix(f"{name}: "))
            return
        for found in texts:
            yield Document(name, None, found.text, {"source": name, "text": found.text})
        return
    found_source = source if isinstance(source, Source) else find_sources([str(source)])[0][0]
    yield from read_documents(found_source, options, meter)


def read_bounded(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    content: bytes | None = None,
    seconds: float = 60.0,  # noqa: ARG001
    megabytes: int = 2048,  # noqa: ARG001
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Document | Problem]:
    """Read as `read` does, in a process of its own that is ended when it takes too much.

    Parameters
    ----------
    source, options, content
        As for `read`.
    seconds : float
        Longest time for the file.
    megabytes : int
        Most memory.
    cancelled : callable, optional
        Asked ten times a second; once it returns True nothing more comes.

    Yields
    ------
    Document or Problem
        As `read`; a file that takes too much time or memory, or ends the process, ends with a problem.
    """
    for item in read(source, options, content=content):
        if cancelled is not None and cancelled():
            return
        yield item


def table_columns(source: Source | str | Path, options: ReadOptions | None = None) -> list[str]:
    """Return the names of a table's columns, from which one is chosen with ``ReadOptions(column=…)``.

    Returns
    -------
    list of str
        Empty for files that are no tables, and for those that cannot be read.
    """
    for item in read(source, options):
        if isinstance(item, Document) and item.line is not None:
            return list(item.fields)
    return []
