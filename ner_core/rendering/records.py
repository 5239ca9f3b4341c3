"""Entities as data: JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

from ner_core.rendering.characters import SURROGATE, encodable, guarded
from ner_core.rendering.slices import several

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_core.entity import Recognition

__all__ = ["CSV_COLUMNS", "to_csv", "to_json", "to_jsonl"]

CSV_COLUMNS = ("document", "start", "end", "label", "score", "text")

_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')
_CONSTANTS = {"Infinity": "1e999", "-Infinity": "-1e999", "NaN": "null"}


def to_jsonl(recognitions: Recognition | Iterable[Recognition]) -> str:
    """Write one JSON object a line, see :meth:`ner_core.Recognition.to_dict`."""
    return "".join(f"{to_json(recognition.to_dict())}\n" for recognition in several(recognitions))


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write readable JSON: only lone surrogates are escaped.

    JSON (RFC 8259) has no infinity and no NaN: infinity is written as ``1e999``, NaN as null.
    """
    try:
        written = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        written = json.dumps(value, ensure_ascii=False, indent=indent)
        written = _STRING_OR_CONSTANT.sub(lambda found: _CONSTANTS.get(found[0], found[0]), written)
    return SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def to_csv(
    recognitions: Recognition | Iterable[Recognition],
    *,
    names: Sequence[str] = (),
    escape_formulas: bool = True,
) -> str:
    r"""Write one row an entity (RFC 4180): document, start, end, label, score, text.

    Parameters
    ----------
    recognitions : Recognition or iterable of Recognition
        One text or several.
    names : sequence of str
        Names of the documents; documents without a name get their index.
    escape_formulas : bool
        Put an apostrophe before texts that a spreadsheet would run as a formula (``=``, ``+``, ``-``, ``@``).
        On by default because such files are opened in spreadsheets, and the text may come from anybody;
        start and end give the exact text in any case.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> to_csv(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    'document,start,end,label,score,text\r\n0,0,4,PER,0.5,Mary\r\n'
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    for number, recognition in enumerate(several(recognitions)):
        document = names[number] if number < len(names) else str(number)
        for entity in recognition.entities:
            cells = [encodable(cell) for cell in (document, entity.label, entity.text)]
            if escape_formulas:
                cells = list(map(guarded, cells))
            writer.writerow([cells[0], entity.start, entity.end, cells[1], entity.score, cells[2]])
    return file.getvalue()
