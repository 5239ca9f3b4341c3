"""A training run from its start to a zoo model folder, and where the start comes from."""

from __future__ import annotations

import json
import logging
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from model_zoo.catalog import folders
from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.locks import alone
from model_zoo.catalog.zoo import load_model
from model_zoo.train.recipe import RecipeError, load_recipe
from ner_core.files import write_whole
from ner_core.tokenizer_files import read_json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_zoo.catalog.schema import Model
    from model_zoo.train.output import TrainingResult
    from model_zoo.train.recipe import Recipe

__all__ = ["finetune", "resolve_start"]

log = logging.getLogger(__name__)

#: Files of a training in its work folder beside the recipe; ``--restart`` deletes no others.
_INPUTS = "inputs.json"
_LOCK = ".lock"
_TRAINING_FILES = (
    _INPUTS,
    "checkpoint-*",
    "epoch-*.safetensors",
    "best",
    "start",
    "scores.json",
    "answers-*.npz",
    "teacher-*",
)


#: What a start on this machine may be, in messages.
_STARTS = "a folder with config.json, a .nemo file, the .xml of an IR"


def finetune(
    recipe: Recipe,
    start: Path,
    data_dir: Path,
    folder: Path,
    *,
    teacher_start: Path | None = None,
    work_dir: Path | None = None,
    restart: bool = False,
    progress: bool = True,
) -> TrainingResult:
    """Train a recipe, or resume a run that was killed, and write a zoo model folder.

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
    restart : bool
        Discard the checkpoints of an earlier run.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    TrainingResult

    Raises
    ------
    FileNotFoundError, ValueError
        A corpus or the start cannot be read, or the work folder is of another training; the message says
        which.
    """
    from model_zoo.train.data import load_corpora
    from model_zoo.train.loop import train
    from model_zoo.train.output import TrainingResult, write_card, write_checkpoint, write_model_yml
    from model_zoo.train.plan import Plan
    from model_zoo.train.scores import score_corpora
    from model_zoo.train.start import load_start, reads_casing
    from model_zoo.train.teachers import ask_teachers
    from model_zoo.train.vocabulary import cut_vocabulary

    begun = time.monotonic()
    teacher_start = teacher_start or start
    work_dir = work_dir or folder / ".training"
    with _locked(work_dir):
        if restart:
            _forget_training(work_dir)
        if recipe.token_type_ids is None and reads_casing(start):
            log.info("token_type_ids: word_casing, as in the start")
            recipe = recipe.model_copy(update={"token_type_ids": "word_casing"})
        corpora = load_corpora(recipe, data_dir)
        starts = [start, teacher_start] if recipe.teachers else [start]
        digests = _digests(recipe, data_dir, starts)
        _check_unchanged(recipe, digests, work_dir)
        _warn_of_copies(digests)
        ask_teachers(recipe, teacher_start, corpora, work_dir, progress=progress)
        model, encoder = load_start(recipe, start)
        if recipe.vocabulary:
            encoder = cut_vocabulary(model, encoder, corpora, recipe.vocabulary)
        plan = Plan(recipe, corpora, encoder)
        log.info("steps: %d", len(plan))
        history = train(model, plan, work_dir, progress=progress)

        def write(made: Path) -> None:
            write_model_yml(recipe, encoder, write_checkpoint(model, encoder, start, made), made)

        _publish(write, folder)

        result = TrainingResult(
            history=history,
            scores={
                casing: score_corpora(model, corpora, encoder, recipe.labels, casing=casing)
                for casing in ("", "lower", "upper")
            },
            sentences={name: (len(corpus.train), len(corpus.dev)) for name, corpus in corpora.items()},
            seconds=time.monotonic() - begun,
            steps=len(plan),
            parameters=sum(weight.numel() for weight in model.parameters()),
        )
        write_card(recipe, result, folder)
        _write_recipe(recipe, folder / "recipe.yml")
        return result


def _publish(write: Callable[[Path], object], folder: Path) -> None:
    """Write a model to a temporary folder, and replace an earlier one when it is complete."""
    from model_zoo.convert.workplace import publish, workplace
    from model_zoo.train.output import CHECKPOINT

    with workplace(folder) as staging:
        made = staging / folder.name
        made.mkdir()
        write(made)
        publish(made / CHECKPOINT, folder / CHECKPOINT)
        (made / "model.yml").replace(folder / "model.yml")


@contextmanager
def _locked(work_dir: Path) -> Iterator[None]:
    """Keep other trainings out of a work folder, which is made if it does not exist.

    A folder with files but no recipe is refused: training deletes checkpoints as it goes.
    """
    foreign = work_dir.is_dir() and any(path.name != _LOCK for path in work_dir.iterdir())
    if (foreign and not (work_dir / "recipe.yml").is_file()) or (work_dir.exists() and not work_dir.is_dir()):
        msg = f"{work_dir}: holds files that are not of a training; give another folder with --work_dir"
        raise RecipeError(msg)
    work_dir.mkdir(parents=True, exist_ok=True)
    with alone(work_dir / _LOCK, work_dir, "give another folder with --work_dir", RecipeError):
        yield


def _digests(recipe: Recipe, data_dir: Path, starts: list[Path]) -> dict[str, str]:
    """Return the checksum of every corpus file and of what training starts from."""
    from model_zoo.train.data import open_part

    files = {
        f"corpora.{name}.{part}": list(open_part(data_dir / file, part).files)
        for name, corpus in recipe.corpora.items()
        for part, file in (("train", corpus.train), ("dev", corpus.dev))
        if file is not None
    }
    for key, start in zip(("start", "teachers.start"), starts, strict=False):
        beside = sorted(start.iterdir()) if start.is_dir() else [start, start.with_suffix(".bin")]
        files[key] = [path for path in beside if path.is_file()]
    return {key: str(checksum_of(*paths)) for key, paths in files.items()}


def _warn_of_copies(digests: dict[str, str]) -> None:
    """Warn of dev files that are train files too: their scores say nothing about other text."""
    train = {digest: key for key, digest in digests.items() if key.endswith(".train")}
    for key, digest in digests.items():
        if key.endswith(".dev") and digest in train:
            log.warning(
                "%s is the same text as %s: its scores say nothing about other text", key, train[digest]
            )


def _check_unchanged(recipe: Recipe, digests: dict[str, str], work_dir: Path) -> None:
    """Refuse to resume with another recipe, other data or another start; remember those of this run."""
    path, inputs = work_dir / "recipe.yml", work_dir / _INPUTS
    changed = []
    if path.is_file():
        # A start may have moved: its digest says whether it is another one.
        starts: dict[str, Any] = {"start": True, "teachers": {"start"}}
        before, now = (one.model_dump(exclude=starts) for one in (load_recipe(path), recipe))
        changed = [key for key in now if before[key] != now[key]]
    if inputs.is_file() and not changed:
        known = read_json_object(inputs)
        changed = [key for key, digest in digests.items() if known.get(key) != digest]
    # A wrong path or start ends a run before there is anything to resume.
    learned = (one for name in ("checkpoint-*", "answers-*.npz", "teacher-*") for one in work_dir.glob(name))
    if changed and not any(learned):
        _forget_training(work_dir)
    elif changed:
        msg = (
            f"{work_dir}: holds checkpoints of another training (changed since: {', '.join(changed)}). "
            "Give --restart to begin anew, or another --work_dir."
        )
        raise RecipeError(msg)
    _write_recipe(recipe, path)
    write_whole(inputs, json.dumps(digests, indent=1))


def _forget_training(work_dir: Path) -> None:
    """Delete the files of an earlier training from its work folder, and no others."""
    recipe = work_dir / "recipe.yml"
    if not recipe.is_file():
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


def resolve_start(start: str, zoo: Path | None, download_dir: Path, *, progress: bool = True) -> Path:
    """Find the files to start from: a path, or what the zoo's downloader fetches.

    Parameters
    ----------
    start : str
        Folder of a checkpoint or of a model of the zoo, .nemo file, .xml of an IR, zoo name, or
        ``owner/name`` of the hub.
    zoo : Path or None
        Zoo in which a name is looked up; None: the models of this package.
    download_dir : Path
        Models folder of the downloads.
    progress : bool
        Whether downloads are reported.

    Returns
    -------
    Path
        A folder with config.json, or a file.

    Raises
    ------
    ValueError
        There is no such path or name, or it cannot be downloaded.
    """
    path = Path(start).expanduser()
    if path.exists():
        return _checkpoint_at(path)
    from model_zoo.download import hub
    from model_zoo.download.job import DownloadError, download
    from model_zoo.download.reporting import TextReporter

    start = folders.canonical_name(start)
    model = folders.find_model(start, zoo, download_dir)
    if model is None and start.startswith("hf:"):
        model = hub.look_up(start, download_dir, encoder=True)
    if model is None:
        msg = f"start: expected {_STARTS}, a name of the zoo or of the hub, found {start!r}"
        raise ValueError(msg)
    reporter = TextReporter()
    try:
        download(model, download_dir, progress=reporter if progress else None)
    except DownloadError as error:
        msg = f"start: {start} could not be downloaded: {error}"
        raise ValueError(msg) from error
    finally:
        reporter.close()
    return _start_within(model, folders.model_folder(model, download_dir))


def _checkpoint_at(path: Path) -> Path:
    """Return the checkpoint at a path: the path itself, or what is in a model's or an IR's folder."""
    if path.is_dir():
        if (path / "config.json").is_file():
            return path
        if (path / "model.yml").is_file():
            return _start_within(load_model((path / "model.yml").resolve()), path)
        return next(path.glob("*.xml"), path)
    if path.suffix != ".xml" and not _is_archive(path):
        msg = f"start: expected {_STARTS}, found the file {path}"
        raise ValueError(msg)
    return path


def _start_within(model: Model, folder: Path) -> Path:
    """Return the checkpoint among a model's files, which may be the encoder that the model was trained from.

    ``checkpoint`` of model.yml names what the converter reads; it need not be among the files.
    """
    paths = [folder / file.name for file in model.files]
    archives = [path for path in paths if _is_archive(path)]
    encoders = [path.parent for path in paths if path.name == "config.json"]
    return next(iter(archives + encoders), folder / model.checkpoint_path)


def _is_archive(path: Path) -> bool:
    from model_zoo.convert.checkpoints.e5s1 import is_e5s1  # loads numpy, which --help does not need

    return path.suffix == ".nemo" or is_e5s1(path)
