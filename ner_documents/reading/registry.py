"""Readers by format, and how they are called."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import logging
import zlib
from typing import TYPE_CHECKING, Any

from ner_documents.document import CorpusError, Document, Problem
from ner_documents.formats import SUFFIXES, TABLES
from ner_documents.reading.packages import UnreadableError
from ner_documents.reading.records import EXCERPT, ReadOptions, too_long
from ner_documents.sources import Meter, Source, identified, open_binary, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["UNTRUSTED", "first_rows", "read", "table_columns"]

logger = logging.getLogger(__name__)

# The function that reads each format, called with (stream, source, options); imported on demand.
_STREAMS = {
    "lines": "lines.read_lines",
    "csv": "tables.read_csv",
    "tsv": "tables.read_tsv",
    "jsonl": "json_files.read_jsonl",
    "mbox": "mail.read_mbox",
    "conll": "conll.read_conll",
}
# These take (content, source, options): the size limit applies to the file.
_WHOLE = {
    "text": "lines.read_text",
    "html": "html.read_html",
    "pdf": "pdf.read_pdf",
    "docx": "docx.read_docx",
    "pptx": "pptx.read_pptx",
    "odt": "odt.read_odt",
    "rtf": "rtf.read_rtf",
    "epub": "epub.read_epub",
    "xlsx": "workbooks.read_workbook",
    "json": "json_files.read_json",
    "eml": "mail.read_eml",
    "srt": "subtitles.read_subtitles",
}
# These take (source, options, meter): they need random access, or read the files inside.
_FILES = {"parquet": "parquet.read_parquet", "zip": "archives.read_zip"}

#: Formats that libraries read, or that hold files of other formats.
UNTRUSTED = frozenset((*_WHOLE, "mbox", "zip")) - {"text"}

_COLUMN_ROWS = 100
_SKIP_BYTES = 1 << 20


def read(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    content: bytes | None = None,
    meter: Meter | None = None,
) -> Iterator[Document | Problem]:
    r"""Read one file in bounded memory.

    Parameters
    ----------
    source : Source, str or Path
        The file; its suffix determines the format, unless its content is of another.
    options : ReadOptions, optional
        How to read it.
    content : bytes, optional
        Content of the file, if `source` is only its name.
    meter : Meter, optional
        Counts the stored bytes read.

    Yields
    ------
    Document or Problem
        In file order. Every error is a problem; nothing is raised.

    Examples
    --------
    >>> [page] = read("a.html", content=b"<h1>Mary</h1><p>in <b>Paris</b></p>")
    >>> page.text, [block.kind for block in page.blocks]
    ('Mary\nin Paris', ['heading', 'paragraph'])
    """
    options = options or ReadOptions()
    found = identified(source_of(source, content))
    if not found.format:
        yield Problem(found.path, None, f"files of this type are not read; {' '.join(SUFFIXES)} are")
        return
    if found.told not in (None, "", found.format):
        reason = f"is not what its name says and was read as {found.format}"
        yield Problem(found.path, None, reason, lost=False)
    last: int | None = None
    empty = True
    try:
        for item in _read(found, options, meter or Meter()):
            last = item.line
            empty = empty and isinstance(item, Problem) and not item.lost
            yield item
        if empty:
            held = "rows" if found.format in TABLES else "text"
            yield Problem(found.path, None, f"holds no {held}", lost=False)
    except (CorpusError, UnreadableError) as error:
        yield Problem(found.path, None, str(error).removeprefix(f"{found.path}: "))
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield Problem(found.path, None, _unreadable(last, reason or type(error).__name__))
    except MemoryError:
        yield Problem(found.path, None, _unreadable(last, "it needs more memory than there is"))
    except Exception as error:
        logger.debug("%s", found.path, exc_info=True)
        reason = (
            f"it is damaged or does not match its suffix ({str(error).strip()[:200] or type(error).__name__})"
        )
        yield Problem(found.path, None, _unreadable(last, reason))


def _read(source: Source, options: ReadOptions, meter: Meter) -> Iterator[Document | Problem]:
    kind = "lines" if source.format == "text" and options.lines else source.format
    if kind in _FILES:
        yield from _reader(_FILES[kind])(source, options, meter)
        return
    with open_binary(source, meter) as stream:
        if kind in _STREAMS:
            yield from _reader(_STREAMS[kind])(stream, source.path, options)
            return
        raw = stream.read(options.limit + 1)
        if len(raw) > options.limit:
            yield too_long(source.path, None, options.limit, raw[:EXCERPT])
            while stream.read(_SKIP_BYTES):  # so that a truncated archive is still reported
                pass
            return
        yield from _reader(_WHOLE[kind])(raw, source.path, options)


def _reader(name: str) -> Any:
    module, function = name.split(".")
    return getattr(importlib.import_module(f"ner_documents.reading.{module}"), function)


def _unreadable(last: int | None, reason: str) -> str:
    after = "" if last is None else f" after line {last}"
    return f"the file cannot be read{after}: {reason}"


def first_rows(
    source: Source | str | Path, options: ReadOptions | None = None, most: int = _COLUMN_ROWS
) -> list[Document]:
    """Return the first readable rows of a table; none for other files.

    Parameters
    ----------
    source, options
        As for `read`.
    most : int
        Maximum number of rows.
    """
    from ner_documents.reading.bounded import read_bounded

    found = source_of(source)
    if found.format not in TABLES:
        return []
    with contextlib.closing(read_bounded(found, options, seconds=20)) as items:
        return list(itertools.islice((item for item in items if isinstance(item, Document)), most))


def table_columns(source: Source | str | Path, options: ReadOptions | None = None) -> list[str]:
    """Return the column names of a table, for ``ReadOptions(column=…)``.

    Returns
    -------
    list of str
        From the first hundred rows; empty for files that are not tables or cannot be read.
    """
    return list(dict.fromkeys(name for row in first_rows(source, options) for name in row.fields))
