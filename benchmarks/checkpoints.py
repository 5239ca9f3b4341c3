"""Checkpoints to measure with, and the files of all contenders, made from the same weights.

Speed does not depend on the values of the weights, so a network of bert-base-ner's architecture with random
weights replaces it; its classifier is set so that about as many words are entities as in news.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

__all__ = ["SHAPES", "export_onnx", "make_random"]

#: Architectures by the name of the model in the zoo.
SHAPES: dict[str, dict[str, Any]] = {
    "bert-base-ner": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
    },
    "minilm-ner": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "max_position_embeddings": 512,
    },
}

_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")

# One word in six of CoNLL-2003 belongs to an entity.
_OUTSIDE_SHARE = 0.83


def make_random(name: str, folder: Path, tokenizer: Path, sample: Sequence[str]) -> Path:
    """Save a checkpoint with random weights; returns the folder.

    In the sample, the intended share of pieces is outside of entities.
    """
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    marks = {f"{mark}_token": f"[{mark.upper()}]" for mark in ("unk", "cls", "sep", "pad", "mask")}
    pieces = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer), model_max_length=512, **marks)
    torch.manual_seed(0)
    tags = dict(enumerate(_TAGS))
    config = BertConfig(
        vocab_size=len(pieces),
        id2label=tags,
        label2id={tag: index for index, tag in tags.items()},
        **SHAPES[name],
    )
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        # Larger than BERT's initial weights, so that logits differ by more than rounding.
        model.bert.embeddings.word_embeddings.weight.mul_(20)
        model.classifier.weight.mul_(20)
        for parameter in model.bert.encoder.parameters():
            if parameter.ndim == 1:  # zeros would be optimized away
                parameter.add_(0.02 * torch.randn_like(parameter))
        rows = pieces(list(sample), return_tensors="pt", padding=True)
        logits = model(**rows).logits[rows["attention_mask"].bool()]
        margin = logits[:, 1:].max(dim=-1).values - logits[:, 0]
        model.classifier.bias[0] += margin.quantile(_OUTSIDE_SHARE)
    model.save_pretrained(folder)
    pieces.save_pretrained(folder)
    return folder


def export_onnx(checkpoint: Path, file: Path) -> Path:
    """Export for ONNX Runtime, and fuse attention, GELU and layer norm with its own optimizer."""
    import torch
    from onnxruntime.transformers import optimizer
    from transformers import BertForTokenClassification

    # The optimizer knows the pattern of eager attention.
    options: dict[str, Any] = {"attn_implementation": "eager", "return_dict": False}
    model = BertForTokenClassification.from_pretrained(checkpoint, **options).eval()
    example = torch.ones((2, 8), dtype=torch.int64)
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: "rows", 1: "length"}
    torch.onnx.export(
        model,
        (example, example, example),
        file,
        dynamo=False,
        input_names=inputs,
        output_names=["output"],
        dynamic_axes=dict.fromkeys([*inputs, "output"], axes),
        opset_version=17,
    )
    config = model.config
    fused = optimizer.optimize_model(
        str(file),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    layers = fused.get_fused_operator_statistics()["Attention"]
    if layers != config.num_hidden_layers:
        msg = f"ONNX Runtime's optimizer fused {layers} of {config.num_hidden_layers} attention layers."
        raise RuntimeError(msg)
    fused.save_model_to_file(str(file))
    return file


def quantize_onnx(file: Path, sample: Sequence[dict[str, np.ndarray]] = ()) -> str:
    """Quantize a fused graph with ONNX Runtime's own tools; returns the file, beside the one given.

    Ranges of activations are found at run time, or fixed by a sample of inputs.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic, quantize_static

    quantized = file.with_suffix(".static.onnx" if sample else ".int8.onnx")
    # The type cannot be inferred after fused operations.
    options: dict[str, Any] = {"DefaultTensorType": TensorProto.FLOAT}
    common = {"weight_type": QuantType.QInt8, "per_channel": True}
    if sample:
        kinds = ["MatMul", "Attention", "Gemm"]
        options["MatMulConstBOnly"] = True
        reader = SimpleNamespace(get_next=partial(next, iter(sample), None))
        quantize_static(file, quantized, reader, op_types_to_quantize=kinds, extra_options=options, **common)
    else:
        quantize_dynamic(file, quantized, extra_options=options, **common)
    return str(quantized)
