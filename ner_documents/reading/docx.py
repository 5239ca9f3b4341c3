"""Word documents as finally shown: changes accepted, all visible text, in reading order.

Read from the parts with lxml (ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/):
python-docx leaves out insertions, content controls, fields, text boxes and nested tables; docx2python and
mammoth lose merged cells or the position of a paragraph.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, document_of
from ner_documents.reading.drawings import drawn_texts
from ner_documents.reading.packages import Package, UnreadableError, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["WORD", "paragraph_pieces", "read_docx", "word_parts"]

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

# Not shown in the final view: deletions, the source of moved text, field instructions.
_GONE = frozenset(f"{WORD}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPr", "pPr", "rt"))
_BOX = f"{WORD}txbxContent"
_MARKS = {
    f"{WORD}tab": "\t",
    f"{WORD}ptab": "\t",
    f"{WORD}br": "\n",
    f"{WORD}cr": "\n",
    f"{WORD}noBreakHyphen": "-",
}
_TEXTS = frozenset((f"{WORD}t", f"{_MATH}t"))
_MOST_COLUMNS = 1000
_INSERTED = "holds files inserted whole (altChunk), which are not read; save it in Word to merge them"


def read_docx(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document: headers, body, notes, footers."""
    package = Package(raw)
    parts = word_parts(package)
    reading = _Reading(*_styles(package, parts))
    whole = True
    for name, kind in parts:
        if kind == "comments":
            reading.comments = sum(1 for _ in package.xml(name).iter(f"{WORD}comment"))
            continue
        try:
            reading.read_part(_word_xml(package, name), name, kind)
        except UnreadableError as error:
            whole = False
            yield Problem(source, None, str(error), place=name)
    for name, text in drawn_texts(package):
        reading.blocks.add("caption", text, place=name)
    if reading.inserted:
        whole = False
        yield Problem(source, None, _INSERTED)
    yield from document_of(
        source, reading.blocks, comments=reading.comments, hidden=reading.hidden, whole=whole
    )


def word_parts(package: Package) -> list[tuple[str, str]]:
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
    related = [(one.kind, one.target) for one in package.related(main) if one.target in package]
    found = [(main, "body")]
    for wanted in ("footnotes", "endnotes", "footer", "comments"):
        found += [(target, kind) for kind, target in related if kind == wanted]
    headers = [(target, kind) for kind, target in related if kind == "header"]
    return list(dict.fromkeys([*headers, *found]))


def _word_xml(package: Package, name: str) -> Any:
    return parse_xml(package.read(name).replace(_STRICT, WORD[1:-1].encode()), name)


def _styles(package: Package, parts: list[tuple[str, str]]) -> tuple[dict[str, str], frozenset[str]]:
    """Map style IDs to kinds of blocks, and list the styles that hide text."""
    main = next(name for name, kind in parts if kind == "body")
    name = posixpath.join(posixpath.dirname(main), "styles.xml")
    if name not in package:
        return {}, frozenset()
    kinds = {}
    hiding = set()
    try:
        for style in _word_xml(package, name).iter(f"{WORD}style"):
            called = style.find(f"{WORD}name")
            label = ("" if called is None else called.get(f"{WORD}val", "")).lower()
            if label.startswith(("heading", "title", "subtitle")):
                kinds[style.get(f"{WORD}styleId", "")] = "heading"
            elif label == "caption":
                kinds[style.get(f"{WORD}styleId", "")] = "caption"
            elif label.startswith("list"):
                kinds[style.get(f"{WORD}styleId", "")] = "list item"
            if _vanishes(style):
                hiding.add(style.get(f"{WORD}styleId", ""))
    except UnreadableError:
        return {}, frozenset()
    return kinds, frozenset(hiding)


class _Reading:
    """Collects the blocks of all parts."""

    def __init__(self, styles: dict[str, str], hiding: frozenset[str]) -> None:
        self.blocks = BlockText()
        self.comments = 0
        self.hidden = 0
        self.inserted = False
        self._styles = styles
        self._hiding = hiding
        self._part = ""
        self._kind = "body"
        self._numbers: dict[Any, int] = {}
        self._joined = ""
        self._joined_as = ("", "")

    def read_part(self, root: Any, name: str, kind: str) -> None:
        """Add the blocks of one part."""
        self._part, self._kind = name, kind
        self._numbers = {paragraph: number for number, paragraph in enumerate(root.iter(f"{WORD}p"), 1)}
        self.inserted = self.inserted or next(root.iter(f"{WORD}altChunk"), None) is not None
        if kind in ("footnotes", "endnotes"):
            for note in root:
                if note.get(f"{WORD}type", "normal") == "normal":
                    self._container(note, None)
        else:
            body = root.find(f"{WORD}body")
            self._container(root if body is None else body, None)

    def _container(self, parent: Any, cell: tuple[int, int] | None) -> None:
        self._children(parent, cell)
        self._end_joined(cell)

    def _children(self, parent: Any, cell: tuple[int, int] | None) -> None:
        for child in parent:
            tag = child.tag
            if tag == f"{WORD}p":
                self._paragraph(child, cell)
            elif tag == f"{WORD}tbl":
                self._end_joined(cell)
                self._table(child)
            elif tag == f"{_COMPATIBILITY}AlternateContent":
                self._children(_shown_alternative(child), cell)
            elif tag not in _GONE and len(child) and tag != f"{WORD}sectPr":  # content controls, insertions
                self._children(child, cell)

    def _end_joined(self, cell: tuple[int, int] | None) -> None:
        """Add a paragraph whose end is deleted if no other paragraph follows."""
        kind, place = self._joined_as
        row, column = cell or (None, None)
        self.blocks.add(kind, self._joined, row=row, column=column, place=place)
        self._joined = ""

    def _paragraph(self, paragraph: Any, cell: tuple[int, int] | None) -> None:
        pieces = paragraph_pieces(paragraph, self._hiding)
        hiding = _hiding_in(paragraph, self._hiding)
        self.hidden += sum(1 for element, _ in _walk(paragraph) if _is_hidden(element, hiding))
        text = self._joined + "".join(text for text, _ in pieces)
        properties = paragraph.find(f"{WORD}pPr")
        kind, place = self._kind_of(properties, cell), f"{self._part} p {self._numbers[paragraph]}"
        gone = properties is not None and _mark_is_gone(properties)
        self._joined = ""
        if not gone:
            row, column = cell or (None, None)
            self.blocks.add(kind, text, row=row, column=column, place=place)
        for box in _boxes(paragraph):
            self._container(box, cell)
        if gone:  # the paragraph continues in the next one
            self._joined, self._joined_as = text, (kind, place)

    def _kind_of(self, properties: Any, cell: tuple[int, int] | None) -> str:
        if cell is not None:
            return "cell"
        if self._kind in ("header", "footer"):
            return self._kind
        if properties is not None:
            style = properties.find(f"{WORD}pStyle")
            kind = self._styles.get(style.get(f"{WORD}val", "")) if style is not None else None
            if kind:
                return kind
            if properties.find(f"{WORD}numPr") is not None:
                return "list item"
        return "paragraph"

    def _table(self, table: Any) -> None:
        for number, row in enumerate(_rows(table), 1):
            column = 1
            for cell in _cells(row):
                properties = cell.find(f"{WORD}tcPr")
                if not _continues_merge(properties):
                    self._container(cell, (number, column))
                column += _columns(properties)


def _rows(parent: Any) -> Iterator[Any]:
    for child in parent:
        if child.tag == f"{WORD}tr":
            properties = child.find(f"{WORD}trPr")
            if properties is None or properties.find(f"{WORD}del") is None:
                yield child
        elif child.tag in (f"{WORD}sdt", f"{WORD}sdtContent", f"{WORD}ins", f"{WORD}customXml"):
            yield from _rows(child)


def _cells(parent: Any) -> Iterator[Any]:
    for child in parent:
        if child.tag == f"{WORD}tc":
            yield child
        elif child.tag in (f"{WORD}sdt", f"{WORD}sdtContent", f"{WORD}customXml"):
            yield from _cells(child)


def _continues_merge(properties: Any) -> bool:
    if properties is None:
        return False
    if properties.find(f"{WORD}cellDel") is not None:
        return True
    merge = properties.find(f"{WORD}vMerge")
    return merge is not None and merge.get(f"{WORD}val", "continue") == "continue"


def _columns(properties: Any) -> int:
    span = None if properties is None else properties.find(f"{WORD}gridSpan")
    value = "" if span is None else span.get(f"{WORD}val", "")
    return (
        min(max(int(value), 1), _MOST_COLUMNS)
        if value.isascii() and value.isdigit() and len(value) < 5
        else 1
    )


def _mark_is_gone(properties: Any) -> bool:
    run = properties.find(f"{WORD}rPr")
    return run is not None and (run.find(f"{WORD}del") is not None or run.find(f"{WORD}moveFrom") is not None)


def paragraph_pieces(paragraph: Any, hiding: frozenset[str] = frozenset()) -> list[tuple[str, Any]]:
    """Return the pieces of a paragraph's final text, each with its XML element.

    Parameters
    ----------
    paragraph : lxml element
        A ``w:p``. Text boxes anchored in it are not part of its text.
    hiding : frozenset of str
        Styles that hide text.
    """
    pieces: list[tuple[str, Any]] = []
    hiding = _hiding_in(paragraph, hiding)
    fields: list[int | None] = []  # start of the instruction of each open field; None after it
    for element, _ in _walk(paragraph):
        tag = element.tag
        if tag == f"{WORD}fldChar":
            kind = element.get(f"{WORD}fldCharType")
            if kind == "begin":
                fields.append(len(pieces))
            elif fields:
                begin = fields.pop()
                if begin is not None:  # results of fields inside the instruction are not shown
                    del pieces[begin:]
                if kind == "separate":
                    fields.append(None)
        elif tag in _TEXTS:
            if element.text and not _is_hidden(element.getparent(), hiding):
                pieces.append((element.text, element))
        elif tag in _MARKS:
            if element.getparent().tag != f"{WORD}tabs":
                pieces.append((_MARKS[tag], element))
        elif tag == f"{WORD}sym":
            code = element.get(f"{WORD}char", "")
            with_letter = code.isalnum() and not code.upper().startswith("F")  # F000-F0FF: symbols of a font
            pieces.append(
                (chr(int(code, 16)) if with_letter and len(code) == 4 and _is_hex(code) else " ", element)
            )
    return pieces


def _is_hex(code: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in code)


def _walk(paragraph: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the elements shown in the final view, without text boxes."""
    waiting = list(reversed([(child, paragraph) for child in paragraph]))
    while waiting:
        element, parent = waiting.pop()
        if element.tag in _GONE or element.tag == _BOX or not isinstance(element.tag, str):
            continue
        yield element, parent
        if element.tag == f"{_COMPATIBILITY}AlternateContent":
            element = _shown_alternative(element)
        waiting.extend(reversed([(child, element) for child in element]))


def _boxes(paragraph: Any) -> list[Any]:
    """Find the text boxes that are anchored in a paragraph, each once, outermost only."""
    found = []
    waiting = [paragraph]
    while waiting:
        element = waiting.pop()
        if element.tag == _BOX:
            found.append(element)
        elif element.tag not in _GONE:
            shown = (
                _shown_alternative(element) if element.tag == f"{_COMPATIBILITY}AlternateContent" else element
            )
            waiting.extend(reversed(shown))
    return found


def _shown_alternative(element: Any) -> Any:
    """Choose between alternative forms of the same content: the first that holds text."""
    for form in element:
        if next(form.iter(f"{WORD}t"), None) is not None:
            return form
    return element[0] if len(element) else element


def _hiding_in(paragraph: Any, hiding: frozenset[str]) -> frozenset[str]:
    """Return the styles that hide runs of a paragraph, with an empty name if its own style does."""
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return hiding | {""} if style is not None and style.get(f"{WORD}val") in hiding else hiding


def _is_hidden(run: Any, hiding: frozenset[str]) -> bool:
    if run.tag != f"{WORD}r":
        return False
    if run.find(f"{WORD}rPr/{WORD}vanish") is not None:
        return _vanishes(run)
    style = run.find(f"{WORD}rPr/{WORD}rStyle")
    return "" in hiding or (style is not None and style.get(f"{WORD}val") in hiding)


def _vanishes(parent: Any) -> bool:
    """Return whether a run or a style is itself marked as hidden."""
    vanish = parent.find(f"{WORD}rPr/{WORD}vanish")
    return vanish is not None and vanish.get(f"{WORD}val", "true") not in ("0", "false", "off")
