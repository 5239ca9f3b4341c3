"""``ner recognize``: find the entities in a text, in files, or in standard input."""

from __future__ import annotations

import functools
import io
import itertools
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from ner_commands.arguments import (
    WrongUsage,
    add_model_options,
    add_recognition_options,
    known_labels,
    load_model,
    parse_encoding,
)
from ner_commands.output import complain, prepare_output
from ner_commands.reading import read_files, told
from ner_documents.document import Document
from ner_documents.reading.records import ReadOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core import Recognition
    from ner_core.entity import Answered

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
    parser.add_argument("text", nargs="?", metavar="TEXT", help='the text; "-" reads standard input')
    parser.add_argument(
        "--file",
        nargs="+",
        metavar="F",
        help="files: text, HTML, PDF, Word, mail and more; each row of a table is a document; named pipes "
        "are read as text, to their end",
    )
    parser.add_argument(
        "--column",
        help="column of tables with the text (default: text, else the column with the longest texts)",
    )
    parser.add_argument(
        "--encoding",
        type=parse_encoding,
        help="encoding of text (default: UTF-8, else detected and reported)",
    )
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
    if arguments.file is not None and arguments.text is not None:
        msg = "give TEXT or --file, not both"
        raise WrongUsage(msg)
    if arguments.file is None and arguments.text is None and sys.stdin.isatty():
        msg = 'nothing to read: give a TEXT in quotes, --file F, or "-" for standard input'
        raise WrongUsage(msg)
    documents = _Documents(arguments)
    ner = load_model(arguments)
    labels = known_labels(arguments.labels, ner.labels)
    given, kept = itertools.tee(documents)
    results = ner.stream(
        (document.input for document in given),
        aggregation=arguments.aggregation,
        threshold=arguments.threshold,
        labels=labels,
        segments=(document.segments for document in kept),
    )
    answered = _Answered()
    _write_recognitions(map(answered.seen, results), documents.names, arguments)
    if answered.summary:
        complain(answered.summary)
    for note in ner.notes:
        complain(f"note: {note}")
    return 1 if documents.failed else 0


class _Documents:
    """Documents and their names; unreadable ones are reported and skipped."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.names: list[str] = []
        self.failed = False
        self._options = ReadOptions(column=arguments.column, encoding=arguments.encoding)
        self._files: list[str] = arguments.file or []
        self._text: str | None = arguments.text

    def __iter__(self) -> Iterator[Document]:
        if self._text is not None and self._text != "-":
            yield Document("", None, self._text, {})
        names = self._files or (["-"] if self._text in (None, "-") else [])
        for item in read_files(names, self._options):
            if not isinstance(item, Document):
                complain(told(item))
                self.failed = self.failed or item.lost
                continue
            if self._files:
                self.names.append(item.where)
            yield item


class _Answered:
    """Counts which models answered, where the language selects them."""

    def __init__(self) -> None:
        self._texts: Counter[str] = Counter()
        self._parts: tuple[Answered, ...] = ()

    def seen(self, result: Recognition) -> Recognition:
        """Count a result and return it."""
        if result.parts:
            self._texts[result.model] += 1
            self._parts = result.parts
        return result

    @property
    def summary(self) -> str:
        """One line for the user; empty where the model was named."""
        if self._texts.total() == 1:
            places = (f"{part.model} ({part.start}-{part.end})" for part in self._parts)
            return f"answered by {', '.join(places if len(self._parts) > 1 else self._texts)}"
        counts = (
            f"{model} ({count} {'text' if count == 1 else 'texts'})"
            for model, count in self._texts.most_common()
        )
        return f"answered by {', '.join(counts)}" if self._texts else ""


def _write_recognitions(
    results: Iterable[Recognition], names: Sequence[str], arguments: argparse.Namespace
) -> None:
    """Write results; `names` grows as they are drawn, and stays empty where the input has no names."""
    from ner_core import rendering

    kind = arguments.format
    prepare_output(text=kind == "text")
    if kind == "json":
        plain = [_plain(result, names, index) for index, result in enumerate(results)]
        several = len(arguments.file or ()) > 1 or len(plain) > 1
        if several or plain:
            sys.stdout.write(rendering.to_json(plain if several else plain[0], indent=2) + "\n")
    elif kind in _TOOLS:
        sys.stdout.write(_for_tool(results, names, kind))
    elif kind in ("html", "csv"):
        as_file = rendering.to_html if kind == "html" else rendering.to_csv
        whole = list(results)
        if whole:
            sys.stdout.write(as_file(whole, names=names))
    else:
        write = _document_writer(arguments)
        for index, result in enumerate(results):
            if kind == "text" and names and (len(arguments.file) > 1 or names[index] != arguments.file[0]):
                sys.stdout.write(f"==> {names[index]} <==\n")
            written = write(result) if kind != "jsonl" else rendering.to_json(_plain(result, names, index))
            sys.stdout.write(written if written.endswith("\n") else written + "\n")


def _for_tool(results: Iterable[Recognition], names: Sequence[str], kind: str) -> str:
    """Return all results in the import format of a tool; `names` is complete when the results are."""
    from ner_documents.writing.tools import marked, write_marked

    documents = [
        marked(
            names[index] if names else "",
            result.text,
            [entity.to_dict() for entity in result.entities],
            result.model,
        )
        for index, result in enumerate(results)
    ]
    target = io.BytesIO()
    if documents:
        write_marked(documents, target, kind)
    return target.getvalue().decode()


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


def _plain(result: Recognition, names: Sequence[str], index: int) -> dict[str, Any]:
    from ner_documents.groups import with_groups

    plain = with_groups(result)
    return {"file": names[index], **plain} if names else plain


def _colors(wanted: str) -> bool:
    """Return whether to use colours, following https://no-color.org."""
    if wanted != "auto":
        return wanted == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
