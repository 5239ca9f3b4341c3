"""The texts of HTML and of the XML parts of office files, with the way back into the file."""

from __future__ import annotations

import codecs
import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ner_documents.reading.html import BLOCKS
from ner_documents.redaction.segments import Segment, SegmentBuilder, verbatim

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HTML", "ODF", "OOXML", "OTHER_XML", "SVG", "Dialect", "markup_segments"]

_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});?")
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))""")
#: Names within addresses, bookmarks, ranges and styles: how other characters than letters are written there.
_CODED = re.compile(r"((?:%[0-9A-Fa-f]{2})+)|_([0-9a-f]{2,4})_|(?<=[^\W\d_])[_+.-](?=[^\W\d_])")
_TAG_NAME = re.compile(r"/?([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_SPACE = str.maketrans("\t\n\r\f", "    ")
#: Attributes that are written for people.
_READ = {
    "alt",
    "title",
    "content",
    "placeholder",
    "aria-label",
    "label",
    "value",
    "summary",
    "descr",
    "caption",
}
#: Addresses that name standards, not people.
_STANDARDS = ("http://schemas.", "http://purl.org", "http://www.w3.org", "http://docs.oasis-open.org", "urn:")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which elements mean what, by local name.

    Attributes
    ----------
    blocks : frozenset of str
        A name never goes over their borders; empty when that is true of all elements.
    texts : frozenset of str
        Elements whose text people read; empty when all text is.
    breaks : dict of str to str
        Elements that stand for a character.
    apart : frozenset of str
        Elements whose text is not read with what stands around it: scripts, deleted text, formulas.
    hidden_authors : frozenset of str
        Attributes and elements that name who wrote or changed something; they become empty.
    raw : frozenset of str
        Elements of HTML that hold no tags.
    lower : bool
        Names of elements are the same in any case.
    """

    blocks: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    breaks: dict[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    hidden_authors: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    lower: bool = False

    @property
    def identifiers(self) -> bool:
        """Whether attributes name parts of the file, so that a placeholder has to be such a name."""
        return bool(self.hidden_authors)


HTML = Dialect(
    # What is in the head, and texts of drawings, are not shown in a line with others either.
    blocks=BLOCKS | {"desc", "foreignobject", "head", "text", "title"},
    breaks={"br": "\n"},
    apart=frozenset(("rt", "rp")),
    raw=frozenset(("script", "style", "xmp", "iframe", "noembed", "noframes")),
    lower=True,
)
# ECMA-376: w:t, a:t and t of spreadsheets hold text; paragraphs are w:p, a:p, shared and inline strings.
OOXML = Dialect(
    blocks=frozenset(("p", "si", "is", "text", "c", "oMath")),
    texts=frozenset("t"),
    breaks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
    apart=frozenset(("delText", "instrText", "delInstrText", "f", "rPh", "rt")),
    hidden_authors=frozenset(
        (
            *("author", "initials", "userId", "creator", "lastModifiedBy", "Company", "Manager"),
            *("providerId", "userName", "lastEditedBy"),
        )
    ),
)
# OpenDocument 1.3, part 3: text stands anywhere in text:p and text:h.
ODF = Dialect(
    blocks=frozenset(("p", "h", "title", "desc", "subject", "description", "keyword", "user-defined")),
    breaks={"tab": "\t", "line-break": "\n", "s": " "},
    apart=frozenset(("ruby-text",)),
    hidden_authors=frozenset(
        ("creator", "initial-creator", "printed-by", "creator-initials", "sender-initials")
    ),
)
SVG = Dialect(
    blocks=frozenset(("text", "title", "desc", "foreignObject", "p", "div", "svg")),
    apart=frozenset(("style", "script")),
)
OTHER_XML = Dialect()


def markup_segments(raw: str, dialect: Dialect) -> tuple[list[Segment], list[tuple[int, int]]]:
    r"""Extract the texts of markup.

    Returns
    -------
    list of Segment, list of (int, int)
        The texts in order, then attributes and comments, the last being what is only searched for known names
        and patterns; and the places that have to become empty, because they name authors.

    Examples
    --------
    >>> segments, _ = markup_segments("<p title='x'><b>Mary</b> Jo&#110;es<p>Ann<!-- Bob -->", HTML)
    >>> [segment.text for segment in segments]
    ['Mary Jones', 'Ann', 'x', ' Bob ']
    """
    reader = _Reader(raw, dialect)
    return list(reader.segments()), reader.emptied


class _Reader:
    def __init__(self, raw: str, dialect: Dialect) -> None:
        self.emptied: list[tuple[int, int]] = []
        self._raw = raw
        self._dialect = dialect
        self._current = SegmentBuilder()
        self._apart = SegmentBuilder()
        self._rest = SegmentBuilder()
        self._coded = SegmentBuilder()
        self._read: list[Segment] = []
        self._open: list[str] = []
        self._cell = False  # inside of a cell whose value is text, not a number or an index

    def segments(self) -> Iterator[Segment]:
        """Yield all segments; the last one is that of attributes and the like."""
        position = 0
        while position < len(self._raw):
            start = self._raw.find("<", position)
            start = len(self._raw) if start < 0 else start
            self._text(position, start)
            if start == len(self._raw):
                break
            end, name, closing = self._tag(start)
            position = end
            if not name:
                continue
            yield from self._element(name, start, end, closing)
            if name in self._dialect.raw and not closing:
                position = self._raw_text(name, end)
        yield from self._current.finish()
        yield from self._end_apart()
        yield from self._read
        identifier = self._dialect.identifiers
        yield from self._rest.finish(searched=False, identifier=identifier)
        yield from self._coded.finish(searched=False, identifier=identifier)

    def _end_apart(self) -> Iterator[Segment]:
        yield from self._apart.finish(identifier="f" in self._open)

    def _tag(self, start: int) -> tuple[int, str, bool]:
        """Return where the tag ends, its name (empty for a comment and the like) and whether it closes."""
        raw = self._raw
        for opening, ending in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", ">"), ("<!", ">")):
            if raw.startswith(opening, start):
                end = raw.find(ending, start + len(opening))
                inner_end = len(raw) if end < 0 else end
                if opening == "<![CDATA[":
                    self._text(start + len(opening), inner_end, references=False)
                elif opening == "<!--":
                    self._aside(start + len(opening), inner_end, read=True)
                return (len(raw) if end < 0 else end + len(ending)), "", False
        name = _TAG_NAME.match(raw, start + 1)
        if name is None:
            self._text(start, start + 1)
            return start + 1, "", False
        end = name.end()
        while end < len(raw) and raw[end] != ">":
            quote = raw[end]
            if quote in "\"'":
                closing = raw.find(quote, end + 1)
                end = len(raw) if closing < 0 else closing
            end += 1
        local = name[2].lower() if self._dialect.lower else name[2]
        return min(end + 1, len(raw)), local, raw[start + 1] == "/"

    def _element(self, name: str, start: int, end: int, closing: bool) -> Iterator[Segment]:
        dialect = self._dialect
        if not dialect.blocks or name in dialect.blocks:
            yield from self._current.finish()
        if name in dialect.apart:
            yield from self._end_apart()
        empty = self._raw[end - 2] == "/"
        if not closing:
            self._attributes(name, start, end)
            if name in dialect.breaks:
                self._current.add(dialect.breaks[name], start, start)
        if dialect.lower:
            # End tags of what is spoken above the letters may be missing.
            if name in dialect.apart or name == "ruby":
                self._open = [name] if name != "ruby" and not closing else []
            return
        if closing:
            while self._open and self._open.pop() != name:
                pass
        elif not empty:
            self._open.append(name)

    def _attributes(self, element: str, start: int, end: int) -> None:
        external = 'TargetMode="External"' in self._raw[start:end]
        if element == "c":
            self._cell = 't="str"' in self._raw[start:end]
        for found in _ATTRIBUTE.finditer(self._raw, start, end):
            name = found[1].rpartition(":")[2]
            group = next(number for number in (2, 3, 4) if found[number] is not None)
            first, last = found.span(group)
            outside = element == "Relationship" and external and name == "Target"
            who = name in self._dialect.hidden_authors or (element == "person" and name == "displayName")
            standard = found[1].startswith("xmlns") or found[group].startswith(_STANDARDS)
            if outside or who:
                self.emptied.append((first, last))
            elif not standard and any(character.isalnum() for character in found[group]):
                if (element, name) == ("sheet", "name"):
                    self._aside(first, last, read=True, identifier=True)
                else:
                    self._aside(first, last, read=name.lower() in _READ)

    def _text(self, start: int, end: int, *, references: bool = True) -> None:
        if start == end:
            return
        element = self._open[-1] if self._open else ""
        if element in self._dialect.hidden_authors:
            self.emptied.append((start, end))
        elif not self._dialect.apart.isdisjoint(self._open) or (self._cell and element == "v"):
            self._add(self._apart, start, end, references=references)
        elif not self._dialect.texts or element in self._dialect.texts:
            self._add(self._current, start, end, references=references)
        elif element != "v" and not self._raw[start:end].isspace():
            self._aside(start, end)

    def _aside(self, start: int, end: int, *, read: bool = False, identifier: bool = False) -> None:
        """Extract what is not part of the text; the model reads it where it is written for people."""
        builder = SegmentBuilder() if read else self._rest
        self._add(builder, start, end)
        if read:
            self._read += builder.finish(identifier=identifier)
            return
        self._rest.add("\n", end, end)
        if _CODED.search(self._raw, start, end):
            self._decode(start, end)

    def _decode(self, start: int, end: int) -> None:
        """Extract an address or an identifier once more, as the words that it is made of."""
        position = start
        for found in _CODED.finditer(self._raw, start, end):
            self._verbatim(self._coded, position, found.start())
            position = found.end()
            if found[1]:
                self._unescape(found.start(), found.end())
            else:
                self._coded.add(chr(int(found[2], 16)) if found[2] else " ", found.start(), position)
        self._verbatim(self._coded, position, end)
        self._coded.add("\n", end, end)

    def _unescape(self, start: int, end: int) -> None:
        """Decode bytes that are written with percent signs, of UTF-8 (RFC 3986)."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        first = start
        for place in range(start, end, 3):
            text = decoder.decode(bytes.fromhex(self._raw[place + 1 : place + 3]), final=place + 3 == end)
            if text:
                self._coded.add(text, first, place + 3)
                first = place + 3

    def _add(self, builder: SegmentBuilder, start: int, end: int, *, references: bool = True) -> None:
        position = start
        for found in _REFERENCE.finditer(self._raw, start, end) if references else ():
            self._verbatim(builder, position, found.start())
            builder.add(html.unescape(found[0]), found.start(), found.end())
            position = found.end()
        self._verbatim(builder, position, end)

    def _verbatim(self, builder: SegmentBuilder, start: int, end: int) -> None:
        text = self._raw[start:end]
        builder.add(text.translate(_SPACE) if self._dialect.lower else text, start)

    def _raw_text(self, name: str, start: int) -> int:
        """Extract a script as a whole; return where it ends."""
        ending = re.compile(f"</{name}", re.IGNORECASE).search(self._raw, start)
        end = ending.start() if ending else len(self._raw)
        piece = verbatim(self._raw, start, end)
        self._rest.add(f"{piece.text}", start)
        self._rest.add("\n", end, end)
        return end
