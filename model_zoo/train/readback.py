"""A BERT token classifier in torch, read back from its OpenVINO IR: a start where only the IR was shipped.

Operations of an IR are named after the modules they came from (``__module.classifier/aten::linear/Add``);
so the place of each constant in the checkpoint is known. Weights in 8 or 16 bits are read as the numbers that
the IR computes with. The model is used only if its logits are those of the IR.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
import torch
from transformers import AutoModelForTokenClassification, BertConfig

from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.parity import EXACT
from ner_core.ir import model_info, read_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_back"]

_OPERATION = re.compile(
    r"__module\.(?:model\.)?(?P<module>.+)/aten::(?:embedding/(?P<table>Gather)|linear/(?P<product>MatMul)|"
    r"layer_norm/(?P<scale>Multiply)|(?:linear|layer_norm)/(?P<shift>Add))(?:_\d+)?"
)
#: Operations whose first input is [batch, heads, sequence, ...].
_ATTENTION = ("ScaledDotProductAttention", "Softmax")
#: Largest difference of logits, of the largest logit: the order of additions may differ, the numbers may not.
_TOLERANCE = 1e-3
_UNNAMED = "{}: its weights cannot be identified by name; start from the model's checkpoint instead"


def read_back(xml: Path, changes: dict[str, Any]) -> tuple[Any, list[str], int]:
    """Rebuild the token classifier that an IR was converted from.

    Parameters
    ----------
    xml : Path
        An IR of the zoo's converter, of a BERT model, in any precision.
    changes : dict
        Values of the configuration, such as dropouts; those that BERT does not have are left out.

    Returns
    -------
    (transformers.PreTrainedModel, list of str, int)
        The model in float32, its labels in id order, and the most pieces that it takes.

    Raises
    ------
    CheckpointError
        The IR is of another architecture, its operations are not named after modules, or the model read
        back computes something else.
    """
    graph = read_model(xml)
    info = model_info(graph)
    if info.get("model_type") != "bert":
        msg = (
            f"{xml}: expected an IR of a BERT model to train on, found {info.get('model_type') or 'another'}"
        )
        raise CheckpointError(msg)
    weights = _weights(graph)
    labels = info["labels"].split()
    try:
        config = _config(graph, weights, len(labels), changes)
    except (KeyError, StopIteration) as error:
        raise CheckpointError(_UNNAMED.format(xml)) from error
    model = AutoModelForTokenClassification.from_config(config)
    try:
        missing, unexpected = model.load_state_dict(
            {name: torch.from_numpy(array) for name, array in weights.items()}, strict=False
        )
    except RuntimeError as error:  # shapes
        raise CheckpointError(_UNNAMED.format(xml)) from error
    # Adding 0 and multiplying by 1 are left out of a graph; a new model begins with these numbers.
    if unexpected or not all(name.endswith((".bias", "LayerNorm.weight")) for name in missing):
        raise CheckpointError(_UNNAMED.format(xml))
    _check(xml, graph, model)
    return model, labels, int(info.get("max_length", config.max_position_embeddings))


def _weights(graph: ov.Model) -> dict[str, np.ndarray]:
    """Return the weights by their names in a checkpoint of transformers."""
    places = dict(_places(graph))
    made = ov.Core().compile_model(ov.Model(list(places.values()), [], "weights"), "CPU", EXACT)([])
    found = {}
    for (name, transposed), value in zip(places, made.values(), strict=True):
        flat = value if name.endswith("weight") and "LayerNorm" not in name else value.reshape(-1)
        found[name] = np.array(flat.T if transposed else flat, np.float32)
    return found


def _places(graph: ov.Model) -> Iterator[tuple[tuple[str, bool], ov.Output]]:
    """Yield the name of each weight, whether it is transposed, and the constant that gives it."""
    for operation in graph.get_ops():
        found = _OPERATION.fullmatch(operation.get_friendly_name())
        constant = next((port for port in operation.input_values() if _is_constant(port)), None)
        if found and constant is not None:
            transposed = bool(found["product"]) and not operation.get_attributes()["transpose_b"]
            yield (f"{found['module']}.{'bias' if found['shift'] else 'weight'}", transposed), constant


def _is_constant(port: ov.Output) -> bool:
    """Return whether a value does not depend on the text; decompression is arithmetic on constants."""
    node = port.get_node()
    if node.get_type_name() == "Constant":
        return True
    return bool(node.get_input_size()) and all(_is_constant(one) for one in node.input_values())


def _config(
    graph: ov.Model, weights: dict[str, np.ndarray], labels: int, changes: dict[str, Any]
) -> BertConfig:
    words = weights["bert.embeddings.word_embeddings.weight"]
    attention = next(node for node in graph.get_ops() if node.get_type_name() in _ATTENTION)
    norm = next(node for node in graph.get_ops() if node.get_type_name() == "MVN")
    layers = {
        int(found[1]) for name in weights if (found := re.match(r"bert\.encoder\.layer\.(\d+)\.", name))
    }
    return BertConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        num_hidden_layers=len(layers),
        num_attention_heads=attention.get_input_partial_shape(0)[1].get_length(),
        intermediate_size=weights["bert.encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=weights["bert.embeddings.position_embeddings.weight"].shape[0],
        type_vocab_size=weights["bert.embeddings.token_type_embeddings.weight"].shape[0],
        layer_norm_eps=norm.get_attributes()["eps"],
        num_labels=labels,  # type: ignore[call-arg]  # of every configuration
        **{key: value for key, value in changes.items() if hasattr(BertConfig(), key)},
    )


def _check(xml: Path, graph: ov.Model, model: Any) -> None:
    """Compare logits on pieces, casings and padding drawn at random."""
    generator = np.random.default_rng(0)
    shape = (2, min(24, model.config.max_position_embeddings))
    arrays = {
        "input_ids": generator.integers(0, model.config.vocab_size, shape),
        "attention_mask": np.ones(shape, np.int64),
        "token_type_ids": generator.integers(0, model.config.type_vocab_size, shape),
    }
    arrays["attention_mask"][1, shape[1] // 2 :] = 0
    named = {name for port in graph.inputs for name in port.get_names()}
    given = {name: array for name, array in arrays.items() if name in named}
    expected = np.array(ov.Core().compile_model(graph, "CPU", EXACT)(given)[0])
    with torch.no_grad():
        found = model.eval()(
            **{name: torch.from_numpy(array) for name, array in given.items()}
        ).logits.numpy()
    seen = arrays["attention_mask"].astype(bool)
    difference = float(np.abs(found - expected)[seen].max() / np.abs(expected[seen]).max())
    if not difference <= _TOLERANCE:
        msg = f"{xml}: the model read back computes something else ({difference:.2g} of the largest logit)"
        raise CheckpointError(msg)
