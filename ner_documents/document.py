"""The values that readers hand on: documents with their blocks, and problems that people must know about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["BLOCK_KINDS", "MAX_DOCUMENT_BYTES", "Block", "CorpusError", "Document", "Problem", "as_text"]

BLOCK_KINDS = ("heading", "paragraph", "list item", "cell", "caption", "header", "footer")

#: Largest document that is read unless told otherwise.
MAX_DOCUMENT_BYTES = 64 << 20

_EXCERPT_BYTES = 2000
_REASON = 1000


class CorpusError(ValueError):
    """A corpus run that cannot start or go on: what failed, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a document that stands for itself: no sentence and no name goes over its borders.

    Attributes
    ----------
    kind : str
        One of `BLOCK_KINDS`.
    start, end : int
        Its place in the document's text, in characters, white space around it left out.
    row, column : int or None
        Place of a cell in its table, from 1.
    place : str
        The way back to the source, in the format's own terms: ``page 3``, ``word/document.xml p 17``.
    """

    kind: str
    start: int
    end: int
    row: int | None = None
    column: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    r"""One document as it stands in its source.

    Attributes
    ----------
    source : str
        Path or URL of the file; a member of an archive is ``archive/member``.
    line : int or None
        Line where the document begins, row of a table or number of a message, from 1; None when the file is
        the document.
    text : str
        Running text; of a document in words, the words joined by spaces.
    fields : dict
        Everything that is kept in the output, the text included, in the order of the source.
    lines : tuple of str
        Lines of a CoNLL source, without line ends, as they are kept in CoNLL output.
    words : tuple of str or None
        Words that are already split, where the source has them.
    blocks : tuple of Block
        Headings, paragraphs, cells and so on, in reading order, apart from each other; empty where the source
        is plain text.
    place : str
        More of where it stands than `line` says, such as the sheet of a workbook.

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
        """``source``, ``source:line`` or ``source:place:line``: unique in a run, so it serves as an id."""
        return _where(self.source, self.place, self.line)

    @property
    def segments(self) -> tuple[tuple[int, int], ...] | None:
        """Spans of `text` that the core has to keep apart; None to let it find them by itself."""
        return tuple((block.start, block.end) for block in self.blocks) or None

    @property
    def input(self) -> str | tuple[str, ...]:
        """What the recognizer is given: the words where there are any, else the text."""
        return self.text if self.words is None else self.words

    @property
    def characters(self) -> int:
        """Number of characters of the text."""
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a reader could not read, or only by a guess: one shape for all formats.

    Attributes
    ----------
    source : str
        Path or URL of the file.
    line : int or None
        Line, row or number, as in `Document`; None when the whole file is meant.
    reason : str
        What was expected and found, and what to do; cut at 1,000 characters.
    raw : bytes
        The first bytes of the document, where there are any.
    place : str
        More of where it is, such as ``page 3``.
    lost : bool
        Something is missing from the result; False for a note, such as an encoding that was guessed.
    """

    source: str
    line: int | None
    reason: str
    raw: bytes = field(default=b"", repr=False)
    place: str = ""
    lost: bool = True

    def __post_init__(self) -> None:
        # Libraries quote what they stumble over, kilobytes of it.
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

    def __str__(self) -> str:
        """Return the line that people read."""
        return f"{self.where}: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        r"""Return plain JSON values; bytes that are not UTF-8 stand as ``\xNN``.

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
            "problem": self.reason,
            "lost": self.lost,
            "raw": raw,
        }


def as_text(value: object) -> str:
    r"""Return the text that stands in JSON for a date, a decimal or bytes of a document's fields.

    Examples
    --------
    >>> as_text(b"\xff"), as_text(1.5)
    ('\\xff', '1.5')
    """
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _where(source: str, place: str, line: int | None) -> str:
    return ":".join(part for part in (source, place, "" if line is None else str(line)) if part)
