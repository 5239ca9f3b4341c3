"""Hugging Face folders: config.json, weights, and a tokenizer; what `save_pretrained` writes."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.convert.checkpoints.checkpoint import (
    ABSENT,
    DROPPED,
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    check_labels,
    config_labels,
    few,
    first_line,
    logits_module,
    read_config,
    read_json,
    sha384,
    told_length,
)
from model_zoo.convert.tokenization import lowers_case, read_tokenizer
from ner_core.casing import CASING_COUNT, WORD_CASING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["load_folder"]


def load_folder(
    folder: Path,
    *,
    labels: list[str] | None,
    lower_case: bool | None,
    max_length: int | None,
    token_type_ids: str | None,
) -> Checkpoint:
    """Read a Hugging Face folder; see `model_zoo.convert.checkpoints.checkpoint.load_checkpoint`."""
    config = read_config(folder / "config.json")
    names = labels or config_labels(config)
    weights = _weight_files(folder)
    model = _load_classifier(folder, config, use_safetensors=weights[0].suffix == ".safetensors")
    facts: Any = model.config
    tokenizer = read_tokenizer(folder, lower_case)
    type_count = int(getattr(facts, "type_vocab_size", 0) or 0)
    types = token_type_ids or str(config.get("token_type_ids") or "segments")
    takes_types = "token_type_ids" in signature(model.forward).parameters and types != ABSENT
    if types == WORD_CASING and type_count < CASING_COUNT:
        msg = (
            f"{folder / 'config.json'}: token_type_ids: {WORD_CASING} needs type_vocab_size {CASING_COUNT}, "
            f"found {type_count}."
        )
        raise CheckpointError(msg)
    names = names or [facts.id2label[index] for index in range(facts.num_labels)]
    check_labels(names, facts.num_labels, folder / "config.json")
    return Checkpoint(
        module=logits_module(model),
        labels=names,
        tokenizer_json=tokenizer.to_str(),
        max_length=max_length or told_length(folder, config),
        lower_case=lowers_case(tokenizer),
        model_type=str(facts.model_type),
        has_token_type_ids=takes_types and type_count > 1,
        token_type_ids=types,
        source_checksum=sha384(weights),
        vocab_size=int(facts.vocab_size),
        type_count=type_count,
        pad_id=int(facts.pad_token_id or 0),
    )


def _weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights: one, or the shards of an index in order."""
    for name in WEIGHTS:
        file = folder / name
        if not file.is_file():
            continue
        if file.suffix != ".json":
            return [file]
        index = read_json(file)
        shards = sorted(set(index.get("weight_map", {}).values())) if isinstance(index, dict) else []
        if any(Path(shard).name != shard for shard in shards):
            msg = f"{file}: weight_map points outside its folder. Use another copy of this checkpoint."
            raise CheckpointError(msg)
        missing = [shard for shard in shards if not (folder / shard).is_file()]
        if not shards or missing:
            msg = f"{file}: weights that it names are not there: {', '.join(missing) or 'it names none'}."
            raise CheckpointError(msg)
        return [folder / shard for shard in shards]
    msg = f"{folder}: no weights. Expected one of {', '.join(WEIGHTS)}."
    raise CheckpointError(msg)


def _load_classifier(folder: Path, config: dict[str, Any], *, use_safetensors: bool) -> PreTrainedModel:
    import pickle

    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    if "quantization_config" in config:
        msg = f"{folder / 'config.json'}: the weights are already quantized. Use the unquantized checkpoint."
        raise CheckpointError(msg)
    transformers_logging.disable_progress_bar()
    try:
        model, report = _from_pretrained(folder, use_safetensors)
    except pickle.UnpicklingError as error:
        msg = (
            f"{folder}: the weights were refused: they are damaged, or hold more than tensors, which could "
            f"run code ({first_line(error)})."
        )
        raise CheckpointError(msg) from error
    except (ValueError, RuntimeError, OSError, KeyError, EOFError, SafetensorError) as error:
        msg = f"{folder}: cannot be read as a token classifier: {first_line(error)}"
        raise CheckpointError(msg) from error
    _check_report(folder, report)
    return model.eval()


def _from_pretrained(folder: Path, use_safetensors: bool) -> tuple[PreTrainedModel, dict[str, Any]]:
    import torch
    from transformers import AutoModelForTokenClassification

    options: dict[str, Any] = {
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": use_safetensors,
        "weights_only": True,
        "dtype": torch.float32,
        "output_loading_info": True,
    }
    try:
        return AutoModelForTokenClassification.from_pretrained(folder, attn_implementation="sdpa", **options)
    except ValueError as error:
        if "scaled_dot_product_attention" not in str(error):
            raise
        # a family without fused attention, such as DeBERTa
        return AutoModelForTokenClassification.from_pretrained(folder, attn_implementation="eager", **options)


def _check_report(folder: Path, report: dict[str, Any]) -> None:
    """Refuse weights that are missing or that nobody asked for: the model would not be the one published."""
    missing = sorted(report["missing_keys"])
    if missing:
        msg = (
            f"{folder}: {len(missing)} weights are missing ({few(missing)}). This is not a fine-tuned token "
            "classifier, or not all of it; use a checkpoint whose config.json says ...ForTokenClassification."
        )
        raise CheckpointError(msg)
    unexpected = sorted(key for key in report["unexpected_keys"] if not DROPPED.search(key))
    if unexpected:
        msg = (
            f"{folder}: {len(unexpected)} weights have no place in this architecture ({few(unexpected)}). "
            "config.json and the weights do not belong together."
        )
        raise CheckpointError(msg)
