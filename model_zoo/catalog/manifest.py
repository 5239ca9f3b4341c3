"""Write a model.yml, so that a model of the hub is known offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ner_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from model_zoo.catalog.schema import Model

__all__ = ["model_yaml", "write_model"]

_FROM_THE_FOLDER = {"name", "subdirectory", "config", "path", "stages", "composite_model_name"}


def model_yaml(model: Model) -> str:
    """Return the text of a model.yml in its short forms.

    Examples
    --------
    >>> from model_zoo.catalog.zoo import load_catalog
    >>> model_yaml(load_catalog()[0]).splitlines()[0].split(":")[0]
    'description'
    """
    full = model.model_dump(mode="json", by_alias=True, exclude=_FROM_THE_FOLDER, exclude_none=True)
    plain = {key: value for key, value in full.items() if value not in ([], {})}
    plain["files"] = [_short_file(file) for file in full["files"]]
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text


def write_model(model: Model, path: Path) -> None:
    """Write a model.yml in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, model_yaml(model))


def _short_file(file: dict[str, Any]) -> dict[str, Any]:
    short = {key: value for key, value in file.items() if value != []}
    sources = [_short_source(source) for source in file["source"]]
    short["source"] = sources[0] if len(sources) == 1 else sources
    if file["mirrors"]:
        short["mirrors"] = [_short_source(source) for source in file["mirrors"]]
    if "original_source" in file:
        short["original_source"] = _short_source(file["original_source"])
    if "checksum" in file:
        short["checksum"] = _short_checksum(file["checksum"])
    return short


def _short_source(source: dict[str, Any]) -> dict[str, Any] | str:
    if "url" in source:
        return str(source["url"])
    short = dict(source)
    if "wheel_checksum" in source:
        short["wheel_checksum"] = _short_checksum(source["wheel_checksum"])
    return short


def _short_checksum(checksum: dict[str, Any]) -> dict[str, Any] | str:
    return str(checksum["value"]) if checksum["$type"] == "sha384" else checksum
