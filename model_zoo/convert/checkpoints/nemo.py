"""NeMo archives (.nemo) of token classifiers, read without NeMo.

NVIDIA removed the language models from NeMo in 2025, so no current version of it reads these archives.
The format, as NeMo 1.0 to 1.23 wrote it (``nemo/core/connectors/save_restore_connector.py``,
``nemo/collections/nlp/models/token_classification/token_classification_model.py``,
``nemo/collections/common/parts/multi_layer_perceptron.py`` at https://github.com/NVIDIA/NeMo/tree/v1.23.0):

an archive (see `nemo_archive`) with ``model_config.yaml``, ``model_weights.ckpt`` and artifacts that the
configuration names as ``nemo:<32 hex>_<name>`` (older: by their plain names).
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.messages import few
from model_zoo.catalog.yaml_file import parse_yaml
from model_zoo.convert.checkpoints.checkpoint import (
    DROPPED,
    Checkpoint,
    CheckpointError,
    Overrides,
    check_labels,
    first_line,
    logits_module,
    padding_id,
    read_tensors,
)
from model_zoo.convert.checkpoints.huggingface import build_config, build_model
from model_zoo.convert.checkpoints.nemo_archive import CONFIG, WEIGHTS, NemoArchive, read_archive
from ner_core.tokenizer_files import build_wordpiece, parse_vocabulary, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["load_nemo"]

#: Dimensions of the encoders that NeMo knows by name, for archives that hold no configuration of them:
#: vocabulary, hidden size, layers, heads, intermediate size (https://github.com/google-research/bert).
KNOWN_ENCODERS = {
    "bert-base-uncased": (30522, 768, 12, 12, 3072),
    "bert-base-cased": (28996, 768, 12, 12, 3072),
    "bert-large-uncased": (30522, 1024, 24, 16, 4096),
    "bert-large-cased": (28996, 1024, 24, 16, 4096),
    "bert-large-uncased-whole-word-masking": (30522, 1024, 24, 16, 4096),
    "bert-large-cased-whole-word-masking": (28996, 1024, 24, 16, 4096),
    "bert-base-multilingual-uncased": (105879, 768, 12, 12, 3072),
    "bert-base-multilingual-cased": (119547, 768, 12, 12, 3072),
    "bert-base-chinese": (21128, 768, 12, 12, 3072),
}


def load_nemo(path: Path, told: Overrides) -> Checkpoint:
    """Read a NeMo archive; see `model_zoo.convert.checkpoints.loading.load_checkpoint`.

    The module has ``encoder`` (a transformers model) and ``head`` (linear layers at even positions).
    """
    import torch

    # the tensors stay mapped from the file, which Windows then refuses to delete
    with tempfile.TemporaryDirectory(prefix="nemo-", ignore_cleanup_errors=True) as folder:
        weights_file = Path(folder) / "weights"  # names in the archive are never used as paths
        archive = read_archive(path, weights_file)
        config = _read_config(archive)
        weights = read_tensors(weights_file, f"{path}: {WEIGHTS}")
        encoder_config = _encoder_config(archive, config)
        classifier = _build(path, config, encoder_config, weights, weights_file)
    names = _labels(archive, config) or list(told.labels or ())
    if not names:
        msg = f"{path}: no label_ids in {CONFIG} and no label_ids.csv. Give `labels` in model.yml."
        raise CheckpointError(msg)
    outputs = [layer.out_features for layer in classifier.head if isinstance(layer, torch.nn.Linear)]
    check_labels(names, outputs[-1], path)
    tokenizer = build_wordpiece(
        _vocabulary(archive, config), _lower_case(config, told.lower_case), where=f"{path}: vocab.txt"
    )
    facts = classifier.encoder.config
    if (pieces := tokenizer.get_vocab_size()) > int(facts.vocab_size):
        msg = f"{path}: the vocabulary has {pieces} pieces, the encoder {facts.vocab_size}. They don't fit."
        raise CheckpointError(msg)
    return Checkpoint(
        module=logits_module(classifier),
        labels=names,
        tokenizer_json=tokenizer.to_str(),
        max_length=told.max_length or int(facts.max_position_embeddings),
        model_type=str(facts.model_type),
        has_token_type_ids=int(facts.type_vocab_size) > 1,
        token_type_ids=told.token_type_ids or "segments",
        source_checksum=str(checksum_of(path)),
        vocab_size=int(facts.vocab_size),
        type_count=int(facts.type_vocab_size),
        pad_id=padding_id(facts.pad_token_id, int(facts.vocab_size)),
        aggregation="whitespace",
    )


# Configuration, labels, vocabulary, encoder


def _read_config(archive: NemoArchive) -> dict[str, Any]:
    """Read the model's part of model_config.yaml, without tags that create objects."""
    where = f"{archive.path}: {CONFIG}"
    text = archive.texts[CONFIG].decode("utf-8", "replace")
    config = parse_yaml(text, where, CheckpointError, aliases=True)
    config = _section(config, "model") or config
    if "head" not in config or "language_model" not in config:
        msg = f"{where}: expected the sections language_model and head of a TokenClassificationModel."
        raise CheckpointError(msg)
    target = str(config.get("target", ""))
    if target and not target.endswith(".TokenClassificationModel"):
        msg = f"{where}: target: expected TokenClassificationModel, found {target}."
        raise CheckpointError(msg)
    return config


def _section(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a nested section; empty if there is none."""
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _labels(archive: NemoArchive, config: dict[str, Any]) -> list[str]:
    """Return the labels in id order: label_ids of the configuration, else label_ids.csv; empty if neither."""
    mapping = config.get("label_ids")
    if isinstance(mapping, dict) and mapping:
        numbers = list(mapping.values())
        if not all(isinstance(number, int) for number in numbers) or sorted(numbers) != [
            *range(len(numbers))
        ]:
            found = few(numbers)
            msg = f"{archive.path}: {CONFIG}: label_ids: expected ids 0 to {len(mapping) - 1}, found {found}."
            raise CheckpointError(msg)
        return [str(label) for label in sorted(mapping, key=mapping.__getitem__)]
    named = _section(config, "class_labels").get("class_labels_file")
    text = archive.artifact(named or (mapping if isinstance(mapping, str) else None), "label_ids.csv")
    lines = _decoded(archive, text, "list of labels").splitlines() if text else []
    return [line.strip() for line in lines if line.strip()]


def _decoded(archive: NemoArchive, text: bytes, what: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{archive.path}: the {what} is not UTF-8 ({error}). Download it again."
        raise CheckpointError(msg) from error


def _vocabulary(archive: NemoArchive, config: dict[str, Any]) -> dict[str, int]:
    """Return the word pieces and their ids, from a vocab.txt or a JSON dictionary."""
    settings = _section(config, "tokenizer") | _section(config, "language_model")
    text = archive.artifact(settings.get("vocab_file"), "vocab.txt")
    if text is not None:
        return parse_vocabulary(_decoded(archive, text, "vocabulary"))
    text = archive.artifact(settings.get("tokenizer_vocab_dict"), "vocab_dict.json")
    if text is not None:
        try:
            return {str(piece): int(number) for piece, number in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            msg = f"{archive.path}: the vocabulary is not a JSON object of numbers: {first_line(error)}"
            raise CheckpointError(msg) from error
    beside = archive.path.with_name("vocab.txt")
    if beside.is_file():
        return parse_vocabulary(read_text(beside))
    msg = f"{archive.path}: no vocabulary in it. Put the vocab.txt of its encoder beside it."
    raise CheckpointError(msg)


def _lower_case(config: dict[str, Any], override: bool | None) -> bool | None:
    """Return whether the tokenizer lower-cases: by model.yml, the configuration, or the encoder's name."""
    if override is not None:
        return override
    language_model = _section(config, "language_model")
    given = language_model.get("do_lower_case", _section(config, "tokenizer").get("do_lower_case"))
    if isinstance(given, bool):
        return given
    names = (
        f"{_section(config, 'tokenizer').get('tokenizer_name')} {language_model.get('pretrained_model_name')}"
    )
    if "uncased" in names:
        return True
    return False if "cased" in names else None


def _encoder_config(archive: NemoArchive, config: dict[str, Any]) -> dict[str, Any]:
    """Return the encoder's configuration as transformers knows it: member, inline, or by its name."""
    section = _section(config, "language_model")
    named = section.get("config_file") or section.get("bert_config")
    text = archive.artifact(named, "encoder_config.json") or archive.artifact(None, "bert_config.json")
    if text is not None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            msg = f"{archive.path}: the encoder's configuration is not JSON: {first_line(error)}"
            raise CheckpointError(msg) from error
        if isinstance(found, dict):
            return found
    if _section(section, "config"):
        return _section(section, "config")
    name = str(section.get("pretrained_model_name"))
    if name not in KNOWN_ENCODERS:
        msg = (
            f"{archive.path}: {CONFIG}: language_model: no configuration of the encoder {name!r}; known by "
            f"name are {', '.join(KNOWN_ENCODERS)}."
        )
        raise CheckpointError(msg)
    keys = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return dict(zip(keys, KNOWN_ENCODERS[name], strict=True)) | {"model_type": "bert"}


# Weights and module


def _renamed(name: str) -> str:
    """Return the name of an archive's weight in our module.

    Examples
    --------
    >>> _renamed("bert_model.encoder.layer.0.output.dense.bias"), _renamed("classifier.mlp.layer2.weight")
    ('encoder.encoder.layer.0.output.dense.bias', 'head.2.weight')
    """
    return re.sub(r"^classifier\.mlp\.layer(\d+)\.", r"head.\1.", re.sub(r"^bert_model\.", "encoder.", name))


def _build(
    path: Path,
    config: dict[str, Any],
    encoder_config: dict[str, Any],
    weights: dict[str, torch.Tensor],
    weights_file: Path,
) -> Any:
    """Build the module and load the archive's tensors."""
    from transformers import AutoModel

    family = str(encoder_config.get("model_type") or "bert")
    facts = build_config(str(path), {**encoder_config, "model_type": family})
    renamed = {_renamed(name): tensor.float() for name, tensor in weights.items()}
    renamed = {name: tensor for name, tensor in renamed.items() if not DROPPED.search(name)}
    known = {name[8:]: tensor for name, tensor in renamed.items() if name.startswith("encoder.")}
    options = {"add_pooling_layer": False} if family == "bert" else {}
    encoder, _ = build_model(str(path), facts, AutoModel, known, [weights_file], **options)
    model = _classifier(encoder, _head(path, _section(config, "head"), weights))
    try:
        report = model.load_state_dict(renamed, strict=False, assign=True)
    except RuntimeError as error:
        msg = f"{path}: the weights do not fit the configuration: {' '.join(str(error).split())[:300]}"
        raise CheckpointError(msg) from error
    if report.missing_keys or report.unexpected_keys:
        msg = (
            f"{path}: weights do not fit the configuration: missing {few(report.missing_keys) or 'none'}, "
            f"unknown {few(report.unexpected_keys) or 'none'}."
        )
        raise CheckpointError(msg)
    return model


def _head(path: Path, settings: dict[str, Any], weights: dict[str, torch.Tensor]) -> torch.nn.Sequential:
    """Build NeMo's MultiLayerPerceptron: linear layers, activations between them, perhaps log_softmax."""
    import torch

    pattern = re.compile(r"^classifier\.mlp\.layer(\d+)\.weight$")
    found = {int(match[1]): weights[name].shape for name in weights if (match := pattern.match(name))}
    count = settings.get("num_fc_layers", len(found))
    if not found or str(count) != str(len(found)) or sorted(found) != [2 * one for one in range(len(found))]:
        places = sorted(found) or "none"
        msg = f"{path}: head: expected {count} linear layers at even positions, found {places}."
        raise CheckpointError(msg)
    layers: list[torch.nn.Module] = []
    for position in sorted(found):
        if layers:
            layers.append(_activation(path, str(settings.get("activation", "relu"))))
        outputs, inputs = found[position]
        layers.append(torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs))
    if settings.get("log_softmax") is True:
        layers.append(torch.nn.LogSoftmax(dim=-1))
    return torch.nn.Sequential(*layers)


def _activation(path: Path, name: str) -> torch.nn.Module:
    import torch

    activations: dict[str, Callable[[], torch.nn.Module]] = {
        "relu": torch.nn.ReLU,
        "gelu": torch.nn.GELU,
        "tanh": torch.nn.Tanh,
        "sigmoid": torch.nn.Sigmoid,
        "selu": torch.nn.SELU,
        "celu": torch.nn.CELU,
    }
    if name not in activations:
        msg = f"{path}: {CONFIG}: head.activation: expected one of {', '.join(activations)}, found {name!r}."
        raise CheckpointError(msg)
    return activations[name]()


def _classifier(encoder: torch.nn.Module, head: torch.nn.Module) -> torch.nn.Module:
    import torch
    from transformers.modeling_outputs import TokenClassifierOutput

    class NemoTokenClassifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            self.head = head

        def forward(self, return_dict: bool = True, **inputs: torch.Tensor) -> TokenClassifierOutput:  # noqa: ARG002
            return TokenClassifierOutput(logits=self.head(self.encoder(**inputs).last_hidden_state))

    return NemoTokenClassifier()
