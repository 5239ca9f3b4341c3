"""Select models on the command line as in Open Model Zoo: --name, --list, --all, --print_all."""

from __future__ import annotations

import codecs
import difflib
import fnmatch
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.catalog.arguments import user_path
from model_zoo.catalog.errors import CatalogError, told_by_system
from model_zoo.catalog.folders import DEFAULT_MODELS_FOLDER, find_without_network, precision_name
from model_zoo.catalog.hub_names import canonical_name, is_there
from model_zoo.catalog.layout import PRECISIONS
from model_zoo.catalog.zoo import load_catalog

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from model_zoo.catalog.schema import Model

__all__ = [
    "add_models_folder",
    "add_selection_arguments",
    "add_zoo",
    "patterns_in_file",
    "select",
    "selected",
    "selected_models",
]

#: Maximum number of names in a message.
_SHOWN = 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --name, --list, --all, --print_all (one of them must be given) and --zoo."""
    group = parser.add_argument_group("which models (exactly one of the first four)")
    group.add_argument(
        "--name",
        metavar="PAT[,PAT...]",
        help="models whose names match one of the patterns (* ? [ ]), OWNER/NAME[@REVISION] of the hub, or "
        "the path of a checkpoint",
    )
    group.add_argument(
        "--list",
        type=user_path,
        metavar="FILE.LST",
        help="the same patterns from a file, one per line; # begins a comment",
    )
    group.add_argument("--all", action="store_true", help="every model of the zoo")
    group.add_argument("--print_all", action="store_true", help="print the names of all models and exit")
    add_zoo(group, "a zoo of your own: a folder of <group>/<name>/model.yml")


def add_zoo(parser: argparse._ActionsContainer, use: str) -> None:
    """Add the flag that names a zoo, under its names here and in Open Model Zoo's tools."""
    parser.add_argument("--zoo", "--models_dir", dest="zoo", type=user_path, metavar="DIR", help=use)


def add_models_folder(parser: argparse._ActionsContainer, *flags: str, omz: bool, use: str = "") -> None:
    """Add a flag for a models folder; the default of Open Model Zoo's tools is the current folder."""
    parser.add_argument(
        *flags,
        type=user_path,
        metavar="DIR",
        default=Path.cwd() if omz else None,
        help=f"models folder{use} (default: {'the current folder' if omz else DEFAULT_MODELS_FOLDER})",
    )


def selected(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    lookup: Callable[[str], Model],
    omz_known: Sequence[str],
) -> tuple[list[Model] | None, list[str] | None]:
    """Load the models and split the precisions that the arguments of a command choose; None if not given.

    With ``arguments.omz``, an unknown precision is a CatalogError instead of wrong usage, and the known ones
    are `omz_known`. The rest is as for `selected_models`.
    """
    precisions = None
    if arguments.precisions is not None:
        precisions = list(dict.fromkeys(map(precision_name, arguments.precisions.split(","))))
    known = omz_known if arguments.omz else PRECISIONS
    unknown = ", ".join(one or "''" for one in sorted(set(precisions or ()) - set(known)))
    if unknown and not arguments.omz:
        parser.error(f"--precisions: expected some of {', '.join(known)}, found {unknown}")
    models = selected_models(parser, arguments, lookup)
    if unknown and models is not None:
        msg = f"Unknown precisions specified: {unknown}."
        raise CatalogError(msg)
    return models, precisions


def selected_models(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    lookup: Callable[[str], Model] | None = None,
) -> list[Model] | None:
    """Load the models selected by the arguments of `add_selection_arguments`; None after --print_all.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Reports wrong usage and exits with 2.
    arguments : argparse.Namespace
        Parsed arguments.
    lookup : callable or None
        Resolves ``hf:owner/name`` and paths; None finds only models that are on this machine.

    Raises
    ------
    CatalogError
        A model.yml is wrong, or a pattern matches nothing.
    """
    count = sum([arguments.all, arguments.print_all, arguments.name is not None, arguments.list is not None])
    if count > 1:
        parser.error('at most one of "--print_all", "--all", "--name" or "--list" can be specified')
    if count == 0:
        parser.error('one of "--print_all", "--all", "--name" or "--list" must be specified')
    if arguments.print_all:
        sys.stdout.writelines(f"{model.name}\n" for model in load_catalog(arguments.zoo))
        return None
    if arguments.all:
        return load_catalog(arguments.zoo)
    if arguments.list is None:
        given = [arguments.name] if is_there(arguments.name) else arguments.name.split(",")
        return select(given, arguments.zoo, lookup)
    patterns = patterns_in_file(arguments.list)
    if not patterns:
        sys.stderr.write(f"note: {arguments.list} names no models, so nothing is done.\n")
    return select(patterns, arguments.zoo, lookup)


def select(
    patterns: Sequence[str], models_root: Path | None = None, lookup: Callable[[str], Model] | None = None
) -> list[Model]:
    """Return the models that match, without repeats, in the order of the patterns.

    Parts of composite models match too.

    Examples
    --------
    >>> [model.name for model in select(["bert-*", "bert-base-ner"])]
    ['bert-base-ner']
    """
    models = load_catalog(models_root)
    candidates = [part for model in models for part in (model, *model.stages)]
    chosen: dict[str, Model] = {}
    for pattern in (canonical_name(pattern.strip()) for pattern in patterns):
        if not pattern:
            msg = "expected names or patterns separated by commas, found an empty one"
            raise CatalogError(msg)
        matching = [model for model in candidates if fnmatch.fnmatchcase(model.name, pattern)]
        if not matching and (pattern.startswith("hf:") or is_there(pattern)):
            matching = [(lookup or find_without_network)(pattern)]
            if matching[0].path and matching[0].name in [model.name for model in candidates]:
                msg = f"{pattern}: the zoo has a model {matching[0].name}; give yours another name"
                raise CatalogError(msg)
        if not matching:
            msg = f'No matching models: "{pattern}". {_hint(pattern, [model.name for model in models])}'
            raise CatalogError(msg)
        chosen.update({model.name: model for model in matching})
    return list(chosen.values())


def _hint(pattern: str, names: list[str]) -> str:
    """Return similar names, or else the names there are.

    Examples
    --------
    >>> _hint("BERT", ["bert", "bart"]), _hint("x", ["bert", "bart"])
    ('Did you mean bert, bart?', 'There is no such file or folder either. The zoo has: bert, bart')
    """
    if near := difflib.get_close_matches(pattern.lower(), names, n=3, cutoff=0.7):
        return f"Did you mean {', '.join(near)}?"
    more = f" and {len(names) - _SHOWN} more, which --print_all prints" if len(names) > _SHOWN else ""
    return f"There is no such file or folder either. The zoo has: {', '.join(names[:_SHOWN])}{more}"


def patterns_in_file(path: Path) -> list[str]:
    """Read patterns, the first word of each line; ``#`` begins a comment.

    Raises
    ------
    CatalogError
        The file cannot be read.
    """
    try:
        content = path.read_bytes()
        # Windows PowerShell writes UTF-16 when the output of --print_all goes into a file.
        lines = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig").splitlines()
    except OSError as error:
        raise CatalogError(told_by_system(error)) from None
    except UnicodeDecodeError as error:
        msg = f"--list {path}: expected a text file of model names, found: {error}"
        raise CatalogError(msg) from None
    patterns = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            msg = f"--list {path}: line {number}: expected a model name, found {line!r} ({error})"
            raise CatalogError(msg) from None
        patterns += words[:1]
    return patterns
