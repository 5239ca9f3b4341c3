r"""Detection of English by frequent words, by the endings of other words, and by letters.

It only has to choose between two models, so the score is one number: the sum over the words of
log10 P(word | English) / P(word | another language), from ``english.txt``. A capitalised word that is not
among the frequent ones is usually a name and weighs little. Letters of other scripts count against English,
and so do Latin letters that English does not have.

``english.txt`` was made from the frequencies of words in 26 other languages that write in Latin letters, see
``benchmarks/languages.py``; ``greetings.txt`` adds the words of short greetings by hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from importlib.resources import files
from itertools import groupby, islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from ner_core.characters import rendered, shown
from ner_core.segments import BLANK_LINE, DIVIDERS, LINE_BREAK, MOST_WORDS, Segment, segments_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LanguagePart", "are_english", "english_score", "is_english", "language_parts", "main_script"]

_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
# No word: a letter with a full stop is an initial or an abbreviation (the v. of a lawsuit is not Slavic v).
_WORD = re.compile(rf"(?!(?<![{_LATIN}])[{_LATIN}]\.)[{_LATIN}]+")
_OTHER_SCRIPT = re.compile(rf"[^\W\d_{_LATIN}\u02b0-\u036f]")
# Addresses, user names, hashtags and the RT of reposts have no language.
_MARKS = re.compile(r"[@#/]|\bRT\b")
_ADDRESS = re.compile(r"\S*://\S*|www\.\S+|\S*@\S*|#\w+|\bRT\b")

#: A text with this score or less is not English; a text without evidence is.
_NOT_ENGLISH = -0.6
# Evidence that a segment needs to differ from its neighbours.
_SURE = 1.5
# A text with scores both above and below this is examined segment by segment.
_CONTRARY = 0.4

# Weight of a capitalised word; evidence (log10) of a Latin letter that English does not have, and of a letter
# of another script. Words in capitals up to the last length are abbreviations.
_OF_NAMES = 0.25
_FOREIGN_LATIN = -1.0
_OTHER_LETTER = -0.3
_ABBREVIATION = 3
# Letters that decide the script of a text.
_LETTERS_OF_SCRIPT = 40


class LanguagePart(NamedTuple):
    """A slice of a text in one language, in characters, end exclusive.

    Attributes
    ----------
    start, end : int
        Parts follow each other without a gap.
    english : bool
        Whether it is English, or shows no other language.
    segments : tuple of Segment or None
        Segments of this part, with offsets from its start; None if they are still to be found.
    """

    start: int
    end: int
    english: bool
    segments: Sequence[tuple[int, int]] | None = None


def is_english(text: str) -> bool:
    """Return whether a text is English; a text that shows no language, such as a name, counts as English.

    Examples
    --------
    >>> is_english("Mary lives in Santa Clara."), is_english("Mary wohnt mit ihrer Mutter in Rom.")
    (True, False)
    >>> is_english("Santa Clara"), is_english("Москва"), is_english("玛丽住在圣克拉拉。")
    (True, False, False)
    >>> is_english("Marbury v. Madison"), is_english("v Brne")
    (True, False)
    """
    return english_score(text) > _NOT_ENGLISH


def main_script(text: str, start: int = 0, end: int | None = None) -> str:
    """Return the script of most of the first letters of a slice of a text, empty if it has none.

    A script is the first word of a letter's Unicode name.

    Examples
    --------
    >>> main_script("Anna"), main_script("(Анна)"), main_script("12")
    ('LATIN', 'CYRILLIC', '')
    """
    letters = islice(filter(str.isalpha, text[start:end]), _LETTERS_OF_SCRIPT)
    names = Counter(unicodedata.name(letter, "").split(" ", 1)[0] for letter in letters)
    return names.most_common(1)[0][0] if names else ""


def english_score(text: str) -> float:
    """Return the log10 likelihood ratio of English to other languages; 0 without any evidence."""
    return _score(shown(text)[0])


def _score(text: str) -> float:
    """Return the score of a text as readers see it."""
    score = 0.0
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        score = _OTHER_LETTER * len(_OTHER_SCRIPT.findall(text))
    if _MARKS.search(text):
        text = _ADDRESS.sub(" ", text)
    words = _WORD.findall(text)
    loud = sum(len(word) for word in words if word.isupper())
    if loud and 2 * loud > sum(map(len, words)):
        words = [word.lower() for word in words]  # in a text in capitals, they do not mark names
    return score + sum(map(_weight, words))


def are_english(texts: Iterable[str]) -> list[bool]:
    """Return for each text of one document, in order, whether it is English.

    Examples
    --------
    >>> are_english(["Sehr geehrte Frau Nowak, wir kommen am Dienstag.", "Acme"]), are_english(["Acme"])
    ([False, False], [True])
    """
    return _languages([english_score(text) for text in texts])


def language_parts(text: str, segments: Sequence[tuple[int, int]] | None = None) -> list[LanguagePart]:
    r"""Divide a text into parts that are English and parts that are not.

    The unit is the segment: a paragraph, a single line, a cell. A segment with too little evidence goes with
    its neighbours, or, if these differ or show nothing either, with the text as a whole.

    Parameters
    ----------
    text : str
        Any text.
    segments : sequence of (int, int), optional
        Segments that a reader of documents knows; found in the text when not given.

    Returns
    -------
    list of LanguagePart
        At least one; neighbours differ in language.

    Examples
    --------
    >>> text = "She lives in Paris with her mother.\n\nElle habite avec sa mère.\nParis"
    >>> [(text[part.start:part.end], part.english) for part in language_parts(text)]
    [('She lives in Paris with her mother.\n\n', True), ('Elle habite avec sa mère.\nParis', False)]
    """
    # Segments are made of lines and cells: where none of these contradicts another, they need not be found.
    found = None if segments is None else segments_of(text, segments)
    if found is None:
        scores = list(map(_score, DIVIDERS.split(shown(text)[0])))
    else:
        scores = [english_score(text[start:end]) for start, end in found]
    if not scores or min(scores) > -_CONTRARY or max(scores) < _CONTRARY:
        return [LanguagePart(0, len(text), sum(scores) > _NOT_ENGLISH, segments)]
    if found is None:
        found = segments_of(text)
        scores = [english_score(text[start:end]) for start, end in found]
    languages = _languages(_of_tables(text, found, scores))
    runs = [list(run) for _, run in groupby(zip(found, languages, strict=True), key=lambda pair: pair[1])]
    if len(runs) < 2:
        return [LanguagePart(0, len(text), not runs or runs[0][0][1], segments)]
    starts = [0, *(run[0][0].start for run in runs[1:]), len(text)]
    return [
        LanguagePart(
            start, end, run[0][1], tuple(Segment(one.start - start, one.end - start) for one, _ in run)
        )
        for run, start, end in zip(runs, starts, starts[1:], strict=False)
    ]


def _of_tables(text: str, found: Sequence[Segment], scores: Sequence[float]) -> list[float]:
    """Return the scores of segments, with those of all short cells of a table added up for each of them."""
    text = rendered(text)
    between = ["\n", *(text[one.end : other.start] for one, other in pairwise(found)), "\n"]
    tables, table = [], 0
    for (start, end), before, after in zip(found, between, between[1:], strict=False):
        beside = not (LINE_BREAK.search(before) and LINE_BREAK.search(after))  # another one is in its line
        table += not beside or BLANK_LINE.search(before) is not None
        tables.append(table if beside and len(text[start:end].split()) <= MOST_WORDS else None)
    sums: defaultdict[int | None, float] = defaultdict(float)
    for number, score in zip(tables, scores, strict=True):
        sums[number] += score
    return [score if number is None else sums[number] for number, score in zip(tables, scores, strict=True)]


def _languages(scores: Sequence[float]) -> list[bool]:
    """Return for each segment whether it is English; the unsure ones follow the sure ones around them."""
    known = [score > 0 if abs(score) >= _SURE else None for score in scores]
    whole = sum(scores) > _NOT_ENGLISH
    before = _carried(known)
    after = _carried(known[::-1])[::-1]
    return [
        own if own is not None else _between(score, left, right, whole)
        for own, score, left, right in zip(known, scores, before, after, strict=True)
    ]


def _carried(known: Sequence[bool | None]) -> list[bool | None]:
    """Return for each place the last value that is known up to it."""
    last: bool | None = None
    return [last := last if one is None else one for one in known]


def _between(score: float, left: bool | None, right: bool | None, whole: bool) -> bool:
    if left is None or right is None:
        return whole if left is right else bool(left if right is None else right)
    if left == right or not score:
        return left
    return score > 0


@lru_cache(maxsize=4096)
def _weight(word: str) -> float:
    """Return the evidence of one word, as it is written in the text."""
    if len(word) <= _ABBREVIATION and word.isupper() and word not in ("A", "I"):
        return 0.0
    lower = word.lower()
    if lower in _table():
        return _table()[lower]
    foreign = 0.0 if word.isascii() else _FOREIGN_LATIN
    if len(word) < 3:
        return foreign
    weight = _table().get(f"-{lower[-3:]}", 0.0) + _table()["*"]
    return foreign + (weight * _OF_NAMES if word[0].isupper() else weight)


@lru_cache(maxsize=1)
def _table() -> dict[str, float]:
    """Read the evidence of words, of the last three letters of others (-ing), and of any other word (*)."""
    table: dict[str, float] = {}
    for name in ("english.txt", "greetings.txt"):
        for line in files(__package__).joinpath(name).read_text("utf-8").splitlines():
            if not line.startswith("#"):
                written, *entries = line.split()
                table |= dict.fromkeys(entries, float(written))
    return table
