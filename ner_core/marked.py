"""Texts with marked names, as ``ner annotate`` and annotation tools write them, read as words and tags.

A JSON object is a document. Its text, or the list of its words, is under ``text``, ``words`` or ``tokens``,
which may be within ``data``; its names are under ``entities``, ``spans``, ``label``, ``labels`` or ``ents``,
or in the ``annotations`` of Label Studio. A name is ``[start, end, label]``, or an object with these values.
Offsets count characters (Unicode code points).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_core.characters import classes
from ner_core.labels import tags_of
from ner_core.rendering.characters import encodable
from ner_core.segments import find_segments
from ner_core.words import word_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["sentences_of"]

_TEXTS = ("text", "words", "tokens")
_NAMES = ("entities", "spans", "label", "labels", "ents")
# In `classes`: two letters, digits or what extends them; a sign with what extends it; what is no word.
_LETTERS = re.compile(r"[A-Za-z0-9\x00-\x08\x0e-\x1b\x7f]{2}")
_SIGN = re.compile(r"[^\s\x02]\x02*")
_BLANK = "\x02 \t\n\v\f\r"
_SHOWN = 60


class _Name(NamedTuple):
    """A marked name, in characters, end exclusive."""

    start: int
    end: int
    label: str


def sentences_of(document: Any, column: str | None = None) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words and IOB2 tags of each part of a document that recognizers read separately.

    Parameters
    ----------
    document : any
        A value from JSON.
    column : str, optional
        The key of the text, if it is another.

    Raises
    ------
    ValueError
        It is no document with names, or a name overlaps another, cuts a word, or is not in the text.

    Examples
    --------
    >>> list(sentences_of({"text": "Mary's in Oslo.", "label": [[0, 4, "PER"], [10, 14, "LOC"]]}))
    [(['Mary', "'s", 'in', 'Oslo', '.'], ['B-PER', 'O', 'O', 'B-LOC', 'O'])]
    """
    if not isinstance(document, dict):
        msg = f"expected an object with a text and its names, found {_excerpt(document)}"
        raise ValueError(msg)  # noqa: TRY004 - of a file, not of an argument
    if document.get("answer", "accept") != "accept":  # Prodigy: rejected, or skipped
        return
    given = _text_of(document, _TEXTS if column is None else (column,))
    text = encodable(given if isinstance(given, str) else " ".join(given))
    shape = classes(text)
    names = sorted({_name(value, text, shape) for value in _names_of(document)})
    for one, other in pairwise(names):
        if other.start < one.end:
            msg = f"the names {_shown(text, one)} and {_shown(text, other)} overlap; leave one of them"
            raise ValueError(msg)
    if isinstance(given, str):
        words, parts = list(_words(text, shape, names)), _parts(text, names)
    else:
        words, parts = _places(given), [(0, len(text))]
    starts, ends = [start for start, _ in words], [end for _, end in words]
    spans = []
    for name in names:
        first, last = bisect_left(starts, name.start), bisect_left(ends, name.end)
        if (name.start, name.end) != (_at(starts, first), _at(ends, last)):
            msg = f"the name {_shown(text, name)} cuts a word; it must begin and end where words do"
            raise ValueError(msg)
        spans.append((name.label, first, last + 1))
    tags = tags_of(spans, len(words))
    for start, end in parts:
        inside = slice(bisect_left(starts, start), bisect_left(starts, end))
        if tags[inside]:
            yield [text[slice(*word)] for word in words[inside]], tags[inside]


def _text_of(document: dict[str, Any], keys: Sequence[str]) -> str | list[str]:
    inner = document["data"] if isinstance(document.get("data"), dict) else document
    given = next((inner[key] for key in keys if key in inner), None)
    if isinstance(given, str) or (
        isinstance(given, list) and all(isinstance(word, str) and word for word in given)
    ):
        return given
    wanted = f"a text or a list of words under {', '.join(keys)}"
    msg = f"expected {wanted}, found {_excerpt(inner)}; the option column names another key"
    raise ValueError(msg)


def _names_of(document: dict[str, Any]) -> list[Any]:
    """Return the names as they are written; `ValueError` if none or several keys may hold them."""
    if isinstance(document.get("annotations"), list):  # of Label Studio, one for each person
        kept = [
            one for one in document["annotations"] if isinstance(one, dict) and not one.get("was_cancelled")
        ]
        if len(kept) != 1 or not isinstance(kept[0].get("result"), list):
            msg = f"expected one annotation with a result, found {len(kept)}; leave one of them"
            raise ValueError(msg)
        return [one for one in kept[0]["result"] if not isinstance(one, dict) or one.get("type") == "labels"]
    keys = [key for key in _NAMES if isinstance(document.get(key), list)]
    if len(keys) == 1:
        return list(document[keys[0]])
    if not keys and "answer" in document:  # Prodigy writes no spans where there are none
        return []
    if keys:
        msg = f"expected names under one of {', '.join(keys)}; leave out the other"
        raise ValueError(msg)
    msg = f"expected names under {', '.join(_NAMES)} or annotations, found {_excerpt(document)}"
    raise ValueError(msg)


def _name(value: Any, text: str, shape: str) -> _Name:
    """Read a name in any of its forms, without the white space around it."""
    told = None
    if isinstance(value, dict):
        value = value["value"] if isinstance(value.get("value"), dict) else value
        told = value.get("text")
        first, last = value.get("start", value.get("start_offset")), value.get("end", value.get("end_offset"))
        value = [first, last, *(value.get("labels") or [value.get("label", value.get("entity"))])]
    if not (isinstance(value, list) and len(value) == 3 and isinstance(value[2], str) and value[2].strip()):
        msg = f"expected a name with start, end and one label, found {_excerpt(value)}"
        raise ValueError(msg)
    start, end, label = value
    if not (type(start) is type(end) is int and 0 <= start < end <= len(text)):
        msg = f"expected start and end in the {len(text)} characters of the text, found {start} and {end}"
        raise ValueError(msg)
    name = _Name(start, end, label.strip())
    if isinstance(told, str) and text[start:end].split() != encodable(told).split():
        found = _shown(text, name)
        msg = f"expected the name {told!r:.{_SHOWN}}, found {found} there; offsets count characters"
        raise ValueError(msg)
    start = end - len(shape[start:end].lstrip(_BLANK))
    end = start + len(shape[start:end].rstrip(_BLANK[1:]))
    if start == end:
        msg = f"the name {_shown(text, name)} is empty"
        raise ValueError(msg)
    return name._replace(start=start, end=end)


def _words(text: str, shape: str, names: Sequence[_Name]) -> Iterator[tuple[int, int]]:
    """Yield the places of words and signs, divided where a name begins or ends, but not between letters."""
    borders = sorted({border for name in names for border in name[:2]})
    position = 0
    for start, end in [*word_spans(text).tolist(), (len(text), len(text))]:
        signs = [sign.span() for sign in _SIGN.finditer(shape, position, start)]
        for first, last in [*signs, (start, end)]:
            for cut in borders[bisect_right(borders, first) : bisect_left(borders, last)]:
                if not _LETTERS.match(shape, cut - 1):
                    yield first, cut
                    first = cut
            if first < last:
                yield first, last
        position = end


def _parts(text: str, names: Sequence[_Name]) -> list[tuple[int, int]]:
    """Return the segments of a text, those joined that a name covers together."""
    parts: list[tuple[int, int]] = []
    for start, end in sorted([*find_segments(text), *(name[:2] for name in names)]):
        if parts and start < parts[-1][1]:
            parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
        else:
            parts.append((start, end))
    return parts


def _places(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of words that are joined by spaces."""
    ends = list(accumulate(len(word) + 1 for word in words))
    return [(end - 1 - len(word), end - 1) for end, word in zip(ends, words, strict=True)]


def _at(places: Sequence[int], number: int) -> int | None:
    return places[number] if number < len(places) else None


def _shown(text: str, name: _Name) -> str:
    return f"{text[name.start : name.end]!r:.{_SHOWN}} ({name.start}-{name.end} {name.label})"


def _excerpt(found: Any) -> str:
    """Show the beginning of a value, or the keys of an object."""
    shown = f"an object with {', '.join(found) or 'nothing'}" if isinstance(found, dict) else repr(found)
    return f"{shown[:_SHOWN]}{'…' * (len(shown) > _SHOWN)}"
