"""The texts inside of a file, each with the way back to its place, so that all else stays as it is."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_documents.redaction.redactor import Redacted, Replacement

__all__ = [
    "REFERENCE",
    "Edit",
    "Identifiers",
    "Segment",
    "SegmentBuilder",
    "apply_edits",
    "edits_of",
    "undo_edits",
    "verbatim",
]

REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});?")
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A text that stands in a file.

    Attributes
    ----------
    text : str
        What people read: escapes resolved, tags left out.
    starts, ends : sequence of int
        For each character, where it starts and ends in the file; the same place for one that was added, such
        as a line end between table cells.
    searched : bool
        Whether the model reads it; else only known names and patterns are looked for (attributes, keys).
    quoted : bool
        A number outside of quotes, which a placeholder needs.
    identifier : bool
        Names of sheets, ranges and styles, and what refers to them: only letters, digits and ``_`` do there.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    searched: bool = True
    quoted: bool = False
    identifier: bool = False


class Edit(NamedTuple):
    """Replace ``raw[start:end]`` by `text`."""

    start: int
    end: int
    text: str


def verbatim(raw: str, start: int, end: int, *, searched: bool = True) -> Segment:
    """Return a segment for a part of the file that is written as it is read."""
    return Segment(raw[start:end], range(start, end), range(start + 1, end + 1), searched)


class SegmentBuilder:
    """Puts a segment together from pieces."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, text: str, start: int, end: int | None = None) -> None:
        """Add a piece: written verbatim at `start`, or all of it standing for the place up to `end`."""
        self._parts.append(text)
        if end is None:
            self._starts += range(start, start + len(text))
            self._ends += range(start + 1, start + len(text) + 1)
        else:
            self._starts += [start] * len(text)
            self._ends += [end] * len(text)

    def add_written(self, raw: str, start: int, end: int) -> None:
        """Add a part of a file in which characters may be written as references, such as ``&amp;``."""
        position = start
        for found in REFERENCE.finditer(raw, start, end):
            self.add(raw[position : found.start()], position)
            self.add(html.unescape(found[0]), found.start(), found.end())
            position = found.end()
        self.add(raw[position:end], position)

    def finish(self, *, searched: bool = True, identifier: bool = False) -> Iterator[Segment]:
        """Yield what was put together, if it is not blank, and begin anew."""
        text = "".join(self._parts)
        if text.strip():
            yield Segment(text, self._starts, self._ends, searched, identifier=identifier)
        if text:
            self._parts, self._starts, self._ends = [], [], []


class Identifiers:
    """Makes identifiers of the placeholders of one file, a different one for each name."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, segment: Segment, redacted: Redacted) -> Redacted:
        """Return what stands in the places of a segment; all of it as it is unless the segment is one."""
        if not segment.identifier:
            return redacted
        named = tuple(
            replace(
                one, placeholder=self._name(one, segment.text[one.finding.start : one.finding.end].casefold())
            )
            for one in redacted.replacements
        )
        return replace(redacted, replacements=named)

    def _name(self, one: Replacement, found: str) -> str:
        plain = _NOT_OF_A_NAME.sub("", one.placeholder) or one.finding.label
        if plain == one.placeholder:
            return plain
        # Labels and masks are alike for all names; two sheets of one name make a file that no program opens.
        number = self._numbers.setdefault((plain, " ".join(found.split())), len(self._numbers) + 1)
        return f"{plain}_{number}"


def edits_of(segment: Segment, redacted: Redacted) -> Iterator[Edit]:
    """Yield what has to change in the file.

    A name that markup interrupts has its placeholder at its first piece; the others become empty.
    """
    for one in redacted.replacements:
        placeholder = f'"{one.placeholder}"' if segment.quoted else one.placeholder
        for start, end in _pieces(segment, one.finding.start, one.finding.end):
            yield Edit(start, end, placeholder)
            placeholder = ""


def _pieces(segment: Segment, first: int, last: int) -> Iterator[tuple[int, int]]:
    if segment.quoted:
        yield segment.starts[0], segment.ends[-1]
        return
    if isinstance(segment.starts, range):
        yield segment.starts[first], segment.ends[last - 1]
        return
    start = end = -1
    for index in range(first, last):
        if segment.starts[index] == segment.ends[index] or segment.ends[index] <= end:
            continue
        if segment.starts[index] != end:
            if end > start:
                yield start, end
            start = segment.starts[index]
        end = segment.ends[index]
    if end > start:
        yield start, end


def apply_edits(raw: str, edits: Iterable[Edit]) -> tuple[str, list[Edit]]:
    """Change a file.

    Returns
    -------
    str, list of Edit
        The result, and the edits that make it the file again.

    Examples
    --------
    >>> apply_edits("Mary met Ann.", [Edit(0, 4, "PER_1"), Edit(9, 12, "PER_2")])
    ('PER_1 met PER_2.', [Edit(start=0, end=5, text='Mary'), Edit(start=10, end=15, text='Ann')])
    """
    parts: list[str] = []
    back: list[Edit] = []
    position = length = 0
    for edit in sorted(set(edits), key=lambda one: (one.start, one.end > one.start, -one.end, one.text)):
        if edit.start < position:  # two segments share a place, such as an attribute inside of a script
            if edit.end <= position:
                continue
            edit = Edit(position, edit.end, "")  # nothing of what either has found may be left
        parts += [raw[position : edit.start], edit.text]
        length += edit.start - position
        back.append(Edit(length, length + len(edit.text), raw[edit.start : edit.end]))
        length += len(edit.text)
        position = edit.end
    return "".join([*parts, raw[position:]]), back


def undo_edits(raw: str, back: Iterable[Edit]) -> str:
    """Apply the edits that `apply_edits` returned to its result."""
    parts: list[str] = []
    position = 0
    for edit in back:
        parts += [raw[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, raw[position:]])
