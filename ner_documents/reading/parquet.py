"""Parquet: one document per row; columns and their types are kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ner_documents.document import CorpusError, Document, Problem
from ner_documents.reading.records import Row, documents_of, too_deep, too_long
from ner_documents.sources import open_stored, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions
    from ner_documents.sources import Meter, Source

__all__ = ["read_parquet", "table_schema"]

_ROWS = 1024


def read_parquet(source: Source, options: ReadOptions, meter: Meter) -> Iterator[Item]:
    """Read the rows in batches; text that is not UTF-8 is a problem of its row."""
    with _open(source) as file:
        names = file.schema_arrow.names
        twice = next((name for name in names if names.count(name) > 1), None) if len(names) < 1000 else None
        if twice is not None:
            yield Problem(source.path, None, f"column {twice!r} occurs twice; rename one")
            return
        for item in documents_of(_rows(file, source, meter), source.path, options):
            if isinstance(item, Document) and item.characters > options.limit:
                yield too_long(source.path, item.line, options.limit)
            else:
                yield item


def _rows(file: Any, source: Source, meter: Meter) -> Iterator[Row | Problem]:
    number = 0
    for batch in file.iter_batches(batch_size=_ROWS):
        try:
            rows: Iterator[dict[str, Any] | None] = iter(batch.to_pylist())
        except UnicodeDecodeError:
            rows = (_row_alone(batch, index) for index in range(batch.num_rows))
        for fields in rows:
            number += 1
            meter.bytes = (source.size or 0) * number // file.metadata.num_rows
            if fields is None:
                yield Problem(source.path, number, "holds text that is not UTF-8; write the file again")
            elif too_deep(fields):
                yield Problem(source.path, number, "lists and objects stand in each other too deep")
            else:
                yield Row(number, fields)


def _row_alone(batch: Any, index: int) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = batch.slice(index, 1).to_pylist()[0]
    except UnicodeDecodeError:
        return None
    return row


@contextmanager
def _open(source: Source) -> Iterator[Any]:
    parquet = require("pyarrow.parquet", "documents", f"{source.path}: reading Parquet")
    if source.compression or source.path == "-":
        msg = "Parquet is read from its end, so it must be a file that is not compressed around"
        raise CorpusError(msg)
    with open_stored(source) as stream, parquet.ParquetFile(stream) as file:
        yield file


def table_schema(source: Source) -> bytes | None:
    """Return the Arrow schema of a Parquet source, serialized; None for all others and unreadable files."""
    if source.format != "parquet":
        return None
    try:
        with _open(source) as file:
            return bytes(file.schema_arrow.serialize())
    except Exception:  # noqa: BLE001 - errors are reported when the rows are read
        return None
