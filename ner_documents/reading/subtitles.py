"""Subtitles, SRT and WebVTT: what is said, without times and marks; a cue is a block.

https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, BinaryIO

from ner_documents.document import Document, Problem
from ner_documents.reading.blocks import BlockText
from ner_documents.reading.encodings import decode
from ner_documents.reading.records import EXCERPT, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_subtitles"]

_TIME = r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMES = re.compile(rf"\s*({_TIME})\s*-->\s*{_TIME}")
_MARKS = re.compile(r"</?(?:c|i|b|u|v|ruby|rt|lang|font)\b[^<>]{0,200}>|<[\d:.]{5,12}>|\{\\[^{}]{0,100}\}")
_NO_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT")


def read_subtitles(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a file as one document; a sentence often goes on in the next cue, so lines are only put apart.

    Cues end a block where they end a sentence; else the next one goes on with it.
    """
    raw = stream.read(options.limit + 1)
    if len(raw) > options.limit:
        yield Problem(source, None, too_long(options.limit), raw[:EXCERPT])
        return
    text, problems = decode(raw, source, options.encoding)
    yield from problems
    if text is None:
        return
    blocks = BlockText()
    pending: list[str] = []
    begin, number = "", 1
    for group in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line for line in group.split("\n") if line.strip()]
        at = next((index for index, line in enumerate(lines[:2]) if _TIMES.match(line)), None)
        if at is None:
            if lines and not lines[0].lstrip("\ufeff").startswith(_NO_CUES):
                yield Problem(source, number, f"expected the times of a cue, found {lines[0][:60]!r}")
            number += group.count("\n") + 2
            continue
        number += group.count("\n") + 2
        times = _TIMES.match(lines[at])
        said = " ".join(html.unescape(_MARKS.sub("", line)).strip() for line in lines[at + 1 :]).strip()
        if not said or times is None:
            continue
        begin = begin or times[1]
        pending.append(said)
        if said[-1] in ".!?…:\"'”’)]♪" or said[0] in "-–—[(♪":
            blocks.add("paragraph", " ".join(pending), place=begin)
            pending, begin = [], ""
    if pending:
        blocks.add("paragraph", " ".join(pending), place=begin)
    if not blocks.blocks:
        yield Problem(source, None, "holds no subtitles")
        return
    content = blocks.text
    yield Document(source, None, content, {"source": source, "text": content}, blocks=tuple(blocks.blocks))
