"""Builds the text of a document from its blocks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ner_documents.document import Block, Document, Problem
from ner_documents.reading.packages import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item

__all__ = ["BlockText", "add_raised", "count_of", "document_of"]


def count_of(value: str | None, most: int) -> int:
    """Return how many columns a cell spans, or how often something is repeated; 1 unless it is told.

    Examples
    --------
    >>> count_of("3", 1000), count_of("99999", 1000), count_of(None, 1000), count_of("x", 1000)
    (3, 1000, 1, 1)
    """
    known = (value or "").strip()
    return min(max(int(known), 1), most) if known.isascii() and known.isdigit() and len(known) < 10 else 1


def add_raised(pieces: list[str], text: str) -> None:
    """Add a superscript, apart from the word before it unless it belongs to it, as in 5th.

    Examples
    --------
    >>> pieces = ["Smith"]
    >>> add_raised(pieces, "1")
    >>> pieces
    ['Smith', ' ', '1']
    """
    if pieces and pieces[-1][-1:].isalpha() and text[:1].isdigit():
        pieces.append(" ")
    pieces.append(text)


class BlockText:
    r"""Text built from blocks: one line each, the cells of a row separated by tabs.

    Attributes
    ----------
    blocks : list of Block
        The blocks so far.
    comments, hidden : int
        Number of comments and of pieces of hidden text that are left out.
    problems : list of Problem
        What could not be read.

    Examples
    --------
    >>> grown = BlockText()
    >>> grown.add("heading", " Report ")
    >>> grown.add("cell", "Mary", (1, 1))
    >>> grown.add("cell", "Rome", (1, 2))
    >>> grown.text
    'Report\nMary\tRome'
    >>> grown.blocks[2]
    Block(kind='cell', start=12, end=16, row=1, column=2, place='')
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.comments = self.hidden = 0
        self.problems: list[Problem] = []
        self._repeated: set[str] = set()
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    def add(self, kind: str, text: str, cell: tuple[int, int] | None = None, *, place: str = "") -> None:
        """Add a block, unless it is blank; a cell has a row and a column."""
        text = text.strip()
        if not text:
            return
        row, column = cell or (None, None)
        if self.blocks:
            last = self.blocks[-1]
            same_row = row is not None and last.row == row and (last.column or 0) < (column or 0)
            self._append("\t" if same_row else "\n")
        start = self._length
        self._append(text)
        self.blocks.append(Block(kind, start, self._length, row, column, place))

    def extend(self, inner: BlockText, place: str) -> None:
        """Add the blocks of a part at a place."""
        text = inner.text
        self.hidden += inner.hidden
        for one in inner.blocks:
            within = f"{place} {one.place}"
            cell = (one.row, one.column) if one.row and one.column else None
            self.add(one.kind, text[one.start : one.end], cell, place=within)

    def repeats(self, text: str) -> bool:
        """Return whether a header or footer, which each page or section repeats, was there before."""
        before = text in self._repeated
        self._repeated.add(text)
        return before

    @contextmanager
    def reading(self, source: str, place: str) -> Iterator[None]:
        """Read a part; if it cannot be read, this is a problem and the others follow."""
        try:
            yield
        except UnreadableError as error:
            self.problems.append(Problem(source, None, str(error), place=place))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def document(self, source: str, line: int | None = None) -> Document:
        """Return the document made of the blocks."""
        text = self.text
        fields = {"source": source, **({} if line is None else {"line": line}), "text": text}
        return Document(source, line, text, fields, blocks=tuple(self.blocks))


def document_of(source: str, blocks: BlockText, line: int | None = None) -> Iterator[Item]:
    """Yield problems and notes on what was left out, then the document, or a problem if there is no text.

    Parameters
    ----------
    source : str
        For the document and problems.
    blocks : BlockText
        All that was read.
    line : int, optional
        Number of the document in its file.

    Examples
    --------
    >>> blocks = BlockText()
    >>> blocks.comments = 1
    >>> [str(one) for one in document_of("a.odt", blocks)]
    ['a.odt: holds 1 comment, not shown in the text and not read', 'a.odt: holds no text']
    """
    yield from blocks.problems
    for count, one, several in (
        (blocks.comments, "comment", "comments"),
        (blocks.hidden, "piece of hidden text", "pieces of hidden text"),
    ):
        if count:
            reason = f"holds {count:,} {one if count == 1 else several}, not shown in the text and not read"
            yield Problem(source, line, reason, lost=False)
    if blocks.blocks:
        yield blocks.document(source, line)
    elif not any(problem.lost for problem in blocks.problems):
        yield Problem(source, line, "holds no text")
