"""A long text, answered part by part: its first names show while the rest is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_core.aggregation import AS_WRITTEN
from ner_documents.document import Document
from ner_documents.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_app.service import Choice, Service
    from ner_core import EntityRecognizer, Recognition

__all__ = ["PART", "answers_by_part", "stream_with_share"]

#: Characters after which the first names are shown. Each part is a separate round: with minilm-ner, a text
#: of 99,250 characters in ten parts takes 4.4 % more processor time than in one.
PART = 10_000


def answers_by_part(
    service: Service,
    text: str,
    choice: Choice,
    aggregation: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, Recognition]]:
    """Recognize one text in parts that end where the model would divide it, so the names are the same.

    Spans below the model's own threshold are included, see `EntityRecognizer.likely`.

    A text without line breaks is one part, and so is every text under an aggregation of transformers, which
    does not divide texts. Where activations are rounded, scores may differ from those of the whole by less
    than 0.01, because batches hold other windows.

    Parameters
    ----------
    service, text, choice, aggregation
        As for `Service.recognize`.
    progress : callable, optional
        Called with the characters done and those in all; an exception it raises ends the work.

    Yields
    ------
    (int, Recognition)
        Where a part begins, and its result; `ner_core.entity.joined` puts them together.

    Raises
    ------
    LimitError, ChoiceError
        As `Service.recognize`.
    """
    service.limits.check_text(text)
    recognizer = service.checked(choice, aggregation)
    divided = (aggregation or recognizer.aggregation) in AS_WRITTEN
    parts = parts_of(Document("", None, text, {}), PART if divided else len(text))
    part = parts[0]

    def watch(share: float) -> None:
        if progress is not None:
            progress(part.start + int(len(part.text) * share), len(text))

    found = stream_with_share(
        recognizer,
        [one.text for one in parts],
        watch,
        aggregation=aggregation or None,
        threshold=0.0,
        segments=[one.segments for one in parts] if len(parts) > 1 else None,
        look_ahead=PART,
    )
    for part in parts:
        yield part.start, next(found)


def stream_with_share(
    recognizer: EntityRecognizer,
    texts: Iterable[str | Sequence[str]],
    progress: Callable[[float], None],
    **options: Any,
) -> Iterator[Recognition]:
    """Recognize texts in order, and report the progress of the current round.

    Parameters
    ----------
    recognizer : EntityRecognizer
        What runs.
    texts : iterable of str or of sequence of str
        Any number of texts.
    progress : callable
        Called with a share that only grows until the next result; the model itself reports 0 of 1 while it
        prepares a round, and ``auto`` runs two models one after the other. An exception it raises ends the
        work.
    **options
        As for `EntityRecognizer.stream`.

    Yields
    ------
    Recognition
    """
    reached = 0.0

    def watch(done: int, total: int) -> None:
        nonlocal reached
        reached = max(reached, done / total)
        progress(reached)

    for found in recognizer.stream(texts, progress=watch, **options):
        yield found
        reached = 0.0
