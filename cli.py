"""Command line of ner-zoo: ``ner recognize "Mary lives in Santa Clara."``; ``python cli.py`` is the same.

Results go to standard output, everything else to standard error. Exit status: 0 fine, 1 failed, 2 wrong
usage.
"""

from __future__ import annotations

import argparse
import codecs
import io
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model_zoo import benchmark
from ner_corpora import command as annotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core import EntityRecognizer, Recognition
    from ner_core.corpus import Sentence

__all__ = ["main"]

logger = logging.getLogger("ner")

DEFAULT_MODEL = "minilm-ner"
FORMATS = ("text", "json", "jsonl", "html", "conll", "csv", "inline", "redacted")
AGGREGATIONS = ("none", "simple", "first", "average", "max", "word")

CONLL2003 = """CoNLL-2003 cannot be shipped: its texts are Reuters news, licensed for research only.

1. Ask NIST for the Reuters Corpora (free of charge, an agreement is signed):
   https://trec.nist.gov/data/reuters/reuters.html
2. Make eng.train, eng.testa (dev) and eng.testb (test) out of it with the annotations of
   https://www.clips.uantwerpen.be/conll2003/ner/
3. Run: ner evaluate FOLDER --split testa

Any file with a word and its tag on each line will do, whatever its name."""


class _Failure(Exception):  # noqa: N818 - not an error of the program
    """Something that the user has to know about, in one line or a few."""


class _WrongUsage(_Failure):
    """Arguments that only turn out to be wrong once the model is there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit status.
    """
    arguments = _parser().parse_args(argv)
    level = logging.DEBUG if arguments.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough; nothing may be written when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (_Failure, OSError, ValueError) as error:
        logger.debug("Traceback", exc_info=True)
        _complain(_message(error))
        return 2 if isinstance(error, _WrongUsage) else 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ner",
        description="Find people, places, organisations and other names in text, on the hardware you own.",
        epilog='Example: ner recognize "Mary lives in Santa Clara and works at NVIDIA."',
    )
    parser.add_argument("--version", action=_Version, help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_recognize(commands)
    annotation.add_parser(commands)
    _add_evaluate(commands)
    benchmark.add_parser(commands)
    _add_devices(commands)
    _add_models(commands)
    return parser


class _Version(argparse.Action):
    """Look the version up only when asked for it."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("ner-zoo")
        except PackageNotFoundError:  # run from a checkout
            lines = Path(__file__).with_name("pyproject.toml").read_text("utf-8").splitlines()
            number = next(line.split('"')[1] for line in lines if line.startswith("version = "))
        sys.stdout.write(f"ner-zoo {number}\n")
        parser.exit()


def _add_recognize(commands: Any) -> None:
    parser = commands.add_parser(
        "recognize",
        help="find the entities of a text",
        description="Find the entities of a text, of files, or of what comes in through a pipe.",
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help='the text; "-" reads standard input')
    parser.add_argument("--file", nargs="+", metavar="F", help="text files, one document each")
    parser.add_argument(
        "--encoding", type=_encoding, default="utf-8", help="encoding of the files (default: utf-8)"
    )
    _add_model_options(parser)
    parser.add_argument(
        "--aggregation", choices=AGGREGATIONS, help="how pieces become entities (default: first)"
    )
    parser.add_argument("--threshold", type=_probability, metavar="P", help="lowest score to report, 0 to 1")
    parser.add_argument("--labels", type=_names, metavar="L[,L]", help="report these entity types alone")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="json: one document, an array for several files; jsonl: one line a document; csv: one row an "
        "entity, cells that spreadsheets take for formulas begin with an apostrophe; default: text",
    )
    parser.add_argument(
        "--placeholder",
        choices=("label", "numbered"),
        default="label",
        help="redacted: [PER], or PER_1 with the same number for the same name (default: label)",
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="of text (default: auto)"
    )
    parser.set_defaults(run=_recognize)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help=f"name in the zoo, hf:owner/name, or path of an OpenVINO .xml (default: {DEFAULT_MODEL})",
    )
    group.add_argument(
        "--device", help="CPU, GPU, NPU, AUTO, ... (default: AUTO; CPU where there is no other)"
    )
    group.add_argument("--precision", help="FP32, FP16, INT8, ... (default: what suits the device)")
    group.add_argument("--models-dir", metavar="DIR", help="where downloaded models lie")
    group.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json or vocab.txt, if none is beside it"
    )
    group.add_argument(
        "--model-labels", type=_names, metavar="L[,L]", help="labels in id order, if the model names none"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more on standard error")


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on labelled text",
        description="Measure a model on CoNLL columns or NeMo's text_*.txt with labels_*.txt: "
        "F1 of spans (micro and macro), report over tokens.",
    )
    parser.add_argument("path", nargs="?", metavar="DATASET", help="file or folder")
    parser.add_argument("--dataset", metavar="DATASET", help="the same; conll2003 tells where to get it")
    parser.add_argument("--split", metavar="NAME", help="which of several in a folder, such as dev")
    parser.add_argument(
        "--encoding", type=_encoding, default="utf-8", help="encoding of CoNLL files (default: utf-8)"
    )
    _add_model_options(parser)
    parser.add_argument(
        "--protocol",
        choices=("spans", "omz"),
        default="spans",
        help="omz: cut sentences at 126 pieces as Open Model Zoo did (default: spans)",
    )
    parser.add_argument(
        "--unit", choices=("word", "piece"), default="word", help="of the token report (default: word)"
    )
    parser.add_argument("--types", type=_names, metavar="T[,T]", help="score these types alone")
    parser.add_argument(
        "--map",
        type=_renaming,
        action="append",
        default=[],
        metavar="FROM=TO",
        help="take a type of the corpus for a type of the model; to O drops it; may be repeated",
    )
    parser.add_argument("--confusion", action="store_true", help="print the confusion table too")
    parser.add_argument(
        "--errors", type=_count, default=0, metavar="N", help="print the N worst sentences too"
    )
    _add_format(parser)
    parser.set_defaults(run=_evaluate)


def _add_devices(commands: Any) -> None:
    parser = commands.add_parser("devices", help="list the devices of this machine")
    _add_format(parser)
    parser.set_defaults(run=_devices, verbose=False)


def _add_models(commands: Any) -> None:
    parser = commands.add_parser("models", help="list the models of the zoo and which of them are here")
    parser.add_argument("--models-dir", metavar="DIR", help="where downloaded models lie")
    _add_format(parser)
    parser.set_defaults(run=_models, verbose=False)


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def _probability(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        msg = f"expected a number from 0 to 1, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError:
        msg = f"Python knows no encoding {value!r}"
        raise argparse.ArgumentTypeError(msg) from None


def _count(value: str) -> int:
    if not value.isdecimal():
        msg = f"expected a count, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(value)


def _names(value: str) -> list[str]:
    names = [name for name in value.replace(",", " ").split() if name]
    if not names:
        msg = "expected names separated by commas, found none"
        raise argparse.ArgumentTypeError(msg)
    return names


def _renaming(value: str) -> tuple[str, str]:
    before, equals, after = value.partition("=")
    if not (before and equals and after):
        msg = f"expected FROM=TO, found {value!r}"
        raise argparse.ArgumentTypeError(msg)
    return before, after


def _recognize(arguments: argparse.Namespace) -> int:
    if arguments.file is not None and arguments.text is not None:
        msg = "give TEXT or --file, not both"
        raise _WrongUsage(msg)
    if arguments.file is None and arguments.text is None and sys.stdin.isatty():
        msg = 'nothing to read: give a TEXT in quotes, --file F, or "-" for standard input'
        raise _WrongUsage(msg)
    documents = _Documents(arguments)
    ner = _load(arguments)
    unknown = [label for label in arguments.labels or () if label not in ner.labels]
    if unknown:
        msg = f"--labels: no {', '.join(unknown)} in {ner.name}, which has {', '.join(ner.labels)}"
        raise _WrongUsage(msg)
    results = ner.stream(
        documents, aggregation=arguments.aggregation, threshold=arguments.threshold, labels=arguments.labels
    )
    _write_recognitions(results, documents.names, arguments)
    for note in ner.notes:
        _complain(f"note: {note}")
    return 1 if documents.failed else 0


class _Documents:
    """Texts one after another, and their names; a file that cannot be read is told of and left out."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.names: list[str] = []
        self.failed = False
        self._encoding: str = arguments.encoding
        self._files: list[str] = arguments.file or []
        self._text: str | None = arguments.text

    def __iter__(self) -> Iterator[str]:
        if self._text is not None and self._text != "-":
            yield self._text
        for name in self._files or (["-"] if self._text in (None, "-") else []):
            try:
                text = _read(name, self._encoding)
            except (OSError, _Failure) as error:
                _complain(_message(error))
                self.failed = True
                continue
            if self._files:
                self.names.append(name)
            yield text


def _read(name: str, encoding: str) -> str:
    """Read a file whole, without changing its line ends."""
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    called = "standard input" if name == "-" else name
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        msg = f"{called}:{line}: expected {encoding} text, found {found}; see --encoding"
        raise _Failure(msg) from None


def _load(arguments: argparse.Namespace) -> EntityRecognizer:
    import model_zoo

    options = {"tokenizer": arguments.tokenizer, "labels": arguments.model_labels}
    try:
        return model_zoo.load(
            arguments.model,
            device=arguments.device or _default_device(),
            precision=arguments.precision,
            models_dir=arguments.models_dir,
            **{name: value for name, value in options.items() if value is not None},
        )
    except model_zoo.ModelNotFoundError as error:
        raise _Failure(str(error)) from error


def _default_device() -> str:
    """AUTO compiles for the CPU first and then for what else there is; with the CPU alone that costs time."""
    from ner_core import devices

    names = [device.name for device in devices()]
    return "CPU" if names == ["CPU"] else "AUTO"


def _write_recognitions(
    results: Iterable[Recognition], names: Sequence[str], arguments: argparse.Namespace
) -> None:
    """Write results; `names` grows while the results come, and stays empty where the input has no names."""
    from ner_core import rendering

    kind = arguments.format
    _prepare_output(text=kind == "text")
    if kind == "json":
        plain = [_plain(result, names, index) for index, result in enumerate(results)]
        several = len(arguments.file or ()) > 1
        if several or plain:
            sys.stdout.write(rendering.to_json(plain if several else plain[0], indent=2) + "\n")
    elif kind in ("html", "csv"):
        as_file = rendering.to_html if kind == "html" else rendering.to_csv
        whole = list(results)
        if whole:
            sys.stdout.write(as_file(whole, names=names))
    else:
        write = _document_writer(arguments)
        for index, result in enumerate(results):
            if kind == "text" and len(arguments.file or ()) > 1:
                sys.stdout.write(f"==> {names[index]} <==\n")
            written = write(result) if kind != "jsonl" else rendering.to_json(_plain(result, names, index))
            sys.stdout.write(written if written.endswith("\n") else written + "\n")


def _document_writer(arguments: argparse.Namespace) -> Callable[[Recognition], str]:
    from ner_core import rendering
    from ner_core.redaction import redact

    if arguments.format == "redacted":
        numbers: dict[tuple[str, str], int] = {}
        return lambda result: redact(result, arguments.placeholder, numbers)
    if arguments.format == "text":
        colors = _colors(arguments.color)
        return lambda result: rendering.to_terminal(result, colors=colors)
    return rendering.to_conll if arguments.format == "conll" else rendering.to_inline


def _plain(result: Recognition, names: Sequence[str], index: int) -> dict[str, Any]:
    return {"file": names[index], **result.to_dict()} if names else result.to_dict()


def _colors(wanted: str) -> bool:
    """Decide as https://no-color.org asks for."""
    if wanted != "auto":
        return wanted == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _prepare_output(*, text: bool) -> None:
    """Make every character writable: data is UTF-8 on every system, and text suits the terminal.

    What cannot be encoded (half a surrogate pair from the command line) is written as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        if text:
            sys.stdout.reconfigure(errors="backslashreplace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _evaluate(arguments: argparse.Namespace) -> int:
    from ner_core import rendering
    from ner_core.corpus import open_dataset
    from ner_core.evaluation import evaluate_recognizer

    if (arguments.path is None) == (arguments.dataset is None):
        msg = "give one DATASET: a CoNLL file, NeMo's text_*.txt, a folder of either, or conll2003"
        raise _WrongUsage(msg)
    path = arguments.path or arguments.dataset
    if path == "conll2003" and not Path(path).exists():
        raise _Failure(CONLL2003)
    dataset = open_dataset(path, split=arguments.split, encoding=arguments.encoding)
    ner = _load(arguments)
    evaluation = evaluate_recognizer(
        ner,
        _with_progress(dataset),
        protocol=arguments.protocol,
        unit=arguments.unit,
        types=arguments.types,
        label_map=dict(arguments.map),
        mistakes=arguments.errors,
    )
    _prepare_output(text=arguments.format == "text")
    about = {
        "model": ner.name,
        "device": ner.device,
        "precision": ner.precision,
        "dataset": str(dataset.files[0]),
        "protocol": arguments.protocol,
    }
    if arguments.format == "json":
        sys.stdout.write(rendering.to_json({**about, **evaluation.to_dict()}, indent=2) + "\n")
    else:
        sys.stdout.write(", ".join(f"{key} {value}" for key, value in about.items()) + "\n")
        sys.stdout.write(rendering.visible(evaluation.to_text(confusion=arguments.confusion)) + "\n")
    return 0


def _with_progress(dataset: Iterable[Sentence]) -> Iterable[Sentence]:
    from tqdm import tqdm

    return tqdm(dataset, unit=" sentences", leave=False, file=sys.stderr, disable=not sys.stderr.isatty())


def _devices(arguments: argparse.Namespace) -> int:
    from ner_core import devices

    rows = [
        {"name": device.name, "full_name": device.full_name, "capabilities": list(device.capabilities)}
        for device in devices()
    ]
    _write_rows(rows, arguments.format)
    return 0


def _models(arguments: argparse.Namespace) -> int:
    from model_zoo import store
    from model_zoo.catalog import load_catalog

    rows = [
        {
            "name": model.name,
            "state": store.state(model, arguments.models_dir),
            "precisions": list(store.installed(model.name, arguments.models_dir)),
        }
        for model in load_catalog()
    ]
    _write_rows(rows, arguments.format)
    return 0


def _write_rows(rows: list[dict[str, Any]], kind: str) -> None:
    from ner_core import rendering

    _prepare_output(text=kind == "text")
    if kind == "json":
        sys.stdout.write(rendering.to_json(rows, indent=2) + "\n")
        return
    cells = [[" ".join(cell) if isinstance(cell, list) else cell for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def _complain(message: str) -> None:
    from ner_core.rendering import visible

    sys.stderr.write(f"ner: {visible(message)}\n")


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
