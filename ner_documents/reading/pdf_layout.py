"""Places of letters on pages to paragraphs in reading order.

Columns are found by cutting a page at its white gaps, first from top to bottom, then from side to side
(the recursive XY cut of Nagy and Seth, 1984). What stands at the same place on many pages is a running head;
lines are joined to paragraphs over columns and pages, and words that a line end broke are whole again.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Fragment", "Paragraph", "paragraphs_of"]

_HYPHEN = "\u00ad"
_GUTTER = 0.9  # of the letters' size: narrower gaps are no border of columns
_WORDS = 3.5  # lines of fewer words, on average, are cells and no column of prose
_PAGE_NUMBER = re.compile(
    r"[-–—\[(]?\s*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/|von|de)\s*\d{1,4})?\s*[-–—\])]?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_BULLET = re.compile(r"(?:[•▪◦‣·∙●○■□\uf0b7\uf0a7\uf0d8o–-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_BULLET_SIGN = re.compile(r"^[•▪◦‣∙●○■□\uf0b7\uf0a7\uf0d8]\s*")
_ENDS = tuple('.!?:;…"”’)')
_DEPTH = 40
_ENOUGH = 4  # more compounds than this at line ends, and other hyphens are taken for theirs


class Fragment(NamedTuple):
    """Letters in a row: their box in points, y upwards, their text and the size of the font."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float


@dataclass(slots=True)
class Paragraph:
    """A paragraph, heading, cell or running head with the page where it begins."""

    kind: str
    text: str
    page: int
    row: int | None = None
    column: int | None = None


class _Line(NamedTuple):
    """One line of a column; the cells of a table row stand in one line."""

    x0: float
    y0: float
    x1: float
    y1: float
    cells: tuple[Fragment, ...]

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def size(self) -> float:
        return max(cell.size for cell in self.cells)


class _Column(NamedTuple):
    """Lines below each other, and whether they are rows of a table."""

    lines: list[_Line]
    table: bool


def paragraphs_of(pages: Sequence[Sequence[Fragment]]) -> list[Paragraph]:
    """Return the paragraphs of all pages in reading order, heads first and feet last, each once."""
    joined = [_joined(page) for page in pages]
    heads, feet, bodies = _without_running(joined)
    sizes = Counter[float]()
    for body in bodies:
        for one in body:
            sizes[round(one.size * 2) / 2] += len(one.text)
    usual = sizes.most_common(1)[0][0] if sizes else 10.0
    found: list[Paragraph] = []
    for number, body in enumerate(bodies, 1):
        for column in _columns(body, _DEPTH):
            fresh = _rows(column, number) if column.table else _paragraphs(column, number, usual)
            for paragraph in fresh:
                if not (found and _goes_on(found[-1], paragraph)):
                    found.append(paragraph)
                else:
                    found[-1].text = _append(found[-1].text, paragraph.text)
    found = [*heads, *found, *feet]
    _mend(found)
    return found


def _joined(page: Sequence[Fragment]) -> list[Fragment]:
    """Put fragments that touch on one line together: a bold word, a letter of another font."""
    out: list[Fragment] = []
    order = sorted(page, key=lambda one: (-round((one.y0 + one.y1) / 2), one.x0))
    lines: list[list[Fragment]] = []
    for one in order:
        middle = (one.y0 + one.y1) / 2
        line = next((line for line in reversed(lines[-4:]) if line[-1].y0 <= middle <= line[-1].y1), None)
        if line is None:
            lines.append([one])
        else:
            line.append(one)
    for line in lines:
        line.sort(key=lambda one: one.x0)
        current = line[0]
        for one in line[1:]:
            gap = one.x0 - current.x1
            size = max(current.size, one.size)
            if -size < gap < 0.75 * size:
                space = " " if gap > 0.12 * size and not current.text.endswith(" ") else ""
                current = Fragment(
                    current.x0,
                    min(current.y0, one.y0),
                    one.x1,
                    max(current.y1, one.y1),
                    f"{current.text}{space}{one.text}",
                    size,
                )
            else:
                out.append(current)
                current = one
        out.append(current)
    return out


def _without_running(
    pages: Sequence[list[Fragment]],
) -> tuple[list[Paragraph], list[Paragraph], list[list[Fragment]]]:
    """Take running heads and feet out of the pages; each is kept once, page numbers are left out."""
    heads: dict[str, Paragraph] = {}
    feet: dict[str, Paragraph] = {}
    edges = [(_edge(page, top=True), _edge(page, top=False)) for page in pages]
    running = [_running([pair[side] for pair in edges]) for side in (0, 1)]
    numbers = [_page_numbers([pair[side] for pair in edges]) for side in (0, 1)]
    bodies = []
    for index, (page, pair) in enumerate(zip(pages, edges, strict=True)):
        gone: set[Fragment] = set()
        for side, (kept, kind) in enumerate(((heads, "header"), (feet, "footer"))):
            gone |= numbers[side].get(index, set())
            for one in pair[side]:
                shape = _shape(one)
                if one not in gone and index in running[side].get(shape, ()):
                    gone.add(one)
                    kept.setdefault(shape, Paragraph(kind, one.text, index + 1))
        bodies.append([one for one in page if one not in gone])
    return list(heads.values()), list(feet.values()), bodies


def _shape(one: Fragment) -> str:
    """Name what running heads have in common: their words and their height, not their numbers."""
    return f"{round(one.y0 / 4)} {_DIGITS.sub('#', one.text.casefold())}"


def _running(edges: Sequence[Sequence[Fragment]]) -> dict[str, set[int]]:
    """Find the shapes that come again on the next page or the one after, and the pages where they do."""
    places: dict[str, list[int]] = {}
    for index, edge in enumerate(edges):
        for shape in {_shape(one) for one in edge}:
            places.setdefault(shape, []).append(index)
    found: dict[str, set[int]] = {}
    needed = 2 if len(edges) < 5 else 3
    for shape, pages in places.items():
        near = {one for pair in pairwise(pages) if pair[1] - pair[0] <= 2 for one in pair}
        if len(near) >= needed:
            found[shape] = near
    return found


def _page_numbers(edges: Sequence[Sequence[Fragment]]) -> dict[int, set[Fragment]]:
    """Find the numbers that count pages: they grow by one with each, or are written in Roman digits."""
    alone = [
        (index, one) for index, edge in enumerate(edges) for one in edge if _PAGE_NUMBER.fullmatch(one.text)
    ]
    counted = Counter(_offset(index, one) for index, one in alone)
    found: dict[int, set[Fragment]] = {}
    for index, one in alone:
        if counted[_offset(index, one)] > 1:
            found.setdefault(index, set()).add(one)
    return found


def _offset(index: int, one: Fragment) -> int | None:
    digits = _DIGITS.search(one.text)
    return None if digits is None else int(digits[0]) - index


def _edge(page: Sequence[Fragment], *, top: bool) -> list[Fragment]:
    """Find the first, or last, two lines of a page: what may be a running head."""
    if not page:
        return []
    height = max(one.y1 for one in page) - min(one.y0 for one in page)
    levels = sorted({round(one.y0) for one in page}, reverse=top)
    first = levels[0]
    near = [level for level in levels if abs(level - first) <= max(0.06 * height, 1)][:3]
    return [one for one in page if round(one.y0) in near]


def _columns(region: list[Fragment], depth: int) -> Iterator[_Column]:
    """Cut a region at its gaps until it is one column."""
    if not region:
        return
    size = statistics.median(one.size for one in region)
    if depth and len(region) > 1:
        gutter = _gutter(region, _GUTTER * size)
        if gutter is not None:
            left = [one for one in region if one.x1 <= gutter]
            right = [one for one in region if one.x1 > gutter]
            if _is_prose(left) and _is_prose(right):
                yield from _columns(left, depth - 1)
                yield from _columns(right, depth - 1)
                return
        # A title over two columns hides their gutter: cut it off and look again.
        level = _level_of_columns(region, size)
        if level is not None:
            yield from _columns([one for one in region if one.y0 >= level], depth - 1)
            yield from _columns([one for one in region if one.y0 < level], depth - 1)
            return
    yield from _stretches(_lines(region))


def _gutter(region: Sequence[Fragment], least: float) -> float | None:
    """Find the middle of the widest gap from top to bottom, None where there is none that is wide enough."""
    order = sorted((one.x0, one.x1) for one in region)
    reach = order[0][1]
    best: tuple[float, float] | None = None
    for begin, end in order[1:]:
        if begin - reach >= least and (best is None or begin - reach > best[0]):
            best = (begin - reach, (begin + reach) / 2)
        reach = max(reach, end)
    return None if best is None else best[1]


def _is_prose(region: Sequence[Fragment]) -> bool:
    """Tell whether fragments are the lines of a column, not the cells of a table's column."""
    if len(region) < 3:
        return False
    words = statistics.fmean(len(one.text.split()) for one in region)
    width = max(one.x1 for one in region) - min(one.x0 for one in region)
    return words >= _WORDS and statistics.median(one.x1 - one.x0 for one in region) > 0.5 * width


def _level_of_columns(region: Sequence[Fragment], size: float) -> float | None:
    """Find a height below, or above, which the lines stand in two columns and on the other side do not."""
    left, right = min(one.x0 for one in region), max(one.x1 for one in region)
    middle = (left + right) / 2
    across = sorted(
        (one for one in region if one.x0 < middle - size and one.x1 > middle + size), key=lambda one: -one.y0
    )
    if not across or len(across) > len(region) * 0.6:
        return None
    rest = [one for one in region if one not in set(across)]
    gutter = _gutter(rest, _GUTTER * size) if len(rest) > 5 else None
    if gutter is None:
        return None
    if not (_is_prose([o for o in rest if o.x1 <= gutter]) and _is_prose([o for o in rest if o.x1 > gutter])):
        return None
    for one in across:
        above = [other for other in rest if other.y0 > one.y0]
        below = [other for other in rest if other.y0 < one.y0]
        if not above and below:
            return one.y0 - 0.01 if one.y0 > min(o.y0 for o in region) else None
        if above:
            return one.y1 + 0.01 if any(other.y0 >= one.y1 + 0.01 for other in region) else None
    return None


def _lines(region: Sequence[Fragment]) -> list[_Line]:
    """Put fragments side by side into lines, from top to bottom."""
    rows: list[list[Fragment]] = []
    for one in sorted(region, key=lambda one: (-(one.y0 + one.y1), one.x0)):
        middle = (one.y0 + one.y1) / 2
        if rows and any(other.y0 <= middle <= other.y1 for other in rows[-1]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return [
        _Line(
            min(one.x0 for one in row),
            min(one.y0 for one in row),
            max(one.x1 for one in row),
            max(one.y1 for one in row),
            tuple(sorted(row, key=lambda one: one.x0)),
        )
        for row in rows
    ]


def _stretches(lines: list[_Line]) -> Iterator[_Column]:
    """Part the rows of tables from the lines around them: at least two rows of at least two cells."""
    kinds = []
    for index, line in enumerate(lines):
        beside = [lines[i] for i in (index - 1, index + 1) if 0 <= i < len(lines)]
        several = len(line.cells) > 1 and any(len(other.cells) > 1 for other in beside)
        kinds.append(several)
    for table, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        yield _Column([line for _, line in group], table)


def _rows(column: _Column, page: int) -> Iterator[Paragraph]:
    """Make cells of the lines of a table; a cell's column is told by where it begins."""
    borders: list[float] = []
    for start in sorted(cell.x0 for line in column.lines for cell in line.cells):
        if not borders or start - borders[-1] > 2 * column.lines[0].size:
            borders.append(start)
    for row, line in enumerate(column.lines, 1):
        for cell in line.cells:
            number = max(index for index, border in enumerate(borders, 1) if border <= cell.x0)
            yield Paragraph("cell", cell.text, page, row, number)


def _paragraphs(column: _Column, page: int, usual: float) -> Iterator[Paragraph]:
    """Join lines to paragraphs: a gap, an indent, another size or a short line before ends one."""
    lines = column.lines
    right = max(line.x1 for line in lines)
    left = min(line.x0 for line in lines)
    steps = [before.y0 - line.y0 for before, line in pairwise(lines)]
    usual_step = statistics.median(steps) if steps else 0
    smaller = [step for step in steps if step <= usual_step * 1.05]
    usual_step = statistics.median(smaller) if smaller else usual_step
    current: Paragraph | None = None
    before: _Line | None = None
    for line in lines:
        text = line.text
        bullet = _BULLET.match(text) is not None
        if (
            current is not None
            and before is not None
            and not bullet
            and not _new(before, line, usual_step, left, right)
        ):
            current.text = _append(current.text, text)
        else:
            if current is not None:
                yield current
            kind = "list item" if bullet else "paragraph"
            if line.size > 1.15 * usual and len(text) < 200:
                kind = "heading"
            current = Paragraph(kind, _BULLET_SIGN.sub("", text), page)
        before = line
    if current is not None:
        yield current


def _new(before: _Line, line: _Line, step: float, left: float, right: float) -> bool:
    size = max(before.size, line.size)
    if abs(before.size - line.size) > 0.12 * size:
        return True
    if before.y0 - line.y0 > min(1.3 * step, 2.2 * size):
        return True
    if before.text.endswith(("-", _HYPHEN, "\u2010")):
        return False
    indented = line.x0 - left > 0.8 * size and before.x0 - left < 0.5 * size
    ended = before.text.rstrip().endswith(_ENDS)
    short = right - before.x1 > max(0.2 * (right - left), 2 * size)
    if indented and (ended or short):
        return True
    # A short line ends a paragraph where the next word would have had room in it.
    room = right - before.x1
    first = line.text.split(" ", 1)[0]
    per_letter = (line.x1 - line.x0) / max(len(line.text), 1)
    return (short and ended) or room > (len(first) + 3) * per_letter + 0.25 * (right - left)


def _goes_on(before: Paragraph, after: Paragraph) -> bool:
    """Tell whether a paragraph goes on in the next column or page."""
    if before.kind not in ("paragraph", "list item") or after.kind != "paragraph" or not before.text:
        return False
    if before.text.endswith(_HYPHEN):
        return True
    first = after.text[:1]
    return not before.text.endswith(_ENDS) and first.islower()


def _append(before: str, after: str) -> str:
    """Join two lines; a hyphen at the end of the first is marked, to be judged with all words known."""
    before = before.rstrip()
    if before.endswith((_HYPHEN, "-", "\u2010")) and before[-2:-1].isalnum() and after[:1].isalnum():
        mark = _HYPHEN if after[:1].islower() or before.endswith(_HYPHEN) else "-"
        return f"{before[:-1]}{mark}{after}"
    return f"{before} {after}"


_BROKEN = re.compile(rf"([\w-]+){_HYPHEN}([\w-]+)")


def _mend(paragraphs: Sequence[Paragraph]) -> None:
    """Take out the hyphens of line ends, but for those of compounds.

    The document's other words tell: which form they have, whether both halves are words, and for the rest
    whether most of what is known shows hyphens that a typesetter put in.
    """
    text = " ".join(paragraph.text for paragraph in paragraphs)
    words = Counter(re.findall(r"\w[\w-]*\w", _BROKEN.sub(" ", text).casefold()))

    def is_compound(first: str, second: str) -> bool | None:
        whole, kept = words[f"{first}{second}".casefold()], words[f"{first}-{second}".casefold()]
        if whole != kept:
            return kept > whole
        if first[-1:].isdigit() or not second[:1].islower():
            return True
        halves = words[first.casefold()] and words[second.casefold()]
        return True if halves and len(first) > 2 and len(second) > 2 else None

    known = Counter(is_compound(*pair) for pair in _BROKEN.findall(text))
    usual = known[True] > known[False] + _ENOUGH

    def mend(match: re.Match[str]) -> str:
        first, second = match.groups()
        compound = is_compound(first, second)
        return f"{first}-{second}" if (usual if compound is None else compound) else f"{first}{second}"

    for paragraph in paragraphs:
        paragraph.text = _BROKEN.sub(mend, paragraph.text).replace(_HYPHEN, "-")
