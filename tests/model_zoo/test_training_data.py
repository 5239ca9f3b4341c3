"""Corpora in the labels of a model, the plan of a run, and the loss over label sets."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from model_zoo.recipe import check_recipe
from model_zoo.training_data import load_corpora
from model_zoo.training_plan import Plan
from model_zoo.training_rows import WordEncoder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "mr",
    ".",
    "smith",
    "in",
    "iraq",
    "u",
    "s",
    "iphone",
    "-",
    "##s",
    "saw",
]


@pytest.fixture
def encoder():
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return WordEncoder(tokenizer, casing=True)


def recipe(**changes):
    content = {
        "name": "x",
        "start": "y",
        "types": ["PER", "LOC", "MISC"],
        "token_type_ids": "word_casing",
        "max_length": 32,
        "batch_tokens": 64,
        "corpora": {
            "a": {
                "train": "a.conll",
                "dev": "a.conll",
                "labels": {"per": "PER", "gpe": ["LOC", "MISC"], "tim": "O"},
                "unannotated": ["MISC"],
                "outside": {"per": ["Mr."]},
            }
        },
        "stages": [
            {"corpora": {"a": 1}, "epochs": 2, "learning_rate": 1e-3, "join": 0.5, "swap": 0.5, "upper": 0.5}
        ],
    }
    return check_recipe({**content, **changes}, "test")


@pytest.fixture
def data(tmp_path):
    text = "Mr. I-per\nSmith I-per\nsaw O\nIraq I-gpe\n\nIraq B-gpe\nin B-tim\n"
    (tmp_path / "a.conll").write_text(text, encoding="utf-8")
    return tmp_path


OUT, B_PER, I_PER, B_LOC, I_LOC, B_MISC, I_MISC = (1 << i for i in range(7))


def test_what_a_corpus_cannot_say_is_a_set_of_labels(data):
    corpus = load_corpora(recipe(), data)["a"]
    silent = OUT | B_MISC | I_MISC
    # "Mr." belongs outside; a gpe is a place or a nationality; a time is nothing, perhaps a MISC
    assert corpus.train[0].sets == [silent, B_PER, silent, B_LOC | B_MISC]
    assert corpus.train[1].sets == [B_LOC | B_MISC, silent]
    assert corpus.scored == ["PER", "LOC"]
    assert corpus.dev_tags[0] == ["O", "B-PER", "O", "O"]


def test_nemo_files_are_read(tmp_path):
    (tmp_path / "text_a.txt").write_text("Smith saw Iraq\n", encoding="utf-8")
    (tmp_path / "labels_a.txt").write_text("B-PER O B-LOC\n", encoding="utf-8")
    corpus = load_corpora(recipe(corpora={"a": {"train": "text_a.txt"}}), tmp_path)["a"]
    assert corpus.train[0].sets == [B_PER, OUT, B_LOC]


def test_unknown_label_names_the_file(data):
    with pytest.raises(ValueError, match=r"a\.conll: label 'per' is no type of the model"):
        load_corpora(recipe(corpora={"a": {"train": "a.conll"}}), data)


@pytest.mark.parametrize(
    ("word", "casing"),
    [
        ("Smith", [1]),
        ("smith", [0]),
        ("IRAQ", [2]),
        ("iPhone", [3]),
        ("U.S.", [1, 0, 1, 0]),
        ("IN-saw", [2, 0, 0]),
    ],
)
def test_casing_is_that_of_basic_tokens(encoder, word, casing):
    assert encoder(word)[1] == casing


def test_pieces_of_a_word_share_its_casing(encoder):
    assert encoder("Smiths") == ([WORDS.index("smith"), WORDS.index("##s")], [1, 1])


def test_word_without_pieces_is_unknown(encoder):
    assert encoder("\u200b") == ([1], [0])


def test_plan_is_the_same_each_time(data, encoder):
    plans = [Plan(recipe(), load_corpora(recipe(), data), encoder) for _ in range(2)]
    assert len(plans[0]) == len(plans[1]) > 0
    for step in range(len(plans[0])):
        for name, array in plans[0][step].items():
            np.testing.assert_array_equal(array, plans[1][step][name])


def test_later_stages_do_not_change_the_batches_before(data, encoder):
    stage = recipe().stages[0].model_dump()
    longer = recipe(stages=[stage, {**stage, "epochs": 5}])
    short, long = (Plan(one, load_corpora(one, data), encoder) for one in (recipe(), longer))
    for step in range(len(short)):
        np.testing.assert_array_equal(short[step]["input_ids"], long[step]["input_ids"])


def test_loss_over_sets():
    torch = pytest.importorskip("torch")
    from model_zoo.training import set_loss

    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([[0, 3, 6], [2, -100, 5]])
    sets = torch.where(labels >= 0, 1 << labels.clamp(min=0), 0)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(set_loss(logits, sets), expected)
    either = set_loss(logits[:1, :1], torch.tensor([[OUT | B_MISC]]))
    probabilities = logits[0, 0].softmax(-1)
    torch.testing.assert_close(either, -(probabilities[0] + probabilities[5]).log())
