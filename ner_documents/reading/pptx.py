"""PowerPoint files: slides in order, each title first, with tables, groups, diagrams, notes and backgrounds.

ECMA-376, part 1, 19 (PresentationML) and 21.1 (DrawingML). Elements are matched by their local names, which
the strict and the transitional variant share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_documents.reading.blocks import BlockText, add_raised, document_of
from ner_documents.reading.drawings import drawn_texts
from ner_documents.reading.packages import Package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_pptx"]

_TITLES = ("title", "ctrTitle", "subTitle")
_KINDS = {**dict.fromkeys(_TITLES, "heading"), "ftr": "footer", "body": "list item"}
_NUMBERS = ("sldNum", "dt", "sldImg", "hdr")  # placeholders filled by the program
_FALSE = ("0", "false")


def read_pptx(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document: the visible slides and their notes."""
    reading = _Reading()
    package = Package(raw)
    for number, name in enumerate(_slides(package), 1):
        place = f"slide {number}"
        with reading.blocks.reading(source, place):
            reading.slide(package, name, place)
    yield from document_of(source, reading.blocks)


def _slides(package: Package) -> list[str]:
    """List the parts of the slides in the order of the presentation.

    Raises
    ------
    UnreadableError
        If the package holds no presentation.
    """
    main = next(
        (one.target for one in package.related("") if one.kind == "officeDocument"), "ppt/presentation.xml"
    )
    targets = {one.id: one.target for one in package.related(main) if one.kind == "slide"}
    order = [
        targets.get(value)
        for one in package.xml(main).iter("{*}sldId")
        for key, value in one.items()
        if key.endswith("}id")
    ]
    return [name for name in dict.fromkeys(order) if name is not None]


class _Reading:
    """Collects the blocks of all slides."""

    def __init__(self) -> None:
        self.blocks = BlockText()
        self._backgrounds: set[str] = set()
        self._place = ""

    def slide(self, package: Package, name: str, place: str) -> None:
        """Add a slide and its notes, unless it is hidden."""
        slide = package.xml(name)
        related = package.related(name)
        for one in related:
            if one.kind == "comments" and one.target in package:
                self.blocks.comments += sum(1 for _ in package.xml(one.target).iter("{*}cm"))
        if slide.get("show") in _FALSE:
            self.blocks.hidden += 1
            return
        self._place = place
        shapes = list(self._shapes(slide))
        shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)
        for shape in shapes:
            self._shape(shape)
        for _, text in drawn_texts(package, [one.target for one in related]):
            self.blocks.add("caption", text, place=place)
        for one in related:
            if one.kind == "notesSlide" and one.target in package:
                self._place = f"{place} notes"
                for shape in self._shapes(package.xml(one.target)):
                    self._shape(shape)
        self._background(package, name, slide)

    def _background(self, package: Package, name: str, part: Any) -> None:
        """Add, once, what the layout of a slide and its master show on every slide."""
        for kind in ("slideLayout", "slideMaster"):
            related = (one.target for one in package.related(name) if one.kind == kind)
            name = next(related, "")
            if part.get("showMasterSp") in _FALSE or name not in package or name in self._backgrounds:
                return
            self._backgrounds.add(name)
            part = package.xml(name)
            for shape in self._shapes(part):
                if not _placeholder(shape):
                    for text in _paragraphs(shape):
                        self.blocks.add("footer", text, place=name)

    def _shapes(self, parent: Any) -> Iterator[Any]:
        """Yield the visible shapes, including those in groups."""
        for child in parent:
            name = _name(child)
            if name in ("sp", "graphicFrame", "cxnSp", "pic", "grpSp"):
                properties = child.find(".//{*}cNvPr")
                if properties is not None and properties.get("hidden", "0") not in _FALSE:
                    self.blocks.hidden += 1
                elif name == "grpSp":
                    yield from self._shapes(child)
                else:
                    yield child
            elif name == "AlternateContent":
                yield from self._shapes(child[0] if len(child) else child)
            else:
                yield from self._shapes(child)

    def _shape(self, shape: Any) -> None:
        role = _placeholder(shape)
        if role in _NUMBERS:
            return
        table = shape.find(".//{*}tbl")
        if table is not None:
            self._table(table)
            return
        kind = _KINDS.get(role, "paragraph")
        for text in _paragraphs(shape):
            if kind != "footer" or not self.blocks.repeats(text):
                self.blocks.add(kind, text, place=self._place)

    def _table(self, table: Any) -> None:
        for row, cells in enumerate(table.iterfind("{*}tr"), 1):
            for column, cell in enumerate(cells.iterfind("{*}tc"), 1):
                for text in _paragraphs(cell):
                    self.blocks.add("cell", text, (row, column), place=self._place)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _placeholder(shape: Any) -> str:
    """Return the placeholder type of a shape, such as ``title``; empty if it is not a placeholder."""
    found = shape.find(".//{*}ph")
    return "" if found is None else found.get("type", "body")


def _paragraphs(parent: Any) -> Iterator[str]:
    for paragraph in parent.iter("{*}p"):
        parts: list[str] = []
        raised = False
        for one in paragraph.iter():
            if _name(one) == "rPr":
                raised = one.get("baseline", "0").strip("0%")[:1].isdigit()
            elif _name(one) == "r":
                raised = False
            elif _name(one) == "t":
                add = add_raised if raised else list.append
                add(parts, one.text or "")
            elif _name(one) == "br":
                parts.append("\n")
        yield "".join(parts).replace("\v", "\n").replace("_x000B_", "\n")
