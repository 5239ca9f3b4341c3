"""What must be redacted: entities, other occurrences of their names, patterns and listed names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from ner_core.labels import type_of
from ner_documents.folding import fold_joined, fold_text, join_words
from ner_documents.names import fold, read_name
from ner_documents.redaction.lists import NameList
from ner_documents.redaction.patterns import DEFAULT_REGIONS, find_patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Recognition

__all__ = ["Finding", "Rules", "find_all"]

#: Longer entities are redacted, but not searched for elsewhere, in characters.
_LONGEST_NAME = 1_000

LISTED = "NAME"
PLACEHOLDER = "TEXT"
_CERTAINTY = {"text": 0, "list": 1, "pattern": 2, "model": 3, "name": 4}

#: A single letter or Han character is not a name.
_SHORTEST = 2
# Findings are extended over these characters: a placeholder inside a word would look like part of it.
_WORD_PART = re.compile("[0-9A-Za-z_]*")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;\n\u2026\"'\u201c\u2018(\u2022*-])\s*$")
_POSSESSIVE = re.compile("['\u2019]s?$", re.IGNORECASE)
#: Names that are also ordinary words, which are capitalised at the start of a sentence.
_ORDINARY = frozenset(
    """will may mark grant bill rose hope art sue pat rob drew chase faith grace joy dean young long white
    black brown green king day june april august sunday summer case good best early love price page west
    north east south church field she""".split()  # noqa: SIM905
)
#: Parts of names that are not names by themselves.
_PARTICLES = frozenset("van von del der den bin ibn the and ter ten dos das ben abu".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be removed from a text.

    Attributes
    ----------
    start, end : int
        Span in the text.
    label : str
        Entity type, a label of a pattern, or ``NAME`` for a listed name.
    source : str
        ``model``, ``name`` (another occurrence of a name), ``pattern``, ``list``, or ``text`` for text that
        looks like the placeholder of a name in another text.
    score : float
        Score of the model; 1 for patterns and listed names.
    key : str
        Equal for all spellings of one number or address; empty for names.
    """

    start: int
    end: int
    label: str
    source: str
    score: float = 1.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What to search for besides entities.

    Attributes
    ----------
    patterns : bool
        E-mail addresses, phone numbers and the like.
    regions : sequence of str
        Countries whose phone numbers are recognized without a country code.
    listed : NameList
        Names that are always removed.
    allowed : collection of str
        Folded names that are kept, unless they are listed.
    labels : collection of str or None
        Entity types and pattern labels to remove; None for all.
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
    """Find what to remove from the texts of one document.

    Parameters
    ----------
    recognitions : sequence of Recognition
        Its texts, in order, each with **all** entities that the model found.
    rules : Rules
        What to search for besides them.
    given : callable
        Finds text that looks like a placeholder of another text, which must be removed as well.

    Returns
    -------
    list of list of Finding
        The findings of each text, sorted and not overlapping.
    """
    entities = [
        [one for one in _entities(recognition) if not _stays(recognition.text, one, rules)]
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


def _entities(recognition: Recognition) -> list[Finding]:
    """Return the entities; the pieces of aggregation ``none`` are joined first."""
    text = recognition.text
    found: list[Finding] = []
    for one in recognition.entities:
        last = found[-1] if found else None
        if last and one.label == f"I-{last.label}" and not text[last.end : one.start].strip():
            found[-1] = replace(last, end=one.end, score=min(last.score, one.score))
        else:
            found.append(Finding(one.start, one.end, type_of(one.label), "model", one.score))
    return [_widened(text, one) for one in found]


def _others(text: str, known: _KnownNames, rules: Rules) -> Iterator[Finding]:
    readings = [one for one in (fold_text(text), fold_joined(text)) if one]
    for start, end in chain.from_iterable(map(rules.listed.find, readings)):
        yield Finding(start, end, LISTED, "list")
    if rules.patterns:
        for one in find_patterns(text, rules.regions):
            finding = Finding(one.start, one.end, one.label, "pattern", key=one.key)
            if not _stays(text, finding, rules):
                yield finding
    for start, end in chain.from_iterable(map(known.names.find, readings)):
        if (label := known.label(text, start, end)) and not _is_allowed(text[start:end], rules):
            yield Finding(start, end, label, "name")


def _stays(text: str, one: Finding, rules: Rules) -> bool:
    """Return whether a finding is allowed, has a label to keep, or is a placeholder already."""
    if rules.labels is not None and one.label not in rules.labels:
        return True
    found = text[one.start : one.end]
    return _is_allowed(found, rules) or bool(re.fullmatch(rf"{re.escape(one.label)}_\d+", found))


def _is_allowed(text: str, rules: Rules) -> bool:
    return bool(rules.allowed) and (
        fold(text) in rules.allowed or fold(_POSSESSIVE.sub("", text)) in rules.allowed
    )


class _KnownNames:
    """The names of a document, also given names and surnames alone, and companies without legal form."""

    def __init__(self, found: Iterable[tuple[str, str]]) -> None:
        self._labels: dict[str, str] = {}
        # A word that is split at a line end counts as written, and joined.
        readings = ((one, label) for name, label in found for one in dict.fromkeys((name, join_words(name))))
        for text, label in readings:
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
                    if len(part) > 2 and part not in _PARTICLES:
                        self._labels.setdefault(part, label)
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


def _merged(text: str, findings: list[Finding]) -> list[Finding]:
    """Merge findings that overlap, and extend each to whole words.

    All of each finding is covered; label and score are those of the longest, or of equals the most certain.
    """
    widened = [_widened(text, one) for one in findings if one.end > one.start]
    merged: list[Finding] = []
    for one in sorted(widened, key=lambda one: (one.start, -one.end, _CERTAINTY[one.source])):
        if merged and one.start < merged[-1].end:
            merged[-1] = _union(merged[-1], one)
        else:
            merged.append(one)
    return merged


def _union(first: Finding, second: Finding) -> Finding:
    best = min(
        (first, second),
        key=lambda one: (one.source != "pattern", one.start - one.end, _CERTAINTY[one.source]),
    )
    if best.label == LISTED:  # the model may know the type of the name
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
