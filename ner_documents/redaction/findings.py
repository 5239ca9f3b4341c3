"""What has to go: entities, other occurrences of their names, what its form proves, and listed names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from ner_core.labels import type_of
from ner_documents.names import fold, read_name
from ner_documents.redaction.folding import fold_joined, fold_text, join_words
from ner_documents.redaction.lists import NameList
from ner_documents.redaction.patterns import DEFAULT_REGIONS, find_patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Recognition

__all__ = ["Finding", "Rules", "find_all"]

#: Of what is taken for a name, in characters: longer ones go, but nobody writes them twice.
_LONGEST_NAME = 1_000

LISTED = "NAME"
PLACEHOLDER = "TEXT"
_SURENESS = {"text": 0, "list": 1, "pattern": 2, "model": 3, "name": 4}

#: A single letter, or a single character of Han, is no name alone.
_SHORTEST = 2
# What ends a finding at both sides: a placeholder inside of a word could be read as part of it.
_WORD_PART = re.compile("[0-9A-Za-z_]*")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;\n\u2026\"'\u201c\u2018(\u2022*-])\s*$")
_POSSESSIVE = re.compile("['\u2019]s?$", re.IGNORECASE)
#: Names that are also words, which have a capital at the beginning of a sentence.
_ORDINARY = frozenset(
    """will may mark grant bill rose hope art sue pat rob drew chase faith grace joy dean young long white
    black brown green king day june april august sunday summer case good best early love price page west
    north east south church field she""".split()  # noqa: SIM905
)
#: Parts of names that are no name alone.
_PARTICLES = frozenset("van von del der den bin ibn the and ter ten dos das ben abu".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is taken out of a text.

    Attributes
    ----------
    start, end : int
        Place in the text.
    label : str
        Entity type, a label of a pattern, or ``NAME`` for a listed name.
    source : str
        ``model``, ``name`` (another occurrence of a name), ``pattern``, ``list``, or ``text`` for what reads
        like the placeholder of a name in another text.
    score : float
        Of the model; 1 for what is proved or listed.
    key : str
        Equal for different spellings of one number or address; empty for names.
    """

    start: int
    end: int
    label: str
    source: str
    score: float = 1.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is looked for beside the entities.

    Attributes
    ----------
    patterns : bool
        E-mail addresses, phone numbers and the like.
    regions : sequence of str
        Countries whose phone numbers are found without their country code.
    listed : NameList
        Names that always go.
    allowed : collection of str
        Folded names that stay, unless they are listed.
    labels : collection of str or None
        Entity types and labels of patterns that go; None for all.
    """

    patterns: bool = True
    regions: Sequence[str] = DEFAULT_REGIONS
    listed: NameList = field(default_factory=lambda: NameList(()))
    allowed: Collection[str] = frozenset()
    labels: Collection[str] | None = None


def find_all(
    recognitions: Sequence[Recognition],
    rules: Rules,
    given: Callable[[str], Iterable[tuple[int, int]]] = lambda _: (),
) -> list[list[Finding]]:
    """Find what has to go in the texts of one document.

    Parameters
    ----------
    recognitions : sequence of Recognition
        Its texts, in order, each with **all** entities that the model found.
    rules : Rules
        What is looked for beside them.
    given : callable
        Finds what reads like a placeholder of another text in this one and so has to go as well.

    Returns
    -------
    list of list of Finding
        For each text what was found: sorted, not overlapping.
    """
    entities = [
        [
            one
            for one in _entities(recognition)
            if not _stays(recognition.text[one.start : one.end], one, rules)
        ]
        for recognition in recognitions
    ]
    known = _KnownNames(
        (recognition.text[one.start : one.end], one.label)
        for recognition, found in zip(recognitions, entities, strict=True)
        for one in found
        if one.end - one.start <= _LONGEST_NAME
    )
    return [
        _merged(
            recognition.text,
            [
                *found,
                *_others(recognition.text, known, rules),
                *(Finding(*place, PLACEHOLDER, "text") for place in given(recognition.text)),
            ],
        )
        for recognition, found in zip(recognitions, entities, strict=True)
    ]


def _entities(recognition: Recognition) -> Iterator[Finding]:
    """Yield the entities; the pieces of aggregation ``none`` are put together first."""
    last: Finding | None = None
    for entity in recognition.entities:
        label = type_of(entity.label)
        inside = last is not None and entity.label == f"I-{last.label}"
        if last is not None and inside and not recognition.text[last.end : entity.start].strip():
            last = replace(last, end=entity.end, score=min(last.score, entity.score))
            continue
        if last is not None:
            yield _widened(recognition.text, last)
        last = Finding(entity.start, entity.end, label, "model", entity.score)
    if last is not None:
        yield _widened(recognition.text, last)


def _others(text: str, known: _KnownNames, rules: Rules) -> Iterator[Finding]:
    readings = [one for one in (fold_text(text), fold_joined(text)) if one]
    for start, end in chain.from_iterable(map(rules.listed.find, readings)):
        yield Finding(start, end, LISTED, "list")
    if rules.patterns:
        for one in find_patterns(text, rules.regions):
            finding = Finding(one.start, one.end, one.label, "pattern", key=one.key)
            if not _stays(text[one.start : one.end], finding, rules):
                yield finding
    for start, end in chain.from_iterable(map(known.names.find, readings)):
        if (label := known.label(text, start, end)) and not _is_allowed(text[start:end], rules):
            yield Finding(start, end, label, "name")


def _stays(text: str, one: Finding, rules: Rules) -> bool:
    """Return whether something is allowed, of a label that stays, or was a placeholder before."""
    if rules.labels is not None and one.label not in rules.labels:
        return True
    return _is_allowed(text, rules) or bool(re.fullmatch(rf"{re.escape(one.label)}_\d+", text))


def _is_allowed(text: str, rules: Rules) -> bool:
    return bool(rules.allowed) and (
        fold(text) in rules.allowed or fold(_POSSESSIVE.sub("", text)) in rules.allowed
    )


class _KnownNames:
    """The names of a document, given names and surnames alone, and companies without their legal form."""

    def __init__(self, found: Iterable[tuple[str, str]]) -> None:
        self._labels: dict[str, str] = {}
        self._parts: set[str] = set()
        for text, label in chain.from_iterable(map(_readings, found)):
            whole = fold(text)
            if len(whole) < _SHORTEST:
                continue
            self._labels.setdefault(whole, label)
            self._labels.setdefault(_POSSESSIVE.sub("", whole), label)
            name = read_name(text, label)
            words = name.words
            without_form = " ".join(words)
            if name.ending and not name.person and len(without_form) > 2:
                self._labels.setdefault(without_form, label)
            if name.person and len(words) > 1:
                for part in (words[-1], *words[:1]):
                    if len(part) > 2 and part not in _PARTICLES and part not in self._labels:
                        self._labels[part] = label
                        self._parts.add(part)
        self.names = NameList(self._labels)

    def label(self, text: str, start: int, end: int) -> str:
        """Return the label of an occurrence, empty if it is more likely an ordinary word.

        Whole names of several words count in any case; single words with a capital, and those that are also
        ordinary words not at the beginning of a sentence.
        """
        found = fold(text[start:end])
        if found not in self._labels:
            found = fold(join_words(text[start:end]))
        label = self._labels.get(found, "")
        if " " in found or not text[start:end].islower():
            ordinary = found in _ORDINARY and _SENTENCE_END.search(text[max(0, start - 8) : start])
            return "" if ordinary and not text[start:end].isupper() else label
        return ""


def _readings(name: tuple[str, str]) -> list[tuple[str, str]]:
    """Return a name as it stands there and, where a line end cuts a word of it in two, as one word."""
    text, label = name
    return [(one, label) for one in dict.fromkeys((text, join_words(text)))]


def _merged(text: str, findings: list[Finding]) -> list[Finding]:
    """Merge findings that overlap, and extend each to whole words.

    Nothing of any of them may be left; label and score are those of the longest, and of equals of the surest.
    """
    widened = [_widened(text, one) for one in findings if one.end > one.start]
    merged: list[Finding] = []
    for one in sorted(widened, key=lambda one: (one.start, -one.end, _SURENESS[one.source])):
        if merged and one.start < merged[-1].end:
            merged[-1] = _union(merged[-1], one)
        else:
            merged.append(one)
    return merged


def _union(first: Finding, second: Finding) -> Finding:
    best = min(
        (first, second),
        key=lambda one: (one.source != "pattern", one.start - one.end, _SURENESS[one.source]),
    )
    if best.label == LISTED:  # the model may know what kind of name it is
        best = replace(
            best, label=next((one.label for one in (first, second) if one.label != LISTED), LISTED)
        )
    return replace(best, start=first.start, end=max(first.end, second.end))


def _widened(text: str, one: Finding) -> Finding:
    before = _WORD_PART.match(text[max(0, one.start - 64) : one.start][::-1])
    after = _WORD_PART.match(text, one.end)
    start = one.start - (len(before[0]) if before and _is_word(text[one.start]) else 0)
    end = after.end() if after and _is_word(text[one.end - 1]) else one.end
    return one if (start, end) == (one.start, one.end) else replace(one, start=start, end=end, key="")


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")
