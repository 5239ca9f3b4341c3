"""Estimate what a model loses by arithmetic that this processor lacks, by rounding like it in float32.

::

    python -m benchmarks.emulated model.xml --conll dev.conll

The converter measures the losses that ``compute="auto"`` needs, on a processor that has the instructions.
Without them, this estimates the numbers for rt_info (``loss_int8_bf16`` and so on): the inputs of linear
layers are rounded to 8 bits in groups of 128, as oneDNN does, and the results of all layers to bfloat16. Sums
stay in float32, and what happens inside attention is not rounded to 8 bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks import command_line
from model_zoo.train.readback import read_back
from model_zoo.train.rows import SentenceEncoder
from model_zoo.train.scores import TorchEngine
from ner_core.compute import EXACT, WAYS, fact_of
from ner_core.corpus import read_conll
from ner_core.evaluation import evaluate_recognizer
from ner_core.recognizer import EntityRecognizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_core.compute import Way

_LARGEST = 127


def emulate(model: nn.Module, way: Way) -> Iterator[Any]:
    """Make a model round as an arithmetic does; yield the handles of its hooks."""
    bf16 = "bf16" in way.needs
    for module in model.modules():
        if way.group and isinstance(module, nn.Linear):
            yield module.register_forward_pre_hook(lambda _, inputs: (_in_eight_bits(inputs[0], way.group),))
        rounds = (
            isinstance(module, nn.Linear | nn.LayerNorm | nn.Embedding) or "GELU" in type(module).__name__
        )
        if bf16 and rounds:
            yield module.register_forward_hook(lambda _, __, output: output.bfloat16().float())


def _in_eight_bits(values: torch.Tensor, group: int) -> torch.Tensor:
    """Round values to whole multiples of a 127th of the largest in their group.

    >>> _in_eight_bits(torch.tensor([[127.0, 0.6, 1.0, 0.5]]), 2)
    tensor([[127.0000,   1.0000,   1.0000,   0.5039]])
    """
    groups = values.unflatten(-1, (-1, group))
    scale = groups.abs().amax(-1, keepdim=True).clamp_min(1e-12) / _LARGEST
    return ((groups / scale).round() * scale).flatten(-2)


def main() -> None:
    """Print the loss of micro F1 by each arithmetic."""
    parser = command_line(__doc__)
    parser.add_argument("model", type=Path, help="IR of a BERT model with INT8 weights")
    parser.add_argument("--conll", type=Path, required=True, help="labelled text in CoNLL columns")
    parser.add_argument("--types", nargs="+", help="types to score (default: all)")
    options = parser.parse_args()
    exact = EntityRecognizer.from_ir(options.model, device="CPU", compute="exact")
    model, _, _ = read_back(options.model, {})
    engine = TorchEngine(model, SentenceEncoder(exact.tokenizer, exact.max_length))
    emulated = EntityRecognizer(engine, exact.tokenizer, exact.tags, model_info=exact.model_info)
    sentences = list(read_conll(options.conll))
    before = evaluate_recognizer(exact, sentences, types=options.types)
    print(f"f32 micro {before.micro_f1:.4f} macro {before.macro_f1:.4f}")
    for way in WAYS:
        if way is EXACT or "f16" in way.needs:
            continue
        hooks = list(emulate(model, way))
        after = evaluate_recognizer(emulated, sentences, types=options.types)
        loss = before.micro_f1 - after.micro_f1
        print(f"{fact_of(way)} f1 {loss:.4f}; micro {after.micro_f1:.4f} macro {after.macro_f1:.4f}")
        for hook in hooks:
            hook.remove()


if __name__ == "__main__":
    main()
