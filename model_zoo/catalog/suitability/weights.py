"""Files of weights: which are taken, and what is said of those that can't be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["INDEX", "WEIGHTS", "check_quantization", "shards_of", "weights_in"]

INDEX = ".index.json"  # names the files (shards) of weights that come in several
#: Weights, best first; ONNX is taken where there is nothing else.
WEIGHTS = (
    *(name + kind for name in ("model.safetensors", "pytorch_model.bin") for kind in ("", INDEX)),
    "onnx/model.onnx",
    "model.onnx",
)
_OTHER_WEIGHTS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "rust_model.ot": "rust-bert",
    "model.gguf": "GGUF",
}


def weights_in(name: str, files: Collection[str]) -> str:
    """Return the weights to take.

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
    kinds = "model.safetensors, pytorch_model.bin (whole or in shards) or onnx/model.onnx"
    msg = f"{name}: expected {kinds} in the repository, found {few(sorted(files), 12) or 'no files'}"
    raise CatalogError(msg)


def shards_of(where: str, index: Any) -> list[str]:
    """Return the files that an index of weights names, which lie beside it.

    Examples
    --------
    >>> shards_of("x", {"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}})
    ['1.bin', '2.bin']
    """
    by_weight = index.get("weight_map") if isinstance(index, dict) else None
    shards = sorted({str(shard) for shard in by_weight.values()}) if isinstance(by_weight, dict) else []
    if not shards or any("/" in shard or "\\" in shard or ":" in shard for shard in shards):
        found = few(shards) or "none"
        msg = f"{where}: expected the names of files beside it in its weight_map, found {found}"
        raise CatalogError(msg)
    return shards


def check_quantization(name: str, config: Mapping[str, Any]) -> None:
    """Refuse weights that only a quantization library can read."""
    if config.get("quantization_config"):
        msg = f"{name}: the weights are already quantized. Use the unquantized checkpoint."
        raise CatalogError(msg)
