"""Entry point for all commands of the zoo: ``python -m model_zoo download --name bert-base-ner``."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

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
    usage = "usage: python -m model_zoo COMMAND [OPTION...]\n\n" + "".join(
        f"  {word:10}{purpose}\n" for word, (_, purpose) in COMMANDS.items()
    )
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(usage)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        found = f"error: no command {arguments[0]!r}\n\n" if arguments else ""
        sys.stderr.write(found + usage)
        return 2
    module = importlib.import_module(f"model_zoo.{COMMANDS[arguments[0]][0]}")
    return int(module.main(arguments[1:]) or 0)


if __name__ == "__main__":
    sys.exit(main())
