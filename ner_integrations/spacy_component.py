"""A component for spaCy pipelines, registered by an entry point: ``nlp.add_pipe("ner_zoo")``.

https://spacy.io/usage/processing-pipelines#custom-components
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import SpanGroup
from spacy.util import minibatch

import model_zoo
from ner_core.aggregation import checked_aggregation, checked_threshold
from ner_core.labels import checked_labels_wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spacy.tokens import Doc, Span
    from spacy.training import Example

    from ner_core.entity import Recognition
    from ner_core.recognizer import EntityRecognizer

__all__ = ["NamesComponent", "create"]

_BATCH_TEXTS = 256


@Language.factory(
    "ner_zoo",
    assigns=["doc.ents", "doc.spans", "token.ent_type", "token.ent_iob"],
    default_config={
        "model": "auto",
        "device": "AUTO",
        "precision": None,
        "compute": "auto",
        "aggregation": None,
        "threshold": None,
        "labels": None,
        "overwrite": False,
        "spans_key": "ner_zoo",
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def create(
    nlp: Language,  # noqa: ARG001 - spaCy passes it
    name: str,
    model: str,
    device: str,
    precision: str | None,
    compute: str,
    aggregation: str | None,
    threshold: float | None,
    labels: list[str] | None,
    overwrite: bool,
    spans_key: str,
) -> NamesComponent:
    """Create the component, see `NamesComponent`; the model is loaded with the first text."""
    options = {"device": device, "precision": precision, "compute": compute, "aggregation": aggregation}
    return NamesComponent(
        name, model, options, threshold=threshold, labels=labels, overwrite=overwrite, spans_key=spans_key
    )


class NamesComponent:
    """Set ``doc.ents`` and ``doc.spans`` of documents.

    The model reads the original text. An entity that ends inside a token of spaCy is extended to the whole
    token. ``doc.spans[spans_key]`` contains all entities, with their scores in ``attrs["scores"]`` and exact
    character offsets in ``attrs["offsets"]``. ``doc.ents``, where spans may not overlap, contains those that
    fit: existing entities are kept unless `overwrite`, of two entities in one token the one with the higher
    score is kept, and a warning lists those that are in ``doc.spans`` only.

    Parameters
    ----------
    name : str
        Name in the pipeline.
    model : str
        Name or path, as for `model_zoo.load`.
    options : dict
        Passed on to `model_zoo.load`.
    threshold : float, optional
        Minimum score; by default the model's.
    labels : list of str, optional
        Labels to keep, under any of their usual names; by default all.
    overwrite : bool
        Whether entities replace overlapping ones of other components.
    spans_key : str
        Key in ``doc.spans``.
    """

    def __init__(
        self,
        name: str,
        model: str,
        options: dict[str, Any],
        *,
        threshold: float | None = None,
        labels: list[str] | None = None,
        overwrite: bool = False,
        spans_key: str = "ner_zoo",
    ) -> None:
        try:
            threshold = None if threshold is None else checked_threshold(threshold)
            if (aggregation := options.get("aggregation")) is not None:
                checked_aggregation(aggregation)
        except ValueError as error:
            msg = f"{name}: {error}"
            raise ValueError(msg) from None
        self.name = name
        self._model = model
        self._options = options
        self._threshold = threshold
        self._labels = labels
        self._overwrite = overwrite
        self._spans_key = spans_key

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the model, which is loaded again where the component is unpickled."""
        return {name: value for name, value in self.__dict__.items() if name != "recognizer"}

    @functools.cached_property
    def recognizer(self) -> EntityRecognizer:
        """The recognizer, loaded on first use."""
        recognizer = model_zoo.load(self._model, **self._options)
        try:
            checked_labels_wanted(self._labels or (), recognizer.labels)
        except ValueError as error:
            msg = f"{self.name}: labels: {error}"
            raise ValueError(msg) from None
        return recognizer

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that the component may assign, under the model's names."""
        known = self.recognizer.labels
        return tuple(checked_labels_wanted(self._labels or known, known))

    def __call__(self, doc: Doc) -> Doc:
        """Annotate one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = _BATCH_TEXTS) -> Iterator[Doc]:
        """Annotate documents in batches."""
        for docs in minibatch(stream, batch_size):
            found = self.recognizer.batch(
                [doc.text for doc in docs], threshold=self._threshold, labels=self._labels
            )
            for doc, one in zip(docs, found, strict=True):
                self._annotate(doc, one)
                yield doc

    def score(self, examples: Iterable[Example], **_: Any) -> dict[str, Any]:
        """Return precision, recall and F1 of ``doc.ents``, for ``nlp.evaluate``."""
        return get_ner_prf(examples)

    def _annotate(self, doc: Doc, found: Recognition) -> None:
        spans: list[Span] = [  # expanding to whole tokens always gives a span
            doc.char_span(entity.start, entity.end, label=entity.label, alignment_mode="expand")  # type: ignore[misc]
            for entity in found.entities
        ]
        attributes = {
            "scores": [entity.score for entity in found.entities],
            "offsets": [(entity.start, entity.end) for entity in found.entities],
        }
        doc.spans[self._spans_key] = SpanGroup(doc, name=self._spans_key, attrs=attributes, spans=spans)
        others = doc.ents
        by_score = sorted(zip(found.entities, spans, strict=True), key=lambda pair: -pair[0].score)
        ours = [span for _, span in by_score]
        taken: set[int] = set()
        kept, left_out = [], []
        for span in [*ours, *others] if self._overwrite else [*others, *ours]:
            tokens = range(span.start, span.end)
            if taken.isdisjoint(tokens):
                taken.update(tokens)
                kept.append(span)
            elif span not in others:
                left_out.append(span)
        doc.set_ents(kept)
        if left_out:
            words = ", ".join(f"{span.text[:40]!r} ({span.label_})" for span in left_out[:3])
            more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
            warnings.warn(
                f"{self.name}: {words}{more}: not in doc.ents, where another entity has these tokens; all "
                f"entities are in doc.spans[{self._spans_key!r}].",
                stacklevel=2,
            )
