"""Groups: the mentions of one name in a text; uncertain cases stay separate."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ner_core.labels import type_of
from ner_documents.names import BEFORE, Name, is_person, read_name, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_core.entity import Entity, Recognition

__all__ = ["Group", "Grouper", "group_names", "join_names", "with_groups"]

#: Names that share a word with more names than this are not compared with them.
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """The mentions of one name.

    Attributes
    ----------
    name : str
        Longest form, with single spaces.
    label : str
        Its entity type.
    count : int
        Number of mentions.
    first : int
        Start of the first mention.
    mentions : tuple of (int, int)
        Start and end of each, in order.
    aliases : tuple of str
        Other forms, in order of appearance.
    """

    name: str
    label: str
    count: int
    first: int
    mentions: tuple[tuple[int, int], ...]
    aliases: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "label": self.label,
            "count": self.count,
            "first": self.first,
            "mentions": [list(mention) for mention in self.mentions],
            "aliases": list(self.aliases),
        }


def group_names(recognition: Recognition) -> list[Group]:
    """Group the entities of a text that are mentions of the same name.

    Names are equal if they differ only in case, white space, title or possessive. A surname, a given name or
    initials join the only full name that they match, an acronym the only long form, a company without legal
    form the one with it. With two candidates they stay separate, and so do equal names with different labels,
    unless one is in capitals, where labels are unreliable.

    Returns
    -------
    list of Group
        In order of their first mention.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> text = "Mary Jones left. Ms. Jones is 40."
    >>> found = (Entity(0, 10, "PER", 1.0, "Mary Jones"), Entity(21, 26, "PER", 1.0, "Jones"))
    >>> [(group.name, group.count, group.aliases) for group in group_names(Recognition(text, found))]
    [('Mary Jones', 2, ('Jones',))]
    """
    grouper = Grouper()
    for entity in recognition.entities:
        grouper.add(entity, recognition.text)
    return list(grouper.groups())


class Grouper:
    """Groups a stream of entities; stores each distinct name once, and two numbers per mention."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Name], int] = {}
        self._names: list[tuple[str, Name]] = []
        self._forms: list[Counter[str]] = []
        self._starts: list[array[int]] = []
        self._ends: list[array[int]] = []

    def add(self, entity: Entity, text: str) -> None:
        """Add the next entity of a text."""
        label = type_of(entity.label)
        before = text[max(0, entity.start - BEFORE) : entity.start] if is_person(label) else ""
        name = (label, read_name(entity.text, label, title_of(before)))
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self._forms.append(Counter())
            self._starts.append(array("q"))
            self._ends.append(array("q"))
        self._forms[number][" ".join(entity.text.split())] += 1
        self._starts[number].append(entity.start)
        self._ends[number].append(entity.end)

    def groups(self) -> Iterator[Group]:
        """Yield the groups in order of their first mention."""
        members: dict[int, list[int]] = defaultdict(list)
        for number, group in enumerate(join_names(self._names)):
            members[group].append(number)
        for numbers in members.values():
            yield self._group(numbers)

    def _group(self, numbers: list[int]) -> Group:
        forms: Counter[str] = Counter()
        for number in numbers:
            forms.update(self._forms[number])
        name = max(forms, key=lambda form: (len(form), not form.isupper(), forms[form]))
        places = [zip(self._starts[number], self._ends[number], strict=True) for number in numbers]
        mentions = sorted(itertools.chain.from_iterable(places))
        return Group(
            name=name,
            label=next(self._names[number][0] for number in numbers if name in self._forms[number]),
            count=len(mentions),
            first=mentions[0][0],
            mentions=tuple(mentions),
            aliases=tuple(form for form in forms if form != name),
        )


def with_groups(recognition: Recognition) -> dict[str, Any]:
    """Return a recognition as plain JSON values, with its groups after the entities."""
    plain: dict[str, Any] = {}
    for key, value in recognition.to_dict().items():
        plain[key] = value
        if key == "entities":
            plain["groups"] = [group.to_dict() for group in group_names(recognition)]
    return plain


def join_names(names: Sequence[tuple[str, Name]]) -> list[int]:
    """Decide which mentions have the same name.

    Parameters
    ----------
    names : sequence of (str, Name)
        Label and name of each mention, in order of the text.

    Returns
    -------
    list of int
        A number for each mention; numbers count from 0 in order of first mention.
    """
    distinct = list(dict.fromkeys(names))
    clusters = _Clusters(distinct)
    alike = _alike(distinct)
    for same in alike.values():
        clusters.join(same)
    _join_shorter(distinct, Counter(same[:2] for same in alike), clusters)
    _join_capitals(distinct, clusters)
    numbers: dict[int, int] = {}
    cluster = {one: clusters.of(index) for index, one in enumerate(distinct)}
    return [numbers.setdefault(cluster[one], len(numbers)) for one in names]


class _Clusters:
    """Disjoint sets of names (union-find)."""

    def __init__(self, names: Sequence[tuple[str, Name]]) -> None:
        self._parent = list(range(len(names)))

    def of(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = index = self._parent[self._parent[index]]
        return index

    def join(self, indexes: Iterable[int]) -> None:
        first, *others = (self.of(index) for index in indexes)
        for other in others:
            self._parent[other] = first


def _alike(names: Sequence[tuple[str, Name]]) -> dict[Any, list[int]]:
    """Collect equal names of one label; Mr. Smith, Ms. Smith and a bare Smith are then three persons."""
    genders: dict[Any, set[str]] = defaultdict(set)
    for label, name in names:
        genders[label, name.key].add(name.gender)
    alike: dict[Any, list[int]] = defaultdict(list)
    for index, (label, name) in enumerate(names):
        both = {"f", "m"} <= genders[label, name.key]
        alike[label, name.key, name.gender if both else ""].append(index)
    return alike


def _join_shorter(names: Sequence[tuple[str, Name]], rivals: Counter[Any], clusters: _Clusters) -> None:
    """Join each name to the cluster of the longer names that it abbreviates, if there is exactly one."""
    longer: dict[tuple[str, str], set[int]] = defaultdict(set)
    for index, (label, name) in enumerate(names):
        for word in {*name.words, *(name.initials if not name.person and len(name.words) > 1 else ())}:
            longer[label, word].add(index)
    for index in sorted(range(len(names)), key=lambda index: -sum(map(len, names[index][1].words))):
        label, name = names[index]
        similar = longer[label, name.words[-1]]
        if len(similar) > _MANY:
            continue
        fitting = [other for other in similar if _may_shorten(names, index, other)]
        candidates = {clusters.of(other) for other in fitting} - {clusters.of(index)}
        long_names = [names[other][1] for other in fitting]
        # If Mr. and Ms. occur, only a full name with the same title matches.
        sure = name.gender and any(other.gender == name.gender for other in long_names)
        if len(candidates) == 1 and (rivals[label, name.key] < 2 or sure):
            clusters.join([*candidates, index])


def _may_shorten(names: Sequence[tuple[str, Name]], index: int, other: int) -> bool:
    """Compare two names: a given name abbreviates only an earlier full name, a surname any."""
    short, long = names[index][1], names[other][1]
    given = short.person and len(short.words) == 1 and short.words[0] == long.words[0]
    return short.shortens(long) and (other < index or not given)


def _join_capitals(names: Sequence[tuple[str, Name]], clusters: _Clusters) -> None:
    """Join a name in capitals to the only cluster of another label with that name or surname."""
    by_words: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for index, (_, name) in enumerate(names):
        if not name.capitals:
            by_words[name.words].add(index)
            if name.person:
                by_words[name.words[-1:]].add(index)
    for index, (label, name) in enumerate(names):
        others = by_words[name.words]
        if name.capitals and others and not any(names[other][0] == label for other in others):
            candidates = {clusters.of(other) for other in others}
            if len(candidates) == 1:
                clusters.join([*candidates, index])
