"""Models on this machine: the models folder, what is installed in it, and how to remove it.

Layout, as in Open Model Zoo: ``<models dir>/<subdirectory>/`` holds the downloads,
``<models dir>/<subdirectory>/<PRECISION>/<name>.xml`` is the IR, ``<PRECISION>-1x128`` holds a variant for
inputs of one shape only. A model that comes with the package has its IR in the zoo folder itself and needs no
download.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from model_zoo.catalog.arguments import user_path
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.hub_names import canonical_name, hub_subdirectory, split_hub_name
from model_zoo.catalog.layout import MODELS_ROOT, PRECISIONS, files_in_zoo
from model_zoo.catalog.messages import command_for

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model

__all__ = [
    "DEFAULT_MODELS_FOLDER",
    "State",
    "are_embedded",
    "canonical_name",
    "find_model",
    "find_without_network",
    "hub_subdirectory",
    "installed",
    "irs_in",
    "model_at",
    "model_folder",
    "models_dir",
    "own_zoo",
    "precision_folders",
    "precision_name",
    "remove",
    "selectable_name",
    "size_on_disk",
    "split_hub_name",
    "split_variant",
    "state",
    "subdirectory_of",
]

#: Default models folder, for the help of commands.
DEFAULT_MODELS_FOLDER = "$NER_MODELS_DIR, else the user's cache folder"

#: ``embedded`` comes with the package, ``ready`` has an IR, ``downloaded`` all its files, ``partial`` some.
State = Literal["embedded", "ready", "downloaded", "partial", "absent"]

_VARIANT = re.compile(rf"(?P<precision>{'|'.join(PRECISIONS)})(?:-(?P<rows>\d+)x(?P<length>\d+))?")


def models_dir(output_dir: str | Path | None = None) -> Path:
    """Return the models folder: the one given, else ``$NER_MODELS_DIR``, else the user's cache folder.

    Examples
    --------
    >>> models_dir("models").as_posix()
    'models'
    """
    if output_dir is not None:
        return Path(output_dir)
    if os.environ.get("NER_MODELS_DIR"):
        return user_path(os.environ["NER_MODELS_DIR"])
    return _user_cache() / "ner-zoo"


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def selectable_name(model: Model) -> str:
    """Return the name that the commands take: for a model of the hub ``hf:owner/name``, else maybe its path.

    Examples
    --------
    >>> from model_zoo.catalog.zoo import load_catalog
    >>> selectable_name(load_catalog()[0])
    'bert-base-ner'
    """
    from model_zoo.catalog.sources import HubSource

    if model.path is not None:
        return str(model.path)
    repos = {source.repo for file in model.files for source in file.sources if isinstance(source, HubSource)}
    for repo in repos:
        folder = hub_subdirectory(f"hf:{repo}")
        if model.subdirectory == folder:
            return f"hf:{repo}"
        if model.subdirectory.startswith(f"{folder}--"):
            revision = model.subdirectory.removeprefix(f"{folder}--").replace("--", "/")
            return f"hf:{repo}@{revision}"
    return model.name


def find_model(
    name: str, models_root: Path | None = None, output_dir: str | Path | None = None
) -> Model | None:
    """Load the model of this name without reading the rest of the zoo; None if there is none."""
    from model_zoo.catalog import zoo

    if name.startswith("hf:"):
        path = models_dir(output_dir) / hub_subdirectory(name) / "model.yml"
        return zoo.load_model(path) if path.is_file() else None
    root = models_root or MODELS_ROOT
    found = _in_zoo(name, root, "model.yml")
    return zoo.load_model(found, root) if found else None


def _in_zoo(name: str, root: Path, file: str) -> Path | None:
    return next((path for path in files_in_zoo(root, file) if path.parent.name == name), None)


def own_zoo(model: Model) -> Path | None:
    """Return the zoo of a model that neither comes with this package nor is one of the hub."""
    if model.config is None or model.is_of_hub:
        return None
    root = model.config.parents[len(PurePosixPath(model.subdirectory).parts)]
    return None if root == MODELS_ROOT else root


def find_without_network(name: str, output_dir: str | Path | None = None) -> Model:
    """Load a model of the hub that was downloaded before, or one that is given by its path.

    Raises
    ------
    CatalogError
        It was not downloaded; the message has the command to download it.
    """
    if not name.startswith("hf:"):
        return model_at(Path(name))
    model = find_model(name, output_dir=output_dir)
    if model is None:
        command = command_for("downloader", name, output_dir)
        msg = f"{name} was not downloaded to {models_dir(output_dir)}; run: {command}"
        raise CatalogError(msg)
    return model


def model_at(path: Path) -> Model:
    """Return a model without model.yml: a checkpoint on this machine, named after its file or folder.

    Examples
    --------
    >>> model_at(Path("runs/my model")).name
    'my-model'
    """
    from model_zoo.catalog.schema import Model

    path = path.resolve()
    subdirectory = subdirectory_of(str(path))
    return Model(
        name=subdirectory.removeprefix("public/"),
        subdirectory=subdirectory,
        path=path,
        description=f"The checkpoint {path}.",
        task_type="named_entity_recognition",
        framework="onnx" if path.suffix == ".onnx" else "pytorch",
        license="",
    )


def model_folder(model: Model, output_dir: str | Path | None = None) -> Path:
    """Return ``<models dir>/<subdirectory>``, which need not exist."""
    return models_dir(output_dir) / model.subdirectory


def installed(
    name: str, output_dir: str | Path | None = None, models_root: Path | None = None
) -> dict[str, Path]:
    """Find the IRs of a model by precision.

    Parameters
    ----------
    name : str
        Name in the zoo, or ``hf:owner/name``.
    output_dir : path or None
        Models folder, see ``models_dir``.
    models_root : Path or None
        Zoo folder; None means the models of this package. An IR in it is embedded.

    Returns
    -------
    dict of str to Path
        Precision to .xml, variants of one shape (``FP16-1x128``) last; the models folder takes precedence
        over embedded IRs.
    """
    subdirectory = subdirectory_of(name, models_root)
    roots = [models_dir(output_dir), models_root if models_root is not None else MODELS_ROOT]
    found: dict[str, Path] = {}
    for root in roots:
        for precision, path in irs_in(root / subdirectory).items():
            found.setdefault(precision, path)
    return found


def are_embedded(found: dict[str, Path]) -> bool:
    """Return whether all of these IRs come with the package; from them no other precision can be made."""
    return all(path.is_relative_to(MODELS_ROOT) for path in found.values())


def subdirectory_of(name: str, models_root: Path | None = None) -> str:
    """Return the path of a model below the models folder, by its name in the zoo or `selectable_name`.

    Examples
    --------
    >>> subdirectory_of("minilm-ner"), subdirectory_of("hf:dslim/bert-base-NER")
    ('public/minilm-ner', 'public/hf--dslim--bert-base-NER')
    """
    if name.startswith("hf:"):
        return hub_subdirectory(name)
    if Path(name).is_absolute():  # as `model_at` names it
        path = Path(name)
        plain = path.stem if path.suffix in (".nemo", ".onnx") else path.name
        return "public/" + (re.sub(r"[^0-9a-zA-Z._-]+", "-", plain).strip("-.") or "checkpoint")
    root = models_root if models_root is not None else MODELS_ROOT
    found = _in_zoo(name, root, "*model.yml")
    return f"public/{name}" if found is None else found.parent.relative_to(root).as_posix()


def irs_in(folder: Path) -> dict[str, Path]:
    """Return precision -> .xml for the complete IRs below a model's folder."""
    found = {}
    for inner in precision_folders(folder):
        path = inner / f"{folder.name}.xml"
        if path.is_file() and path.with_suffix(".bin").is_file():
            found[inner.name] = path
    return found


def split_variant(name: str) -> tuple[str, tuple[int, int] | None] | None:
    """Split the name of an IR's folder into precision and fixed shape (batch, length), if any.

    Examples
    --------
    >>> split_variant("FP16"), split_variant("FP16-INT8-1x128"), split_variant("tokenizer")
    (('FP16', None), ('FP16-INT8', (1, 128)), None)
    """
    match = _VARIANT.fullmatch(name)
    if match is None:
        return None
    return match["precision"], (int(match["rows"]), int(match["length"])) if match["rows"] else None


def precision_name(given: str) -> str:
    """Return the name of a precision, which people write in any case, as folders are named.

    Examples
    --------
    >>> precision_name(" int8"), precision_name("fp16-1X128")
    ('INT8', 'FP16-1x128')
    """
    return given.strip().upper().replace("X", "x")


def precision_folders(folder: Path) -> list[Path]:
    """Return the folders named by a precision: those for any shape, then those for a fixed one."""
    order = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if (variant := split_variant(path.name)) is not None:
            precision, shape = variant
            order[path] = (shape or (0, 0), PRECISIONS.index(precision))
    return sorted(order, key=order.__getitem__)


def state(model: Model, output_dir: str | Path | None = None) -> State:
    """Return how much of a model is on this machine, judged by presence and size of its files."""
    folder = model_folder(model, output_dir)
    if irs_in(folder):
        return "ready"
    if model.config is not None and irs_in(model.config.parent):
        return "embedded"
    there = [
        (path := model_folder(part, output_dir) / file.name).is_file()
        and file.size in (None, path.stat().st_size)
        for part in (model.stages or [model])
        for file in part.files
    ]
    if there and all(there):
        return "downloaded"
    return "partial" if any(there) or size_on_disk(model, output_dir) else "absent"


def size_on_disk(model: Model, output_dir: str | Path | None = None) -> int:
    """Return the bytes used in the models folder: downloads, also partial ones, and IRs."""
    folder = model_folder(model, output_dir)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def remove(model: Model, output_dir: str | Path | None = None) -> int:
    """Delete the downloads and IRs of a model; embedded files are never touched.

    Returns
    -------
    int
        Bytes freed.

    Raises
    ------
    CatalogError
        The folder is a link or not inside the models folder; nothing was deleted.
    """
    base = models_dir(output_dir)
    folder = model_folder(model, output_dir)
    if not folder.exists():
        return 0
    inside = folder.resolve().is_relative_to(base.resolve()) and folder.resolve() != base.resolve()
    # A model of the hub keeps its model.yml with the downloads; any other's is part of a zoo.
    own_zoo = None if model.config is None or model.is_of_hub else model.config.parent.resolve()
    if folder.is_symlink() or not inside or folder.resolve() == own_zoo:
        msg = f"{folder}: expected a folder of downloads inside {base}; nothing was deleted"
        raise CatalogError(msg)
    freed = size_on_disk(model, output_dir)
    shutil.rmtree(folder)
    return freed
