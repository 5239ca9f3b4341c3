"""The stand-in for transformers' pipeline: the same calls, and on a tiny model the same answers."""

import pickle
import random

import pytest
from tokenizers import decoders

from ner_core import EntityRecognizer
from ner_core.tokenizer import Tokenizer
from ner_integrations import pipeline

STRATEGIES = ("none", "simple", "first", "average", "max")
TEXTS = [
    "Mary lives in Santa Clara.",
    "An of the",
    "",
    " ",
    "Marying, Yorkland (San) 日本 ☃ — äöü!",
]


@pytest.fixture(scope="module")
def theirs(tiny_checkpoint):
    transformers = pytest.importorskip("transformers")
    made = transformers.pipeline("ner", model=str(tiny_checkpoint), device=-1)
    made.tokenizer.backend_tokenizer.decoder = decoders.WordPiece()
    return made


@pytest.fixture(scope="module")
def ours(tiny_ir):
    return pipeline("ner", model=tiny_ir / "tiny.xml", device=-1)


def same(found, expected):
    assert [{**entry, "score": None} for entry in found] == [{**entry, "score": None} for entry in expected]
    assert [entry["score"] for entry in found] == pytest.approx(
        [float(entry["score"]) for entry in expected], abs=1e-4
    )
    assert all(type(entry["score"]) is float for entry in found)


def sentences():
    words = ["Mary", "lives", "in", "Santa", "Clara", "New", "York", "Sanders", "Anna", "U.S.", "x-ray"]
    words += ["it's", "Yorkland", "(the", "An),", "naïve", "Straße", "中国", "☃", "don't", "a.b", "1,000"]
    words += ["Maryton"]
    chosen = random.Random(1)
    return [" ".join(chosen.choices(words, k=chosen.randint(1, 8))) for _ in range(16)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_answers_are_those_of_transformers(ours, theirs, strategy):
    texts = [*TEXTS, *sentences()]
    expected = theirs(texts, aggregation_strategy=strategy)
    assert sum(map(len, expected)) > 40
    found = ours(texts, aggregation_strategy=strategy)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        same(one, other)


def test_a_mark_that_the_tokenizer_counts_to_the_next_letter(ours):
    """Cyrillic and Chinese letters with combining marks that no tokenizer composes."""
    text = "亠ͭȋ 仿̵V"
    for strategy in STRATEGIES:
        for entry in ours(text, aggregation_strategy=strategy):
            assert entry["word"]
            assert entry["start"] < entry["end"]
    found = ours("亠ͭȋ", aggregation_strategy="first")
    assert [(entry["start"], entry["end"]) for entry in found] == [(0, 2), (2, 3)]


def test_one_text_several_and_an_iterator(ours, theirs):
    same(ours(TEXTS[0]), theirs(TEXTS[0]))
    assert ours([TEXTS[0]]) == [ours(TEXTS[0])]
    assert ours([]) == []
    drawn = []

    def texts():
        for text in TEXTS:
            drawn.append(text)
            yield text

    answers = ours(texts(), batch_size=2)
    assert next(answers) == ours(TEXTS[0])
    assert drawn == TEXTS[:2]
    for one, other in zip(answers, ours(TEXTS[1:]), strict=True):
        same(one, other)


@pytest.mark.parametrize("delimiter", [" ", "", "--"])
def test_words(ours, theirs, delimiter):
    words = ["Mary", "lives", "in", "Santa", "Clara", "-", "Yorking"]
    given = {"is_split_into_words": True, "delimiter": delimiter, "aggregation_strategy": "simple"}
    for inputs in (words, [words, words[3:]]):
        found, expected = ours(inputs, **given), theirs(inputs, **given)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)


def test_labels_are_left_out_and_our_own_strategies_run(ours, theirs):
    for strategy, ignored in (("none", ["O", "B-PER"]), ("simple", ["O", "PER"])):
        given = {"aggregation_strategy": strategy, "ignore_labels": ignored}
        for one, other in zip(ours(sentences(), **given), theirs(sentences(), **given), strict=True):
            same(one, other)
    for entry in ours(TEXTS[4], aggregation_strategy="word"):
        assert entry["word"] == TEXTS[4][entry["start"] : entry["end"]]


def test_a_long_text_is_read_to_its_end_with_any_stride(ours):
    text = "Mary lives in Santa Clara. " * 40
    for stride in (None, 0, 20):
        found = ours(text, aggregation_strategy="simple", stride=stride)
        assert found[-1]["end"] > len(text) - 27
    assert ours(text, aggregation_strategy="none")[-1]["index"] > 200


def test_a_tokenizer_without_a_decoder_and_a_ready_recognizer(tiny_ir, ours):
    recognizer = EntityRecognizer.from_ir(
        tiny_ir / "tiny.xml", device="CPU", tokenizer=Tokenizer.from_file(tiny_ir / "tokenizer.json")
    )
    made = pipeline("token-classification", recognizer, aggregation_strategy="simple")
    assert made("Marys Yorking") == ours("Marys Yorking", aggregation_strategy="simple")
    assert not any(" ##" in entry["word"] for entry in made("Marys Yorking lives"))
    with pytest.raises(ValueError, match="stride: cannot be combined with a recognizer"):
        made("Mary", stride=3)
    with pytest.raises(ValueError, match="cannot be combined with a recognizer"):
        pipeline("ner", recognizer, device="CPU")


def test_words_of_two_models_are_those_of_the_text():
    text = "Pit Clausen wohnt in Großschönau."
    mixed, single = (pipeline("ner", model=name, device="cpu:0") for name in ("auto", "multilingual-ner"))
    for strategy in ("none", "simple"):
        found, alone = (made(text, aggregation_strategy=strategy) for made in (mixed, single))
        spans, expected = ([(one["start"], one["end"]) for one in answer] for answer in (found, alone))
        assert spans == expected
        assert [one["word"] for one in found] == [text[start:end] for start, end in spans]
    assert [one["word"] for one in alone] == ["Pit Clausen", "Großschönau"]
    pieces = mixed(text)
    assert [one["index"] - pieces[0]["index"] for one in pieces] == [0, 1, 2, 4, 5, 6, 7]


def test_calls_that_older_code_makes(tiny_ir, ours):
    xml = tiny_ir / "tiny.xml"
    expected = ours(TEXTS[0], aggregation_strategy="simple")
    for given in (
        {"tokenizer": str(xml), "grouped_entities": True, "device": -1},
        {"tokenizer": tiny_ir / "tokenizer.json", "aggregation_strategy": "simple", "device": "cpu"},
        {"grouped_entities": True, "device_map": "auto", "model_kwargs": {}, "token": None},
    ):
        assert pipeline("ner", model=xml, **given)(TEXTS[0]) == expected
    with pytest.raises(TypeError, match=r"tokenizer: expected the path of a tokenizer\.json .*, found <"):
        pipeline("ner", model=xml, tokenizer=ours.recognizer.tokenizer)

    class Items:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return ([TEXTS[0]] * 2)[index]

    assert list(ours(Items())) == [ours(TEXTS[0])] * 2


def test_it_goes_to_other_processes(ours, tiny_ner):
    sent = pickle.dumps(ours)
    assert len(sent) < 2_000
    assert pickle.loads(sent)(TEXTS[0]) == ours(TEXTS[0])
    made = pickle.loads(pickle.dumps(pipeline("ner", tiny_ner, aggregation_strategy="simple")))
    assert made(TEXTS[0]) == ours(TEXTS[0], aggregation_strategy="simple")


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        ({"aggregation_strategy": "best"}, ValueError, "aggregation_strategy: expected one of word, "),
        ({"ignore_labels": "O"}, ValueError, "ignore_labels: expected a list"),
        ({"ignore_labels": []}, ValueError, "ignore_labels: must contain 'O'"),
        ({"batch_size": 0}, ValueError, "batch_size: expected a whole number from 1, found 0"),
        ({"stride": 62, "aggregation_strategy": "simple"}, ValueError, "stride: expected a whole number"),
        ({"stride": 3}, ValueError, "stride: needs an aggregation_strategy other than none"),
        ({"inputs": 5}, TypeError, "Expected a text, a list of texts or an iterator of texts, found int"),
        ({"inputs": b"Mary"}, TypeError, "found bytes"),
        ({"inputs": [["Mary"]]}, TypeError, "pass is_split_into_words=True"),
        ({"is_split_into_words": True}, TypeError, "inputs are words, or lists of words; found one text"),
        ({"top_k": 3}, TypeError, "top_k"),
    ],
)
def test_misuse_is_a_sentence(ours, given, kind, reason):
    with pytest.raises(kind, match=reason):
        ours(**{"inputs": "Mary"} | given)


def test_what_cannot_be_loaded(tiny_ir):
    with pytest.raises(ValueError, match="Unknown task 'fill-mask': expected ner or token-classification"):
        pipeline("fill-mask")
    with pytest.raises(TypeError, match=r"model: expected the name or path of a model .*, found <object"):
        pipeline("ner", object())
    with pytest.raises(ValueError, match="This machine has no device CUDA\\."):
        pipeline("ner", tiny_ir, device="cuda:0")
