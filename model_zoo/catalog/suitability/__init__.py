"""Which published checkpoints this project runs, told by their small files alone, before a byte of weights.

Both the hub look-up and the reader of checkpoint folders ask here. A refusal is one sentence that says what
the repository is and what to do. ``docs/hub-models.md`` is the same table, with what was measured.
"""

from model_zoo.catalog.suitability.families import (
    FAMILIES,
    REFUSED_FAMILIES,
    WORDPIECE_FAMILIES,
    check_architecture,
    clean_config,
)
from model_zoo.catalog.suitability.labels import check_label_count, labels_of, named_labels
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
