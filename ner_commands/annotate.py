"""``ner annotate``: find the entities in many documents, resumably, on one machine or on Ray."""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.layout import AUTO, OTHER_LANGUAGES_MODEL
from ner_commands.arguments import (
    Failure,
    WrongUsage,
    add_column,
    add_encoding,
    add_model_options,
    add_recognition_options,
    check_roles,
    file_identity,
    known_labels,
    load_model,
    model_options,
    parse_column,
    parse_positive,
)
from ner_commands.output import complain
from ner_core.compute import COMPUTE
from ner_corpora.annotation import Settings
from ner_corpora.engines.local import annotate_locally
from ner_corpora.progress import Progress
from ner_corpora.run import Engine, Run, errors_of
from ner_corpora.workspace import Workspace
from ner_documents.document import MAX_DOCUMENT_BYTES
from ner_documents.formats import FORMATS, format_by_name
from ner_documents.reading.records import ReadOptions
from ner_documents.sources import find_sources, is_url, total_size
from ner_documents.writing.formats import OUTPUT_FORMATS, format_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ner_core import EntityRecognizer
    from ner_documents.sources import Source

__all__ = ["add_parser", "run"]

_HINT = {"hint": "THROUGHPUT"}

# Fields that documents and results have, beside those of a table.
_RESERVED = frozenset({"source", "line", "text", "words", "groups", "parts"})

_EPILOG = """examples:
  ner annotate articles/ -o found.jsonl
  ner annotate tickets.csv --column body -o found.csv --resume
  ner annotate 's3://bucket/part-*.jsonl.gz' -o s3://bucket/found.parquet --engine ray --address auto
  zcat lines.txt.gz | ner annotate - --lines -o found.jsonl
"""


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "annotate",
        help="find the entities in many documents: files, folders, tables, object stores",
        description="Find the entities in many documents. Documents keep their order, the output\n"
        "appears when it is complete, and interrupted runs can be resumed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="file, folder, glob, URL, or - for standard input"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file or URL, or - for standard output"
    )

    reading = parser.add_argument_group("reading")
    reading.add_argument("--input-format", choices=FORMATS, help="format of all inputs (default: by suffix)")
    reading.add_argument("--lines", action="store_true", help="each line of a text file is a document")
    add_column(reading)
    reading.add_argument(
        "--word-column",
        type=parse_column,
        metavar="N",
        help="column of the words in CoNLL files, from 1 (default: detected)",
    )
    add_encoding(reading)
    reading.add_argument(
        "--max-document-bytes",
        type=_size,
        default=MAX_DOCUMENT_BYTES,
        metavar="SIZE",
        help="largest document (default: 64M)",
    )
    reading.add_argument(
        "--strict", action="store_true", help="stop at the first document that cannot be read"
    )

    writing = parser.add_argument_group("writing")
    writing.add_argument("--format", choices=OUTPUT_FORMATS, help="output format (default: by suffix of OUT)")
    writing.add_argument(
        "--into", default="entities", metavar="NAME", help="name of the new field (default: %(default)s)"
    )
    writing.add_argument(
        "--errors",
        metavar="FILE",
        help="list of unreadable documents (default: OUT.errors.jsonl, or standard error if OUT is -)",
    )
    writing.add_argument("--resume", action="store_true", help="continue an interrupted run, if there is one")
    writing.add_argument("--overwrite", action="store_true", help="replace OUT and discard an unfinished run")
    writing.add_argument(
        "--work-dir", metavar="DIR", help="folder for unfinished work (default: OUT.partial)"
    )
    writing.add_argument("--quiet", action="store_true", help="print no progress and no summary")

    add_model_options(parser)
    add_recognition_options(parser)

    engine = parser.add_argument_group("engine")
    engine.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="this process, or Ray with the options below (default: local)",
    )
    engine.add_argument(
        "--address",
        help="Ray cluster to join, such as auto or ray://host:10001 (default: start Ray on this machine)",
    )
    engine.add_argument(
        "--num-workers",
        type=_workers,
        metavar="N or MIN:MAX",
        help="number of model actors (default: as many as fit)",
    )
    engine.add_argument(
        "--num-cpus-per-worker",
        type=parse_positive,
        metavar="N",
        help="processors per actor (default: 1)",
    )
    engine.add_argument(
        "--ship", action="store_true", help="send this package and the model to the workers of the cluster"
    )


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kmg]?)b?", text.lower())
    if not match or int(match[1]) == 0:
        msg = f"expected a size such as 500k, 64M or 1G, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2]]


def _workers(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)(?::([1-9]\d*))?", text)
    if not match or int(match[2] or match[1]) < int(match[1]):
        msg = f"expected a number such as 4, or a range such as 2:8, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2] or match[1])


def run(args: argparse.Namespace) -> int:
    """Run the command; return 0 when the output is complete, even if some documents were unreadable."""
    if problem := _usage_problem(args):
        raise WrongUsage(problem)
    try:
        _run(args)
    except KeyboardInterrupt:
        instead = " instead of --overwrite" if args.overwrite else ""
        advice = "" if args.output == "-" else f"; continue with the same command and --resume{instead}"
        complain(f"interrupted{advice}")
        raise
    return 0


def _run(args: argparse.Namespace) -> None:
    sources, left_out = find_sources(args.inputs, args.input_format)
    with contextlib.ExitStack() as stack:
        output, work_folder = args.output, _work_folder(args)
        if args.output == "-":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ner-annotate-"))
            output, work_folder = f"{folder}/out", f"{folder}/partial"
        errors = args.errors or errors_of(output)
        if args.resume and args.compute is None and args.model != AUTO:
            args.compute = _computed_before(work_folder)
        recognizer = load_model(args, **_HINT)
        job = _job(args, sources, recognizer, output, errors, work_folder)
        stack.enter_context(job.alone())
        if not job.prepare(resume=args.resume, overwrite=args.overwrite):
            _say(args, f"{output} is complete; nothing to do")
            return
        if left_out:
            _say(args, f"skipped: {len(left_out)} files with an unknown suffix, such as {left_out[0]}")
        progress = Progress(None if args.quiet else sys.stderr, total_size(sources))
        with contextlib.closing(progress):
            job.annotate(_engine(args, recognizer), progress)
        if args.output == "-":
            with Path(output).open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        _say(args, progress.summary())
        for note in recognizer.notes:
            _say(args, f"note: {note}")
        totals = progress.totals
        first = f"; the first error: {totals.first_error}" if totals.first_error else ""
        if (totals.errors or totals.notes) and args.output == "-" and not args.errors:
            complain(Path(errors).read_text("utf-8").rstrip(), prefix="")
        elif totals.errors or totals.notes:
            _say(args, f"errors and notes are listed in {errors}{first}")
        if totals.errors and not totals.documents:
            msg = f"no document could be read{first}"
            raise Failure(msg)


def _job(
    args: argparse.Namespace,
    sources: Sequence[Source],
    recognizer: EntityRecognizer,
    output: str,
    errors: str,
    work_folder: str,
) -> Run:
    labels = known_labels(args.labels, recognizer.labels)
    results = {file_identity(output), file_identity(errors)}  # of an earlier run, not input
    return Run(
        sources=tuple(source for source in sources if file_identity(source.path) not in results),
        read_options=ReadOptions(
            args.column, args.into, args.lines, args.word_column, args.encoding, args.max_document_bytes
        ),
        settings=Settings(
            args.format or format_of(args.output) or "",
            args.into,
            args.aggregation,
            args.threshold,
            tuple(labels) if labels else None,
        ),
        model=_identity(args, recognizer),
        labels=tuple(label for label in recognizer.labels if not labels or label in labels),
        output=output,
        errors=errors,
        work_folder=work_folder,
        strict=args.strict,
    )


def _usage_problem(args: argparse.Namespace) -> str | None:
    if format_by_name(args.output)[1]:
        return f"-o {args.output}: the output is not compressed; leave out {Path(args.output).suffix}"
    if (args.format or format_of(args.output)) is None:
        formats = "|".join(OUTPUT_FORMATS)
        return f"-o {args.output}: the suffix names no output format; give --format {formats}"
    if args.into in _RESERVED:
        return f"--into {args.into!r}: expected a name other than {', '.join(sorted(_RESERVED))}"
    written = {"-o": args.output, "--errors": args.errors, "--work-dir": _work_folder(args)}
    check_roles(*(("INPUT", given) for given in args.inputs), *written.items(), written=written)
    if args.resume and args.overwrite:
        return "--resume and --overwrite cannot be combined"
    if args.output == "-" and (args.resume or args.work_dir):
        return "a run that writes to standard output cannot be resumed; write to a file"
    if args.inputs.count("-") > 1:
        return "standard input can be read only once"
    if args.engine == "ray" and "-" in args.inputs:
        return "--engine ray cannot read standard input; store it in a file first"
    if args.engine == "local" and (args.address or args.num_workers or args.num_cpus_per_worker or args.ship):
        return "--address, --num-workers, --num-cpus-per-worker and --ship need --engine ray"
    for path in (*written.values(), errors_of(args.output)):
        if not path or is_url(path):
            continue
        if not Path(path).parent.is_dir():
            return f"{path}: folder {Path(path).parent} does not exist"
        with contextlib.suppress(FileNotFoundError):
            Path(path).lstat()  # an OSError for a name that is too long
    return None


def _work_folder(args: argparse.Namespace) -> str:
    return args.work_dir or f"{args.output.rstrip('/')}.partial"


def _identity(args: argparse.Namespace, recognizer: EntityRecognizer) -> dict[str, Any]:
    """Return everything that scores depend on; a run resumes only with the same."""
    scores = {"raw_scores": True} if recognizer.raw_scores else {}
    names = {"name": recognizer.name, "precision": recognizer.precision, "tags": list(recognizer.tags)}
    others = _identity_of_others(args, recognizer.precision) if args.model == AUTO else {}
    return {**names, "compute": recognizer.compute, **scores, **_made_of(recognizer.model_info), **others}


def _identity_of_others(args: argparse.Namespace, precision: str) -> dict[str, Any]:
    """Return the identity of the model for other languages, without loading it."""
    from model_zoo.catalog import folders
    from ner_core.ir import model_info, read_model

    found = folders.installed(OTHER_LANGUAGES_MODEL, args.models_dir)
    if not found:
        return {"other_languages": None}
    info = model_info(read_model(found.get(precision) or next(iter(found.values()))))
    return {"other_languages": {"labels": info.get("labels"), **_made_of(info)}}


def _made_of(info: Mapping[str, str]) -> dict[str, Any]:
    return {name: info.get(name) for name in ("source_checksum", "openvino_version", "tag_scheme")}


def _computed_before(work_folder: str) -> str | None:
    """Return the arithmetic of an unfinished run, so that resuming it gives the same bytes."""
    plan = Workspace(work_folder).read_plan() or {}
    compute = (plan.get("model") or {}).get("compute")
    return compute if compute in COMPUTE else None


def _engine(args: argparse.Namespace, recognizer: EntityRecognizer) -> Engine:
    if args.engine == "local":
        return partial(annotate_locally, recognizer=recognizer)
    import model_zoo
    from model_zoo.catalog import folders
    from ner_corpora.engines.ray import Model, RayOptions, annotate_on_ray

    name = args.model
    if name != AUTO and Path(name).exists():
        name = str(Path(name).resolve())
    found = model_zoo.find(name, args.models_dir)
    # All workers use the precision and arithmetic chosen here, whatever would suit their own processor.
    precision = recognizer.precision if recognizer.precision in found else next(iter(found))
    processors = args.num_cpus_per_worker or 1.0
    threads = max(1, int(processors))
    chosen = {"precision": precision, "threads": threads}
    irs = [found[precision]]
    if args.model == AUTO:
        irs += folders.installed(OTHER_LANGUAGES_MODEL, args.models_dir).values()
    elif recognizer.compute in COMPUTE:
        chosen["compute"] = recognizer.compute
    model = Model(name, {**model_options(args), **_HINT, **chosen}, tuple(irs))
    options = RayOptions(args.address, args.num_workers, processors, args.ship)
    return partial(annotate_on_ray, model=model, options=options)


def _say(args: argparse.Namespace, message: str) -> None:
    if not args.quiet:
        complain(message, prefix="")
