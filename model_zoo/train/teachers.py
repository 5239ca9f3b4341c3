"""Teachers of a training run: models trained first, and what they say of the words of the corpora."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from model_zoo.train.loop import train
from model_zoo.train.plan import Plan
from model_zoo.train.precision import bf16_is_faster
from model_zoo.train.recipe import RecipeError
from model_zoo.train.scores import predict_logits
from model_zoo.train.start import is_classifier, load_start
from ner_core.files import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from model_zoo.train.data import LabelledCorpus
    from model_zoo.train.recipe import Recipe, Teachers
    from model_zoo.train.rows import SentenceEncoder

log = logging.getLogger(__name__)


def ask_teachers(
    recipe: Recipe,
    start: Path,
    corpora: dict[str, LabelledCorpus],
    work_dir: Path,
    *,
    progress: bool = True,
) -> None:
    """Train the teachers of a recipe and write the mean of their answers into the train sentences.

    A teacher without stages is asked as it is. One whose answers are saved is not trained again; an
    interrupted one resumes.

    Parameters
    ----------
    recipe : Recipe
        With teachers.
    start : Path
        Where the teachers start.
    corpora : dict of str to LabelledCorpus
        Train sentences of those with `teaching` get `answers`.
    work_dir : Path
        Keeps ``answers-1.npz`` and so on; the checkpoints of a teacher only until it has answered.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    RecipeError
        The teachers have no stages, and their start is an encoder, which knows no labels.
    """
    teachers = recipe.teachers
    if teachers is None:
        return
    if not teachers.stages and not is_classifier(start):
        msg = f"teachers.stages: expected stages, found none; the start {start} is no token classifier"
        raise RecipeError(msg)
    asked = {name: corpus for name, corpus in corpora.items() if recipe.corpora[name].teaching}
    for number in range(1, teachers.count + 1):
        file = work_dir / f"answers-{number}.npz"
        if not file.is_file():
            log.info("teacher %d of %d", number, teachers.count)
            folder = work_dir / f"teacher-{number}"
            lesson = _lesson(recipe, teachers, number)
            model, encoder = load_start(lesson, start, teacher=True)
            if teachers.stages:
                train(model, Plan(lesson, corpora, encoder), folder, progress=progress, keep_start=False)
            answers = {name: _answer(lesson, model, corpus, encoder) for name, corpus in asked.items()}
            with whole_file(file) as draft:
                np.savez(draft, **answers)  # type: ignore[arg-type]
            if teachers.stages:
                shutil.rmtree(folder)
    for name, corpus in asked.items():
        told = [np.load(work_dir / f"answers-{i + 1}.npz")[name] for i in range(teachers.count)]
        _set_answers(corpus, sum(told[1:], told[0].astype(np.float32)) / teachers.count)


def _lesson(recipe: Recipe, teachers: Teachers, number: int) -> Recipe:
    """Return the recipe of a teacher: its own seed, and its last epoch, so that dev parts choose nothing."""
    changes = {
        "stages": teachers.stages,
        "batch_tokens": teachers.batch_tokens,
        "dropout": teachers.dropout,
        "seed": recipe.seed + number,
        "teachers": None,
        "mean_epochs": 1,
        "patience": 0,
    }
    return recipe.model_copy(update=changes)


def _answer(
    recipe: Recipe, model: torch.nn.Module, corpus: LabelledCorpus, encoder: SentenceEncoder
) -> np.ndarray:
    """Probabilities for the words of all train sentences; zeros for words without pieces."""
    sentences = [sentence.words for sentence in corpus.train]
    mixed = recipe.bf16 and bf16_is_faster()
    found = predict_logits(model, sentences, encoder, len(recipe.labels), bf16=mixed)
    answers = np.zeros((sum(map(len, sentences)), len(recipe.labels)), np.float16)
    position = 0
    for words, (places, logits) in zip(sentences, found, strict=True):
        answers[position + places] = torch.from_numpy(logits).softmax(-1).numpy()
        position += len(words)
    return answers


def _set_answers(corpus: LabelledCorpus, answers: np.ndarray) -> None:
    position = 0
    for number, sentence in enumerate(corpus.train):
        end = position + len(sentence.words)
        corpus.train[number] = replace(sentence, answers=answers[position:end])
        position = end
