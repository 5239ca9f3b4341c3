"""Where the pieces of a text stand: in which segment, and in which column of a table, a list or a form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ner_core.cells import LEAST_CELLS, find_cells
from ner_core.segments import Segment, find_segments, segments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_core.cells import Cell
    from ner_core.tokenizer import Encoding

__all__ = ["divide", "segment_numbers"]


def divide(encoding: Encoding, given: Sequence[tuple[int, int]] | None = None) -> Encoding:
    """Assign every piece its segment and column, and drop pieces between segments and the marks of lists.

    Models find more of the names in a list, and more of the right types, without the marks.

    Parameters
    ----------
    encoding : Encoding
        The pieces of a text. Given words are a single segment.
    given : sequence of (int, int), optional
        Segments known to the reader of a document, in order; found in the text when not given. Text between
        them that has a letter or digit is a segment too; tabs and blank lines divide segments further.

    Returns
    -------
    Encoding

    Raises
    ------
    ValueError
        If the segments given overlap, are out of order or leave the text.
    """
    if encoding.words is not None or not len(encoding):
        return encoding
    found = segments_of(encoding.text, given)
    if len(found) < 2:
        return encoding
    cells = find_cells(encoding.text, found)
    found = [
        Segment(cell.start, one.end) if cell.marked else one for one, cell in zip(found, cells, strict=True)
    ]
    segment, inside = _located(encoding, found)
    of_pieces = _cells(encoding, cells, segment)
    return replace(
        encoding,
        ids=encoding.ids[inside],
        offsets=encoding.offsets[inside],
        word=encoding.word[inside],
        type_ids=encoding.type_ids[inside],
        segment=segment[inside],
        cells=None if of_pieces is None else of_pieces[inside],
    )


def segment_numbers(encoding: Encoding) -> np.ndarray | None:
    """Return for every piece the segment that it is in or follows; None if there is only one segment."""
    found = [] if encoding.words is not None else find_segments(encoding.text)
    return None if len(found) < 2 else np.maximum(_located(encoding, found)[0], 0)


def _located(encoding: Encoding, found: Sequence[Segment]) -> tuple[np.ndarray, np.ndarray]:
    """Return the last segment that begins before the end of each piece, and whether the piece is in it."""
    starts, ends = np.array(found, np.int64).T
    # The last character decides, because a piece may begin with the space before the word.
    last = np.maximum(encoding.offsets[:, 1] - 1, encoding.offsets[:, 0])
    segment = np.searchsorted(starts, last, side="right") - 1
    inside = (segment >= 0) & (last < ends[np.maximum(segment, 0)])
    return segment.astype(np.int32), inside


def _cells(encoding: Encoding, cells: Sequence[Cell], segment: np.ndarray) -> np.ndarray | None:
    """Return `Encoding.cells`; None where no column has enough cells."""
    start, column, _, first_row, _ = np.array(cells).T
    many = np.bincount(column + 1)[column + 1] >= LEAST_CELLS
    column[~many] = -1
    if (column < 0).all():
        return None
    # The key of a form is no part of the cell.
    column = np.where(encoding.offsets[:, 1] > start[segment], column[segment], -1)
    return np.stack([column, first_row[segment]], 1).astype(np.int32)
