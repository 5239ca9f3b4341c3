"""A tiny random BERT token classifier, as a Hugging Face folder and as IR, made without torch.

Loading torch and transformers takes seven seconds of processor time, and most tests need only the model. That
the IR computes what transformers computes of the folder is tested in ``model_zoo/convert/test_tiny_bert.py``.
"""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

TINY_LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
LAYERS, WIDTH, HEADS, INNER, POSITIONS = 2, 32, 4, 64, 64
SPECIAL = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}


def tiny_vocabulary() -> list[str]:
    """Special tokens, letters alone and as continuations, and some longer pieces."""
    letters = [*string.ascii_letters, *string.digits, *"äöüÄÖÜéñçøßαβγאבгдеж"]
    pieces = ["Mary", "lives", "in", "Santa", "Clara", "New", "York", "the", "The", "of", "and", "San", "An"]
    endings = ["##s", "##ing", "##ton", "##land", "##er", "##a", "##ed"]
    marks = [*string.punctuation, "中", "国", "日", "本", "\u0301", "##\u0301", "…", "“", "”", "—", "€"]
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *marks, *pieces]
    return list(dict.fromkeys([*listed, *(f"##{letter}" for letter in letters), *endings]))


def save_checkpoint(folder: Path) -> None:
    """Write config.json, model.safetensors, tokenizer.json, tokenizer_config.json and vocab.txt."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {piece: index for index, piece in enumerate(tiny_vocabulary())}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    tokenizer.add_special_tokens(list(SPECIAL.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("\n".join(ids) + "\n", "utf-8")
    named = {f"{name}_token": token for name, token in SPECIAL.items()}
    settings = {"model_max_length": POSITIONS, "tokenizer_class": "PreTrainedTokenizerFast", **named}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = {
        "architectures": ["BertForTokenClassification"],
        "model_type": "bert",
        "vocab_size": len(ids),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "dtype": "float32",
        "id2label": dict(enumerate(TINY_LABELS)),
        "label2id": {label: index for index, label in enumerate(TINY_LABELS)},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(_random_weights(len(ids)), folder / "model.safetensors", metadata={"format": "pt"})


def _random_weights(pieces: int) -> dict[str, np.ndarray]:
    shapes = {
        "bert.embeddings.word_embeddings": (pieces, WIDTH),
        "bert.embeddings.position_embeddings": (POSITIONS, WIDTH),
        "bert.embeddings.token_type_embeddings": (2, WIDTH),
        "bert.embeddings.LayerNorm": (WIDTH,),
    }
    for layer in range(LAYERS):
        block = f"bert.encoder.layer.{layer}"
        shapes |= {f"{block}.attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")}
        shapes |= {
            f"{block}.attention.output.dense": (WIDTH, WIDTH),
            f"{block}.attention.output.LayerNorm": (WIDTH,),
            f"{block}.intermediate.dense": (INNER, WIDTH),
            f"{block}.output.dense": (WIDTH, INNER),
            f"{block}.output.LayerNorm": (WIDTH,),
        }
    shapes["classifier"] = (len(TINY_LABELS), WIDTH)
    random = np.random.default_rng(4)  # finds all types, and what transformers tears apart
    weights = {}
    for name, shape in shapes.items():
        # Random weights of the usual size give nearly the same logits everywhere; large ones vary.
        scale = 0.8 if name == "classifier" else 0.4 if "word_embeddings" in name else 0.08
        large = random.normal(scale=scale, size=shape) if len(shape) == 2 else np.ones(shape)
        weights[f"{name}.weight"] = large.astype(np.float32)
        if "embeddings" not in name or "LayerNorm" in name:
            weights[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    weights["bert.embeddings.word_embeddings.weight"][0] = 0  # padding
    weights["classifier.bias"][0] = 2.0
    return weights


def save_ir(checkpoint: Path, folder: Path) -> None:
    """Write what a conversion of the folder makes: tiny.xml, tiny.bin, tokenizer.json."""
    import openvino as ov
    from openvino import opset13 as ops
    from safetensors.numpy import load_file

    weights = load_file(checkpoint / "model.safetensors")

    def table(name, indices):
        return ops.gather(weights[f"bert.embeddings.{name}.weight"], indices, np.int64(0))

    def dense(name, value):
        product = ops.matmul(value, weights[f"{name}.weight"], False, True)
        return ops.add(product, weights[f"{name}.bias"])

    def normed(name, value):
        scaled = ops.mvn(value, np.array([-1]), True, 1e-12, "inside_sqrt")
        return ops.add(ops.multiply(scaled, weights[f"{name}.weight"]), weights[f"{name}.bias"])

    def heads(value):
        apart = ops.reshape(value, np.array([0, 0, HEADS, WIDTH // HEADS]), True)
        return ops.transpose(apart, np.array([0, 2, 1, 3]))

    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [ops.parameter([-1, -1], np.int64, name) for name in names]
    for parameter, name in zip(inputs, names, strict=True):
        parameter.output(0).get_tensor().set_names({name})
    ids, mask, types = inputs
    # A slice, as in graphs that were traced: a text that is too long for the table does not fit.
    length = ops.gather(ops.shape_of(ids), np.array([1]), np.int64(0))
    rows = ops.constant(weights["bert.embeddings.position_embeddings.weight"])
    places = ops.slice(rows, np.array([0]), length, np.array([1]), np.array([0]))
    summed = ops.add(ops.add(table("word_embeddings", ids), table("token_type_embeddings", types)), places)
    state = normed("bert.embeddings.LayerNorm", summed)
    seen = ops.unsqueeze(ops.convert(mask, "f32"), np.array([1, 2]))
    hidden = ops.multiply(ops.subtract(seen, np.float32(1)), np.float32(10_000))
    for layer in range(LAYERS):
        block = f"bert.encoder.layer.{layer}"
        query, key, value = (
            heads(dense(f"{block}.attention.self.{name}", state)) for name in ("query", "key", "value")
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, hidden)
        joined = ops.reshape(ops.transpose(mixed, np.array([0, 2, 1, 3])), np.array([0, 0, WIDTH]), True)
        attended = dense(f"{block}.attention.output.dense", joined)
        state = normed(f"{block}.attention.output.LayerNorm", ops.add(attended, state))
        inner = ops.gelu(dense(f"{block}.intermediate.dense", state), "erf")
        made = dense(f"{block}.output.dense", inner)
        state = normed(f"{block}.output.LayerNorm", ops.add(made, state))
    logits = dense("classifier", state)
    logits.output(0).get_tensor().set_names({"output"})
    model = ov.Model([ops.result(logits)], inputs, "tiny")
    for key, value in {
        "model_type": "bert",
        "labels": " ".join(TINY_LABELS),
        "max_length": str(POSITIONS),
        "tag_scheme": "IOB2",
        "token_type_ids": "segments",
        "model_name": "tiny",
        "precision": "FP32",
    }.items():
        model.set_rt_info(value, ["model_info", key])
    ov.save_model(model, folder / "tiny.xml", compress_to_fp16=False)
    (folder / "tokenizer.json").write_bytes((checkpoint / "tokenizer.json").read_bytes())
