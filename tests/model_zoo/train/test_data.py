"""Corpora in the labels of a model, the plan of a run, and the loss over label sets."""

from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from model_zoo.train.data import load_corpora
from model_zoo.train.plan import Plan
from model_zoo.train.recipe import RecipeError, check_recipe
from model_zoo.train.rows import SentenceEncoder
from ner_core.tokenizer import Tokenizer as PieceTokenizer
from tests.lazily import Lazily, torch

loop = Lazily("model_zoo.train.loop")
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
    return SentenceEncoder(PieceTokenizer(tokenizer, token_type_ids="word_casing"), 32)


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


ONCE = {"corpora": {"a": 1}, "epochs": 1, "learning_rate": 1}
OUT, B_PER, I_PER, B_LOC, I_LOC, B_MISC, I_MISC = (1 << i for i in range(7))


def test_what_a_corpus_cannot_say_is_a_set_of_labels(data):
    corpus = load_corpora(recipe(), data)["a"]
    silent = OUT | B_MISC | I_MISC
    # "Mr." belongs outside; a gpe is a place or a nationality; a time is nothing, perhaps a MISC
    assert corpus.train[0].sets == [silent, B_PER, silent, B_LOC | B_MISC]
    assert corpus.train[1].sets == [B_LOC | B_MISC, silent]
    assert corpus.scored == ["PER", "LOC"]
    assert corpus.dev_tags[0] == ["O", "B-PER", "O", "O"]


def test_every_so_many_sentences_are_kept_apart(tmp_path):
    lines = [f"word{number} O\n\n" for number in range(7)]
    (tmp_path / "a.conll").write_text("".join(lines), encoding="utf-8")
    corpus = load_corpora(recipe(corpora={"a": {"train": "a.conll", "held_out": 3}}), tmp_path)["a"]
    assert [sentence.words[0] for sentence in corpus.dev] == ["word2", "word5"]
    assert [sentence.words[0] for sentence in corpus.train] == ["word0", "word1", "word3", "word4", "word6"]
    assert corpus.dev_tags == [["O"], ["O"]]
    with pytest.raises(RecipeError, match="held_out: needs a train file and no dev file"):
        recipe(corpora={"a": {"train": "a.conll", "dev": "a.conll", "held_out": 3}})


def test_marked_texts_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"body": "Smith saw Iraq.", "label": [[0, 5, "PER"], [10, 14, "gpe"]]}\n'
    )
    given = {"train": "a.jsonl", "column": "body", "labels": {"gpe": "LOC"}}
    corpus = load_corpora(recipe(corpora={"a": given}), tmp_path)["a"]
    assert corpus.train[0].sets == [B_PER, OUT, B_LOC, OUT]


def test_unknown_label_names_the_file(data):
    with pytest.raises(ValueError, match=r"a\.conll: 'per' is not a type of the model.* --label per=TYPE"):
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
    assert row_of(encoder, word).types[1:-1].tolist() == casing


def test_pieces_of_a_word_share_its_casing(encoder):
    row = row_of(encoder, "Smiths")
    assert row.ids[1:-1].tolist() == [WORDS.index("smith"), WORDS.index("##s")]
    assert row.types[1:-1].tolist() == [1, 1]


def test_words_without_pieces_and_words_that_do_not_fit_teach_nothing(encoder):
    row = row_of(encoder, "saw", "\u200b", "Iraq")
    assert row.words.tolist() == [-1, 0, 2, -1]
    assert row.sets.tolist() == [0, 1, 4, 0]
    short = replace(encoder, max_length=5)
    assert row_of(short, "saw", "Iraq", "Smiths").words.tolist() == [-1, 0, 1, -1]
    assert row_of(short, "U.S.", "saw").words.tolist() == [-1, 0, -1, -1, -1]


def test_a_sentence_that_is_longer_than_a_row_is_learned_in_parts(tmp_path, encoder):
    lines = "".join(f"{word} O\n" for word in ["saw", "Smiths", "in"] * 20)
    (tmp_path / "a.conll").write_text(f"{lines}Iraq B-LOC\n\nsaw O\n", encoding="utf-8")
    one = recipe(corpora={"a": {"train": "a.conll"}}, stages=[ONCE])
    plan = Plan(one, load_corpora(one, tmp_path), encoder)
    batches = [plan[step] for step in range(len(plan))]
    assert max(batch["input_ids"].shape[1] for batch in batches) <= 32
    assert sum(batch["label_sets"].any(-1).sum() for batch in batches) == 62  # each word once
    assert sum(batch["label_sets"][..., 3].sum() for batch in batches) == 1


def test_any_number_of_types(tmp_path, encoder):
    types = [f"T{number}" for number in range(66)]  # Few-NERD's
    (tmp_path / "a.conll").write_text("Smith B-T65\nsaw O\n", encoding="utf-8")
    one = recipe(types=types, corpora={"a": {"train": "a.conll", "unspaced": 1}}, stages=[ONCE])
    sets = Plan(one, load_corpora(one, tmp_path), encoder)[0]["label_sets"]
    assert one.labels[int(sets[0, 1].argmax())] == "B-T65"
    assert sets.shape[-1] == 133


def row_of(encoder, *words):
    return encoder.rows([words], [[1 << number for number in range(len(words))]])[0]


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
    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([[0, 3, 6], [2, -100, 5]])
    sets = labels[..., None] == torch.arange(7)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(loop.set_loss(logits, sets), expected)
    either = loop.set_loss(logits[:1, :1], allowed(OUT | B_MISC))
    probabilities = logits[0, 0].softmax(-1)
    torch.testing.assert_close(either, -(probabilities[0] + probabilities[5]).log())


def test_a_batch_without_labelled_words_has_no_loss():
    logits = torch.randn(1, 2, 7, requires_grad=True)
    loop.set_loss(logits, allowed(0, 0)).backward()
    assert not logits.grad.any()


def allowed(*sets):
    return (torch.tensor([sets])[..., None] >> torch.arange(7) & 1).bool()


def test_teachers_have_their_share_of_the_loss():
    logits = torch.randn(1, 2, 7, generator=torch.Generator().manual_seed(2))
    sets = allowed(B_PER, OUT)
    told = torch.zeros(1, 2, 7)
    told[0, 0] = 0.25 * torch.tensor([0.5, 0.3, 0, 0, 0.2, 0, 0])  # nothing is told of the second word
    own = torch.nn.functional.cross_entropy(logits[0], torch.tensor([1, 0]), reduction="none")
    taught = torch.nn.functional.cross_entropy(logits[0, 0], told[0, 0] / 0.25)
    expected = (0.75 * own[0] + 0.25 * taught + own[1]) / 2
    torch.testing.assert_close(loop.set_loss(logits, sets, told), expected)


def test_unsure_word_teaches_nothing_unless_it_is_in_a_mention(tmp_path):
    (tmp_path / "a.conll").write_text("@ O\n@you O\nsaw O\n@ B-PER\n", encoding="utf-8")
    anything = (1 << 7) - 1
    for unsure, expected in (
        (["@"], [anything, OUT, OUT, B_PER]),
        (["@*"], [anything, anything, OUT, B_PER]),
        ([], [OUT, OUT, OUT, B_PER]),
    ):
        corpus = load_corpora(recipe(corpora={"a": {"train": "a.conll", "unsure": unsure}}), tmp_path)["a"]
        assert corpus.train[0].sets == expected


def test_answers_stand_at_first_pieces_and_not_in_swapped_mentions(tmp_path, encoder):
    (tmp_path / "a.conll").write_text("Smiths B-PER\nsaw O\nIraq B-LOC\n", encoding="utf-8")
    one = recipe(
        corpora={"a": {"train": "a.conll", "teaching": 0.5}},
        teachers={"stages": [ONCE]},
        stages=[{**ONCE, "epochs": 40, "swap": 0.5}],
    )
    corpora = load_corpora(one, tmp_path)
    answers = np.random.default_rng(0).dirichlet(np.ones(7), 3).astype(np.float32)
    corpora["a"].train[0] = replace(corpora["a"].train[0], answers=answers)
    plan = Plan(one, corpora, encoder)
    seen = set()
    for step in range(len(plan)):
        batch = plan[step]
        firsts = np.flatnonzero(batch["label_sets"][0].any(-1))
        assert firsts.tolist() == [1, 3, 4]  # [CLS] smith ##s saw iraq
        told = batch["answers"][0]
        assert not np.delete(told, firsts, axis=0).any()
        np.testing.assert_allclose(told[3], answers[1] / 2, rtol=1e-6)  # "saw" is never swapped
        for word, piece in ((0, 1), (2, 4)):
            if told[piece].any():
                np.testing.assert_allclose(told[piece], answers[word] / 2, rtol=1e-6)
            seen.add((word, bool(told[piece].any())))
    assert seen == {(0, True), (0, False), (2, True), (2, False)}


def test_mentions_and_words_outside_are_also_shown_alone(tmp_path, encoder):
    (tmp_path / "a.conll").write_text("Smith B-PER\nsaw O\n. O\nIraq B-LOC\n", encoding="utf-8")
    stage = {**ONCE, "epochs": 60}
    one = recipe(
        types=["PER", "LOC"],
        corpora={"a": {"train": "a.conll", "teaching": 0.5}},
        teachers={"stages": [stage]},
        stages=[{**stage, "alone": 0.7}],
    )
    corpora = load_corpora(one, tmp_path)
    answers = np.random.default_rng(0).dirichlet(np.ones(5), 4).astype(np.float32)
    corpora["a"].train[0] = replace(corpora["a"].train[0], answers=answers)
    plan = Plan(one, corpora, encoder)
    smith, saw, stop, iraq = (WORDS.index(word) for word in ("smith", "saw", ".", "iraq"))
    alone = {(smith,): [0], (iraq,): [3], (saw,): [1], (stop,): [2], (saw, stop): [1, 2]}
    whole = (smith, saw, stop, iraq)
    times = dict.fromkeys([*alone, whole], 0)
    for step in range(len(plan)):
        batch = plan[step]
        for ids, told, sets in zip(batch["input_ids"], batch["answers"], batch["label_sets"], strict=True):
            pieces = tuple(ids[ids > WORDS.index("[SEP]")].tolist())
            words = alone.get(pieces, [0, 1, 2, 3])
            np.testing.assert_allclose(told[1 : len(words) + 1], answers[words] / 2, rtol=1e-6)
            expected = [[1, 0, 0, 3][word] for word in words]  # the labels B-PER, O, O, B-LOC
            assert sets[1 : len(words) + 1].argmax(-1).tolist() == expected
            times[pieces] += 1
    assert times[whole] == 60
    assert all(times.values())
    assert 30 < sum(times[cut] for cut in alone) < 54
