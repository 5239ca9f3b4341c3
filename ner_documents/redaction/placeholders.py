"""Placeholders: the same one for the same name, in one text or in many."""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ner_documents.groups import join_names
from ner_documents.names import Name, is_person, read_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["LIKE_PLACEHOLDER", "OPERATORS", "Identity", "Mention", "Placeholders"]

#: How a name is replaced: ``[PER]``, ``PER_1``, ``████``, ``PER_9f3c…``.
OPERATORS = ("label", "number", "mask", "hash")

_MASK = "\u2588"
_HASH_DIGITS = 12
#: A name that may match more identities than this is ambiguous, and not compared with them.
_MANY = 1_000
LIKE_PLACEHOLDER = re.compile(r"(?<![\w-])[\w-]+_[0-9a-f]{1,12}(?!\w)")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name as written in a text.

    Attributes
    ----------
    text, label : str
        The slice and its label.
    before : str
        The title before it, or text that ends with one.
    key : str
        Equal for all spellings of one number or address; empty for names.
    """

    text: str
    label: str
    before: str = ""
    key: str = ""

    @property
    def name(self) -> Name:
        """The parsed name; a number or address is one word."""
        return Name(False, (self.key,)) if self.key else read_name(self.text, self.label, self.before)


@dataclass(slots=True)
class Identity:
    """One person, organisation, number, … and its placeholder.

    Attributes
    ----------
    label : str
        Its label.
    number : int
        Counts the identities of a label, from 1.
    name : str
        Its longest form.
    forms : list of Mention
        The forms seen, the longest first.
    """

    label: str
    number: int
    name: str
    forms: list[Mention] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        forms = [[form.text, form.label, form.before, form.key] for form in self.forms]
        return {"label": self.label, "number": self.number, "name": self.name, "forms": forms}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Identity:
        """Read what `to_dict` wrote."""
        forms = [Mention(*map(text_of, form)) for form in plain["forms"]]
        if type(plain["number"]) is not int or plain["number"] < 1:
            msg = f"expected a number from 1, found {plain['number']!r}"
            raise ValueError(msg)
        return cls(text_of(plain["label"]), plain["number"], text_of(plain["name"]), forms)


def text_of(value: Any) -> str:
    """Return a value that must be a string.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not isinstance(value, str):
        msg = f"expected text, found {type(value).__name__}"
        raise TypeError(msg)
    return value


class Placeholders:
    """Assigns placeholders to identities.

    Parameters
    ----------
    operator : str
        One of `OPERATORS`.
    secret : bytes
        Key of the operator ``hash`` (HMAC-SHA-256, RFC 2104).
    identities : iterable of Identity
        Identities of earlier runs.

    Examples
    --------
    >>> placeholders = Placeholders("number")
    >>> placeholders.give([Mention("Mary Jones", "PER"), Mention("JONES", "PER")], [])
    ['PER_1', 'PER_1']
    >>> placeholders.give([Mention("Jones", "PER"), Mention("Ann", "PER")], ["PER_2 is in this text already"])
    ['PER_1', 'PER_3']
    """

    def __init__(
        self, operator: str = "number", *, secret: bytes = b"", identities: Iterable[Identity] = ()
    ) -> None:
        if operator not in OPERATORS:
            msg = f"Unknown operator {operator!r}: expected one of {', '.join(OPERATORS)}."
            raise ValueError(msg)
        if operator == "hash" and not secret:
            msg = "The operator hash needs a secret: without one, names can be guessed and tried."
            raise ValueError(msg)
        self.operator = operator
        self.identities = list(identities)
        self._secret = secret
        self._forms: dict[Any, list[int]] = defaultdict(list)
        self._numbers: dict[str, int] = defaultdict(int)
        for index, identity in enumerate(self.identities):
            self._numbers[identity.label] = max(self._numbers[identity.label], identity.number)
            for form in identity.forms:
                self._remember(form, index)

    def give(self, mentions: Sequence[Mention], texts: Sequence[str]) -> list[str]:
        """Return the placeholder of each mention of one document.

        Parameters
        ----------
        mentions : sequence of Mention
            In document order.
        texts : sequence of str
            All texts of the document: a placeholder that occurs in them is not assigned.
        """
        if self.operator == "label":
            return [f"[{_plain(one.label)}]" for one in mentions]
        if self.operator == "mask":
            return [_MASK * len(one.text) for one in mentions]
        numbers = join_names([(one.label, one.name) for one in mentions])
        members: dict[int, list[Mention]] = defaultdict(list)
        for number, one in zip(numbers, mentions, strict=True):
            members[number].append(one)
        owners: dict[int, int] = {}
        owned: set[int] = set()

        @functools.cache
        def taken(label: str) -> set[int]:
            """Return the numbers of placeholders that already occur in the texts, also within words."""
            form = re.compile(rf"{re.escape(label)}_([0-9]{{1,18}})")
            return {int(each) for text in texts for each in form.findall(text)}

        for number, forms in members.items():
            longest = sorted(dict.fromkeys(forms), key=lambda form: (-len(form.name.words), -len(form.text)))
            owners[number] = self._owner(longest, owned, taken)
            owned.add(owners[number])
        return [self.placeholder(self.identities[owners[number]]) for number in numbers]

    def placeholder(self, identity: Identity) -> str:
        """Return the placeholder of an identity."""
        if self.operator == "hash":
            plain = f"{identity.label}\0{' '.join(identity.forms[0].name.words)}".encode("utf-8", "replace")
            digest = hmac.new(self._secret, plain, hashlib.sha256).hexdigest()
            return f"{_plain(identity.label)}_{digest[:_HASH_DIGITS]}"
        return f"{_plain(identity.label)}_{identity.number}"

    def continued(self, identities: Iterable[Identity]) -> Placeholders:
        """Return placeholders of the same kind with other identities."""
        return Placeholders(self.operator, secret=self._secret, identities=identities)

    def given_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Find text that equals a placeholder assigned in another text.

        Yields
        ------
        (int, int)
            Start and end.
        """
        if self.operator not in ("number", "hash") or not self.identities:
            return
        alike = list(LIKE_PLACEHOLDER.finditer(text))
        given = {self.placeholder(identity) for identity in self.identities} if alike else ()
        yield from (found.span() for found in alike if found[0] in given)

    def _owner(self, forms: Sequence[Mention], owned: set[int], taken: Callable[[str], set[int]]) -> int:
        """Find the identity with the longest form, or create one."""
        known = [index for index in self._candidates(forms[0]) if index not in owned]
        if len(known) == 1:
            index = known[0]
        else:
            label = forms[0].label
            number = self._numbers[label] + 1
            while number in taken(_plain(label)):
                number += 1
            self._numbers[label] = number
            index = len(self.identities)
            self.identities.append(Identity(label, number, " ".join(forms[0].text.split())))
        identity = self.identities[index]
        seen = {form.name for form in identity.forms}
        for form in forms:
            if form.name not in seen:
                seen.add(form.name)
                identity.forms.append(form)
                self._remember(form, index)
        return index

    def _remember(self, form: Mention, index: int) -> None:
        name = form.name
        for word in {name.words, name.words[-1], *(name.initials if len(name.words) > 1 else ())}:
            self._forms[form.label, word].append(index)

    def _candidates(self, form: Mention) -> list[int]:
        """List the identities with an equal form, and those with a shorter or longer one."""
        name = form.name
        equal = [
            index
            for index in dict.fromkeys(self._forms[form.label, name.words])
            if any(other.name.key == name.key for other in self.identities[index].forms)
        ]
        # A surname may belong to two persons; a full name is the same person again.
        if form.key or (equal and (len(name.words) > 1 or not is_person(form.label))):
            return equal
        alike = [self._forms[form.label, word] for word in (name.words[-1], *name.initials)]
        if sum(map(len, alike)) > _MANY:
            return equal
        longest = {index: self.identities[index].forms[0].name for index in itertools.chain(*alike)}
        fitting = [index for index, other in longest.items() if name.shortens(other) or other.shortens(name)]
        return list(dict.fromkeys([*equal, *fitting]))


def _plain(label: str) -> str:
    """Keep only letters, digits and dashes, which no format interprets.

    Examples
    --------
    >>> _plain("creative-work"), _plain("a b<")
    ('creative-work', 'a_b_')
    """
    return re.sub(r"[^\w-]", "_", label) or "NAME"
