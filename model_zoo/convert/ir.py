"""The intermediate representation that the core reads: port names, rt_info, precision, and its files.

The contract is in the project's documentation: inputs ``input_ids``, ``attention_mask``, ``token_type_ids``
(int64, [batch, sequence]), one output ``output`` (logits, float32), and a section ``model_info`` in rt_info.
The format itself: https://docs.openvino.ai/2025/documentation/openvino-ir-format.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import openvino as ov

from model_zoo.catalog.errors import ZooError
from model_zoo.convert.attention import bypass_needless_reshapes, replace_boolean_masks
from ner_core.files import write_whole
from ner_core.ports import INPUTS
from ner_core.seal import seal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "INPUTS",
    "OUTPUT",
    "UNMEASURED",
    "IrError",
    "finish",
    "fix_ports",
    "input_ports",
    "output_port",
    "read_fact",
    "save_graph",
    "write_facts",
]

OUTPUT = "output"
_EXPECTED = f"Expected a token classifier with the inputs {', '.join(INPUTS)}."
#: Value of a fact before it is measured, which needs the saved file.
UNMEASURED = "unmeasured"

#: Names of the three inputs by other exporters.
_SYNONYMS = {
    "input_ids": {"input_ids", "ids", "tokens", "input.1", "0"},
    "attention_mask": {"attention_mask", "input_mask", "mask", "1"},
    "token_type_ids": {"token_type_ids", "segment_ids", "type_ids", "token_types", "2"},
}


class IrError(ZooError, ValueError):
    """A graph that is not a token classifier; the message says what was expected and what was found."""


def input_ports(model: ov.Model) -> dict[str, ov.Output]:
    """Find the contract's inputs in a model.

    Returns
    -------
    dict of str to openvino.Output
        In the contract's order; without ``token_type_ids`` where the model has none.

    Raises
    ------
    IrError
        If an input is not known or a needed one is missing.
    """
    found: dict[str, ov.Output] = {}
    for port in model.inputs:
        names = set(port.names) | {port.get_node().get_friendly_name()}
        wanted = [name for name in INPUTS if names & _SYNONYMS[name]]
        if len(wanted) != 1 or wanted[0] in found:
            msg = f"unknown input {sorted(names)}. {_EXPECTED}"
            raise IrError(msg)
        found[wanted[0]] = port
    missing = [name for name in INPUTS[:2] if name not in found]
    if missing:
        msg = f"no input {', '.join(missing)}. {_EXPECTED}"
        raise IrError(msg)
    return {name: found[name] for name in INPUTS if name in found}


def output_port(model: ov.Model, label_count: int | None) -> ov.Output:
    """Find the output with the logits; raise `IrError` unless exactly one has the shape of a classifier's."""
    outputs = [port for port in model.outputs if _fits(port, label_count)]
    if len(outputs) != 1:
        shapes = ", ".join(str(port.get_partial_shape()) for port in model.outputs)
        msg = f"expected one output [batch, sequence, {label_count or 'labels'}], found {shapes}."
        raise IrError(msg)
    return outputs[0]


def fix_ports(
    model: ov.Model, shape: tuple[int, int] | None = None, label_count: int | None = None
) -> ov.Model:
    """Set a model's ports to those of the contract: order, names, types, shapes, and one output.

    Parameters
    ----------
    model : openvino.Model
        As converted; it must not be used afterwards.
    shape : (int, int), optional
        Static batch and length; dynamic without it.
    label_count : int, optional
        Last dimension of the wanted output.

    Raises
    ------
    IrError
        If inputs or output are not those of a token classifier.
    """
    ports = input_ports(model)
    output_port(model, label_count)
    static = ov.PartialShape(list(shape) if shape else [-1, -1])
    for name, port in ports.items():
        node = port.get_node()
        node.set_friendly_name(name)
        port.get_tensor().set_names({name})
        node.set_partial_shape(static)
    model.validate_nodes_and_infer_types()
    model = _with_types(model)
    by_name = {node.get_friendly_name(): node for node in model.get_parameters()}
    logits = output_port(model, label_count).get_node().input_value(0)
    logits.get_tensor().set_names({OUTPUT})
    result = ov.opset13.result(logits)  # new, because the old keeps the exporter's name
    result.set_friendly_name(OUTPUT)
    return ov.Model([result], [by_name[name] for name in ports], "token_classifier")


def _fits(port: ov.Output, label_count: int | None) -> bool:
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic or shape.rank.get_length() != 3:
        return False
    last = shape[2]
    return label_count is None or last.is_dynamic or last.get_length() == label_count


def _with_types(model: ov.Model) -> ov.Model:
    """Convert the inputs to int64 and the output to float32, if they are of other types."""
    wrong_inputs = [port for port in model.inputs if port.get_element_type() != ov.Type.i64]
    wrong_outputs = [
        index for index, port in enumerate(model.outputs) if port.get_element_type() != ov.Type.f32
    ]
    if not wrong_inputs and not wrong_outputs:
        return model
    builder = ov.preprocess.PrePostProcessor(model)
    for port in wrong_inputs:
        builder.input(port.get_any_name()).tensor().set_element_type(ov.Type.i64)
    for index in wrong_outputs:
        builder.output(index).tensor().set_element_type(ov.Type.f32)
    return builder.build()


def finish(model: ov.Model, file: Path, precision: str, facts: Mapping[str, str]) -> None:
    """Correct attention, write the facts into rt_info, and save.

    Parameters
    ----------
    model : openvino.Model
        With the contract's ports; see `fix_ports`.
    file : pathlib.Path
        The .xml; the .bin goes beside it.
    precision : str
        ``FP16`` stores weights in 16 bits; ``INT8`` asks devices to leave the activations as they are.
    facts : mapping of str to str
        Keys and values of the section ``model_info``.
    """
    replace_boolean_masks(model)
    bypass_needless_reshapes(model)
    for key, value in facts.items():
        model.set_rt_info(value, ["model_info", key])
    if precision == "INT8":
        # Otherwise a CPU with VNNI quantizes activations too, and scores depend on the CPU.
        model.set_rt_info("0", ["runtime_options", "DYNAMIC_QUANTIZATION_GROUP_SIZE"])
    save_graph(model, file, compress_to_fp16=precision == "FP16")


def save_graph(model: ov.Model, file: Path, *, compress_to_fp16: bool = False) -> None:
    """Write the .xml and the .bin.

    Raises
    ------
    OSError
        If the disk is full, which OpenVINO does not say.
    """
    try:
        ov.save_model(model, file, compress_to_fp16=compress_to_fp16)
    except RuntimeError as error:
        if "iostream" not in str(error) and "write" not in str(error):
            raise
        msg = f"{file.name} can't be written: the disk is full, or the file may not grow; make room"
        raise OSError(msg) from error


def read_fact(file: Path, key: str) -> str:
    """Return a value of ``model_info`` of a saved .xml, without loading the model; empty if it has none."""
    found = re.search(f'<{key} value="([^"]*)"', file.read_text("utf-8", "replace"))
    return found[1] if found else ""


def write_facts(file: Path, facts: Mapping[str, str]) -> None:
    """Set values of ``model_info`` that were not measured yet in a saved .xml, and seal the IR.

    Raises
    ------
    IrError
        If a key does not have the value `UNMEASURED` exactly once.
    """
    text = file.read_text(encoding="utf-8")
    for key, value in facts.items():
        found = f'<{key} value="{UNMEASURED}" />'
        if text.count(found) != 1:
            msg = f"{file}: expected {found} once, found it {text.count(found)} times."
            raise IrError(msg)
        text = text.replace(found, f'<{key} value="{value}" />')
    write_whole(file, text)
    seal(file)
