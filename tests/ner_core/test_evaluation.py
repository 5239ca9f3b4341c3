"""The numbers equal those of seqeval and scikit-learn, on random and on real predictions."""

import json
import random
import re
import warnings
from itertools import chain
from xml.etree import ElementTree

import numpy as np
import openvino as ov
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ner_core import evaluation
from ner_core.entity import Entity, Recognition
from ner_core.evaluation import evaluate, evaluate_recognizer
from ner_core.labels import entity_types, spans, tags_of
from ner_core.marked import sentences_of
from ner_core.reliability import reliability, reliability_svg
from ner_core.scores import Evaluation, Score
from tests.lazily import Lazily

metrics, schemes = Lazily("seqeval.metrics"), Lazily("seqeval.scheme")
sklearn_metrics = Lazily("sklearn.metrics")
warnings.filterwarnings("ignore", module="seqeval|sklearn|numpy")

TYPES = ("PER", "LOC", "ORG")
PREFIXES = {"IO": "I", "IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}


@st.composite
def predictions(draw, schemes=tuple(PREFIXES)):
    """Gold and predicted tags of some sentences; any order of tags, well formed or not."""
    prefixes = PREFIXES[draw(st.sampled_from(schemes))]
    tag = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in TYPES)])
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    gold = [draw(st.lists(tag, min_size=n, max_size=n)) for n in lengths]
    repeat = st.integers(0, 3).map(bool)  # three of four predictions are right
    predicted = [[tag_ if draw(repeat) else draw(tag) for tag_ in sentence] for sentence in gold]
    return gold, predicted


def close(value):
    return pytest.approx(value, abs=1e-12)


@given(predictions())
def test_spans_equal_seqeval(data):
    gold, predicted = data
    assume(any(tag != "O" for side in data for sentence in side for tag in sentence))
    found = evaluate(gold, predicted)
    for average, score in (("micro", found.micro), ("macro", found.macro), ("weighted", found.weighted)):
        assert score.f1 == close(metrics.f1_score(gold, predicted, average=average, zero_division=0))
        assert score.precision == close(
            metrics.precision_score(gold, predicted, average=average, zero_division=0)
        )
        assert score.recall == close(metrics.recall_score(gold, predicted, average=average, zero_division=0))
    report = metrics.classification_report(gold, predicted, output_dict=True, zero_division=0)
    assert list(found.per_type) == [name for name in report if not name.endswith(" avg")]
    for kind, score in found.per_type.items():
        assert score.f1 == close(report[kind]["f1-score"])
        assert score.support == report[kind]["support"]
    assert found.token_accuracy == close(metrics.accuracy_score(gold, predicted))


@pytest.mark.parametrize(("name", "scheme"), [("IOB2", "IOB2"), ("BIOES", "IOBES")])
@given(data=st.data())
def test_strict_spans_equal_seqeval(name, scheme, data):
    gold, predicted = data.draw(predictions(schemes=(name,)))
    if name == "BIOES":  # the scheme must show in the tags, or it would be taken for IOB2
        gold, predicted = [*gold, ["B-PER", "E-PER"]], [*predicted, ["B-PER", "E-PER"]]
    found = evaluate(gold, predicted, strict=True)
    options = {"mode": "strict", "scheme": getattr(schemes, scheme), "zero_division": 0}
    assume(any(chunk for chunk in found.per_type))
    for average, score in (("micro", found.micro), ("macro", found.macro)):
        assert score.f1 == close(metrics.f1_score(gold, predicted, average=average, **options))


def test_strict_spans_of_names_of_one_word():
    assert evaluate([["S-PER", "O"]], [["S-PER", "O"]], strict=True).micro_f1 == 1.0


@given(predictions())
def test_tokens_equal_scikit_learn(data):
    gold, predicted = ([tag for sentence in side for tag in sentence] for side in data)
    found = evaluate(*data)
    expected = sklearn_metrics.classification_report(gold, predicted, output_dict=True, zero_division=0)
    rows = {name.split(" (")[0]: row for name, row in found.token_report.items()}
    assert set(rows) == set(expected)
    for name, row in expected.items():
        if name == "accuracy":
            assert rows[name] == close(row)
        else:
            score = Score(row["precision"], row["recall"], row["f1-score"], row["support"])
            assert rows[name].precision == close(score.precision)
            assert rows[name].recall == close(score.recall)
            assert rows[name].f1 == close(score.f1)
            assert rows[name].support == score.support


def test_token_report_names_ids_in_their_order():
    gold, predicted = [["B-PER", "O", "B-LOC", "B-X"]], [["B-PER", "O", "O", "O"]]
    found = evaluate(gold, predicted, tags=["O", "B-PER", "I-PER", "B-LOC"])
    assert list(found.token_report) == [
        "O (label id: 0)",
        "B-PER (label id: 1)",
        "B-LOC (label id: 3)",
        "B-X (not a label of the model)",
        "accuracy",
        "macro avg",
        "weighted avg",
    ]


def test_confusion_counts_tokens_by_type():
    found = evaluate([["B-PER", "I-PER", "O"]], [["B-PER", "I-LOC", "B-LOC"]])
    assert found.confusion == {
        "LOC": {"LOC": 0, "PER": 0, "O": 0},
        "PER": {"LOC": 1, "PER": 1, "O": 0},
        "O": {"LOC": 1, "PER": 0, "O": 0},
    }


def test_nothing_at_all_is_zero():
    found = evaluate([], [])
    assert (found.micro_f1, found.macro_f1, found.token_accuracy, found.tokens) == (0.0, 0.0, 0.0, 0)
    assert evaluate([["O"]], [["O"]]).token_accuracy == 1.0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="Sentence 2: expected 1 predicted tags, found 2"):
        evaluate([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="shorter"):
        evaluate([["O"], ["O"]], [["O"]])


def test_json_has_the_promised_keys():
    found = evaluate([["B-PER", "O"]], [["B-PER", "O"]])
    plain = json.loads(json.dumps(found.to_dict()))
    assert {"micro_f1", "macro_f1", "token_accuracy", "per_type", "token_report"} <= set(plain)
    assert plain["per_type"]["PER"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    assert plain["token_report"]["B-PER (label id: 1)"]["support"] == 1


def test_text_has_the_layout_of_scikit_learn():
    gold = [["B-PER", "I-PER", "O", "B-LOC", "O", "O"]]
    predicted = [["B-PER", "O", "O", "B-LOC", "B-LOC", "O"]]
    lines = evaluate(gold, predicted).to_text(confusion=True).splitlines()
    theirs = sklearn_metrics.classification_report(
        gold[0], predicted[0], digits=4, zero_division=0
    ).splitlines()
    ours = [re.sub(r" \(label id: \d+\)", "", line).split() for line in lines]
    assert all(line.split() in ours for line in theirs)
    assert any(line.startswith("Spans: micro F1 0.4000, macro F1 0.3333") for line in lines)


class FakePieces:
    """Every two characters of a word are a piece."""

    class Encoding:
        def __init__(self, words):
            pieces, start = [], 0
            for index, word in enumerate(words):
                pieces += [
                    (index, start + i, min(start + i + 2, start + len(word))) for i in range(0, len(word), 2)
                ]
                start += len(word) + 1
            self.word = [index for index, _, _ in pieces]
            self.offsets = np.array([(start, end) for _, start, end in pieces])

        def __len__(self):
            return len(self.word)

    def encode_all(self, sentences):
        return [self.Encoding(words) for words in sentences]


class FakeRecognizer:
    """Knows the tag of each word by heart; nothing else of a recognizer is needed here."""

    tokenizer = FakePieces()

    def __init__(self, tags, known):
        self.tags = tags
        self.labels = entity_types(tags)
        self.known = known
        self.seen = []

    def tag(self, sentences):
        for words in sentences:
            self.seen.append(list(words))
            yield [self.known.get(word, "O") for word in words]

    def tag_pieces(self, sentences):
        for tags, words in zip(self.tag(sentences), sentences, strict=True):
            yield [[tag] * -(-len(word) // 2) for tag, word in zip(tags, words, strict=True)]

    def stream(self, sentences):
        for tags, words in zip(self.tag(sentences), sentences, strict=True):
            entities = [
                Entity(0, 1, kind, 0.9, " ".join(words[start:end]), start, end)
                for kind, start, end in spans(tags)
            ]
            yield Recognition(" ".join(words), tuple(entities), words=tuple(words))


TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-MIS", "I-MIS"]
KNOWN = {"Mary": "B-PER", "Ann": "I-PER", "Rome": "B-LOC", "French": "B-MIS"}
CORPUS = [
    (["Mary", "Ann", "in", "Rome"], ["I-PER", "I-PER", "O", "I-LOC"]),  # IOB1
    (["French", "Bob"], ["B-MISC", "B-PERSON"]),
]


@pytest.mark.parametrize("protocol", ["spans", "omz"])
def test_recognizer_is_scored_over_spans_and_tokens(protocol):
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), CORPUS, protocol=protocol, mistakes=5)
    assert {kind: score.f1 for kind, score in found.per_type.items()} == {
        "LOC": 1.0,
        "MISC": 1.0,
        "PER": pytest.approx(2 / 3),
    }
    assert found.token_accuracy == pytest.approx(5 / 6)
    assert list(found.token_report)[:3] == ["O (label id: 0)", "B-PER (label id: 1)", "I-PER (label id: 2)"]
    assert (found.sentences, found.tokens, found.notes) == (2, 6, ())
    assert [(m.sentence, m.text, m.missed, m.spurious) for m in found.mistakes] == [
        (2, "French Bob", (("PER", "Bob"),), ())
    ]


def test_marked_texts_are_recognized_as_they_are_written():
    text, gold = "To:\tMary\n\nRome  (old)", [(4, 8, "PER"), (10, 14, "LOC")]

    class Written(FakeRecognizer):
        def stream(self, given):
            self.given = list(given)
            entities = tuple(Entity(start, end, kind, 0.9, text[start:end]) for start, end, kind in gold)
            return iter([Recognition(text, entities), *super().stream(self.given[1:])])

    ner = Written(TAGS, KNOWN)
    marked = sentences_of({"text": text, "label": [list(name) for name in gold]})
    assert evaluate_recognizer(ner, [*marked, CORPUS[0]]).micro_f1 == 1.0
    assert ner.given == [text, CORPUS[0][0]]


def test_pieces_carry_the_tag_of_their_word():
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), CORPUS, unit="piece")
    assert found.tokens == 2 + 2 + 1 + 2 + 3 + 2
    assert found.token_accuracy == pytest.approx(10 / 12)
    assert found.micro_f1 == pytest.approx(6 / 7)


def test_scoring_some_types_alone():
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), CORPUS, types=["PERSON", "LOC"])
    assert set(found.per_type) == {"PER", "LOC"}
    assert set(found.confusion) == {"PER", "LOC", "O"}
    assert found.notes == ("scored on LOC, PER alone; other types count as O",)
    with pytest.raises(ValueError, match="No type DATE in this model: it has LOC, MISC, PER"):
        evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), CORPUS, types=["DATE"])
    with pytest.raises(ValueError, match="No type DATE in this model: it has LOC, MISC, PER"):
        evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), CORPUS, label_map={"PER": "DATE", "LOC": "O"})


def test_types_of_one_side_are_told():
    corpus = [(["Mary", "NATO"], ["B-PER", "B-ORG"])]
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), corpus)
    assert found.notes == (
        "only the corpus has ORG: all of these count as missed",
        "only the model has LOC, MISC: all of these count as spurious",
    )
    assert found.per_type["ORG"] == Score(0.0, 0.0, 0.0, 1)
    assert "B-ORG (not a label of the model)" in found.token_report
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), corpus, label_map={"ORGS": "O", "PER": "LOC"})
    assert found.notes[0] == "the corpus has no ORGS to map; its types are ORG, PER"


def test_label_map_renames_and_drops_types_of_the_corpus():
    corpus = [(["Mary", "Rome"], ["B-person", "B-geo"]), (["x"], ["B-creative-work"])]
    label_map = {"geo": "LOC", "creative-work": "O"}
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), corpus, label_map=label_map)
    assert (found.micro_f1, set(found.per_type)) == (1.0, {"PER", "LOC"})


@pytest.mark.parametrize(("protocol", "support"), [("spans", 2), ("omz", 3)])
def test_spans_without_a_letter_or_digit_count_on_neither_side(protocol, support):
    corpus = [(["@", "Mary", "met", "Ann"], ["B-PER", "B-PER", "O", "B-PER"])]
    ner = FakeRecognizer(TAGS, KNOWN | {"@": "B-PER"})
    found = evaluate_recognizer(ner, corpus, types=["PER"], protocol=protocol)
    assert found.per_type["PER"].support == support
    assert found.micro_f1 == 1.0
    note = "signs without a letter or digit, such as a lone @, count in no span: 1"
    assert (note in found.notes) is (protocol == "spans")


@pytest.mark.parametrize(
    "tags", [["B-PER", "I-PER", "I-PER"], ["B-PER", "O", "B-PER"], ["B-PER", "B-PER", "I-PER"]]
)
def test_the_sign_of_user_names_is_in_no_span(tags):
    ner = FakeRecognizer(TAGS, {"Ann": "B-PER", "@": "I-PER", "Bob": "I-PER"})
    found = evaluate_recognizer(ner, [(["Ann", "@", "Bob"], tags)], types=["PER"])
    assert found.per_type["PER"] == Score(1.0, 1.0, 1.0, 2)


@pytest.mark.parametrize("pieces", [125, 126, 127, 200])
def test_omz_cuts_at_126_pieces(pieces):
    words = ["a"] * (pieces - 2) + ["abcd"]  # the last word has two pieces
    ner = FakeRecognizer(["O", "B-PER"], {"abcd": "B-PER", "ab": "B-PER"})
    found = evaluate_recognizer(ner, [(words, ["O"] * (len(words) - 1) + ["B-PER"])], protocol="omz")
    expected = {125: "abcd", 126: "abcd", 127: "ab", 200: "a"}[pieces]
    assert ner.seen == [[*words[: min(pieces - 2, 125)], expected]]
    assert found.tokens == len(ner.seen[0])
    assert found.micro.support == (0 if pieces == 200 else 1)


def test_options_are_checked():
    ner = FakeRecognizer(TAGS, KNOWN)
    with pytest.raises(ValueError, match="Unknown protocol 'conll': expected one of spans, omz"):
        evaluate_recognizer(ner, CORPUS, protocol="conll")
    with pytest.raises(ValueError, match="Unknown unit 'character': expected one of word, piece"):
        evaluate_recognizer(ner, CORPUS, unit="character")
    with pytest.raises(ValueError, match="Sentence 1: expected a tag for each of 2 words, found 1"):
        evaluate_recognizer(ner, [(["a", "b"], ["O"])])


def test_worst_sentences_come_first_and_no_more_than_asked_for():
    corpus = [(["x"] * n, tags_of([("PER", i, i + 1) for i in range(n)], n)) for n in (1, 3, 2, 3)]
    found = evaluate_recognizer(FakeRecognizer(TAGS, {}), corpus, mistakes=3)
    assert [mistake.sentence for mistake in found.mistakes] == [2, 4, 3]
    assert "missed PER 'x'" in found.to_text()


def test_long_corpora_are_scored_in_chunks():
    found = evaluate_recognizer(FakeRecognizer(TAGS, KNOWN), (CORPUS[0] for _ in range(2500)))
    assert isinstance(found, Evaluation)
    assert (found.sentences, found.micro_f1) == (2500, 1.0)


WORDS = [
    "Mary",
    "lives",
    "in",
    "Santa",
    "Clara",
    "New",
    "York",
    "walked",
    "zz",
    "U.S.",
    "An-an",
    "東京",
    "Mr",
]


def test_the_reliability_plot_is_a_drawing_that_any_title_fits():
    bins = reliability([0.0, 0.05, 0.55, 1.0], [False, True, True, True])
    drawing = ElementTree.fromstring(reliability_svg(bins, "</svg><script>&\ud800\0"))
    space = "{http://www.w3.org/2000/svg}"
    assert [bar.get("height") for bar in drawing.iter(f"{space}rect")] == ["400", "200.0", "400.0", "400.0"]
    assert [dot.get("cx") for dot in drawing.iter(f"{space}circle")] == ["66.0", "276.0", "456.0"]
    assert not list(drawing.iter(f"{space}script"))
    assert reliability_svg((), "nothing").count("<rect") == 1


@pytest.fixture(scope="module")
def corpus():
    """Random tags, so that a model with random weights gets some right and most wrong."""
    chance = random.Random(7)
    sentences = [[chance.choice(WORDS) for _ in range(chance.randint(1, 40))] for _ in range(60)]
    tags = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in ("PER", "LOC", "ORG", "MISC"))]
    return [(words, tags_of(spans([chance.choice(tags) for _ in words]), len(words))) for words in sentences]


def test_real_predictions_equal_seqeval_and_scikit_learn(tiny_ner, corpus):
    found = evaluate_recognizer(tiny_ner, corpus)
    gold = [tags for _, tags in corpus]
    raw = list(tiny_ner.tag(words for words, _ in corpus))
    predicted = [
        tags_of([(e.label, e.word_start, e.word_end) for e in result.entities], len(result.words))
        for result in tiny_ner.stream(words for words, _ in corpus)
    ]
    assert 0 < found.micro_f1 < 1
    assert found.micro_f1 == close(metrics.f1_score(gold, predicted))
    assert found.macro_f1 == close(metrics.f1_score(gold, predicted, average="macro"))
    assert found.token_accuracy == close(metrics.accuracy_score(gold, raw))
    expected = sklearn_metrics.classification_report(
        [*chain(*gold)], [*chain(*raw)], output_dict=True, zero_division=0
    )
    assert found.token_report["macro avg"].f1 == close(expected["macro avg"]["f1-score"])
    assert found.token_report["weighted avg"].precision == close(expected["weighted avg"]["precision"])


def test_omz_protocol_equals_a_plain_run_of_the_cut_sentence(tiny_ir, tiny_ner, corpus, monkeypatch):
    """As Open Model Zoo's metric does it: cut the pieces, run them, look at each word's first piece."""
    limit = 40  # the tiny model takes 64 pieces, not 128
    monkeypatch.setattr(evaluation, "_OMZ_PIECES", limit)
    model = ov.Core().compile_model(tiny_ir / "tiny.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tokenizer, gold, predicted = tiny_ner.tokenizer, [], []
    for words, tags in corpus:
        encoding = tokenizer.encode_all([words])[0]
        ids = [*tokenizer.prefix, *encoding.ids[:limit].tolist(), *tokenizer.suffix]
        rows = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": [0] * len(ids)}
        logits = model({name: np.array([row], np.int64) for name, row in rows.items()})["output"][0]
        best = logits.argmax(-1)[1:-1]
        first = [i for i in range(len(best)) if i == 0 or encoding.word[i] != encoding.word[i - 1]]
        gold.append([tags[encoding.word[i]] for i in first])
        predicted.append([tiny_ner.tags[best[i]] for i in first])
    found = evaluate_recognizer(tiny_ner, corpus, protocol="omz")
    assert sum(map(len, gold)) == found.tokens < sum(len(words) for words, _ in corpus)
    assert found.micro_f1 == close(metrics.f1_score(gold, predicted))
    assert found.macro_f1 == close(metrics.f1_score(gold, predicted, average="macro"))
    assert found.token_accuracy == close(metrics.accuracy_score(gold, predicted))
