"""The texts within a file with their positions, so that everything else can be kept."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from ner_documents.folding import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_documents.redaction.redactor import Redacted, Replacement
    from ner_documents.redaction.tables import Cell

__all__ = [
    "Edit",
    "Identifiers",
    "Segment",
    "SegmentBuilder",
    "apply_edits",
    "edits_of",
    "undo_edits",
    "verbatim",
]

_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});?")
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A text within a file.

    Attributes
    ----------
    text : str
        The text as shown: escapes resolved, tags removed.
    starts, ends : sequence of int
        For each character, its start and end in the file; equal for characters that were added, such as a
        line end between table cells.
    searched : bool
        Whether the model reads it; else it is only searched for known names and patterns (attributes, keys).
    quoted : bool
        Whether it is an unquoted number, so that a placeholder needs quotes.
    identifier : bool
        Whether it is the name of a sheet, range or style, or refers to it: letters, digits and ``_`` only.
    people : bool
        Whether it lists people and their addresses, which are redacted whatever the model finds.
    cell : Cell or None
        The cell of a table that it is in.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    searched: bool = True
    quoted: bool = False
    identifier: bool = False
    people: bool = False
    cell: Cell | None = None


class Edit(NamedTuple):
    """Replace ``raw[start:end]`` by `text`."""

    start: int
    end: int
    text: str


def verbatim(raw: str, start: int, end: int, *, searched: bool = True) -> Segment:
    """Return a segment for a part of the file without escapes."""
    return Segment(raw[start:end], range(start, end), range(start + 1, end + 1), searched)


class SegmentBuilder:
    """Builds a segment from pieces."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, text: str, start: int, end: int | None = None) -> None:
        """Add a piece: verbatim at `start`, or, if `end` is given, all of it at ``[start:end]``."""
        self._parts.append(text)
        if end is None:
            self._starts += range(start, start + len(text))
            self._ends += range(start + 1, start + len(text) + 1)
        else:
            self._starts += [start] * len(text)
            self._ends += [end] * len(text)

    def add_written(
        self,
        raw: str,
        start: int,
        end: int,
        escapes: re.Pattern[str] = _REFERENCE,
        read: Callable[[str], str] = html.unescape,
    ) -> None:
        """Add a part of a file, resolving escapes: by default, character references such as ``&amp;``."""
        position = start
        for found in escapes.finditer(raw, start, end):
            self.add(raw[position : found.start()], position)
            self.add(read(found[0]), found.start(), found.end())
            position = found.end()
        self.add(raw[position:end], position)

    def finish(self, *, searched: bool = True, identifier: bool = False) -> Iterator[Segment]:
        """Yield the segment, if it is not blank, and start a new one."""
        text = "".join(self._parts)
        if text.strip():
            yield Segment(text, self._starts, self._ends, searched, identifier=identifier)
        if text:
            self._parts, self._starts, self._ends = [], [], []


class Identifiers:
    """Converts the placeholders of one file to identifiers, unique for each name."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, segment: Segment, redacted: Redacted) -> Redacted:
        """Return the replacements of a segment; unchanged unless the segment is an identifier."""
        if not segment.identifier:
            return redacted
        named = tuple(
            replace(one, placeholder=self._name(one, fold(segment.text[one.finding.start : one.finding.end])))
            for one in redacted.replacements
        )
        return replace(redacted, replacements=named)

    def _name(self, one: Replacement, found: str) -> str:
        plain = _NOT_OF_A_NAME.sub("", one.placeholder) or one.finding.label
        if plain == one.placeholder:
            return plain
        # Labels and masks are alike for all names; two sheets of one name make a file that no program opens.
        number = self._numbers.setdefault((plain, found), len(self._numbers) + 1)
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
        if edit.start < position:  # two segments overlap, such as an attribute within a script
            if edit.end <= position:
                continue
            edit = Edit(position, edit.end, "")  # remove what either of them covers
        parts += [raw[position : edit.start], edit.text]
        length += edit.start - position
        back.append(Edit(length, length + len(edit.text), raw[edit.start : edit.end]))
        length += len(edit.text)
        position = edit.end
    return "".join([*parts, raw[position:]]), back


def undo_edits(raw: str, back: Iterable[Edit]) -> str:
    """Apply sorted edits that do not overlap, such as those that `apply_edits` returns, to its result."""
    parts: list[str] = []
    position = 0
    for edit in back:
        parts += [raw[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, raw[position:]])
