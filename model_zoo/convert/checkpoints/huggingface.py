"""Hugging Face folders, as `save_pretrained` writes them: config.json, weights, and a tokenizer.

The converter and the fine-tuner use `load_model`: the architecture must be transformers' own, and code,
kernels and quantizers named in a config.json are ignored.
"""

from __future__ import annotations

import re
from collections import ChainMap
from inspect import signature
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.families import CRF, check_architecture, clean_config
from model_zoo.catalog.suitability.labels import are_numbers, labels_of
from model_zoo.catalog.suitability.libraries import check_kind
from model_zoo.catalog.suitability.weights import INDEX, WEIGHTS, shards_of
from model_zoo.convert.checkpoints.checkpoint import (
    ABSENT,
    DROPPED,
    OF_LOSS,
    Checkpoint,
    CheckpointError,
    Overrides,
    check_labels,
    first_line,
    logits_module,
    padding_id,
    read_config,
    read_tensors,
    refuse_pointers,
    stated_length,
)
from model_zoo.convert.tokenization import read_tokenizer
from ner_core.casing import CASING_COUNT, WORD_CASING
from ner_core.tokenizer_files import read_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import torch
    from transformers import PretrainedConfig, PreTrainedModel

__all__ = ["build_config", "build_model", "label_settings", "load_folder", "load_model"]

#: Keys of a config.json that count parts of a model; published models have a hundred or so at most.
_LAYERS = re.compile(r"(^|_)layers?$|_groups$|_group_num$")
_MOST_LAYERS = 1000
#: Most parameters for each byte of a file.
_PARAMETERS_A_BYTE = 4
#: Models up to this many parameters are not checked: they fit into memory, and their reader finds faults.
_HARMLESS = 2**28
#: What wrappers put before the names of weights: DataParallel and its successors, and torch.compile.
_WRAPPERS = {r"^(?:module\.|_orig_mod\.)+": ""}
#: Weights of a conditional random field, by the usual names of its module.
_OF_CRF = re.compile(r"(^|[._])crf([._]|$)|(^|[._])transitions$", re.IGNORECASE)
#: What transformers raises for inconsistent values of a config.json.
_SENSELESS = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError)


def load_folder(folder: Path, told: Overrides) -> Checkpoint:
    """Read a Hugging Face folder; see `model_zoo.convert.checkpoints.loading.load_checkpoint`."""
    file = folder / "config.json"
    config = read_config(file)
    labels = list(told.labels or ())
    names = labels or labels_of(str(file), config)
    weights = _weight_files(folder)
    refuse_pointers(folder)
    tokenizer = read_tokenizer(folder, told.lower_case)
    model, report = load_model(folder, config, changes=label_settings(labels))
    notes = _check_report(folder, report)
    facts: Any = model.config
    type_count = int(getattr(facts, "type_vocab_size", 0) or 0)
    types = told.token_type_ids or str(config.get("token_type_ids") or "segments")
    takes_types = "token_type_ids" in signature(model.forward).parameters
    if types == WORD_CASING and type_count < CASING_COUNT:
        msg = (
            f"{file}: token_type_ids: {WORD_CASING} needs type_vocab_size {CASING_COUNT}, found {type_count}."
        )
        raise CheckpointError(msg)
    names = names or [facts.id2label[index] for index in range(facts.num_labels)]
    check_labels(names, facts.num_labels, file)
    if are_numbers(names):
        notes.append(f"its labels have no names ({few(names)}): name them in id2label of {file}")
    return Checkpoint(
        module=logits_module(model.eval()),
        labels=names,
        tokenizer_json=tokenizer.to_str(),
        max_length=told.max_length or stated_length(folder, config),
        model_type=str(facts.model_type),
        has_token_type_ids=takes_types and types != ABSENT and type_count > 1,
        token_type_ids=types,
        source_checksum=str(checksum_of(*weights)),
        vocab_size=int(facts.vocab_size),
        type_count=type_count,
        pad_id=padding_id(facts.pad_token_id, int(facts.vocab_size)),
        notes=notes,
    )


def _weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights: one, or the shards of an index in order."""
    for name in WEIGHTS:
        file = folder / name
        if not file.is_file() or file.suffix == ".onnx":
            continue
        if not name.endswith(INDEX):
            return [file]
        shards = shards_of(str(file), read_json_object(file), [one.name for one in folder.iterdir()])
        return [folder / shard for shard in shards]
    msg = f"{folder}: no weights. Expected model.safetensors or pytorch_model.bin, whole or in shards."
    raise CheckpointError(msg)


def build_config(
    where: str, config: dict[str, Any], changes: dict[str, Any] | None = None
) -> PretrainedConfig:
    """Build transformers' configuration from a config.json, without keys that choose code to run.

    Parameters
    ----------
    where : str
        What errors begin with.
    config : dict
        Content of config.json.
    changes : dict, optional
        Values that override those of the file.

    Raises
    ------
    CatalogError, CheckpointError
        transformers has no such family, or the values are inconsistent.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    changes = changes or {}
    labels = [] if "id2label" in changes else labels_of(where, config)
    content = {**clean_config(config), **label_settings(labels), **changes}
    for key, value in content.items():
        if _LAYERS.search(key) and isinstance(value, int) and value > _MOST_LAYERS:
            msg = f"{where}: {key}: expected at most {_MOST_LAYERS}, found {value}"
            raise CheckpointError(msg)
    try:
        made = type(AutoConfig.for_model(str(config.get("model_type")))).from_dict(content)
        # The cache is for generating text, and disturbs tracing.
        if getattr(made, "use_cache", False):
            made.use_cache = False
    except (*_SENSELESS, StrictDataclassError) as error:
        msg = f"{where}: cannot be read as a token classifier: {' '.join(str(error).split())[:300]}"
        raise CheckpointError(msg) from error
    return made


def label_settings(labels: list[str]) -> dict[str, Any]:
    """Return labels, if there are any, as transformers' configuration has them."""
    if not labels:
        return {}
    numbers = {label: number for number, label in enumerate(labels)}
    return {"id2label": dict(enumerate(labels)), "label2id": numbers, "num_labels": len(labels)}


def build_model(
    where: str,
    made: PretrainedConfig,
    auto: Any,
    tensors: dict[str, torch.Tensor],
    files: Iterable[Path],
    **options: Any,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Build a model of transformers, in float32.

    Parameters
    ----------
    where : str
        What errors begin with.
    made : transformers.PretrainedConfig
        Its configuration.
    auto : type
        The class of transformers that chooses the model's, such as ``AutoModel``.
    tensors : dict of str to torch.Tensor
        Its weights.
    files : iterable of pathlib.Path
        Where these come from.
    **options
        Of the model's class.

    Returns
    -------
    (transformers.PreTrainedModel, dict)
        The model, and transformers' report of missing, unexpected and mismatched weights.

    Raises
    ------
    CheckpointError
        The configuration is inconsistent, or describes a model far larger than its weights, which would fill
        the memory.
    """
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    options |= {"config": made, "state_dict": tensors, "dtype": torch.float32, "output_loading_info": True}
    options |= {"key_mapping": _WRAPPERS, "ignore_mismatched_sizes": True}  # these are reported
    try:
        kind = _check_size(where, made, auto, files)
        # Unlike from_config, this does not initialize at random, which takes seconds.
        return kind.from_pretrained(None, **options)
    except CheckpointError:
        raise
    except (*_SENSELESS, RuntimeError) as error:
        msg = f"{where}: cannot build the model {made.model_type!r}: {first_line(error)}"
        raise CheckpointError(msg) from error


def _check_size(where: str, made: PretrainedConfig, auto: Any, files: Iterable[Path]) -> Any:
    """Refuse a configuration of a model far larger than its files; return the model's class."""
    import torch

    with torch.device("meta"):  # shapes alone
        model = auto.from_config(made)
    count = sum(parameter.numel() for parameter in model.parameters())
    size = sum(file.stat().st_size for file in files)
    if count > max(_PARAMETERS_A_BYTE * size, _HARMLESS):
        msg = f"{where}: describes a model of {count:,} parameters, but the weights have {size:,} bytes"
        raise CheckpointError(msg)
    return type(model)


def load_model(
    folder: Path,
    config: dict[str, Any],
    *,
    changes: dict[str, Any] | None = None,
    encoder: bool = False,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Load a token classifier in float32.

    Parameters
    ----------
    folder : pathlib.Path
        With config.json and weights.
    config : dict
        Content of config.json.
    changes : dict, optional
        Values that override those of the file.
    encoder : bool
        The folder may lack a classifier, which is then initialized.

    Returns
    -------
    (transformers.PreTrainedModel, dict)
        The model, and transformers' report of missing and unexpected weights.

    Raises
    ------
    CatalogError, CheckpointError
        The architecture does not run here, or the weights cannot be read.
    """
    from transformers import AutoModelForTokenClassification

    where = str(folder / "config.json")
    check_kind(str(folder), [path.name for path in folder.iterdir()], config)
    check_architecture(where, config, encoder=encoder or not config.get("architectures"))
    weights = _weight_files(folder)
    made = build_config(where, config, changes)
    tensors = ChainMap(*(read_tensors(file, str(file)) for file in weights))
    model, report = build_model(where, made, AutoModelForTokenClassification, dict(tensors), weights)
    if not encoder and (other := sorted(report["mismatched_keys"])):
        key, found, expected = other[0]
        msg = (
            f"{where}: {len(other)} weights have another shape than it says ({key}: expected "
            f"{list(expected)}, found {list(found)})."
        )
        if all(after[0] == model.num_labels and before[1:] == after[1:] for _, before, after in other):
            msg = (
                f"{where}: the classifier has {found[0]} outputs, not {expected[0]}. Name as many labels, in "
                "id2label or in model.yml."
            )
        raise CheckpointError(msg)
    return model, report


def _check_report(folder: Path, report: dict[str, Any]) -> list[str]:
    """Refuse missing and unknown weights, without which it is another model; return notes on others."""
    if transitions := sorted(key for key in report["unexpected_keys"] if _OF_CRF.search(key)):
        msg = f"{folder}: {CRF.format(few(transitions))}"
        raise CheckpointError(msg)
    missing = sorted(report["missing_keys"])
    unexpected = sorted(key for key in report["unexpected_keys"] if not DROPPED.search(key))
    if missing:
        others = f"; {len(unexpected)} are not of this architecture ({few(unexpected)})" if unexpected else ""
        msg = (
            f"{folder}: {len(missing)} weights are missing ({few(missing)}){others}. This is not a "
            "fine-tuned token classifier, or not all of it; use a checkpoint whose config.json says "
            "...ForTokenClassification."
        )
        raise CheckpointError(msg)
    if unexpected:
        msg = (
            f"{folder}: {len(unexpected)} weights have no place in this architecture ({few(unexpected)}). "
            "config.json and the weights do not belong together."
        )
        raise CheckpointError(msg)
    unused = sorted(key for key in report["unexpected_keys"] if OF_LOSS.search(key))
    return [f"{few(unused)}: used by training alone, so left out"] if unused else []
