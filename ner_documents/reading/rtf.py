"""Rich Text Format: body, headers, footers, notes and text boxes, without hidden and deleted text.

RTF 1.9.1, https://www.biblioscape.com/rtf15_spec.htm. striprtf leaves out headers, footers, notes and boxes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, add_raised, document_of
from ner_documents.reading.rtf_tokens import HEAD, RtfReading, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_rtf"]

_SILENT = frozenset(
    """fonttbl colortbl stylesheet info pict objdata objclass themedata colorschememapping datastore
    latentstyles listtable listoverridetable rsidtbl generator xmlnstbl filetbl revtbl fldinst bkmkstart
    bkmkend nonesttables sn sv shprslt annotation atnid atnauthor atndate atnref atrfstart atrfend
    pntext pn template operator private xe tc txe rxe""".split()  # noqa: SIM905 - a list of 40 strings reads worse
)
_KEPT_WHEN_STARRED = frozenset(("shpinst", "shptxt", "footnote", "nesttableprops", "fldrslt"))
#: The property of a shape that is its text.
_SHAPE_TEXT = "gtextUNICODE"
_FLOWS = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "footer"),
    "footnote": "note",
    "shptxt": "box",
    "listtext": "mark",
}
_STYLE = re.compile(r"\{\\s(\d{1,5})(?:\D[^{};]*?)?\s([Hh]eading|[Tt]itle|[Cc]aption)[^;{}]*;")


@dataclass(slots=True)
class _State(State):
    silent: bool = False
    hidden: bool = False
    named: bool = False
    raised: bool = False


@dataclass(slots=True)
class _Flow:
    """Paragraphs of the body, a header or a note, which may interrupt each other."""

    kind: str
    parts: list[str] = field(default_factory=list)
    paragraph: str = "paragraph"
    cell: int = 0
    row: int = 1
    in_table: bool = False


def read_rtf(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document."""
    reading = _Reading(raw.decode("latin-1"))
    reading.run()
    if reading.depth > 0:
        yield Problem(source, None, "breaks off: its groups are not closed; the text may not be all")
    yield from document_of(source, reading.assembled())


class _Reading(RtfReading):
    """Collects the paragraphs that are shown."""

    state: _State

    def __init__(self, text: str) -> None:
        super().__init__(text, _State())
        self.blocks = BlockText()
        self._styles = {number: name.lower() for number, name in _STYLE.findall(text[:HEAD])}
        self._flows = [_Flow("body")]
        self._found: dict[str, list[tuple[str, str, tuple[int, int] | None, int]]] = {}
        self._last_name = ""

    def text(self, text: str, _start: int, _end: int | None = None) -> None:
        """Add letters, unless they are not shown."""
        if self.state.named:
            self._last_name = text.strip()
        if not (self.state.silent or self.state.hidden):
            add = add_raised if self.state.raised else list.append
            add(self._flows[-1].parts, text)

    def end_paragraph(self) -> None:
        """End a paragraph, or the last one of a cell."""
        self._end("paragraph")

    def end_flow(self) -> None:
        """End a header, note or box, or the mark of a list item, which is no text."""
        if self._flows[-1].kind != "mark":  # in which AbiWord writes the item as well, as a paragraph
            self._end("paragraph")
        self._flows.pop()

    def word(self, word: str, number: int | None, *, starred: bool) -> None:
        """Begin or end what a control word names."""
        state = self.state
        if word == "sv" and self._last_name == _SHAPE_TEXT and not state.hidden:
            self._flows.append(_Flow("box"))
            state.silent, state.flow = False, word
        elif word in _SILENT or (starred and word not in _KEPT_WHEN_STARRED):
            self.blocks.comments += word == "annotation"
            state.silent, state.named = True, word == "sn"
        elif state.silent:
            return
        elif word in _FLOWS:
            self._flows.append(_Flow(_FLOWS[word]))
            state.flow = word
        elif word in ("par", "sect", "page", "column"):
            self._end("paragraph")
        elif word in ("cell", "nestcell"):
            self._end("cell")
        elif word in ("row", "nestrow"):
            self._flows[-1].row += 1
            self._flows[-1].cell = 0
        else:
            self._property(word, number)

    def _property(self, word: str, number: int | None) -> None:
        state, flow = self.state, self._flows[-1]
        if word in ("v", "deleted"):
            state.hidden = number != 0
            self.blocks.hidden += word == "v" and state.hidden
        elif word in ("super", "up"):
            state.raised = number != 0
        elif word == "nosupersub":
            state.raised = False
        elif word == "plain":
            state.hidden = state.raised = False
        elif word == "pard":
            flow.paragraph, flow.in_table = "paragraph", False
        elif word == "intbl":
            flow.in_table = True
        elif word == "s" and str(number) in self._styles:
            style = self._styles[str(number)]
            flow.paragraph = "caption" if style == "caption" else "heading"
        elif word == "ls" and flow.paragraph == "paragraph":
            flow.paragraph = "list item"

    def _end(self, kind: str) -> None:
        if self.state.silent:
            return
        flow = self._flows[-1]
        text = "".join(flow.parts)
        flow.parts.clear()
        cell = None
        if kind == "cell" or flow.in_table:
            cell = flow.row, flow.cell + 1
        else:
            flow.row, flow.cell = 1, 0
        if kind == "cell":
            flow.cell += 1
        place = sum(map(len, self._found.values())) + 1
        named = "cell" if cell else flow.kind if flow.kind in ("header", "footer") else flow.paragraph
        where = "body" if flow.kind in ("box", "mark") else flow.kind
        self._found.setdefault(where, []).append((named, text, cell, place))

    def assembled(self) -> BlockText:
        """Order the parts: headers, the body, notes, footers."""
        if self._flows[0].parts:
            self._flows = self._flows[:1]
            self.state = _State()
            self._end("paragraph")
        for flow in ("header", "body", "note", "footer"):
            for kind, text, cell, place in self._found.get(flow, ()):
                self.blocks.add(kind, text, cell, place=f"p {place}")
        return self.blocks
