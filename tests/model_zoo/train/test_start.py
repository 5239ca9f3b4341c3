"""Starts of a training run: heads that are kept, archives, tokenizers of every kind; the F1 of the card."""

from __future__ import annotations

import json
import random
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov
import pytest
from openvino import opset13

from model_zoo.catalog.zoo import load_model
from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.train.recipe import Recipe, check_recipe
from model_zoo.train.run import finetune
from ner_core.evaluation import evaluate
from ner_core.labels import entity_types
from ner_core.tokenizer_files import parse_tokenizer
from tests.lazily import Lazily, torch
from tests.model_zoo.convert.checkpoint_folders import edit_config, make_architecture
from tests.model_zoo.convert.test_nemo import make_archive, make_model
from tests.tiny_bert import TINY_LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from model_zoo.train.output import TrainingResult
readback, start = Lazily("model_zoo.train.readback"), Lazily("model_zoo.train.start")

TYPES = ["PER", "ORG", "LOC", "MISC"]


def recipe(**changes: object) -> Recipe:
    content = {
        "name": "made",
        "start": "unused",
        "types": TYPES,
        "max_length": 40,
        "batch_tokens": 64,
        "bf16": False,
        "corpora": {"tiny": {"train": "tiny.conll", "dev": "tiny.conll"}},
        "stages": [{"corpora": {"tiny": 1}, "epochs": 1, "learning_rate": 1e-12}],
    }
    return check_recipe({**content, **changes}, "test")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    words = ["Mary B-PER", "lives O", "in O", "New B-LOC", "York I-LOC", ". O"]
    (tmp_path / "tiny.conll").write_text("\n".join([*words, "", *words[:3], ""] * 4), encoding="utf-8")
    return tmp_path


def logits(model: torch.nn.Module, **more: torch.Tensor) -> torch.Tensor:
    ids = torch.arange(5, 13)[None]
    with torch.no_grad():
        return model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), **more).logits


@pytest.mark.parametrize("layers", [1, 2])
def test_the_head_of_an_archive_is_kept_by_the_names_of_its_labels(tmp_path, layers):
    archive = make_archive(tmp_path / "ner.nemo", make_model(layers=layers))
    before = load_checkpoint(archive)
    expected = logits(before.module.model)
    other = recipe(types=["GPE", "NEW", "PER"])
    model, encoder = start.load_start(other, archive)
    found = logits(model)
    for number, label in enumerate(other.labels):
        if label in before.labels:
            torch.testing.assert_close(found[..., number], expected[..., before.labels.index(label)])
    assert len(set(other.labels) & set(before.labels)) >= 3
    assert model.config.id2label == dict(enumerate(other.labels))
    assert encoder.tokenizer.special_count == 2


@pytest.mark.parametrize("layers", [1, 2])
def test_an_archive_is_a_start(tmp_path, data, layers):
    """Without a training step worth the name, the result is the archive."""
    archive = make_archive(data / "ner.nemo", make_model(layers=layers))
    before = load_checkpoint(archive)
    types = entity_types(before.labels)
    same = recipe(
        types=types, corpora={"tiny": {"train": "tiny.conll", "labels": dict.fromkeys(TYPES, types[0])}}
    )
    finetune(same, archive, data, tmp_path / "public" / "made", progress=False)
    model = load_model(tmp_path / "public" / "made" / "model.yml", tmp_path)
    made = tmp_path / "public" / "made" / model.checkpoint_path
    assert made.suffix == (".nemo" if layers > 1 else "")
    after = load_checkpoint(made, labels=model.labels)
    expected, found = logits(before.module.model), logits(after.module.model)
    for number, label in enumerate(after.labels):
        if label in before.labels:
            close = found[..., number], expected[..., before.labels.index(label)]
            torch.testing.assert_close(*close, rtol=0, atol=1e-5)
    assert after.tokenizer_json == before.tokenizer_json


def nemo_data(folder: Path, archive: Path) -> float:
    """Write NeMo's files, labelled as by the archive but for one word in seven; give the archive's F1."""
    checkpoint = load_checkpoint(archive)
    backend = parse_tokenizer(checkpoint.tokenizer_json)
    choose = random.Random(7)
    known = ["we", "bought", "four", "shirts", "in", "santa", "santas"]
    gold, found, sentences = [], [], []
    for _ in range(30):
        words = choose.choices(known, k=choose.randint(2, 7))
        encoded = backend.encode(words, is_pretokenized=True)
        ids = torch.tensor([encoded.ids])
        with torch.no_grad():
            best = checkpoint.module.model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[
                0
            ]
        first = [encoded.word_ids.index(number) for number in range(len(words))]
        found.append([checkpoint.labels[best[place].argmax()] for place in first])
        gold.append(
            [choose.choice(checkpoint.labels) if choose.random() < 1 / 7 else tag for tag in found[-1]]
        )
        sentences.append(words)
    for part, some in (("train", slice(0, 20)), ("dev", slice(20, None))):
        text = "".join(f"{' '.join(words)}\n" for words in sentences[some])
        (folder / f"text_{part}.txt").write_text(text, encoding="utf-8")
        labels = "".join(f"{' '.join(tags)}\n" for tags in gold[some])
        (folder / f"labels_{part}.txt").write_text(labels, encoding="utf-8")
    (folder / "label_ids.csv").write_text("\n".join(checkpoint.labels) + "\n", encoding="utf-8")
    return evaluate(gold[20:], found[20:]).micro_f1


def finetune_archive(archive: Path, epochs: int, rate: float, **more: object) -> tuple[TrainingResult, Path]:
    """Train an archive on NeMo's files beside it; return the result and the new checkpoint."""
    one = recipe(
        types=entity_types(load_checkpoint(archive).labels),
        corpora={"tiny": {"train": "text_train.txt", "dev": "text_dev.txt"}},
        stages=[{"corpora": {"tiny": 1}, "epochs": epochs, "learning_rate": rate}],
        **more,
    )
    folder = archive.parent / "public" / "made"
    result = finetune(one, archive, archive.parent, folder, progress=False)
    return result, folder / load_model(folder / "model.yml").checkpoint_path


@pytest.mark.parametrize(("rate", "epochs"), [(1e-12, 1), (1e-3, 2)])
def test_training_from_an_archive_does_not_end_below_it(tmp_path, rate, epochs):
    archive = make_archive(tmp_path / "ner.nemo", make_model())
    before = nemo_data(tmp_path, archive)
    result, made = finetune_archive(archive, epochs, rate)
    after = result.scores[""]["tiny"]["micro_f1"]
    assert 0.3 < before < 1
    assert after == pytest.approx(before) if epochs == 1 else after >= before - 1e-9
    assert made.suffix == ".nemo"


@pytest.mark.parametrize("more", [{}, {"mean_epochs": 2}])
def test_a_start_that_no_epoch_beats_is_kept(tmp_path, more):
    """Two epochs on labels that are all wrong: the archive comes out as it went in, and the card says so."""
    archive = make_archive(tmp_path / "ner.nemo", make_model())
    before = nemo_data(tmp_path, archive)
    labels = tmp_path / "labels_train.txt"
    labels.write_text(re.sub(r"\S+", "O", labels.read_text()))
    result, made = finetune_archive(archive, 2, 1e-2, **more)
    assert max(entry["mean"] for entry in result.history[1:]) < before
    assert result.history[0]["mean"] == pytest.approx(before)
    assert result.scores[""]["tiny"]["micro_f1"] == pytest.approx(before)
    card = (tmp_path / "public" / "made" / "README.md").read_text()
    assert "No epoch did better on the dev parts than the start" in card
    after, start = load_checkpoint(made), load_checkpoint(archive)
    places = [after.labels.index(label) for label in start.labels]
    torch.testing.assert_close(logits(after.module.model)[..., places], logits(start.module.model))


def test_the_classifier_of_a_folder_is_kept_by_the_names_of_its_labels(tiny_checkpoint):
    expected = logits(load_checkpoint(tiny_checkpoint).module.model)
    for types in (TYPES, ["LOC", "NEW", "PER"]):
        one = recipe(types=types)
        model, _ = start.load_start(one, tiny_checkpoint)
        found = logits(model)
        for number, label in enumerate(one.labels):
            if label in TINY_LABELS:
                torch.testing.assert_close(found[..., number], expected[..., TINY_LABELS.index(label)])


def test_a_start_does_not_choose_its_kernels(tmp_path):
    folder = make_architecture(tmp_path / "roberta", "roberta")
    edit_config(folder, _attn_implementation="owner/kernel", auto_map={"AutoModel": "evil.Model"})
    model, _ = start.load_start(recipe(), folder)
    assert model.config._attn_implementation == "sdpa"


def test_the_files_of_the_tokenizer_stay_as_they_were(tmp_path, data, tiny_checkpoint):
    import transformers

    finetune(recipe(), tiny_checkpoint, data, tmp_path / "public" / "made", progress=False)
    made = tmp_path / "public" / "made" / "checkpoint"
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        assert (made / name).read_bytes() == (tiny_checkpoint / name).read_bytes()
    own = transformers.AutoTokenizer.from_pretrained(made)
    assert (
        own("Mary lives").input_ids
        == transformers.AutoTokenizer.from_pretrained(tiny_checkpoint)("Mary lives").input_ids
    )
    model = json.loads((made / "config.json").read_text())
    assert np.all([model["id2label"][str(number)] == label for number, label in enumerate(TINY_LABELS)])


STARTS = [
    "bert", "distilbert", "electra", "mpnet", "nomic_bert", "roberta", "deberta", "deberta-v2", "modernbert",
    "mmbert", "xlm-roberta", "camembert", "albert", "xlnet", "big_bird", "gpt2", "llama",
]  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("name", STARTS)
def test_the_card_says_what_evaluate_says_whatever_the_tokenizer(tmp_path, name, capsys):
    """Words with marks at their ends, apostrophes, capitals: where tokenizers differ most."""
    from tokenizers import Tokenizer

    from benchmarks.hub_models import checkpoints
    from benchmarks.hub_models.families import FAMILIES
    from benchmarks.hub_models.runner import convert_here
    from ner_core import EntityRecognizer
    from ner_core.dataset import open_dataset
    from ner_core.evaluation import evaluate_recognizer

    family = next(one for one in FAMILIES if one.name == name)
    checkpoints.make_tokenizer(family, tmp_path / "tokenizer")
    backend = Tokenizer.from_file(str(tmp_path / "tokenizer" / "tokenizer.json"))
    pad = next((i for piece in ("[PAD]", "<pad>") if (i := backend.token_to_id(piece)) is not None), 0)
    start = checkpoints.make_model(family, backend.get_vocab_size() + 3, pad)
    layout = "own files" if "own files" in checkpoints.layouts_of(family) else "tokenizer.json"
    checkpoints.publish(start, tmp_path / "tokenizer", layout, tmp_path / "start")
    lines = []
    for text in checkpoints.TEXTS:
        words = text.split()
        tags = ["B-PER" if word[0].isupper() else "O" for word in words]
        lines += [f"{word} {tag}" for word, tag in zip(words, tags, strict=True)] + [""]
    (tmp_path / "tiny.conll").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stage = {"corpora": {"tiny": 1}, "epochs": 8, "learning_rate": 3e-3}
    made = tmp_path / "public" / "made"
    result = finetune(
        recipe(types=["PER"], max_length=48, stages=[stage]),
        tmp_path / "start",
        tmp_path,
        made,
        progress=False,
    )
    model = load_model(made / "model.yml", tmp_path)
    overrides = {"labels": model.labels, "lower_case": model.lower_case, "max_length": model.max_length}
    xml = convert_here(made / model.checkpoint_path, tmp_path / "ir", "made", overrides)
    ner = EntityRecognizer.from_ir(xml, device="CPU", compute="exact")
    found = evaluate_recognizer(ner, open_dataset(tmp_path / "tiny.conll"))
    card = result.scores[""]["tiny"]["micro_f1"]
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: model card {card:.6f}, ner evaluate {found.micro_f1:.6f} ")
    assert found.micro_f1 == pytest.approx(card, abs=1e-9)
    assert found.micro_f1 > 0.5  # something was learned: a wrong encoding would show


@pytest.mark.parametrize("precision", ["INT8", "FP32"])
def test_an_ir_is_a_start_when_its_checkpoint_is_not_there(converted, tiny_checkpoint, precision):
    xml = converted[0] / precision / "tiny.xml"
    model, encoder = start.load_start(recipe(), xml)
    expected = logits(start.load_start(recipe(), tiny_checkpoint)[0])
    torch.testing.assert_close(logits(model), expected, rtol=0, atol=2.0 if precision == "INT8" else 1e-3)
    assert model.config.id2label == dict(enumerate(TINY_LABELS))
    assert encoder.tokenizer.special_count == 2
    other, _ = start.load_start(recipe(types=["LOC", "NEW"]), xml)
    torch.testing.assert_close(logits(other)[..., 1], logits(model)[..., TINY_LABELS.index("B-LOC")])


def test_an_ir_of_something_else_is_refused_as_a_start(tmp_path, converted):
    graph = ov.Core().read_model(converted[0] / "FP32" / "tiny.xml")
    for node in graph.get_ops():  # the same names, other arithmetic
        if node.get_type_name() == "Gelu":
            node.output(0).replace(opset13.relu(node.input_value(0)).output(0))
    ov.save_model(graph, tmp_path / "tiny.xml", compress_to_fp16=False)
    with pytest.raises(CheckpointError, match="computes something else"):
        readback.read_back(tmp_path / "tiny.xml", {})
    graph.set_rt_info("distilbert", ["model_info", "model_type"])
    ov.save_model(graph, tmp_path / "other.xml")
    with pytest.raises(CheckpointError, match="expected an IR of a BERT model to train on, found distilbert"):
        readback.read_back(tmp_path / "other.xml", {})
