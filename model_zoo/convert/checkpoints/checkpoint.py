"""The common form of checkpoints, however they were published, and helpers of their readers.

Checkpoints are not trusted: weights are read as tensors only (``weights_only``), code of a repository is
never imported, archives are read member by member (see `nemo`), and missing weights are an error, not random
numbers.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.families import check_numbers, with_family
from ner_core.tokenizer_files import read_json_object

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

__all__ = [
    "ABSENT",
    "DROPPED",
    "OF_LOSS",
    "Checkpoint",
    "CheckpointError",
    "Overrides",
    "check_labels",
    "first_line",
    "logits_module",
    "padding_id",
    "read_config",
    "read_tensors",
    "refuse_pointers",
    "stated_length",
]

#: Weights of a loss, which only training uses.
OF_LOSS = re.compile(r"(^|[._])(loss|criterion|class_weights?)([._]|$)")
#: All weights that a token classifier does not use.
DROPPED = re.compile(
    r"(^|\.)pooler\.|(^|\.)position_ids$|"
    rf"^(cls|lm_head|mlm_head|discriminator_predictions|qa_outputs)\.|{OF_LOSS.pattern}"
)

#: Positions start after the padding id in these families, so that two of them are never used.
OFFSET_POSITIONS = frozenset(
    (
        *("camembert", "data2vec-text", "ibert", "mpnet", "roberta", "roberta-prelayernorm"),
        *("xlm-roberta", "xlm-roberta-xl", "xmod"),
    )
)

CONFIG_LIMIT = 16 * 2**20  # a config.json is some kilobytes
DEFAULT_LENGTH = 512
#: Names under which training scripts save the weights beside the optimizer's state.
_NESTED = ("state_dict", "model_state_dict", "model")
_POINTER = b"version https://git-lfs.github.com/spec/"
#: Longer windows cost more than they gain: the cost of attention is the square of their length.
LONGEST = 8192
#: Value of ``token_type_ids`` in model.yml for a model to be converted without that input.
ABSENT = "absent"


class CheckpointError(ZooError, ValueError):
    """A checkpoint that cannot be used; the message says which file, why, and what to do."""


@dataclass(frozen=True)
class Overrides:
    """What model.yml says, where a checkpoint is silent or wrong."""

    labels: Sequence[str] | None = None
    lower_case: bool | None = None
    max_length: int | None = None
    token_type_ids: str | None = None


@dataclass
class Checkpoint:
    """A token classifier as it was published.

    Attributes
    ----------
    module : torch.nn.Module or None
        Takes ``input_ids``, ``attention_mask`` (and ``token_type_ids``), int64 [batch, sequence]; gives
        logits float32 [batch, sequence, labels]; in evaluation mode. None for ONNX, which needs no torch.
    labels : list of str
        In id order.
    tokenizer_json : str
        A ``tokenizers`` file, truncation and padding off.
    max_length : int
        Most pieces in one input, special tokens included.
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
    aggregation : str or None
        Which words the model was trained on, if not those of `ner_core.words`.
    notes : list of str
        What the user should know about how this checkpoint was read.
    versions : dict of str to str
        Of the tools that traced it.
    """

    module: torch.nn.Module | None
    labels: list[str]
    tokenizer_json: str
    max_length: int
    model_type: str
    has_token_type_ids: bool
    token_type_ids: str
    source_checksum: str
    vocab_size: int
    type_count: int = 2
    pad_id: int = 0
    aggregation: str | None = None
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def stated_length(folder: Path, config: dict[str, Any]) -> int:
    """Return the most pieces that the position table and the tokenizer allow."""
    positions = int(config.get("max_position_embeddings") or config.get("n_positions") or DEFAULT_LENGTH)
    if config.get("model_type") in OFFSET_POSITIONS:
        positions -= 2
    if config.get("model_type") == "big_bird":  # beyond this it attends to random blocks
        positions = min(
            positions, (5 + 2 * config.get("num_random_blocks", 3)) * config.get("block_size", 64)
        )
    told = read_json_object(folder / "tokenizer_config.json").get("model_max_length")
    # "no limit" is a number of thirty digits; two pieces hold special tokens alone
    limits = [positions, LONGEST] + (
        [int(told)] if isinstance(told, int | float) and 2 < told < 10**9 else []
    )
    return min(limits)


def read_config(file: Path) -> dict[str, Any]:
    """Read config.json."""
    if not file.is_file():
        msg = f"{file}: does not exist. A checkpoint needs its config.json (architecture and labels)."
        raise CheckpointError(msg)
    if (size := file.stat().st_size) > CONFIG_LIMIT:
        msg = f"{file}: expected at most {CONFIG_LIMIT} bytes, found {size}. Download it again."
        raise CheckpointError(msg)
    config = with_family(read_json_object(file))
    check_numbers(str(file), config)
    return config


def refuse_pointers(folder: Path) -> None:
    """Raise `CheckpointError` for a clone without Git LFS, which has pointers instead of the large files."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.stat().st_size < 1024 and file.read_bytes().startswith(_POINTER):
            msg = (
                f"{file}: a pointer of Git LFS instead of the file; run: git lfs pull, or download it again."
            )
            raise CheckpointError(msg)


def padding_id(given: int | None, vocab_size: int) -> int:
    """Return the id of padding; 0 if a config.json names none, or one that is not in the vocabulary."""
    return given if given is not None and 0 <= given < vocab_size else 0


def check_labels(labels: Sequence[str], count: int, where: Path) -> None:
    """Raise `CheckpointError` unless there is a label for each output of the classifier."""
    if len(labels) != count:
        msg = f"{where}: the classifier has {count} outputs, not {len(labels)}: {few(labels)}."
        raise CheckpointError(msg)
    if empty := [number for number, label in enumerate(labels) if not label.strip()]:
        msg = f"{where}: expected a name for each label, found none for {few(empty)}."
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


def read_tensors(file: Path, where: str) -> dict[str, torch.Tensor]:
    """Read the named tensors of a file, mapped from it where its format allows; nothing else is unpickled.

    `where` begins the error messages.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds more than named tensors.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        code = f" ({named[1]})" if named else ""
        msg = (
            f"{where}: refused: it is damaged, or holds more than tensors{code}, which could run code. "
            "Download it again, or use safetensors."
        )
        raise CheckpointError(msg) from error
    except (SafetensorError, RuntimeError, ValueError, EOFError, KeyError, OSError) as error:
        msg = f"{where}: the weights are damaged, download them again: {first_line(error)}"
        raise CheckpointError(msg) from error
    if isinstance(state, dict):
        nested = (state[name] for name in _NESTED if isinstance(state.get(name), dict))
        state = next(nested, state)
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        msg = f"{where}: expected a dictionary of named tensors."
        raise CheckpointError(msg)
    return dict(state)


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message; its name where there is none, or only a key.

    OpenVINO's begin with places in its code, and their reason comes last.
    """
    lines = str(error).strip().splitlines() or [""]
    if lines[0].startswith("Exception from "):
        return lines[-1].lstrip("- ")[:300]
    name = type(error).__name__
    return f"{name}: {lines[0]}"[:300] if isinstance(error, KeyError) else lines[0][:300] or name
