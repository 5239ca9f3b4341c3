"""Cut the vocabulary of an encoder to the pieces that occur in the training text.

Four fifths of a multilingual encoder are rows of words that a model for some languages never sees.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ner_core.tokenizer import Tokenizer
from ner_core.tokenizer_files import parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.train.data import LabelledCorpus
    from model_zoo.train.rows import SentenceEncoder

log = logging.getLogger(__name__)

_ROUND = 2000  # sentences encoded at a time
_SPACE = "▁"  # sentencepiece's mark of a word's beginning


def cut_vocabulary(
    model: Any, encoder: SentenceEncoder, corpora: dict[str, LabelledCorpus], size: int
) -> SentenceEncoder:
    """Keep the most frequent pieces of the training text, every single character, and special tokens.

    Kept pieces keep their order and their scores, so that a word whose pieces are all kept is divided as
    before; other words fall into smaller pieces.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Its word table is replaced.
    encoder : SentenceEncoder
        With a Unigram tokenizer.
    corpora : dict of str to LabelledCorpus
        Their train sentences are counted.
    size : int
        Pieces to keep.

    Returns
    -------
    SentenceEncoder
        With the smaller tokenizer.

    Raises
    ------
    ValueError
        The tokenizer is not of the Unigram kind.
    """
    state = json.loads(encoder.tokenizer.backend.to_str())
    if state["model"]["type"] != "Unigram":
        msg = f"vocabulary: can cut Unigram tokenizers only, found {state['model']['type']}"
        raise ValueError(msg)
    sentences = [sentence.words for corpus in corpora.values() for sentence in corpus.train]
    kept = _choose(state, _count(encoder, sentences), size)
    log.info("vocabulary: %d of %d pieces kept", len(kept), len(state["model"]["vocab"]))
    _shrink_table(model, kept)
    backend = parse_tokenizer(json.dumps(_shrunk(state, kept), ensure_ascii=False))
    return replace(encoder, tokenizer=Tokenizer(backend))


def _count(encoder: SentenceEncoder, sentences: Sequence[Sequence[str]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for start in range(0, len(sentences), _ROUND):
        for encoding in encoder.encode(sentences[start : start + _ROUND]):
            counts.update(encoding.ids.tolist())
    return counts


def _choose(state: dict[str, Any], counts: Counter[int], size: int) -> list[int]:
    """Return the ids of the pieces to keep, in their order."""
    vocabulary = state["model"]["vocab"]
    kept = {token["id"] for token in state["added_tokens"]} | {state["model"]["unk_id"]}
    kept |= {number for number, (piece, _) in enumerate(vocabulary) if len(piece.lstrip(_SPACE)) <= 1}
    frequent = sorted(counts, key=lambda number: (-counts[number], number))
    for number in frequent:
        if len(kept) >= size:
            break
        kept.add(number)
    return sorted(kept)


def _shrunk(state: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """Return the tokenizer with the kept pieces, ids counted anew."""
    new = {old: number for number, old in enumerate(kept)}
    vocabulary = state["model"]["vocab"]
    model = {
        **state["model"],
        "vocab": [vocabulary[old] for old in new],
        "unk_id": new[state["model"]["unk_id"]],
    }
    added = [{**token, "id": new[token["id"]]} for token in state["added_tokens"]]
    processor = state["post_processor"]
    if processor and processor["type"] == "TemplateProcessing":
        for token in processor["special_tokens"].values():
            token["ids"] = [new[old] for old in token["ids"]]
    return {**state, "model": model, "added_tokens": added, "post_processor": processor}


def _shrink_table(model: Any, kept: Sequence[int]) -> None:
    old = model.get_input_embeddings()
    pad = model.config.pad_token_id
    new = torch.nn.Embedding(len(kept), old.weight.shape[1])
    new.weight = torch.nn.Parameter(
        old.weight.detach()[torch.from_numpy(np.array(kept))].clone(), requires_grad=old.weight.requires_grad
    )
    model.set_input_embeddings(new)
    model.config.vocab_size = len(kept)
    model.config.pad_token_id = kept.index(pad) if pad in kept else None
