"""Checkpoints as they are published: a Hugging Face folder, a NeMo archive, an ONNX file; one shape for all.

Nothing in a checkpoint is trusted: weights are read as tensors only (``weights_only``), code that a
repository brings along is never imported, archives are read member by member (see `model_zoo.nemo`), and
weights that are missing are an error rather than random numbers.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.tokenization import TokenizerError, lowers_case, read_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch

__all__ = ["Checkpoint", "CheckpointError", "find_checkpoint", "load_checkpoint"]

SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
WEIGHTS = (*SAFETENSORS, *PICKLES)

#: Weights that a token classifier has no use for, whatever put them into the file.
DROPPED = re.compile(
    r"(^|\.)pooler\.|(^|\.)position_ids$|"
    r"^(cls|lm_head|mlm_head|loss|discriminator_predictions|qa_outputs)\."
)

#: Positions start behind the padding id in these families, so that two of them are never used.
OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "camembert", "roberta-prelayernorm", "xlm-roberta-xl", "mpnet"}
)

CONFIG_LIMIT = 16 * 2**20  # a config.json is some kilobytes
DEFAULT_LENGTH = 512
#: Value of ``token_type_ids`` in model.yml for a model that is to be converted without that input.
ABSENT = "absent"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says which file, why, and what to do."""


@dataclass
class Checkpoint:
    """A token classifier as it was published.

    Attributes
    ----------
    module : torch.nn.Module or None
        Takes ``input_ids``, ``attention_mask`` (and ``token_type_ids``), int64 [batch, sequence]; gives
        logits float32 [batch, sequence, labels]; in evaluation mode. None for ONNX, which needs no torch.
    graph : pathlib.Path or None
        The ONNX file, where there is no module.
    labels : list of str
        In id order.
    tokenizer_json : str
        A ``tokenizers`` file, truncation and padding off.
    max_length : int
        Most pieces in one input, special tokens included.
    lower_case : bool or None
        Whether the tokenizer lower-cases; None where it does not say.
    model_type : str
        Family, such as ``bert``.
    has_token_type_ids : bool
        Whether the model takes segment ids at all.
    token_type_ids : str
        What they mean: ``segments`` or ``word_casing``.
    type_count, vocab_size, pad_id : int
        Rows of the segment and word tables; the id of padding.
    source_checksum : str
        ``sha384:`` and the hexadecimal digest of the weights.
    notes : list of str
        What the user should know about how this checkpoint was read.
    """

    module: torch.nn.Module | None
    labels: list[str]
    tokenizer_json: str
    max_length: int
    lower_case: bool | None
    model_type: str
    has_token_type_ids: bool
    token_type_ids: str
    source_checksum: str
    vocab_size: int
    type_count: int = 2
    pad_id: int = 0
    graph: Path | None = None
    notes: list[str] = field(default_factory=list)


def find_checkpoint(folder: Path) -> Path:
    """Find the one checkpoint in a downloaded model folder.

    Parameters
    ----------
    folder : pathlib.Path
        ``<models dir>/public/<name>``; the checkpoint may lie in a subfolder, as Open Model Zoo's do.

    Returns
    -------
    pathlib.Path
        A ``.nemo`` file, a folder with config.json and weights, or an ``.onnx`` file, in this order of
        preference.

    Raises
    ------
    CheckpointError
        If there is none, or several of a kind.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder. Download the model first, or give --download_dir."
        raise CheckpointError(msg)
    candidates = (
        sorted(folder.rglob("*.nemo")),
        sorted({file.parent for file in folder.rglob("*") if file.name in WEIGHTS}),
        sorted(folder.rglob("*.onnx")),
    )
    for found in candidates:
        if len(found) > 1:
            names = ", ".join(str(path.relative_to(folder)) for path in found)
            msg = f"{folder}: more than one checkpoint ({names}). Keep one, or give the path of one."
            raise CheckpointError(msg)
        if found:
            return found[0]
    msg = (
        f"{folder}: no checkpoint. Expected a .nemo archive, an .onnx file, or config.json beside "
        f"{WEIGHTS[0]} or {PICKLES[0]}. Download the model first."
    )
    raise CheckpointError(msg)


def load_checkpoint(
    path: Path | str,
    *,
    labels: Sequence[str] | None = None,
    lower_case: bool | None = None,
    max_length: int | None = None,
    token_type_ids: str | None = None,
) -> Checkpoint:
    """Read a checkpoint of any of the three kinds.

    Parameters
    ----------
    path : pathlib.Path or str
        A Hugging Face folder (config.json, weights, tokenizer.json or vocab.txt), a ``.nemo`` archive, or an
        ``.onnx`` file with config.json and tokenizer.json beside or above it.
    labels, lower_case, max_length, token_type_ids : optional
        What model.yml says, where the checkpoint is silent or wrong. A NeMo archive's own label order wins.

    Returns
    -------
    Checkpoint
        Its module is in evaluation mode; parameters may be mapped from the file, so keep the file meanwhile.

    Raises
    ------
    CheckpointError
        If a file is missing, broken, unsafe or does not fit the others.
    ModuleNotFoundError
        If torch or transformers is not installed (not for ONNX).
    """
    path = Path(path)
    overrides: dict[str, Any] = {
        "labels": list(labels) if labels else None,
        "lower_case": lower_case,
        "max_length": max_length,
        "token_type_ids": token_type_ids,
    }
    try:
        if path.suffix == ".nemo":
            from model_zoo.nemo import load_nemo

            return load_nemo(path, **overrides)
        if path.suffix == ".onnx":
            return _load_onnx(path, **overrides)
        if path.is_dir():
            from model_zoo.pretrained import load_folder

            return load_folder(path, **overrides)
    except TokenizerError as error:
        raise CheckpointError(str(error)) from error
    msg = f"{path}: not a checkpoint. Expected a folder, a .nemo archive or an .onnx file."
    raise CheckpointError(msg)


# ONNX


def _load_onnx(
    file: Path,
    *,
    labels: list[str] | None,
    lower_case: bool | None,
    max_length: int | None,
    token_type_ids: str | None,
) -> Checkpoint:
    import openvino as ov

    from model_zoo.ir import input_ports

    # Hugging Face repositories keep the ONNX in onnx/, the rest one level up
    folder = next(
        (up for up in (file.parent, file.parent.parent) if (up / "config.json").is_file()), file.parent
    )
    config = read_config(folder / "config.json") if (folder / "config.json").is_file() else {}
    tokenizer = read_tokenizer(folder, lower_case)
    names = labels or config_labels(config)
    if not names:
        msg = f"{file}: no labels. Expected id2label in {folder / 'config.json'}, or `labels` in model.yml."
        raise CheckpointError(msg)
    try:
        graph = ov.Core().read_model(file)
    except RuntimeError as error:
        msg = f"{file}: OpenVINO cannot read this ONNX file: {first_line(error)}"
        raise CheckpointError(msg) from error
    return Checkpoint(
        module=None,
        graph=file,
        labels=names,
        tokenizer_json=tokenizer.to_str(),
        max_length=max_length or told_length(folder, config),
        lower_case=lowers_case(tokenizer),
        model_type=str(config.get("model_type", "bert")),
        has_token_type_ids="token_type_ids" in input_ports(graph),
        token_type_ids=token_type_ids or str(config.get("token_type_ids") or "segments"),
        source_checksum=sha384([file]),
        vocab_size=int(config.get("vocab_size") or tokenizer.get_vocab_size()),
        type_count=int(config.get("type_vocab_size") or 1),
        pad_id=int(config.get("pad_token_id") or 0),
    )


# Configuration and labels


def told_length(folder: Path, config: dict[str, Any]) -> int:
    """Most pieces that the position table and the tokenizer allow."""
    positions = int(config.get("max_position_embeddings") or config.get("n_positions") or DEFAULT_LENGTH)
    if config.get("model_type") in OFFSET_POSITIONS:
        positions -= 2
    file = folder / "tokenizer_config.json"
    told = read_json(file).get("model_max_length") if file.is_file() else None
    # "no limit" is written as a number of thirty digits
    return min(positions, int(told)) if isinstance(told, int | float) and 0 < told < 10**9 else positions


def read_config(file: Path) -> dict[str, Any]:
    """Read config.json; see `CheckpointError` for what can go wrong."""
    if not file.is_file():
        msg = f"{file}: not there. A checkpoint needs its config.json (architecture and labels)."
        raise CheckpointError(msg)
    return read_json(file)


def read_json(file: Path, limit: int = CONFIG_LIMIT) -> dict[str, Any]:
    """Read a JSON object from a file of at most `limit` bytes."""
    size = file.stat().st_size
    if size > limit:
        msg = f"{file}: {size} bytes, expected at most {limit}. This is not the file that it says it is."
        raise CheckpointError(msg)
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        msg = f"{file}: not JSON: {first_line(error)}. Download it again."
        raise CheckpointError(msg) from error
    if not isinstance(value, dict):
        msg = f"{file}: expected a JSON object, found {type(value).__name__}."
        raise CheckpointError(msg)
    return value


def config_labels(config: dict[str, Any]) -> list[str]:
    """Return the labels of a config.json in id order; empty where it names none.

    Raises
    ------
    CheckpointError
        If the ids are not 0, 1, 2 and so on.

    Examples
    --------
    >>> config_labels({"id2label": {"1": "B-PER", "0": "O"}})
    ['O', 'B-PER']
    """
    named = config.get("id2label")
    if not isinstance(named, dict) or not named:
        return []
    try:
        by_id = {int(key): str(value) for key, value in named.items()}
    except ValueError as error:
        msg = f"config.json: id2label: expected whole numbers as keys, found {few(named)}."
        raise CheckpointError(msg) from error
    if sorted(by_id) != list(range(len(by_id))):
        msg = f"config.json: id2label: expected ids 0 to {len(by_id) - 1}, found {few(sorted(by_id))}."
        raise CheckpointError(msg)
    return [by_id[index] for index in range(len(by_id))]


def check_labels(labels: Sequence[str], count: int, where: Path) -> None:
    """Raise `CheckpointError` unless there is one label for each output of the classifier."""
    if len(labels) != count:
        msg = f"{where}: the classifier has {count} outputs, not {len(labels)}: {few(labels)}."
        raise CheckpointError(msg)


# Modules, files, words


def logits_module(model: torch.nn.Module) -> torch.nn.Module:
    """Wrap a transformers token classifier so that it gives the logits alone."""
    import torch

    class Logits(torch.nn.Module):
        def __init__(self, model: torch.nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> torch.Tensor:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            return self.model(
                input_ids=input_ids, attention_mask=attention_mask, **types, return_dict=True
            ).logits

    return Logits(model).eval()


def sha384(files: Iterable[Path]) -> str:
    """Return ``sha384:`` and the digest of the files' bytes, one after the other."""
    digest = hashlib.sha384()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return f"sha384:{digest.hexdigest()}"


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def few(values: Iterable[Any], count: int = 4) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown[:count]) + (", ..." if len(shown) > count else "")
