"""The texts of a Rich Text Format file with their positions, including hidden and deleted text.

RTF 1.9.1, https://www.biblioscape.com/rtf15_spec.htm. Text that is not shown, such as deleted text, comments
and fields, is still in the file, so it is searched here.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ner_documents.reading.rtf import (
    CHARACTERS,
    CODE_PAGES,
    SIGNS,
    TOKEN,
    encoding_of,
    encodings_of_fonts,
    is_raw_utf8,
)
from ner_documents.redaction.segments import Edit, SegmentBuilder
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_documents.redaction.segments import Segment

__all__ = ["apart_from_words", "rtf_segments"]

#: Not text: names of fonts and styles, numbers, hexadecimal data of pictures.
_NO_TEXT = frozenset(
    """fonttbl colortbl stylesheet pict themedata colorschememapping latentstyles listtable listoverridetable
    rsidtbl generator nonesttables sn pntext pn blipuid panose fontemb mmathPr background falt""".split()  # noqa: SIM905
)
#: Authors, paths of the file, program data.
_EMPTIED = frozenset(
    """info userprops revtbl atnauthor atnid template filetbl datastore xmlnstbl mailmerge protusertbl
    passwordhash writereservhash""".split()  # noqa: SIM905
)
#: Read by programs: only searched for patterns and known names.
_APART = frozenset("fldinst bkmkstart bkmkend sv xe tc txe rxe atnref atndate datafield".split())  # noqa: SIM905
_FLOWS = frozenset(
    """header headerl headerr headerf footer footerl footerr footerf footnote shptxt annotation listtext
    ftnsep aftnsep""".split()  # noqa: SIM905
)
_ENDS = frozenset(("par", "sect", "page", "column", "cell", "nestcell", "row", "nestrow"))
#: Properties of pictures and shapes with text for people.
_READ = frozenset(("wzDescription", "wzName", "gtextUNICODE", "pihlShape"))
_OBJECTS = frozenset(("objdata", "objemb", "objlink", "objocx"))
_DATA = re.compile("[0-9a-fA-F\r\n]{64,}")


@dataclass(slots=True)
class _State:
    """Properties that a group inherits and may change."""

    kind: str = "text"
    skip: int = 1
    font: int = -1
    flow: bool = False


def rtf_segments(raw: str) -> tuple[list[Segment], list[Edit]]:
    r"""Extract the texts of a file.

    Parameters
    ----------
    raw : str
        Its bytes as Latin-1.

    Returns
    -------
    list of Segment, list of Edit
        The texts in order, and the edits that remove authors and program data.

    Raises
    ------
    FormatError
        If it is not RTF, truncated, or has parts that cannot be inspected.

    Examples
    --------
    >>> segments, _ = rtf_segments(r"{\rtf1 {\b Mary} J\'f6nes\par in \u321?\'f3d\u378?}")
    >>> [segment.text for segment in segments]
    ['Mary Jönes', 'in Łódź']
    """
    if not raw.lstrip().startswith("{\\rtf"):
        msg = "is damaged or does not match its suffix (no RTF)"
        raise FormatError(msg)
    reading = _Reading(raw)
    segments = list(reading.run())
    if reading.depth > 0:
        msg = "is truncated: its groups are not closed; save it again"
        raise FormatError(msg)
    return segments, reading.emptied


def apart_from_words(raw: str, edits: Iterable[Edit]) -> list[Edit]:
    r"""Separate replacements from a control word directly before them.

    Examples
    --------
    >>> apart_from_words(r"\par\'4dary", [Edit(4, 11, "PER_1")])
    [Edit(start=4, end=11, text=' PER_1')]
    """
    words = {found.end() for found in TOKEN.finditer(raw) if found[1] and not found[0].endswith(" ")}
    return [edit._replace(text=f" {edit.text}") if edit.start in words else edit for edit in edits]


class _Reading:
    """Reads the tokens in one pass."""

    def __init__(self, raw: str) -> None:
        self.depth = 0
        self.emptied: list[Edit] = []
        self._raw = raw
        self._encoding = "cp1252"
        self._utf8 = is_raw_utf8(raw)
        self._fonts = encodings_of_fonts(raw[: 1 << 20])
        self._state = _State()
        self._states: list[_State] = []
        self._builders = [SegmentBuilder()]
        self._bytes: list[tuple[int, int, int]] = []
        self._high: tuple[int, int] | None = None
        self._pending = 0
        self._starred = False
        self._property = ""

    def run(self) -> Iterator[Segment]:
        """Yield the texts up to the end of the file, including text after the outer group."""
        position = 0
        while match := TOKEN.search(self._raw, position):
            start, position = match.span()
            word, number, code, sign, brace, plain = match.groups()
            if brace == "{":
                self._settle()
                self._states.append(self._state)
                self._state = replace(self._state, flow=False)
                self.depth += 1
                self._starred = False
            elif brace == "}":
                yield from self._close()
            elif word == "bin":
                position += max(int(number or 0), 0)
            elif word:
                yield from self._word(word, None if number is None else int(number), start, position)
            elif code:
                self._byte(int(code, 16), start, position)
            elif sign == "*":
                self._starred = True
            elif sign in SIGNS:
                self._character(SIGNS[sign], start, position)
            elif sign in ("\n", "\r"):
                yield from self._finish()
            elif plain:
                self._plain(plain, start)
        self._settle()
        while self._builders:
            yield from self._builders.pop().finish()

    def _close(self) -> Iterator[Segment]:
        self._settle()
        if self._state.flow:
            yield from self._finish()
            self._builders.pop()
        self._state = self._states.pop() if self._states else _State()
        self.depth -= 1
        self._pending = 0

    def _word(self, word: str, number: int | None, start: int, end: int) -> Iterator[Segment]:
        starred, self._starred = self._starred, False
        state = self._state
        if word == "u" and number is not None:
            self._unicode(number % 0x10000, start, end)
            return
        self._pending = 0
        if word in _OBJECTS:
            msg = "holds an embedded object that cannot be inspected; remove it first"
            raise FormatError(msg)
        if word in CHARACTERS:
            self._character(CHARACTERS[word], start, end)
        elif word in _ENDS:
            yield from self._finish()
        elif word == "uc":
            state.skip = max(number or 0, 0)
        elif word == "f" and number is not None:
            self._settle()
            state.font = number
        elif word in CODE_PAGES or (word == "ansicpg" and number is not None):
            self._encoding = CODE_PAGES.get(word) or encoding_of(number or 0)
        elif word in _NO_TEXT or word in _EMPTIED:
            state.kind = "name" if word == "sn" else "none" if word in _NO_TEXT else "emptied"
        elif word == "picprop" and state.kind == "none":
            state.kind = "apart"  # the picture's properties, among its data
        elif word in _FLOWS or word in _APART or starred:
            self._settle()
            self._open(word)

    def _open(self, word: str) -> None:
        """Begin a separate text; unknown destinations are searched as well."""
        state = self._state
        if state.kind in ("none", "name", "emptied"):
            return
        state.kind = "text" if word in _FLOWS else "apart" if word in _APART else state.kind
        if word == "sv" and self._property in _READ:
            state.kind = "text"
        if not state.flow:
            state.flow = True
            self._builders.append(SegmentBuilder())

    def _finish(self) -> Iterator[Segment]:
        self._settle()
        yield from self._builders[-1].finish(searched=self._state.kind == "text")

    def _unicode(self, unit: int, start: int, end: int) -> None:
        self._settle(keep_high=True)
        skipped = self._after(end)
        if 0xD800 <= unit < 0xDC00:
            self._high = (unit, start)
        elif 0xDC00 <= unit < 0xE000 and self._high is not None:
            high, start = self._high
            self._high = None
            self._add(chr(0x10000 + ((high - 0xD800) << 10) + unit - 0xDC00), start, skipped)
        else:
            self._high = None
            self._add(chr(unit) if not 0xD800 <= unit < 0xE000 else "\ufffd", start, skipped)
        self._pending = self._state.skip

    def _after(self, end: int) -> int:
        """Find the end of the fallback characters for programs without Unicode."""
        for _ in range(self._state.skip):
            match = TOKEN.match(self._raw, end)
            if match is None or match[1] or match[5]:
                break
            end = end + self._length(end) if match[6] else match.end()
        return end

    def _length(self, start: int) -> int:
        """Return the length of a letter in bytes."""
        end = start + 1
        while self._utf8 and "\x80" <= self._raw[end : end + 1] < "\xc0":
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
        kind = self._state.kind
        if kind == "name":
            self._property = plain.strip()
        elif kind == "emptied":
            self.emptied += [
                Edit(start + found.start(), start + found.end(), "") for found in re.finditer("[^;]+", plain)
            ]
        elif plain.isascii():
            self._settle()
            if kind != "none" and not _DATA.fullmatch(plain):
                self._builders[-1].add(plain, start)
        else:
            if self._utf8:
                self._settle()
            for index, character in enumerate(plain, start):
                self._bytes.append((ord(character), index, index + 1))
            if self._utf8:
                self._settle(encoding="utf-8")

    def _character(self, character: str, start: int, end: int) -> None:
        self._settle()
        self._add(character, start, end)

    def _add(self, text: str, start: int, end: int) -> None:
        if self._state.kind == "emptied":
            self.emptied.append(Edit(start, end, ""))
        elif self._state.kind not in ("none", "name"):
            self._builders[-1].add(text, start, end)

    def _settle(self, *, keep_high: bool = False, encoding: str = "") -> None:
        """Decode the pending bytes: two-byte letters arrive one byte at a time."""
        if not keep_high:
            self._high = None
        if not self._bytes:
            return
        several, self._bytes = self._bytes, []
        encoding = encoding or self._fonts.get(self._state.font) or self._encoding
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        first: int | None = None
        for index, (value, start, end) in enumerate(several):
            first = start if first is None else first
            text = decoder.decode(bytes((value,)), final=index + 1 == len(several))
            if text:
                self._add(text, first, end)
                first = None
