"""From an FP32 or FP16 IR to ``FP16-INT8``: weights and activations in 8 bits, calibrated on text.

The share of word pieces that keep their label is always reported; with labelled data also the loss of F1, and
beyond a limit nothing is kept. NNCF runs in a separate process (`model_zoo.convert.compression`).
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model_zoo.catalog import folders
from model_zoo.catalog.errors import ZooError, told_by_system
from model_zoo.catalog.layout import QUANTIZED
from model_zoo.catalog.messages import command_for
from model_zoo.convert import calibration, ir, parity, tracing
from model_zoo.convert.losses import FACTS, measure_losses
from model_zoo.convert.workers import run_worker
from model_zoo.convert.workplace import publish, workplace
from ner_core.dataset import open_dataset
from ner_core.ir import model_info, read_model, tokenizer_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ner_core.dataset import Dataset

__all__ = ["MAX_DROP", "SUBSET", "Quantization", "QuantizationError", "quantize", "source_of"]

SOURCES = ("FP32", "FP16")  # best first
SUBSET = 300
MAX_DROP = 0.01


class QuantizationError(ZooError, ValueError):
    """A quantization that failed or lost too much; nothing was changed on disk."""


@dataclass(frozen=True)
class Quantization:
    """One quantized model.

    Attributes
    ----------
    xml : pathlib.Path
    size : int
        Bytes of the .xml and the .bin.
    seconds : float
    samples : int
        Texts that it was calibrated on.
    agreement : float
        Share of word pieces of these texts whose most probable label is that of the source.
    f1_before, f1_after : float or None
        Micro F1 on the labelled data, where there was any.
    notes : tuple of str
        What the user should know.
    """

    xml: Path
    size: int
    seconds: float
    samples: int
    agreement: float
    f1_before: float | None = None
    f1_after: float | None = None
    notes: tuple[str, ...] = ()


def quantize(
    name: str,
    model_dir: Path | str | None = None,
    output_dir: Path | str | None = None,
    *,
    texts: Path | str | None = None,
    dataset: Path | str | None = None,
    column: str | None = None,
    max_drop: float = MAX_DROP,
    subset: int = SUBSET,
    target_device: str = "ANY",
    precision: str = QUANTIZED[0],
    zoo: Path | None = None,
    progress: Callable[[str], object] | None = None,
) -> Quantization:
    """Quantize one converted model.

    Parameters
    ----------
    name : str
        In the zoo, or ``hf:owner/name``.
    model_dir, output_dir : path, optional
        Models folders to read from and write to; see `model_zoo.catalog.folders.models_dir`.
    texts : path, optional
        To calibrate on, see `model_zoo.convert.calibration.read_texts`; some built-in sentences without it.
    dataset : path, optional
        Labelled data for the accuracy gate, see `ner_core.dataset.open_dataset`.
    column : str, optional
        The key of the text in JSON of `texts` and `dataset`.
    max_drop : float
        Largest loss of micro F1 (0 to 1) on `dataset`.
    subset : int
        Most texts to calibrate on.
    target_device : str
        Of `model_zoo.convert.compression.TARGET_DEVICES`.
    precision : str
        Of `model_zoo.catalog.layout.QUANTIZED`; it names the type of the other weights.
    zoo : pathlib.Path, optional
        A zoo of one's own.
    progress : callable, optional
        Gets a sentence for each step.

    Raises
    ------
    QuantizationError
        If there is no IR or no text, if NNCF fails, or if too much accuracy is lost.
    """
    tell = progress or (lambda _: None)
    started = time.perf_counter()
    source = source_of(name, model_dir, zoo)
    folder = folders.models_dir(output_dir or model_dir) / folders.subdirectory_of(name, zoo)
    before = after = None
    try:
        labelled = None if dataset is None else open_dataset(dataset, column=column)
        if labelled is not None:
            tell("measuring accuracy")
            before = _score(source, labelled)
            if not before:  # told now, because calibration takes minutes
                msg = (
                    f"--dataset {labelled.files[0]}: nothing to measure: the model finds none of its "
                    "entities even before quantization. Expected text with the labels of the model."
                )
                raise QuantizationError(msg)
        with workplace(folder) as staging:
            tell("calibrating")
            inputs, references = _samples(source, calibration.read_texts(texts, subset, column))
            tracing.write_reference(staging, inputs, references)
            graph = staging / "quantized.xml"
            arguments = ["activations", str(source.resolve()), str(graph), target_device]
            run_worker("model_zoo.convert.compression", arguments, staging)
            made = staging / precision / source.name
            made.parent.mkdir()
            agreement = _finish(source, graph, made, precision, inputs, references)
            if labelled is not None and before is not None:
                tell("measuring accuracy")
                after = _score(made, labelled)
                if not before - after <= max_drop:
                    msg = (
                        f"{precision} loses {before - after:.4f} of micro F1 ({before:.4f} to {after:.4f}), "
                        f"more than --max_drop {max_drop:g}. Nothing was kept. Calibrate on text of its "
                        "kind, or use INT8."
                    )
                    raise QuantizationError(msg)
            ir.write_facts(made, measure_losses(made, labelled))
            publish(made.parent, folder / precision)
    except (ValueError, OSError, RuntimeError) as error:
        msg = f"{name}: {told_by_system(error, folder) if isinstance(error, OSError) else error}"
        raise QuantizationError(msg) from error
    xml = folder / precision / source.name
    return Quantization(
        xml=xml,
        size=xml.stat().st_size + xml.with_suffix(".bin").stat().st_size,
        seconds=time.perf_counter() - started,
        samples=len(inputs),
        agreement=agreement,
        f1_before=before,
        f1_after=after,
        notes=tuple(_notes(dataset, target_device)),
    )


def source_of(name: str, model_dir: Path | str | None, zoo: Path | None) -> Path:
    """Return the IR that `quantize` starts from.

    Raises
    ------
    QuantizationError
        There is none; the message has the command that makes it.
    """
    found = folders.installed(name, model_dir, zoo)
    for precision in SOURCES:
        if precision in found:
            return found[precision]
    has = f" (it has {', '.join(found)})" if found else ""
    if found and folders.are_embedded(found):
        msg = f"{name}: no FP32 or FP16 IR comes with the package{has}. There is nothing to quantize."
        raise QuantizationError(msg)
    command = command_for("converter", name, model_dir, zoo, "--precisions", "FP32")
    msg = f"{name}: no FP32 or FP16 IR{has}. Run: {command}"
    raise QuantizationError(msg)


def _samples(source: Path, texts: Sequence[str]) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """Encode the texts, and run the source on them."""
    from ner_core.tokenizer import Tokenizer

    model = read_model(source)
    ports = ir.input_ports(model)
    facts = model_info(model)
    kind = facts.get("token_type_ids", "segments")
    tokenizer = Tokenizer.from_file(tokenizer_beside(source), token_type_ids=kind)
    encoded = calibration.encode(tokenizer, texts, int(facts.get("max_length", 512)), _shape_of(model))
    inputs = [{name: one[name] for name in ports} for one in encoded]
    return inputs, parity.outputs(source, inputs)


def _finish(
    source: Path,
    graph: Path,
    xml: Path,
    precision: str,
    inputs: Sequence[dict[str, np.ndarray]],
    references: Sequence[np.ndarray],
) -> float:
    """Write the quantized model with the source's facts; return the share of pieces that keep their label."""
    import openvino as ov

    core = ov.Core()
    before = core.read_model(source)
    model = ir.fix_ports(core.read_model(graph), _shape_of(before))
    found = parity.outputs(graph, inputs)
    largest, _ = parity.difference(inputs, references, found)
    facts = model_info(before) | {"precision": precision, "parity": f"{largest:.3g}"}
    facts |= dict.fromkeys(FACTS, ir.UNMEASURED)  # the losses of the source do not apply
    ir.finish(model, xml, precision.partition("-")[0], facts)
    shutil.copyfile(source.parent / "tokenizer.json", xml.with_name("tokenizer.json"))
    kept = np.concatenate(
        [
            (wanted.argmax(-1) == got.argmax(-1))[one["attention_mask"].astype(bool)]
            for one, wanted, got in zip(inputs, references, found, strict=True)
        ]
    )
    return float(kept.mean())


def _shape_of(model: Any) -> tuple[int, int] | None:
    fixed = model.inputs[0].get_partial_shape()
    return (fixed[0].get_length(), fixed[1].get_length()) if fixed.is_static else None


def _score(xml: Path, labelled: Dataset) -> float:
    """Return the micro F1 of a model on labelled data, on the CPU."""
    from ner_core.evaluation import evaluate_recognizer
    from ner_core.recognizer import EntityRecognizer

    recognizer = EntityRecognizer.from_ir(xml, device="CPU", compute="exact")
    return evaluate_recognizer(recognizer, labelled).micro.f1


def _notes(dataset: Path | str | None, target_device: str) -> list[str]:
    """Return notes for the user: accuracy that was not measured, a device that does not get faster."""
    from ner_core.hardware import preferred_precisions

    notes = []
    if dataset is None:
        notes.append("accuracy was not measured: give labelled text with --dataset")
    if target_device in {"ANY", "CPU", "CPU_SPR"}:
        order = preferred_precisions("CPU")
        if order.index(QUANTIZED[0]) > order.index("FP32"):
            notes.append(
                f"this machine's CPU has no 8-bit instructions and gains nothing: {order[0]} is faster"
            )
    return notes
