"""Find, load and validate the model.yml files of a zoo; ``schema`` says what they may hold."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.keys import misspelt_keys
from model_zoo.catalog.layout import MODELS_ROOT, files_in_zoo
from model_zoo.catalog.messages import sentences, shown
from model_zoo.catalog.schema import Model
from model_zoo.catalog.yaml_file import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CatalogError", "Model", "check_model_name", "load_catalog", "load_model", "model_from"]

log = logging.getLogger(__name__)

_MODEL_NAME = re.compile(r"(?!\.+$)[0-9a-zA-Z._-]+")
_A_ZOO = "expected a zoo, a folder of GROUP/NAME/model.yml"
_TAGS = {"http", "google_drive", "hf_hub", "pypi", "ngc", "file", "regex_replace", "unpack_archive"}


def load_catalog(models_root: Path | None = None) -> list[Model]:
    """Load every model.yml and composite-model.yml below a folder.

    Parameters
    ----------
    models_root : Path or None
        Zoo folder; None means the models of this package.

    Returns
    -------
    list of Model
        Sorted by name. Parts of a composite model are in its ``stages``, not in the list.

    Raises
    ------
    CatalogError
        The folder is no zoo, a file is wrong, or a name occurs twice; the message names file, key, expected
        and found.

    Examples
    --------
    >>> "bert-base-ner" in [model.name for model in load_catalog()]
    True
    """
    root = models_root if models_root is not None else MODELS_ROOT
    if not root.is_dir():
        msg = f"{root}: {_A_ZOO}, found {'a file' if root.exists() else 'nothing'}"
        raise CatalogError(msg)
    if (root / "model.yml").exists():
        msg = f"{root}: {_A_ZOO}, found the folder of one model; give the folder that holds its group"
        raise CatalogError(msg)
    composites = [_load_composite(path, root) for path in files_in_zoo(root, "composite-model.yml")]
    plain = [
        load_model(path, root)
        for path in files_in_zoo(root, "model.yml")
        if not (path.parent.parent / "composite-model.yml").exists()
    ]
    found: dict[str, Model] = {}
    for model in sorted([*plain, *composites], key=lambda model: model.name):
        if model.name in found:
            other = found[model.name].config
            msg = f"{model.config}: expected a unique name, found {model.name!r} also in {other}"
            raise CatalogError(msg)
        found[model.name] = model
    if not found:
        msg = f"{root}: {_A_ZOO}, found no model.yml below it"
        raise CatalogError(msg)
    return list(found.values())


def load_model(path: Path, models_root: Path | None = None) -> Model:
    """Load and validate one model.yml, whose folder gives the model its name.

    Parameters
    ----------
    path : Path
        The file.
    models_root : Path or None
        Folder that ``subdirectory`` is relative to; None means two above the model's own, as in
        ``public/<name>/model.yml``.

    Raises
    ------
    CatalogError
        The file is not valid.
    """
    return _validated(path, read_yaml(path), models_root)


def _load_composite(path: Path, root: Path) -> Model:
    folder = path.parent
    given = read_yaml(path)
    order = given.pop("stages_order", [])
    if (folder / "model.yml").exists():
        msg = f"{folder}: expected no model.yml beside composite-model.yml"
        raise CatalogError(msg)
    stages = {}
    for stage in sorted(folder.glob("*/model.yml")):
        if not stage.parent.name.startswith(f"{folder.name}-"):
            msg = (
                f"{stage}: expected a folder name that begins with {folder.name}-, found {stage.parent.name}"
            )
            raise CatalogError(msg)
        stages[stage.parent.name] = load_model(stage, root).model_copy(
            update={"composite_model_name": folder.name}
        )
    if not isinstance(order, list) or set(order) != set(stages):
        msg = f"{path}: stages_order: expected the folders {', '.join(stages)}, found {shown(order)}"
        raise CatalogError(msg)
    model = _validated(path, given, root)
    return model.model_copy(
        update={
            "composite_model_name": model.name,
            "stages": [stages[name] for name in order],
            "input_info": [],
        }
    )


def _validated(path: Path, given: dict[str, Any], models_root: Path | None) -> Model:
    folder = path.parent
    check_model_name(folder.name, path)
    for key in ("name", "subdirectory", "config", "path", "stages", "composite_model_name"):
        if key in given:
            msg = f"{path}: {key}: expected no such key (the folder says it), found {shown(given[key])}"
            raise CatalogError(msg)
    if "files" not in given and path.name == "model.yml":
        given = {**given, "files": None}
    root = models_root if models_root is not None else folder.parent.parent
    place = {"name": folder.name, "subdirectory": folder.relative_to(root).as_posix(), "config": path}
    return model_from(str(path), {**given, **place})


def check_model_name(name: str, where: object) -> None:
    """Raise CatalogError for an invalid name of a model's folder."""
    if not _MODEL_NAME.fullmatch(name):
        msg = f"{where}: expected a folder name of letters, digits and ._- only, found {name!r}"
        raise CatalogError(msg)


def model_from(where: str, given: dict[str, Any]) -> Model:
    """Validate the content of a model.yml, including ``name`` and ``subdirectory``.

    `where` begins the error messages: the file, or the name that was looked up.

    Raises
    ------
    CatalogError
        One line for each mistake.
    """
    try:
        model = Model.model_validate(given)
    except ValidationError as error:
        raise CatalogError("\n".join(f"{where}: {line}" for line in sentences(error, _TAGS))) from None
    for key, near in misspelt_keys(model, given):
        log.warning("%s: %s: no such key, so it is ignored; did you mean %s?", where, key, near)
    return model
