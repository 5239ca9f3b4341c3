"""Entry point for all commands of the zoo: ``python -m model_zoo download --name bert-base-ner``."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING

from model_zoo.catalog.command import FINE, USAGE, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Command -> module with ``main(argv) -> exit code``, and its description.
COMMANDS = {
    "add": ("adder", "add a model of the Hugging Face hub to a zoo"),
    "download": ("downloader", "download models and verify them"),
    "convert": ("converter", "convert downloaded models to OpenVINO IR"),
    "quantize": ("quantizer", "quantize converted models"),
    "info": ("info_dumper", "print information about models as JSON"),
    "finetune": ("finetuner", "train a token classifier"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named by the first argument with the others."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMANDS:
        return run(COMMANDS[arguments[0]][0], argv=arguments[1:])
    return run_command(lambda: _explain(arguments))


def _explain(arguments: Sequence[str]) -> int:
    usage = "usage: python -m model_zoo COMMAND [OPTION...]\n\n" + "".join(
        f"  {word:10}{purpose}\n" for word, (_, purpose) in COMMANDS.items()
    )
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(usage)
        return FINE
    found = f"error: no command {arguments[0]!r}\n\n" if arguments else ""
    sys.stderr.write(found + usage)
    return USAGE


def run(module: str, function: str = "main", argv: Sequence[str] | None = None) -> int:
    """Load the module of a command and run it; an interrupt meanwhile ends it without a traceback."""
    return run_command(lambda: getattr(importlib.import_module(f"model_zoo.{module}"), function)(argv))


#: Open Model Zoo's commands.
omz_converter, omz_downloader, omz_info_dumper, omz_quantizer = (
    partial(run, module, "omz") for module in ("converter", "downloader", "info_dumper", "quantizer")
)

if __name__ == "__main__":
    sys.exit(main())
