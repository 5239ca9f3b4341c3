"""``ner redact``: replace names in files, keeping their format."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.locks import alone
from ner_commands.arguments import (
    Failure,
    WrongUsage,
    add_model_options,
    check_new,
    check_roles,
    known_labels,
    load_model,
    parse_names,
    parse_probability,
)
from ner_commands.output import complain, explanation
from ner_commands.reading import FOLDER, called
from ner_core.files import write_whole
from ner_core.rendering import to_json
from ner_documents.formats import format_by_name
from ner_documents.names import fold
from ner_documents.reading.bounded import UNTRUSTED
from ner_documents.redaction import (
    OPERATORS,
    FormatError,
    Key,
    ListError,
    NameList,
    Placeholders,
    RedactedFile,
    Redactor,
    Rules,
    read_lines,
    redact_file,
    suffix_of,
)
from ner_documents.redaction.bounded import redact_bounded
from ner_documents.redaction.patterns import DEFAULT_REGIONS, PATTERN_LABELS
from ner_documents.sources import read_whole

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ner_core import EntityRecognizer

__all__ = ["add_parser", "read_content", "read_key", "run", "write_content"]

_SHOWN = 20

_EPILOG = """examples:
  ner redact contract.docx -o contract-redacted.docx --key contract.key
  ner redact mails/*.txt -o redacted/ --key mails.key --names staff.txt
  ner restore redacted/001.txt --key mails.key
"""


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "redact",
        help="replace names, addresses and numbers in files; a key file restores them",
        description="Replace names, addresses and numbers in files. Only what is found is replaced:\n"
        "read the result before you pass it on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help='file; "-" is text on standard input')
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help='output file, or folder for several files; "-" is standard output',
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="stores the placeholders, for further files and for `ner restore`; created if missing",
    )
    parser.add_argument(
        "--operator",
        choices=OPERATORS,
        default="number",
        help="label: [PER]; number: PER_1, one number per name; mask: of equal length; hash: PER_ and a "
        "hash keyed by --key (default: number)",
    )
    parser.add_argument("--names", metavar="FILE", help="names to replace always, one per line")
    parser.add_argument("--allow", metavar="FILE", help="names to keep, one per line")
    parser.add_argument(
        "--labels",
        action="extend",
        type=parse_names,
        metavar="L[,L]",
        help=f"what to replace: entity types, {', '.join(PATTERN_LABELS)} (default: all)",
    )
    parser.add_argument(
        "--regions",
        type=_parse_regions,
        default=list(DEFAULT_REGIONS),
        metavar="R[,R]",
        help="countries whose phone numbers are found without country code, such as DE (default: US,GB)",
    )
    parser.add_argument(
        "--unsure",
        type=parse_probability,
        default=0.8,
        metavar="P",
        help="list replacements with a lower score, to be checked (default: 0.8)",
    )
    parser.add_argument("--report", metavar="FILE", help="write all replacements as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    add_model_options(parser)
    parser.set_defaults(run=run)


def _parse_regions(value: str) -> list[str]:
    from phonenumbers import SUPPORTED_REGIONS

    regions = [region.upper() for region in parse_names(value)]
    unknown = [region for region in regions if region not in SUPPORTED_REGIONS]
    if unknown:
        msg = f"expected two-letter country codes such as DE,FR, found {', '.join(unknown)}"
        raise argparse.ArgumentTypeError(msg)
    return regions


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return 1 when a file could not be redacted."""
    outputs = _outputs(arguments)
    _check_files(arguments, outputs)
    if arguments.operator == "hash" and arguments.key is None:
        msg = "--operator hash needs --key FILE: without a secret, the hashes of names can be guessed"
        raise WrongUsage(msg)
    ner = load_model(arguments)
    rules = _rules(arguments, [*ner.labels, *PATTERN_LABELS])
    with _locked(arguments.key):
        key = read_key(arguments.key) if arguments.key and Path(arguments.key).exists() else Key()
        placeholders = Placeholders(arguments.operator, secret=key.secret, identities=key.identities)
        redactor = Redactor(placeholders, rules)
        report = []
        for name, output in outputs:
            try:
                result = _redact(name, output, ner, redactor, key, arguments)
            except BrokenPipeError:
                raise
            except (FormatError, OSError) as error:
                complain(f"{called(name)}: {error}" if isinstance(error, FormatError) else explanation(error))
                continue
            _print_summary(called(name), result, arguments)
            report.append(_report(name, output, result, arguments.unsure))
    if arguments.report and report:
        write_content(arguments.report, to_json(report, indent=2).encode() + b"\n")
    for note in ner.notes:
        complain(f"note: {note}")
    if report:
        complain("only what was found is replaced: read the result before you pass it on")
    return 0 if len(report) == len(outputs) else 1


def _outputs(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the name of each file and of its output."""
    files, output = arguments.files, arguments.output
    if len(files) > 1 and output == "-":
        msg = "-o -: several files need a folder"
        raise WrongUsage(msg)
    folder = Path(output)
    if output != "-" and (len(files) > 1 or output.endswith(("/", os.sep)) or folder.is_dir()):
        if folder.exists() and not folder.is_dir():
            msg = f"{output}: is a file; several files need a folder"
            raise WrongUsage(msg)
        outputs = [(name, str(folder / ("stdin.txt" if name == "-" else Path(name).name))) for name in files]
        twice = next(
            (path for path, count in Counter(path for _, path in outputs).items() if count > 1), None
        )
        if twice:
            msg = f"{twice}: two files would get this name; redact them one by one"
            raise WrongUsage(msg)
    else:
        outputs = [(files[0], output)]
    for name, path in outputs:
        given, made = Path(name).suffix.lower(), Path(path).suffix.lower()
        if path != "-" and name != "-" and given != made:
            ending = f"that ends with {given}" if given else "without a suffix"
            msg = f"{path}: the format does not change; expected a name {ending}"
            raise WrongUsage(msg)
    return outputs


def _check_files(arguments: argparse.Namespace, outputs: list[tuple[str, str]]) -> None:
    """Refuse to write over a file that another argument names, or over one that is already there."""
    check_roles(
        *(("FILE", name) for name, _ in outputs),
        ("--names", arguments.names),
        ("--allow", arguments.allow),
        ("--key", arguments.key),
        *(("-o", path) for _, path in outputs),
        ("--report", arguments.report),
        written=("--key", "-o", "--report"),
    )
    for path in (*(path for _, path in outputs), arguments.report):
        check_new(path, overwrite=arguments.overwrite)


def _rules(arguments: argparse.Namespace, labels: list[str]) -> Rules:
    wanted = known_labels(arguments.labels, labels)
    try:
        return Rules(
            regions=arguments.regions,
            listed=NameList(read_lines(Path(arguments.names)) if arguments.names else ()),
            allowed=frozenset(map(fold, read_lines(Path(arguments.allow)) if arguments.allow else ())),
            labels=frozenset(wanted) if wanted else None,
        )
    except ListError as error:
        raise Failure(str(error)) from error


def _locked(key: str | None) -> AbstractContextManager[None]:
    """Lock a key against other runs: with a lost entry, a file could not be restored."""
    if key is None:
        return nullcontext()
    if not Path(key).parent.is_dir():
        msg = f"{key}: folder {Path(key).parent} does not exist"
        raise Failure(msg)
    return alone(Path(f"{key}.lock"), key, "give another --key", Failure)


def _redact(
    name: str,
    output: str,
    ner: EntityRecognizer,
    redactor: Redactor,
    key: Key,
    arguments: argparse.Namespace,
) -> RedactedFile:
    # A file that crashes a library, hangs or fills the memory must not affect the other files.
    content = read_content(name)
    given = "stdin.txt" if name == "-" else name
    redact = redact_bounded if format_by_name(suffix_of(given, content))[0] in UNTRUSTED else redact_file
    result = redact(given, content, partial(ner.document, threshold=0.0), redactor)
    if arguments.key:
        key.identities = redactor.placeholders.identities
        if result.document:
            key.add(result.document)
        # The key first: without it, the redacted file could not be restored.
        write_content(arguments.key, key.to_json().encode(), secret=True)
    write_content(output, result.content)
    return result


def read_key(path: str) -> Key:
    """Read a key file, or raise `KeyProblem` if it is none."""
    return Key.from_json(read_whole(path).decode("utf-8", "replace"), path)


def read_content(name: str) -> bytes:
    """Read a file, or standard input for ``-``."""
    if Path(name).is_dir():
        raise FormatError(FOLDER)
    return read_whole(name)


def write_content(path: str, content: bytes, *, secret: bool = False) -> None:
    """Write a file atomically, or to standard output for ``-``; only the owner can read a secret one."""
    if path == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    before = os.umask(0o077) if secret else None
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(path), content)
    finally:
        if before is not None:
            os.umask(before)


def _print_summary(name: str, result: RedactedFile, arguments: argparse.Namespace) -> None:
    counts = Counter(one.label for one in result.found)
    by_label = ", ".join(f"{count} {label}" for label, count in counts.most_common())
    complain(f"{name}: {len(result.found)} replaced" + (f" ({by_label})" if by_label else ""))
    for note in result.notes:
        complain(f"{name}: {note}")
    if arguments.key and result.document is None:
        complain(f"{name}: cannot be restored from its result; keep the original")
    unsure = [one for one in result.found if one.score < arguments.unsure]
    for one in unsure[:_SHOWN]:
        complain(f"{name}: unsure: {' '.join(one.text.split())} {one.label} {one.score:.2f}")
    if len(unsure) > _SHOWN:
        complain(f"{name}: unsure: {len(unsure) - _SHOWN} more; --report FILE lists all")


def _report(name: str, output: str, result: RedactedFile, unsure: float) -> dict[str, Any]:
    found = [
        {
            "text": one.text,
            "label": one.label,
            "found_by": one.source,
            "score": one.score,
            "placeholder": one.placeholder,
            "unsure": one.score < unsure,
        }
        for one in result.found
    ]
    return {"file": name, "output": output, "replaced": found, "notes": list(result.notes)}
