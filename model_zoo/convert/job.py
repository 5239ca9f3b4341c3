"""Convert downloaded models of the zoo by their model.yml."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from model_zoo.catalog import folders
from model_zoo.catalog.manifest import write_model
from model_zoo.catalog.messages import command_for
from model_zoo.convert.checkpoints.checkpoint import CheckpointError, Overrides
from model_zoo.convert.checkpoints.loading import find_checkpoint
from model_zoo.convert.conversion import (
    DEFAULT_PRECISIONS,
    Conversion,
    ConversionError,
    convert_checkpoint,
    variant_name,
)
from model_zoo.convert.ir import read_fact
from model_zoo.convert.workers import workers_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from model_zoo.catalog.schema import Model

#: What model.yml calls the tasks of token classifiers.
_TASKS = ("named_entity_recognition", "token_recognition")

__all__ = ["checkpoint_of", "convert", "convert_all", "plan"]


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
        From the catalog; its labels, casing and lengths override those of the checkpoint.
    download_dir, output_dir : path, optional
        Models folders to read from and write to; see `model_zoo.catalog.folders.models_dir`. `output_dir` is
        `download_dir` where it is not given.
    precisions, input_shape, tolerance, progress, python : optional
        As for `convert.conversion.convert_checkpoint`; `progress` also gets ``model_conversion_begin`` and
        ``model_conversion_end`` (``successful``, ``folder``, and as ``outdated`` the precisions there that
        were made of another checkpoint).

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
    end: dict[str, Any] = {"$type": "model_conversion_end", "model": model.name, "successful": False}
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
                overrides={field.name: getattr(model, field.name) for field in fields(Overrides)},
                progress=tell,
                python=python,
            )
            if model.is_of_hub:  # by which the other commands know it, in this models folder too
                write_model(model, made[0].xml.parents[1] / "model.yml")
            end |= {"folder": str(made[0].xml.parents[1]), "outdated": _outdated(made[0].xml)}
        end["successful"] = True
    finally:
        tell(end)
    return made


def _outdated(xml: Path) -> list[str]:
    """Return the precisions beside an IR that were made of another checkpoint."""
    sources = {name: read_fact(ir, "source_checksum") for name, ir in folders.irs_in(xml.parents[1]).items()}
    source = read_fact(xml, "source_checksum")
    return [name for name, other in sources.items() if other not in (source, "")]


def checkpoint_of(model: Model, download_dir: Path | str | None = None) -> Path:
    """Return the checkpoint of a downloaded model.

    Raises
    ------
    ConversionError
        If it does not exist; the message has the command that downloads it.
    """
    if model.task_type not in _TASKS:
        msg = f"{model.name}: {model.task_type}: only token classifiers can be converted here."
        raise ConversionError(msg)
    if model.framework not in {"pytorch", "onnx"}:
        msg = f"{model.name}: framework {model.framework}: only pytorch and onnx can be converted here."
        raise ConversionError(msg)
    folder = model.path or folders.model_folder(model, download_dir)
    if model.path is None and (named := _named_checkpoint(model, folder)):
        return named
    try:
        if model.checkpoint is None:
            return find_checkpoint(folder)  # somebody put it there by hand
        problem = f"{folder / model.checkpoint}: does not exist."
    except CheckpointError as error:
        problem = str(error)
    if model.path is not None:
        raise ConversionError(problem)
    command = command_for("downloader", folders.selectable_name(model), download_dir, folders.own_zoo(model))
    msg = f"{model.name}: {problem} Run: {command}"
    raise ConversionError(msg)


def _named_checkpoint(model: Model, folder: Path) -> Path | None:
    """Return the checkpoint that the catalog names, if it exists."""
    named = folder / model.checkpoint_path
    return named if named.is_file() or (named / "config.json").is_file() else None


def _needs_no_conversion(model: Model, download_dir: Path | str | None) -> str:
    """Return why a model needs no conversion; empty if it does."""
    embedded = model.config is not None and any(model.config.parent.glob(f"*/{model.name}.xml"))
    if embedded and not _named_checkpoint(model, folders.model_folder(model, download_dir)):
        return "comes with the package, ready to run"
    if model.framework == "dldt":
        return "is IR already"
    return ""


def convert_all(models: Sequence[Model], attempt: Callable[[Model], bool], jobs: int = 1) -> list[str]:
    """Convert several models, `jobs` at a time; return the names of those that failed.

    `attempt` converts one and returns whether that succeeded; a failure does not stop the others. An
    interrupt ends the workers' processes and propagates.
    """
    with ThreadPoolExecutor(max_workers=min(jobs, len(models)) or 1) as pool:
        try:
            results = list(pool.map(attempt, models))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            with workers_ended():
                pool.shutdown()
            raise
    return [model.name for model, good in zip(models, results, strict=True) if not good]


def plan(
    model: Model,
    download_dir: Path | str | None = None,
    output_dir: Path | str | None = None,
    *,
    precisions: Sequence[str] = DEFAULT_PRECISIONS,
    input_shape: tuple[int, int] | None = None,
) -> Iterator[str]:
    """Return line by line what `convert` would do, with the same parameters.

    Raises
    ------
    ConversionError
        The checkpoint is not there.
    """
    if ready := _needs_no_conversion(model, download_dir):
        yield f"{model.name}: {ready}; nothing to convert"
        return
    source = checkpoint_of(model, download_dir)
    folder = folders.model_folder(model, output_dir or download_dir)
    for precision in precisions:
        target = folder / variant_name(precision, input_shape) / f"{model.name}.xml"
        yield f"{model.name}: would convert {source} to {target}"
