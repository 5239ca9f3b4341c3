"""From a checkpoint to the files of an IR: trace, fix the ports, round, save, compare, and only then publish.

Before a result is published, the same inputs are run through the source and through the files just written;
if the logits differ by more than rounding, nothing is kept. torch runs in a separate process
(`model_zoo.convert.tracing`).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import ZooError, told_by_system
from model_zoo.catalog.layout import CONVERTED, QUANTIZED
from model_zoo.convert import ir, parity, tracing
from model_zoo.convert.checkpoints.checkpoint import CheckpointError, first_line
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.losses import FACTS, measure_losses
from model_zoo.convert.rounding import rounds_activations, without_rounding
from model_zoo.convert.workers import WorkerError, run_worker
from model_zoo.convert.workplace import publish, workplace
from ner_core.labels import tag_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from model_zoo.convert.checkpoints.checkpoint import Checkpoint

__all__ = [
    "DEFAULT_PRECISIONS",
    "Conversion",
    "ConversionError",
    "convert_checkpoint",
    "variant_name",
]

#: As Open Model Zoo's converter.
DEFAULT_PRECISIONS = ("FP16", "FP32")


class ConversionError(ZooError, ValueError):
    """A conversion that failed; the message says where, why and what to do. Nothing was changed on disk."""


@dataclass(frozen=True)
class Conversion:
    """One converted precision.

    Attributes
    ----------
    precision : str
    xml : pathlib.Path
    size : int
        Bytes of the .xml and the .bin.
    seconds : float
        Wall time for this precision; the first includes loading and tracing.
    parity : float
        Largest absolute difference of a logit to the source.
    scale : float
        Largest absolute logit of the source.
    tolerance : float
        Largest difference allowed, as a share of `scale`.
    notes : tuple of str
        What the user should know.
    """

    precision: str
    xml: Path
    size: int
    seconds: float
    parity: float
    scale: float
    tolerance: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """Input of every precision: the graph's file, the facts, and the source's logits for sample inputs."""

    graph: Path
    facts: Checkpoint
    inputs: list[dict[str, np.ndarray]]
    references: list[np.ndarray]


def convert_checkpoint(
    source: Path | str,
    folder: Path | str,
    name: str,
    *,
    precisions: Sequence[str] = DEFAULT_PRECISIONS,
    input_shape: tuple[int, int] | None = None,
    tolerance: float | None = None,
    overrides: dict[str, Any] | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    python: str = sys.executable,
) -> list[Conversion]:
    """Convert one checkpoint to the precisions asked for.

    Parameters
    ----------
    source : pathlib.Path or str
        A Hugging Face folder, a ``.nemo`` archive or an ``.onnx`` file.
    folder : pathlib.Path or str
        Gets ``<PRECISION>/<name>.xml``, ``.bin`` and ``tokenizer.json``; existing folders of the same
        precisions are replaced when all are converted.
    name : str
        Of the model.
    precisions : sequence of str
        Of `model_zoo.catalog.layout.CONVERTED`.
    input_shape : (int, int), optional
        Static batch and length; the folder is then called ``<PRECISION>-<batch>x<length>``.
    tolerance : float, optional
        Largest difference that passes, as a share of the largest logit; default
        `model_zoo.convert.parity.TOLERANCES`.
    overrides : dict, optional
        ``labels``, ``lower_case``, ``max_length``, ``token_type_ids`` of model.yml.
    progress : callable, optional
        Gets a dict for each event: ``$type`` is ``model_conversion_progress`` (``stage``, ``precision``) or
        ``model_conversion_result`` (``precision``, ``size``, ``seconds``, ``parity``, ``tolerance``).
    python : str
        Interpreter with torch and nncf, which run in separate processes.

    Returns
    -------
    list of Conversion
        In the order of `precisions`.

    Raises
    ------
    ConversionError
        If the checkpoint cannot be read or converted, or the result differs from the source.
    """
    source, folder = Path(source).resolve(), Path(folder)
    check_precisions(precisions)

    def tell(kind: str, **values: Any) -> None:
        if progress:
            progress({"$type": kind, "model": name, **values})

    conversions: list[Conversion] = []
    try:
        with workplace(folder) as staging:
            started = time.perf_counter()
            tell("model_conversion_progress", stage="reading the checkpoint")
            opened = _open_source(source, staging, input_shape, overrides or {}, python)
            for precision in dict.fromkeys(precisions):
                tell("model_conversion_progress", stage="converting", precision=precision)
                result = _make(opened, staging, name, precision, input_shape, tolerance, python)
                result = replace(result, seconds=time.perf_counter() - started)
                conversions.append(result)
                facts = {key: value for key, value in vars(result).items() if key != "xml"}
                tell("model_conversion_result", **facts)
                started = time.perf_counter()
            for result in conversions:
                publish(result.xml.parent, folder / result.xml.parent.name)
    except OSError as error:
        msg = f"{name}: {told_by_system(error, folder)}"
        raise ConversionError(msg) from error
    except (CheckpointError, WorkerError, ir.IrError, RuntimeError) as error:
        msg = f"{name}: {error if isinstance(error, ZooError) else first_line(error)}"
        raise ConversionError(msg) from error
    return [replace(result, xml=folder / result.xml.parent.name / result.xml.name) for result in conversions]


def check_precisions(precisions: Sequence[str]) -> None:
    """Raise `ConversionError` for a precision that is not made here."""
    unknown = [precision for precision in precisions if precision not in CONVERTED]
    if unknown or not precisions:
        msg = f"precision {', '.join(unknown) or '(none)'}: expected {', '.join(CONVERTED)}."
        if quantized := [precision for precision in unknown if precision in QUANTIZED]:
            msg += f" {', '.join(quantized)}: made by quantizer.py."
        raise ConversionError(msg)


def variant_name(precision: str, shape: tuple[int, int] | None) -> str:
    """Name the folder of a precision, or of its static variant.

    Examples
    --------
    >>> variant_name("FP16", None), variant_name("FP16", (1, 128))
    ('FP16', 'FP16-1x128')
    """
    return precision if shape is None else f"{precision}-{shape[0]}x{shape[1]}"


# The source


def _open_source(
    source: Path, staging: Path, shape: tuple[int, int] | None, overrides: dict[str, Any], python: str
) -> _Source:
    if source.suffix == ".onnx":
        return _open_onnx(source, staging, shape, overrides)
    _trace(source, staging, shape, overrides, python)
    inputs, references = tracing.read_reference(staging)
    return _Source(staging / "source.xml", tracing.read_facts(staging), inputs, references)


def _trace(
    source: Path, staging: Path, shape: tuple[int, int] | None, overrides: dict[str, Any], python: str
) -> None:
    """Run `model_zoo.convert.tracing` in a separate process."""
    options = json.dumps({"shape": shape, "overrides": overrides})
    run_worker("model_zoo.convert.tracing", [str(source), str(staging), options], staging, python)
    if not (staging / "source.xml").is_file():
        msg = f"--python {python}: expected a Python, found a program that does nothing"
        raise WorkerError(msg)


def _open_onnx(
    source: Path, staging: Path, shape: tuple[int, int] | None, overrides: dict[str, Any]
) -> _Source:
    """Read an ONNX file, and run it unchanged, with onnxruntime if it is installed."""
    import openvino as ov

    checkpoint = load_checkpoint(source, **overrides)
    file = without_rounding(source, staging / "float.onnx") if rounds_activations(source) else source
    graph = ov.Core().read_model(file)
    ports = ir.input_ports(graph)
    ir.output_port(graph, len(checkpoint.labels))
    shapes = (port.get_partial_shape() for port in ports.values())
    fixed = {tuple(found.to_shape()) for found in shapes if found.is_static}
    if fixed and fixed != {shape}:
        only = "x".join(str(size) for size in fixed.pop())
        msg = f"{source}: this graph takes inputs of one shape only. Give --input_shape {only}."
        raise ConversionError(msg)
    inputs = tracing.sample_inputs(staging, checkpoint, shape)
    with_onnxruntime = importlib.util.find_spec("onnxruntime") is not None

    def run(some: Sequence[dict[str, np.ndarray]]) -> list[np.ndarray]:
        named = [{port.get_any_name(): one[name] for name, port in ports.items()} for one in some]
        if not with_onnxruntime:
            return parity.outputs(graph, named)
        try:
            return _onnxruntime_outputs(file, named, len(checkpoint.labels))
        except Exception as error:  # its errors have no common class
            raise CheckpointError(tracing.no_answer(source, some, error)) from error

    references = run(inputs)
    if not fixed:
        tracing.check_padding(source, run, inputs[-1], references[-1])
    note = (
        "compared with onnxruntime"
        if with_onnxruntime
        else "onnxruntime is not installed: compared with the unchanged graph in OpenVINO"
    )
    checkpoint.notes.append(note)
    if file != source:
        checkpoint.notes.append(
            "the graph rounds activations to 8 bits by the range of a batch; this rounding was removed"
        )
    return _Source(file, checkpoint, inputs, references)


def _onnxruntime_outputs(
    source: Path, inputs: Sequence[dict[str, np.ndarray]], label_count: int
) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised too
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    types = {port.name: port.type for port in session.get_inputs()}
    made = []
    for one in inputs:
        cast = {
            name: array.astype("int32") if "int32" in types[name] else array for name, array in one.items()
        }
        outputs = session.run(None, cast)
        made.append(next(array for array in outputs if array.ndim == 3 and array.shape[-1] == label_count))
    return made


# One precision


def _make(
    source: _Source,
    staging: Path,
    name: str,
    precision: str,
    shape: tuple[int, int] | None,
    tolerance: float | None,
    python: str,
) -> Conversion:
    """Write one precision into `staging` and compare it with the source."""
    import openvino as ov

    facts = source.facts
    target = staging / variant_name(precision, shape)
    target.mkdir()
    xml = target / f"{name}.xml"
    graph = source.graph
    if precision == "INT8":
        graph = staging / "compressed.xml"
        run_worker(
            "model_zoo.convert.compression", ["weights", str(source.graph), str(graph)], staging, python
        )
    model = ir.fix_ports(ov.Core().read_model(graph), shape, len(facts.labels))
    ir.finish(model, xml, precision, _model_info(facts, name, precision))
    del model  # frees its weights before the file's are loaded
    shutil.copyfile(staging / "tokenizer.json", target / "tokenizer.json")
    found = parity.outputs(xml, source.inputs)
    largest, scale = parity.difference(source.inputs, source.references, found)
    allowed = parity.TOLERANCES[precision] if tolerance is None else tolerance
    if not largest <= allowed * scale:
        msg = (
            f"{name}: {precision} differs from its source by {largest:.3g} where logits reach {scale:.3g} "
            f"(allowed: {allowed:g} of that). Nothing was kept. --tolerance sets the limit."
        )
        raise ConversionError(msg)
    ir.write_facts(xml, {"parity": f"{largest:.3g}", **measure_losses(xml)})
    size = xml.stat().st_size + xml.with_suffix(".bin").stat().st_size
    return Conversion(precision, xml, size, 0.0, largest, scale, allowed, tuple(facts.notes))


def _model_info(facts: Checkpoint, name: str, precision: str) -> dict[str, str]:
    """Return the facts for the section that the core reads."""
    import openvino as ov

    labels = ["_".join(label.split()) for label in facts.labels]
    info = {
        "model_type": facts.model_type,
        "model_name": name,
        "precision": precision,
        "labels": " ".join(labels),
        "tag_scheme": tag_scheme(labels),
        "max_length": str(facts.max_length),
        "source_checksum": facts.source_checksum,
        **dict.fromkeys(("parity", *FACTS), ir.UNMEASURED),
        "openvino_version": ov.__version__,
    }
    if labels != facts.labels:
        info["label_names"] = json.dumps(facts.labels, ensure_ascii=False)
    if facts.has_token_type_ids:
        info["token_type_ids"] = facts.token_type_ids
    if facts.aggregation:
        info["aggregation"] = facts.aggregation
    return info | facts.versions
