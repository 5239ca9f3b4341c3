"""ONNX files with config.json and tokenizer.json beside or above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.suitability.labels import labels_of
from model_zoo.convert.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointError,
    Overrides,
    first_line,
    padding_id,
    read_config,
    refuse_pointers,
    stated_length,
)
from model_zoo.convert.ir import input_ports
from model_zoo.convert.tokenization import read_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_onnx"]


def load_onnx(file: Path, told: Overrides) -> Checkpoint:
    """Read an ONNX checkpoint; see `model_zoo.convert.checkpoints.loading.load_checkpoint`."""
    import openvino as ov

    # Hugging Face repositories keep the ONNX in onnx/, the rest one level up
    folder = next(
        (up for up in (file.parent, file.parent.parent) if (up / "config.json").is_file()), file.parent
    )
    config = read_config(folder / "config.json") if (folder / "config.json").is_file() else {}
    tokenizer = read_tokenizer(folder, told.lower_case)
    names = list(told.labels or ()) or labels_of(str(folder / "config.json"), config)
    if not names:
        msg = f"{file}: no labels. Expected id2label in {folder / 'config.json'}, or `labels` in model.yml."
        raise CheckpointError(msg)
    refuse_pointers(file.parent)
    try:
        graph = ov.Core().read_model(file)
    except RuntimeError as error:
        msg = f"{file}: OpenVINO cannot read this ONNX file: {first_line(error)}"
        raise CheckpointError(msg) from error
    vocab_size = int(config.get("vocab_size") or tokenizer.get_vocab_size())
    return Checkpoint(
        module=None,
        labels=names,
        tokenizer_json=tokenizer.to_str(),
        max_length=told.max_length or stated_length(folder, config),
        model_type=str(config.get("model_type", "bert")),
        has_token_type_ids="token_type_ids" in input_ports(graph),
        token_type_ids=told.token_type_ids or str(config.get("token_type_ids") or "segments"),
        source_checksum=str(checksum_of(file)),
        vocab_size=vocab_size,
        type_count=int(config.get("type_vocab_size") or 1),
        pad_id=padding_id(config.get("pad_token_id"), vocab_size),
    )
