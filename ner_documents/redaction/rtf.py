"""The texts of a Rich Text Format file with their positions, including hidden and deleted text.

RTF 1.9.1, https://www.biblioscape.com/rtf15_spec.htm. Text that is not shown, such as deleted text, comments
and fields, is still in the file, so it is searched here, apart from the text around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_documents.reading.rtf_tokens import TOKEN, RtfReading, State
from ner_documents.redaction.segments import Edit, SegmentBuilder
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ner_documents.redaction.segments import Segment

__all__ = ["apart_from_words", "rtf_segments"]

#: Not text: names of fonts and styles, numbers, hexadecimal data of pictures.
_NO_TEXT = frozenset(
    """fonttbl colortbl stylesheet pict themedata colorschememapping latentstyles listtable listoverridetable
    rsidtbl generator nonesttables sn pntext pn blipuid panose fontemb mmathPr background falt""".split()  # noqa: SIM905
)
#: Authors, paths of the file, program data, pictures that hold text.
_EMPTIED = frozenset(
    """info userprops revtbl atnauthor atnid template filetbl datastore xmlnstbl mailmerge protusertbl
    passwordhash writereservhash emfblip wmetafile macpict""".split()  # noqa: SIM905
)
#: Read by programs: only searched for patterns and known names.
_APART = frozenset("bkmkstart bkmkend sv atnref atndate datafield".split())  # noqa: SIM905
_FLOWS = frozenset(
    """header headerl headerr headerf footer footerl footerr footerf footnote shptxt annotation listtext
    ftnsep aftnsep fldinst xe tc txe rxe""".split()  # noqa: SIM905
)
_ENDS = frozenset(("par", "sect", "page", "column", "cell", "nestcell", "row", "nestrow"))
#: Properties of pictures and shapes with text for people.
_READ = frozenset(("wzDescription", "wzName", "gtextUNICODE", "pihlShape"))
_OBJECTS = frozenset(("objdata", "objemb", "objlink", "objocx"))
_DATA = re.compile("[0-9a-fA-F\r\n]{64,}")


@dataclass(slots=True)
class _State(State):
    kind: str = "text"
    gone: bool = False


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
    reading = _Reading(raw)
    reading.run()
    if reading.depth > 0:
        msg = "is truncated: its groups are not closed; save it again"
        raise FormatError(msg)
    return reading.finish(), reading.emptied


def apart_from_words(raw: str, edits: Iterable[Edit]) -> list[Edit]:
    r"""Separate replacements from a control word directly before them.

    Examples
    --------
    >>> apart_from_words(r"\par\'4dary", [Edit(4, 11, "PER_1")])
    [Edit(start=4, end=11, text=' PER_1')]
    """
    words = {found.end() for found in TOKEN.finditer(raw) if found[1] and not found[0].endswith(" ")}
    return [edit._replace(text=f" {edit.text}") if edit.start in words else edit for edit in edits]


class _Reading(RtfReading):
    """Collects all texts, also those after the outer group."""

    beyond = True
    state: _State

    def __init__(self, raw: str) -> None:
        super().__init__(raw, _State())
        self.emptied: list[Edit] = []
        self._segments: list[Segment] = []
        self._builders = [SegmentBuilder()]
        self._gone = SegmentBuilder()
        self._property = ""

    def finish(self) -> list[Segment]:
        """Return the texts."""
        self._segments += self._gone.finish()
        while self._builders:
            self._segments += self._builders.pop().finish()
        return self._segments

    def text(self, text: str, start: int, end: int | None = None) -> None:
        """Add letters to the current text, or to what is emptied."""
        kind = self.state.kind
        if kind == "name":
            self._property = text.strip()
        elif kind == "emptied" and end is None:
            for found in re.finditer("[^;]+", text):
                self.emptied.append(Edit(start + found.start(), start + found.end(), ""))
        elif kind == "emptied":
            self.emptied.append(Edit(start, end or start, ""))
        elif kind != "none" and not (end is None and _DATA.fullmatch(text)):
            (self._gone if self.state.gone else self._builders[-1]).add(text, start, end)
            if not self.state.gone:
                self._segments += self._gone.finish()

    def binary(self, start: int, end: int) -> None:
        """Remove data, except pictures without text."""
        if self.state.kind != "none":
            self.emptied.append(Edit(start, end, ""))

    def end_paragraph(self) -> None:
        """End the current text."""
        self._segments += self._builders[-1].finish(searched=self.state.kind == "text")

    def end_flow(self) -> None:
        """End the text of a group, and go on with the one around it."""
        self.end_paragraph()
        self._builders.pop()

    def word(self, word: str, number: int | None, *, starred: bool) -> None:
        """Begin or end what a control word names."""
        state = self.state
        if word in _OBJECTS:
            msg = "holds an embedded object that cannot be inspected; remove it first"
            raise FormatError(msg)
        if word in _ENDS:
            self.end_paragraph()
        elif word in _NO_TEXT or word in _EMPTIED:
            state.kind = "name" if word == "sn" else "none" if word in _NO_TEXT else "emptied"
        elif word in ("v", "deleted"):
            state.gone = number != 0
        elif word == "plain":
            state.gone = False
        elif word == "picprop" and state.kind == "none":
            state.kind = "apart"  # the picture's properties, among its data
        elif word in _FLOWS or word in _APART or starred:
            self._open(word)

    def _open(self, word: str) -> None:
        """Begin a separate text; unknown destinations are searched as well."""
        state = self.state
        if state.kind in ("none", "name", "emptied"):
            return
        state.kind = "text" if word in _FLOWS else "apart" if word in _APART else state.kind
        if word == "sv" and self._property in _READ:
            state.kind = "text"
        if not state.flow:
            state.flow = word
            self._builders.append(SegmentBuilder())
