"""Paragraphs from columns of lines, joined across columns and pages, with hyphenated words rejoined."""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ner_documents.reading.pdf_columns import columns_of, joined_fragments
from ner_documents.reading.pdf_running import without_running
from ner_documents.reading.pdf_strings import HYPHENS, SOFT_HYPHEN, Letters, is_leftward
from ner_documents.reading.pdf_tables import cells_of, has_room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_documents.reading.pdf_columns import Column, Line
    from ner_documents.reading.pdf_letters import Fragment

__all__ = ["Paragraph", "paragraphs_of"]

_BULLET = re.compile(r"(?:[•▪◦‣·∙●○■□\uf0b7\uf0a7\uf0d8o–-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_BULLET_SIGN = re.compile(r"^[•▪◦‣∙●○■□\uf0b7\uf0a7\uf0d8]\s*")
_ENDS = tuple('.!?:;…"”’)')
_SENTENCE = 2.5  # lines with fewer words are a list
_SMALLER = 0.88  # letters below this share of others are of another paragraph
_ENOUGH = 4  # with so many more compounds than broken words at line ends, other hyphens are kept


@dataclass(slots=True)
class Paragraph:
    """A paragraph, heading, cell or running head, its first page, and the size of its letters."""

    kind: str
    text: Letters
    page: int
    cell: tuple[int, int] | None = None
    size: float = math.inf


def paragraphs_of(pages: Sequence[Sequence[Fragment]]) -> list[Paragraph]:
    """Return the paragraphs of all pages in reading order, heads first and feet last, each once."""
    heads, feet, bodies = without_running([joined_fragments(page) for page in pages])
    sizes = Counter[float]()
    for body in bodies:
        for one in body:
            sizes[round(one.size * 2) / 2] += len(one.text)
    usual = sizes.most_common(1)[0][0] if sizes else 10.0
    found: list[Paragraph] = []
    for number, body in enumerate(bodies, 1):
        for column in columns_of(body):
            if column.table:
                cells = cells_of(column.lines, column.right)
                found += [Paragraph("cell", text, number, cell) for cell, text in cells]
                continue
            for paragraph in _paragraphs(column, number, usual):
                # Footnotes and captions, in smaller letters, may come between.
                above = (one for one in reversed(found) if one.size > _SMALLER * paragraph.size)
                before = next(above, None)
                if before and _goes_on(before, paragraph):
                    before.text = _append(before.text, paragraph.text)
                else:
                    found.append(paragraph)
    found = [
        *(Paragraph("header", one.text, page) for page, one in heads),
        *found,
        *(Paragraph("footer", one.text, page) for page, one in feet),
    ]
    _mend(found)
    return found


def _paragraphs(column: Column, page: int, usual: float) -> list[Paragraph]:
    """Join lines to paragraphs; a gap, an indent, another font size or a short line ends one."""
    lines = column.lines
    right = column.right
    left = min(line.x0 for line in lines)
    steps = [(before.y0 - line.y0) / line.size for before, line in pairwise(lines)]
    usual_step = statistics.median(steps) if steps else 0
    smaller = [step for step in steps if step <= usual_step * 1.05]
    usual_step = statistics.median(smaller) if smaller else usual_step
    listed = len(lines) > 2 and statistics.median(len(line.text.split()) for line in lines) < _SENTENCE
    alike = Counter(line.size for line in lines)
    found: list[Paragraph] = []
    for before, line in zip([None, *lines[:-1]], lines, strict=True):
        text = line.text
        bullet = _BULLET.match(text) is not None
        if before is None or bullet or _new(before, line, usual_step, left, right):
            goes_on = False
        else:
            goes_on = (
                not listed
                or before.text.endswith(HYPHENS)
                or not (alike[line.size] > 2 or has_room(before, line, right - left))
            )
        if goes_on:
            found[-1].text = _append(found[-1].text, text)
            continue
        kind = "list item" if bullet else "paragraph"
        if line.size > 1.15 * usual and len(text) < 200:
            kind = "heading"
        found.append(Paragraph(kind, text.sub(_BULLET_SIGN, lambda _: ""), page, size=line.size))
    return found


def _new(before: Line, line: Line, step: float, left: float, right: float) -> bool:
    size = max(before.size, line.size)
    if min(before.size, line.size) < _SMALLER * size:
        return True
    if before.y0 - line.y0 > min(1.3 * step, 2.2) * size:
        return True
    if before.text.endswith(HYPHENS):
        return False
    if is_leftward(before.text) != is_leftward(line.text):
        return True
    if _is_centred(before, left, right) and not _is_centred(line, left, right):
        return True
    indented = line.x0 - left > 0.8 * size and before.x0 - left < 0.5 * size
    ended = before.text.rstrip().endswith(_ENDS)
    short = right - before.x1 > max(0.2 * (right - left), 2 * size)
    if indented and (ended or short):
        return True
    # A line ends a paragraph if the next word would have fitted into it.
    room = right - before.x1
    first = line.text.split(" ", 1)[0]
    per_letter = (line.x1 - line.x0) / max(len(line.text), 1)
    return (short and ended) or room > (len(first) + 3) * per_letter + 0.25 * (right - left)


def _is_centred(line: Line, left: float, right: float) -> bool:
    before, behind = line.x0 - left, right - line.x1
    return min(before, behind) > 0.1 * (right - left) and abs(before - behind) < line.size


def _goes_on(before: Paragraph, after: Paragraph) -> bool:
    """Return whether a paragraph continues in the next column or page."""
    if before.kind not in ("paragraph", "list item") or after.kind != "paragraph" or not before.text:
        return False
    if before.text.endswith(SOFT_HYPHEN):
        return True
    first = after.text[:1]
    return not before.text.endswith(_ENDS) and first.islower()


def _append(before: Letters, after: Letters) -> Letters:
    """Join two lines; a hyphen at the end of the first is marked, to be resolved once all words are known."""
    before = before.strip()
    if before.endswith(HYPHENS) and before[-2:-1].isalnum() and after[:1].isalnum():
        mark = SOFT_HYPHEN if after[:1].islower() or before.endswith(SOFT_HYPHEN) else "-"
        return Letters(mark).join((before[:-1], after))
    return Letters(" ").join((before, after))


_BROKEN = re.compile(rf"([\w-]+){SOFT_HYPHEN}([\w-]+)")


def _mend(paragraphs: Sequence[Paragraph]) -> None:
    """Remove hyphens at line ends, except those of compounds.

    The document's other words decide: whether the joined or the hyphenated form occurs, whether both halves
    are words, and for the rest whether most known cases are compounds.
    """
    all_text = " ".join(paragraph.text for paragraph in paragraphs)
    words = Counter(re.findall(r"\w[\w-]*\w", _BROKEN.sub(" ", all_text).casefold()))

    def is_compound(first: str, second: str) -> bool | None:
        whole, kept = words[f"{first}{second}".casefold()], words[f"{first}-{second}".casefold()]
        if whole != kept:
            return kept > whole
        if first[-1:].isdigit() or not second[:1].islower():
            return True
        halves = words[first.casefold()] and words[second.casefold()]
        return True if halves and len(first) > 2 and len(second) > 2 else None

    known = Counter(is_compound(*pair) for pair in _BROKEN.findall(all_text))
    usual = known[True] > known[False] + _ENOUGH

    def mended(text: Letters) -> Letters:
        def mend(match: re.Match[str]) -> Letters:
            compound = is_compound(*match.groups())
            hyphen = "-" if (usual if compound is None else compound) else ""
            return Letters(hyphen).join(text[slice(*match.span(half))] for half in (1, 2))

        return text.sub(_BROKEN, mend)

    for paragraph in paragraphs:
        text = mended(paragraph.text)
        paragraph.text = Letters(text.replace(SOFT_HYPHEN, "-"), text.numbers)
