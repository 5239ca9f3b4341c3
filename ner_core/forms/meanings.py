"""What the labels of fields and the headings of columns say their values are.

Models see a value without a sentence, and take a town for a person, or a company for a town.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from ner_core.forms.form import PERHAPS, Form
from ner_core.forms.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST_VALUE", "Meaning", "meanings", "plain_label", "read_lists", "singular", "value_of"]

#: Characters of a value.
LONGEST_VALUE = 60
_NO_VALUE = re.compile(
    r"(?:none|n/?a|unknown|tbd|tba|yes|no|other|various|same|see|all|any|null|true|false|nil|total|sum|not)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(rf"(?:(?i:{TITLES})\.?\ )+", re.VERBOSE)
_MOST_WORDS = 6
_APART = re.compile(r"\s*\([^()]*\)|\s*\[[^\][]*\]|[\W_]+")


def plain_label(label: str) -> str:
    """Return a label without what first_name, firstName and First Name (given) differ in.

    Examples
    --------
    >>> plain_label("First_Name")
    'firstname'
    """
    return _APART.sub("", label.casefold())


class Meaning(NamedTuple):
    """What a label says of its value: the common name of a type, and how much likelier that is."""

    kind: str
    gain: int


@cache
def meanings() -> dict[str, Meaning]:
    """Return what labels say, by `plain_label`.

    Examples
    --------
    >>> meanings()["city"]
    Meaning(kind='LOC', gain=200)
    """
    found: dict[str, Meaning] = {}
    for meaning, labels in read_lists("meanings.txt"):
        kind, gain = meaning.split()
        found |= dict.fromkeys(map(plain_label, labels), Meaning(kind, int(gain)))
    return found


def read_lists(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what each line of a file of this package says before the colon, and the words behind it."""
    for line in files(__package__).joinpath(name).read_text("utf-8").splitlines():
        said, _, words = line.partition(": ")
        if not line.startswith("#"):
            yield said, words.split(", ")


def singular(label: str) -> str:
    """Return the singular of a plain English label.

    Examples
    --------
    >>> singular("cities"), singular("authors"), singular("city")
    ('city', 'author', 'city')
    """
    return f"{label[:-3]}y" if label.endswith("ies") else label.removesuffix("s")


def value_of(text: str, start: int, end: int, meaning: Meaning) -> Iterator[Form]:
    """Yield a value as what its label says, unless it looks like none.

    Examples
    --------
    >>> list(value_of("Contact: Dr. Anna Smith", 9, 23, meanings()["contact"]))
    [Form(start=13, end=23, kind='PER', gain=20, whole=True, new=False)]
    """
    kind, gain = meaning
    value = text[start:end]
    if (
        kind == "O"
        or not 0 < len(value) <= LONGEST_VALUE
        or not value[0].isalpha()
        or len(value.split()) > _MOST_WORDS
        or _NO_VALUE.match(value)
        or plain_label(value) in meanings()
    ):
        return
    if kind == "PER" and (title := _TITLE.match(value)):
        start += title.end()
    if start < end:
        yield Form(start, end, kind, min(gain, PERHAPS) if value[0].islower() else gain)
