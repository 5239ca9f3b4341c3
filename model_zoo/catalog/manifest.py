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
    text: str = yaml.safe_dump(_short(full), sort_keys=False, allow_unicode=True, width=100)
    return text


def write_model(model: Model, path: Path) -> None:
    """Write a model.yml in one step, unless it is there already: the folder may be read-only."""
    text = model_yaml(model)
    if path.is_file() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def _short(value: Any, key: str = "") -> Any:
    """Return a value without what is empty, and in the short forms of addresses, hashes and one source."""
    if isinstance(value, list):
        return _short(value[0]) if key == "source" and len(value) == 1 else [_short(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "url" in value:
        return value["url"]
    if value.get("$type") == "sha384":
        return value["value"]
    return {name: _short(one, name) for name, one in value.items() if one not in ([], {}) or name == "files"}
