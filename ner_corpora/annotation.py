"""Annotate one chunk: recognize its documents and write what the engines store."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from ner_core.entity import Recognition
from ner_corpora.formats import encode_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Entity
    from ner_corpora.chunks import Chunk
    from ner_corpora.document import Document

__all__ = ["SEGMENT_CHARACTERS", "Recognizer", "Settings", "annotate_chunk", "split_text"]

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
    documents = chunk.documents
    recognitions = list(_recognize(documents, recognizer, settings))
    payload = encode_documents(documents, recognitions, settings.format, settings.into, chunk.schema)
    header = {
        "last": chunk.last,
        "checksum": chunk.checksum,
        "stored_bytes": chunk.stored_bytes,
        "documents": len(documents),
        "pieces": sum(recognition.pieces for recognition in recognitions),
        "labels": Counter(entity.label for recognition in recognitions for entity in recognition.entities),
        "errors": [problem.to_dict() for problem in chunk.problems],
        "bytes": len(payload),
    }
    return json.dumps(header).encode() + b"\n" + payload


def _recognize(
    documents: Sequence[Document], recognizer: Recognizer, settings: Settings
) -> Iterator[Recognition]:
    cut = [_segments(document.text) for document in documents]
    segments = (segment for parts in cut for _, segment in parts)
    found = recognizer.stream(segments, **settings.options)
    for document, parts in zip(documents, cut, strict=True):
        yield _joined(document, [(offsets, next(found)) for offsets, _ in parts])


def _segments(text: str | tuple[str, ...]) -> list[tuple[tuple[int, int], str | tuple[str, ...]]]:
    """Cut a text; each part with its offset in characters and in words. Nothing to recognize, no parts."""
    if isinstance(text, str):
        return [((start, 0), part) for start, part in split_text(text)]
    parts: list[tuple[tuple[int, int], str | tuple[str, ...]]] = []
    characters = 0
    for first in range(0, len(text), _SEGMENT_WORDS):
        words = text[first : first + _SEGMENT_WORDS]
        parts.append(((characters, first), words))
        characters += sum(map(len, words)) + len(words)
    return parts


def split_text(text: str, size: int = SEGMENT_CHARACTERS) -> list[tuple[int, str]]:
    r"""Cut a long text into segments, where possible behind a line end, else behind white space.

    Parameters
    ----------
    text : str
        Any text; an empty one has no segments.
    size : int
        Longest segment, in characters.

    Returns
    -------
    list of (int, str)
        Offset and segment; joined, the segments are the text.

    Examples
    --------
    >>> split_text("Mary sings.\nJohn dances and sings.", 16)
    [(0, 'Mary sings.\n'), (12, 'John dances and '), (28, 'sings.')]
    """
    segments = []
    start = 0
    while len(text) - start > size:
        end = start + size
        line = text.rfind("\n", start + size // 2, end) + 1
        cut = line or next((i for i in range(end, start + size // 2, -1) if text[i - 1].isspace()), end)
        segments.append((start, text[start:cut]))
        start = cut
    if start < len(text):
        segments.append((start, text[start:]))
    return segments


def _joined(document: Document, parts: list[tuple[tuple[int, int], Recognition]]) -> Recognition:
    words = None if isinstance(document.text, str) else document.text
    text = document.text if isinstance(document.text, str) else " ".join(document.text)
    entities = tuple(
        _moved(entity, characters, words_before)
        for (characters, words_before), part in parts
        for entity in part.entities
    )
    return Recognition(text, entities, words, pieces=sum(part.pieces for _, part in parts))


def _moved(entity: Entity, characters: int, words: int) -> Entity:
    word_start, word_end = entity.word_start, entity.word_end
    return replace(
        entity,
        start=entity.start + characters,
        end=entity.end + characters,
        score=round(entity.score, _SCORE_DECIMALS),
        word_start=None if word_start is None else word_start + words,
        word_end=None if word_end is None else word_end + words,
    )
