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

__all__ = ["to_csv", "to_json"]

_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')
_CONSTANTS = {"Infinity": "1e999", "-Infinity": "-1e999", "NaN": "null"}


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


def to_csv(recognitions: Recognition | Iterable[Recognition], *, names: Sequence[str] = ()) -> str:
    r"""Write one row an entity (RFC 4180): document, start, end, label, score, text.

    Texts that a spreadsheet would run as a formula are `guarded`; start and end give the exact text.

    Parameters
    ----------
    recognitions : Recognition or iterable of Recognition
        One text or several.
    names : sequence of str
        Names of the documents; documents without a name get their index.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> to_csv(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    'document,start,end,label,score,text\r\n0,0,4,PER,0.5,Mary\r\n'
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["document", "start", "end", "label", "score", "text"])
    for number, recognition in enumerate(several(recognitions)):
        document = names[number] if number < len(names) else str(number)
        for entity in recognition.entities:
            name, label, text = (guarded(encodable(one)) for one in (document, entity.label, entity.text))
            writer.writerow([name, entity.start, entity.end, label, entity.score, text])
    return file.getvalue()
