"""``ner recognize``: find the entities in a text, in files, or in standard input."""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from ner_commands.arguments import (
    WrongUsage,
    add_column,
    add_encoding,
    add_model_options,
    add_recognition_options,
    known_labels,
    load_model,
)
from ner_commands.output import complain, prepare_output
from ner_commands.reading import read_files, told
from ner_documents.document import Document
from ner_documents.reading.records import ReadOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from ner_core import Recognition
    from ner_core.entity import Answered
    from ner_documents.document import Problem

__all__ = ["FORMATS", "add_parser", "run"]

# Import formats of annotation tools and viewers that are text.
_TOOLS = ("doccano", "prodigy", "label-studio", "displacy", "highlighted")

FORMATS = ("text", "json", "jsonl", "html", "conll", "conll-tabs", "csv", "inline", "redacted", *_TOOLS)


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "recognize",
        help="find the entities in a text or in files",
        description="Find the entities in a text, in files, or in standard input.",
    )
    parser.add_argument(
        "text", nargs="*", metavar="TEXT", help='the text, best in quotes; "-" reads standard input'
    )
    parser.add_argument(
        "--file",
        action="extend",
        nargs="+",
        metavar="F",
        help="files: text, HTML, PDF, Word, mail and more; each row of a table is a document; named pipes "
        "are read to their end",
    )
    add_column(parser)
    add_encoding(parser)
    add_model_options(parser)
    add_recognition_options(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="json: one JSON document, an array for several files; jsonl: one line per document; csv: one "
        "row per entity, with an apostrophe before cells that spreadsheets run as formulas (default: text)",
    )
    parser.add_argument(
        "--placeholder",
        choices=("label", "numbered"),
        default="label",
        help="for --format redacted: [PER], or PER_1 with one number per name (default: label)",
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours for --format text (default: auto)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if arguments.file is not None and arguments.text:
        msg = "give TEXT or --file, not both"
        raise WrongUsage(msg)
    if arguments.file is None and not arguments.text and sys.stdin.isatty():
        msg = 'nothing to read: give a TEXT in quotes, --file F, or "-" for standard input'
        raise WrongUsage(msg)
    for name in arguments.text:
        if name != "-" and os.path.isfile(name):  # noqa: PTH113 - a text may be too long for a Path
            complain(f"note: {name} is read as a text; to read the file of this name: --file {name}")
    ner = load_model(arguments)
    labels = known_labels(arguments.labels, ner.labels)
    lost: list[Problem] = []
    given, divided, kept = itertools.tee(_documents(arguments, lost), 3)
    results = ner.stream(
        (document.input for document in given),
        aggregation=arguments.aggregation,
        threshold=arguments.threshold,
        labels=labels,
        segments=(document.segments for document in divided),
    )
    names = (document.where if arguments.file else "" for document in kept)
    named = zip(names, _telling_models(results), strict=True)
    first = next(named, None)
    if first or not lost:
        _write_recognitions(itertools.chain([first] if first else [], named), arguments)
    for note in ner.notes:
        complain(f"note: {note}")
    return 1 if lost else 0


def _documents(arguments: argparse.Namespace, lost: list[Problem]) -> Iterator[Document]:
    """Yield the documents; unreadable ones are reported, and added to `lost`."""
    if arguments.text not in ([], ["-"]):
        yield Document("", None, " ".join(arguments.text), {})
        return
    options = ReadOptions(column=arguments.column, encoding=arguments.encoding)
    for item in read_files(arguments.file or ["-"], options):
        if isinstance(item, Document):
            yield item
            continue
        complain(told(item))
        if item.lost:
            lost.append(item)


def _telling_models(results: Iterable[Recognition]) -> Iterator[Recognition]:
    """Yield the results; at the end, say which models answered, where the language selects them."""
    texts: Counter[str] = Counter()
    parts: tuple[Answered, ...] = ()
    for result in results:
        if result.parts:
            texts[result.model] += 1
            parts = result.parts
        yield result
    if texts.total() > 1:
        told = [
            f"{model} ({count} {'text' if count == 1 else 'texts'})" for model, count in texts.most_common()
        ]
    else:
        told = [f"{part.model} ({part.start}-{part.end})" for part in parts] if len(parts) > 1 else [*texts]
    if told:
        complain(f"answered by {', '.join(told)}")


def _write_recognitions(results: Iterable[tuple[str, Recognition]], arguments: argparse.Namespace) -> None:
    """Write results with the names of their documents, which are empty where the input has none."""
    from ner_core import rendering

    kind = arguments.format
    prepare_output(text=kind == "text")
    if kind == "json":
        plain = [_plain(name, result) for name, result in results]
        several = len(arguments.file or ()) > 1 or len(plain) != 1
        sys.stdout.write(rendering.to_json(plain if several else plain[0], indent=2) + "\n")
    elif kind in _TOOLS:
        _write_for_tool(results, kind)
    elif kind in ("html", "csv"):
        as_file = rendering.to_html if kind == "html" else rendering.to_csv
        whole = list(results)
        names = [name for name, _ in whole if name]
        sys.stdout.write(as_file([result for _, result in whole], names=names))
    else:
        write = _document_writer(arguments)
        for name, result in results:
            if kind == "text" and name and (len(arguments.file) > 1 or name != arguments.file[0]):
                sys.stdout.write(f"==> {name} <==\n")
            written = write(result) if kind != "jsonl" else rendering.to_json(_plain(name, result))
            sys.stdout.write(written if written.endswith("\n") else written + "\n")


def _write_for_tool(results: Iterable[tuple[str, Recognition]], kind: str) -> None:
    """Write all results in the import format of a tool."""
    from ner_documents.writing.tools import marked, write_marked

    documents = [
        marked(name, result.text, [entity.to_dict() for entity in result.entities], result.model)
        for name, result in results
    ]
    write_marked(documents, sys.stdout.buffer, kind)
    sys.stdout.buffer.flush()


def _document_writer(arguments: argparse.Namespace) -> Callable[[Recognition], str]:
    from ner_core import rendering
    from ner_documents.redaction import Placeholders, redact

    if arguments.format == "redacted":
        placeholders = Placeholders("number" if arguments.placeholder == "numbered" else "label")
        return lambda result: redact(result, placeholders=placeholders)
    if arguments.format == "text":
        colors = _colors(arguments.color)
        return lambda result: rendering.to_terminal(result, colors=colors)
    if arguments.format == "inline":
        return rendering.to_inline
    return functools.partial(rendering.to_conll, tabs=arguments.format == "conll-tabs")


def _plain(name: str, result: Recognition) -> dict[str, Any]:
    from ner_documents.groups import with_groups

    return {"file": name, **with_groups(result)} if name else with_groups(result)


def _colors(wanted: str) -> bool:
    """Return whether to use colours, following https://no-color.org."""
    if wanted != "auto":
        return wanted == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
