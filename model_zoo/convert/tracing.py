"""From a torch checkpoint to a float32 IR, in a separate process.

The converter starts ``python -m model_zoo.convert.tracing SOURCE FOLDER OPTIONS``, so that the caller (a
terminal, the page, a service) never holds torch and the weights in its memory, and so that the Python with
torch may be another one. It writes into FOLDER: ``source.xml`` and ``source.bin``, ``tokenizer.json``,
``checkpoint.json`` (facts for the converter), and ``reference-*.npz`` (sample inputs and torch's logits).
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model_zoo.convert import parity
from model_zoo.convert.checkpoints.checkpoint import Checkpoint, CheckpointError, first_line
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.ir import save_graph
from model_zoo.convert.workers import report_failure
from ner_core.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import openvino as ov


def read_facts(folder: Path) -> Checkpoint:
    """Read checkpoint.json: a checkpoint without its module and tokenizer."""
    return Checkpoint(**json.loads((folder / "checkpoint.json").read_text(encoding="utf-8")))


def write_reference(
    folder: Path, inputs: Sequence[dict[str, np.ndarray]], references: Sequence[np.ndarray]
) -> None:
    """Write a file for each sample: its inputs by their names, and the output."""
    for number, (one, output) in enumerate(zip(inputs, references, strict=True)):
        np.savez(folder / f"reference-{number:06}.npz", output=output, **one)  # type: ignore[arg-type]


def read_reference(folder: Path) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """Read the samples that `write_reference` wrote."""
    samples = []
    for file in sorted(folder.glob("reference-*.npz")):
        with np.load(file) as arrays:
            samples.append(dict(arrays))
    references = [sample.pop("output") for sample in samples]
    return samples, references


def sample_inputs(
    folder: Path, checkpoint: Checkpoint, shape: tuple[int, int] | None
) -> list[dict[str, np.ndarray]]:
    """Write the tokenizer.json of a checkpoint into `folder`, and return its parity inputs.

    Raises
    ------
    CheckpointError
        A static shape has a length that the model cannot take, or no room for text.
    """
    file = folder / "tokenizer.json"
    file.write_text(checkpoint.tokenizer_json, encoding="utf-8")
    shortest = Tokenizer.from_file(file).special_count + 1
    if shape and not shortest <= shape[1] <= checkpoint.max_length:
        msg = (
            f"--input_shape: expected a length from {shortest} to {checkpoint.max_length}, found {shape[1]}."
        )
        raise CheckpointError(msg)
    return parity.samples(file, checkpoint, shape)


def trace(
    source: Path, folder: Path, shape: tuple[int, int] | None = None, overrides: dict[str, Any] | None = None
) -> None:
    """Load a checkpoint, run it on the parity inputs, convert it, and write all results into `folder`.

    Parameters
    ----------
    source : pathlib.Path
        A Hugging Face folder or a ``.nemo`` archive.
    folder : pathlib.Path
        Empty; see the module's description.
    shape : (int, int), optional
        Batch and length of a static model: the parity inputs then have it.
    overrides : dict, optional
        Keyword arguments of `model_zoo.convert.checkpoints.checkpoint.load_checkpoint`.
    """
    import torch
    import transformers

    checkpoint = load_checkpoint(source, **(overrides or {}))
    versions = {"torch_version": torch.__version__, "transformers_version": transformers.__version__}
    facts = vars(checkpoint) | {"module": None, "tokenizer_json": "", "versions": versions}
    (folder / "checkpoint.json").write_text(json.dumps(facts), encoding="utf-8")
    inputs = sample_inputs(folder, checkpoint, shape)
    module: Any = checkpoint.module

    def run(some: Sequence[dict[str, np.ndarray]]) -> list[np.ndarray]:
        tensors = ({name: torch.from_numpy(array) for name, array in one.items()} for one in some)
        with torch.inference_mode():
            return [module(**one).numpy() for one in tensors]

    try:
        references = run(inputs)
    except (IndexError, RuntimeError) as error:
        raise CheckpointError(no_answer(source, inputs, error)) from error
    check_padding(source, run, inputs[-1], references[-1])
    write_reference(folder, inputs, references)
    save_graph(convert_module(checkpoint), folder / "source.xml")


def no_answer(source: Path, inputs: Sequence[dict[str, np.ndarray]], error: Exception) -> str:
    """Return the message for a model that fails on its sample inputs."""
    longest = max(array.shape[1] for one in inputs for array in one.values())
    return (
        f"{source}: fails on inputs of up to {longest} pieces: {first_line(error)}. "
        "max_length in model.yml sets another length."
    )


def check_padding(
    source: Path,
    run: Callable[[Sequence[dict[str, np.ndarray]]], list[np.ndarray]],
    inputs: dict[str, np.ndarray],
    expected: np.ndarray,
) -> None:
    """Raise `CheckpointError` if the scores of a text depend on its neighbours in a batch."""
    if not np.isfinite(expected).all():
        msg = f"{source}: its scores are not numbers. The weights are damaged; download them again."
        raise CheckpointError(msg)
    gap = parity.padding_gap(run, inputs, expected)
    if not gap <= parity.PADDING:
        msg = (
            f"{source}: the scores of a text change by {gap:.1%} with padding and neighbours in a batch, so "
            "that no batch would be right. This model can't be converted."
        )
        raise CheckpointError(msg)


def convert_module(checkpoint: Checkpoint) -> ov.Model:
    """Trace a checkpoint's module into an OpenVINO model that shares its weights."""
    import openvino as ov
    import torch
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # odd sizes that no dimension of the model has, and padding, so that nothing is traced as constant
    mask = torch.ones((3, 13), dtype=torch.int64)
    mask[1:, 7:] = 0
    example = {"input_ids": mask * (checkpoint.vocab_size - 1), "attention_mask": mask}
    if checkpoint.has_token_type_ids:
        example["token_type_ids"] = torch.zeros_like(mask)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter(
            "ignore"
        )  # the tracer warns of every Python branch; parity finds the real faults
        # Its own check traces everything a second time.
        traced = TorchScriptPythonDecoder(
            checkpoint.module, example_input=example, trace_kwargs={"check_trace": False}
        )
        return ov.convert_model(traced, example_input=example)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `trace`: source and folder, and its other arguments in a JSON object."""
    source, folder, options = sys.argv[1:] if argv is None else argv
    return report_failure(
        Path(folder), lambda: trace(Path(source), Path(folder), **json.loads(options)), CheckpointError
    )


if __name__ == "__main__":
    sys.exit(main())
