"""Fine-tune a BERT-style encoder or token classifier on labelled data.

A YAML recipe says everything, so that one command makes a result again::

    python -m model_zoo.finetuner recipe.yml --data_dir corpora --output_dir models

Simple cases need no file::

    python -m model_zoo.finetuner --name my-ner --start bert-base-ner --train train.conll --dev dev.conll

A killed run goes on from its last checkpoint when it is started again in the same way.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a script: python model_zoo/finetuner.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog.folders import models_dir
from model_zoo.train.recipe import Recipe, RecipeError, check_recipe, load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.catalog.zoo import Model
    from model_zoo.train.output import TrainingResult

log = logging.getLogger(__name__)

#: Exit codes: fine, failed, wrong usage, stopped by the user.
FINE, FAILED, USAGE, STOPPED = 0, 1, 2, 130

#: What a training keeps in its work folder beside the recipe; all that ``--restart`` deletes.
_TRAINING_FILES = ("checkpoint-*", "epoch-*.safetensors", "best", "scores.json", "answers-*.npz", "teacher-*")

#: What the flags that make up a recipe have as default.
DEFAULT_EPOCHS, DEFAULT_RATE = 3, 5e-5


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
    from model_zoo.train.output import (
        CHECKPOINT,
        TrainingResult,
        write_card,
        write_checkpoint,
        write_model_yml,
    )
    from model_zoo.train.plan import Plan
    from model_zoo.train.rows import WordEncoder
    from model_zoo.train.scores import score_corpora
    from model_zoo.train.start import load_start
    from model_zoo.train.teachers import ask_teachers

    begun = time.monotonic()
    work_dir = work_dir or folder / ".training"
    _guard(recipe, work_dir)
    corpora = load_corpora(recipe, data_dir)
    ask_teachers(recipe, teacher_start or start, corpora, work_dir, progress=progress)
    model, tokenizer = load_start(recipe, start)
    encoder = WordEncoder(tokenizer, casing=recipe.token_type_ids is not None)
    plan = Plan(recipe, corpora, encoder)
    log.info("%d steps in %d stages", len(plan), len(recipe.stages))
    history = train(recipe, model, plan, corpora, encoder, work_dir, progress=progress)

    def score(casing: str) -> dict[str, dict[str, float]]:
        return score_corpora(model, corpora, encoder, recipe.labels, recipe.max_length, casing=casing)

    result = TrainingResult(
        history=history,
        scores={casing: score(casing) for casing in ("", "lower", "upper")},
        sentences={name: (len(corpus.train), len(corpus.dev)) for name, corpus in corpora.items()},
        seconds=time.monotonic() - begun,
        steps=len(plan),
        parameters=sum(weight.numel() for weight in model.parameters()),
    )
    lower_case = encoder("A")[0] == encoder("a")[0]
    write_checkpoint(model, tokenizer, folder / CHECKPOINT, lower_case=lower_case)
    write_model_yml(recipe, folder, lower_case=lower_case)
    write_card(recipe, result, folder)
    _write_recipe(recipe, folder / "recipe.yml")
    return result


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
    import shutil

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
    import yaml

    path.parent.mkdir(parents=True, exist_ok=True)
    content = recipe.model_dump(mode="json", exclude_unset=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")


def recipe_of_flags(args: argparse.Namespace) -> Recipe:
    """Make a recipe out of command line flags, for runs with one stage.

    Parameters
    ----------
    args : argparse.Namespace
        ``name``, ``start``, ``train`` (list of files), ``dev``, ``types``, ``epochs``, ``learning_rate``, ...

    Returns
    -------
    Recipe
    """
    missing = [f"--{key}" for key in ("name", "start", "train") if not getattr(args, key)]
    if missing:
        msg = f"without a recipe file, {', '.join(missing)} must be given"
        raise RecipeError(msg)
    labels = dict(pair.split("=", 1) for pair in args.label or [])
    corpora: dict[str, dict[str, Any]] = {
        f"corpus{number}": {"train": str(Path(file).absolute()), "labels": labels}
        for number, file in enumerate(args.train, 1)
    }
    for number, file in enumerate(args.dev or [], 1):
        corpora.setdefault(f"corpus{number}", {"labels": labels})["dev"] = str(Path(file).absolute())
    stage = {
        "corpora": {name: 1 for name, corpus in corpora.items() if "train" in corpus},
        "epochs": args.epochs or DEFAULT_EPOCHS,
        "learning_rate": args.learning_rate or DEFAULT_RATE,
        "warmup": 0.06,
    }
    content: dict[str, Any] = {
        "name": args.name,
        "start": args.start,
        "types": args.types.split(",") if args.types else _types_of(args.train, labels),
        "corpora": corpora,
        "stages": [stage],
    }
    for key in ("max_length", "batch_tokens", "patience", "seed", "token_type_ids"):
        if getattr(args, key) is not None:
            content[key] = getattr(args, key)
    return check_recipe(content, "command line")


def _types_of(files: Sequence[str], labels: dict[str, str]) -> list[str]:
    """List the entity types that stand in files, mapped, in order of appearance."""
    from ner_core.corpus import open_dataset
    from ner_core.labels import spans

    found: dict[str, None] = {}
    for file in files:
        for _, tags in open_dataset(file):
            found.update(dict.fromkeys(labels.get(kind, kind) for kind, _, _ in spans(tags)))
    found.pop("O", None)
    return list(found)


def resolve_start(start: str, models_root: Path | None, download_dir: Path) -> Path:
    """Find the files to start from: a path, or what the zoo's downloader fetches.

    Parameters
    ----------
    start : str
        Folder, .nemo file, zoo name or ``hf:owner/name``.
    models_root : Path or None
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
    from model_zoo.catalog import folders
    from model_zoo.download import hub
    from model_zoo.download.job import DownloadError, download
    from model_zoo.download.reporting import TextReporter

    model = folders.find_model(start, models_root, download_dir)
    if model is None and start.startswith("hf:"):
        model = hub.resolve(start, encoder=True)
    if model is None:
        msg = f"start: expected a folder, a .nemo file, a name of the zoo or hf:owner/name, found {start!r}"
        raise ValueError(msg)
    reporter = TextReporter()
    try:
        download(model, download_dir, progress=reporter)
    except DownloadError as error:
        msg = f"start: {start} could not be downloaded: {error}"
        raise ValueError(msg) from error
    finally:
        reporter.close()
    return folders.model_folder(model, download_dir) / _start_within(model)


def _start_within(model: Model) -> str:
    """Name what was downloaded: the archive, or the folder of config.json."""
    for file in model.files:
        if file.name.endswith(".nemo"):
            return file.name
        if Path(file.name).name == "config.json":
            return str(Path(file.name).parent)
    return "."


def build_parser() -> argparse.ArgumentParser:
    """Build the command line."""
    parser = argparse.ArgumentParser(
        prog="finetuner",
        description="Fine-tune a BERT-style model on labelled data; the result is a zoo model folder.",
    )
    parser.add_argument(
        "recipe", nargs="?", type=Path, help="YAML file that says everything (see a model's recipe.yml)"
    )
    parser.add_argument("--data_dir", type=Path, help="folder of the corpora; default: the recipe's own")
    parser.add_argument(
        "-o",
        "--output_dir",
        type=Path,
        help="models folder; default: $NER_MODELS_DIR, else your cache folder",
    )
    parser.add_argument("--start", help="what to start from: zoo name, hf:owner/name, folder or .nemo")
    parser.add_argument("--teacher_start", help="what the recipe's teachers start from, likewise")
    parser.add_argument(
        "--models_dir", type=Path, help="zoo of your own in which a start's name is looked up"
    )
    parser.add_argument(
        "--download_dir", type=Path, help="where a start is downloaded; default: the models folder"
    )
    parser.add_argument(
        "--work_dir", type=Path, help="checkpoints of the running training; default: in the result"
    )
    parser.add_argument("--restart", action="store_true", help="forget the checkpoints of an earlier run")
    parser.add_argument("--threads", type=int, help="processor threads; default: all")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, warnings only")
    group = parser.add_argument_group("instead of a recipe file")
    group.add_argument("--name", help="of the model that is made")
    group.add_argument("--train", action="append", help="CoNLL file or NeMo text_*.txt; may be given again")
    group.add_argument("--dev", action="append", help="to measure on, in the order of --train")
    group.add_argument("--label", action="append", metavar="FROM=TO", help="rename a type; FROM=O drops it")
    group.add_argument("--types", help="comma list; default: those in the training files")
    group.add_argument("--token_type_ids", choices=["word_casing"], help="give an uncased model the capitals")
    group.add_argument("--epochs", type=int)
    group.add_argument("--learning_rate", type=float)
    group.add_argument("--batch_tokens", type=int, help="pieces in a batch")
    group.add_argument("--max_length", type=int, help="pieces of the longest sentence")
    group.add_argument("--patience", type=int, help="epochs without gain before stopping; 0: never")
    group.add_argument("--seed", type=int)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional

    Returns
    -------
    int
        Exit code.
    """
    parser = build_parser()
    args = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.WARNING if args.quiet else logging.INFO, format="%(message)s", stream=sys.stderr
    )
    try:
        recipe = load_recipe(args.recipe) if args.recipe else recipe_of_flags(args)
    except (RecipeError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    try:
        return _run(recipe, args)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from the last checkpoint\n")
        return STOPPED
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is needed to train: pip install 'ner-zoo[train]'\n")
        return FAILED
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _run(recipe: Recipe, args: argparse.Namespace) -> int:
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if args.threads:
        torch.set_num_threads(args.threads)
    models = models_dir(args.output_dir)
    folder = models / "public" / recipe.name
    work_dir = args.work_dir or folder / ".training"
    if args.restart:
        forget_training(work_dir)
    data_dir = args.data_dir or (args.recipe.parent if args.recipe else Path())
    download_dir = args.download_dir or models
    start = resolve_start(args.start or recipe.start, args.models_dir, download_dir)
    teacher = args.teacher_start or (recipe.teachers.start if recipe.teachers else None)
    result = finetune(
        recipe,
        start,
        data_dir,
        folder,
        teacher_start=resolve_start(teacher, args.models_dir, download_dir) if teacher else None,
        work_dir=work_dir,
        progress=not args.quiet,
    )
    for name, scores in result.scores[""].items():
        log.info("%s: micro F1 %.4f, macro F1 %.4f", name, scores["micro_f1"], scores["macro_f1"])
    log.info("%s is ready for converter.py", folder)
    return FINE


if __name__ == "__main__":
    sys.exit(main())
