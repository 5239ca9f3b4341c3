"""Lay models out for OpenVINO Model Server: ``python model_zoo/model_server.py --name minilm-ner -o DIR``.

Writes ``DIR/<model>/<version>/<model>.xml`` with its ``.bin``, and ``DIR/config.json``. The layout and the
keys: https://docs.openvino.ai/2025/model-server/ovms_docs_models_repository.html and
https://docs.openvino.ai/2025/model-server/ovms_docs_serving_model.html. Exit codes: 0 fine, 1 something
failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a script: python model_zoo/model_server.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog import folders
from model_zoo.catalog.zoo import CatalogError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_to_repository", "main"]

_CONFIG = "config.json"


def add_to_repository(
    xml: Path, name: str, repository: Path, *, version: int = 1, device: str = "CPU", mount: str = "/models"
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

    Returns
    -------
    dict
        The model's entry in config.json.

    Raises
    ------
    CatalogError
        If there is no such IR, or the repository has a config.json that is no configuration.
    """
    weights = xml.with_suffix(".bin")
    for file in (xml, weights):
        if not file.is_file():
            msg = f"{file}: expected a file of the IR, found none"
            raise CatalogError(msg)
    config = _read_config(repository / _CONFIG)
    entry = {
        "name": name,
        "base_path": f"{mount.rstrip('/')}/{name}",
        "target_device": device,
        # Without the first a CPU with bf16 would give other scores than the same model here.
        "plugin_config": {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"},
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
    written = repository / f".{_CONFIG}.new"
    written.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    written.replace(repository / _CONFIG)
    return entry


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"model_config_list": []}
    try:
        config = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        msg = f"{path}: expected JSON, found {error}"
        raise CatalogError(msg) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_config_list", []), list):
        msg = f"{path}: expected a configuration of the server, an object with a list model_config_list"
        raise CatalogError(msg)
    config.setdefault("model_config_list", [])
    return config


def _safe_name(name: str) -> str:
    """Turn a name of the zoo or a path into one that a URL can carry.

    Examples
    --------
    >>> _safe_name("hf:dslim/bert-base-NER"), _safe_name("models/tiny.xml")
    ('dslim--bert-base-NER', 'models--tiny')
    """
    plain = name.removeprefix("hf:").removesuffix(".xml").strip("./")
    return re.sub(r"[^\w.-]", "-", plain.replace("/", "--"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--name", required=True, action="append", help="name in the zoo or path of an .xml; repeatable"
    )
    parser.add_argument(
        "-o", "--output_dir", type=Path, required=True, metavar="DIR", help="the model repository"
    )
    parser.add_argument("-d", "--models_dir", metavar="DIR", help="where converted models lie")
    parser.add_argument(
        "--precision", help="which of several (default: FP16-INT8, FP16, FP32, INT8, the first there)"
    )
    parser.add_argument("--version", type=int, default=1, help="version number (default: %(default)s)")
    parser.add_argument("--device", default="CPU", help="device of the server (default: %(default)s)")
    parser.add_argument("--mount", default="/models", help="where the server sees DIR (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit status.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.version < 1:
        parser.error(f"--version {args.version}: expected a number from 1")
    try:
        for name in args.name:
            xml = _find(name, args.precision, args.models_dir)
            entry = add_to_repository(
                xml,
                _safe_name(name if not name.endswith(".xml") else xml.stem),
                args.output_dir,
                version=args.version,
                device=args.device,
                mount=args.mount,
            )
            sys.stdout.write(f"{entry['name']}: version {args.version} from {xml}\n")
    except (CatalogError, OSError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    folder = args.output_dir.resolve()
    sys.stdout.write(
        "Serve it with:\n"
        f"  docker run --rm -v {folder}:{args.mount}:ro -p 8000:8000 openvino/model_server:latest "
        f"--config_path {args.mount}/{_CONFIG} --rest_port 8000\n"
        "and ask it with:\n"
        f"  ner recognize --model {args.name[0]} --device kserve://localhost:8000/{entry['name']} TEXT\n"
    )
    return 0


def _find(name: str, precision: str | None, models_dir: str | None) -> Path:
    if name.endswith(".xml"):
        return Path(name)
    found = folders.installed(name, models_dir)
    order = [precision] if precision else ["FP16-INT8", "FP16", "FP32", "INT8"]
    chosen = next((found[each] for each in order if each in found), None)
    if chosen is None:
        there = ", ".join(found) or "none"
        wanted = f" in {precision}" if precision else ""
        msg = f"{name}: no IR{wanted} here (there: {there}); run: python -m model_zoo.converter --name {name}"
        raise CatalogError(msg)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
