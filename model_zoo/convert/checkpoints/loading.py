"""Find a checkpoint in a folder, and read it, whichever of the three layouts it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.weights import WEIGHTS
from model_zoo.convert.checkpoints.checkpoint import Checkpoint, CheckpointError, Overrides
from model_zoo.convert.checkpoints.huggingface import load_folder
from model_zoo.convert.checkpoints.nemo import load_nemo
from model_zoo.convert.checkpoints.onnx import load_onnx
from ner_core.tokenizer_files import TokenizerFileError

__all__ = ["find_checkpoint", "load_checkpoint"]

_NOT_A_CHECKPOINT = (
    "{}: not a checkpoint. Expected a folder with config.json and weights, a .nemo archive or an .onnx file."
)


def find_checkpoint(folder: Path) -> Path:
    """Find the checkpoint in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Its own weights come first; else it may lie in a subfolder, as Open Model Zoo's do. Or a checkpoint
        that is a file.

    Returns
    -------
    pathlib.Path
        A ``.nemo`` file, a folder with config.json and weights, or an ``.onnx`` file, in this order of
        preference.

    Raises
    ------
    CheckpointError
        If there is none, or several of a kind.
    """
    if folder.is_file():
        if folder.suffix not in (".nemo", ".onnx"):
            raise CheckpointError(_NOT_A_CHECKPOINT.format(folder))
        return folder
    if not folder.is_dir():
        msg = f"{folder}: no such folder."
        raise CheckpointError(msg)
    own = [name for name in WEIGHTS if (folder / name).is_file()]
    if own and not own[0].endswith(".onnx"):
        return folder
    candidates = (
        sorted(folder.rglob("*.nemo")),
        sorted(
            {file.parent for file in folder.rglob("*") if file.name in WEIGHTS and file.suffix != ".onnx"}
        ),
        [folder / own[0]] if own else sorted(folder.rglob("*.onnx")),
    )
    for found in candidates:
        if len(found) > 1:
            listed = [path.relative_to(folder) for path in found]
            msg = f"{folder}: more than one checkpoint ({few(listed)}). Keep one, or give the path of one."
            raise CheckpointError(msg)
        if found:
            return found[0]
    msg = (
        f"{folder}: no checkpoint. Expected a .nemo archive, an .onnx file, or config.json beside "
        "model.safetensors or pytorch_model.bin."
    )
    raise CheckpointError(msg)


def load_checkpoint(path: Path | str, **overrides: Any) -> Checkpoint:
    """Read a checkpoint of any of the three kinds.

    Parameters
    ----------
    path : pathlib.Path or str
        A Hugging Face folder (config.json, weights, tokenizer.json or vocab.txt), a ``.nemo`` archive, or an
        ``.onnx`` file with config.json and tokenizer.json beside or above it.
    **overrides
        Values of `Overrides`. A NeMo archive's own label order wins.

    Returns
    -------
    Checkpoint
        Its module is in evaluation mode; parameters may be mapped from the file, so keep the file meanwhile.

    Raises
    ------
    CheckpointError
        If a file is missing, broken, unsafe or does not fit the others.
    ModuleNotFoundError
        If torch or transformers is not installed (not for ONNX).
    """
    path, told = Path(path), Overrides(**overrides)
    try:
        if path.suffix == ".nemo":
            return load_nemo(path, told)
        if path.suffix == ".onnx":
            return load_onnx(path, told)
        if path.is_dir():
            return load_folder(path, told)
    except (CatalogError, TokenizerFileError) as error:
        raise CheckpointError(str(error)) from error
    raise CheckpointError(_NOT_A_CHECKPOINT.format(path))
