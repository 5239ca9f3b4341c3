"""Add a model of the Hugging Face hub to a zoo: ``python -m model_zoo add hf:owner/name``.

Writes a model.yml with sizes and hashes of all files, pinned to the current commit of the revision.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from model_zoo.catalog.command import FINE, program, run_command
from model_zoo.catalog.hub_names import canonical_name
from model_zoo.catalog.selection import add_zoo
from model_zoo.download.addition import add

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 for success, 1 for a failure; wrong usage exits with 2.
    """
    return run_command(lambda: _run(_parser().parse_args(argv)))


def _run(arguments: argparse.Namespace) -> int:
    labels = arguments.labels.split(",") if arguments.labels else None
    path = add(canonical_name(arguments.model), arguments.zoo, name=arguments.name, labels=labels)
    sys.stdout.write(f"{path}\n")
    return FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(), description="Add a model of the Hugging Face hub to a zoo."
    )
    parser.add_argument("model", metavar="hf:OWNER/NAME[@REVISION]")
    parser.add_argument(
        "--as", dest="name", metavar="NAME", help="name in the zoo (default: the repository's)"
    )
    add_zoo(parser, "zoo to add to (default: the models of this package)")
    parser.add_argument(
        "--labels", metavar="L0,L1,...", help="names of the labels in id order, if config.json has none"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
