"""Arguments that several commands take, and what is wrong with them."""

from __future__ import annotations

import argparse
import codecs
import math
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.layout import AUTO, ENGLISH_MODEL, OTHER_LANGUAGES_MODEL
from ner_core import AGGREGATIONS
from ner_core.compute import COMPUTE
from ner_core.labels import normalize_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_core import EntityRecognizer

__all__ = [
    "DEFAULT_MODEL",
    "Failure",
    "WrongUsage",
    "add_format",
    "add_model_options",
    "add_recognition_options",
    "file_identity",
    "known_labels",
    "load_model",
    "model_options",
    "parse_count",
    "parse_encoding",
    "parse_names",
    "parse_positive",
    "parse_probability",
    "parse_renaming",
]

DEFAULT_MODEL = AUTO


class Failure(Exception):  # noqa: N818 - not an error of the program
    """Something that the user has to know about, in one line or a few."""


class WrongUsage(Failure):
    """Arguments that only turn out to be wrong once the model is there."""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add which model to take, on which device, and ``--verbose``."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="name in the zoo, hf:owner/name, or path of an OpenVINO .xml "
        f"(default: {DEFAULT_MODEL}, {ENGLISH_MODEL} for English and {OTHER_LANGUAGES_MODEL} for the rest)",
    )
    group.add_argument(
        "--device",
        help="CPU, GPU, NPU, AUTO, ..., or a model server: kserve://host:port/model, grpc://host:port/model "
        "(default: AUTO; CPU where it is alone)",
    )
    group.add_argument("--precision", help="FP32, FP16, INT8, ... (default: what suits the device)")
    group.add_argument(
        "--compute",
        choices=COMPUTE,
        help="what a CPU computes in (default: auto, the fastest that it has and the model is known to bear; "
        "exact: float32, the same everywhere)",
    )
    group.add_argument("--models-dir", metavar="DIR", help="where downloaded models lie")
    group.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json or vocab.txt, if none is beside it"
    )
    group.add_argument(
        "--model-labels",
        type=parse_names,
        metavar="L[,L]",
        help="labels in id order, if the model names none",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more on standard error")


def add_recognition_options(parser: argparse.ArgumentParser) -> None:
    """Add which entities to report, and how pieces become entities."""
    group = parser.add_argument_group("entities")
    group.add_argument(
        "--aggregation",
        choices=AGGREGATIONS,
        help="how pieces become entities (default: the model's, else word)",
    )
    group.add_argument(
        "--threshold",
        type=parse_probability,
        metavar="P",
        help="lowest score to report, 0 to 1; 0 gives all (default: the model's, 0.25 for embedded ones)",
    )
    group.add_argument(
        "--raw-scores",
        action="store_true",
        help="scores as transformers has them (means of the words), not the probability of the span",
    )
    group.add_argument("--labels", type=parse_names, metavar="L[,L]", help="report these entity types alone")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format`` of commands that print a table or JSON."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def file_identity(path: str | Path) -> object:
    """Return a value that is equal for all names of one file, whether it exists or not."""
    try:
        status = Path(path).stat()
    except OSError:
        return Path(path).resolve()
    return status.st_dev, status.st_ino


def parse_probability(value: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        msg = f"expected a number from 0 to 1, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def parse_encoding(value: str) -> str:
    """Parse an encoding of text that Python knows."""
    try:
        "".encode(value)  # refuses what Python knows but does not take for text, such as hex
        return codecs.lookup(value).name
    except (LookupError, UnicodeError):
        msg = f"Python knows no encoding {value!r} of text"
        raise argparse.ArgumentTypeError(msg) from None


def parse_positive(value: str) -> float:
    """Parse a finite number above 0."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        msg = f"expected a number above 0, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def parse_count(value: str) -> int:
    """Parse a whole number from 0."""
    if not value.isdecimal():
        msg = f"expected a count, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(value)


def parse_names(value: str) -> list[str]:
    """Parse names, separated by commas or spaces."""
    names = [name for name in value.replace(",", " ").split() if name]
    if not names:
        msg = "expected names separated by commas, found none"
        raise argparse.ArgumentTypeError(msg)
    return names


def parse_renaming(value: str) -> tuple[str, str]:
    """Parse ``FROM=TO``."""
    before, equals, after = value.partition("=")
    if not (before and equals and after):
        msg = f"expected FROM=TO, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return before, after


def load_model(arguments: argparse.Namespace, **more: Any) -> EntityRecognizer:
    """Load the model that `add_model_options` asked for; what is missing is a `Failure`.

    Parameters
    ----------
    arguments : argparse.Namespace
        What was parsed.
    **more
        Further keyword arguments of `model_zoo.load`.
    """
    import model_zoo

    if arguments.model == AUTO and (arguments.tokenizer or arguments.model_labels):
        msg = "--tokenizer and --model-labels describe one model: give it with --model"
        raise WrongUsage(msg)
    try:
        return model_zoo.load(arguments.model, **model_options(arguments), **more)
    except model_zoo.ModelNotFoundError as error:
        raise Failure(str(error)) from error


def model_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `model_zoo.load` that the arguments stand for."""
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
    names = {
        label: [name for name in known if normalize_label(name) == normalize_label(label)] for label in wanted
    }
    unknown = [label for label, found in names.items() if not found]
    if unknown:
        msg = f"--labels: no {', '.join(unknown)}; there are {', '.join(known)}"
        raise WrongUsage(msg)
    return list(dict.fromkeys(chain.from_iterable(names.values())))


def _default_device() -> str:
    """AUTO compiles for the CPU first and then for what else there is; with the CPU alone that costs time."""
    from ner_core import devices

    names = [device.name for device in devices()]
    return "CPU" if names == ["CPU"] else "AUTO"
