"""What is shown of tables before they are read: their first rows, and columns to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ner_app.templating import render
from ner_core.rendering import encodable
from ner_documents.reading import ReadOptions, first_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ner_documents.document import Document

__all__ = ["Preview", "previews", "table_view"]

_ROWS = 5
_COLUMNS = 30
_CELL = 120
_TABLES = 3
_UNKNOWN = 100


class Preview(NamedTuple):
    """The first rows of a table.

    Attributes
    ----------
    name : str
        Of the file.
    columns : list of str
        Of the first hundred rows.
    rows : list of list of str
        Cells of the first five, cut.
    text : str
        The column whose texts are read, empty where it cannot be told.
    """

    name: str
    columns: list[str]
    rows: list[list[str]]
    text: str


def previews(paths: Iterable[Path], column: str = "") -> list[Preview]:
    """Return the beginnings of the tables among some files.

    Parameters
    ----------
    paths : iterable of Path
        Of any kind.
    column : str
        The column with the text; empty to have it chosen.
    """
    found = []
    for path in paths:
        chosen = first_rows(path, ReadOptions(column=column or None), _UNKNOWN) if column else []
        if rows := chosen or first_rows(path, None, _UNKNOWN):
            found.append(_preview(path.name, rows))
    return found


def table_view(found: Sequence[Preview]) -> str:
    """Return the beginnings of tables as HTML."""
    return render("tables.html", tables=found[:_TABLES], more=len(found) - _TABLES, most=_COLUMNS)


def _preview(name: str, rows: Sequence[Document]) -> Preview:
    columns = list(dict.fromkeys(column for row in rows for column in row.fields))
    cells = [[_cell(row.fields.get(column)) for column in columns[:_COLUMNS]] for row in rows[:_ROWS]]
    text = next((one for one in columns if all(row.fields.get(one) == row.text for row in rows)), "")
    return Preview(name, columns, cells, text)


def _cell(value: Any) -> str:
    written = "" if value is None else encodable(str(value))
    return written if len(written) <= _CELL else f"{written[:_CELL]} …"
