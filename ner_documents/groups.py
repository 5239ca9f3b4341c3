"""Groups: the mentions of one name in a text, by rules that leave apart what they are not sure of."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ner_core.labels import type_of
from ner_documents.names import Name, read_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_core.entity import Recognition

__all__ = ["Group", "group_names", "join_names", "with_groups"]

_BEFORE = 14
#: Names that share a word with so many others are not compared with each of them.
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """The mentions of one name.

    Attributes
    ----------
    name : str
        Longest form, white space made single.
    label : str
        Its entity type.
    count : int
        Number of mentions.
    first : int
        Where the first one starts.
    mentions : tuple of (int, int)
        Start and end of each, in order.
    aliases : tuple of str
        The other forms, in order of appearance.
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

    Names are the same when they differ in case, white space, title or possessive; a surname, a given name or
    initials join the one full name that they fit, an acronym the one long form, a company without its legal
    form the one with it. With two candidates they stay apart, and so do equal names of different labels,
    unless one is written in capitals, where labels are unsure.

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
    text = recognition.text
    entities = recognition.entities
    names = [
        (
            type_of(one.label),
            read_name(one.text, type_of(one.label), text[max(0, one.start - _BEFORE) : one.start]),
        )
        for one in entities
    ]
    members: dict[int, list[int]] = defaultdict(list)
    for index, number in enumerate(join_names(names)):
        members[number].append(index)
    groups = []
    for indexes in members.values():
        forms = Counter(" ".join(entities[index].text.split()) for index in indexes)
        name = max(forms, key=lambda form: (len(form), not form.isupper(), forms[form]))
        label = next(names[index][0] for index in indexes if " ".join(entities[index].text.split()) == name)
        groups.append(
            Group(
                name=name,
                label=label,
                count=len(indexes),
                first=entities[indexes[0]].start,
                mentions=tuple((entities[index].start, entities[index].end) for index in indexes),
                aliases=tuple(form for form in forms if form != name),
            )
        )
    return groups


def with_groups(recognition: Recognition) -> dict[str, Any]:
    """Return a recognition as plain JSON values, its groups behind the entities."""
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
    for same in _alike(distinct).values():
        clusters.join(same)
    _join_shorter(distinct, clusters)
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
    """Equal names of one label; the same surname after Mr. and Ms. is two people, and bare it is neither."""
    genders: dict[Any, set[str]] = defaultdict(set)
    for label, name in names:
        genders[label, name.key].add(name.gender)
    alike: dict[Any, list[int]] = defaultdict(list)
    for index, (label, name) in enumerate(names):
        both = {"f", "m"} <= genders[label, name.key]
        alike[label, name.key, name.gender if both else ""].append(index)
    return alike


def _join_shorter(names: Sequence[tuple[str, Name]], clusters: _Clusters) -> None:
    """Join each name to the cluster of the longer names that it shortens, if there is one cluster alone."""
    longer: dict[tuple[str, str], set[int]] = defaultdict(set)
    rivals: Counter[Any] = Counter()
    for same in _alike(names):
        rivals[same[:2]] += 1
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
        if len(candidates) == 1 and _no_rival(name, long_names, rivals[label, name.key]):
            clusters.join([*candidates, index])


def _may_shorten(names: Sequence[tuple[str, Name]], index: int, other: int) -> bool:
    """Compare two names: a given name alone stands for a full name only behind it, a surname anywhere."""
    short, long = names[index][1], names[other][1]
    given = short.person and len(short.words) == 1 and short.words[0] == long.words[0]
    return short.shortens(long) and (other < index or not given)


def _no_rival(name: Name, fitting: Sequence[Name], genders: int) -> bool:
    """After both Mr. and Ms., a surname belongs to a full name only where that has the same title."""
    return genders < 2 or (bool(name.gender) and any(other.gender == name.gender for other in fitting))


def _join_capitals(names: Sequence[tuple[str, Name]], clusters: _Clusters) -> None:
    """Join a name in capitals to the one cluster of another label that has it, or has it as a surname."""
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
