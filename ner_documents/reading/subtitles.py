"""Subtitles, SRT, WebVTT and SBV: what is said, without times and markup; a sentence is a block.

https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, document_of
from ner_documents.reading.encodings import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["OTHER_SPEAKER", "SENTENCE_END", "read_subtitles"]

_TIME = r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMES = re.compile(rf"\s*({_TIME})(?:\s*-->\s*|,){_TIME}")
#: Cues end at empty lines, which some files omit before the next number and times.
_NUMBERED = rf"\n(?=\d+[ \t]*\n[ \t]*{_TIME}[ \t]*-->)"
_BORDER = re.compile(rf"\n[ \t]*\n|{_NUMBERED}")
#: In WebVTT a line of white space is part of a cue; live captions begin with one.
_BORDER_VTT = re.compile(rf"\n\n|{_NUMBERED}")
_ROLLING = re.compile(r"<[\d:.]{5,12}><c>")
_SPOKEN = re.compile(r"<rt\b[^<>]{0,200}>[^<>]{0,200}(?:</rt>)?")
_VOICE = re.compile(r"<v\b[^<>\s]*[ \t]+([^<>]{1,200})>")
_MARKS = re.compile(r"</?(?:c|i|b|u|v|ruby|rt|lang|font)\b[^<>]{0,200}>|<[\d:.]{5,12}>|\{\\[^{}]{0,100}\}")
#: A sentence goes on in the next line or cue, except after these characters and before those.
SENTENCE_END = ".!?…:\"'”’)]♪"
OTHER_SPEAKER = "-–—>"
_ALONE = "[(♪"
_NO_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT")


def read_subtitles(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a file as one document; a cue that does not end a sentence continues in the next one."""
    text, problems = decode(raw, source, options.encoding)
    yield from problems
    if text is None:
        return
    cues = _Cues(rolling=_ROLLING.search(text) is not None)
    number = 1
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    position = 0
    borders = _BORDER_VTT if text.startswith("WEBVTT") else _BORDER
    for border in (*borders.finditer(text), None):
        group = text[position : border.start() if border else len(text)]
        lines = [line for line in group.split("\n") if line.strip()]
        at = next((index for index, line in enumerate(lines[:2]) if _TIMES.match(line)), None)
        if at is not None:
            for times, said in _parted(lines[at:]):
                cues.add(times, said)
        elif lines and not lines[0].lstrip("\ufeff").startswith(_NO_CUES):
            yield Problem(source, number, f"expected the times of a cue, found {lines[0][:60]!r}")
        if border:
            number += text.count("\n", position, border.end())
            position = border.end()
    cues.end()
    yield from document_of(source, cues.blocks)


def _parted(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Split cues without an empty line between them; the first line holds times."""
    begins = [index for index, line in enumerate(lines) if _TIMES.match(line)]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        yield lines[begin], lines[begin + 1 : end]


class _Cues:
    """Joins cues to sentences.

    Parameters
    ----------
    rolling : bool
        Cues repeat the line of the cue before, as live captions do.
    """

    def __init__(self, *, rolling: bool = False) -> None:
        self._rolling = rolling
        self._last = self._speaker = ""
        self.blocks = BlockText()
        self._pending: list[str] = []
        self._begin = ""

    def add(self, times: str, lines: list[str]) -> None:
        """Add a cue; a dash marks another speaker, a tag names one."""
        found = _TIMES.match(times)
        for line in lines:
            speaker = ""
            for place, piece in enumerate(_VOICE.split(line)):
                said = html.unescape(_MARKS.sub("", _SPOKEN.sub("", piece))).strip()
                if place % 2:
                    speaker = said
                    continue
                if not said or (self._rolling and said == self._last):
                    continue
                self._last = said
                another = speaker not in ("", self._speaker)
                if another or said[0] in OTHER_SPEAKER:
                    self.end()
                if another:
                    self._speaker, said = speaker, f"{speaker}: {said}"
                self._begin = self._begin or (found[1] if found else "")
                self._pending.append(said)
        if self._pending and (self._pending[-1][-1] in SENTENCE_END or self._pending[0][0] in _ALONE):
            self.end()

    def end(self) -> None:
        """End a block."""
        if self._pending:
            self.blocks.add("paragraph", " ".join(self._pending), place=self._begin)
        self._pending, self._begin = [], ""
