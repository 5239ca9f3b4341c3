"""What the labels of fields and the headings of columns say their values are.

Models see a value without a sentence, and take a town for a person, or a company for a town.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ner_core.forms.form import Form
from ner_core.forms.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST_VALUE", "NO_NAME", "meanings", "plain_label", "singular", "value_of"]

#: Gain of a label or a heading as no name.
NO_NAME = 3000
#: Characters of a value.
LONGEST_VALUE = 60
_NO_VALUE = re.compile(
    r"(?:none|n/?a|unknown|tbd|tba|yes|no|other|various|same|see|all|any|null|true|false|nil|total|sum|not)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(rf"(?:(?i:{TITLES})\.?\ )+", re.VERBOSE)
_MOST_WORDS = 6
_IN_SMALL_LETTERS = 20
_APART = re.compile(r"\s*\([^()]*\)|\s*\[[^\][]*\]|[\W_]+")


def plain_label(label: str) -> str:
    """Return a label without what first_name, firstName and First Name (given) differ in.

    Examples
    --------
    >>> plain_label("First_Name")
    'firstname'
    """
    return _APART.sub("", label.casefold())


@cache
def meanings() -> dict[str, tuple[str, int]]:
    """Return what labels say, by `plain_label`: the common name of a type, and how much likelier it is.

    Examples
    --------
    >>> meanings()["city"]
    ('LOC', 200)
    """
    lines = files(__package__).joinpath("meanings.txt").read_text("utf-8").splitlines()
    found: dict[str, tuple[str, int]] = {}
    for line in lines:
        meaning, _, labels = line.partition(": ")
        if not line.startswith("#"):
            kind, gain = meaning.split()
            found |= {plain_label(label): (kind, int(gain)) for label in labels.split(", ")}
    return found


def singular(label: str) -> str:
    """Return the singular of a plain English label.

    Examples
    --------
    >>> singular("cities"), singular("authors"), singular("city")
    ('city', 'author', 'city')
    """
    return f"{label[:-3]}y" if label.endswith("ies") else label.removesuffix("s")


def value_of(text: str, start: int, end: int, label: str) -> Iterator[Form]:
    """Yield a value as what its label says, unless it looks like none.

    Examples
    --------
    >>> list(value_of("Contact: Dr. Anna Smith", 9, 23, "Contact"))
    [Form(start=13, end=23, kind='PER', gain=20, whole=True, new=False)]
    """
    kind, gain = meanings()[plain_label(label)]
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
        yield Form(start, end, kind, min(gain, _IN_SMALL_LETTERS) if value[0].islower() else gain)
