"""Texts with marked names or tagged words, in the JSON of annotation tools and data sets.

A JSON object is a document. Its text, or the list of its words, is under ``text``, ``words`` or ``tokens``,
which may be within ``data``; its names are under ``entities``, ``spans``, ``label``, ``labels`` or ``ents``,
or in the ``annotations`` of Label Studio. A name is ``[start, end, label]``, or an object with these values.
Offsets count characters (Unicode code points). Instead of names, a list of words may have a list of tags,
or of their ids, under ``ner_tags``, ``tags``, ``ner`` or ``labels``, as in data sets of the Hugging Face hub.
A pair of a text and an object with its names, as in spaCy 2, is a document as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_core.characters import classes
from ner_core.columns import find_layout
from ner_core.labels import tags_of
from ner_core.rendering.characters import encodable
from ner_core.segments import find_segments
from ner_core.words import word_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MarkedSentence", "Sentence", "sentences_of", "text_of"]

_TEXTS = ("text", "words", "tokens")
_NAMES = ("entities", "spans", "label", "labels", "ents")
_TAGS = ("ner_tags", "tags", "ner", "labels")
_LABELS = ("label", "entity", "entity_group", "type")
# In `classes`: two letters, digits or what extends them; a sign with what extends it; what is no word.
_LETTERS = re.compile(r"[A-Za-z0-9\x00-\x08\x0e-\x1b\x7f]{2}")
_SIGN = re.compile(r"[^\s\x02]\x02*")
_BLANK = "\x02 \t\n\v\f\r"
_SHOWN = 60


class Sentence(NamedTuple):
    """Words of one sentence and the tag of each; unpacks as ``words, tags``."""

    words: list[str]
    tags: list[str]


class MarkedSentence(Sentence):
    """A part of a text that stands by itself, with the places of its words in the whole text."""

    text: str
    places: Sequence[tuple[int, int]]

    def __new__(
        cls, words: list[str], tags: list[str], text: str, places: Sequence[tuple[int, int]]
    ) -> MarkedSentence:
        """Return a pair of words and tags that knows its text."""
        pair = super().__new__(cls, words, tags)
        pair.text, pair.places = text, places
        return pair


class _Name(NamedTuple):
    """A marked name, in characters, end exclusive."""

    start: int
    end: int
    label: str


def sentences_of(
    document: Any, column: str | None = None, label_ids: Sequence[str] | None = None
) -> Iterator[Sentence]:
    """Yield the words and tags of each part of a document that recognizers read separately.

    Tags are IOB2, or in the scheme of the document.

    Parts of a text are `MarkedSentence`.

    Parameters
    ----------
    document : any
        A value from JSON.
    column : str, optional
        The key of the text, if it is another.
    label_ids : sequence of str, optional
        The tags in the order of their ids, for documents that hold ids.

    Raises
    ------
    ValueError
        It is no document with names or tags, or a name overlaps another, cuts a word, or is not in the text.

    Examples
    --------
    >>> words, tags = next(sentences_of({"text": "Mary's in Oslo.", "label": [[0, 4, "PER"]]}))
    >>> words, tags
    (['Mary', "'s", 'in', 'Oslo', '.'], ['B-PER', 'O', 'O', 'O', 'O'])
    """
    document = _object(document)
    if document.get("answer", "accept") != "accept":  # Prodigy: rejected, or skipped
        return
    if tagged := _tagged(document, column, label_ids):
        yield tagged
        return
    given = _given(document, _TEXTS if column is None else (column,))
    text = encodable(given if isinstance(given, str) else " ".join(given))
    shape = classes(text)
    marked = _names_of(document)
    if marked is None:
        return
    names = sorted({_name(value, text, shape) for value in marked})
    for one, other in pairwise(names):
        if other.start < one.end:
            msg = f"the names {_shown(text, one)} and {_shown(text, other)} overlap; leave one of them"
            raise ValueError(msg)
    if isinstance(given, str):
        words, parts = list(_words(text, shape, names)), _parts(text, names)
    else:
        words, parts = _places(given), [(0, len(text))]
    starts, ends = zip(*words, (len(text) + 1, len(text) + 1), strict=True)
    spans = []
    for name in names:
        first, last = bisect_left(starts, name.start), bisect_left(ends, name.end)
        if (name.start, name.end) != (starts[first], ends[last]):
            msg = f"the name {_shown(text, name)} cuts a word; it must begin and end where words do"
            raise ValueError(msg)
        spans.append((name.label, first, last + 1))
    tags = tags_of(spans, len(words))
    for start, end in parts:
        inside = slice(bisect_left(starts, start), bisect_left(starts, end))
        if tags[inside]:
            own = [text[slice(*word)] for word in words[inside]], tags[inside]
            marked_text = isinstance(given, str)
            yield MarkedSentence(*own, text, words[inside]) if marked_text else Sentence(*own)


def text_of(document: Any, column: str | None = None) -> str:
    """Return the text of a document, or its words with spaces between; `ValueError` if it has none."""
    given = _given(_object(document), _TEXTS if column is None else (column,))
    return encodable(given if isinstance(given, str) else " ".join(given))


def _object(document: Any) -> dict[str, Any]:
    if isinstance(document, list) and len(document) == 2 and isinstance(document[1], dict):  # spaCy 2
        return {"text": document[0], **document[1]}
    if isinstance(document, dict):
        return document
    msg = f"expected an object with a text and its names, found {_excerpt(document)}"
    raise ValueError(msg)


def _given(document: dict[str, Any], keys: Sequence[str]) -> str | list[str]:
    inner = document["data"] if isinstance(document.get("data"), dict) else document
    given = next((inner[key] for key in keys if key in inner), None)
    if isinstance(given, str) or (
        isinstance(given, list) and all(isinstance(word, str) and word for word in given)
    ):
        return given
    wanted = f"a text or a list of words under {', '.join(keys)}"
    msg = f"expected {wanted}, found {_excerpt(inner)}; name another key with column"
    raise ValueError(msg)


def _tagged(document: dict[str, Any], column: str | None, label_ids: Sequence[str] | None) -> Sentence | None:
    """Return words and their tags, if the document has no names, and a list of each."""
    keys = (column or "tokens", *_TEXTS[::-1])
    words = next((document[key] for key in keys if _holds(document, key, str)), None)
    key = next((key for key in _TAGS if _holds(document, key, str) or _holds(document, key, int)), None)
    if words is None or key is None or _keys_of_names(document):
        return None
    tags = document[key]
    if len(tags) != len(words):
        msg = f"expected a tag for each of {len(words)} words, found {len(tags)} {key}"
        raise ValueError(msg)
    if "" in words:
        msg = f"expected words, found an empty one (number {words.index('') + 1})"
        raise ValueError(msg)
    if isinstance(tags[0], int):
        if label_ids is None:
            wanted = "write the tags, one a line in the order of their numbers, into label_ids.csv beside it"
            msg = f"expected tags under {key}, found numbers; {wanted}"
            raise ValueError(msg)
        if not 0 <= min(tags) <= max(tags) < len(label_ids):
            msg = (
                f"expected {key} from 0 to {len(label_ids) - 1}, as in label_ids.csv, found {_excerpt(tags)}"
            )
            raise ValueError(msg)
        tags = [label_ids[tag] for tag in tags]
    layout = find_layout([("word", tag) for tag in ("O", *tags)])
    read = []
    for word, tag in zip(words, tags, strict=True):
        read.append(layout.read_tag(tag) or "")
        if not read[-1]:
            msg = f"expected O or PREFIX-TYPE, such as B-PER, for {word!r:.{_SHOWN}}, found {tag!r:.{_SHOWN}}"
            raise ValueError(msg)
    return Sentence([encodable(word) for word in words], read)


def _holds(document: dict[str, Any], key: str, kind: type) -> bool:
    """Return whether there is a list of strings, or of integers, under a key."""
    values = document.get(key)
    return isinstance(values, list) and bool(values) and all(type(value) is kind for value in values)


def _keys_of_names(document: dict[str, Any]) -> list[str]:
    """Return the keys of lists that may hold names: lists of strings are other things."""
    return [key for key in _NAMES if isinstance(document.get(key), list) and not _holds(document, key, str)]


def _names_of(document: dict[str, Any]) -> list[Any] | None:
    """Return the names as they are written, or None for a text that nobody has annotated.

    Raises `ValueError` if none or several keys may hold them.
    """
    if isinstance(document.get("annotations"), list):  # of Label Studio, one for each person
        kept = [
            one for one in document["annotations"] if isinstance(one, dict) and not one.get("was_cancelled")
        ]
        if len(kept) > 1 or any(not isinstance(one.get("result"), list) for one in kept):
            msg = f"expected one annotation with a result, found {len(kept)}; leave one of them"
            raise ValueError(msg)
        if not kept:
            return None
        # `hypertextlabels` mark places in HTML; choices, ratings and relations mark none.
        return [
            one
            for one in kept[0]["result"]
            if not isinstance(one, dict) or str(one.get("type", "labels")).endswith("labels")
        ]
    keys = _keys_of_names(document)
    if len(keys) == 1:
        return list(document[keys[0]])
    if not keys and not {"answer", "annotation_id"}.isdisjoint(document):
        return []  # Prodigy and Label Studio (JSON-MIN) leave out what is empty
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
        label = next((value[key] for key in _LABELS if key in value), None)
        value = [first, last, *(value.get("labels") or [label])]
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


def _shown(text: str, name: _Name) -> str:
    return f"{text[name.start : name.end]!r:.{_SHOWN}} ({name.start}-{name.end} {name.label})"


def _excerpt(found: Any) -> str:
    """Show the beginning of a value, or the keys of an object."""
    shown = f"an object with {', '.join(found) or 'nothing'}" if isinstance(found, dict) else repr(found)
    return f"{shown[:_SHOWN]}{'…' * (len(shown) > _SHOWN)}"
