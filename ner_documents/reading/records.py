"""Named fields, such as a row of a table or an object of JSON, to documents; and the options of reading."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any

from ner_documents.document import CorpusError, Document, Problem

__all__ = ["Item", "ReadOptions", "document_of", "header_problem", "too_long"]

Item = Document | Problem


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How sources are read; equal options and sources give equal documents.

    Attributes
    ----------
    column : str
        Key or column that holds the text: a string, or in JSON lines and Parquet also a list of words.
    into : str
        Name of the field that the output adds; a document that has it already is reported as bad.
    lines : bool
        Text files hold a document a line instead of being one document.
    word_column : int
        Column of the word in CoNLL files, from 0.
    encoding : str
        Of all formats but Parquet.
    limit : int
        Largest document, in bytes.
    """

    column: str = "text"
    into: str = "entities"
    lines: bool = False
    word_column: int = 0
    encoding: str = "utf-8"
    limit: int = 64 << 20

    def __post_init__(self) -> None:
        try:
            single = "\n".encode(self.encoding) == b"\n"
            codecs.lookup(self.encoding)
        except LookupError:
            msg = f"--encoding {self.encoding}: unknown; expected a name such as utf-8, latin-1 or cp1252"
            raise CorpusError(msg) from None
        if not single:
            msg = f"--encoding {self.encoding}: lines cannot be found in it; convert the files to UTF-8 first"
            raise CorpusError(msg)


def document_of(fields: dict[str, Any], path: str, number: int, options: ReadOptions, raw: bytes) -> Item:
    """Make a document of named fields, or say which field is missing or of a wrong type."""
    if options.column not in fields:
        names = ", ".join(fields) or "none"
        problem = f"expected {options.column!r}, found {names}; name the text with --column"
        return Problem(path, number, problem, raw)
    if options.into in fields:
        problem = f"has {options.into!r} already; give the entities another name with --into"
        return Problem(path, number, problem, raw)
    value = fields[options.column]
    if isinstance(value, str):
        return Document(path, number, value, fields)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return Document(path, number, " ".join(value), fields, words=tuple(value))
    problem = f"expected a string or a list of words in {options.column!r}, found {type(value).__name__}"
    return Problem(path, number, problem, raw)


def header_problem(header: list[str], options: ReadOptions) -> str | None:
    """Say why no row of a table with these columns can be annotated, None when they can.

    Examples
    --------
    >>> header_problem(["id", "body"], ReadOptions())
    "expected a column 'text', found id, body; name it with --column"
    """
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        return f"column {twice!r} stands twice in the header; rename one"
    if options.column not in header:
        return f"expected a column {options.column!r}, found {', '.join(header)}; name it with --column"
    if options.into in header:
        return f"has a column {options.into!r} already; give the entities another name with --into"
    return None


def too_long(limit: int) -> str:
    """Say that a document is over the limit of so many bytes, and what to do."""
    return f"longer than the limit of {limit:,} bytes; split it, or raise --max-document-bytes"
