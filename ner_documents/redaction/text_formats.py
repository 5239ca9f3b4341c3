"""The texts of plain text, tables and JSON files, with their positions in the file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ner_documents.formats import SUFFIXES, format_by_name
from ner_documents.reading.json_files import values_of
from ner_documents.reading.packages import UnreadableError
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.subtitles import OTHER_SPEAKER, SENTENCE_END
from ner_documents.reading.tables import SAMPLE_LINES, delimiter_of, quoted
from ner_documents.redaction.dialects import HTML
from ner_documents.redaction.markup import markup_segments
from ner_documents.redaction.segments import Segment, SegmentBuilder, verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PAGES", "TEXT_FORMATS", "FormatError"]

_WORD = r'"(?:[^"\\\s]|\\[^nrt])*"'
#: A tokenized text is read as one, but not other lists: ["Mary", "Bob"] are two persons.
_STRING = re.compile(
    rf"""("(?:tokens|words|text)"\s*:\s*(?P<words>\[\s*{_WORD}(?:\s*,\s*{_WORD})*\s*\]))
    |"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*""",
    re.DOTALL | re.VERBOSE,
)
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
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)", re.DOTALL)
_DOUBLED = re.compile('""')
#: Shorter numbers are no account, card or phone number.
_NUMBER_DIGITS = 9


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
    border = re.compile(f"[{re.escape(delimiter)}\r\n]")
    position = 0
    while position < len(raw):
        if raw[position] == '"':
            end = quoted(raw, position + 1)[1]
            cells.append(_quoted_cell(raw, position + 1, len(raw) if end is None else end - 1))
            position = len(raw) if end is None else end
        found = border.search(raw, position)
        end = found.start() if found else len(raw)
        if end > position:
            cells.append(verbatim(raw, position, end))
        position = end + 1
    return [cell for cell in cells if cell.text.strip()]


def _quoted_cell(raw: str, start: int, end: int) -> Segment:
    if '""' not in raw[start:end]:
        return verbatim(raw, start, end)
    builder = SegmentBuilder()
    builder.add_written(raw, start, end, _DOUBLED, lambda _: '"')
    return next(builder.finish())


def _json(raw: str) -> list[Segment]:
    """Extract the strings of a JSON file or of JSON lines, whatever the suffix."""
    try:
        values_of(raw) if raw.strip() else ()
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        line = getattr(error, "lineno", 1)
        msg = f"line {line} is not JSON ({reason}); correct it first: what cannot be read cannot be redacted"
        raise FormatError(msg) from None
    return list(_json_segments(raw))


def _json_segments(raw: str) -> Iterator[Segment]:
    for found in _STRING.finditer(raw):
        first, last = found.span()
        if found["words"]:
            yield from _words(raw, *found.span("words"))
            continue
        if not found[0].startswith('"'):
            if sum(map(str.isdigit, found[0])) >= _NUMBER_DIGITS:
                yield Segment(found[0], range(first, last), range(first + 1, last + 1), False, True)
            continue
        # Most keys are field names; those that look like data are read as text.
        searched = raw[last : last + 20].lstrip()[:1] != ":" or bool(re.search("[A-Z].* ", found[0]))
        builder = SegmentBuilder()
        builder.add_written(raw, first + 1, last - 1, _ESCAPE, _unescaped)
        yield from builder.finish(searched=searched)


def _words(raw: str, start: int, end: int) -> Iterator[Segment]:
    """Join a list of words, as in tokenized texts."""
    builder = SegmentBuilder()
    for word in re.finditer(_WORD, raw[start:end]):
        first, last = start + word.start(), start + word.end()
        if first > start + 1:
            builder.add(" ", first, first)
        builder.add_written(raw, first + 1, last - 1, _ESCAPE, _unescaped)
    yield from builder.finish()


def _unescaped(escape: str) -> str:
    return str(json.loads(f'"{escape}"'))


_EXTRACTED: dict[str, Callable[[str], list[Segment]]] = {
    "text": _plain,
    "srt": _subtitles,
    "html": _html,
    "csv": _csv,
    "tsv": partial(_csv, delimiter="\t"),
    "json": _json,
    "jsonl": _json,
}
#: Text-based formats by suffix, with the function that extracts their texts.
TEXT_FORMATS = {
    suffix: _EXTRACTED[kind] for suffix in SUFFIXES if (kind := format_by_name(suffix)[0]) in _EXTRACTED
}
#: Suffixes of web pages, which may declare their encoding.
PAGES = frozenset(suffix for suffix, extract in TEXT_FORMATS.items() if extract is _html)
