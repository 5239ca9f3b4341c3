"""Word documents as finally shown: changes accepted, all visible text, in reading order.

Read from the parts with lxml (ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/):
python-docx leaves out insertions, content controls, fields, text boxes and nested tables; docx2python and
mammoth lose merged cells or the position of a paragraph.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, add_raised, count_of, document_of
from ner_documents.reading.drawings import drawn_texts
from ner_documents.reading.packages import Package, UnreadableError, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_docx"]

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

# Not shown in the final view: deletions, the source of moved text, field instructions.
_GONE = frozenset(
    f"{_WORD}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPr", "pPr", "rt")
)
_BOX = f"{_WORD}txbxContent"
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_MARKS = {f"{_WORD}{name}": sign for name, sign in _SIGNS.items()}
#: Code of a symbol that is a letter; F000 to F0FF are those of a font.
_LETTER = re.compile("[0-9A-Ea-e][0-9A-Fa-f]{3}")
_TEXTS = frozenset((f"{_WORD}t", f"{_MATH}t"))
#: Kinds of blocks by the beginning of the name of a style.
_STYLES = {
    **dict.fromkeys(("heading", "title", "subtitle"), "heading"),
    "caption": "caption",
    "list": "list item",
}
_AROUND = frozenset(f"{_WORD}{name}" for name in ("sdt", "sdtContent", "ins", "customXml"))
_ORDER = ("header", "body", "footnotes", "endnotes", "footer", "comments")
_MOST_COLUMNS = 1000
_INSERTED = "holds files inserted whole (altChunk), which are not read; save it in Word to merge them"


def read_docx(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document: headers, body, notes, footers."""
    package = Package(raw)
    parts = _word_parts(package)
    reading = _Reading(_styles(package, parts))
    for name, kind in parts:
        if kind == "comments":
            reading.blocks.comments = sum(1 for _ in package.xml(name).iter(f"{_WORD}comment"))
            continue
        with reading.blocks.reading(source, name):
            reading.read_part(_word_xml(package, name), name, kind)
    for name, text in drawn_texts(package):
        reading.blocks.add("caption", text, place=name)
    if reading.inserted:
        reading.blocks.problems.append(Problem(source, None, _INSERTED))
    yield from document_of(source, reading.blocks)


def _word_parts(package: Package) -> list[tuple[str, str]]:
    """List the parts that hold text, in reading order, with their kinds.

    Returns
    -------
    list of (str, str)
        Name of the part, and ``header``, ``body``, ``footnotes``, ``endnotes``, ``footer`` or ``comments``.

    Raises
    ------
    UnreadableError
        If the package holds no Word document.
    """
    main = next((one.target for one in package.related("") if one.kind == "officeDocument"), "")
    if main not in package:
        main = "word/document.xml"
    related = [(one.target, one.kind) for one in package.related(main) if one.target in package]
    parts = [(main, "body"), *(part for part in related if part[1] in _ORDER)]
    return sorted(dict.fromkeys(parts), key=lambda part: _ORDER.index(part[1]))


def _word_xml(package: Package, name: str) -> Any:
    return parse_xml(package.read(name).replace(_STRICT, _WORD[1:-1].encode()), name)


class _Styles(NamedTuple):
    """Kinds of blocks by the IDs of styles, the styles that hide text, and those of superscripts."""

    kinds: dict[str, str]
    hiding: frozenset[str]
    raised: frozenset[str]


def _styles(package: Package, parts: list[tuple[str, str]]) -> _Styles:
    main = next(name for name, kind in parts if kind == "body")
    name = posixpath.join(posixpath.dirname(main), "styles.xml")
    kinds: dict[str, str] = {}
    hiding, raised = set(), set()
    try:
        for style in _word_xml(package, name).iter(f"{_WORD}style") if name in package else ():
            identifier = style.get(f"{_WORD}styleId", "")
            called = style.find(f"{_WORD}name")
            label = ("" if called is None else called.get(f"{_WORD}val", "")).lower()
            found = (kind for begin, kind in _STYLES.items() if label.startswith(begin))
            kinds[identifier] = next(found, "")
            if _vanishes(style):
                hiding.add(identifier)
            if _is_raised(style):
                raised.add(identifier)
    except UnreadableError:
        pass
    return _Styles(kinds, frozenset(hiding), frozenset(raised))


class _Reading:
    """Collects the blocks of all parts."""

    def __init__(self, styles: _Styles) -> None:
        self.blocks = BlockText()
        self.inserted = False
        self._styles = styles
        self._part = ""
        self._kind = "body"
        self._numbers: dict[Any, int] = {}
        self._joined = ""
        self._joined_as = ("", "")

    def read_part(self, root: Any, name: str, kind: str) -> None:
        """Add the blocks of one part; headers and footers that sections repeat, once."""
        if kind in ("header", "footer") and self.blocks.repeats(kind + "".join(root.itertext())):
            return
        self._part, self._kind = name, kind
        self._numbers = {paragraph: number for number, paragraph in enumerate(root.iter(f"{_WORD}p"), 1)}
        self.inserted = self.inserted or next(root.iter(f"{_WORD}altChunk"), None) is not None
        if kind in ("footnotes", "endnotes"):
            for note in root:
                if note.get(f"{_WORD}type", "normal") == "normal":
                    self._container(note, None)
        else:
            body = root.find(f"{_WORD}body")
            self._container(root if body is None else body, None)

    def _container(self, parent: Any, cell: tuple[int, int] | None) -> None:
        self._children(parent, cell)
        self._end_joined(cell)

    def _children(self, parent: Any, cell: tuple[int, int] | None) -> None:
        for child in parent:
            tag = child.tag
            if tag == f"{_WORD}p":
                self._paragraph(child, cell)
            elif tag == f"{_WORD}tbl":
                self._end_joined(cell)
                self._table(child)
            elif tag == f"{_COMPATIBILITY}AlternateContent":
                self._children(_shown_alternative(child), cell)
            elif tag not in _GONE and len(child) and tag != f"{_WORD}sectPr":  # content controls, insertions
                self._children(child, cell)

    def _end_joined(self, cell: tuple[int, int] | None) -> None:
        """Add a paragraph whose end is deleted if no other paragraph follows."""
        kind, place = self._joined_as
        self.blocks.add(kind, self._joined, cell, place=place)
        self._joined = ""

    def _paragraph(self, paragraph: Any, cell: tuple[int, int] | None) -> None:
        hiding = _hiding_in(paragraph, self._styles.hiding)
        elements = list(_walk(paragraph))
        self.blocks.hidden += sum(_is_hidden(element, hiding) for element in elements)
        text = self._joined + _text_of(elements, hiding, self._styles.raised)
        properties = paragraph.find(f"{_WORD}pPr")
        kind, place = self._kind_of(properties, cell), f"{self._part} p {self._numbers[paragraph]}"
        marks = (paragraph.find(f"{_WORD}pPr/{_WORD}rPr/{_WORD}{name}") for name in ("del", "moveFrom"))
        gone = any(mark is not None for mark in marks)
        self._joined = ""
        if not gone:
            self.blocks.add(kind, text, cell, place=place)
        for element in elements:
            if element.tag == _BOX:
                self._container(element, cell)
        if gone:  # the paragraph continues in the next one
            self._joined, self._joined_as = text, (kind, place)

    def _kind_of(self, properties: Any, cell: tuple[int, int] | None) -> str:
        if cell is not None:
            return "cell"
        if self._kind in ("header", "footer"):
            return self._kind
        if properties is not None:
            style = properties.find(f"{_WORD}pStyle")
            kind = self._styles.kinds.get(style.get(f"{_WORD}val", "")) if style is not None else None
            if kind:
                return kind
            if properties.find(f"{_WORD}numPr") is not None:
                return "list item"
        return "paragraph"

    def _table(self, table: Any) -> None:
        rows = (row for row in _within(table, "tr") if row.find(f"{_WORD}trPr/{_WORD}del") is None)
        for number, row in enumerate(rows, 1):
            before = row.find(f"{_WORD}trPr/{_WORD}gridBefore")
            column = 1 + _columns_of(before, 0)
            for cell in _within(row, "tc"):
                if not _continues_merge(cell):
                    self._container(cell, (number, column))
                column += _columns_of(cell.find(f"{_WORD}tcPr/{_WORD}gridSpan"), 1)


def _within(parent: Any, name: str) -> Iterator[Any]:
    """Yield the rows of a table or the cells of a row."""
    for child in parent:
        if child.tag == f"{_WORD}{name}":
            yield child
        elif child.tag in _AROUND:
            yield from _within(child, name)


def _columns_of(span: Any, untold: int) -> int:
    """Return how many columns of a table a property names."""
    return untold if span is None else count_of(span.get(f"{_WORD}val"), _MOST_COLUMNS)


def _continues_merge(cell: Any) -> bool:
    if cell.find(f"{_WORD}tcPr/{_WORD}cellDel") is not None:
        return True
    merge = cell.find(f"{_WORD}tcPr/{_WORD}vMerge")
    return merge is not None and merge.get(f"{_WORD}val", "continue") == "continue"


def _text_of(elements: Iterable[Any], hiding: frozenset[str], raised: frozenset[str]) -> str:
    """Return the final text of the elements of a paragraph, without what styles hide."""
    pieces: list[str] = []
    fields: list[int | None] = []  # start of the instruction of each open field; None after it
    for element in elements:
        tag = element.tag
        if tag == f"{_WORD}fldChar":
            kind = element.get(f"{_WORD}fldCharType")
            if kind == "begin":
                fields.append(len(pieces))
            elif fields:
                begin = fields.pop()
                if begin is not None:  # results of fields inside the instruction are not shown
                    del pieces[begin:]
                if kind == "separate":
                    fields.append(None)
        elif tag in _TEXTS:
            run = element.getparent()
            if element.text and not _is_hidden(run, hiding):
                add = add_raised if _style_of(run) in raised or _is_raised(run) else list.append
                add(pieces, element.text)
        elif tag in _MARKS:
            if element.getparent().tag != f"{_WORD}tabs":
                pieces.append(_MARKS[tag])
        elif tag == f"{_WORD}sym":
            code = _LETTER.fullmatch(element.get(f"{_WORD}char", ""))
            pieces.append(chr(int(code[0], 16)) if code else " ")
    return "".join(pieces)


def _walk(paragraph: Any) -> Iterator[Any]:
    """Yield the elements shown in the final view, without the contents of text boxes."""
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        if element.tag in _GONE or not isinstance(element.tag, str):
            continue
        yield element
        if element.tag == f"{_COMPATIBILITY}AlternateContent":
            element = _shown_alternative(element)
        if element.tag != _BOX:
            waiting.extend(reversed(element))


def _shown_alternative(element: Any) -> Any:
    """Choose between alternative forms of the same content: the first that holds text."""
    for form in element:
        if next(form.iter(f"{_WORD}t"), None) is not None:
            return form
    return element[0] if len(element) else element


def _hiding_in(paragraph: Any, hiding: frozenset[str]) -> frozenset[str]:
    """Return the styles that hide runs of a paragraph, with an empty name if its own style does."""
    style = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
    return hiding | {""} if style is not None and style.get(f"{_WORD}val") in hiding else hiding


def _is_hidden(run: Any, hiding: frozenset[str]) -> bool:
    if run.tag != f"{_WORD}r":
        return False
    if run.find(f"{_WORD}rPr/{_WORD}vanish") is not None:
        return _vanishes(run)
    return "" in hiding or _style_of(run) in hiding


def _style_of(run: Any) -> str | None:
    style = run.find(f"{_WORD}rPr/{_WORD}rStyle")
    return None if style is None else style.get(f"{_WORD}val")


def _is_raised(parent: Any) -> bool:
    """Return whether a run or a style is itself a superscript."""
    found = (parent.find(f"{_WORD}rPr/{_WORD}{name}") for name in ("vertAlign", "position"))
    values = [one.get(f"{_WORD}val", "") for one in found if one is not None]
    return any(value == "superscript" or value[:1].isdigit() for value in values)


def _vanishes(parent: Any) -> bool:
    """Return whether a run or a style is itself marked as hidden."""
    vanish = parent.find(f"{_WORD}rPr/{_WORD}vanish")
    return vanish is not None and vanish.get(f"{_WORD}val", "true") not in ("0", "false", "off")
