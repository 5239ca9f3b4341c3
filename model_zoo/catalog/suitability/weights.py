"""Files of weights: which ones are used, and why others are refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["INDEX", "WEIGHTS", "check_quantization", "shards_of", "tensors_beside", "weights_in"]

INDEX = ".index.json"  # lists the shards of weights
#: Variants of an ONNX graph as named by optimum and transformers.js, the most exact first.
_GRAPHS = ("model", "model_optimized", "model_fp16", "model_quantized", "model_int8", "model_uint8")
#: Weights, best first; ONNX only if there is nothing else.
WEIGHTS = (
    *(name + kind for name in ("model.safetensors", "pytorch_model.bin") for kind in ("", INDEX)),
    *(f"{folder}{graph}.onnx" for graph in _GRAPHS for folder in ("onnx/", "")),
)
#: Suffixes of files in a folder of graphs that hold no tensors.
_NO_TENSORS = (".onnx", ".json", ".txt", ".md", ".py", ".model", ".yml", ".yaml", ".ort", ".jinja")
_OTHER_WEIGHTS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "rust_model.ot": "rust-bert",
    "model.gguf": "GGUF",
}


def weights_in(name: str, files: Collection[str]) -> str:
    """Return the file of weights to use.

    Examples
    --------
    >>> weights_in("x", ["pytorch_model.bin", "model.safetensors"])
    'model.safetensors'
    """
    for file in WEIGHTS:
        if file in files:
            return file
    for file, framework in _OTHER_WEIGHTS.items():
        if file in files or any(one.endswith(file.removeprefix("model")) for one in files):
            msg = (
                f"{name}: this has weights for {framework} only; load it with its own library and save it as "
                "safetensors (transformers: save_pretrained), then give the folder"
            )
            raise CatalogError(msg)
    graphs = [file for file in files if file.endswith(".onnx")]
    if graphs:
        known = ", ".join(f"{graph}.onnx" for graph in _GRAPHS)
        msg = (
            f"{name}: expected one of the ONNX graphs {known}, found {few(sorted(graphs), 6)}; "
            "weights in 4 bits and graphs made for one kind of machine aren't read"
        )
        raise CatalogError(msg)
    if irs := sorted(file for file in files if file.endswith("openvino_model.xml")):
        msg = (
            f"{name}: {irs[0]} is a model of OpenVINO already; download it with its .bin and the tokenizer, "
            "and give the .xml and its labels (from_ir)"
        )
        raise CatalogError(msg)
    kinds = "model.safetensors, pytorch_model.bin (whole or in shards) or onnx/model.onnx"
    msg = f"{name}: expected {kinds} in the repository, found {few(sorted(files), 12) or 'no files'}"
    raise CatalogError(msg)


def shards_of(where: str, index: Any, files: Collection[str]) -> list[str]:
    """Return the shards that an index of weights lists.

    Parameters
    ----------
    where : str
        Name of the index; start of error messages.
    index : object
        Its content.
    files : collection of str
        Names in the repository.

    Raises
    ------
    CatalogError
        It lists no shards, something that is no file of weights beside it, or a missing file.

    Examples
    --------
    >>> named = {"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}
    >>> shards_of("pytorch_model.bin.index.json", named, ["1.bin", "2.bin"])
    ['1.bin', '2.bin']
    """
    suffix = "." + where.removesuffix(INDEX).rpartition(".")[2]
    by_weight = index.get("weight_map") if isinstance(index, dict) else None
    shards = sorted({str(shard) for shard in by_weight.values()}) if isinstance(by_weight, dict) else []
    wrong = [shard for shard in shards if re.search(r"[/\\:]", shard) or not shard.endswith(suffix)]
    if wrong or not shards:
        msg = (
            f"{where}: expected the names of {suffix} files beside it in its weight_map, "
            f"found {few(wrong) or 'none'}; save the model again (transformers: save_pretrained)"
        )
        raise CatalogError(msg)
    if missing := [shard for shard in shards if shard not in files]:
        msg = f"{where}: expected all shards that it lists, found no {few(missing)}; some were not uploaded"
        raise CatalogError(msg)
    return shards


def tensors_beside(graph: str, files: Collection[str]) -> list[str]:
    """Return the files that hold tensors of an ONNX graph, judged by their names.

    Only the graph itself lists them, and it is not fetched yet. Their names begin with the graph's; if none
    does and the folder is only for graphs, they may be any of its files.

    Examples
    --------
    >>> tensors_beside("onnx/model.onnx", ["onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_q4.onnx"])
    ['onnx/model.onnx_data']
    >>> tensors_beside("onnx/model.onnx", ["onnx/model.onnx", "onnx/weights.bin", "onnx/config.json"])
    ['onnx/weights.bin']
    """
    folder, _, _ = graph.rpartition("/")
    stem = graph.removesuffix(".onnx")
    named = sorted(file for file in files if file.startswith((f"{graph}_", f"{graph}.", f"{stem}.data")))
    if named or not folder:
        return named
    beside = (file for file in files if file.rpartition("/")[0] == folder)
    return sorted(file for file in beside if not file.lower().endswith(_NO_TENSORS) and ".onnx" not in file)


def check_quantization(name: str, config: Mapping[str, Any]) -> None:
    """Refuse weights that need a quantization library."""
    if config.get("quantization_config"):
        msg = f"{name}: the weights are already quantized. Use the unquantized checkpoint."
        raise CatalogError(msg)
