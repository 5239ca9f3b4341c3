"""Annotate one chunk: recognize its documents and write what the engines store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ner_core.entity import Answered
from ner_documents.parts import parts_of
from ner_documents.writing.formats import encode_documents
from ner_documents.writing.parts import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ner_core import EntityRecognizer
    from ner_core.entity import Entity, Recognition
    from ner_corpora.chunks import Chunk
    from ner_documents.document import Document
    from ner_documents.parts import Part

__all__ = ["PART_CHARACTERS", "Settings", "annotate_chunk"]

#: Longer texts are recognized in parts, to bound memory.
PART_CHARACTERS = 200_000

#: Decimals of written scores; further digits depend on the batch that a text was in.
_SCORE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """What is recognized and written; equal settings give equal output.

    Attributes
    ----------
    format : str
        Output format: ``jsonl``, ``csv``, ``tsv``, ``conll``, ``html`` or ``parquet``.
    into : str
        Name of the field with the entities.
    aggregation : str or None
        As :class:`ner_core.EntityRecognizer`; None for its default.
    threshold : float or None
        Lowest score to keep; None for the model's.
    labels : tuple of str or None
        Entity types to keep; None for all.
    """

    format: str
    into: str = "entities"
    aggregation: str | None = None
    threshold: float | None = None
    labels: tuple[str, ...] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for the recognizer."""
        return {"aggregation": self.aggregation, "threshold": self.threshold, "labels": self.labels}


def annotate_chunk(
    chunk: Chunk,
    recognizer: EntityRecognizer,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """Recognize the documents of a chunk and encode them.

    Parameters
    ----------
    chunk : Chunk
        What to recognize.
    recognizer : EntityRecognizer
        What recognizes it.
    settings : Settings
        What to write.
    progress : callable, optional
        Called after each batch; an exception that it raises ends the work.

    Returns
    -------
    bytes
        A line of JSON (counts, errors, number of bytes that follow), then the encoded documents.
    """
    checksum = chunk.checksum
    count = _Count()
    documents = chunk.documents
    answers = _recognize(documents, recognizer, settings, count, progress)
    found = ((document, *answer) for document, answer in zip(documents, answers, strict=True))
    payload = encode_documents(found, settings.format, settings.into, chunk.schema)
    header = {
        "chunk": [chunk.group, chunk.index],
        "last": chunk.last,
        "checksum": checksum,
        "stored_bytes": chunk.stored_bytes,
        "documents": len(documents),
        "pieces": count.pieces,
        "labels": count.labels,
        "errors": [problem.to_dict() for problem in chunk.problems],
        "bytes": len(payload),
    }
    return sealed(header, payload)


@dataclass(slots=True)
class _Count:
    """Totals of a chunk, updated as its entities are drawn."""

    pieces: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def _recognize(
    documents: Sequence[Document],
    recognizer: EntityRecognizer,
    settings: Settings,
    count: _Count,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[Iterator[Entity], list[Answered]]]:
    """Yield the entities of each document, and the models that answered its parts.

    Entities are recognized as they are drawn, and all of them must be drawn; the list of models is complete
    afterwards. A document of 50 MB may contain millions of entities (500 MB of objects), which are therefore
    never in memory together.
    """
    parts = [parts_of(document, PART_CHARACTERS) for document in documents]
    flat = [part for some in parts for part in some]
    texts = (part.text for part in flat)
    segments = (part.segments for part in flat)
    found = recognizer.stream(texts, segments=segments, progress=progress, **settings.options)
    for some in parts:
        answered: list[Answered] = []
        yield _moved(some, found, count, answered), answered


def _moved(
    parts: Sequence[Part], found: Iterator[Recognition], count: _Count, answered: list[Answered]
) -> Iterator[Entity]:
    """Yield the entities of parts, with offsets in the whole document."""
    for part in parts:
        recognition = next(found)
        count.pieces += recognition.pieces
        for one in recognition.parts:
            start, end = one.start + part.start, one.end + part.start
            if answered and answered[-1].model == one.model:
                start = answered.pop().start
            answered.append(Answered(start, end, one.model))
        for entity in recognition.entities:
            count.labels[entity.label] += 1
            yield replace(
                entity,
                start=entity.start + part.start,
                end=entity.end + part.start,
                score=round(entity.score, _SCORE_DECIMALS),
            )
