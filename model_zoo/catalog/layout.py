"""Names shared by the whole zoo, needed before any model.yml is read."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "AUTO",
    "CONVERTED",
    "ENGLISH_MODEL",
    "MODELS_ROOT",
    "OMZ_PRECISIONS",
    "OTHER_LANGUAGES_MODEL",
    "PRECISIONS",
    "QUANTIZED",
    "files_in_zoo",
]

#: The models that come with this package.
MODELS_ROOT = Path(__file__).resolve().parent.parent / "models"

#: Model name that chooses by the language of the text, and the two models it chooses from.
AUTO = "auto"
ENGLISH_MODEL = "minilm-ner"
OTHER_LANGUAGES_MODEL = "multilingual-ner"

#: Precisions that folders of IRs are named after: Open Model Zoo's, and INT8 for compressed weights.
PRECISIONS = ("FP32", "FP16", "INT8", "FP16-INT8", "FP32-INT8", "FP16-INT1", "FP32-INT1")

#: Those that Open Model Zoo knows.
OMZ_PRECISIONS = tuple(precision for precision in PRECISIONS if precision != "INT8")

#: Precisions made by the converter (INT8: only the weights in 8 bits) and by the quantizer.
CONVERTED = ("FP32", "FP16", "INT8")
QUANTIZED = ("FP16-INT8", "FP32-INT8")


def files_in_zoo(root: Path, name: str) -> list[Path]:
    """Return the files of this name (or pattern) in the folders of a zoo's models, which may be links."""
    return sorted({*root.rglob(name), *root.glob(f"*/{name}"), *root.glob(f"*/*/{name}")})
