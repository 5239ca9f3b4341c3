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

#: Configuration of the server, in the repository.
CONFIG = "config.json"


class ServingError(ZooError, ValueError):
    """An IR that does not exist, or an invalid repository."""


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
        By which clients ask for it: letters, digits, ``.``, ``_`` and ``-``.
    repository : Path
        Created if it does not exist; other models in it are unchanged.
    version : int
        From 1; the server uses the highest by default.
    device : str
        OpenVINO device of the server.
    mount : str
        Where the server sees the repository.
    compute : str
        Arithmetic of the server's CPU, see `ner_core.compute`; ``auto`` leaves it to the server.

    Returns
    -------
    dict
        The model's entry in config.json.

    Raises
    ------
    ServingError
        If there is no such IR, or the repository's config.json is not a configuration.
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
        # By default, a CPU with bf16 gives other scores than the same model here.
        "plugin_config": {**_arithmetic(compute), "PERFORMANCE_HINT": "THROUGHPUT"},
    }
    others = [known for known in config["model_config_list"] if known["config"].get("name") != name]
    config["model_config_list"] = [*others, {"config": entry}]
    folder = repository / name / str(version)
    staging = repository / name / f".{version}.new"  # the server reads folders whose name is a number
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
    """Return the properties of an arithmetic.

    Examples
    --------
    >>> _arithmetic("bf16")["INFERENCE_PRECISION_HINT"], _arithmetic("auto")
    ('bf16', {})
    """
    ways = {way.name: way.config for way in WAYS} | {"exact": EXACT.config, "auto": {}}
    if compute not in ways:
        msg = f"compute: expected one of {', '.join(COMPUTE)}, found {compute!r}"
        raise ServingError(msg)
    return ways[compute]


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"model_config_list": []}
    try:
        config = json.loads(path.read_text("utf-8"))
    except ValueError:
        config = None
    listed = config.setdefault("model_config_list", []) if isinstance(config, dict) else None
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get("config"), dict) for one in listed
    ):
        msg = (
            f"{path}: expected a configuration of the server, an object with a list model_config_list of "
            'objects {"config": {...}}'
        )
        raise ServingError(msg)
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
