"""Text in, entities out: BERT token classifiers on OpenVINO.

Examples
--------
>>> import ner_core
>>> ner = ner_core.EntityRecognizer.from_ir("FP16/bert-base-ner.xml", device="AUTO")  # doctest: +SKIP
>>> ner("Mary lives in Santa Clara.").entities[0].text  # doctest: +SKIP
'Mary'
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ner_core.aggregation import AGGREGATIONS, DEFAULT_AGGREGATION
from ner_core.entity import Entity, Recognition, Timings

if TYPE_CHECKING:
    from ner_core.hardware import Device, DeviceError, check_device, devices, preferred_precisions
    from ner_core.recognizer import EntityRecognizer

__all__ = [
    "AGGREGATIONS",
    "DEFAULT_AGGREGATION",
    "Device",
    "DeviceError",
    "Entity",
    "EntityRecognizer",
    "Recognition",
    "Timings",
    "check_device",
    "devices",
    "preferred_precisions",
]

# OpenVINO reports each import and conversion to Google Analytics unless its telemetry package is missing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# Loaded when first asked for: OpenVINO takes longer to import than everything else together.
_LAZY = {
    "Device": "hardware",
    "DeviceError": "hardware",
    "check_device": "hardware",
    "devices": "hardware",
    "preferred_precisions": "hardware",
    "EntityRecognizer": "recognizer",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
