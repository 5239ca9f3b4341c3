"""The texts of HTML and of the XML parts of office files, with their positions in the file."""

from __future__ import annotations

import base64
import codecs
import re
from typing import TYPE_CHECKING

from ner_documents.redaction import dialects
from ner_documents.redaction.segments import Segment, SegmentBuilder
from ner_documents.redaction.tables import cells_of_markup, in_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.redaction.dialects import Dialect

__all__ = ["markup_segments"]

_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*))""")
#: Encoded characters and separators within addresses, bookmarks, ranges and styles.
_CODED = re.compile(r"((?:%[0-9A-Fa-f]{2})+)|_([0-9a-f]{2,4})_|(?<=[^\W\d_])[_+.-](?=[^\W\d_])")
#: Names that programs give, such as Sheet1 and _Toc123.
_NUMBERED = re.compile(r"_.*|[^\W\d_]+[ _]?\d+")
#: Text in an address, apart from pictures and fonts, which hold none.
_DATA = re.compile(
    r"data:(?:text/|image/svg\+xml|application/(?:xhtml\+xml|xml|json))[^\s,\"']{0,80};base64,([\w+/]+)",
    re.ASCII,
)
_TAG_NAME = re.compile(r"/?([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_WORDS = re.compile(r"""\st\s*=\s*["'](?:str|inlineStr)["']""")
_SPACE = str.maketrans("\t\n\r\f", "    ")


def markup_segments(raw: str, dialect: Dialect) -> tuple[list[Segment], list[tuple[int, int]]]:
    r"""Extract the texts of markup.

    Returns
    -------
    list of Segment, list of (int, int)
        The texts in order, then attributes and comments, the last of which are only searched for known names
        and patterns; and the spans that must be emptied because they name authors.

    Examples
    --------
    >>> from ner_documents.redaction.dialects import HTML
    >>> segments, _ = markup_segments("<p title='x'><b>Mary</b> Jo&#110;es<p>Ann<!-- Bob -->", HTML)
    >>> [segment.text for segment in segments]
    ['Mary Jones', 'Ann', 'x', ' Bob ']
    """
    reader = _Reader(raw, dialect)
    return in_cells(list(reader.segments()), *cells_of_markup(raw, dialect)), reader.emptied


class _Reader:
    def __init__(self, raw: str, dialect: Dialect) -> None:
        self.emptied: list[tuple[int, int]] = []
        self._raw = raw.translate(_SPACE) if dialect.lower else raw
        self._dialect = dialect
        self._current = SegmentBuilder()
        self._apart = SegmentBuilder()
        self._rest = SegmentBuilder()
        self._coded = SegmentBuilder()
        self._read: list[Segment] = []
        self._open: list[str] = []
        self._interrupted: list[SegmentBuilder] = []
        self._joined = ""
        self._cell = False  # inside a cell whose value is text, not a number or an index

    def segments(self) -> Iterator[Segment]:
        """Yield all segments, those of attributes last."""
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
            if name in self._dialect.raw and not (closing or self._is_empty(end)):
                position = self._raw_text(name, end)
        for current in (self._current, *self._interrupted):
            yield from current.finish()
        yield from self._end_apart()
        yield from self._read
        identifier = self._dialect.identifiers
        yield from self._rest.finish(searched=False, identifier=identifier)
        yield from self._coded.finish(searched=False, identifier=identifier)

    def _end_apart(self) -> Iterator[Segment]:
        named = self._joined == "instrText" or not dialects.FORMULAS.isdisjoint(self._open)
        yield from self._apart.finish(identifier=named)

    def _tag(self, start: int) -> tuple[int, str, bool]:
        """Return the end of a tag, its name (empty for comments and the like), and whether it closes."""
        raw = self._raw
        for opening, ending in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", ">"), ("<!", ">")):
            if raw.startswith(opening, start):
                end = raw.find(ending, start + len(opening))
                inner_end = len(raw) if end < 0 else end
                if opening == "<![CDATA[":
                    self._text(start + len(opening), inner_end, references=False)
                elif opening == "<!--":
                    self._aside(start + len(opening), inner_end, read=True)
                elif opening == "<?" and self._dialect.lower and not raw.startswith("<?xml", start):
                    self._aside(start + len(opening), inner_end)
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
        if end >= len(raw) and self._dialect.lower:  # a truncated tag may hold anything
            self._aside(start, len(raw), read=True)
            return len(raw), "", False
        local = name[2].lower() if self._dialect.lower else name[2]
        return min(end + 1, len(raw)), local, raw[start + 1] == "/"

    def _element(self, name: str, start: int, end: int, closing: bool) -> Iterator[Segment]:
        dialect = self._dialect
        if not dialect.blocks or name in dialect.blocks:
            yield from self._current.finish()
        if name in dialect.joined:
            if name != self._joined:
                yield from self._end_apart()
                self._joined = name
        elif name in dialect.apart or (name in dialect.blocks and dialect.joined):
            yield from self._end_apart()
            self._joined = ""
        empty = self._is_empty(end)
        if name in dialect.asides and not empty:
            yield from self._aside_text(closing=closing)
        if not closing or dialect.lower:
            self._attributes(name, start, end)
        if not closing and name in dialect.breaks:
            self._current.add(dialect.breaks[name], start, start)
        if dialect.lower:
            # End tags within ruby annotations may be missing.
            if name in dialect.apart or name == "ruby":
                self._open = [name] if name != "ruby" and not closing else []
            return
        if closing:
            while self._open and self._open.pop() != name:
                pass
        elif not empty:
            self._open.append(name)

    def _is_empty(self, end: int) -> bool:
        """Return whether a tag is one of an element without content, as XML and XHTML write it."""
        return self._raw[end - 2] == "/"

    def _aside_text(self, *, closing: bool) -> Iterator[Segment]:
        """Suspend the text of a block while another one interrupts it, or resume it."""
        if not closing:
            self._interrupted.append(self._current)
            self._current = SegmentBuilder()
        elif self._interrupted:
            yield from self._current.finish()
            self._current = self._interrupted.pop()

    def _attributes(self, element: str, start: int, end: int) -> None:
        external = 'TargetMode="External"' in self._raw[start:end]
        authors = self._dialect.hidden_authors
        if element in ("c", "cell"):
            self._cell = _WORDS.search(self._raw, start, end) is not None
        position = start + 1
        for found in _ATTRIBUTE.finditer(self._raw, start, end):
            name = found[1].rpartition(":")[2]
            group = next(number for number in (2, 3, 4) if found[number] is not None)
            first, last = found.span(group)
            if self._dialect.lower:
                self._beside(position, found.start())
                position = found.end()
            outside = element == "Relationship" and external and name == "Target"
            outside = outside or bool(authors and name == "href" and dialects.OUTSIDE.match(found[group]))
            who = name in authors or (bool(authors) and (element, name) in dialects.WHO)
            standard = found[1].startswith("xmlns") or found[group].startswith(dialects.STANDARDS)
            if outside or who:
                self.emptied.append((first, last))
            elif not standard and any(character.isalnum() for character in found[group]):
                named = name == "name" and element in dialects.NAMED and authors
                if named and not _NUMBERED.fullmatch(found[group]):
                    self._decode(builder := SegmentBuilder(), first, last)
                    self._read += builder.finish(identifier=True)
                else:
                    read = name.lower() in dialects.READ or (element, name) in dialects.READ_IN
                    shape = name == "name" and element in dialects.SHAPES
                    read = read or (shape and not found[group][-1].isdigit())
                    self._aside(first, last, read=read)
                    for text in (
                        dialects.CONSTANT.finditer(self._raw, first, last) if name in dialects.FORMULA else ()
                    ):
                        self._aside(*text.span(1), read=True)
        if self._dialect.lower:
            self._beside(position, end - 1)

    def _beside(self, start: int, end: int) -> None:
        """Extract text in an HTML tag that is not an attribute, as in ``<Mary Jones>``."""
        words = self._raw[start:end].strip(" /")
        if words and (" " in words or not (words.islower() or words.isupper())):
            self._aside(start, end)

    def _text(self, start: int, end: int, *, references: bool = True) -> None:
        if start == end:
            return
        element = self._open[-1] if self._open else ""
        if element in self._dialect.hidden_authors:
            self.emptied.append((start, end))
        elif element == "v" and self._is_number():
            return
        elif element in dialects.PAGE_EDGES:
            self._page_edge(start, end)
        elif not self._dialect.apart.isdisjoint(self._open):
            self._add(self._apart, start, end, references=references)
        elif not self._dialect.texts or element in self._dialect.texts:
            self._add(self._current, start, end, references=references)
        elif not self._raw[start:end].isspace():
            self._aside(start, end)

    def _is_number(self) -> bool:
        """Return whether a value is a number or an index, and not words."""
        if "c" in self._open or "cell" in self._open:
            return not self._cell
        return "numCache" in self._open or "numLit" in self._open

    def _page_edge(self, start: int, end: int) -> None:
        """Extract the header or footer of a sheet without codes; left, middle and right are separate."""
        position = start
        for code in dialects.PAGE_CODE.finditer(self._raw, start, end):
            self._add(self._current, position, code.start())
            position = code.end()
            if code[0] == "&amp;&amp;":
                self._current.add("&", code.start(), position)
            elif code[0][5:].upper() in ("L", "C", "R"):
                self._current.add("\n", position, position)
        self._add(self._current, position, end)

    def _aside(self, start: int, end: int, *, read: bool = False) -> None:
        """Extract attributes and comments; the model reads them if they are written for people."""
        builder = SegmentBuilder() if read else self._rest
        self._add(builder, start, end)
        if read:
            self._read += builder.finish()
            return
        self._rest.add("\n", end, end)
        self._embedded(start, end)
        if _CODED.search(self._raw, start, end):
            self._decode(self._coded, start, end)
            self._coded.add("\n", end, end)

    def _embedded(self, start: int, end: int) -> None:
        """Extract texts in Base64; one that holds a name is replaced as a whole."""
        for found in _DATA.finditer(self._raw, start, end):
            text = base64.b64decode(found[1] + "==").decode("utf-8", "replace")
            self._coded.add(f"{text}\n", *found.span(1))

    def _decode(self, builder: SegmentBuilder, start: int, end: int) -> None:
        """Extract an address or an identifier again, split into words."""
        position = start
        for found in _CODED.finditer(self._raw, start, end):
            builder.add_written(self._raw, position, found.start())
            position = found.end()
            if found[1]:
                self._unescape(builder, found.start(), found.end())
            else:
                builder.add(chr(int(found[2], 16)) if found[2] else " ", found.start(), position)
        builder.add_written(self._raw, position, end)

    def _unescape(self, builder: SegmentBuilder, start: int, end: int) -> None:
        """Decode percent-encoded UTF-8 (RFC 3986)."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        first = start
        for place in range(start, end, 3):
            text = decoder.decode(bytes.fromhex(self._raw[place + 1 : place + 3]), final=place + 3 == end)
            if text:
                builder.add(text, first, place + 3)
                first = place + 3

    def _add(self, builder: SegmentBuilder, start: int, end: int, *, references: bool = True) -> None:
        if references:
            builder.add_written(self._raw, start, end)
        else:
            builder.add(self._raw[start:end], start)

    def _raw_text(self, name: str, start: int) -> int:
        """Extract a whole script; return its end."""
        ending = re.compile(f"</{name}", re.IGNORECASE).search(self._raw, start)
        end = ending.start() if ending else len(self._raw)
        self._rest.add(self._raw[start:end], start)
        self._rest.add("\n", end, end)
        self._embedded(start, end)
        return end
