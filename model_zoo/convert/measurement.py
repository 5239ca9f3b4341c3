"""Operations and parameters of a converted model, read from its IR at a given shape.

GOps and MParams as Open Model Zoo's model cards give them: a multiplication and an addition count as two
operations, and parameters are those used at that shape (128 of a table of 512 positions for a length of 128).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog import folders
from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.messages import command_for
from ner_core.operations import count_operations

if TYPE_CHECKING:
    import openvino as ov

    from model_zoo.catalog.schema import Model

__all__ = ["MeasurementError", "measure", "measure_installed"]

#: Elements of these types are counted; integers are shapes and indices, once constants are folded.
_NUMBERS = {"f32", "f16", "bf16", "f64"}


class MeasurementError(ZooError, ValueError):
    """A model that does not exist, or that can't be read at the requested shape."""


def measure_installed(
    model: Model, output_dir: Path | None, shape: tuple[int, int], zoo: Path | None = None
) -> dict[str, Any]:
    """Measure every converted IR of a model of the zoo; return what `measure` does, by precision.

    Raises
    ------
    MeasurementError
        The model is not converted, or can't be read at this shape.
    """
    found = folders.installed(model.name, output_dir, zoo)
    if not found:
        command = command_for("converter", folders.selectable_name(model), output_dir, zoo)
        msg = f"{model.name}: nothing to measure in {folders.models_dir(output_dir)}; run: {command}"
        raise MeasurementError(msg)
    try:
        return {precision: measure(path, shape) for precision, path in found.items()}
    except (ValueError, RuntimeError, OSError) as error:
        msg = f"{model.name}: can't be measured: {error}"
        raise MeasurementError(msg) from None


def measure(xml: Path | str, shape: tuple[int, int] = (1, 128)) -> dict[str, Any]:
    """Measure an IR.

    Parameters
    ----------
    xml : pathlib.Path or str
        The .xml; the .bin lies beside it.
    shape : (int, int)
        Batch and length; a model for inputs of one shape is measured at that shape.

    Returns
    -------
    dict
        ``shape``; ``gops``, 10**9 operations of the matrix products (attention included) for one input of
        this shape; ``mparams``, 10**6 parameters; ``inputs`` and ``outputs``, each a list of dicts with
        ``name``, ``shape`` (of the file, -1 where dynamic) and ``type``; ``size``, bytes of the .xml, the
        .bin and both.

    Raises
    ------
    ValueError
        If the model does not take this shape.
    """
    import openvino as ov
    from openvino.passes import ConstantFolding, Manager

    xml = Path(xml)
    model = ov.Core().read_model(xml)
    inputs, outputs = ([_port(port) for port in ports] for ports in (model.inputs, model.outputs))
    if model.inputs[0].partial_shape.is_static:
        shape = tuple(model.inputs[0].shape)
    try:
        model.reshape({port: list(shape) for port in model.inputs})
    except RuntimeError as error:
        msg = f"{xml}: does not take inputs of {shape[0]}x{shape[1]}; --shape sets another shape"
        raise ValueError(msg) from error
    manager = Manager()
    # folds what depends on the shape alone, such as the choice of position rows, and decompresses weights
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    sizes = {"xml": xml.stat().st_size, "bin": xml.with_suffix(".bin").stat().st_size}
    return {
        "shape": list(shape),
        "gops": round(count_operations(model) / 1e9, 4),
        "mparams": round(_parameters(model) / 1e6, 4),
        "inputs": inputs,
        "outputs": outputs,
        "size": sizes | {"total": sum(sizes.values())},
    }


def _port(port: ov.Output) -> dict[str, Any]:
    shape = [-1 if size.is_dynamic else size.get_length() for size in port.get_partial_shape()]
    return {"name": port.get_any_name(), "shape": shape, "type": port.get_element_type().get_type_name()}


def _parameters(model: ov.Model) -> int:
    constants = (node for node in model.get_ops() if node.get_type_name() == "Constant")
    numbers = (node for node in constants if node.get_element_type().get_type_name() in _NUMBERS)
    return sum(math.prod(node.get_output_shape(0)) for node in numbers)
