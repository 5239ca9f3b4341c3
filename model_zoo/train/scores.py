"""Span scores of a torch token classifier on the dev parts of corpora, by the recognizer's own code.

Encoding, windows and decoding are those of `ner_core`; only the model runs in torch. Therefore the F1 on a
model card is that of ``ner evaluate`` with the converted model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from model_zoo.train.rows import CASINGS
from ner_core.labels import named_spans, spans
from ner_core.pipeline import Pipeline
from ner_core.recognizer import EntityRecognizer
from ner_core.scores import Tally
from ner_core.windows import default_overlap
from ner_core.words import run_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from model_zoo.train.data import LabelledCorpus
    from model_zoo.train.rows import SentenceEncoder
    from ner_core.batching import Batch


class TorchEngine:
    """Runs a torch token classifier where the recognizer expects an engine.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers token classifier; in evaluation mode while batches are run.
    encoder : SentenceEncoder
        Says which inputs it takes.
    bf16 : bool
        Compute in bfloat16.
    """

    max_length: int | None = None
    notes: tuple[str, ...] = ()
    device = "torch"
    label_count = 0
    description = "the model in torch"

    def __init__(self, model: torch.nn.Module, encoder: SentenceEncoder, *, bf16: bool = False) -> None:
        self._model, self._encoder, self._bf16 = model, encoder, bf16
        self.compute = "bf16" if bf16 else "f32"

    def shape(self, length: int) -> None:
        """Return the fixed shape of the model: none."""

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """Yield the logits of batches, float32 [rows, length, labels]."""
        device = next(self._model.parameters()).device
        training = self._model.training
        self._model.eval()
        try:
            for batch in batches:
                arrays = self._encoder.inputs(batch)
                inputs = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
                with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._bf16):
                    logits = self._model(**inputs).logits
                yield logits.float().cpu().numpy()
        finally:
            self._model.train(training)


def predict_logits(
    model: torch.nn.Module,
    sentences: Sequence[Sequence[str]],
    encoder: SentenceEncoder,
    label_count: int,
    *,
    bf16: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Compute the logits of each word's first piece, each sentence on its own.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers token classifier.
    sentences : sequence of sequence of str
    encoder : SentenceEncoder
    label_count : int
    bf16 : bool
        Compute in bfloat16.

    Yields
    ------
    (int array [words], float32 array [words, labels])
        Indices of the words that have pieces, and their logits; in the order of the sentences.
    """
    engine = TorchEngine(model, encoder, bf16=bf16)
    pipeline = Pipeline(
        engine,
        encoder.tokenizer,
        label_count=label_count,
        length=encoder.room,
        overlap=default_overlap(encoder.room),
    )
    for run in pipeline.in_order(sentences, as_written=True):
        first = run_starts(run.encoding.word)
        yield run.encoding.word[first], run.logits[first]


def score_corpora(
    model: torch.nn.Module,
    corpora: dict[str, LabelledCorpus],
    encoder: SentenceEncoder,
    labels: Sequence[str],
    *,
    bf16: bool = False,
    casing: str = "",
) -> dict[str, dict[str, float]]:
    """Score the dev part of each corpus that has one.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers token classifier.
    corpora : dict of str to LabelledCorpus
    encoder : SentenceEncoder
    labels : sequence of str
        Names of the logits.
    bf16 : bool
        Compute in bfloat16.
    casing : str
        ``lower``, ``upper`` or ``title``; empty: the text is unchanged.

    Returns
    -------
    dict of str to dict of str to float
        By corpus: ``micro_f1``, ``macro_f1`` (mean over the types that occur) and the F1 of each type.
    """
    engine = TorchEngine(model, encoder, bf16=bf16)
    recognizer = EntityRecognizer(engine, encoder.tokenizer, labels, max_length=encoder.max_length)
    change = CASINGS.get(casing, str)
    scores = {}
    for name, corpus in corpora.items():
        if not corpus.dev:
            continue
        sentences = [[change(word) for word in sentence.words] for sentence in corpus.dev]
        tally = Tally(mistakes=0)
        for words, tags, recognition in zip(
            sentences, corpus.dev_tags, recognizer.stream(sentences), strict=True
        ):
            wanted = named_spans(spans(tags), words)
            found = [
                (one.label, one.word_start, one.word_end)
                for one in recognition.entities
                if one.word_start is not None and one.word_end is not None and one.label in corpus.scored
            ]
            tally.add_spans([span for span in wanted if span[0] in corpus.scored], found)
        result = tally.evaluation(labels)
        by_type = {
            kind: result.per_type[kind].f1 if kind in result.per_type else 0.0 for kind in corpus.scored
        }
        scores[name] = {"micro_f1": result.micro_f1, "macro_f1": result.macro_f1, **by_type}
    return scores
