"""The texts of plain text, subtitles and tables, with their positions in the file."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ner_documents.formats import SUFFIXES, format_by_name
from ner_documents.reading.packages import UnreadableError
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.subtitles import OTHER_SPEAKER, SENTENCE_END
from ner_documents.reading.tables import SAMPLE_LINES, delimiter_of, quoted
from ner_documents.redaction.dialects import HTML
from ner_documents.redaction.json_strings import json_segments
from ner_documents.redaction.markup import markup_segments
from ner_documents.redaction.segments import Segment, SegmentBuilder, verbatim
from ner_documents.redaction.tables import Cell, Table

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PAGES", "TEXT_FORMATS", "FormatError"]

#: Markup of subtitles: tags of both formats, tags of a third that .srt adopted, and times with what is before
#: them: the end of a cue, and the number of the next.
_TAG = re.compile(
    r"<v(?:\.[\w.-]{1,80})?[ \t]+(?P<speaker>[^<>\n]{0,200})>"
    r"|</?(?:[biuscv]|font|ruby|rt|lang)\b(?P<inside>[^<>\n]{0,200})>|<\d[\d:.]{3,14}>|\{\\[^{}\n]{0,80}\}"
    r"|\A\ufeff?WEBVTT\b"
    r"|(?:\A\ufeff?|\s{0,9}\n)(?:\d{1,9}[ \t]*\r?\n)?[\d:,.]{5,15}(?:[ \t]+-->[ \t]+|(?<=\.\d{3}),(?=\d+:))"
    r"[\d:,.]{5,15}(?P<settings>[^\r\n]{0,200})(?:\r?\n)?",
    re.IGNORECASE,
)
_GOES_ON = re.compile(rf"(?<![{re.escape(SENTENCE_END)}\s])\s*\n\s*(?![\s{re.escape(OTHER_SPEAKER)}])")
_DOUBLED = re.compile('""')


#: A file cannot be redacted; the message says why and what to do.
FormatError = UnreadableError


def _plain(raw: str) -> list[Segment]:
    return [verbatim(raw, 0, len(raw))] if raw.strip() else []


def _subtitles(raw: str) -> list[Segment]:
    """Extract the text without tags and times; speakers and contents of tags are separate texts.

    Sentences go on over lines and cues, as in the reader. The first word of a .vtt file, its signature, is
    kept.
    """
    words = SegmentBuilder()
    apart: list[Segment] = []
    position = 0
    for tag in _TAG.finditer(raw):
        words.add_written(raw, position, tag.start())
        position = tag.end()
        if tag.lastgroup and tag[tag.lastgroup]:
            apart.append(verbatim(raw, *tag.span(tag.lastgroup), searched=tag.lastgroup == "speaker"))
        if tag.lastgroup == "settings":
            words.add("\n", position, position)
    words.add_written(raw, position, len(raw))
    spoken = [
        replace(one, text=_GOES_ON.sub(lambda found: " " * len(found[0]), one.text)) for one in words.finish()
    ]
    return [*spoken, *apart]


def _html(raw: str) -> list[Segment]:
    return markup_segments(raw, HTML)[0]


def _csv(raw: str, delimiter: str = "") -> list[Segment]:
    """Split a table into cells (RFC 4180); a quote that is never closed extends to the end of the file."""
    delimiter = delimiter or delimiter_of(raw.splitlines()[:SAMPLE_LINES], ReadOptions())
    cells: list[Segment] = []
    table = Table()
    border = re.compile(f"[{re.escape(delimiter)}\r\n]")
    position = row = column = 0
    while position < len(raw):
        cell = Cell(table, row, column)
        if raw[position] == '"':
            end = quoted(raw, position + 1)[1]
            written = _quoted_cell(raw, position + 1, len(raw) if end is None else end - 1)
            cells.append(replace(written, cell=cell))
            position = len(raw) if end is None else end
        found = border.search(raw, position)
        end = found.start() if found else len(raw)
        if end > position:
            cells.append(replace(verbatim(raw, position, end), cell=cell))
        row, column = (row, column + 1) if found and found[0] == delimiter else (row + 1, 0)
        position = end + 1
    return [cell for cell in cells if cell.text.strip()]


def _quoted_cell(raw: str, start: int, end: int) -> Segment:
    if '""' not in raw[start:end]:
        return verbatim(raw, start, end)
    builder = SegmentBuilder()
    builder.add_written(raw, start, end, _DOUBLED, lambda _: '"')
    return next(builder.finish())


_EXTRACTED: dict[str, Callable[[str], list[Segment]]] = {
    "text": _plain,
    "srt": _subtitles,
    "html": _html,
    "csv": _csv,
    "tsv": partial(_csv, delimiter="\t"),
    "json": json_segments,
    "jsonl": json_segments,
}
#: Text-based formats by suffix, with the function that extracts their texts.
TEXT_FORMATS = {
    suffix: _EXTRACTED[kind] for suffix in SUFFIXES if (kind := format_by_name(suffix)[0]) in _EXTRACTED
}
#: Suffixes of web pages, which may declare their encoding.
PAGES = frozenset(suffix for suffix, extract in TEXT_FORMATS.items() if extract is _html)
