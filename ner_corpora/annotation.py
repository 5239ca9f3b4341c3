"""Annotate one chunk: recognize its documents and write what the engines store."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from ner_documents.writing.formats import encode_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Entity, Recognition
    from ner_corpora.chunks import Chunk
    from ner_documents.document import Document

__all__ = ["SEGMENT_CHARACTERS", "Recognizer", "Settings", "annotate_chunk", "cut_text"]

#: Texts longer than this are recognized in segments, so that memory does not grow with the longest document.
SEGMENT_CHARACTERS = 200_000

_SEGMENT_WORDS = 40_000
#: Scores are written with this many decimals: more would be noise of the batch that a text happened to be in.
_SCORE_DECIMALS = 4


class Recognizer(Protocol):
    """What annotation needs of :class:`ner_core.EntityRecognizer`."""

    @property
    def labels(self) -> Sequence[str]:
        """Entity types."""

    def stream(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
    ) -> Iterator[Recognition]:
        """Recognize texts in order, in bounded memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is written for each document; equal settings give equal output.

    Attributes
    ----------
    format : str
        Output format: ``jsonl``, ``csv``, ``tsv``, ``conll``, ``html`` or ``parquet``.
    into : str
        Name of the field with the entities.
    aggregation : str or None
        As :class:`ner_core.EntityRecognizer`; None for its default.
    threshold : float or None
        Lowest score that is kept.
    labels : tuple of str or None
        Entity types that are kept; None for all.
    """

    format: str
    into: str = "entities"
    aggregation: str | None = None
    threshold: float | None = None
    labels: tuple[str, ...] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for the recognizer."""
        given = {"aggregation": self.aggregation, "threshold": self.threshold, "labels": self.labels}
        return {name: value for name, value in given.items() if value is not None}


def annotate_chunk(chunk: Chunk, recognizer: Recognizer, settings: Settings) -> bytes:
    """Recognize the documents of a chunk and encode them.

    Returns
    -------
    bytes
        One line of JSON (counts, errors, and how many bytes follow), then the encoded documents.
    """
    checksum = chunk.checksum
    count = _Count()
    documents = chunk.documents
    found = zip(documents, _recognize(documents, recognizer, settings, count), strict=True)
    payload = encode_documents(found, settings.format, settings.into, chunk.schema)
    header = {
        "last": chunk.last,
        "checksum": checksum,
        "stored_bytes": chunk.stored_bytes,
        "documents": len(documents),
        "pieces": count.pieces,
        "labels": count.labels,
        "errors": [problem.to_dict() for problem in chunk.problems],
        "bytes": len(payload),
    }
    return json.dumps(header).encode() + b"\n" + payload


@dataclass(slots=True)
class _Count:
    """What the entities of a chunk add up to, as they are drawn."""

    pieces: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def _recognize(
    documents: Sequence[Document], recognizer: Recognizer, settings: Settings, count: _Count
) -> Iterator[Iterator[Entity]]:
    """Yield the entities of each document; they are recognized as they are drawn, and have to be drawn all.

    A document of 50 MB may hold millions of names, half a gigabyte as objects: they are never all there.
    """
    cuts = [_cuts(document.input) for document in documents]
    segments = (
        document.input[start:end]
        for document, bounds in zip(documents, cuts, strict=True)
        for start, end in bounds
    )
    found = recognizer.stream(segments, **settings.options)
    for document, bounds in zip(documents, cuts, strict=True):
        yield _moved(document.input, bounds, found, count)


def _moved(
    text: str | tuple[str, ...], bounds: list[tuple[int, int]], found: Iterator[Recognition], count: _Count
) -> Iterator[Entity]:
    """Give entities of segments their place in the whole document."""
    characters = 0
    for start, end in bounds:
        recognition = next(found)
        count.pieces += recognition.pieces
        for entity in recognition.entities:
            count.labels[entity.label] += 1
            yield replace(
                entity,
                start=entity.start + characters,
                end=entity.end + characters,
                score=round(entity.score, _SCORE_DECIMALS),
                word_start=None if entity.word_start is None else entity.word_start + start,
                word_end=None if entity.word_end is None else entity.word_end + start,
            )
        characters += end - start if isinstance(text, str) else len(recognition.text) + 1


def _cuts(text: str | tuple[str, ...]) -> list[tuple[int, int]]:
    if isinstance(text, str):
        return cut_text(text)
    return [(start, min(start + _SEGMENT_WORDS, len(text))) for start in range(0, len(text), _SEGMENT_WORDS)]


def cut_text(text: str, size: int = SEGMENT_CHARACTERS) -> list[tuple[int, int]]:
    r"""Cut a long text into segments, where possible behind a line end, else behind white space.

    Parameters
    ----------
    text : str
        Any text; an empty one has no segments.
    size : int
        Longest segment, in characters.

    Returns
    -------
    list of (int, int)
        Begin and end of each segment; each begins where the one before it ends.

    Examples
    --------
    >>> cut_text("Mary sings.\nJohn dances and sings.", 16)
    [(0, 12), (12, 28), (28, 34)]
    """
    segments = []
    start = 0
    while len(text) - start > size:
        end = start + size
        line = text.rfind("\n", start + size // 2, end) + 1
        cut = line or next((i for i in range(end, start + size // 2, -1) if text[i - 1].isspace()), end)
        segments.append((start, cut))
        start = cut
    if start < len(text):
        segments.append((start, len(text)))
    return segments
