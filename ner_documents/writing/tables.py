"""CSV and XLSX output: rows are stored chunk by chunk and become a table when all columns are known."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import tempfile
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from ner_core.labels import type_of
from ner_core.rendering import encodable, guarded, to_json
from ner_documents.reading.records import free_name
from ner_documents.sources import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_documents.writing.parts import Part

__all__ = ["BYTE_ORDER_MARK", "PARTS", "assemble_csv", "assemble_long", "assemble_xlsx", "cell"]

#: Needed by spreadsheet programs to read CSV as UTF-8.
BYTE_ORDER_MARK = "\ufeff"

#: Name of the column that records which model processed which part of a text.
PARTS = "parts"
#: A fixed time, so that a resumed run gives the same bytes as an uninterrupted one.
_CREATED = datetime(2000, 1, 1)
#: Limits of XLSX: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
_SHEET_ROWS = 1_048_576
_CELL_CHARACTERS = 32_767


def assemble_csv(
    parts: Callable[[], Iterable[Part]],
    target: IO[bytes],
    delimiter: str,
    into: str,
    labels: Sequence[str],
) -> None:
    """Write the kept columns, the entities as JSON, and the names found for each label.

    The columns of labels are for people: names joined by ``; ``. A label that equals a kept column gets the
    suffix ``_2``. Values that look like a formula get an apostrophe in front, also in kept columns, except
    numbers. CSV begins with a byte order mark, without which spreadsheets guess the encoding.
    """
    with _delimited(target, delimiter) as writer:
        for row in _wide(parts, into, labels):
            writer.writerow([guarded(encodable(value), numbers=True) for value in row])


def assemble_long(parts: Callable[[], Iterable[Part]], target: IO[bytes]) -> None:
    """Write one row per entity: record, start, end, label, score, text.

    The record is the document's ``id`` if it has one, else its file and line.
    """
    with _delimited(target, ",") as writer:
        for row in _long(parts):
            writer.writerow([guarded(encodable(value)) if isinstance(value, str) else value for value in row])


def assemble_xlsx(
    parts: Callable[[], Iterable[Part]], target: IO[bytes], into: str, labels: Sequence[str]
) -> None:
    """Write a workbook: documents as in `assemble_csv`, entities as in `assemble_long`, one sheet each.

    Texts are stored as text, so no formula runs. A full sheet continues in the next one; a text that is too
    long for its cell is cut, with a note at its end.
    """
    xlsxwriter = require("xlsxwriter", "documents", "writing XLSX")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    # After a failed write, xlsxwriter's archive fails again when it is collected, and Python prints that.
    with tempfile.TemporaryFile() as file:
        try:
            with xlsxwriter.Workbook(file, options | {"strings_to_numbers": False}) as book:
                book.set_properties({"created": _CREATED})
                _fill(book, "documents", _wide(parts, into, labels))
                _fill(book, "entities", _long(parts))
        except xlsxwriter.exceptions.FileCreateError as error:  # no room for temporary files
            raise OSError(str(error)) from error
        file.seek(0)
        shutil.copyfileobj(file, target)


def _fill(book: Any, name: str, rows: Iterable[Sequence[Any]]) -> None:
    drawn = iter(rows)
    header = next(drawn)
    for sheet_number in itertools.count(1):
        sheet = book.add_worksheet(name if sheet_number == 1 else f"{name} {sheet_number}")
        sheet.freeze_panes(1, 0)
        _write_row(sheet, 0, header)
        at = 0
        for at, row in enumerate(itertools.islice(drawn, _SHEET_ROWS - 1), start=1):
            _write_row(sheet, at, row)
        if at < _SHEET_ROWS - 1:
            return


def _write_row(sheet: Any, at: int, row: Sequence[Any]) -> None:
    for column, value in enumerate(row):
        if isinstance(value, str):
            sheet.write_string(at, column, _fitting(encodable(value)))
        else:
            sheet.write_number(at, column, value)


def _fitting(text: str) -> str:
    if len(text) <= _CELL_CHARACTERS:
        return text
    note = f" [cut: {len(text):,} characters; a cell holds {_CELL_CHARACTERS:,}]"
    return text[: _CELL_CHARACTERS - len(note)] + note


@contextmanager
def _delimited(target: IO[bytes], delimiter: str) -> Iterator[Any]:
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    if delimiter == ",":
        text.write(BYTE_ORDER_MARK)
    yield csv.writer(text, delimiter=delimiter)
    text.detach()


def _wide(parts: Callable[[], Iterable[Part]], into: str, labels: Sequence[str]) -> Iterator[list[str]]:
    kept = list(dict.fromkeys(name for part in parts() for row in part.rows() for name in row["fields"]))
    names = [free_name(label, {*kept, into}) for label in labels]
    yield [*kept, into, *names]
    for part in parts():
        for row in part.rows():
            found = row["entities"]
            cells = [cell(row["fields"].get(name)) for name in kept]
            yield [*cells, to_json(found), *(_names(found, label) for label in labels)]


def _long(parts: Callable[[], Iterable[Part]]) -> Iterator[Sequence[Any]]:
    yield ("record", "start", "end", "label", "score", "text")
    for part in parts():
        for row in part.rows():
            own = row["fields"].get("id")
            record = row["where"] if own in (None, "") else cell(own)
            for one in row["entities"]:
                yield record, one["start"], one["end"], one["label"], one["score"], one["text"]


def cell(value: Any) -> str:
    """Return the cell text of any value: empty for None, JSON for anything but strings."""
    if value is None:
        return ""
    return encodable(value) if isinstance(value, str) else to_json(value)


def _names(entities: Sequence[dict[str, Any]], label: str) -> str:
    return "; ".join(
        " ".join(entity["text"].split()) for entity in entities if type_of(entity["label"]) == label
    )
