"""Files in, documents out: text, lines, JSON lines, CSV, Parquet and CoNLL, one reader a format.

A reader never raises for what it finds in a file: a document that cannot be read, or a file that cannot be
opened or decompressed to its end, becomes a `Problem`, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import csv
import json
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ner_documents.document import CorpusError, Document, Problem
from ner_documents.reading.lines import Line, bounded_lines, byte_problem
from ner_documents.reading.records import Item, ReadOptions, document_of, header_problem, too_long
from ner_documents.sources import Meter, Source, is_url, open_binary, open_url, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["is_between_sentences", "read_documents", "table_schema"]

_PARQUET_ROWS = 1024
_EXCERPT = 1 << 12


def read_documents(source: Source, options: ReadOptions, meter: Meter | None = None) -> Iterator[Item]:
    """Read one source to its end, in bounded memory.

    Parameters
    ----------
    source : Source
        File to read.
    options : ReadOptions
        How to read it.
    meter : Meter, optional
        Counts the stored bytes that were read.

    Yields
    ------
    Document or Problem
        In the order of the file.
    """
    meter = meter or Meter()
    kind = "lines" if source.format == "text" and options.lines else source.format
    if kind == "parquet":
        yield from _until_unreadable(source, lambda: _read_parquet(source, options, meter))
        return

    def read() -> Iterator[Item]:
        with open_binary(source, meter) as stream:
            yield from _READERS[kind](stream, source.path, options)

    yield from _until_unreadable(source, read)


def _until_unreadable(source: Source, read: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Pass items on; what stops the reading of a file becomes the last item."""
    last: int | None = None
    try:
        for item in read():
            last = item.line
            yield item
    except CorpusError as error:
        yield Problem(source.path, None, str(error))
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield Problem(source.path, None, _unreadable(last, reason or type(error).__name__))
    except Exception as error:  # pyarrow and the stores have exceptions of their own
        if type(error).__module__.split(".")[0] in {"builtins", __name__.split(".", maxsplit=1)[0]}:
            raise
        yield Problem(source.path, None, _unreadable(last, str(error)))


def _unreadable(last: int | None, reason: str) -> str:
    behind = "" if last is None else f" behind line {last}"
    return f"the file cannot be read{behind}: {reason}"


def _read_text(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    raw = stream.read(options.limit + 1)
    if len(raw) > options.limit:
        yield Problem(path, None, too_long(options.limit), raw[:_EXCERPT])
        while stream.read(_EXCERPT):  # a broken archive is noticed although the document is left out
            pass
        return
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode(options.encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield Problem(path, line, byte_problem(raw, options.encoding, error), raw[:_EXCERPT])
        return
    yield Document(path, None, text, {"source": path, "text": text})


def _read_lines(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    for line in bounded_lines(stream, options.limit):
        text = _decode(line, path, options)
        if isinstance(text, Problem):
            yield text
        else:
            yield Document(path, line.number, text, {"source": path, "line": line.number, "text": text})


def _read_jsonl(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    for line in bounded_lines(stream, options.limit):
        if not line.raw.strip():
            continue
        text = _decode(line, path, options)
        yield text if isinstance(text, Problem) else _json_document(text, line, path, options)


def _json_document(text: str, line: Line, path: str, options: ReadOptions) -> Item:
    raw = line.raw[:_EXCERPT]
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Problem(path, line.number, f"expected a JSON object, found: {error}", raw)
    if not isinstance(fields, dict):
        return Problem(path, line.number, f"expected a JSON object, found {type(fields).__name__}", raw)
    return document_of(fields, path, line.number, options, raw)


def _read_table(stream: BinaryIO, path: str, options: ReadOptions, delimiter: str | None) -> Iterator[Item]:
    csv.field_size_limit(options.limit)
    feed = _TableLines(stream, options)
    header: list[str] | None = None
    rows: Iterator[list[str]] = iter(())
    while True:
        first = feed.number + 1
        feed.problems.clear()
        try:
            row = next(rows)
        except StopIteration:
            if feed.ended:
                return
            delimiter = delimiter or _delimiter(feed.peek())
            rows = csv.reader(feed, delimiter=delimiter)
            continue
        except csv.Error as error:  # such as a quote that is never closed: go on behind the limit
            yield Problem(path, first, f"expected a row of a table, found: {error}", feed.last[:_EXCERPT])
            rows = csv.reader(feed, delimiter=delimiter or ",")
            continue
        raw = feed.last[:_EXCERPT]
        if feed.problems:
            yield Problem(path, first, feed.problems[0], raw)
            if header is None:
                yield Problem(path, None, "the header cannot be read, so neither can the rows")
                return
        elif not row:
            continue
        elif header is None:
            header = row
            problem = header_problem(header, options)
            if problem:
                yield Problem(path, first, problem, raw)
                return
        elif len(row) != len(header):
            yield Problem(
                path, first, f"expected {len(header)} fields as in the header, found {len(row)}", raw
            )
        else:
            yield document_of(dict(zip(header, row, strict=True)), path, first, options, raw)


class _TableLines:
    """Lines as the csv module wants them; remembers what was wrong with them."""

    def __init__(self, stream: BinaryIO, options: ReadOptions) -> None:
        self._lines = bounded_lines(stream, options.limit)
        self._options = options
        self._next: Line | None = next(self._lines, None)
        self.number = 0
        self.last = b""
        self.problems: list[str] = []

    @property
    def ended(self) -> bool:
        return self._next is None

    def peek(self) -> str:
        return "" if self._next is None else self._next.raw.decode(self._options.encoding, "replace")

    def __iter__(self) -> _TableLines:
        return self

    def __next__(self) -> str:
        line = self._next
        if line is None:
            raise StopIteration
        self._next = next(self._lines, None)
        self.number, self.last = line.number, line.raw
        if line.cut:
            self.problems.append(too_long(self._options.limit))
            return "\n"
        try:
            return line.raw.decode(self._options.encoding)
        except UnicodeDecodeError as error:
            self.problems.append(byte_problem(line.raw, self._options.encoding, error))
            return line.raw.decode(self._options.encoding, "replace")


def _delimiter(header: str) -> str:
    """Choose between comma and the semicolon of spreadsheets whose decimals have commas."""
    return ";" if header.count(";") > header.count(",") else ","


def _read_csv(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    return _read_table(stream, path, options, None)


def _read_tsv(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    return _read_table(stream, path, options, "\t")


def _read_conll(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Item]:
    sentence = _SentenceLines(path, options)
    for line in bounded_lines(stream, options.limit):
        text = _decode(line, path, options)
        if isinstance(text, Problem):
            sentence.problem = sentence.problem or text
            continue
        if (not text.strip() or text.startswith("-DOCSTART-")) and (item := sentence.finish()):
            yield item
            sentence = _SentenceLines(path, options)
        elif not text.strip() and sentence.kept:
            sentence.kept.append("")  # behind -DOCSTART-
        if text.strip():
            sentence.add(text, line)
    if item := sentence.finish():
        yield item


class _SentenceLines:
    """Lines of one CoNLL sentence, with the comments and document borders before it."""

    def __init__(self, path: str, options: ReadOptions) -> None:
        self.kept: list[str] = []
        self.problem: Problem | None = None
        self._words: list[str] = []
        self._path = path
        self._options = options
        self._begin = 0
        self._size = 0

    def add(self, text: str, line: Line) -> None:
        """Take one line that is not empty."""
        self._size += len(line.raw)
        if self._size > self._options.limit:
            self._fail(self._begin or line.number, too_long(self._options.limit), line)
            return
        self.kept.append(text)
        if not self._words and is_between_sentences(text):
            return
        word = _word(text, self._options.word_column)
        if word is None:
            expected = f"expected a word in column {self._options.word_column}"
            self._fail(line.number, f"{expected}, found {text[:60]!r}", line)
            return
        self._begin = self._begin or line.number
        self._words.append(word)

    def finish(self) -> Item | None:
        """Return the sentence or its problem, None while there is neither."""
        if self.problem or not self._words:
            return self.problem
        fields = {"source": self._path, "line": self._begin, "words": self._words}
        words = tuple(self._words)
        return Document(self._path, self._begin, " ".join(words), fields, tuple(self.kept), words)

    def _fail(self, number: int, problem: str, line: Line) -> None:
        self.problem = self.problem or Problem(self._path, number, problem, line.raw[:_EXCERPT])


def is_between_sentences(line: str) -> bool:
    """Tell lines before a sentence: borders of documents, and comments as CoNLL-U has them.

    Examples
    --------
    >>> [is_between_sentences(line) for line in ("-DOCSTART- -X- O O", "# sent_id = 1", "# O")]
    [True, True, False]
    """
    return line.startswith("-DOCSTART-") or (line.startswith("# ") and " = " in line)


def _word(line: str, column: int) -> str | None:
    columns = [field.strip(" ") for field in line.split("\t")] if "\t" in line else line.split(" ")
    columns = columns if "\t" in line else [field for field in columns if field]
    return columns[column] if column < len(columns) and columns[column] else None


def _read_parquet(source: Source, options: ReadOptions, meter: Meter) -> Iterator[Item]:
    with _open_parquet(source) as file:
        problem = header_problem(file.schema_arrow.names, options)
        if problem:
            yield Problem(source.path, None, problem)
            return
        number = 0
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
            for fields in batch.to_pylist():
                number += 1
                meter.bytes = (source.size or 0) * number // file.metadata.num_rows
                item = document_of(fields, source.path, number, options, b"")
                if isinstance(item, Document) and item.characters > options.limit:
                    item = Problem(source.path, number, too_long(options.limit))
                yield item


@contextmanager
def _open_parquet(source: Source) -> Iterator[Any]:
    parquet = require("pyarrow.parquet", "documents", f"{source.path}: reading Parquet")
    if source.compression or source.path == "-":
        msg = (
            f"{source.path}: Parquet is read from its end, so it must be a file that is not compressed around"
        )
        raise CorpusError(msg)
    stream = open_url(source.path, "rb") if is_url(source.path) else Path(source.path).open("rb")  # noqa: SIM115
    with stream, parquet.ParquetFile(stream) as file:
        yield file


def table_schema(source: Source) -> bytes | None:
    """Return the Arrow schema of a Parquet source, serialized; None for all others and unreadable files."""
    if source.format != "parquet":
        return None
    try:
        with _open_parquet(source) as file:
            return bytes(file.schema_arrow.serialize())
    except Exception:  # noqa: BLE001 - whatever is wrong with the file is reported when its rows are read
        return None


def _decode(line: Line, path: str, options: ReadOptions) -> str | Problem:
    """Return the line without its end, or what is wrong with it."""
    if line.cut:
        return Problem(path, line.number, too_long(options.limit), line.raw[:_EXCERPT])
    raw = line.raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return raw.decode(options.encoding)
    except UnicodeDecodeError as error:
        return Problem(path, line.number, byte_problem(raw, options.encoding, error), raw[:_EXCERPT])


_READERS: dict[str, Callable[[BinaryIO, str, ReadOptions], Iterator[Item]]] = {
    "text": _read_text,
    "lines": _read_lines,
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "conll": _read_conll,
}
