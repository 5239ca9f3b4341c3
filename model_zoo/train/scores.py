"""Span scores of a torch token classifier on the dev parts of corpora, while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from model_zoo.train.rows import CASINGS, WordEncoder, encode_row, stack_rows
from ner_core.labels import spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.train.data import LabelledCorpus

#: Pieces in one batch of a forward pass, padding included.
BATCH_PIECES = 2048


def predict_tags(
    model: torch.nn.Module,
    sentences: Sequence[Sequence[str]],
    encoder: WordEncoder,
    labels: Sequence[str],
    max_length: int,
    *,
    bf16: bool = False,
) -> list[list[str]]:
    """Tag sentences, each on its own; the first piece of a word decides.

    Parameters
    ----------
    model, sentences, encoder, max_length, bf16
        See :func:`predict_logits`; words beyond `max_length` are O.
    labels : sequence of str
        Names of the logits.

    Returns
    -------
    list of list of str
        One tag a word, in the order of the sentences.
    """
    tags = []
    for words, logits in zip(
        sentences, predict_logits(model, sentences, encoder, max_length, bf16=bf16), strict=True
    ):
        found = [labels[number] for number in logits.argmax(-1)]
        tags.append(found + ["O"] * (len(words) - len(found)))
    return tags


def predict_logits(
    model: torch.nn.Module,
    sentences: Sequence[Sequence[str]],
    encoder: WordEncoder,
    max_length: int,
    *,
    bf16: bool = False,
) -> list[np.ndarray]:
    """Compute the logits of each word's first piece, each sentence on its own.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers token classifier.
    sentences : sequence of sequence of str
    encoder : WordEncoder
    max_length : int
        Pieces; words beyond have no logits.
    bf16 : bool
        Compute in bfloat16.

    Returns
    -------
    list of float32 array [words, labels]
        In the order of the sentences.
    """
    rows = [encode_row(words, [1] * len(words), encoder, max_length) for words in sentences]
    logits: dict[int, np.ndarray] = {}
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    position = 0
    while position < len(order):
        stop = position + 1
        while stop < len(order) and len(rows[order[stop]][0]) * (stop + 1 - position) <= BATCH_PIECES:
            stop += 1
        chosen = order[position:stop]
        batch = stack_rows([rows[i] for i in chosen])
        sets = batch.pop("label_sets")
        inputs = {name: torch.from_numpy(array).to(device) for name, array in batch.items()}
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            found = model(**inputs).logits.float().cpu().numpy()
        logits |= {i: found[row][sets[row] > 0] for row, i in enumerate(chosen)}
        position = stop
    model.train(training)
    return [logits[i] for i in range(len(rows))]


def score_tags(
    gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]], types: Sequence[str]
) -> dict[str, float]:
    """Compare spans of some types; other predictions are dropped.

    Parameters
    ----------
    gold, found : sequence of sequence of str
        Tags.
    types : sequence of str

    Returns
    -------
    dict of str to float
        ``micro_f1``, ``macro_f1`` (mean over types) and the F1 of each type.

    Examples
    --------
    >>> score_tags([["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]], ["PER", "LOC"])
    {'micro_f1': 0.666..., 'macro_f1': 0.5, 'PER': 1.0, 'LOC': 0.0}
    """
    right, told, there = (dict.fromkeys(types, 0) for _ in range(3))
    for one, other in zip(gold, found, strict=True):
        expected = {span for span in spans(one) if span[0] in there}
        predicted = {span for span in spans(other) if span[0] in there}
        for counts, group in ((there, expected), (told, predicted), (right, expected & predicted)):
            for span in group:
                counts[span[0]] += 1
    by_type = {kind: _f1(right[kind], told[kind], there[kind]) for kind in types}
    micro = _f1(sum(right.values()), sum(told.values()), sum(there.values()))
    present = [by_type[kind] for kind in types if there[kind] or told[kind]]
    return {"micro_f1": micro, "macro_f1": float(np.mean(present)) if present else 0.0, **by_type}


def _f1(right: int, told: int, there: int) -> float:
    return 2 * right / (told + there) if told + there else 0.0


def score_corpora(
    model: torch.nn.Module,
    corpora: dict[str, LabelledCorpus],
    encoder: WordEncoder,
    labels: Sequence[str],
    max_length: int,
    *,
    bf16: bool = False,
    casing: str = "",
) -> dict[str, dict[str, float]]:
    """Score the dev part of each corpus that has one.

    Parameters
    ----------
    model, encoder, labels, max_length, bf16
        See :func:`predict_tags`.
    corpora : dict of str to LabelledCorpus
    casing : str
        ``lower``, ``upper``, ``title``: show the text so; empty: as it is.

    Returns
    -------
    dict of str to dict of str to float
        Scores by corpus.
    """
    scores = {}
    for name, corpus in corpora.items():
        if not corpus.dev:
            continue
        change = CASINGS.get(casing, str)
        sentences = [[change(word) for word in sentence.words] for sentence in corpus.dev]
        found = predict_tags(model, sentences, encoder, labels, max_length, bf16=bf16)
        scores[name] = score_tags(corpus.dev_tags, found, corpus.scored)
    return scores
