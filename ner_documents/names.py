"""Parsing and comparison of names: words without title, possessive, case and legal form.

The rules are for names in English texts; names that they do not cover stay separate.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_core.forms.legal_forms import LEGAL_FORMS
from ner_documents.folding import QUOTES, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Name", "fold", "is_person", "read_name", "title_of"]

_PERSON_LABELS = {"per", "pers", "person"}
_FEMALE = {"ms", "mrs", "miss", "mme", "madame", "frau", "señora", "sra", "signora", "pani", "lady", "dame"}
_MALE = {"mr", "mister", "herr", "señor", "signor", "pan", "lord", "sir", "monsieur"}
_NEUTRAL = {
    *("dr", "prof", "professor", "doctor", "judge", "justice", "president", "senator", "sen", "rep", "gen"),
    *("general", "captain", "capt", "colonel", "col", "lt", "sgt", "rev", "reverend", "fr", "st", "saint"),
    *("king", "queen", "prince", "princess", "pope", "chancellor", "minister", "mx", "hon"),
}
_TITLES = _FEMALE | _MALE | _NEUTRAL
_GENERATIONS = {"jr", "sr", "ii", "iii", "iv"}
_SHORT_FORMS = {"corporation": "corp", "incorporated": "inc", "limited": "ltd", "company": "co"}
_SMALL_WORDS = {"of", "and", "the", "for", "in", "on", "at", "to", "de", "la", "du", "des", "und", "der", "&"}
_BEFORE = re.compile(r"(\w+)\.?\s*$")
_LONGEST_ACRONYM = 8
#: Characters before a name that may hold its title.
BEFORE = 14


@dataclass(frozen=True, slots=True)
class Name:
    """A parsed name; equal names differ only in case, title and possessive.

    Attributes
    ----------
    person : bool
        Whether the label denotes a person.
    words : tuple of str
        Folded words without title, possessive, leading article and legal form.
    ending : str
        Generation (``jr``) of a person, legal form (``inc``) of anything else, or empty.
    gender : str
        ``f`` or ``m`` if a title tells, else empty.
    capitals : bool
        All in capitals: its label is less certain, and it may be an acronym.
    """

    person: bool
    words: tuple[str, ...]
    ending: str = ""
    gender: str = ""
    capitals: bool = False

    @property
    def key(self) -> tuple[bool, tuple[str, ...], str]:
        """The parts that equal names share."""
        return self.person, self.words, self.ending

    @property
    def initials(self) -> tuple[str, str]:
        """First letters of all words, and of all but the small ones.

        Examples
        --------
        >>> read_name("Bank of America", "ORG").initials
        ('boa', 'ba')
        """
        return (
            "".join(word[:1] for word in self.words),
            "".join(word[:1] for word in self.words if word not in _SMALL_WORDS),
        )

    def shortens(self, other: Name) -> bool:
        """Return whether this may be a short form of the other name.

        Examples
        --------
        >>> nowak = read_name("Katarzyna Nowak", "PER")
        >>> [read_name(text, "PER").shortens(nowak) for text in ("Ms. Nowak", "K. Nowak", "Jan Nowak")]
        [True, True, False]
        >>> read_name("WHO", "ORG").shortens(read_name("World Health Organization", "ORG"))
        True
        """
        if self.key == other.key or self.person != other.person:
            return False
        if self.gender and other.gender and self.gender != other.gender:
            return False
        if self.person:
            return self.ending in ("", other.ending) and _shortens_person(self.words, other.words)
        if self.words == other.words:
            return not self.ending
        acronym = self.words[0] if len(self.words) == 1 and self.capitals and not self.ending else ""
        return 2 <= len(acronym) <= _LONGEST_ACRONYM and len(other.words) > 1 and acronym in other.initials


def _shortens_person(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if short == long:
        return True
    if len(short) < len(long) and short in (long[-len(short) :], long[: len(short)]):
        return True
    if len(short) < 2 or len(short) > len(long) or short[-1] != long[-1]:
        return False
    given = iter(long[:-1])
    first = next(given)
    return _fits(short[0], first) and all(any(_fits(word, one) for one in given) for word in short[1:-1])


def _fits(short: str, long: str) -> bool:
    return short == long or (len(short) == 1 and long.startswith(short))


def is_person(label: str) -> bool:
    """Return whether a label denotes persons.

    Examples
    --------
    >>> is_person("PER"), is_person("Person"), is_person("ORG")
    (True, True, False)
    """
    return label.casefold() in _PERSON_LABELS


@functools.lru_cache(maxsize=1 << 12)
def read_name(text: str, label: str, before: str = "") -> Name:
    """Parse a name into its parts.

    Parameters
    ----------
    text : str
        The name as written in a text.
    label : str
        Its label.
    before : str
        Some characters before it, which may hold a title that is not part of the entity.

    Examples
    --------
    >>> read_name("Mrs. Jones's", "PER")
    Name(person=True, words=('jones',), ending='', gender='f', capitals=False)
    >>> read_name("Jones, Mary", "PER").words, read_name("the Acme Corporation", "ORG").words
    (('mary', 'jones'), ('acme',))
    """
    person = is_person(label)
    folded = re.sub(r"'s$|(?<=s)'$", "", fold(text))
    if person:
        return _read_person(text, folded, before)
    words = _plain_words(folded) or [folded]
    if len(words) > 1 and words[0] == "the":
        del words[0]
    endings: list[str] = []
    while (length := _legal_form(words)) and length < len(words):
        endings = words[-length:] + endings
        del words[-length:]
    ending = " ".join(_SHORT_FORMS.get(word, word) for word in endings)
    return Name(person, tuple(words), ending, capitals=_in_capitals(text))


def _plain_words(folded: str) -> list[str]:
    return [word.strip(",;:").replace(".", "") or word for word in folded.split()]


_LEGAL_FORMS = {
    *((form,) for form in _SHORT_FORMS),
    *(tuple(_plain_words(fold(form))) for form in LEGAL_FORMS),
}
_LONGEST_FORM = max(map(len, _LEGAL_FORMS))


def _legal_form(words: Sequence[str]) -> int:
    """Return how many words at the end are the longest legal form there."""
    return next((size for size in range(_LONGEST_FORM, 0, -1) if tuple(words[-size:]) in _LEGAL_FORMS), 0)


def title_of(before: str) -> str:
    """Return the title at the end of a text, such as ``mrs``; empty if there is none.

    Examples
    --------
    >>> title_of("said Mrs. "), title_of("said ")
    ('mrs', '')
    """
    last = _BEFORE.search(before)
    word = fold(last[1]) if last else ""
    return word if word in _TITLES else ""


def _read_person(text: str, folded: str, before: str) -> Name:
    last, comma, first = folded.partition(",")
    if comma and first.strip(" .") not in _GENERATIONS:
        folded = f"{first} {last}"
    words = [word for word in re.split(r"[\s.,]+", folded) if word]
    titles = [title_of(before)]
    while len(words) > 1 and words[0] in _TITLES:
        titles.append(words.pop(0))
    ending = ""
    while len(words) > 1 and words[-1] in _GENERATIONS:
        ending = words.pop()
    gender = "f" if _FEMALE & {*titles} else "m" if _MALE & {*titles} else ""
    return Name(True, tuple(words or [folded]), ending, gender, _in_capitals(text))


def _in_capitals(text: str) -> bool:
    letters = re.sub(r"'s$|\W", "", text.translate(QUOTES))
    return len(letters) > 1 and letters.isupper()
