"""The words in drawings (SVG) that office files hold as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_documents.reading.html import html_blocks
from ner_documents.reading.packages import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.packages import Package

__all__ = ["drawn_texts"]

_MOST = 1000
_LARGEST = 10_000_000


def drawn_texts(package: Package) -> Iterator[tuple[str, str]]:
    """Yield the name of a part and a text in it, drawing by drawing.

    A drawing that is damaged, or larger than 10 MB, is a picture like any other, whose words nobody reads.
    """
    names = [name for name in package.names() if name.lower().endswith(".svg")]
    for name in names[:_MOST]:
        try:
            raw = package.read(name)
        except UnreadableError:
            continue
        if len(raw) > _LARGEST:
            continue
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        _, begin, drawing = raw.decode(encoding, "replace").partition("<svg")
        for line in html_blocks(begin + drawing).text.splitlines():
            yield name, line
