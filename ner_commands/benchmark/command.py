"""``ner benchmark``: compare the devices, precisions and performance hints of a model on your text."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.folders import precision_name
from model_zoo.catalog.layout import ENGLISH_MODEL
from ner_commands.arguments import (
    Failure,
    add_encoding,
    add_format,
    add_models_dir,
    parse_names,
    parse_positive,
)
from ner_commands.output import aligned, complain
from ner_commands.reading import read_files, told
from ner_core.compute import COMPUTE
from ner_documents.document import Document
from ner_documents.reading.records import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ner_commands.benchmark.measurement import Measurement
    from ner_commands.benchmark.sample_text import TextSample

__all__ = ["add_parser", "run"]

logger = logging.getLogger(__name__)

HINTS = ("LATENCY", "THROUGHPUT")  # AUTO, the default elsewhere, switches between these
_HEADER = (
    "",
    "computes in",
    "load s",
    "MB",
    "sentence ms",
    "paragraph ms",
    "page ms",
    "sentences/s",
    "pieces/s",
    "of matmul",
)


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "benchmark",
        help="measure the speed of a model on this machine",
        description="Measure latency and throughput of a model for every device, precision and performance "
        "hint, and recommend one. Latencies are medians with the 95th percentile in brackets.",
    )
    parser.add_argument(
        "--model",
        default=ENGLISH_MODEL,
        help=f"name in the zoo, or path of an OpenVINO .xml (default: {ENGLISH_MODEL})",
    )
    add_models_dir(parser)
    parser.add_argument(
        "--devices", type=parse_names, metavar="D[,D]", help="devices to measure (default: all)"
    )
    parser.add_argument(
        "--precisions",
        type=parse_names,
        metavar="P[,P]",
        help="precisions to measure (default: all installed)",
    )
    parser.add_argument(
        "--hints",
        type=partial(_known, known=(*HINTS, "AUTO")),
        default=list(HINTS),
        metavar="H[,H]",
        help=f"performance hints to measure (default: {','.join(HINTS)})",
    )
    parser.add_argument(
        "--compute",
        type=partial(_known, known=COMPUTE),
        default=["auto"],
        metavar="C[,C]",
        help=f"arithmetic on a CPU: {', '.join(COMPUTE)} (default: auto, the fastest)",
    )
    parser.add_argument(
        "--file",
        metavar="F",
        help='file to measure with, "-" for standard input (default: a page of invented news)',
    )
    add_encoding(parser)
    parser.add_argument(
        "--seconds",
        type=parse_positive,
        default=1.0,
        metavar="S",
        help="seconds per latency; throughput takes three times as long (default: 1)",
    )
    add_format(parser)
    parser.set_defaults(run=run)


def _known(value: str, known: Sequence[str]) -> list[str]:
    """Parse names, in any case."""
    cased = {name.casefold(): name for name in known}
    names = [cased.get(name.casefold(), name) for name in parse_names(value)]
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"expected some of {', '.join(known)}, found {', '.join(unknown)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return 1 if no configuration could be measured."""
    from ner_commands.benchmark.measurement import recommend
    from ner_commands.benchmark.sample_text import PAGE, take_sample

    sample = take_sample(PAGE if arguments.file is None else _text_of(arguments.file, arguments.encoding))
    found: list[Measurement] = []
    failures: dict[str, str] = {}
    for title, outcome in _measured(arguments, sample):
        if isinstance(outcome, str):
            failures[title] = outcome
            sys.stderr.write(f"{title}: {outcome}\n")
        else:
            found.append(outcome)
            sys.stderr.write(f"{title}: {outcome.throughput.texts_per_second:.0f} sentences/s\n")
    advice = recommend(found)
    if arguments.format == "json":
        document = {
            "model": arguments.model,
            "machine": _machine(),
            "words": {name: len(getattr(sample, name).split()) for name in ("sentence", "paragraph", "page")},
            "measurements": [one.to_dict() for one in found],
            "failures": failures,
            "recommendation": advice,
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif found:
        table = aligned([_HEADER, *map(_row, found)], ">")
        sys.stdout.writelines(f"{line}\n" for line in [*table, "", *advice])
    return 0 if found else 1


def _text_of(name: str, encoding: str | None) -> str:
    texts = []
    for item in read_files([name], ReadOptions(encoding=encoding)):
        if isinstance(item, Document):
            texts.append(item.text)
        elif item.lost:
            raise Failure(told(item))
        else:
            complain(told(item))
    return "\n\n".join(texts)


def _measured(arguments: argparse.Namespace, sample: TextSample) -> Iterator[tuple[str, Measurement | str]]:
    """Yield the title of each combination with its measurement, or with the message of its failure."""
    import model_zoo
    from ner_commands.benchmark.measurement import measure
    from ner_core import check_device
    from ner_core import devices as present

    found = model_zoo.find(arguments.model, arguments.models_dir)
    wanted = list(map(precision_name, arguments.precisions or found))
    unknown = [name for name in wanted if name not in found]
    if unknown:
        msg = (
            f"--precisions: {arguments.model} is installed in {', '.join(found)}, not in {', '.join(unknown)}"
        )
        raise ValueError(msg)
    names = [check_device(name) for name in arguments.devices or [device.name for device in present()]]
    for device, precision, hint, arithmetic in product(names, wanted, arguments.hints, arguments.compute):
        path = found[precision]
        settings = {"device": device, "hint": hint, "compute": arithmetic}
        load = partial(model_zoo.load, path, **settings)
        title = f"{device} {precision} {arithmetic} {hint}"
        try:
            seconds = arguments.seconds
            yield title, measure(load, path, sample, precision=precision, seconds=seconds, **settings)
        except (ValueError, RuntimeError) as error:  # a failing driver must not end the other measurements
            logger.debug("%s", title, exc_info=True)
            yield title, str(error).strip().splitlines()[-1]


def _machine() -> dict[str, Any]:
    import openvino as ov

    from ner_core import devices
    from ner_core.hardware import processors

    return {
        "processors": processors(),
        "devices": {device.name: device.full_name for device in devices()},
        "openvino": ov.__version__,
    }


def _row(one: Measurement) -> tuple[str, ...]:
    latencies = (
        f"{latency.p50:.1f} ({latency.p95:.1f})" for latency in (one.sentence, one.paragraph, one.page)
    )
    return (
        one.title,
        one.computed_in or "?",
        f"{one.load_seconds:.2f}",
        f"{one.size / 1e6:.0f}",
        *latencies,
        f"{one.throughput.texts_per_second:.0f}",
        f"{one.throughput.pieces_per_second:.0f}",
        f"{one.matmul_share:.0%}",
    )
