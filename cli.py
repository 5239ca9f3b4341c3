"""Command line of ner-zoo: ``ner recognize "Mary lives in Santa Clara."``; ``python cli.py`` is the same.

Results go to standard output, everything else to standard error. Exit status: 0 fine, 1 failed, 2 wrong
usage.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from model_zoo.catalog.command import FAILED, FINE, USAGE, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

logger = logging.getLogger("ner")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of ``ner``.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit status.
    """
    return run_command(lambda: _run(argv), interrupted="", unread=FINE)


def _run(argv: Sequence[str] | None) -> int:
    # Imported here, so that an interrupt during the imports is handled as well.
    from model_zoo.catalog.errors import ZooError
    from ner_commands.arguments import WrongUsage, check_values
    from ner_commands.output import complain, explanation

    try:
        arguments = _parser().parse_args(argv)
        level = logging.DEBUG if arguments.verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)
        check_values(arguments)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (ZooError, OSError, ValueError) as error:
        logger.debug("Traceback", exc_info=True)
        complain(explanation(error))
        return USAGE if isinstance(error, WrongUsage) else FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    from ner_commands import annotate, evaluate, listings, recognize, redact, restore
    from ner_commands.benchmark import command as benchmark

    parser = argparse.ArgumentParser(
        prog="ner",
        description="Find people, places, organisations and other names in text, on the hardware you own.",
        epilog='Example: ner recognize "Mary lives in Santa Clara and works at NVIDIA."',
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (recognize, annotate, redact, restore, evaluate, benchmark):
        module.add_parser(commands)
    listings.add_parsers(commands)
    for one in commands.choices.values():
        one.add_argument("-v", "--verbose", action="store_true", help="print details on standard error")
    return parser


class _Version(argparse.Action):
    """Print the version, which is looked up only when requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("ner-zoo")
        except PackageNotFoundError:  # run from a checkout
            lines = Path(__file__).with_name("pyproject.toml").read_text("utf-8").splitlines()
            number = next(line.split('"')[1] for line in lines if line.startswith("version = "))
        sys.stdout.write(f"ner-zoo {number}\n")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
