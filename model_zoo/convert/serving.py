"""Model repositories of OpenVINO Model Server: each model with its versions in folders, and config.json.

The layout and the keys: https://docs.openvino.ai/2025/model-server/ovms_docs_models_repository.html and
https://docs.openvino.ai/2025/model-server/ovms_docs_serving_model.html.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import ZooError
from ner_core.compute import COMPUTE, EXACT, WAYS
from ner_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONFIG", "ServingError", "add_to_repository", "served_name"]

#: What the server reads, in the repository.
CONFIG = "config.json"


class ServingError(ZooError, ValueError):
    """An IR that is not there, or a repository that is none."""


def add_to_repository(
    xml: Path,
    name: str,
    repository: Path,
    *,
    version: int = 1,
    device: str = "CPU",
    mount: str = "/models",
    compute: str = "exact",
) -> dict[str, Any]:
    """Copy an IR into a model repository and list it in the repository's config.json.

    Parameters
    ----------
    xml : Path
        The IR, its ``.bin`` beside it.
    name : str
        Under which clients ask for it: letters, digits, ``.``, ``_`` and ``-``.
    repository : Path
        Made when it is not there; other models in it stay as they are.
    version : int
        From 1; the server gives the highest unless asked for another.
    device : str
        OpenVINO device of the server.
    mount : str
        Where the server sees the repository.
    compute : str
        What the server's CPU computes in, see `ner_core.compute`; ``auto`` leaves it to the server.

    Returns
    -------
    dict
        The model's entry in config.json.

    Raises
    ------
    ServingError
        If there is no such IR, or the repository has a config.json that is no configuration.
    """
    weights = xml.with_suffix(".bin")
    for file in (xml, weights):
        if not file.is_file():
            msg = f"{file}: expected a file of the IR, found none"
            raise ServingError(msg)
    config = _read_config(repository / CONFIG)
    entry = {
        "name": name,
        "base_path": f"{mount.rstrip('/')}/{name}",
        "target_device": device,
        # Unless it is told, a CPU with bf16 gives other scores than the same model here.
        "plugin_config": {**_arithmetic(compute), "PERFORMANCE_HINT": "THROUGHPUT"},
    }
    others = [known for known in config["model_config_list"] if known.get("config", {}).get("name") != name]
    config["model_config_list"] = [*others, {"config": entry}]
    folder = repository / name / str(version)
    staging = repository / name / f".{version}.new"  # the server takes folders with a number for a name
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for file in (xml, weights):
        shutil.copyfile(file, staging / f"{name}{file.suffix}")
    if folder.exists():
        shutil.rmtree(folder)
    staging.rename(folder)
    write_whole(repository / CONFIG, json.dumps(config, indent=2) + "\n")
    return entry


def _arithmetic(compute: str) -> dict[str, str]:
    """Return the properties of a way to compute.

    Examples
    --------
    >>> _arithmetic("bf16")["INFERENCE_PRECISION_HINT"], _arithmetic("auto")
    ('bf16', {})
    """
    ways = {way.name: way.config for way in WAYS} | {"exact": EXACT.config, "auto": {}}
    if compute not in ways:
        msg = f"{compute!r} is no way to compute; expected {', '.join(COMPUTE)}"
        raise ServingError(msg)
    return ways[compute]


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"model_config_list": []}
    try:
        config = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        msg = f"{path}: expected JSON, found {error}"
        raise ServingError(msg) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_config_list", []), list):
        msg = f"{path}: expected a configuration of the server, an object with a list model_config_list"
        raise ServingError(msg)
    config.setdefault("model_config_list", [])
    return config


def served_name(name: str) -> str:
    """Turn a name of the zoo or a path into one that a URL can carry.

    Examples
    --------
    >>> served_name("hf:dslim/bert-base-NER"), served_name("models/tiny.xml")
    ('dslim--bert-base-NER', 'models--tiny')
    """
    plain = name.removeprefix("hf:").removesuffix(".xml").strip("./")
    return re.sub(r"[^\w.-]", "-", plain.replace("/", "--"))
