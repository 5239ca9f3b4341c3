"""What Open Model Zoo's information dumper prints about a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model

__all__ = ["model_information"]


def model_information(model: Model) -> dict[str, Any]:
    """Return what the dumper prints, with the same keys in the same order.

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
