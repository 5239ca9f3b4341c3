"""Rich Text Format: body, headers, footers, notes and text boxes, without hidden and deleted text.

RTF 1.9.1, https://www.biblioscape.com/rtf15_spec.htm. striprtf leaves out headers, footers, notes and boxes.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, left_out
from ner_documents.reading.records import EXCERPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = [
    "CHARACTERS",
    "CODE_PAGES",
    "SIGNS",
    "TOKEN",
    "encoding_of",
    "encodings_of_fonts",
    "is_raw_utf8",
    "read_rtf",
]

TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SILENT = frozenset(
    """fonttbl colortbl stylesheet info pict objdata objclass themedata colorschememapping datastore
    latentstyles listtable listoverridetable rsidtbl generator xmlnstbl filetbl revtbl fldinst bkmkstart
    bkmkend nonesttables sn sv shprslt annotation atnid atnauthor atndate atnref atrfstart atrfend listtext
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
}
CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "emdash": "—",
    "endash": "–",
    "emspace": "\u2003",
    "enspace": "\u2002",
    "qmspace": "\u2005",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
#: The encoding of the file, by the first word in it; ``ansi`` is followed by the number of a code page.
CODE_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
SIGNS = {"~": "\xa0", "_": "-", "{": "{", "}": "}", "\\": "\\"}
_STYLE = re.compile(r"\{\\s(\d{1,5})(?:\D[^{};]*?)?\s([Hh]eading|[Tt]itle|[Cc]aption)[^;{}]*;")
_FONT = re.compile(r"\\f(\d{1,5})(?!\d)[^{};]{0,200}?\\fcharset(\d{1,3})")
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip


@dataclass(slots=True)
class _State:
    """Properties that a group inherits and may change."""

    silent: bool = False
    hidden: bool = False
    skip: int = 1
    font: int = -1
    flow: str = ""
    named: bool = False


@dataclass(slots=True)
class _Flow:
    """Paragraphs of the body, a header or a note, which may interrupt each other."""

    kind: str
    parts: list[str] = field(default_factory=list)
    bytes: bytearray = field(default_factory=bytearray)
    paragraph: str = "paragraph"
    cell: int = 0
    row: int = 1
    in_table: bool = False


def read_rtf(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document."""
    if not raw.lstrip().startswith(b"{\\rtf"):
        yield Problem(
            source, None, "the file is damaged or does not match its suffix (no RTF)", raw[:EXCERPT]
        )
        return
    reading = _Reading(raw.decode("latin-1"))
    reading.run()
    if reading.depth > 0:
        yield Problem(source, None, "breaks off: its groups are not closed; the text may not be all")
    yield from left_out(source, comments=reading.comments, hidden=reading.hidden)
    blocks = reading.assembled()
    if blocks.blocks:
        yield blocks.document(source)
    else:
        yield Problem(source, None, "holds no text")


def encodings_of_fonts(head: str) -> dict[int, str]:
    """Return the encoding of each font in the font table; empty for the encoding of the file."""
    return {int(font): _CHARSETS.get(int(charset), "") for font, charset in _FONT.findall(head)}


def encoding_of(code_page: int) -> str:
    """Return the encoding of a code page, cp1252 if unknown.

    Examples
    --------
    >>> encoding_of(1251), encoding_of(65001), encoding_of(0)
    ('cp1251', 'utf-8', 'cp1252')
    """
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return "cp1252"


def is_raw_utf8(text: str) -> bool:
    """Return whether a file, given as Latin-1, holds UTF-8 letters, against the specification."""
    if text.isascii():
        return False
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


class _Reading:
    """Reads the tokens in one pass."""

    def __init__(self, text: str) -> None:
        self.depth = 0
        self.comments = 0
        self._text = text
        self._encoding = "cp1252"
        self._utf8 = is_raw_utf8(text)
        head = text[: 1 << 20]
        self._styles = {number: name.lower() for number, name in _STYLE.findall(head)}
        self._fonts = encodings_of_fonts(head)
        self._state = _State()
        self._states: list[_State] = []
        self._flows = [_Flow("body")]
        self._found: dict[str, list[tuple[str, str, int | None, int | None, int]]] = {}
        self._pending = 0
        self._starred = False
        self._last_name = ""
        self.hidden = 0

    def run(self) -> None:
        """Read to the end of the outer group."""
        position = 0
        while match := TOKEN.search(self._text, position):
            position = match.end()
            word, number, code, sign, brace, plain = match.groups()
            if brace == "{":
                self._states.append(self._state)
                self._state = replace(self._state, flow="")
                self.depth += 1
                self._starred = False
            elif brace == "}":
                self._close()
                if self.depth <= 0:
                    return
            elif word == "bin":
                position += max(int(number or 0), 0)
            elif word:
                self._word(word, None if number is None else int(number))
            elif code:
                self._byte(int(code, 16))
            elif sign == "*":
                self._starred = True
            elif sign and sign in SIGNS:
                self._add(SIGNS[sign])
            elif sign in ("\n", "\r"):
                self._end("paragraph")
            elif plain:
                self._plain(plain)

    def _plain(self, plain: str) -> None:
        if self._utf8:
            plain = plain.encode("latin-1").decode("utf-8", "replace")
        skipped = min(self._pending, len(plain))
        self._pending -= skipped
        plain = plain[skipped:]
        if self._state.named:
            self._last_name = plain.strip()
        if self._utf8 or plain.isascii():
            self._add(plain)
        elif not (self._state.silent or self._state.hidden):
            self._flows[-1].bytes += plain.encode("latin-1")

    def _close(self) -> None:
        self._settle()
        if self._state.flow:
            self._end("paragraph")
            self._flows.pop()
        self._state = self._states.pop() if self._states else _State()
        self.depth -= 1
        self._pending = 0

    def _word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        state = self._state
        if word == "u" and number is not None:
            self._settle()
            self._add(chr(number % 0x10000))
            self._pending = state.skip
            return
        self._pending = 0
        if word == "sv" and self._last_name == _SHAPE_TEXT and not state.hidden:
            self._settle()
            self._flows.append(_Flow("box"))
            state.silent, state.flow = False, word
        elif word in _SILENT or (starred and word not in _KEPT_WHEN_STARRED):
            self.comments += word == "annotation"
            state.silent, state.named = True, word == "sn"
        elif state.silent:
            return
        elif word in _FLOWS:
            self._settle()
            self._flows.append(_Flow(_FLOWS[word]))
            state.flow = word
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
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
        state, flow = self._state, self._flows[-1]
        if word in ("v", "deleted"):
            self._settle()
            state.hidden = number != 0
            self.hidden += word == "v" and state.hidden
        elif word == "plain":
            self._settle()
            state.hidden, state.font = False, -1
        elif word == "pard":
            flow.paragraph, flow.in_table = "paragraph", False
        elif word == "intbl":
            flow.in_table = True
        elif word == "s" and str(number) in self._styles:
            style = self._styles[str(number)]
            flow.paragraph = "caption" if style == "caption" else "heading"
        elif word == "ls" and flow.paragraph == "paragraph":
            flow.paragraph = "list item"
        elif word == "uc":
            state.skip = max(number or 0, 0)
        elif word == "f" and number is not None:
            self._settle()
            state.font = number
        elif word in CODE_PAGES or (word == "ansicpg" and number is not None):
            self._encoding = CODE_PAGES.get(word) or encoding_of(number or 0)

    def _byte(self, value: int) -> None:
        if self._pending:
            self._pending -= 1
        elif not (self._state.silent or self._state.hidden):
            self._flows[-1].bytes.append(value)

    def _add(self, text: str) -> None:
        if text and not (self._state.silent or self._state.hidden):
            self._settle()
            self._flows[-1].parts.append(text)

    def _settle(self) -> None:
        """Decode the pending bytes: two-byte letters arrive one byte at a time."""
        flow = self._flows[-1]
        if flow.bytes:
            encoding = self._fonts.get(self._state.font) or self._encoding
            flow.parts.append(bytes(flow.bytes).decode(encoding, "replace"))
            flow.bytes.clear()

    def _end(self, kind: str) -> None:
        if self._state.silent:
            return
        self._settle()
        flow = self._flows[-1]
        text = "".join(flow.parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        flow.parts.clear()
        row = column = None
        if kind == "cell" or flow.in_table:
            row, column = flow.row, flow.cell + 1
        else:
            flow.row, flow.cell = 1, 0
        if kind == "cell":
            flow.cell += 1
        place = sum(map(len, self._found.values())) + 1
        named = "cell" if row else flow.kind if flow.kind in ("header", "footer") else flow.paragraph
        where = "body" if flow.kind == "box" else flow.kind
        self._found.setdefault(where, []).append((named, text, row, column, place))

    def assembled(self) -> BlockText:
        """Order the parts: headers, the body, notes, footers."""
        if self._flows[0].parts or self._flows[0].bytes:
            self._flows = self._flows[:1]
            self._state = _State()
            self._end("paragraph")
        blocks = BlockText()
        for flow in ("header", "body", "note", "footer"):
            for kind, text, row, column, place in self._found.get(flow, ()):
                blocks.add(kind, text, row=row, column=column, place=f"p {place}")
        return blocks
