"""The end of a training epoch: scores, the best weights, checkpoints, early stopping."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from model_zoo.train.averages import epoch_files, mark_complete
from ner_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

    from model_zoo.train.averages import WeightAverage
    from model_zoo.train.plan import Plan

log = logging.getLogger(__name__)

Scores = dict[str, dict[str, float]]

_SCORES_FILE = "scores.json"
_START = "start"

#: More than scoring in bfloat16 instead of float32 changes the mean F1.
_BF16_MARGIN = 0.01


class ScoreEpochs(TrainerCallback):
    """Score the dev parts when an epoch of the plan ends, keep the best weights, stop early."""

    def __init__(
        self,
        plan: Plan,
        model: PreTrainedModel,
        average: WeightAverage | None,
        score: Callable[..., Scores],
        best: Path,
        *,
        keep_start: bool,
    ) -> None:
        self.plan, self.model, self.average, self.score, self.best = plan, model, average, score, best
        self.keep_start = keep_start
        self.recipe = plan.recipe
        self.history: list[dict[str, Any]] = []
        self.saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Score the initial weights, or read the scores of the epochs before the checkpoint."""
        path = Path(args.output_dir) / _SCORES_FILE
        if self.keep_start and not state.global_step:
            self._score_start(Path(args.output_dir))
        if state.global_step and path.is_file():
            history = json.loads(path.read_text(encoding="utf-8"))
            self.history = [entry for entry in history if entry["step"] <= state.global_step]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Score at the end of an epoch; save there and when some minutes have passed."""
        if time.monotonic() - self.saved > self.recipe.save_minutes * 60:
            control.should_save = True
        end = self.plan.epoch_ends.get(state.global_step)
        if end is None:
            return
        self._score(args, state, end)
        control.should_save = True
        if self._stalled(end[0]):
            log.info("no gain in %d epochs: stopping", self.recipe.patience)
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Mark the checkpoint as complete (this callback runs last) and note the time."""
        mark_complete(Path(args.output_dir, f"checkpoint-{state.global_step}"))
        self.saved = time.monotonic()

    @property
    def start(self) -> float:
        """Mean F1 of the initial weights; 0 if they were not scored."""
        return self.history[0]["mean"] if self.history and not self.history[0]["step"] else 0.0

    def _score_start(self, work_dir: Path) -> None:
        """Score and save the initial weights, which are the result if no epoch beats them."""
        scores = self.score(exact=True)
        self.history = [{"step": 0, "stage": 0, "epoch": 0, "mean": mean_f1(scores), "scores": scores}]
        self._write(work_dir)
        if self.start:
            self.model.save_pretrained(work_dir / _START)
            log.info("before training: micro/macro F1 %s", _formatted(scores))

    def _write(self, work_dir: Path) -> None:
        write_whole(work_dir / _SCORES_FILE, json.dumps(self.history, indent=1))

    def _score(self, args: Any, state: Any, end: tuple[int, int]) -> None:
        if self.average:
            self.average.swap()
        scores = self.score(exact=False)
        mean = mean_f1(scores)
        entry = {"step": state.global_step, "stage": end[0], "epoch": end[1], "mean": mean, "scores": scores}
        if mean >= max((old["mean"] for old in self.history if old["step"]), default=0.0):
            self.model.save_pretrained(self.best)
            mark_complete(self.best)
        if self.recipe.mean_epochs:
            self._keep_epoch(Path(args.output_dir), state.global_step)
        if self.average:
            self.average.swap()
        self.history.append(entry)
        self._write(Path(args.output_dir))
        log.info("stage %d epoch %d, step %d: micro/macro F1 %s", *end, state.global_step, _formatted(scores))

    def _keep_epoch(self, work_dir: Path, step: int) -> None:
        """Save the scored weights of this epoch, and delete those that are too old for the mean."""
        save_file(self.model.state_dict(), work_dir / f"epoch-{step}.safetensors")
        for old in epoch_files(work_dir)[: -self.recipe.mean_epochs]:
            old.unlink()

    def _stalled(self, stage: int) -> bool:
        if not self.recipe.patience or stage != len(self.recipe.stages):
            return False
        means = [entry["mean"] for entry in self.history if entry["stage"] == stage]
        best = means.index(max(means))
        return len(means) - 1 - best >= self.recipe.patience

    def keep_the_better(self, work_dir: Path) -> None:
        """Restore the initial weights if those at the end of training score lower."""
        file = work_dir / _START / "model.safetensors"
        if not self.start or not file.is_file():
            return
        best = max((entry["mean"] for entry in self.history if entry["step"]), default=0.0)
        if not self.recipe.mean_epochs and best > self.start + _BF16_MARGIN:
            return
        ended = mean_f1(self.score(exact=True))
        if ended >= self.start:
            return
        self.model.load_state_dict(load_file(file), strict=False)
        self.history[0]["kept"] = True
        self._write(work_dir)
        log.warning(
            "no epoch did better on the dev parts than the start (mean micro F1 %.4f, after training %.4f): "
            "the start's weights are kept",
            self.start,
            ended,
        )


def mean_f1(scores: Scores) -> float:
    """Return the mean of the corpora's micro F1; 0 without corpora."""
    return sum(one["micro_f1"] for one in scores.values()) / max(len(scores), 1)


def _formatted(scores: Scores) -> str:
    return ", ".join(f"{name} {one['micro_f1']:.4f}/{one['macro_f1']:.4f}" for name, one in scores.items())
