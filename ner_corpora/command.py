"""The command ``ner annotate``: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_core.rendering import visible
from ner_corpora.annotation import Settings
from ner_corpora.document import CorpusError
from ner_corpora.formats import OUTPUT_FORMATS, format_of
from ner_corpora.local_engine import annotate_locally
from ner_corpora.progress import Progress
from ner_corpora.records import ReadOptions
from ner_corpora.run import Engine, Run
from ner_corpora.sources import FORMATS, find_sources, is_url, total_size

if TYPE_CHECKING:
    from ner_core import EntityRecognizer

__all__ = ["add_parser", "main", "run"]

_EPILOG = """examples:
  ner annotate articles/ -o found.jsonl
  ner annotate tickets.csv --column body -o found.csv --resume
  ner annotate 's3://bucket/part-*.jsonl.gz' -o s3://bucket/found.parquet --engine ray --address auto
  zcat lines.txt.gz | ner annotate - --lines -o found.jsonl
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``annotate`` to the subcommands of ``ner``.

    Parameters
    ----------
    subparsers
        What ``ArgumentParser.add_subparsers`` returned.

    Returns
    -------
    argparse.ArgumentParser
        With ``run`` as the default of the attribute ``run``.
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "annotate",
        help="annotate corpora: files, folders, tables, object stores; resumable, on one machine or on Ray",
        description="Find the entities in many documents; order is kept, and the output appears only whole.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="file, folder, glob, URL, or - for standard input"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file or URL, or - for standard output"
    )

    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--input-format", choices=FORMATS, help="of all inputs; by default the suffix decides"
    )
    reading.add_argument("--lines", action="store_true", help="text files hold a document a line")
    reading.add_argument(
        "--column", default="text", help="key or column with the text (default: %(default)s)"
    )
    reading.add_argument(
        "--word-column", type=int, default=0, metavar="N", help="column of the word in CoNLL files, from 0"
    )
    reading.add_argument("--encoding", default="utf-8", help="of text inputs (default: %(default)s)")
    reading.add_argument(
        "--max-document-bytes",
        type=_size,
        default=64 << 20,
        metavar="SIZE",
        help="largest document (default: 64M)",
    )
    reading.add_argument(
        "--strict", action="store_true", help="stop at the first document that cannot be read"
    )

    writing = parser.add_argument_group("writing")
    writing.add_argument("--format", choices=OUTPUT_FORMATS, help="by default the suffix of OUT decides")
    writing.add_argument(
        "--into", default="entities", metavar="NAME", help="name of the new field (default: %(default)s)"
    )
    writing.add_argument(
        "--errors", metavar="FILE", help="where unreadable documents go (default: OUT.errors.jsonl)"
    )
    writing.add_argument(
        "--resume", action="store_true", help="go on with a run that was stopped, if there is one"
    )
    writing.add_argument("--overwrite", action="store_true", help="replace OUT, and drop an unfinished run")
    writing.add_argument(
        "--work-dir", metavar="DIR", help="where unfinished work is kept (default: OUT.partial, beside OUT)"
    )
    writing.add_argument("--quiet", action="store_true", help="no progress, no summary")

    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        default="minilm-ner",
        help="name in the zoo, hf:owner/name, or path of an OpenVINO .xml (default: %(default)s)",
    )
    model.add_argument(
        "--device", help="CPU, GPU, AUTO, or kserve://host:port/model (default: as ner recognize)"
    )
    model.add_argument("--precision", help="FP32, FP16, INT8, ... (default: what suits the device)")
    model.add_argument("--models-dir", metavar="DIR", help="where downloaded models lie")
    model.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json or vocab.txt, if none is beside it"
    )
    model.add_argument(
        "--model-labels", type=_names, metavar="L[,L]", help="labels in id order, if the model names none"
    )
    model.add_argument("--aggregation", choices=("none", "simple", "first", "average", "max", "word"))
    model.add_argument("--threshold", type=float, metavar="P", help="lowest score to report, 0 to 1")
    model.add_argument("--labels", type=_names, metavar="L[,L]", help="report these entity types alone")

    engine = parser.add_argument_group("engine")
    engine.add_argument("--engine", choices=("local", "ray"), default="local")
    engine.add_argument(
        "--address", help="Ray cluster, such as auto or ray://host:10001; without it, this machine"
    )
    engine.add_argument(
        "--num-workers",
        type=_workers,
        metavar="N or MIN:MAX",
        help="model actors of Ray (default: as many as fit)",
    )
    engine.add_argument(
        "--num-cpus-per-worker", type=float, default=1.0, metavar="N", help="(default: %(default)s)"
    )
    engine.add_argument(
        "--ship", action="store_true", help="send this package and the model to the workers of the cluster"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more on standard error")


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kMG]?)B?", text)
    if not match or int(match[1]) == 0:
        msg = f"expected a size such as 500k, 64M or 1G, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) << {"": 0, "k": 10, "M": 20, "G": 30}[match[2]]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _workers(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)(?::([1-9]\d*))?", text)
    if not match or int(match[2] or match[1]) < int(match[1]):
        msg = f"expected a number such as 4, or a range such as 2:8, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2] or match[1])


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say.

    Returns
    -------
    int
        0 when the output is complete, whether or not some documents were unreadable; 1 when not; 2 for wrong
        usage; 130 when interrupted.
    """
    try:
        return _run(args)
    except KeyboardInterrupt:
        _complain("stopped; go on with the same command and --resume")
        return 130
    except CorpusError as error:
        _complain(str(error))
        return 1
    except (LookupError, OSError, ValueError) as error:  # no such model, device or disk space
        if isinstance(error, (KeyError, IndexError, UnicodeError)):
            raise
        _complain(str(error))
        return 1


def _run(args: argparse.Namespace) -> int:
    problem = _usage_problem(args)
    if problem:
        _complain(problem)
        return 2
    sources, left_out = find_sources(args.inputs, args.input_format)
    output_format = args.format or format_of(args.output) or ""
    with contextlib.ExitStack() as stack:
        output, work_folder = args.output, args.work_dir or f"{args.output.rstrip('/')}.partial"
        if args.output == "-":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ner-annotate-"))
            output, work_folder = f"{folder}/out", f"{folder}/partial"
        errors = args.errors or f"{'ner-annotate' if args.output == '-' else output}.errors.jsonl"
        recognizer = _load(args)
        job = Run(
            sources=tuple(source for source in sources if not _is_one_of(source.path, output, errors)),
            read_options=ReadOptions(
                args.column, args.into, args.lines, args.word_column, args.encoding, args.max_document_bytes
            ),
            settings=Settings(output_format, args.into, args.aggregation, args.threshold, args.labels),
            model=_identity(recognizer),
            labels=tuple(label for label in recognizer.labels if not args.labels or label in args.labels),
            output=output,
            errors=errors,
            work_folder=work_folder,
        )
        stack.enter_context(job.alone())
        if not job.prepare(resume=args.resume, overwrite=args.overwrite):
            _say(args, f"{output} is complete; nothing to do")
            return 0
        if left_out:
            _say(args, f"left out: {len(left_out)} files of unknown suffix, such as {left_out[0]}")
        progress = Progress(sys.stderr, total_size(sources), quiet=args.quiet)
        job.annotate(_engine(args, job, recognizer), progress)
        progress.close()
        if args.output == "-":
            _copy_to_stdout(Path(output))
        _say(args, progress.summary())
        for note in recognizer.notes:
            _say(args, f"note: {note}")
        if progress.totals.errors:
            _say(args, f"what could not be read is in {job.errors}")
    return 0


def _usage_problem(args: argparse.Namespace) -> str | None:
    if (args.format or format_of(args.output)) is None:
        formats = "|".join(OUTPUT_FORMATS)
        return f"{args.output}: the suffix names no output format; give --format {formats}"
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        return f"--threshold {args.threshold}: expected a number from 0 to 1"
    if args.word_column < 0:
        return f"--word-column {args.word_column}: expected a number from 0"
    if any(_is_one_of(given, args.output) for given in args.inputs if given != "-"):
        return f"{args.output}: is input and output at once"
    if args.resume and args.overwrite:
        return "--resume and --overwrite exclude each other"
    if args.output == "-" and (args.resume or args.work_dir):
        return "standard output cannot be resumed; write to a file"
    if args.inputs.count("-") > 1:
        return "standard input can be read once only"
    if args.engine == "ray" and "-" in args.inputs:
        return "--engine ray reads on its workers, where there is no standard input; store it in a file first"
    folder = Path(args.output).parent
    if not is_url(args.output) and args.output != "-" and not folder.is_dir():
        return f"{args.output}: folder {folder} does not exist"
    return None


def _is_one_of(path: str, *others: str) -> bool:
    """Tell whether a path names one of some files: results of an earlier run are no input."""
    return any(path == other or Path(path).resolve() == Path(other).resolve() for other in others)


def model_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `model_zoo.load` that the arguments stand for."""
    from ner_core import devices

    only_cpu = [device.name for device in devices()] == ["CPU"]
    options = {
        "device": args.device or ("CPU" if only_cpu else "AUTO"),
        "precision": args.precision,
        "models_dir": args.models_dir,
        "tokenizer": args.tokenizer,
        "labels": args.model_labels,
        "hint": "THROUGHPUT",
    }
    return {name: value for name, value in options.items() if value is not None}


def _load(args: argparse.Namespace) -> EntityRecognizer:
    import model_zoo

    recognizer = model_zoo.load(args.model, **model_options(args))
    unknown = [label for label in args.labels or () if label not in recognizer.labels]
    if unknown:
        known = ", ".join(recognizer.labels)
        msg = f"--labels: no {', '.join(unknown)} in {recognizer.name}, which has {known}"
        raise CorpusError(msg)
    return recognizer


def _identity(recognizer: EntityRecognizer) -> dict[str, Any]:
    """Name what decides the scores: a run goes on only with the same."""
    known = ("source_checksum", "openvino_version", "tag_scheme")
    info = {name: recognizer.model_info.get(name) for name in known}
    return {"name": recognizer.name, "precision": recognizer.precision, "tags": list(recognizer.tags), **info}


def _engine(args: argparse.Namespace, job: Run, recognizer: EntityRecognizer) -> Engine:
    if args.engine == "local":
        return lambda groups, workspace, progress: annotate_locally(
            groups, job.read_options, job.settings, recognizer, workspace, progress, strict=args.strict
        )
    import model_zoo
    from ner_corpora.ray_engine import Model, RayOptions, annotate_on_ray

    name = str(Path(args.model).resolve()) if Path(args.model).exists() else args.model
    found = model_zoo.find(name, args.models_dir)
    # Every worker takes the precision that was chosen here, whatever it would choose for its own processor.
    precision = recognizer.precision if recognizer.precision in found else next(iter(found))
    threads = max(1, int(args.num_cpus_per_worker))
    model = Model(name, {**model_options(args), "precision": precision, "threads": threads}, found[precision])
    options = RayOptions(args.address, args.num_workers, args.num_cpus_per_worker, args.ship)
    return lambda groups, workspace, progress: annotate_on_ray(
        groups, job.read_options, job.settings, model, workspace, progress, options, strict=args.strict
    )


def _copy_to_stdout(path: Path) -> None:
    import shutil

    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _say(args: argparse.Namespace, message: str) -> None:
    if not args.quiet:
        sys.stderr.write(f"{visible(message)}\n")


def _complain(message: str) -> None:
    sys.stderr.write(f"ner annotate: {visible(message)}\n")


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m ner_corpora.command annotate ...``, the same as ``ner annotate ...``."""
    parser = argparse.ArgumentParser(prog="ner")
    add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
