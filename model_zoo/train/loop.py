"""Train a token classifier from a recipe: transformers' Trainer with our batches, loss, averaging, resume.

Only the fine-tuner imports this module; it imports torch and transformers.
"""

from __future__ import annotations

import ctypes
import logging
import math
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from tqdm.contrib.logging import logging_redirect_tqdm
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments

from model_zoo.train.averages import (
    WeightAverage,
    epoch_files,
    is_damaged,
    last_checkpoint,
    mean_weights,
    mix_in,
    weights_of,
)
from model_zoo.train.epochs import ScoreEpochs, Scores
from model_zoo.train.precision import bf16_is_faster
from model_zoo.train.scores import score_corpora

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedModel

    from model_zoo.train.plan import Plan
    from model_zoo.train.recipe import Recipe

log = logging.getLogger(__name__)


def set_loss(logits: Tensor, sets: Tensor, answers: Tensor | None = None) -> Tensor:
    """Return the negative log-probability of the allowed labels, averaged over words.

    With one allowed label this is cross-entropy; with several it is the log-sum-exp over them, so that a
    corpus can say "O or MISC" where it does not annotate MISC. Where teachers answered, part of the loss is
    cross-entropy with their probabilities; the sum of these is its weight.

    Parameters
    ----------
    logits : float tensor [batch, pieces, labels]
    sets : bool tensor [batch, pieces, labels]
        The allowed labels; none where nothing is learned.
    answers : float tensor [batch, pieces, labels], optional
        Probabilities of the teachers, scaled by their weight in the loss.

    Returns
    -------
    float tensor []

    Examples
    --------
    >>> logits = torch.tensor([[[2.0, 0.0, 0.0]]])
    >>> float(set_loss(logits, torch.tensor([[[True, True, True]]])))
    0.0
    """
    labelled = sets.any(-1)
    scores = logits[labelled].float()
    chosen = scores.masked_fill(~sets[labelled], -math.inf).logsumexp(-1)
    losses = scores.logsumexp(-1) - chosen
    if answers is not None:
        told = answers[labelled]
        losses = (1 - told.sum(-1)) * losses - (told * scores.log_softmax(-1)).sum(-1)
    return losses.sum() / max(losses.numel(), 1)  # a batch may hold no word that teaches anything


class RecipeTrainer(Trainer):
    """Trainer whose steps, learning rates and loss come from a recipe."""

    def __init__(self, plan: Plan, **options: Any) -> None:
        self.recipe, self.plan = plan.recipe, plan
        super().__init__(train_dataset=plan, data_collator=_collate, **options)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:  # noqa: ARG002 - signature of Trainer
        return torch.utils.data.SequentialSampler(self.plan)  # the plan is shuffled already

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002
    ) -> Any:
        """Loss of one batch of the plan."""
        sets = inputs.pop("label_sets")
        answers = inputs.pop("answers", None)
        outputs = model(**inputs)
        loss = set_loss(outputs.logits, sets, answers)
        if not torch.isfinite(loss):
            msg = (
                f"training diverged at step {self.state.global_step + 1}: expected a finite loss, found "
                f"{loss.item()}. Lower the learning rate, and begin again with --restart."
            )
            raise ValueError(msg)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002
        """Create AdamW with a higher learning rate for new layers: the classifier and the casing table."""
        network: Any = self.model
        groups: dict[tuple[bool, bool], list[Any]] = {}
        for name, weight in network.named_parameters():
            if not weight.requires_grad:
                continue
            fresh = not name.startswith(f"{network.base_model_prefix}.") or (
                self.recipe.token_type_ids is not None and "token_type_embeddings" in name
            )
            groups.setdefault((fresh, weight.ndim > 1), []).append(weight)
        self.optimizer = torch.optim.AdamW(
            [
                {
                    "params": weights,
                    "lr": self.recipe.head_rate if fresh else 1.0,  # multiplies the stage's rate
                    "weight_decay": self.recipe.weight_decay if decayed else 0.0,
                }
                for (fresh, decayed), weights in groups.items()
            ],
            fused=True,
        )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # noqa: ARG002
        """Create the schedule: the plan gives the learning rate of each step."""
        chosen: Any = optimizer or self.optimizer
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(chosen, self._rate)
        return self.lr_scheduler

    def _rate(self, step: int) -> float:
        batch = self.plan.batches[min(step, len(self.plan.batches) - 1)]
        stage = self.recipe.stages[batch.stage]
        if batch.share < stage.warmup:
            return stage.learning_rate * max(batch.share, 1e-3) / stage.warmup
        left = (1 - batch.share) / (1 - stage.warmup)
        return stage.learning_rate * (stage.final + (1 - stage.final) * left)


def _collate(items: list[Any]) -> dict[str, Tensor]:
    """Turn the only item, which is a whole batch of the plan, into tensors."""
    return {name: torch.from_numpy(array) for name, array in items[0].items()}


class Bar(ProgressCallback):
    """Progress on stderr with the loss beside it; nothing on stdout, which belongs to results."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Show the loss."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=logs["loss"])

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Write messages above the bar, and end its line however training ends."""
        try:
            with logging_redirect_tqdm():
                yield
        finally:
            if self.training_bar is not None:
                self.training_bar.close()


def train(
    model: PreTrainedModel,
    plan: Plan,
    work_dir: Path,
    *,
    progress: bool = True,
    keep_start: bool = True,
) -> list[dict[str, Any]]:
    """Run the plan, resuming from the checkpoint in the work folder if there is one.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Changed in place; ends with the best weights, which are the initial ones if no epoch beats them.
    plan : Plan
        The dev parts of its corpora are scored when an epoch ends.
    work_dir : Path
        Checkpoints of this run.
    progress : bool
        Show a bar on stderr.
    keep_start : bool
        Score the initial weights, and restore them if no epoch scores higher.

    Returns
    -------
    list of dict
        The start (step 0), then one entry per finished epoch: step, stage, epoch, mean micro F1, scores by
        corpus. The first has ``kept: True`` where no epoch beat it and its weights were kept.
    """
    recipe = plan.recipe
    _keep_memory()
    work_dir.mkdir(parents=True, exist_ok=True)
    average = WeightAverage(model, recipe.average) if recipe.average else None
    start = weights_of(model) if recipe.start_share else {}
    mixed = recipe.bf16 and bf16_is_faster()
    log.info("precision: %s", "bfloat16" if mixed else "float32")
    if mixed and not torch.cuda.is_available():
        # Faster in bfloat16 on a CPU: 5.6 against 3.6 thousand pieces a second on two cores.
        model.set_attn_implementation("eager")

    def score(*, exact: bool) -> Scores:
        return score_corpora(model, plan.corpora, plan.encoder, recipe.labels, bf16=mixed and not exact)

    scorer = ScoreEpochs(plan, model, average, score, work_dir / "best", keep_start=keep_start)
    arguments = TrainingArguments(
        output_dir=str(work_dir),
        per_device_train_batch_size=1,  # one item of the plan is one batch
        num_train_epochs=1,
        bf16=mixed,
        max_grad_norm=1.0,
        seed=recipe.seed,
        logging_steps=50,
        logging_first_step=True,
        save_strategy="no",  # ScoreEpochs asks for checkpoints
        save_total_limit=2,
        report_to=[],
        disable_tqdm=not progress,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
    )
    callbacks = [callback for callback in (average, scorer) if callback]
    trainer = RecipeTrainer(plan, model=model, args=arguments, callbacks=callbacks)
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    bar = Bar()
    if progress:
        trainer.add_callback(bar)
    resumed = last_checkpoint(work_dir)
    if resumed:
        log.info("resuming from %s", resumed)
    with bar.apart():
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if weights := _result(recipe, work_dir):
        model.load_state_dict(weights, strict=False)
    elif average:
        average.swap()
    mix_in(model, start, recipe.start_share)
    scorer.keep_the_better(work_dir)
    return scorer.history


def _result(recipe: Recipe, work_dir: Path) -> dict[str, Tensor]:
    """Return the weights that a finished run saved: the mean of the last epochs, or the best epoch."""
    if recipe.mean_epochs and (files := epoch_files(work_dir)):
        return mean_weights(files)
    best = work_dir / "best" / "model.safetensors"
    if not best.is_file():
        return {}
    if is_damaged(best.parent):
        msg = f"{best}: damaged since it was written. Train from the beginning with --restart."
        raise ValueError(msg)
    return load_file(best)


def _keep_memory() -> None:
    """Let the C library reuse large blocks: fresh pages for each gradient cost a quarter of a step."""
    if sys.platform != "linux":
        return
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(-4, 0)  # M_MMAP_MAX: never use mmap for a block
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: never return memory
        library.mallopt(-2, 2**28)  # M_TOP_PAD: grow in large steps
    except (OSError, AttributeError):  # another C library: slower, not wrong
        log.debug("mallopt is not available", exc_info=True)
