"""Convert downloaded models to OpenVINO IR: ``python -m model_zoo.converter --name bert-base-ner``.

Takes Open Model Zoo's flags with the same meaning. The result lies in
``<output_dir>/public/<name>/<PRECISION>/``: ``<name>.xml``, ``<name>.bin`` and ``tokenizer.json``, which need
nothing else to run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a script: python model_zoo/converter.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog import folders
from model_zoo.catalog.selection import add_selection_arguments, check_precisions, selected_models
from model_zoo.catalog.zoo import CatalogError, Model, load_catalog
from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.loading import find_checkpoint
from model_zoo.convert.conversion import (
    DEFAULT_PRECISIONS,
    PRECISIONS,
    Conversion,
    ConversionError,
    convert_checkpoint,
    variant_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Conversion", "ConversionError", "convert", "main"]

INTERRUPTED = 130  # as a shell says it
MO_IS_GONE = "note: {flag} is ignored: `mo` left OpenVINO in 2025.0, and none is needed here."


def convert(
    model: Model,
    download_dir: Path | str | None = None,
    output_dir: Path | str | None = None,
    *,
    precisions: Sequence[str] = DEFAULT_PRECISIONS,
    input_shape: tuple[int, int] | None = None,
    tolerance: float | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    python: str = sys.executable,
) -> list[Conversion]:
    """Convert one downloaded model of the zoo.

    Parameters
    ----------
    model : Model
        From the catalog; its labels, casing and lengths go before what the checkpoint says.
    download_dir, output_dir : path, optional
        Models folders to read from and write to; see `model_zoo.catalog.folders.models_dir`. `output_dir` is
        `download_dir` where it is not given.
    precisions, input_shape, tolerance, progress, python : optional
        As for `convert.conversion.convert_checkpoint`; `progress` also gets ``model_conversion_begin`` and
        ``model_conversion_end`` (``successful``).

    Returns
    -------
    list of Conversion
        Empty for a model that comes as IR.

    Raises
    ------
    ConversionError
        See its message; nothing was changed on disk.
    """
    tell = progress or (lambda _: None)
    tell({"$type": "model_conversion_begin", "model": model.name, "precisions": list(precisions)})
    successful = False
    try:
        if ready := _needs_no_conversion(model, download_dir):
            tell({"$type": "model_conversion_skipped", "model": model.name, "reason": ready})
            made = []
        else:
            made = convert_checkpoint(
                checkpoint_of(model, download_dir),
                folders.model_folder(model, output_dir or download_dir),
                model.name,
                precisions=precisions,
                input_shape=input_shape,
                tolerance=tolerance,
                overrides=_overrides(model),
                progress=tell,
                python=python,
            )
        successful = True
    finally:
        tell({"$type": "model_conversion_end", "model": model.name, "successful": successful})
    return made


def checkpoint_of(model: Model, download_dir: Path | str | None = None) -> Path:
    """Return the checkpoint of a downloaded model.

    Raises
    ------
    ConversionError
        If it is not there; the message has the command that downloads it.
    """
    if model.framework not in {"pytorch", "onnx"}:
        msg = f"{model.name}: framework {model.framework}: only pytorch and onnx can be converted here."
        raise ConversionError(msg)
    folder = folders.model_folder(model, download_dir)
    named = _named_checkpoint(model, folder)
    if named:
        return named
    try:
        if model.checkpoint is None:
            return find_checkpoint(folder)  # somebody put it there by hand
        problem = f"{folder / model.checkpoint}: not there."
    except CheckpointError as error:
        problem = str(error)
    name = folders.selectable_name(model)
    where = f" --output_dir {download_dir}" if download_dir else ""
    msg = f"{model.name}: {problem} Run: python -m model_zoo.downloader --name {name}{where}"
    raise ConversionError(msg)


def _named_checkpoint(model: Model, folder: Path) -> Path | None:
    """Return the checkpoint that the catalog names, if it is there."""
    named = folder / model.checkpoint_path
    return named if named.is_file() or (named / "config.json").is_file() else None


def _needs_no_conversion(model: Model, download_dir: Path | str | None) -> str:
    """Say why a model is not converted; empty if it is."""
    embedded = model.config is not None and any(model.config.parent.glob(f"*/{model.name}.xml"))
    if embedded and not _named_checkpoint(model, folders.model_folder(model, download_dir)):
        return "comes with the package, ready to run"
    if model.framework == "dldt":
        return "is IR already"
    return ""


def _overrides(model: Model) -> dict[str, Any]:
    return {
        "labels": model.labels,
        "lower_case": model.lower_case,
        "max_length": model.max_length,
        "token_type_ids": model.token_type_ids,
    }


# The command


def parse_shape(text: str) -> tuple[int, int]:
    """Read a static shape, batch and length.

    Examples
    --------
    >>> parse_shape("1x128"), parse_shape("[1,128]")
    ((1, 128), (1, 128))
    """
    match = re.fullmatch(r"\[?\s*(\d+)\s*[x,]\s*(\d+)\s*\]?", text.strip())
    if match is None or "0" in match.groups():
        msg = f"expected BATCHxLENGTH such as 1x128, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2])


def parse_jobs(text: str) -> int:
    """Read a number of jobs, or ``auto`` for one a processor."""
    if text == "auto":
        return os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number from 1, or auto, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="converter.py", description="Convert models of the zoo to OpenVINO IR."
    )
    add_selection_arguments(parser)
    folders = parser.add_argument_group("where")
    folders.add_argument(
        "-d",
        "--download_dir",
        type=Path,
        metavar="DIR",
        help="models folder to read (default: as the downloader's)",
    )
    folders.add_argument(
        "-o",
        "--output_dir",
        type=Path,
        metavar="DIR",
        help="models folder to write (default: --download_dir)",
    )
    parser.add_argument(
        "--precisions",
        metavar="P[,P...]",
        help=f"of {', '.join(PRECISIONS)} (INT8: weights in 8 bits); default {','.join(DEFAULT_PRECISIONS)}",
    )
    parser.add_argument(
        "--input_shape", type=parse_shape, metavar="1x128", help="static variant, in <PRECISION>-1x128"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="largest difference to the source, of its largest logit",
    )
    parser.add_argument(
        "-p",
        "--python",
        default=sys.executable,
        metavar="PYTHON",
        help="Python that has torch and transformers",
    )
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "-j", "--jobs", type=parse_jobs, default=1, metavar="N|auto", help="models converted at a time"
    )
    parser.add_argument(
        "--progress_format", choices=("text", "json"), default="text", help="json: an event a line"
    )
    parser.add_argument("--mo", metavar="MO.PY", help="accepted for Open Model Zoo's scripts, ignored")
    parser.add_argument(
        "--add_mo_arg",
        "--add-mo-arg",
        action="append",
        metavar="ARG",
        help="accepted, ignored; see --input_shape",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process where not given.

    Returns
    -------
    int
        0 fine, 1 a model failed; wrong usage leaves with 2.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    for flag, given in (("--mo", arguments.mo), ("--add_mo_arg", arguments.add_mo_arg)):
        if given:
            sys.stderr.write(MO_IS_GONE.format(flag=flag) + "\n")
    try:
        precisions = check_precisions(arguments.precisions, PRECISIONS) or list(DEFAULT_PRECISIONS)
    except CatalogError as error:
        parser.error(str(error))
    try:
        models = selected_models(
            parser, arguments, lambda name: folders.find_hub_model(name, arguments.download_dir)
        )
        if models is None:
            sys.stdout.writelines(f"{model.name}\n" for model in load_catalog(arguments.models_dir))
            return 0
    except CatalogError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    parts = list({part.name: part for model in models for part in (model.stages or [model])}.values())
    if arguments.dry_run:
        return _dry_run(parts, arguments, precisions)
    return _run(parts, arguments, precisions)


def _dry_run(models: Sequence[Model], arguments: argparse.Namespace, precisions: Sequence[str]) -> int:
    """Say what would be converted, from and to where; fails where a checkpoint is missing."""
    failed = []
    for model in models:
        if ready := _needs_no_conversion(model, arguments.download_dir):
            sys.stdout.write(f"{model.name}: {ready}; nothing to convert\n")
            continue
        try:
            source = checkpoint_of(model, arguments.download_dir)
        except ConversionError as error:
            sys.stderr.write(f"{error}\n")
            failed.append(model.name)
            continue
        folder = folders.model_folder(model, arguments.output_dir or arguments.download_dir)
        for precision in precisions:
            target = folder / variant_name(precision, arguments.input_shape) / f"{model.name}.xml"
            sys.stdout.write(f"{model.name}: would convert {source} to {target}\n")
    return _report_failed(failed)


def _run(models: Sequence[Model], arguments: argparse.Namespace, precisions: Sequence[str]) -> int:
    tell = _Reporter(arguments.progress_format)

    def run(model: Model) -> bool:
        try:
            convert(
                model,
                arguments.download_dir,
                arguments.output_dir,
                precisions=precisions,
                input_shape=arguments.input_shape,
                tolerance=arguments.tolerance,
                progress=tell,
                python=arguments.python,
            )
        except ConversionError as error:
            tell.error(str(error))
            return False
        return True

    with ThreadPoolExecutor(max_workers=min(arguments.jobs, len(models)) or 1) as pool:
        try:
            results = list(pool.map(run, models))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            sys.stderr.write("Interrupted; what was not finished left nothing behind.\n")
            return INTERRUPTED
    return _report_failed([model.name for model, good in zip(models, results, strict=True) if not good])


def _report_failed(names: Sequence[str]) -> int:
    if names:
        sys.stderr.write("FAILED:\n" + "".join(f"{name}\n" for name in names))
    return 1 if names else 0


class _Reporter:
    """Writes events as text or JSON, whole lines from any thread."""

    def __init__(self, kind: str) -> None:
        self._json = kind == "json"
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> None:
        line = json.dumps(event) if self._json else _sentence(event)
        if line:
            with self._lock:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()

    def error(self, message: str) -> None:
        with self._lock:
            sys.stderr.write(f"{message}\n")


def _sentence(event: dict[str, Any]) -> str:
    """Say an event in words; empty for those that are not worth a line."""
    name = event["model"]
    kind = event["$type"].removeprefix("model_conversion_")
    if kind == "progress":
        precision = f" to {event['precision']}" if "precision" in event else ""
        return f"{name}: {event['stage']}{precision}"
    if kind == "skipped":
        return f"{name}: {event['reason']}; nothing to convert"
    if kind == "result":
        notes = "".join(f"; {note}" for note in event["notes"])
        return (
            f"{name}: {event['precision']}: {event['size'] / 1e6:.1f} MB in {event['seconds']:.1f} s; "
            f"largest difference to the source {event['parity']:.2g}, where logits reach {event['scale']:.3g}"
            f"{notes}"
        )
    return ""


if __name__ == "__main__":
    sys.exit(main())
