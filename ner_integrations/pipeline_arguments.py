"""Check and translate the arguments of transformers' ``pipeline("ner")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_core.aggregation import AGGREGATIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from ner_core.recognizer import EntityRecognizer

__all__ = [
    "checked_batch_size",
    "checked_labels",
    "checked_strategy",
    "checked_stride",
    "checked_text",
    "openvino_device",
]


def openvino_device(device: str | int | None) -> str:
    """Return OpenVINO's name for a device of transformers.

    Examples
    --------
    >>> [openvino_device(device) for device in (None, -1, "cpu:0", 0, "GPU.1")]
    ['AUTO', 'CPU', 'CPU', 'GPU.0', 'GPU.1']
    """
    if device is None:
        return "AUTO"
    if isinstance(device, int):
        return "CPU" if device < 0 else f"GPU.{device}"
    name = str(device).removesuffix(":0")
    return name.upper() if name.isalpha() else name


def checked_strategy(name: str) -> str:
    """Return the name of a strategy, given as a string or a member of transformers' enumeration."""
    strategy = str(getattr(name, "value", name)).lower()
    if strategy not in AGGREGATIONS:
        msg = f"aggregation_strategy: expected one of {', '.join(AGGREGATIONS)}, found {name!r}."
        raise ValueError(msg)
    return strategy


def checked_labels(labels: Collection[str]) -> frozenset[str]:
    """Return the labels to ignore."""
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        msg = f"ignore_labels: expected a list of labels, found {labels!r}."
        raise ValueError(msg)
    if "O" not in labels:
        msg = "ignore_labels: must contain 'O'; tokens outside entities are never returned."
        raise ValueError(msg)
    return frozenset(labels)


def checked_batch_size(size: int | None) -> int | None:
    """Return the batch size, or None."""
    if size is not None and (not isinstance(size, int) or size < 1):
        msg = f"batch_size: expected a whole number from 1, found {size!r}."
        raise ValueError(msg)
    return size


def checked_stride(stride: int | None, strategy: str, recognizer: EntityRecognizer) -> int | None:
    """Return the overlap of windows in word pieces, or None."""
    if stride is None:
        return None
    room = recognizer.max_length - recognizer.tokenizer.special_count
    if not isinstance(stride, int) or not 0 <= stride < room:
        msg = f"stride: expected a whole number from 0 to {room - 1}, found {stride!r}."
        raise ValueError(msg)
    if strategy == "none":
        msg = "stride: needs an aggregation_strategy other than none, as in transformers."
        raise ValueError(msg)
    return stride


def checked_text(text: Any) -> str:
    """Return the text, or raise `TypeError` if it is not a string."""
    if not isinstance(text, str):
        msg = f"Expected texts, found {type(text).__name__}; for words pass is_split_into_words=True."
        raise TypeError(msg)
    return text
