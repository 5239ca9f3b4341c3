"""Builds the text of a document from its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_documents.document import Block, Document, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item

__all__ = ["BlockText", "add_raised", "document_of", "left_out"]


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


def left_out(source: str, *, comments: int, hidden: int) -> Iterator[Problem]:
    """Yield notes on comments and hidden text that are not read.

    Examples
    --------
    >>> [str(note) for note in left_out("a.odt", comments=1, hidden=0)]
    ['a.odt: holds 1 comment, not shown in the text and not read']
    """
    for count, what in ((comments, "comment"), (hidden, "piece of hidden text")):
        if count:
            what = what if count == 1 else what.replace(" ", "s ", 1) if " " in what else f"{what}s"
            yield Problem(
                source, None, f"holds {count:,} {what}, not shown in the text and not read", lost=False
            )


class BlockText:
    r"""Text built from blocks: one line each, the cells of a row separated by tabs.

    Examples
    --------
    >>> grown = BlockText()
    >>> grown.add("heading", " Report ")
    >>> grown.add("cell", "Mary", row=1, column=1)
    >>> grown.add("cell", "Rome", row=1, column=2)
    >>> grown.text
    'Report\nMary\tRome'
    >>> grown.blocks[2]
    Block(kind='cell', start=12, end=16, row=1, column=2, place='')
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    def add(
        self, kind: str, text: str, *, row: int | None = None, column: int | None = None, place: str = ""
    ) -> None:
        """Add a block, unless it is blank."""
        text = text.strip()
        if not text:
            return
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
        for one in inner.blocks:
            within = f"{place} {one.place}"
            self.add(one.kind, text[one.start : one.end], row=one.row, column=one.column, place=within)

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def document(self, source: str, line: int | None = None) -> Document:
        """Return the document made of the blocks."""
        text = self.text
        fields = {"source": source, **({} if line is None else {"line": line}), "text": text}
        return Document(source, line, text, fields, blocks=tuple(self.blocks))


def document_of(
    source: str, blocks: BlockText, *, comments: int = 0, hidden: int = 0, whole: bool = True
) -> Iterator[Item]:
    """Yield notes on what was left out, then the document, or a problem if there is no text.

    Parameters
    ----------
    source, comments, hidden
        As for `left_out`.
    blocks : BlockText
        All that was read.
    whole : bool
        False if a part could not be read, which has been reported.
    """
    yield from left_out(source, comments=comments, hidden=hidden)
    if blocks.blocks:
        yield blocks.document(source)
    elif whole:
        yield Problem(source, None, "holds no text")
