"""Lay models out for OpenVINO Model Server: ``python model_zoo/model_server.py --name minilm-ner -o DIR``.

Writes ``DIR/<model>/<version>/<model>.xml`` with its ``.bin``, and ``DIR/config.json``. Exit codes: 0
success, 1 failure, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":  # before the imports below, which take a while
    if not __package__:  # run as a script, whose folder must not be on the path
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from model_zoo.__main__ import run

    sys.exit(run("model_server"))

from model_zoo import find
from model_zoo.catalog.arguments import positive_integer, user_path
from model_zoo.catalog.command import FINE, program, run_command
from model_zoo.catalog.folders import precision_name
from model_zoo.catalog.hub_names import canonical_name, is_there
from model_zoo.catalog.layout import AUTO, ENGLISH_MODEL, OTHER_LANGUAGES_MODEL, QUANTIZED
from model_zoo.catalog.selection import add_models_folder
from model_zoo.convert.serving import CONFIG, ServingError, add_to_repository, served_name
from ner_core.compute import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

#: Which of several precisions is served, best first.
_ORDER = (QUANTIZED[0], "FP16", "FP32", "INT8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit status.
    """
    return run_command(lambda: _run(_parser().parse_args(argv)))


def _run(arguments: argparse.Namespace) -> int:
    served = []
    for name in arguments.name:
        xml = _find_ir(name, arguments.precision, arguments.model_dir)
        entry = add_to_repository(
            xml,
            served_name(xml.stem if is_there(name) else canonical_name(name)),
            arguments.output_dir,
            version=arguments.version,
            device=arguments.device,
            mount=arguments.mount,
            compute=arguments.compute,
        )
        served.append(entry["name"])
        sys.stdout.write(f"{entry['name']}: version {arguments.version} from {xml}\n")
    folder, mount = arguments.output_dir.resolve(), arguments.mount
    serve = ["docker", "run", "--rm", "-v", f"{folder}:{mount}:ro", "-p", "8000:8000"]
    serve += ["openvino/model_server:latest", "--config_path", f"{mount}/{CONFIG}", "--rest_port", "8000"]
    ask = ["ner", "recognize", "--model", arguments.name[0]]
    ask += ["--models-dir", str(arguments.model_dir)] if arguments.model_dir else []
    ask += ["--device", f"kserve://localhost:8000/{served[0]}", "TEXT"]
    sys.stdout.write(f"Serve it with:\n  {shlex.join(serve)}\nand ask it with:\n  {shlex.join(ask)}\n")
    return FINE


def _find_ir(name: str, precision: str | None, models_folder: Path | None) -> Path:
    """Return the IR to serve: the path itself, or of a model, in this precision or the best there."""
    if name.endswith(".xml"):
        return Path(name)
    if name == AUTO:
        models = f"{ENGLISH_MODEL}, {OTHER_LANGUAGES_MODEL}"
        msg = f"{AUTO} is no model of its own; serve the two it chooses from: {models}"
        raise ServingError(msg)
    found = find(name, models_folder)
    if precision is not None and precision not in found:
        there = ", ".join(found)
        msg = f"{name} has no {precision} here, only {there}; converter.py and quantizer.py make others"
        raise ServingError(msg)
    return found[precision or next(one for one in (*_ORDER, *found) if one in found)]


def _mount(text: str) -> str:
    """Parse a folder of a container, as docker takes it; an argparse type."""
    if not text.startswith("/") or ":" in text:
        msg = f"must be a path from the container's root, such as /models (got {text!r})"
        raise argparse.ArgumentTypeError(msg)
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(), description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--name", required=True, action="append", help="name in the zoo or path of an .xml; repeatable"
    )
    parser.add_argument(
        "-o", "--output_dir", type=user_path, required=True, metavar="DIR", help="the model repository"
    )
    add_models_folder(parser, "-d", "--model_dir", "--models_dir", omz=False, use=" to read")
    parser.add_argument(
        "--precision",
        type=precision_name,
        help="precision to serve (default: the first available of FP16-INT8, FP16, FP32, INT8)",
    )
    parser.add_argument(
        "--version", type=positive_integer, default=1, help="version number (default: %(default)s)"
    )
    parser.add_argument("--device", default="CPU", help="device of the server (default: %(default)s)")
    parser.add_argument(
        "--compute",
        choices=COMPUTE,
        default="exact",
        help="arithmetic of the server's CPU; auto: the server chooses (default: %(default)s)",
    )
    parser.add_argument(
        "--mount",
        type=_mount,
        default="/models",
        metavar="PATH",
        help="where the server sees DIR (default: %(default)s)",
    )
    return parser
