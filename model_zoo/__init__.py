"""The model zoo: download, verify, convert, quantize and load BERT token classifiers.

Examples
--------
>>> import model_zoo
>>> ner = model_zoo.load("minilm-ner", device="CPU")  # doctest: +SKIP
>>> ner("Mary lives in Santa Clara.").entities[0].text  # doctest: +SKIP
'Mary'
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog import folders
from model_zoo.catalog.errors import CatalogError, ZooError
from model_zoo.catalog.hub_names import canonical_name
from model_zoo.catalog.layout import AUTO, CONVERTED, QUANTIZED
from model_zoo.catalog.messages import command_for

if TYPE_CHECKING:
    from ner_core.recognizer import EntityRecognizer

__all__ = ["AUTO", "ModelNotFoundError", "ZooError", "find", "load"]

# OpenVINO reports each import and conversion to Google Analytics unless its telemetry package is missing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


class ModelNotFoundError(ZooError, LookupError):
    """The model is unknown or not on this machine yet; the message has the commands to run."""


def load(
    name: str | Path,
    *,
    device: str = "AUTO",
    precision: str | None = None,
    models_dir: str | Path | None = None,
    **options: Any,
) -> EntityRecognizer:
    """Load a model for recognition.

    Parameters
    ----------
    name : str or Path
        A name of the zoo; ``owner/name[@revision]`` of the hub, with or without ``hf:``; the path of an
        .xml; or a folder that holds one, directly or below folders named by precision. ``auto`` takes
        minilm-ner for English and multilingual-ner for other languages, part by part of a text.
    device : str
        OpenVINO device, ``AUTO`` by default.
    precision : str or None
        ``FP32``, ``FP16``, ``INT8`` or ``FP16-INT8``, or a variant for inputs of one shape such as
        ``FP16-1x128``, in any case; None takes the best available for the device, and a variant only if
        there is nothing else.
    models_dir : path or None
        Models folder: this, else ``$NER_MODELS_DIR``, else the user's cache folder.
    **options
        Passed on to ``EntityRecognizer.from_ir``.

    Returns
    -------
    ner_core.EntityRecognizer
        Callable with text.

    Raises
    ------
    ModelNotFoundError
        Nothing to load; the message has the commands to download and convert it.
    TypeError
        An argument has the wrong type or an unknown name.
    """
    from ner_core.arguments import check_string

    check_string("device", device, "'CPU'")
    if precision is not None:
        check_string("precision", precision, "'FP16'")
        precision = folders.precision_name(precision)
    _check_places(name, models_dir)
    if name == AUTO:
        from model_zoo.by_language import load_by_language

        return load_by_language(
            functools.partial(load, device=device, precision=precision, models_dir=models_dir, **options)
        )
    from ner_core.hardware import preferred_precisions
    from ner_core.kserve import is_remote
    from ner_core.recognizer import EntityRecognizer

    name = name if isinstance(name, Path) else canonical_name(name)
    path = _as_path(name, models_dir)
    if path is not None and _is_ir(path):
        return EntityRecognizer.from_ir(path, device=device, precision=precision, **options)
    found = find(name, models_dir)
    if precision is not None and precision not in found:
        msg = f"{name} has no {precision} here, only {', '.join(found)}"
        if path is None and not folders.are_embedded(found):
            msg += _how_to_make(str(name), precision, models_dir)
        raise ModelNotFoundError(msg)
    choice = len(found) > 1 and not is_remote(device)  # what runs on a server is not chosen here
    ranked = [best for best in preferred_precisions(device) if best in found] if choice else []
    chosen = precision or (ranked or list(found))[0]
    xml = found[chosen]
    if path is None:
        options = {
            "name": str(name),
            "precision": chosen,
            **_catalog_options(str(name), xml, models_dir),
            **options,
        }
    return EntityRecognizer.from_ir(xml, device=device, **options)


def find(name: str | Path, models_dir: str | Path | None = None) -> dict[str, Path]:
    """Find the IRs that `load` chooses from.

    Parameters
    ----------
    name : str or Path
        As `load` takes it; for ``auto``, the model for English, in precisions that both models have.
    models_dir : path or None
        As `load` takes it.

    Returns
    -------
    dict of str to Path
        Precision to .xml; for a single file the name of its folder, or ``IR`` if that is no precision.

    Raises
    ------
    ModelNotFoundError
        Nothing to load; the message has the commands to download and convert it.
    """
    _check_places(name, models_dir)
    if name == AUTO:
        from model_zoo.by_language import find_by_language

        return find_by_language(models_dir)
    name = name if isinstance(name, Path) else canonical_name(name)
    path = _as_path(name, models_dir)
    if path is not None and _is_ir(path):
        return {path.parent.name if folders.split_variant(path.parent.name) else "IR": path}
    found = _irs_in(path) if path is not None else folders.installed(str(name), models_dir)
    if not found:
        raise ModelNotFoundError(_how_to_get(str(name), path, models_dir))
    return found


def _check_places(name: Any, models_dir: Any) -> None:
    from ner_core.arguments import check_path

    check_path("name", name, "a name of the zoo or a path")
    if isinstance(name, str) and not name.strip():
        msg = f"name: expected a name of the zoo or a path, found {name!r}."
        raise CatalogError(msg)
    if models_dir is not None:
        check_path("models_dir", models_dir, "a folder")


def _as_path(name: str | Path, models_dir: str | Path | None) -> Path | None:
    """Return the path, or None for a name; names of the zoo take precedence over folders."""
    if isinstance(name, Path):
        return name
    if name.startswith("hf:"):
        return None
    if name.endswith(".xml") or "/" in name or "\\" in name:
        return Path(name)
    known = bool(folders.installed(name, models_dir)) or folders.find_model(name) is not None
    return Path(name) if not known and Path(name).is_dir() else None


def _is_ir(path: Path) -> bool:
    return path.suffix == ".xml" and path.is_file()


def _irs_in(folder: Path) -> dict[str, Path]:
    """Return precision -> .xml: below folders named by precision, or the one .xml in the folder itself."""
    found = {}
    for inner in folders.precision_folders(folder):
        if files := sorted(inner.glob("*.xml")):
            found[inner.name] = files[0]
    if not found and (files := sorted(folder.glob("*.xml"))):
        found[folder.name if folders.split_variant(folder.name) else "IR"] = files[0]
    return found


def _catalog_options(name: str, xml: Path, models_dir: str | Path | None) -> dict[str, Any]:
    """Return labels and vocabulary from model.yml, for an IR of another tool without them."""
    if (xml.parent / "tokenizer.json").is_file():
        return {}
    model = folders.find_model(name, output_dir=models_dir)
    if model is None:
        return {}
    options: dict[str, Any] = {
        key: value
        for key in ("labels", "lower_case", "max_length")
        if (value := getattr(model, key)) is not None
    }
    folder = folders.model_folder(model, models_dir)
    for file in model.files:
        if file.name.rsplit("/", 1)[-1] in ("tokenizer.json", "vocab.txt") and (folder / file.name).is_file():
            return {"tokenizer": folder / file.name, **options}
    return options


def _how_to_make(name: str, precision: str, models_dir: str | Path | None) -> str:
    """Return the command that makes an IR of this precision, after a semicolon; empty if there is none."""
    plain, shape = folders.split_variant(precision) or (precision, None)
    tool = "converter" if plain in CONVERTED else "quantizer" if precision in QUANTIZED else ""
    if not tool:
        return ""
    fixed = ["--input_shape", f"{shape[0]}x{shape[1]}"] if shape else []
    return f"; make it with: {command_for(tool, name, models_dir, None, '--precisions', plain, *fixed)}"


def _how_to_get(name: str, path: Path | None, models_dir: str | Path | None) -> str:
    from model_zoo.catalog.zoo import load_catalog

    if path is not None:
        what = "another file" if path.is_file() else "nothing"
        if path.is_dir():
            what = "a folder without an .xml"
        if (path / "config.json").is_file() or path.suffix in (".nemo", ".onnx"):
            what = f"a checkpoint; convert it: {command_for('converter', str(path))}"
        return f"{path}: expected an OpenVINO .xml, or a folder that holds one; found {what}"
    known = [model.name for model in load_catalog()]
    if name not in known and not name.startswith("hf:"):
        choices = f"{', '.join(known)}; or give hf:OWNER/NAME, or the path of an .xml"
        return f"There is no model {name!r}. The zoo has: {choices}"
    commands = "".join(f"\n  {command_for(tool, name, models_dir)}" for tool in ("downloader", "converter"))
    return f"{name} is not in {folders.models_dir(models_dir)} yet. Run:{commands}"
