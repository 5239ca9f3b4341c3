"""Teachers of a training run: they are trained once, and what they say of the words reaches the run."""

import random

import numpy as np
import pytest

from model_zoo.train.data import load_corpora
from model_zoo.train.recipe import RecipeError, check_recipe
from tests.lazily import Lazily, torch

starts = Lazily("model_zoo.train.start")

NAMES = ["Mary", "Peter", "Anna", "John"]
FILLERS = ["lives", "in", "went", "to", "the", "old", "town", "near"]


def recipe(**changes):
    stage = {"corpora": {"tiny": 1}, "epochs": 2, "learning_rate": 2e-3}
    content = {
        "name": "pupil",
        "start": "unused",
        "types": ["PER"],
        "token_type_ids": "word_casing",
        "max_length": 32,
        "batch_tokens": 64,
        "bf16": False,
        "corpora": {
            "tiny": {"train": "tiny.conll"},
            "silent": {"train": "silent.conll", "teaching": 1.0},
        },
        "teachers": {"count": 2, "batch_tokens": 64, "stages": [stage]},
        "stages": [{**stage, "corpora": {"silent": 1}}],
    }
    return check_recipe({**content, **changes}, "test")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two corpora of the same kind; nobody annotated the second one."""
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(1)
    for name, count in (("tiny", 120), ("silent", 60)):
        lines = []
        for _ in range(count):
            words = [(rng.choice(NAMES), "B-PER" if name == "tiny" else "O")]
            words += [(rng.choice(FILLERS), "O") for _ in range(rng.randint(1, 5))]
            rng.shuffle(words)
            lines += [f"{word} {tag}" for word, tag in words] + [""]
        (folder / f"{name}.conll").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mpnet(tmp_path_factory):
    """An encoder without token types, whose vocabulary is not BERT's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import MPNetConfig, MPNetModel

    folder = tmp_path_factory.mktemp("mpnet")
    words = ["<s>", "<pad>", "</s>", "[UNK]", *FILLERS, *(name.lower() for name in NAMES)]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    MPNetModel(config).save_pretrained(folder)
    return folder


def test_run_learns_from_answers_of_teachers_with_another_vocabulary(data, mpnet, tmp_path):
    from model_zoo.train.teachers import ask_teachers

    corpora = load_corpora(recipe(), data)
    ask_teachers(recipe(), mpnet, corpora, tmp_path, progress=False)
    assert all(sentence.answers is None for sentence in corpora["tiny"].train)  # nobody asked for them
    found = total = 0
    for sentence in corpora["silent"].train:
        np.testing.assert_allclose(sentence.answers.sum(-1), 1, atol=2e-3)
        for word, answer in zip(sentence.words, sentence.answers, strict=True):
            found += answer.argmax() == (1 if word in NAMES else 0)
            total += 1
    assert found / total > 0.95
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers-1.npz", "answers-2.npz"]


def test_teacher_that_has_answered_is_not_trained_again(data, mpnet, tmp_path, monkeypatch):
    from model_zoo.train import teachers

    one = recipe(teachers={"batch_tokens": 64, "stages": recipe().stages})
    corpora = load_corpora(one, data)
    teachers.ask_teachers(one, mpnet, corpora, tmp_path, progress=False)
    monkeypatch.setattr(teachers, "train", None)  # calling it would fail
    again = load_corpora(one, data)
    teachers.ask_teachers(one, mpnet, again, tmp_path, progress=False)
    for before, after in zip(corpora["silent"].train, again["silent"].train, strict=True):
        np.testing.assert_array_equal(before.answers, after.answers)


def test_teacher_without_stages_answers_as_it_is(data, mpnet, tmp_path, monkeypatch):
    from model_zoo.train import teachers

    one = recipe(teachers={})
    with pytest.raises(
        RecipeError, match=r"teachers\.stages: expected stages, found none; .* no token classifier"
    ):
        teachers.ask_teachers(one, mpnet, load_corpora(one, data), tmp_path, progress=False)
    model, encoder = starts.load_start(one, mpnet, teacher=True)
    monkeypatch.setattr(teachers, "load_start", lambda *_, **__: (model.eval(), encoder))
    monkeypatch.setattr(teachers, "is_classifier", lambda _: True)
    monkeypatch.setattr(teachers, "train", None)  # calling it would fail
    corpora = load_corpora(one, data)
    teachers.ask_teachers(one, mpnet, corpora, tmp_path, progress=False)
    sentence = corpora["silent"].train[0]
    (_, logits), *_ = teachers.predict_logits(model, [sentence.words], encoder, 3)
    np.testing.assert_allclose(sentence.answers.argmax(-1), logits.argmax(-1))


def test_casing_reaches_an_encoder_without_token_types(mpnet):
    model, _ = starts.load_start(recipe(), mpnet, teacher=True)
    model.eval()
    ids, lower = torch.tensor([[0, 5, 6, 2]]), torch.zeros(1, 4, dtype=torch.int64)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.no_grad():
        torch.testing.assert_close(
            model(**inputs, token_type_ids=lower).logits, model(**inputs, token_type_ids=lower + 1).logits
        )  # a new table says nothing yet
        model.token_type_embeddings.weight[1] = 1 + torch.arange(32)
        first = model(**inputs, token_type_ids=lower).logits
        other = model(**inputs, token_type_ids=lower + torch.tensor([0, 1, 0, 0])).logits
    assert not torch.allclose(first, other)


def test_casing_cannot_be_given_to_a_model_that_is_to_be_converted(mpnet):
    with pytest.raises(ValueError, match="needs an encoder with token types"):
        starts.load_start(recipe(), mpnet)


def test_teaching_needs_teachers():
    with pytest.raises(RecipeError, match=r"corpora\.silent\.teaching: there are no teachers"):
        recipe(teachers=None)
    stage = {"corpora": {"other": 1}, "epochs": 1, "learning_rate": 1}
    with pytest.raises(RecipeError, match=r"teachers\.stages\[0\]\.corpora: 'other' is not a corpus"):
        recipe(teachers={"stages": [stage]})
