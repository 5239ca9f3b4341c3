"""E-books (EPUB): the pages of the book in the order of its spine.

https://www.w3.org/TR/epub-33/
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, document_of
from ner_documents.reading.encodings import decode
from ner_documents.reading.html import declared_in_page, html_blocks
from ner_documents.reading.packages import Package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_epub"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def read_epub(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a book as one document."""
    package = Package(raw)
    locked = package.read(_ENCRYPTION).decode("utf-8", "replace") if _ENCRYPTION in package else ""
    blocks = BlockText()
    names, sheets = _spine(package)
    for name in names:
        if f'"{name}"' in locked:  # the list may also hold fonts
            blocks.problems.append(Problem(source, None, "is locked (DRM)", place=name))
            continue
        with blocks.reading(source, name):
            page = package.read(name)
            text, problems = decode(page, source, options.encoding, declared_in_page(page))
            blocks.extend(html_blocks(text or "", sheets), name)
            blocks.problems += problems
    yield from document_of(source, blocks)


def _spine(package: Package) -> tuple[list[str], str]:
    """List the pages in reading order, and join the style sheets.

    Raises
    ------
    UnreadableError
        If the package holds no book.
    """
    book = next((one.get("full-path", "") for one in package.xml(_CONTAINER).iter("{*}rootfile")), "")
    root = package.xml(book)
    files = {
        one.get("id"): posixpath.normpath(
            posixpath.join(posixpath.dirname(book), unquote(one.get("href", "")))
        )
        for one in root.iter("{*}item")
    }
    order = [files.get(one.get("idref")) for one in root.iter("{*}itemref")]
    names = [name for name in dict.fromkeys(order) if name is not None]
    sheets = [files[one.get("id")] for one in root.iter("{*}item") if one.get("media-type") == "text/css"]
    return names, "".join(package.read(name).decode(errors="replace") for name in sheets if name in package)
