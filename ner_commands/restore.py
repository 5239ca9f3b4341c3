"""``ner restore``: put the names back into a redacted file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_commands.arguments import Failure, WrongUsage, check_new, check_roles
from ner_commands.output import complain
from ner_commands.reading import called
from ner_commands.redact import read_content, read_key, write_content
from ner_documents.redaction import FormatError, KeyProblem, restore_file
from ner_documents.redaction.office import OFFICE_FORMATS

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to ``ner``."""
    parser = commands.add_parser(
        "restore",
        help="put the names back into a redacted file",
        description="Put the names back into a redacted file. Text formats become the original, byte for "
        "byte. In a file that was changed since, such as a translation, the placeholders are replaced.",
    )
    parser.add_argument("file", metavar="FILE", help='the redacted file; "-" is text on standard input')
    parser.add_argument("--key", required=True, metavar="FILE", help="key file that `ner redact` wrote")
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="output file (default: standard output)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    name, output = arguments.file, arguments.output
    check_roles(("--key", arguments.key), ("-o", output), written=("-o",))
    check_new(output, overwrite=arguments.overwrite)
    if output == "-" and Path(name).suffix.lower() in OFFICE_FORMATS and sys.stdout.isatty():
        msg = f"{name}: a terminal cannot show this format; give -o OUT"
        raise WrongUsage(msg)
    try:
        key = read_key(arguments.key)
        restored, notes = restore_file("stdin.txt" if name == "-" else name, read_content(name), key)
    except (FormatError, KeyProblem) as error:
        msg = str(error) if str(error).startswith(arguments.key) else f"{called(name)}: {error}"
        raise Failure(msg) from error
    write_content(output, restored)
    for note in notes:
        complain(f"{called(name)}: {note}")
    return 0
