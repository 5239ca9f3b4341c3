"""Where a training run starts: an encoder or token classifier, made to fit the labels of a recipe."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.tokenization import read_tokenizer
from ner_core.casing import CASING_COUNT, WORD_CASING

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from model_zoo.train.recipe import Recipe

log = logging.getLogger(__name__)

#: Casing of the text that an encoder with ordinary segment ids was trained with: its first row.
_PLAIN_ROW = 0


def load_start(recipe: Recipe, path: Path, *, teacher: bool = False) -> tuple[Any, Tokenizer]:
    """Load a Hugging Face folder or a NeMo archive as a token classifier with the labels of a recipe.

    Parameters
    ----------
    recipe : Recipe
    path : Path
        A folder with config.json, weights, and tokenizer.json or vocab.txt; or a ``.nemo`` file.
    teacher : bool
        The model will not be converted: casing may be added to an encoder that has no token types.

    Returns
    -------
    (transformers.PreTrainedModel, tokenizers.Tokenizer)
        The model in training mode. Layers that the start lacks are new, drawn from the recipe's seed; the
        classifier of a folder is kept when it has the same labels in the same order.

    Raises
    ------
    CheckpointError
        The start cannot be read.
    ValueError
        The recipe gives casing as token type ids, and the encoder has none.
    """
    torch.manual_seed(recipe.seed)
    model, tokenizer = _from_nemo(recipe, path) if path.suffix == ".nemo" else _from_folder(recipe, path)
    if recipe.token_type_ids == WORD_CASING:
        if hasattr(model.base_model.embeddings, "token_type_embeddings"):
            _widen_types(model)
        elif teacher:
            _add_types(model)
        else:
            msg = f"{path}: token_type_ids: {WORD_CASING} needs an encoder with token types, this has none"
            raise ValueError(msg)
    return model.float().train(), tokenizer


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(recipe.labels)),
        "label2id": {label: number for number, label in enumerate(recipe.labels)},
        "hidden_dropout_prob": recipe.dropout,
        "attention_probs_dropout_prob": recipe.attention_dropout,
        # In bfloat16 on a CPU, eager attention trains faster than the fused one (measured: 5.6 against
        # 3.6 thousand pieces a second on two cores).
        "attn_implementation": "eager",
    }


def _from_folder(recipe: Recipe, folder: Path) -> tuple[Any, Tokenizer]:
    tokenizer = read_tokenizer(folder)
    before = AutoConfig.from_pretrained(folder)
    config = AutoConfig.from_pretrained(folder, **_settings(recipe))
    model = AutoModelForTokenClassification.from_pretrained(
        folder, config=config, ignore_mismatched_sizes=True
    )
    if before.id2label != config.id2label and hasattr(model, "classifier"):
        # As many labels, but others: these weights mean something else.
        torch.nn.init.normal_(model.classifier.weight, std=getattr(config, "initializer_range", 0.02))
        torch.nn.init.zeros_(model.classifier.bias)
    return model, tokenizer


def _from_nemo(recipe: Recipe, path: Path) -> tuple[Any, Tokenizer]:
    """Take the encoder out of the archive; its head, of any depth, gives way to a new single layer."""
    from tokenizers import Tokenizer
    from transformers import BertModel

    checkpoint = load_checkpoint(path)
    if checkpoint.module is None:
        msg = f"{path}: expected a model with weights to train"
        raise ValueError(msg)
    encoder = next(part for part in checkpoint.module.modules() if isinstance(part, BertModel))
    config = AutoConfig.for_model("bert", **{**encoder.config.to_dict(), **_settings(recipe)})
    model = AutoModelForTokenClassification.from_config(config, attn_implementation="eager")
    model.base_model.load_state_dict(encoder.state_dict(), strict=False)  # without the pooler
    return model, Tokenizer.from_str(checkpoint.tokenizer_json)


def _widen_types(model: Any) -> None:
    """Give the token type table a row for each casing; all begin as the row that text was trained with."""
    embeddings = model.base_model.embeddings
    old = embeddings.token_type_embeddings
    if model.config.type_vocab_size != CASING_COUNT:
        new = torch.nn.Embedding(CASING_COUNT, old.weight.shape[1])
        new.weight.data[:] = old.weight.data[_PLAIN_ROW]
        embeddings.token_type_embeddings = new
    model.config.type_vocab_size = CASING_COUNT
    model.config.token_type_ids = WORD_CASING


def _add_types(model: Any) -> None:
    """Give an encoder without token types a table of casings, added to the embeddings of its words."""
    words = model.get_input_embeddings()
    model.token_type_embeddings = torch.nn.Embedding(CASING_COUNT, words.weight.shape[1])
    torch.nn.init.zeros_(model.token_type_embeddings.weight)

    def embed(module: Any, args: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        casing = module.token_type_embeddings(inputs.pop("token_type_ids"))
        embedded = words(inputs.pop("input_ids")) + casing
        return args, {**inputs, "inputs_embeds": embedded}

    model.register_forward_pre_hook(embed, with_kwargs=True)
