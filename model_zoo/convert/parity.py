"""Comparison of a converted model with its source on the same inputs.

Random ids find wrong graphs (lengths frozen by tracing, a lost padding mask); real sentences find wrong
tokenizers and type ids. Logits of padding are not compared, because nothing uses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model_zoo.convert.calibration import cut_rows
from ner_core.batching import stack
from ner_core.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import openvino as ov

    from model_zoo.convert.checkpoints.checkpoint import Checkpoint

__all__ = ["EXACT", "PADDING", "SENTENCES", "TOLERANCES", "difference", "outputs", "padding_gap", "samples"]

#: Compile properties for comparing: plain float32 arithmetic. CPUs with VNNI or AMX otherwise round
#: activations to 8 bits for compressed weights and to bfloat16 for others: a property of the device, not of
#: the file.
EXACT: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}

#: Largest difference that passes, as a share of the largest absolute logit of the source.
#:
#: FP32 differs only by the order of additions (about 1e-6). FP16 rounds each weight by up to 2**-11 (5e-4) of
#: itself; twelve layers of independent errors leave about 2e-3, so more than 2e-2 has another cause (such as
#: a weight beyond 65504). INT8 rounds by up to 1/510 of a channel's range, which changes single logits by 1
#: to 10 per cent; a wrong scale or zero point gives differences as large as the logits. What the rounding
#: costs in accuracy is measured by the quantizer's ``--max_drop`` and ``ner evaluate``.
TOLERANCES = {"FP32": 1e-4, "FP16": 2e-2, "INT8": 0.25}

#: Largest difference between a row in a padded batch and the same row alone, as a share of the largest logit.
PADDING = 1e-3

#: Text for the real inputs: capitals, digits, punctuation, accents, other scripts, a long word.
SENTENCES = (
    "Mary lives in Santa Clara and works at NVIDIA.",
    "My name is Alex Rivera, I live at 42 Baker Street, Springfield.",
    "SOCCER - JAPAN GET LUCKY WIN, CHINA IN SURPRISE DEFEAT.",
    "the iPhone was announced by steve jobs in san francisco on 9 january 2007",
    "Großbritannien's café owner José Núñez-O'Neill paid £3.50 (€4.10) to 東京 Ltd.",
    "Yes",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
)

#: Batch sizes and lengths of the random inputs: the shortest text, odd sizes, a typical one, a long one.
_SHAPES = ((1, 3), (4, 33), (2, 128), (1, 512))


def samples(
    tokenizer: Path, checkpoint: Checkpoint, shape: tuple[int, int] | None = None
) -> list[dict[str, np.ndarray]]:
    """Return sample inputs: random ones of several shapes, then the built-in sentences, all with padding.

    Parameters
    ----------
    tokenizer : pathlib.Path
        tokenizer.json of the model.
    checkpoint : Checkpoint
        Says the sizes of its tables, and what ``token_type_ids`` mean.
    shape : (int, int), optional
        Batch and length of a static model; every input then has this shape.

    Returns
    -------
    list of dict of str to ndarray of int64, shape (batch, sequence)
    """
    generator = np.random.default_rng(0)
    longest = checkpoint.max_length
    fitting = [(batch, min(length, longest)) for batch, length in _SHAPES]
    made = [_random(generator, one, checkpoint) for one in ([shape, shape] if shape else fitting)]
    made += _real(tokenizer, checkpoint, shape)
    if not checkpoint.has_token_type_ids:
        for inputs in made:
            del inputs["token_type_ids"]
    return made


def _random(
    generator: np.random.Generator, shape: tuple[int, int], checkpoint: Checkpoint
) -> dict[str, np.ndarray]:
    batch, length = shape
    pad_id = checkpoint.pad_id
    lengths = generator.integers(1, length + 1, batch)
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = generator.integers(0, checkpoint.vocab_size, shape)
    # families that count positions from the ids must not meet padding inside the text
    ids[ids == pad_id] = (pad_id + 1) % checkpoint.vocab_size
    types = generator.integers(0, max(checkpoint.type_count, 1), shape)
    return {
        "input_ids": np.where(mask, ids, pad_id),
        "attention_mask": mask,
        "token_type_ids": np.where(mask, types, 0),
    }


def _real(file: Path, checkpoint: Checkpoint, shape: tuple[int, int] | None) -> list[dict[str, np.ndarray]]:
    """Encode the built-in sentences into batches: all in one, or of the size of a static shape."""
    tokenizer = Tokenizer.from_file(file, token_type_ids=checkpoint.token_type_ids)
    rows = cut_rows(tokenizer, SENTENCES, shape[1] if shape else checkpoint.max_length)
    batch = shape[0] if shape else len(rows)
    length = shape[1] if shape else max(len(ids) for ids, _ in rows) + tokenizer.special_count
    return [
        stack(
            (rows * batch)[start : start + batch],
            prefix=tokenizer.prefix,
            suffix=tokenizer.suffix,
            pad_id=checkpoint.pad_id,
            shape=(batch, length),
        ).inputs
        for start in range(0, len(rows), batch)
    ]


def outputs(model: ov.Model | Path, inputs: Sequence[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """Run a model on the CPU in float32.

    Parameters
    ----------
    model : openvino.Model or pathlib.Path
        With the contract's input names.
    inputs : sequence of dict of str to ndarray of int64

    Returns
    -------
    list of ndarray of float32, shape (batch, sequence, labels)

    Raises
    ------
    RuntimeError
        Shapes inside the graph do not fit together for these inputs.
    """
    import openvino as ov

    core = ov.Core()
    if not isinstance(model, ov.Model):
        model = core.read_model(model)
    _check_shapes(model, inputs)
    order = sorted(range(len(inputs)), key=lambda index: -next(iter(inputs[index].values())).size)
    made: dict[int, np.ndarray] = {}
    # The plugin packs and keeps the weights for each kind of size, so the largest input runs alone.
    for part in (order[:1], order[1:]):
        compiled = core.compile_model(model, "CPU", EXACT)
        made |= {index: np.array(compiled(inputs[index])[0]) for index in part}
        del compiled
    return [made[index] for index in range(len(inputs))]


def _check_shapes(model: ov.Model, inputs: Sequence[dict[str, np.ndarray]]) -> None:
    """Refuse inconsistent shapes: the CPU plugin would read past the end of a short mask."""
    checked = model.clone()
    shapes: dict[str, list[int]] = {}
    try:
        for one in inputs:
            shapes = {name: list(array.shape) for name, array in one.items()}
            checked.reshape(shapes)
    except RuntimeError as error:
        rows, length = next(iter(shapes.values()))
        msg = (
            f"the graph can't take {rows} rows of {length} tokens: expected one for any length, "
            "found a part that was traced for one length only"
        )
        raise RuntimeError(msg) from error


def padding_gap(
    run: Callable[[Sequence[dict[str, np.ndarray]]], list[np.ndarray]],
    inputs: dict[str, np.ndarray],
    expected: np.ndarray,
) -> float:
    """Compare the rows of a padded batch with each row alone, without padding and neighbours.

    `run` gives the source's logits for several inputs, `expected` those of the batch `inputs`. The largest
    difference, as a share of the largest logit, is far above rounding if the scores of a text depend on its
    neighbours.

    Examples
    --------
    >>> batch = {"attention_mask": np.array([[1, 1], [1, 0]])}
    >>> def run(some):
    ...     return [one["attention_mask"][..., None] * 2.0 for one in some]
    >>> padding_gap(run, batch, np.full((2, 2, 1), 2.0))
    0.0
    """
    lengths = inputs["attention_mask"].sum(axis=1)
    rows = [
        {name: array[row : row + 1, :length] for name, array in inputs.items()}
        for row, length in enumerate(lengths)
    ]
    gaps = [
        np.abs(alone[0] - batched[:length]).max()
        for alone, batched, length in zip(run(rows), expected, lengths, strict=True)
    ]
    return float(np.max(gaps)) / (float(np.abs(expected).max()) or 1.0)


def difference(
    inputs: Sequence[dict[str, np.ndarray]], expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> tuple[float, float]:
    """Compare two models' outputs for the same inputs where the attention mask is 1.

    Returns
    -------
    (float, float)
        Largest absolute difference, and largest absolute value of `expected`. Infinite where a value is not a
        number on one side, or where shapes differ.

    Examples
    --------
    >>> one = {"attention_mask": np.array([[1, 0]])}
    >>> difference([one], [np.array([[[1.0], [9.0]]])], [np.array([[[1.5], [0.0]]])])
    (0.5, 1.0)
    """
    largest, scale = 0.0, 0.0
    for one, wanted, got in zip(inputs, expected, found, strict=True):
        if wanted.shape != got.shape:
            return float("inf"), float(np.abs(wanted).max())
        seen = one["attention_mask"].astype(bool)
        gap = np.abs(wanted[seen].astype(np.float64) - got[seen])
        largest = max(largest, float(np.where(np.isnan(gap), np.inf, gap).max()))
        scale = max(scale, float(np.abs(wanted[seen]).max()))
    return largest, scale
