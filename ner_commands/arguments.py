"""Arguments that several commands share, and their checks."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.folders import DEFAULT_MODELS_FOLDER
from model_zoo.catalog.layout import AUTO, ENGLISH_MODEL, OTHER_LANGUAGES_MODEL
from ner_core import AGGREGATIONS
from ner_core.compute import COMPUTE
from ner_core.labels import checked_labels_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ner_core import EntityRecognizer

__all__ = [
    "Failure",
    "WrongUsage",
    "add_column",
    "add_encoding",
    "add_format",
    "add_model_options",
    "add_models_dir",
    "add_recognition_options",
    "check_new",
    "check_roles",
    "check_values",
    "file_identity",
    "known_labels",
    "load_model",
    "model_options",
    "parse_column",
    "parse_count",
    "parse_encoding",
    "parse_folder",
    "parse_names",
    "parse_positive",
    "parse_probability",
]


class Failure(ZooError):  # noqa: N818 - not an error of the program
    """An error whose message is meant for the user."""


class WrongUsage(Failure):
    """Wrong arguments that argparse cannot detect: exit status 2."""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select model and device."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default=AUTO,
        help="name in the zoo, hf:owner/name, or path of an OpenVINO .xml (default: "
        f"{AUTO}: {ENGLISH_MODEL} for English, {OTHER_LANGUAGES_MODEL} for other languages)",
    )
    group.add_argument(
        "--device",
        help="CPU, GPU, NPU, AUTO, ..., or a model server: kserve://host:port/model, grpc://host:port/model "
        "(default: AUTO, or CPU if there is no other)",
    )
    group.add_argument("--precision", help="FP32, FP16, INT8, ... (default: chosen for the device)")
    group.add_argument(
        "--compute",
        choices=COMPUTE,
        help="arithmetic on a CPU (default: auto, the fastest without measured loss of accuracy; exact: "
        "float32, the same results everywhere)",
    )
    add_models_dir(group)
    group.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json or vocab.txt, if the model folder has none"
    )
    group.add_argument(
        "--model-labels",
        type=parse_names,
        metavar="L[,L]",
        help="labels in the order of their ids, if the model does not name them",
    )


def add_models_dir(parser: argparse._ActionsContainer) -> None:
    """Add the option that names the models folder."""
    parser.add_argument(
        "--models-dir",
        type=parse_folder,
        metavar="DIR",
        help=f"folder with downloaded models (default: {DEFAULT_MODELS_FOLDER})",
    )


def add_recognition_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select entities and aggregation."""
    group = parser.add_argument_group("entities")
    group.add_argument(
        "--aggregation",
        choices=AGGREGATIONS,
        help="how tokens are combined into entities (default: the model's, else word)",
    )
    group.add_argument(
        "--threshold",
        type=parse_probability,
        metavar="P",
        help="lowest score to report, 0 to 1 (default: the model's; 0.25 for the included models)",
    )
    group.add_argument(
        "--raw-scores",
        action="store_true",
        help="report the scores of transformers (means over words) instead of span probabilities",
    )
    group.add_argument(
        "--labels",
        action="extend",
        type=parse_names,
        metavar="L[,L]",
        help="entity types to report (default: all)",
    )


def add_column(parser: argparse._ActionsContainer) -> None:
    """Add ``--column``, for commands that read tables."""
    parser.add_argument(
        "--column", help="key or column with the text (default: text, else the column with the longest texts)"
    )


def add_encoding(parser: argparse._ActionsContainer) -> None:
    """Add ``--encoding``, for commands that read documents."""
    parser.add_argument(
        "--encoding",
        type=parse_encoding,
        help="encoding of text (default: UTF-8, else detected and reported)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, for commands that print a table or JSON."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def file_identity(path: str | Path) -> object:
    """Return a value that is equal for all names of one file, whether it exists or not."""
    try:
        status = Path(path).stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def check_roles(*roles: tuple[str, str | Path | None], written: Collection[str]) -> None:
    """Refuse a file that is written and has another role as well.

    Parameters
    ----------
    *roles : (str, str or Path or None)
        Name of an argument and its value; ``-`` and None are no files.
    written : collection of str
        Arguments whose files are written.

    Raises
    ------
    WrongUsage
        For the first such file.
    """
    known: dict[object, str] = {}
    for role, path in roles:
        if path is None or str(path) == "-":
            continue
        other = known.setdefault(file_identity(path), role)
        if other != role and role in written:
            msg = f"{path}: is given as {other} and as {role}; give {role} another name"
            raise WrongUsage(msg)


def check_values(arguments: argparse.Namespace) -> None:
    """Refuse empty names and values, as of unset variables: an empty path would mean the current folder."""
    for name, value in vars(arguments).items():
        if name != "text" and "" in (value if isinstance(value, list) else [value]):
            msg = f"{name.replace('_', '-')}: expected a value, found an empty one"
            raise WrongUsage(msg)


def check_new(path: str | Path | None, *, overwrite: bool) -> None:
    """Refuse to replace a file, unless `overwrite`, and what is no file; ``-`` and None are no files."""
    if path is None or str(path) == "-" or not Path(path).exists():
        return
    if not Path(path).is_file():
        msg = f"{path}: is a folder, a pipe or a device, not a file; give another name"
        raise WrongUsage(msg)
    if not overwrite:
        msg = f"{path}: already exists; give another name, or --overwrite"
        raise WrongUsage(msg)


def parse_probability(value: str) -> float:
    """Parse a number from 0 to 1."""
    return _parse_number(value, "from 0 to 1", lambda number: 0 <= number <= 1)


def parse_encoding(value: str) -> str:
    """Parse the name of a text encoding."""
    try:
        "".encode(value)  # rejects codecs that are not for text, such as hex
        return codecs.lookup(value).name
    except (LookupError, UnicodeError):
        msg = f"Python knows no encoding {value!r} of text"
        raise argparse.ArgumentTypeError(msg) from None


def parse_folder(value: str) -> str:
    """Parse the name of an existing folder."""
    if not Path(value).is_dir():
        msg = f"{value}: no such folder"
        raise argparse.ArgumentTypeError(msg)
    return value


def parse_positive(value: str) -> float:
    """Parse a finite number above 0."""
    return _parse_number(value, "above 0", lambda number: 0 < number < math.inf)


def _parse_number(value: str, kind: str, suits: Callable[[float], bool]) -> float:
    with contextlib.suppress(ValueError):
        if suits(float(value)):
            return float(value)
    msg = f"expected a number {kind}, found {value!r}"
    raise argparse.ArgumentTypeError(msg)


def parse_count(value: str) -> int:
    """Parse a whole number from 0."""
    if not value.isdecimal():
        msg = f"expected a whole number, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(value)


def parse_column(value: str) -> int:
    """Parse the number of a column, from 1, into its index."""
    number = parse_count(value)
    if not number:
        msg = "columns are counted from 1, found 0"
        raise argparse.ArgumentTypeError(msg)
    return number - 1


def parse_names(value: str) -> list[str]:
    """Parse names, separated by commas or spaces."""
    names = [name for name in value.replace(",", " ").split() if name]
    if not names:
        msg = "expected names separated by commas, found none"
        raise argparse.ArgumentTypeError(msg)
    return names


def load_model(arguments: argparse.Namespace, **more: Any) -> EntityRecognizer:
    """Load the model selected by the options of `add_model_options`.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments.
    **more
        Further keyword arguments of `model_zoo.load`.

    Raises
    ------
    model_zoo.ModelNotFoundError
        If the model is not installed.
    """
    import model_zoo

    if arguments.model == AUTO and (arguments.tokenizer or arguments.model_labels):
        msg = "--tokenizer and --model-labels belong to one model: name it with --model"
        raise WrongUsage(msg)
    return model_zoo.load(arguments.model, **model_options(arguments), **more)


def model_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments for `model_zoo.load`."""
    options = {
        "device": arguments.device or _default_device(),
        "precision": arguments.precision,
        "models_dir": arguments.models_dir,
        "tokenizer": arguments.tokenizer,
        "labels": arguments.model_labels,
        "raw_scores": getattr(arguments, "raw_scores", False) or None,
        "compute": arguments.compute,
    }
    return {name: value for name, value in options.items() if value is not None}


def known_labels(wanted: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """Return the labels asked for under the names that are known: ``PERSON`` asks for ``PER``.

    Raises
    ------
    WrongUsage
        If a label is unknown under any of its names.

    Examples
    --------
    >>> known_labels(["PERSON", "LOC"], ["PER", "ORG", "LOC"])
    ['PER', 'LOC']
    """
    if wanted is None:
        return None
    try:
        return checked_labels_wanted(wanted, known)
    except ValueError as error:
        msg = f"--labels: {error}"
        raise WrongUsage(msg) from None


def _default_device() -> str:
    """Return CPU where it is the only device: AUTO would take longer to compile."""
    from ner_core import devices

    names = [device.name for device in devices()]
    return "CPU" if names == ["CPU"] else "AUTO"
