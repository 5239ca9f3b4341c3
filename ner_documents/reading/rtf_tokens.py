"""Tokens of Rich Text Format: letters, whatever they are encoded in, with their positions in the file.

RTF 1.9.1, https://www.biblioscape.com/rtf15_spec.htm.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from ner_documents.reading.packages import UnreadableError

__all__ = ["HEAD", "TOKEN", "RtfReading", "State"]

TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_CHARACTERS = {
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
_CODE_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_SIGNS = {"~": "\xa0", "_": "-", "{": "{", "}": "}", "\\": "\\"}
_FONT = re.compile(r"\\f(\d{1,5})(?!\d)[^{};]{0,200}?\\fcharset(\d{1,3})")
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip
HEAD = 1 << 20  # characters that hold the tables of fonts and styles


@dataclass(slots=True)
class State:
    """Properties that a group inherits and may change; `flow` is what it begins, if anything."""

    skip: int = 1
    font: int = -1
    flow: str = ""


class RtfReading:
    """Reads the tokens in one pass and calls the methods of a subclass.

    Parameters
    ----------
    raw : str
        The bytes of the file as Latin-1.
    state : State
        That of the outer group.

    Raises
    ------
    UnreadableError
        If it is not RTF.
    """

    #: Whether text after the outer group is read.
    beyond = False

    def __init__(self, raw: str, state: State) -> None:
        if not raw.lstrip().startswith("{\\rtf"):
            msg = "the file is damaged or does not match its suffix (no RTF)"
            raise UnreadableError(msg)
        self.depth = 0
        self.raw = raw
        self.state = state
        self._states: list[State] = []
        self._encoding = "cp1252"
        self._utf8 = _is_raw_utf8(raw)
        fonts = _FONT.findall(raw[:HEAD])
        self._fonts = {int(font): _CHARSETS.get(int(charset), "") for font, charset in fonts}
        self._bytes: list[tuple[int, int, int]] = []
        self._high: tuple[int, int] | None = None
        self._pending = 0

    def text(self, text: str, start: int, end: int | None = None) -> None:
        """Take letters, which stand verbatim at `start` if there is no `end`."""
        raise NotImplementedError

    def word(self, word: str, number: int | None, *, starred: bool) -> None:
        """Take a control word that is not a letter or its encoding."""
        raise NotImplementedError

    def binary(self, start: int, end: int) -> None:
        """Pass by bytes that are no text, such as those of a picture."""

    def end_paragraph(self) -> None:
        """End a paragraph."""
        raise NotImplementedError

    def end_flow(self) -> None:
        """End what the current group has begun."""
        raise NotImplementedError

    def run(self) -> None:
        """Read the file."""
        position = 0
        starred = False
        while match := TOKEN.search(self.raw, position):
            start, position = match.span()
            word, digits, code, sign, brace, plain = match.groups()
            if brace == "{":
                self.settle()
                self._states.append(self.state)
                self.state = replace(self.state, flow="")
                self.depth += 1
                starred = False
            elif brace == "}":
                self._close()
                if self.depth <= 0 and not self.beyond:
                    return
            elif word == "bin":
                position += max(int(digits or 0), 0)
                self.binary(start, position)
            elif word:
                self._word(word, None if digits is None else int(digits), start, position, starred=starred)
                starred = False
            elif code:
                self._byte(int(code, 16), start, position)
            elif sign == "*":
                starred = True
            elif sign in _SIGNS:
                self._letters(_SIGNS[sign], start, position)
            elif sign in ("\n", "\r"):
                self.settle()
                self.end_paragraph()
            elif plain:
                self._plain(plain, start)
        self.settle()

    def _close(self) -> None:
        self.settle()
        if self.state.flow:
            self.end_flow()
        self.state = self._states.pop() if self._states else type(self.state)()
        self.depth -= 1
        self._pending = 0

    def _word(self, word: str, number: int | None, start: int, end: int, *, starred: bool) -> None:
        if word == "u" and number is not None:
            self._unicode(number % 0x10000, start, end)
            return
        self.settle()
        self._pending = 0
        if word in _CHARACTERS:
            self._letters(_CHARACTERS[word], start, end)
        elif word == "uc":
            self.state.skip = max(number or 0, 0)
        elif word == "f" and number is not None:
            self.state.font = number
        elif word in _CODE_PAGES or (word == "ansicpg" and number is not None):
            self._encoding = _CODE_PAGES.get(word) or _encoding_of(number or 0)
        else:
            if word == "plain":
                self.state.font = -1
            self.word(word, number, starred=starred)

    def _unicode(self, unit: int, start: int, end: int) -> None:
        self.settle(keep_high=True)
        skipped = self._after(end)
        high, self._high = self._high, None
        if 0xD800 <= unit < 0xDC00:
            self._high = (unit, start)
        elif 0xDC00 <= unit < 0xE000 and high is not None:
            self.text(chr(0x10000 + ((high[0] - 0xD800) << 10) + unit - 0xDC00), high[1], skipped)
        else:
            self.text(chr(unit) if not 0xD800 <= unit < 0xE000 else "\ufffd", start, skipped)
        self._pending = self.state.skip

    def _after(self, end: int) -> int:
        """Find the end of the fallback characters for programs without Unicode."""
        for _ in range(self.state.skip):
            match = TOKEN.match(self.raw, end)
            if match is None or match[1] or match[5]:
                break
            end = end + self._length(end) if match[6] else match.end()
        return end

    def _length(self, start: int) -> int:
        """Return the length of a letter in bytes."""
        end = start + 1
        while self._utf8 and "\x80" <= self.raw[end : end + 1] < "\xc0":
            end += 1
        return end - start

    def _byte(self, value: int, start: int, end: int) -> None:
        if self._pending:
            self._pending -= 1
        else:
            self._bytes.append((value, start, end))

    def _plain(self, plain: str, start: int) -> None:
        while self._pending and plain:
            skipped = self._length(start)
            self._pending -= 1
            plain, start = plain[skipped:], start + skipped
        if not plain:
            return
        if plain.isascii():
            self.settle()
            self.text(plain, start)
            return
        if self._utf8:
            self.settle()
        self._bytes += [(ord(character), index, index + 1) for index, character in enumerate(plain, start)]
        if self._utf8:
            self.settle(encoding="utf-8")

    def _letters(self, text: str, start: int, end: int) -> None:
        self.settle()
        self.text(text, start, end)

    def settle(self, *, keep_high: bool = False, encoding: str = "") -> None:
        """Decode the pending bytes: two-byte letters arrive one byte at a time."""
        if not keep_high:
            self._high = None
        if not self._bytes:
            return
        several, self._bytes = self._bytes, []
        encoding = encoding or self._fonts.get(self.state.font) or self._encoding
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        first: int | None = None
        for index, (value, start, end) in enumerate(several):
            first = start if first is None else first
            text = decoder.decode(bytes((value,)), final=index + 1 == len(several))
            if text:
                self.text(text, first, end)
                first = None


def _encoding_of(code_page: int) -> str:
    """Return the encoding of a code page, cp1252 if unknown.

    Examples
    --------
    >>> _encoding_of(1251), _encoding_of(65001), _encoding_of(0)
    ('cp1251', 'utf-8', 'cp1252')
    """
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return "cp1252"


def _is_raw_utf8(text: str) -> bool:
    """Return whether a file, given as Latin-1, holds UTF-8 letters, against the specification."""
    if text.isascii():
        return False
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True
