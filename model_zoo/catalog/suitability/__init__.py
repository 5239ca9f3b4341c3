"""Decide from its small files whether a published checkpoint runs here, before any weights are fetched.

Used by the lookup on the hub and by the reader of checkpoint folders. A refusal is one sentence: what the
repository is, and what to do. ``docs/hub-models.md`` lists the same families with measurements.
"""

from model_zoo.catalog.suitability.families import (
    FAMILIES,
    REFUSED_FAMILIES,
    WORDPIECE_FAMILIES,
    check_architecture,
    clean_config,
)
from model_zoo.catalog.suitability.labels import are_numbers, check_label_count, labels_of, named_labels
from model_zoo.catalog.suitability.libraries import LIBRARIES, check_kind
from model_zoo.catalog.suitability.tokenizers import OWN_FILES, check_tokenizer
from model_zoo.catalog.suitability.weights import (
    INDEX,
    WEIGHTS,
    check_quantization,
    shards_of,
    tensors_beside,
    weights_in,
)

__all__ = [
    "FAMILIES",
    "INDEX",
    "LIBRARIES",
    "OWN_FILES",
    "REFUSED_FAMILIES",
    "WEIGHTS",
    "WORDPIECE_FAMILIES",
    "are_numbers",
    "check_architecture",
    "check_kind",
    "check_label_count",
    "check_quantization",
    "check_tokenizer",
    "clean_config",
    "labels_of",
    "named_labels",
    "shards_of",
    "tensors_beside",
    "weights_in",
]
