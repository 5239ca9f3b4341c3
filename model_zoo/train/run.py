"""A training run from its start to a zoo model folder, and where the start comes from."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from model_zoo.catalog import folders
from model_zoo.convert.checkpoints.e5s1 import is_e5s1
from model_zoo.train.recipe import Recipe, RecipeError, load_recipe
from ner_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

    from model_zoo.catalog.schema import Model
    from model_zoo.train.output import TrainingResult
    from model_zoo.train.rows import SentenceEncoder

__all__ = ["finetune", "forget_training", "resolve_start"]

log = logging.getLogger(__name__)

#: What a training keeps in its work folder beside the recipe; all that ``--restart`` deletes.
_TRAINING_FILES = (
    "checkpoint-*",
    "epoch-*.safetensors",
    "best",
    "start",
    "scores.json",
    "answers-*.npz",
    "teacher-*",
)


def finetune(
    recipe: Recipe,
    start: Path,
    data_dir: Path,
    folder: Path,
    *,
    teacher_start: Path | None = None,
    work_dir: Path | None = None,
    progress: bool = True,
) -> TrainingResult:
    """Train after a recipe, or go on with a run that was killed, and write a zoo model folder.

    Parameters
    ----------
    recipe : Recipe
    start : Path
        Folder or .nemo archive of the encoder or token classifier.
    data_dir : Path
        The corpora's files are below it.
    folder : Path
        Gets ``model.yml``, ``README.md``, ``recipe.yml`` and ``checkpoint/``; ready for the converter.
    teacher_start : Path, optional
        Folder or .nemo archive that the recipe's teachers start from; `start` by default.
    work_dir : Path, optional
        Checkpoints of the running training; ``folder / ".training"`` by default.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    TrainingResult

    Raises
    ------
    FileNotFoundError, ValueError
        A corpus or the start cannot be read; the message says which file.
    """
    from model_zoo.train.data import load_corpora
    from model_zoo.train.loop import train
    from model_zoo.train.output import TrainingResult, write_card
    from model_zoo.train.plan import Plan
    from model_zoo.train.scores import score_corpora
    from model_zoo.train.start import load_start
    from model_zoo.train.teachers import ask_teachers
    from model_zoo.train.vocabulary import cut_vocabulary

    begun = time.monotonic()
    work_dir = work_dir or folder / ".training"
    _guard(recipe, work_dir)
    corpora = load_corpora(recipe, data_dir)
    ask_teachers(recipe, teacher_start or start, corpora, work_dir, progress=progress)
    model, encoder = load_start(recipe, start)
    if recipe.vocabulary:
        encoder = cut_vocabulary(model, encoder, corpora, recipe.vocabulary)
    plan = Plan(recipe, corpora, encoder)
    log.info("%d steps in %d stages", len(plan), len(recipe.stages))
    history = train(recipe, model, plan, corpora, encoder, work_dir, progress=progress)
    _publish(lambda made: _write_model(recipe, model, encoder, start, made), folder)

    def score(casing: str) -> dict[str, dict[str, float]]:
        return score_corpora(model, corpora, encoder, recipe.labels, casing=casing)

    result = TrainingResult(
        history=history,
        scores={casing: score(casing) for casing in ("", "lower", "upper")},
        sentences={name: (len(corpus.train), len(corpus.dev)) for name, corpus in corpora.items()},
        seconds=time.monotonic() - begun,
        steps=len(plan),
        parameters=sum(weight.numel() for weight in model.parameters()),
    )
    write_card(recipe, result, folder)
    _write_recipe(recipe, folder / "recipe.yml")
    return result


def _write_model(
    recipe: Recipe, model: PreTrainedModel, encoder: SentenceEncoder, start: Path, folder: Path
) -> None:
    from model_zoo.train.output import write_checkpoint, write_model_yml

    write_model_yml(recipe, encoder, write_checkpoint(model, encoder, start, folder), folder)


def _publish(write: Callable[[Path], object], folder: Path) -> None:
    """Write a model beside an earlier one, and put it in its place when all of it is there."""
    from model_zoo.convert.workplace import publish
    from model_zoo.train.output import CHECKPOINT

    staging = folder / ".result"
    shutil.rmtree(staging, ignore_errors=True)
    made = staging / folder.name
    made.mkdir(parents=True)
    try:
        write(made)
        publish(made / CHECKPOINT, folder / CHECKPOINT)
        (made / "model.yml").replace(folder / "model.yml")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _guard(recipe: Recipe, work_dir: Path) -> None:
    """Refuse to go on with checkpoints of another recipe; remember the recipe of this run.

    A folder that holds somebody's files and no recipe is refused: training deletes checkpoints as it goes.
    """
    path = work_dir / "recipe.yml"
    if not path.is_file():
        _check_empty(work_dir)
        _write_recipe(recipe, path)
        return
    before = load_recipe(path)
    if before == recipe:
        return
    changed = [key for key in Recipe.model_fields if getattr(before, key) != getattr(recipe, key)]
    msg = (
        f"{work_dir}: holds checkpoints of another recipe ({', '.join(changed)} differ). "
        "Give --restart to begin anew, or another --work_dir."
    )
    raise RecipeError(msg)


def _check_empty(work_dir: Path) -> None:
    if work_dir.exists() and not (work_dir.is_dir() and not any(work_dir.iterdir())):
        msg = f"{work_dir}: holds files that are not of a training; give another folder with --work_dir"
        raise RecipeError(msg)


def forget_training(work_dir: Path) -> None:
    """Delete what an earlier training keeps in its folder, and nothing else that may lie there.

    Raises
    ------
    RecipeError
        If the folder holds files but not the recipe of a training.
    """
    recipe = work_dir / "recipe.yml"
    if not recipe.is_file():
        _check_empty(work_dir)
        return
    load_recipe(recipe)  # a file of this name that is something else raises here
    for pattern in _TRAINING_FILES:
        for path in work_dir.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    recipe.unlink()


def _write_recipe(recipe: Recipe, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = recipe.model_dump(mode="json", exclude_unset=True)
    write_whole(path, yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True))


def resolve_start(start: str, zoo: Path | None, download_dir: Path) -> Path:
    """Find the files to start from: a path, or what the zoo's downloader fetches.

    Parameters
    ----------
    start : str
        Folder, .nemo file, zoo name, or ``owner/name`` of the hub.
    zoo : Path or None
        Zoo in which a name is looked up; None: the models of this package.
    download_dir : Path
        Models folder of the downloads.

    Returns
    -------
    Path
        A folder with config.json, or a .nemo file.

    Raises
    ------
    ValueError
        There is no such path or name, or it cannot be downloaded.
    """
    path = Path(start).expanduser()
    if path.exists():
        return path
    from model_zoo.download import hub
    from model_zoo.download.job import DownloadError, download
    from model_zoo.download.reporting import TextReporter

    start = folders.canonical_name(start)
    model = folders.find_model(start, zoo, download_dir)
    if model is None and start.startswith("hf:"):
        model = hub.resolve(start, encoder=True)
    if model is None:
        msg = f"start: expected a folder, a .nemo file, a name of the zoo or of the hub, found {start!r}"
        raise ValueError(msg)
    reporter = TextReporter()
    try:
        download(model, download_dir, progress=reporter)
    except DownloadError as error:
        msg = f"start: {start} could not be downloaded: {error}"
        raise ValueError(msg) from error
    finally:
        reporter.close()
    return _start_within(model, folders.model_folder(model, download_dir))


def _start_within(model: Model, folder: Path) -> Path:
    """Return what was downloaded: the archive, the one encoder file, or the folder of config.json."""
    for path in (folder / file.name for file in model.files):
        if path.suffix == ".nemo" or is_e5s1(path):
            return path
        if path.name == "config.json":
            return path.parent
    return folder
