"""Text in the graphics of office files: drawings (SVG), diagrams (SmartArt) and charts.

ECMA-376, part 1, 21.2 (charts) and 21.4 (diagrams); OpenDocument 1.3, part 3, 11 (charts).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ner_documents.reading.html import html_blocks
from ner_documents.reading.packages import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_documents.reading.packages import Package

__all__ = ["drawn_texts"]

_MOST = 1000
_LARGEST = 10_000_000
_DRAWN = re.compile(
    r"\.svg$|/diagrams/data\d*\.xml$|/charts/chart\d*\.xml$|^Object \d+/content\.xml$", re.IGNORECASE
)
_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_OPEN_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def drawn_texts(package: Package, parts: Iterable[str] | None = None) -> Iterator[tuple[str, str]]:
    """Yield the texts of each drawing among some parts, or all, with the name of its part.

    Drawings that are damaged or larger than 10 MB are skipped, like other pictures.
    """
    parts = (one.filename for one in package.members()) if parts is None else parts
    names = [name for name in parts if _DRAWN.search(name)]
    for name in names[:_MOST]:
        try:
            raw = package.read(name)
            if len(raw) > _LARGEST:
                continue
            texts = _of_svg(raw) if name.lower().endswith(".svg") else _of_office(package.xml(name))
        except UnreadableError:
            continue
        for text in texts:
            yield name, text


def _of_svg(raw: bytes) -> Iterable[str]:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    _, begin, drawing = raw.decode(encoding, "replace").partition("<svg")
    return html_blocks(begin + drawing).text.splitlines()


def _of_office(root: Any) -> Iterable[str]:
    """List the paragraphs of a diagram or chart, and labels of axes and legends, each once."""
    found = ["".join(part.text or "" for part in one.iter(f"{_TEXT}t")) for one in root.iter(f"{_TEXT}p")]
    for words in ("strCache", "strLit", "multiLvlStrCache", "tx"):
        found += [one.text or "" for part in root.iter(f"{_CHART}{words}") for one in part.iter(f"{_CHART}v")]
    found += ["".join(one.itertext()) for one in root.iter(f"{_OPEN_TEXT}p")]
    return dict.fromkeys(text for text in found if text.strip())
