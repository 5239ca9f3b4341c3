"""Weights that a training run keeps: checkpoints, their moving average, and those of its last epochs."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from model_zoo.catalog.checksum import checksum_of
from ner_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor
    from transformers import PreTrainedModel

#: Steps between two updates of the moving average of the weights.
AVERAGE_EVERY = 10

#: In a checkpoint, beside the weights.
_AVERAGE_FILE = "average.safetensors"
# Written last, so an incomplete checkpoint lacks it. Holds the SHA-256 of the other files.
_COMPLETE_FILE = "complete"

log = logging.getLogger(__name__)


class WeightAverage(TrainerCallback):
    """Exponential moving average of the weights, saved with each checkpoint."""

    def __init__(self, model: PreTrainedModel, decay: float) -> None:
        self.model, self.decay = model, decay
        self.weights: dict[str, Tensor] = {}
        self.updates = 0

    def _trained(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, one) for name, one in self.model.named_parameters() if one.requires_grad)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Start from the weights of the model, or from the checkpoint that is resumed."""
        self.weights = {name: weight.detach().clone() for name, weight in self._trained()}
        self.updates = state.global_step // AVERAGE_EVERY
        folder = last_checkpoint(Path(args.output_dir))
        if state.global_step and folder:
            self.weights = load_file(folder / _AVERAGE_FILE)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Move the average a little towards the weights."""
        if state.global_step % AVERAGE_EVERY:
            return
        self.updates += 1
        # A lower decay at first, so that the untrained weights fade quickly.
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        current = dict(self._trained())
        with torch.no_grad():
            for name, average in self.weights.items():
                average.lerp_(current[name].detach(), 1 - decay)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Save the average beside the weights."""
        save_file(self.weights, Path(args.output_dir) / f"checkpoint-{state.global_step}" / _AVERAGE_FILE)

    def swap(self) -> None:
        """Exchange the weights of the model and the average."""
        with torch.no_grad():
            for name, weight in self._trained():
                kept = weight.detach().clone()
                weight.copy_(self.weights[name])
                self.weights[name] = kept


def last_checkpoint(work_dir: Path) -> Path | None:
    """Find the newest intact checkpoint of a run; delete newer ones that are incomplete or damaged.

    Parameters
    ----------
    work_dir : Path

    Returns
    -------
    Path or None
    """
    folders = sorted(work_dir.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    while folders:
        folder = folders.pop()
        if (folder / _COMPLETE_FILE).is_file():
            if not is_damaged(folder):
                return folder
            log.warning("%s: damaged since it was written; training resumes from an earlier one", folder)
        shutil.rmtree(folder)
    return None


def mark_complete(folder: Path) -> None:
    """Mark a folder as complete by writing the checksums of its files."""
    (folder / _COMPLETE_FILE).unlink(missing_ok=True)
    write_whole(folder / _COMPLETE_FILE, json.dumps(_digests(folder), indent=1))


def is_damaged(folder: Path) -> bool:
    """Return whether files of a complete folder have changed since."""
    path = folder / _COMPLETE_FILE
    try:
        return path.exists() and json.loads(path.read_text(encoding="utf-8")) != _digests(folder)
    except (OSError, ValueError):
        return True


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != _COMPLETE_FILE)
    return {path.name: str(checksum_of(path, algorithm="sha256")) for path in files}


def epoch_files(work_dir: Path) -> list[Path]:
    """List the weights of epoch ends, oldest first."""
    return sorted(work_dir.glob("epoch-*.safetensors"), key=lambda path: int(path.stem.rpartition("-")[2]))


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    """Copy the floating-point weights of a model."""
    weights = model.state_dict().items()
    return {name: one.detach().clone() for name, one in weights if one.is_floating_point()}


def mix_in(model: PreTrainedModel, weights: dict[str, Tensor], share: float) -> None:
    """Interpolate between a model's weights and others, as WiSE-FT does with those before training.

    Wortsman et al. 2022, Robust fine-tuning of zero-shot models (https://arxiv.org/abs/2109.01903).

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Changed in place.
    weights : dict of str to tensor
        Floating-point weights before training, by name.
    share : float
        Weight of `weights` in the result, from 0 to 1.
    """
    with torch.no_grad():
        for name, weight in model.state_dict().items():
            if name in weights:
                weight.lerp_(weights[name], share)


def mean_weights(files: Sequence[Path]) -> dict[str, Tensor]:
    """Average the weights in several files, such as the last epochs of a run.

    Parameters
    ----------
    files : sequence of Path
        Safetensors files with the same names and shapes.

    Returns
    -------
    dict of str to tensor
    """
    total: dict[str, Tensor] = {}
    for file in files:
        for name, weight in load_file(file).items():
            total[name] = total[name] + weight if name in total else weight
    return {name: weight / len(files) for name, weight in total.items()}
