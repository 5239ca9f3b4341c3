"""``ner evaluate``: measure the accuracy of a model on labelled text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.arguments import renaming
from model_zoo.catalog.layout import AUTO
from ner_commands.arguments import (
    Failure,
    WrongUsage,
    add_format,
    add_model_options,
    check_new,
    load_model,
    parse_column,
    parse_count,
    parse_encoding,
    parse_folder,
    parse_names,
    parse_probability,
)
from ner_commands.output import prepare_output

if TYPE_CHECKING:
    from ner_core.evaluation import Evaluation

__all__ = ["add_parser", "run"]

CONLL2003 = """CoNLL-2003 is not included: its texts are Reuters news, licensed for research only.

1. Request the Reuters Corpora from NIST (free of charge, requires a signed agreement):
   https://trec.nist.gov/data/reuters/reuters.html
2. Create eng.train, eng.testa (dev) and eng.testb (test) from it with the annotations of
   https://www.clips.uantwerpen.be/conll2003/ner/
3. Run: ner evaluate FOLDER --split testa

Any file with a word and its tag on each line can be used, whatever its name."""


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "evaluate",
        help="measure the accuracy of a model on labelled text",
        description="Measure the accuracy of a model on labelled text: micro and macro F1 of spans, and a "
        "token report. DATASET is in CoNLL columns or CSV, or NeMo's text_*.txt with labels_*.txt, or .jsonl "
        "or .json with tokens and ner_tags, or with texts from ner annotate, doccano, Prodigy or Label "
        "Studio; .gz may follow the suffix.",
    )
    parser.add_argument("path", nargs="?", metavar="DATASET", help="file or folder")
    parser.add_argument(
        "--dataset", metavar="DATASET", help="the same; conll2003 explains how to obtain that corpus"
    )
    parser.add_argument("--split", metavar="NAME", help="which corpus of a folder, such as dev")
    parser.add_argument(
        "--encoding",
        type=parse_encoding,
        default="utf-8",
        help="encoding of CoNLL and JSON files (default: utf-8)",
    )
    add_model_options(parser)
    parser.add_argument(
        "--protocol",
        choices=("spans", "omz"),
        default="spans",
        help="omz: truncate sentences to 126 word pieces, as Open Model Zoo did (default: spans)",
    )
    parser.add_argument(
        "--unit", choices=("word", "piece"), default="word", help="unit of the token report (default: word)"
    )
    parser.add_argument(
        "--types",
        action="extend",
        type=parse_names,
        metavar="T[,T]",
        help="types to score (default: all)",
    )
    parser.add_argument(
        "--map",
        type=renaming,
        action="append",
        default=[],
        metavar="FROM=TO",
        help="map a type of the corpus to a type of the model, or to O to ignore it; may be repeated",
    )
    for kind in ("precision", "recall"):
        parser.add_argument(
            f"--{kind}-target",
            type=parse_probability,
            metavar="P",
            help=f"find the threshold that reaches this {kind}, and report what it costs",
        )
    parser.add_argument(
        "--raw-scores",
        action="store_true",
        help="use the scores of transformers (means over words), for comparison",
    )
    parser.add_argument(
        "--plot",
        type=parse_svg,
        metavar="FILE.svg",
        help="draw a reliability plot: how often spans of each score are right; replaces the file",
    )
    for column in ("word", "tag"):
        parser.add_argument(
            f"--{column}-column",
            type=parse_column,
            metavar="N",
            help=f"column of the {column}s in CoNLL files, from 1 (default: detected)",
        )
    parser.add_argument("--column", help="key of the text in JSON files (default: text)")
    parser.add_argument("--confusion", action="store_true", help="also print the confusion table")
    parser.add_argument(
        "--errors", type=parse_count, default=0, metavar="N", help="also print the N worst sentences"
    )
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from tqdm import tqdm

    from ner_core import rendering
    from ner_core.corpus import CorpusError
    from ner_core.dataset import open_dataset
    from ner_core.evaluation import evaluate_recognizer

    if problem := _usage_problem(arguments):
        raise WrongUsage(problem)
    check_new(arguments.plot, overwrite=True)
    path = arguments.path or arguments.dataset
    if path == "conll2003" and not Path(path).exists():
        raise Failure(CONLL2003)
    dataset = open_dataset(
        path,
        split=arguments.split,
        encoding=arguments.encoding,
        word_column=arguments.word_column,
        tag_column=arguments.tag_column,
        column=arguments.column,
    )
    ner = load_model(arguments)
    try:
        evaluation = evaluate_recognizer(
            ner,
            tqdm(dataset, unit=" sentences", leave=False, file=sys.stderr, disable=not sys.stderr.isatty()),
            protocol=arguments.protocol,
            unit=arguments.unit,
            types=arguments.types,
            label_map=dict(arguments.map),
            mistakes=arguments.errors,
            targets=_targets(arguments),
        )
    except CorpusError as error:
        advice = "; see --word-column, --tag-column and --encoding" if dataset.kind == "conll" else ""
        msg = f"{error}{advice}"
        raise Failure(msg) from error
    if not evaluation.sentences:
        msg = f"{dataset.files[0]}: expected labelled text, found none"
        raise Failure(msg)
    if arguments.plot is not None:
        _draw(arguments.plot, evaluation, f"{ner.name} on {dataset.files[0].name}")
    prepare_output(text=arguments.format == "text")
    settings = {
        "model": ner.name,
        "device": ner.device,
        "precision": ner.precision,
        "compute": ner.compute,
        "dataset": str(dataset.files[0]),
        "protocol": arguments.protocol,
    }
    if arguments.format == "json":
        sys.stdout.write(rendering.to_json({**settings, **evaluation.to_dict()}, indent=2) + "\n")
    else:
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        sys.stdout.write(rendering.visible(f"{told}\n{evaluation.to_text(confusion=arguments.confusion)}\n"))
    return 0


def _usage_problem(arguments: argparse.Namespace) -> str | None:
    if bool(arguments.path) == bool(arguments.dataset):
        return "give one DATASET: a CoNLL or JSON file, NeMo's text_*.txt, a folder of these, or conll2003"
    if arguments.split and Path(arguments.path or arguments.dataset).is_file():
        return "--split names a file of a folder, and DATASET is a file; give the folder, or leave it out"
    if arguments.model == AUTO and (arguments.protocol, arguments.unit) != ("spans", "word"):
        return "--protocol omz and --unit piece depend on the word pieces of one model: name it with --model"
    if arguments.protocol == "omz" and (_targets(arguments) or arguments.plot is not None):
        return "--precision-target, --recall-target and --plot need span scores; --protocol omz has none"
    return None


def _targets(arguments: argparse.Namespace) -> list[tuple[str, float]]:
    targets = {"precision": arguments.precision_target, "recall": arguments.recall_target}
    return [(kind, value) for kind, value in targets.items() if value is not None]


def _draw(path: Path, evaluation: Evaluation, title: str) -> None:
    """Write the reliability plot."""
    from ner_core.files import write_whole
    from ner_core.reliability import reliability_svg

    error = evaluation.calibration_error
    quality = "no spans found" if error is None else f"calibration error {error:.4f}"
    write_whole(path, reliability_svg(evaluation.reliability, f"{title}: {quality}"))


def parse_svg(value: str) -> Path:
    """Parse the name of an SVG file in an existing folder."""
    path = Path(value)
    if path.suffix.lower() != ".svg":
        msg = f"expected a name that ends with .svg, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    parse_folder(str(path.parent))
    return path
