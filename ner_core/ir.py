"""The folder of a model: its IR, its rt_info, and the tokenizer beside it.

Only the section ``model_info`` of rt_info is read; IRs made by other tools work if labels and tokenizer are
given.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ner_core.hardware import core, last_line
from ner_core.seal import check_seal, check_tokenizer_seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import openvino as ov

__all__ = ["checked_labels", "locate", "model_info", "read_model", "tokenizer_beside"]

_SECTION = "model_info"


def locate(path: str | Path) -> Path:
    """Resolve a folder to the one model in it."""
    path = Path(path)
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.xml"))
    if len(found) == 1:
        return found[0]
    msg = f"{path}: expected one .xml file in this folder, found {len(found)}."
    raise FileNotFoundError(msg)


def read_model(path: str | Path) -> ov.Model:
    """Read an IR or an ONNX file.

    Parameters
    ----------
    path : str or Path
        The ``.xml`` (its ``.bin`` lies beside it).

    Returns
    -------
    openvino.Model

    Raises
    ------
    FileNotFoundError
        If the file or its weights are missing.
    ValueError
        If OpenVINO cannot read it, or its files are not those that were sealed, see `ner_core.seal`.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"{path}: no such model file."
        raise FileNotFoundError(msg)
    if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
        msg = f"{path.with_suffix('.bin')}: the weights of {path.name} are missing."
        raise FileNotFoundError(msg)
    with ThreadPoolExecutor(1) as pool:
        checked = pool.submit(check_seal, path)
        try:
            model = core().read_model(path)
        except RuntimeError as error:
            checked.result()  # a damaged file explains the error better
            msg = f"{path}: OpenVINO cannot read this model ({last_line(error)})."
            raise ValueError(msg) from error
        checked.result()
    return model


def model_info(model: ov.Model) -> dict[str, str]:
    """Read the section ``model_info`` of an IR; empty where there is none."""
    if not model.has_rt_info([_SECTION]):
        return {}
    section = model.get_rt_info([_SECTION]).value
    return {key: str(value) for key, value in section.items()} if isinstance(section, dict) else {}


def tokenizer_beside(path: Path) -> Path:
    """Find the tokenizer beside a model, and check it against the model's seal."""
    for name in ("tokenizer.json", "vocab.txt"):
        tokenizer = path.with_name(name)
        if tokenizer.is_file():
            check_tokenizer_seal(path, tokenizer)
            return tokenizer
    msg = (
        f"{path.parent}: no tokenizer.json or vocab.txt beside {path.name}. Pass tokenizer='<path of a "
        "tokenizer.json or vocab.txt>'."
    )
    raise FileNotFoundError(msg)


def checked_labels(
    labels: Sequence[str] | None, info: dict[str, str], count: int, path: Path
) -> tuple[str, ...]:
    """Return the given labels or those of rt_info, checked against the model's number of outputs."""
    if labels is None:
        if not info.get("labels"):
            msg = (
                f"{path}: this model does not name its labels (no labels in the rt_info section {_SECTION}). "
                "Pass labels=['O', 'B-PER', ...], one for each output in the order of their ids"
                + (f"; the model has {count}." if count else ".")
            )
            raise ValueError(msg)
        labels = json.loads(info["label_names"]) if "label_names" in info else info["labels"].split()
        source = f"rt_info {_SECTION}/labels"
    else:
        source = "labels="
    if count and len(labels) != count:
        msg = (
            f"{path}: {source} names {len(labels)} labels, but the model gives {count} scores for each piece."
        )
        raise ValueError(msg)
    return tuple(labels)
