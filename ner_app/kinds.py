"""The labels of a model as people see them: in words, each with a colour and an underline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ner_core.labels import colors, normalize_label, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Kind", "kinds"]

_WORDS = {
    "PER": ("person", "people"),
    "ORG": ("organisation", "organisations"),
    "LOC": ("place", "places"),
    "GPE": ("country or city", "countries and cities"),
    "NORP": ("nationality, faith or party", "nationalities, faiths and parties"),
    "FAC": ("building", "buildings"),
    "MISC": ("other name", "other names"),
    "TIM": ("time", "times"),
    "GEO": ("place", "places"),
    "ART": ("work", "works"),
    "EVE": ("event", "events"),
    "NAT": ("phenomenon", "phenomena"),
    "WORK_OF_ART": ("work of art", "works of art"),
    "CARDINAL": ("number", "numbers"),
    "MONEY": ("amount of money", "amounts of money"),
    "PERCENT": ("percentage", "percentages"),
}


class Kind(NamedTuple):
    """A label in words and colours.

    Attributes
    ----------
    label : str
        As the model writes it.
    one, many : str
        Words for one name of this label, and for several.
    color : str
        Fill below black text, ``#rrggbb``.
    line : int
        Number of its underline; with the label in each mark, colour is never the only sign.
    """

    label: str
    one: str
    many: str
    color: str
    line: int


def kinds(labels: Iterable[str]) -> list[Kind]:
    """Describe the labels of a model.

    Examples
    --------
    >>> [(kind.one, kind.many) for kind in kinds(["B-PER", "GIVEN_NAME", "CITY"])]
    [('person', 'people'), ('given name', 'given names'), ('city', 'cities')]
    """
    known = list(dict.fromkeys(labels))
    fills = colors(known)
    return [Kind(label, *_words(label), fills[label], number % 5) for number, label in enumerate(known)]


def _words(label: str) -> tuple[str, str]:
    name = normalize_label(type_of(label))
    if name.upper() in _WORDS:
        return _WORDS[name.upper()]
    one = " ".join(name.replace("_", " ").replace("-", " ").split()).lower() or "name"
    if one.endswith("y") and one[-2:-1] not in "aeiou":
        return one, f"{one[:-1]}ies"
    if one.endswith("ss"):
        return one, f"{one}es"
    return one, one if one.endswith("s") else f"{one}s"
