"""Quantize converted models to 8 bits: ``python -m model_zoo.quantizer --name bert-base-ner``.

Makes ``FP16-INT8`` (weights and activations in 8 bits) out of the FP32 or FP16 IR, calibrated on text, and
compares: how many word pieces keep their label, and, on labelled data, how much F1 is lost; beyond
``--max_drop`` nothing is kept. Takes the flags of Open Model Zoo's quantizer that still mean something.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if __package__ in (None, ""):  # run as a script: python model_zoo/quantizer.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog import folders
from model_zoo.catalog.selection import add_selection_arguments, check_precisions, selected_models
from model_zoo.catalog.zoo import CatalogError, Model, load_catalog
from model_zoo.convert import calibration, ir, parity, tracing
from model_zoo.convert.conversion import publish, workplace
from model_zoo.convert.quantization import TARGET_DEVICES
from model_zoo.convert.workers import run_worker
from ner_core.ir import model_info

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Quantization", "QuantizationError", "main", "quantize"]

PRECISION = "FP16-INT8"
SOURCES = ("FP32", "FP16")  # best first
SUBSET = 300
MAX_DROP = 0.01
INTERRUPTED = 130  # as a shell says it


class QuantizationError(ValueError):
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
    max_drop: float = MAX_DROP,
    subset: int = SUBSET,
    target_device: str = "ANY",
    models_root: Path | None = None,
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
        Labelled data for the accuracy gate, see `ner_core.corpus.open_dataset`.
    max_drop : float
        Largest loss of micro F1 (0 to 1) on `dataset`.
    subset : int
        Most texts to calibrate on.
    target_device : str
        Of `model_zoo.convert.quantization.TARGET_DEVICES`.
    models_root : pathlib.Path, optional
        A zoo of one's own.
    progress : callable, optional
        Gets a sentence for each step.

    Returns
    -------
    Quantization

    Raises
    ------
    QuantizationError
        If there is no IR or no text, if NNCF fails, or if too much accuracy is lost.
    """
    tell = progress or (lambda _: None)
    started = time.perf_counter()
    source = _source(name, model_dir, models_root)
    stem = source.stem
    folder = folders.models_dir(output_dir or model_dir) / _subdirectory(name, models_root)
    before = after = None
    try:
        with workplace(folder) as staging:
            tell("calibrating")
            inputs, references = _samples(source, texts, subset)
            tracing.write_reference(staging, inputs, references)
            graph = staging / "quantized.xml"
            arguments = [str(source.resolve()), str(graph), "--target_device", target_device]
            run_worker("model_zoo.convert.quantization", arguments, staging)
            target = staging / PRECISION
            target.mkdir()
            agreement = _finish(source, graph, target / f"{stem}.xml", inputs, references)
            if dataset is not None:
                tell("measuring accuracy")
                before, after = _scores(source, target / f"{stem}.xml", dataset)
                _check_drop(before, after, max_drop)
            publish(target, folder / PRECISION)
    except (ValueError, OSError, RuntimeError) as error:
        msg = f"{name}: {error}"
        raise QuantizationError(msg) from error
    xml = folder / PRECISION / f"{stem}.xml"
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


def _check_drop(before: float, after: float, max_drop: float) -> None:
    if not before - after <= max_drop:
        msg = (
            f"{PRECISION} loses {before - after:.4f} of micro F1 ({before:.4f} to {after:.4f}), more than "
            f"--max_drop {max_drop:g}. Nothing was kept. Calibrate on text of its kind, or use INT8."
        )
        raise QuantizationError(msg)


def _source(name: str, model_dir: Path | str | None, models_root: Path | None) -> Path:
    """Find the IR to start from."""
    found = folders.installed(name, model_dir, models_root)
    for precision in SOURCES:
        if precision in found:
            return found[precision]
    has = f" (it has {', '.join(found)})" if found else ""
    msg = (
        f"{name}: no FP32 or FP16 IR{has}. Run: python -m model_zoo.converter --name {name} --precisions FP32"
    )
    raise QuantizationError(msg)


def _subdirectory(name: str, models_root: Path | None) -> str:
    if name.startswith("hf:"):
        return folders.hub_subdirectory(name)
    model = folders.find_model(name, models_root)
    return model.subdirectory if model else f"public/{name}"


def _samples(
    source: Path, texts: Path | str | None, subset: int
) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """Encode the texts, and run the source on them."""
    import openvino as ov

    from ner_core.tokenizer import Tokenizer

    model = ov.Core().read_model(source)
    ports = ir.input_ports(model)
    facts = model_info(model)
    kind = facts.get("token_type_ids", "segments")
    tokenizer = Tokenizer.from_file(source.parent / "tokenizer.json", token_type_ids=kind)
    encoded = calibration.encode(
        tokenizer, calibration.read_texts(texts, subset), int(facts.get("max_length", 512)), _shape_of(model)
    )
    inputs = [{name: one[name] for name in ports} for one in encoded]
    return inputs, parity.outputs(source, inputs)


def _finish(
    source: Path,
    graph: Path,
    xml: Path,
    inputs: Sequence[dict[str, np.ndarray]],
    references: Sequence[np.ndarray],
) -> float:
    """Write the quantized model with the source's facts; return how many pieces keep their label."""
    import openvino as ov

    core = ov.Core()
    before = core.read_model(source)
    model = ir.fix_ports(core.read_model(graph), _shape_of(before))
    found = parity.outputs(graph, inputs)
    largest, _ = parity.difference(inputs, references, found)
    ir.finish(model, xml, "FP16", model_info(before) | {"precision": PRECISION, "parity": f"{largest:.3g}"})
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


def _scores(before: Path, after: Path, dataset: Path | str) -> tuple[float, float]:
    """Return the micro F1 of both models on labelled data, on the CPU."""
    from ner_core.corpus import CorpusError, open_dataset
    from ner_core.evaluation import evaluate_recognizer
    from ner_core.recognizer import EntityRecognizer

    try:
        sentences = open_dataset(dataset)
        first, second = (
            evaluate_recognizer(EntityRecognizer.from_ir(xml, device="CPU"), sentences).micro.f1
            for xml in (before, after)
        )
    except (CorpusError, OSError) as error:
        msg = f"--dataset {dataset}: {error}"
        raise QuantizationError(msg) from error
    return first, second


def _notes(dataset: Path | str | None, target_device: str) -> list[str]:
    """Say what the user should know: accuracy that nobody measured, and a device that gains nothing."""
    from ner_core.hardware import preferred_precisions

    notes = []
    if dataset is None:
        notes.append("accuracy was not measured: give labelled text with --dataset")
    if target_device in {"ANY", "CPU", "CPU_SPR"}:
        order = preferred_precisions("CPU")
        if order.index(PRECISION) > order.index("FP32"):
            notes.append(
                f"this machine's CPU has no 8-bit instructions and gains nothing: {order[0]} is faster"
            )
    return notes


# The command


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(prog="quantizer.py", description="Quantize converted models to 8 bits.")
    add_selection_arguments(parser)
    folders = parser.add_argument_group("where")
    folders.add_argument(
        "--model_dir", type=Path, metavar="DIR", help="models folder to read (default: as elsewhere)"
    )
    folders.add_argument(
        "-o", "--output_dir", type=Path, metavar="DIR", help="models folder to write (default: same)"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--calibration",
        "--dataset_dir",
        dest="calibration",
        type=Path,
        metavar="PATH",
        help="text to calibrate on: a text a line, or labelled data (default: built-in sentences)",
    )
    data.add_argument(
        "--subset_size", type=_positive, default=SUBSET, metavar="N", help=f"texts (default {SUBSET})"
    )
    data.add_argument("--dataset", type=Path, metavar="PATH", help="labelled data for the accuracy gate")
    data.add_argument(
        "--max_drop",
        type=float,
        default=MAX_DROP,
        metavar="F1",
        help=f"micro F1 that may be lost (default {MAX_DROP})",
    )
    parser.add_argument("--precisions", metavar="P[,P...]", help=f"only {PRECISION}")
    parser.add_argument("--target_device", choices=TARGET_DEVICES, default="ANY", help="default ANY")
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "-p", "--python", metavar="PYTHON", help="accepted for Open Model Zoo's scripts, ignored"
    )
    parser.add_argument("--pot", metavar="POT", help="accepted, ignored: NNCF has taken its place")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number from 1, found {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process where not given.

    Returns
    -------
    int
        0 fine, 1 a model failed; wrong usage leaves with 2.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        check_precisions(arguments.precisions, [PRECISION])
    except CatalogError as error:
        parser.error(str(error))
    try:
        models = selected_models(
            parser, arguments, partial(folders.find_hub_model, output_dir=arguments.model_dir)
        )
        if models is None:
            sys.stdout.writelines(f"{model.name}\n" for model in load_catalog(arguments.models_dir))
            return 0
    except CatalogError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        failed = [model.name for model in models if not _run(model, arguments)]
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; what was not finished left nothing behind.\n")
        return INTERRUPTED
    if failed:
        sys.stderr.write("FAILED:\n" + "".join(f"{name}\n" for name in failed))
    return 1 if failed else 0


def _run(model: Model, arguments: argparse.Namespace) -> bool:
    try:
        if arguments.dry_run:
            source = _source(model.name, arguments.model_dir, arguments.models_dir)
            sys.stdout.write(f"{model.name}: would quantize {source}\n")
            return True
        made = quantize(
            model.name,
            arguments.model_dir,
            arguments.output_dir,
            texts=arguments.calibration,
            dataset=arguments.dataset,
            max_drop=arguments.max_drop,
            subset=arguments.subset_size,
            target_device=arguments.target_device,
            models_root=arguments.models_dir,
            progress=lambda step: sys.stdout.write(f"{model.name}: {step}\n"),
        )
    except QuantizationError as error:
        sys.stderr.write(f"{error}\n")
        return False
    score = (
        "" if made.f1_after is None else f"; micro F1 {made.f1_before:.4f} before, {made.f1_after:.4f} after"
    )
    notes = "".join(f"; {note}" for note in made.notes)
    sys.stdout.write(
        f"{model.name}: {PRECISION}: {made.size / 1e6:.1f} MB in {made.seconds:.1f} s; calibrated on "
        f"{made.samples} texts, {made.agreement:.1%} of their pieces keep their label{score}{notes}\n"
    )
    return True


if __name__ == "__main__":
    sys.exit(main())
