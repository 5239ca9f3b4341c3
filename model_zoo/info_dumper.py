"""Print what the zoo knows about models as JSON: ``python model_zoo/info_dumper.py --all``.

The keys are those of Open Model Zoo's ``omz_info_dumper``; with ``--measure`` further ones, read from the
converted models. Exit codes: 0 fine, 1 something failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a script: python model_zoo/info_dumper.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog import folders
from model_zoo.catalog.selection import add_selection_arguments, selected_models
from model_zoo.catalog.zoo import CatalogError, load_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.catalog.zoo import Model

__all__ = ["main", "model_information"]


def model_information(model: Model) -> dict[str, Any]:
    """Return what Open Model Zoo's dumper prints about a model, with the same keys in the same order.

    Examples
    --------
    >>> from model_zoo.catalog.selection import select
    >>> information = model_information(select(["bert-base-ner"])[0])
    >>> information["precisions"], information["task_type"]
    (['FP16', 'FP32'], 'named_entity_recognition')
    """
    folder = model.config.parent if model.config is not None else None
    return {
        "name": model.name,
        "composite_model_name": model.composite_model_name,
        "description": model.description,
        "framework": model.framework,
        "license_url": model.license,
        "accuracy_config": _if_there(folder, "accuracy-check.yml"),
        "model_config": _if_there(folder, "model.yml"),
        "precisions": model.precisions,
        "subdirectory": str(Path(model.subdirectory)),
        "task_type": model.task_type,
        "input_info": [
            {"name": one.name, "shape": one.shape, "layout": one.layout} for one in model.input_info
        ],
        "model_stages": [model_information(stage) for stage in model.stages],
    }


def _if_there(folder: Path | None, name: str) -> str | None:
    return str(folder / name) if folder is not None and (folder / name).is_file() else None


def measurements(
    model: Model, output_dir: Path | None, shape: tuple[int, int], models_root: Path | None = None
) -> dict[str, Any]:
    """Return GOps, MParams, inputs, outputs and sizes of every IR of a model, by precision.

    Raises
    ------
    CatalogError
        The model is not converted, or can't be read at this shape.
    """
    from model_zoo.convert.measurement import measure

    found = folders.installed(model.name, output_dir, models_root)
    if not found:
        msg = (
            f"{model.name}: nothing to measure in {folders.models_dir(output_dir)}; "
            f"run: python -m model_zoo.converter --name {folders.selectable_name(model)}"
            + (f" --download_dir {output_dir}" if output_dir is not None else "")
        )
        raise CatalogError(msg)
    try:
        return {precision: measure(path, shape) for precision, path in found.items()}
    except (ValueError, RuntimeError, OSError) as error:
        msg = f"{model.name}: can't be measured: {error}"
        raise CatalogError(msg) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 fine, 1 something failed; wrong usage leaves with 2.
    """
    parser = argparse.ArgumentParser(
        prog="info_dumper", description="Print information about models as JSON."
    )
    add_selection_arguments(parser)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="also GOps, MParams, inputs, outputs and sizes of the converted models, by precision",
    )
    parser.add_argument(
        "--shape",
        type=_shape,
        default=(1, 128),
        metavar="BATCH,LENGTH",
        help="input shape for --measure (default: 1,128)",
    )
    parser.add_argument(
        "-o",
        "--output_dir",
        type=Path,
        metavar="DIR",
        help="models folder for --measure (default: $NER_MODELS_DIR, else the user's cache folder)",
    )
    arguments = parser.parse_args(argv)
    try:
        models = selected_models(
            parser, arguments, partial(folders.find_hub_model, output_dir=arguments.output_dir)
        )
        if models is None:
            sys.stdout.writelines(f"{model.name}\n" for model in load_catalog(arguments.models_dir))
            return 0
        dump = [model_information(model) for model in models]
        if arguments.measure:
            for model, information in zip(models, dump, strict=True):
                information["measurements"] = measurements(
                    model, arguments.output_dir, arguments.shape, arguments.models_dir
                )
    except CatalogError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(dump, sys.stdout, indent=4)
    sys.stdout.write("\n")
    return 0


def _shape(value: str) -> tuple[int, int]:
    try:
        batch, length = (int(part) for part in value.replace("x", ",").split(","))
    except ValueError:
        batch = length = 0
    if batch < 1 or length < 1:
        msg = f"must be two positive integers such as 1,128 (got {value!r})"
        raise argparse.ArgumentTypeError(msg)
    return batch, length


if __name__ == "__main__":
    sys.exit(main())
