"""Long documents in parts, cut where the core would split them, so that the result is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_documents.document import Document

__all__ = ["Part", "parts_of"]


class Part(NamedTuple):
    """A text to recognize.

    Attributes
    ----------
    start : int
        Its offset in the text of the document.
    text : str or tuple of str
        A slice of the text, or the words.
    segments : tuple of (int, int) or None
        Spans of the slice that the core reads as separate contexts; None to let it find them.
    """

    start: int
    text: str | tuple[str, ...]
    segments: tuple[tuple[int, int], ...] | None


def parts_of(document: Document, size: int) -> list[Part]:
    r"""Cut a document between segments, but not within a block of rows, whose cells are decided jointly.

    Parameters
    ----------
    document : Document
        A pre-split document is never cut.
    size : int
        A part ends with the segment, or the block of rows, that exceeds this many characters.

    Returns
    -------
    list of Part
        At least one; joined, they make up the text.

    Examples
    --------
    >>> from ner_documents.document import Document
    >>> text = "Mary sings.\n\nJohn dances.\n\nAmy too."
    >>> [part.text for part in parts_of(Document("a.txt", None, text, {}), 15)]
    ['Mary sings.\n\nJohn dances.\n\n', 'Amy too.']
    """
    from ner_core.cells import find_cells  # imports numpy, which --help must not load
    from ner_core.segments import find_segments

    text = document.text
    if document.words is not None or len(text) <= size:
        return [Part(0, document.input, document.segments)]
    parts: list[Part] = []
    held: list[tuple[int, int]] = []
    begin = 0
    segments = document.segments or find_segments(text)
    before = -1
    for (start, end), cell in zip(segments, find_cells(text, segments), strict=True):
        if held and held[-1][1] - begin > size and not cell.block == before >= 0:
            parts.append(_part(text, begin, start, held))
            begin, held = start, []
        held.append((start, end))
        before = cell.block
    parts.append(_part(text, begin, len(text), held))
    return parts


def _part(text: str, begin: int, end: int, segments: Sequence[tuple[int, int]]) -> Part:
    return Part(begin, text[begin:end], tuple((start - begin, stop - begin) for start, stop in segments))
