"""OpenDocument text and slides: headings, paragraphs, lists, tables, notes, text boxes, headers and footers.

https://docs.oasis-open.org/office/OpenDocument/v1.3/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ner_documents.reading.blocks import BlockText, add_raised, count_of, document_of
from ner_documents.reading.drawings import drawn_texts
from ner_documents.reading.packages import Package, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_odt"]

_URN = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _OFFICE, _DRAW = (f"{_URN}{name}:1.0}}" for name in ("text", "table", "office", "drawing"))
_STYLE, _SHOW = f"{_URN}style:1.0}}", f"{_URN}presentation:1.0}}"
_SPACE = re.compile(r"[ \t\r\n]+")
_PARAGRAPHS = {
    f"{_TEXT}p": "paragraph",
    f"{_TEXT}h": "heading",
    **{f"{_SHOW}{name}-decl": name for name in ("header", "footer")},
}
_GONE = {f"{_OFFICE}annotation", f"{_OFFICE}forms"} | {
    f"{_TEXT}{name}" for name in ("tracked-changes", "note-citation", "ruby-text", "hidden-text", "script")
}
_HIDES_PARAGRAPH = f"{_TEXT}hidden-paragraph"
_NAMED = (f"{_TEXT}style-name", f"{_TABLE}style-name", f"{_DRAW}style-name")
_ASIDE = frozenset((f"{_TEXT}note", f"{_DRAW}frame", f"{_DRAW}text-box", f"{_DRAW}custom-shape", f"{_DRAW}g"))
_RAISED = ("super", *"123456789")  # ``super``, or a share of the font size
_MOST = 1000


def read_odt(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document: headers, body, footers."""
    reading = _Reading()
    package = Package(raw)
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        msg = "is locked with a password; save it without one"
        raise UnreadableError(msg)
    content = package.xml("content.xml")
    styles = package.xml("styles.xml") if "styles.xml" in package else None
    if styles is not None:
        reading.styles(styles)
        reading.pages(styles, "header")
    reading.part = "content.xml"
    reading.styles(content)
    body = content.find(f"{_OFFICE}body")
    reading.container(content if body is None else body, "")
    if styles is not None:
        reading.pages(styles, "footer")
    for name, text in drawn_texts(package):
        reading.blocks.add("caption", text, place=name)
    reading.blocks.comments = sum(1 for _ in content.iter(f"{_OFFICE}annotation"))
    yield from document_of(source, reading.blocks)


class _Reading:
    """Collects the blocks of all parts."""

    def __init__(self) -> None:
        self.blocks = BlockText()
        self.part = "styles.xml"
        self._number = 0
        self._hiding: set[str] = set()
        self._raised: set[str] = set()

    def styles(self, part: Any) -> None:
        """Collect the styles of a part that hide text, and those of superscripts."""
        for style in part.iter(f"{_STYLE}style"):
            if any(
                one.get(f"{_TEXT}display") == "none" or one.get(f"{_SHOW}visibility") == "hidden"
                for one in style
            ):
                self._hiding.add(style.get(f"{_STYLE}name", ""))
            if any(one.get(f"{_STYLE}text-position", "").startswith(_RAISED) for one in style):
                self._raised.add(style.get(f"{_STYLE}name", ""))

    def _is_hidden(self, element: Any) -> bool:
        hidden = (
            element.get(f"{_TEXT}display") == "none"
            or element.get(f"{_TEXT}is-hidden") == "true"
            or any(element.get(name) in self._hiding for name in _NAMED)
            or any(one.get(f"{_TEXT}is-hidden") == "true" for one in element.iterchildren(_HIDES_PARAGRAPH))
        )
        self.blocks.hidden += hidden
        return hidden

    def pages(self, styles: Any, kind: str) -> None:
        """Add the headers or footers of the page styles; text on all slides is among the footers."""
        self.part = "styles.xml"
        found = (f"{_STYLE}{kind}", f"{_STYLE}{kind}-left", f"{_STYLE}{kind}-first")
        for child in styles.iterfind(f".//{_STYLE}master-page/*"):
            on_slides = kind == "footer" and child.tag.startswith(_DRAW) and not child.get(f"{_SHOW}class")
            shown = child.tag in found or on_slides
            if shown and not self.blocks.repeats(kind + "".join(child.itertext())):
                self.container(child, kind)

    def container(self, parent: Any, kind: str, cell: tuple[int, int] | None = None) -> None:
        """Add all blocks in an element."""
        for child in parent:
            if child.tag in _GONE or not isinstance(child.tag, str) or self._is_hidden(child):
                continue
            if child.tag in _PARAGRAPHS:
                self._paragraph(child, kind or _PARAGRAPHS[child.tag], cell)
            elif child.tag == f"{_TABLE}table":
                self._table(child)
            elif child.get(f"{_SHOW}class") in ("title", "subtitle"):
                self.container(child, "heading", cell)
            elif child.tag in (f"{_TEXT}list-item", f"{_TEXT}list-header"):
                self.container(child, kind or "list item", cell)
            else:
                self.container(child, kind, cell)

    def _paragraph(self, paragraph: Any, kind: str, cell: tuple[int, int] | None) -> None:
        self._number += 1
        parts: list[str] = []
        asides: list[Any] = []
        waiting: list[Any] = [paragraph]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                parts.append(_SPACE.sub(" ", one))
                continue
            if one is not paragraph and one.tail:
                waiting.append(one.tail)
            if one.tag in _GONE or not isinstance(one.tag, str):
                continue
            if one is not paragraph and self._is_hidden(one):
                continue
            if one.tag in _ASIDE:
                asides.append(one)
                continue
            if one.tag == f"{_TEXT}s":
                parts.append("\0" * count_of(one.get(f"{_TEXT}c"), _MOST))
            elif one.tag == f"{_TEXT}tab":
                parts.append("\t")
            elif one.tag == f"{_TEXT}line-break":
                parts.append("\n")
            waiting.extend(reversed(one))
            if one.text and one.get(f"{_TEXT}style-name") in self._raised:
                add_raised(parts, _SPACE.sub(" ", one.text))
            elif one.text:
                waiting.append(one.text)
        text = re.sub(" {2,}", " ", "".join(parts)).replace("\0", " ").replace("\u00ad", "")
        self.blocks.add("cell" if cell else kind, text, cell, place=f"{self.part} p {self._number}")
        for aside in asides:
            self.container(aside, "", cell)

    def _table(self, table: Any) -> None:
        number = 0
        for row in table.iter(f"{_TABLE}table-row"):
            if next(row.iterancestors(f"{_TABLE}table")) is not table:
                continue
            number += 1
            column = 1
            for cell in row:
                if cell.tag == f"{_TABLE}table-cell":
                    self.container(cell, "", (number, column))
                column += count_of(cell.get(f"{_TABLE}number-columns-repeated"), _MOST)
