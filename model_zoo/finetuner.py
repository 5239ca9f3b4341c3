"""Fine-tune a BERT-style encoder or token classifier on labelled data.

A YAML recipe holds all settings, so that one command reproduces a result::

    python -m model_zoo.finetuner recipe.yml --data_dir corpora --output_dir models

Simple cases need no file::

    python -m model_zoo.finetuner --name my-ner --start bert-base-ner --train train.conll --dev dev.conll

A killed run resumes from its last checkpoint when the same command is run again.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":  # before the imports below, which take a while
    if not __package__:  # run as a script, whose folder must not be on the path
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from model_zoo.__main__ import run

    sys.exit(run("finetuner"))

from model_zoo.catalog.arguments import positive_integer, renaming, user_path
from model_zoo.catalog.command import FAILED, FINE, INTERRUPTED, USAGE, program, run_command
from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.folders import models_dir
from model_zoo.catalog.selection import add_models_folder, add_zoo
from model_zoo.train.recipe import Recipe, RecipeError, check_recipe, load_recipe
from model_zoo.train.run import finetune, resolve_start
from ner_core.files import NO_ROOM

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

#: Where flags make up the recipe.
DEFAULT_EPOCHS, DEFAULT_RATE = 3, 5e-5
#: Fewer steps rarely teach a classifier new labels.
_FEW_STEPS = 100
#: Flags that a recipe file takes the place of.
_RECIPE_FLAGS = (
    *("name", "train", "dev", "column", "label", "types", "token_type_ids", "epochs", "learning_rate"),
    *("batch_tokens", "max_length", "patience", "seed"),
)


def recipe_of_flags(args: argparse.Namespace) -> Recipe:
    """Build a recipe from command line flags, for runs with one stage.

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
    labels = dict(args.label or [])
    types = _types_of(args.train, args.dev or [], labels, args.column)
    same = {"labels": labels, **({"column": args.column} if args.column else {})}
    corpora: dict[str, dict[str, Any]] = {}
    for part, files in (("train", args.train), ("dev", args.dev or [])):
        for number, file in enumerate(files, 1):
            corpora.setdefault(f"corpus{number}", {**same})[part] = str(Path(file).absolute())
    stage = {
        "corpora": {name: 1 for name, corpus in corpora.items() if "train" in corpus},
        "epochs": DEFAULT_EPOCHS if args.epochs is None else args.epochs,
        "learning_rate": DEFAULT_RATE if args.learning_rate is None else args.learning_rate,
        "warmup": 0.06,
    }
    content: dict[str, Any] = {
        "name": args.name,
        "start": _absolute(args.start),
        "types": [kind.strip() for kind in args.types.split(",")] if args.types else types,
        "corpora": corpora,
        "stages": [stage],
    }
    for key in ("max_length", "batch_tokens", "patience", "seed", "token_type_ids"):
        if getattr(args, key) is not None:
            content[key] = getattr(args, key)
    return check_recipe(content, "command line")


def _absolute(start: str) -> str:
    """Return a path that the recipe can be used with anywhere; a name is returned as it is."""
    path = Path(start).expanduser()
    return str(path.absolute()) if path.exists() else start


def _recipe_of_file(args: argparse.Namespace) -> Recipe:
    ignored = [f"--{key}" for key in _RECIPE_FLAGS if getattr(args, key) is not None]
    if ignored:
        msg = f"{', '.join(ignored)}: not used with a recipe file; change {args.recipe} instead"
        raise RecipeError(msg)
    recipe = load_recipe(args.recipe)
    changes: dict[str, Any] = {"start": _absolute(args.start)} if args.start else {}
    if args.teacher_start:
        if recipe.teachers is None:
            msg = f"--teacher_start: there are no teachers in {args.recipe}"
            raise RecipeError(msg)
        changes["teachers"] = recipe.teachers.model_copy(update={"start": _absolute(args.teacher_start)})
    return recipe.model_copy(update=changes)


def _types_of(
    train: Sequence[str], dev: Sequence[str], labels: dict[str, str], column: str | None
) -> list[str]:
    """List the entity types in train files, renamed, in order of appearance."""
    from model_zoo.train.data import open_part
    from ner_core.labels import spans

    def types_in(part: str, files: Sequence[str]) -> dict[str, None]:
        tagged = (tags for file in files for _, tags in open_part(Path(file), part, column))
        return dict.fromkeys(kind for tags in tagged for kind, _, _ in spans(tags))

    trained = types_in("train", train)
    known = trained | types_in("dev", dev)
    if unknown := [kind for kind in labels if kind not in known]:
        msg = f"--label {unknown[0]}={labels[unknown[0]]}: no such type; the files have {', '.join(known)}"
        raise RecipeError(msg)
    types = dict.fromkeys(labels.get(kind, kind) for kind in trained)
    types.pop("O", None)
    if not types:
        msg = f"{', '.join(train)}: expected labelled entities to train on, found none"
        raise RecipeError(msg)
    return list(types)


def build_parser() -> argparse.ArgumentParser:
    """Build the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description="Fine-tune a BERT-style model on labelled data; the result is a zoo model folder.",
    )
    parser.add_argument(
        "recipe", nargs="?", type=user_path, help="YAML file with all settings (see a model's recipe.yml)"
    )
    parser.add_argument("--data_dir", type=user_path, help="folder of the corpora; default: the recipe's own")
    add_models_folder(parser, "-o", "--output_dir", omz=False)
    parser.add_argument("--start", help="start: zoo name, owner/name of the hub, folder, .nemo or .xml")
    parser.add_argument("--teacher_start", help="the same for the recipe's teachers")
    add_zoo(parser, "your own zoo, in which names of starts are looked up")
    parser.add_argument(
        "--download_dir", type=user_path, help="where a start is downloaded; default: the models folder"
    )
    parser.add_argument(
        "--work_dir", type=user_path, help="checkpoints of the running training; default: in the result"
    )
    parser.add_argument("--restart", action="store_true", help="discard the checkpoints of an earlier run")
    parser.add_argument("--threads", type=positive_integer, help="processor threads; default: all")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, warnings only")
    group = parser.add_argument_group("instead of a recipe file")
    group.add_argument("--name", help="of the new model")
    group.add_argument(
        "--train",
        nargs="+",
        action="extend",
        help="CoNLL files, NeMo text_*.txt, .jsonl or .json with texts or tokens, or folders",
    )
    group.add_argument(
        "--dev", nargs="+", action="extend", help="files to measure on, in the order of --train"
    )
    group.add_argument("--column", help="key of the text in JSON files (default: text)")
    group.add_argument(
        "--label", action="append", type=renaming, metavar="FROM=TO", help="rename a type; FROM=O drops it"
    )
    group.add_argument("--types", help="comma-separated; default: those in the training files")
    group.add_argument(
        "--token_type_ids", choices=["word_casing"], help="give an uncased model the casing of words"
    )
    group.add_argument("--epochs", type=int, help=f"passes over the text (default: {DEFAULT_EPOCHS})")
    group.add_argument("--learning_rate", type=float, help=f"its peak (default: {DEFAULT_RATE})")
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
    return run_command(lambda: _run(build_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> int:
    level = logging.WARNING if args.quiet else logging.INFO
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    try:
        recipe = _recipe_of_file(args) if args.recipe else recipe_of_flags(args)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    try:
        return _train(recipe, args)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run the same command again to resume from the last checkpoint\n")
        return INTERRUPTED
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is needed to train: pip install 'ner-zoo[train]'\n")
        return FAILED
    except Exception as error:
        if reason := _not_written(error):
            where = args.work_dir or models_dir(args.output_dir) / "public" / recipe.name
            msg = (
                f"{where}: can't be written ({reason}). Make room, then run the same command "
                "again to resume from the last checkpoint."
            )
            raise ZooError(msg) from error
        if isinstance(error, ValueError):
            raise ZooError(str(error)) from error
        raise


#: What torch's errors of writing a file contain: of its archive format, and of the C++ stream below it.
_TORCH_WRITER = ("PytorchStreamWriter", "inline_container", "basic_ios")


def _not_written(error: BaseException) -> str:
    """Return why a file could not be written; empty if that was not the error.

    torch and safetensors have errors of their own for it.
    """
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0) if error.errno in NO_ROOM else ""
    text = str(error)
    if type(error).__name__ == "SafetensorError" and "os error" in text:
        return next((os.strerror(kind) for kind in NO_ROOM if os.strerror(kind) in text), "")
    if isinstance(error, RuntimeError) and any(sign in text for sign in _TORCH_WRITER):
        return "the disk is full, or the file may not grow"
    return ""


def _train(recipe: Recipe, args: argparse.Namespace) -> int:
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if args.threads:
        torch.set_num_threads(args.threads)
    models = models_dir(args.output_dir)
    folder = models / "public" / recipe.name
    work_dir = args.work_dir or folder / ".training"
    find = partial(
        resolve_start, zoo=args.zoo, download_dir=args.download_dir or models, progress=not args.quiet
    )
    teacher = recipe.teachers.start if recipe.teachers else None
    result = finetune(
        recipe,
        find(recipe.start),
        args.data_dir or (args.recipe.parent if args.recipe else Path()),
        folder,
        teacher_start=find(teacher) if teacher else None,
        work_dir=work_dir,
        restart=args.restart,
        progress=not args.quiet,
    )
    for name, scores in result.scores[""].items():
        log.info("%s: micro F1 %.4f, macro F1 %.4f", name, scores["micro_f1"], scores["macro_f1"])
    if not result.scores[""]:
        log.warning("not measured: give --dev, or held_out in a recipe, to know how good the model is")
    if result.steps < _FEW_STEPS:
        log.warning(
            "few steps (%d): where scores are low, train for more epochs or with fewer batch_tokens",
            result.steps,
        )
    log.info("%s is complete; %s holds checkpoints of the training and may be deleted", folder, work_dir)
    where = shlex.quote(str(models))
    log.info(
        "Convert it: python -m model_zoo.converter --zoo %s --download_dir %s --name %s",
        *(where, where, recipe.name),
    )
    log.info("Then use it: ner recognize --models-dir %s --model %s TEXT", where, recipe.name)
    return FINE
