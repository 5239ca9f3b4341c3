"""Running heads, running feet and page numbers: text at the same position on many pages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_documents.reading.pdf_letters import Fragment

__all__ = ["without_running"]

_PAGE_NUMBER = re.compile(
    r"[-–—\[(]?\s*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/|von|de)\s*\d{1,4})?\s*[-–—\])]?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


def without_running(
    pages: Sequence[list[Fragment]],
) -> tuple[list[tuple[int, Fragment]], list[tuple[int, Fragment]], list[list[Fragment]]]:
    """Remove running heads and feet from the pages; page numbers are left out.

    Returns
    -------
    list of (int, Fragment), list of (int, Fragment), list of list of Fragment
        Heads and feet, each once, with its first page; and the rest of each page.
    """
    kept: tuple[dict[str, tuple[int, Fragment]], dict[str, tuple[int, Fragment]]] = ({}, {})
    edges = [(_edge(page, top=True), _edge(page, top=False)) for page in pages]
    running = [_running([pair[side] for pair in edges]) for side in (0, 1)]
    numbers = [_page_numbers([pair[side] for pair in edges]) for side in (0, 1)]
    bodies = []
    for index, (page, pair) in enumerate(zip(pages, edges, strict=True)):
        gone: set[Fragment] = set()
        for side in (0, 1):
            gone |= numbers[side].get(index, set())
            for one in pair[side]:
                shape = _shape(one)
                if one not in gone and index in running[side].get(shape, ()):
                    gone.add(one)
                    kept[side].setdefault(shape, (index + 1, one))
        bodies.append([one for one in page if one not in gone])
    return list(kept[0].values()), list(kept[1].values()), bodies


def _shape(one: Fragment) -> str:
    """Return what equal running heads share: words and height, but not numbers."""
    return f"{round(one.y0 / 4)} {_DIGITS.sub('#', one.text.casefold())}"


def _running(edges: Sequence[Sequence[Fragment]]) -> dict[str, set[int]]:
    """Find the shapes that recur on the next page or the one after, and their pages."""
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
    """Find page numbers: they increase by one per page, or are Roman numerals."""
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
    """Find the first or last two lines of a page: candidates for a running head."""
    if not page:
        return []
    height = max(one.y1 for one in page) - min(one.y0 for one in page)
    levels = sorted({round(one.y0) for one in page}, reverse=top)
    first = levels[0]
    near = [level for level in levels if abs(level - first) <= max(0.06 * height, 1)][:3]
    return [one for one in page if round(one.y0) in near]
