"""The ways to call a recognizer, all based on its `stream`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Recognition

__all__ = ["RecognizerCalls"]


class RecognizerCalls(ABC):
    """Calls with one text, a list, a document or words to tag, for a class that implements `stream`."""

    @abstractmethod
    def stream(self, *texts: Any, **options: Any) -> Iterator[Recognition]:
        """Recognize the entities of many texts, in order; see `EntityRecognizer.stream`."""

    @abstractmethod
    def tag_pieces(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[list[str]]]:
        """Tag every piece of every word; see `EntityRecognizer.tag_pieces`."""

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
        progress: Callable[[int, int], None] | None = None,
        segments: Sequence[tuple[int, int]] | None = None,
        raw_scores: bool | None = None,
    ) -> Recognition:
        """Recognize the entities of one text.

        Parameters
        ----------
        text : str or sequence of str
            A text of any length, or its words; for several texts see `batch`.
        aggregation, threshold : optional
            Instead of the defaults given to `from_ir`; a threshold of 0 gives all that the model finds.
        labels : collection of str, optional
            Entity types to report; all when not given.
        progress : callable, optional
            Called with the number of finished batches and of all batches, first with 0 and 1 while the text
            is prepared; an exception in it ends the work.
        segments : sequence of (int, int), optional
            Parts of the text that are separate contexts (paragraphs, cells), in characters and in order;
            found in the text when not given.
        raw_scores : bool, optional
            Whether scores are means of the words' probabilities, as in transformers, instead of the
            probability that the span is right.

        Returns
        -------
        Recognition

        Raises
        ------
        TypeError
            If the text is neither a string nor words.
        ValueError
            If an option is wrong, see `stream`.
        """
        return next(
            self.stream(
                [text],
                aggregation=aggregation,
                threshold=threshold,
                labels=labels,
                segments=None if segments is None else [segments],
                raw_scores=raw_scores,
                progress=progress,
            )
        )

    def batch(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
        segments: Iterable[Sequence[tuple[int, int]] | None] | None = None,
        raw_scores: bool | None = None,
    ) -> list[Recognition]:
        """Recognize the entities of many texts; options as for one, segments for each text."""
        return list(
            self.stream(
                texts,
                aggregation=aggregation,
                threshold=threshold,
                labels=labels,
                segments=segments,
                raw_scores=raw_scores,
            )
        )

    def document(self, texts: Iterable[str], **options: Any) -> Iterator[Recognition]:
        """Recognize the paragraphs and cells of one document, in order; options as for `stream`.

        Each is a separate text. Where models are chosen by language, a text that shows none goes with its
        neighbours.
        """
        return self.stream(texts, **options)

    def tag(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """Tag every word with the most likely tag of its first piece, for evaluation.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Sentences as words.

        Yields
        ------
        list of str
            One raw tag a word; ``O`` for a word without pieces.
        """
        for pieces in self.tag_pieces(sentences):
            yield [tags[0] if tags else "O" for tags in pieces]
