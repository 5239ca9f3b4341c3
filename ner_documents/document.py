"""What readers yield: documents with their blocks, and problems to report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BLOCK_KINDS",
    "MAX_DOCUMENT_BYTES",
    "Block",
    "CorpusError",
    "Document",
    "Hint",
    "Problem",
    "as_text",
]

BLOCK_KINDS = ("heading", "paragraph", "list item", "cell", "caption", "header", "footer")

#: Default limit on the size of a document.
MAX_DOCUMENT_BYTES = 64 << 20

_BREAK = re.compile("[\n\t]")
_EXCERPT_BYTES = 2000
_REASON = 1000


class CorpusError(ValueError):
    """A corpus run cannot start or continue: what failed, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a document with its own context: no sentence and no name crosses its boundaries.

    Attributes
    ----------
    kind : str
        One of `BLOCK_KINDS`.
    start, end : int
        Its span in the document's text, in characters, without surrounding white space.
    row, column : int or None
        Position of a cell in its table, from 1.
    place : str
        Its position in the source, in the format's own terms: ``page 3``, ``word/document.xml p 17``.
    """

    kind: str
    start: int
    end: int
    row: int | None = None
    column: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    r"""One document of a source.

    Attributes
    ----------
    source : str
        Path or URL of the file; a member of an archive is ``archive/member``.
    line : int or None
        Line where the document begins, table row or message number, from 1; None if the document is the
        whole file.
    text : str
        Running text; for a pre-split document, the words joined by spaces.
    fields : dict
        Everything that is kept in the output, including the text, in source order.
    lines : tuple of str
        Lines of a CoNLL source, without line ends, for CoNLL output.
    words : tuple of str or None
        Pre-split words, if the source has them.
    blocks : tuple of Block
        Headings, paragraphs, cells and so on, in reading order; empty for plain text.
    place : str
        A more precise position than `line`, such as the sheet of a workbook.

    Examples
    --------
    >>> text = "Report\nMary sings."
    >>> blocks = (Block("heading", 0, 6), Block("paragraph", 7, 18))
    >>> document = Document("a.html", None, text, {"text": text}, blocks=blocks)
    >>> document.where, document.segments
    ('a.html', ((0, 6), (7, 18)))
    """

    source: str
    line: int | None
    text: str
    fields: dict[str, Any]
    lines: tuple[str, ...] = ()
    words: tuple[str, ...] | None = None
    blocks: tuple[Block, ...] = ()
    place: str = ""

    @property
    def where(self) -> str:
        """``source``, ``source:line`` or ``source:place:line``: unique in a run, so it serves as an ID."""
        return _where(self.source, self.place, self.line)

    @property
    def segments(self) -> tuple[tuple[int, int], ...] | None:
        """Spans of `text` that the core reads as separate contexts; None to let it find them.

        These are the blocks, divided at their line breaks and tabs as the core divides a plain text.
        """
        spans = tuple((block.start, block.end) for block in self.blocks)
        if not any(_BREAK.search(self.text, *span) for span in spans):
            return spans or None
        from ner_core.segments import find_segments

        found = iter(find_segments(self.text))
        start, end = next(found, (0, 0))
        divided = []
        for first, last in spans:
            while start < last:
                if max(start, first) < min(end, last):
                    divided.append((max(start, first), min(end, last)))
                if end > last:
                    break
                start, end = next(found, (last, last))
        return tuple(divided) or None

    @property
    def input(self) -> str | tuple[str, ...]:
        """The input of the recognizer: the words if there are any, else the text."""
        return self.text if self.words is None else self.words

    @property
    def characters(self) -> int:
        """Number of characters of the text."""
        return len(self.text)


class Hint(str, Enum):
    """What to do about a problem, in the words of the command line; the page has its own."""

    COLUMN = "name it with --column"
    OTHER_COLUMN = "name another with --column"
    ENCODING = "convert the file or give its encoding with --encoding"
    OTHER_ENCODING = "name another with --encoding"
    INTO = "give the entities another name with --into"
    LIMIT = "split it, or raise --max-document-bytes"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a reader could not read, or had to guess.

    Attributes
    ----------
    source : str
        Path or URL of the file.
    line : int or None
        Line, row or number, as in `Document`; None for the whole file.
    reason : str
        What was expected and found; cut at 1,000 characters.
    raw : bytes
        The first bytes of the document, if available.
    place : str
        A more precise position, such as ``page 3``.
    lost : bool
        Whether text is missing from the result; False for a note, such as a guessed encoding.
    hint : Hint or None
        What to do about it, if the reason does not say.
    """

    source: str
    line: int | None
    reason: str
    raw: bytes = field(default=b"", repr=False)
    place: str = ""
    lost: bool = True
    hint: Hint | None = None

    def __post_init__(self) -> None:
        # Libraries quote the offending input, kilobytes of it.
        if len(self.reason) > _REASON:
            object.__setattr__(self, "reason", f"{self.reason[:_REASON]} …")

    @property
    def where(self) -> str:
        """``file``, ``file:line`` or ``file:place``.

        Examples
        --------
        >>> Problem("a.jsonl", 3, "broken").where
        'a.jsonl:3'
        """
        return _where(self.source, self.place, self.line)

    def told(self, hints: Mapping[Hint, str] | None = None) -> str:
        """Return reason and hint.

        Parameters
        ----------
        hints : mapping of Hint to str, optional
            An interface's words for each hint; by default those of the command line.

        Examples
        --------
        >>> Problem("a.csv", None, "expected a column 'text'", hint=Hint.COLUMN).told()
        "expected a column 'text'; name it with --column"
        """
        if self.hint is None:
            return self.reason
        return f"{self.reason}; {self.hint.value if hints is None else hints[self.hint]}"

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.where}: {self.told()}"

    def to_dict(self) -> dict[str, Any]:
        r"""Return plain JSON values; bytes that are not UTF-8 become ``\xNN``.

        Examples
        --------
        >>> Problem("a.jsonl", 3, "broken", b"{\xff").to_dict()["raw"]
        '{\\xff'
        """
        raw = self.raw[:_EXCERPT_BYTES].decode("utf-8", "backslashreplace")
        return {
            "source": self.source,
            "line": self.line,
            "place": self.place,
            "problem": self.told(),
            "lost": self.lost,
            "raw": raw,
        }


def as_text(value: object) -> str:
    r"""Return the JSON text of a field value that JSON does not know: a date, a decimal, bytes.

    Examples
    --------
    >>> as_text(b"\xff"), as_text(1.5)
    ('\\xff', '1.5')
    """
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _where(source: str, place: str, line: int | None) -> str:
    return ":".join(part for part in (source, place, "" if line is None else str(line)) if part)
