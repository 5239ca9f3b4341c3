"""Same entities as transformers' pipeline, except where transformers is wrong."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_core import labels
from ner_core.calibration import Calibration
from ner_core.decoding import Decoder
from ner_core.recognizer import EntityRecognizer
from ner_core.tokenizer import Tokenizer
from ner_core.units import Pieces, softmax

STRATEGIES = ("simple", "first", "average", "max")
IOB2 = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

HANDWRITTEN = [
    "Mary lives in Santa Clara and works at NVIDIA.",
    "The U.S. and the U.K. met in New York on 3rd May.",
    "Mary's cat; Clara's dog (both old) -- and so on ...",
    "“Quoted” text — with dashes… and €100.",
    "中国 and 日本 are in Asia, 中国人 too.",
    "José met Zoë Müller and Åsa in São Paulo.",
    "Привет, где ты? Γεια σου, αβγ.",
    "שלום אבג and back again.",
    "A",
    "x" * 101,
    "x" * 60,
    "one  two   three\tfour\nfive\r\nsix",
    "   leading and trailing   ",
    "New York New York New York",
    "MARY LIVES IN SANTA CLARA",
    "mary lives in santa clara",
    "!!!???...",
    "a-b-c_d/e\\f|g",
    "mail@example.org and http://example.org/?q=1&x=2",
    "C3PO and R2D2, 007 and 1,000.50",
    "Newton-Yorkland's Marying",
    "emoji 😀 between words 😀😀",
    "no\u00a0break\u2003em space",
    "ﬁ ligature and Ǆ digraph",
    "ß ẞ İ ı",
]


def generated(count):
    """Make sentences of words, names, numbers and punctuation; the same ones every time."""
    rng = random.Random(7)
    words = ["Mary", "lives", "in", "Santa", "Clara", "New", "York", "the", "The", "of", "and", "San", "An"]
    endings = ["", "s", "ing", "ton", "land", "'s", "-based", "er", "ed", ".", ",", "!", " (", ")", "中"]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHäöüéñçßабвгαβ0123456789"
    sentences = []
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 12)):
            word = (
                rng.choice(words)
                if rng.random() < 0.6
                else "".join(rng.choices(letters, k=rng.randint(1, 6)))
            )
            parts.append(word + rng.choice(endings))
        sentences.append(" ".join(parts))
    return sentences


@pytest.fixture(scope="module")
def pipe(tiny_checkpoint):
    from transformers import pipeline

    return pipeline("token-classification", model=str(tiny_checkpoint), device="cpu")


@pytest.fixture(scope="module")
def uncased(tiny_ir, tiny_checkpoint):
    tokenizer = Tokenizer.from_file(tiny_checkpoint / "vocab.txt", lower_case=True)
    return EntityRecognizer.from_ir(tiny_ir, device="CPU", tokenizer=tokenizer)


@pytest.fixture(scope="module")
def uncased_pipe(tiny_checkpoint, pipe):
    from transformers import PreTrainedTokenizerFast, pipeline

    backend = Tokenizer.from_file(tiny_checkpoint / "vocab.txt", lower_case=True)._backend
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"
    )
    return pipeline("token-classification", model=pipe.model, tokenizer=tokenizer, device="cpu")


def theirs(pipe, texts, strategy):
    found = pipe(texts, aggregation_strategy=strategy, batch_size=1)
    return [
        [(entity["start"], entity["end"], entity["entity_group"], float(entity["score"])) for entity in one]
        for one in found
    ]


def ours(ner, texts, strategy):
    found = ner.batch(texts, aggregation=strategy)
    return [
        [(entity.start, entity.end, entity.label, entity.score) for entity in one.entities] for one in found
    ]


def assert_same(mine, reference):
    assert [entity[:3] for entity in mine] == [entity[:3] for entity in reference]
    assert [entity[3] for entity in mine] == pytest.approx([entity[3] for entity in reference], abs=1e-3)


@pytest.fixture(scope="module")
def forwarded(pipe):
    """What the pipeline hands to its postprocess for every text: the model runs once for all strategies."""
    texts = HANDWRITTEN + generated(225)
    return {
        text: [pipe.forward(inputs) for inputs in pipe.preprocess(text, is_split_into_words=False)]
        for text in texts
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_same_as_transformers(tiny_ner, pipe, forwarded, strategy):
    from transformers.pipelines.token_classification import AggregationStrategy

    count = 0
    kinds = set()
    for text, mine in zip(forwarded, ours(tiny_ner, list(forwarded), strategy), strict=True):
        found = pipe.postprocess(forwarded[text], AggregationStrategy(strategy))
        reference = [(e["start"], e["end"], e["entity_group"], float(e["score"])) for e in found]
        assert_same(mine, reference)
        count += len(mine)
        kinds |= {entity[2] for entity in mine}
    assert len(forwarded) >= 240
    assert count > 800
    assert kinds == {"PER", "LOC", "ORG", "MISC"}


def test_none_is_every_piece_under_its_raw_tag(tiny_ner, pipe):
    texts = HANDWRITTEN + generated(50)
    reference = pipe(texts, aggregation_strategy="none")
    for mine, one in zip(ours(tiny_ner, texts, "none"), reference, strict=True):
        assert_same(
            mine, [(entity["start"], entity["end"], entity["entity"], entity["score"]) for entity in one]
        )


GUESS = (
    "transformers takes a piece for the continuation of a word when piece and slice differ in length, "
    "which they also do where the normalizer removed a character inside"
)
MARKS = "transformers leaves the mark that the normalizer stripped outside, and a slice ends inside a letter"
TORN = "transformers tears a letter and its mark apart when they are two pieces with two labels"
SPECIAL = "transformers takes the five characters for the end of the sentence and hides them"
CUT = "transformers cuts silently at 64 pieces"

# model, text, strategy, what transformers finds as (start, end), what we find, why
WRONG_IN_TRANSFORMERS = [
    ("cased", "ab Ma\u00adry cd", "max", [(0, 8)], [(0, 2), (3, 8)], GUESS),
    (
        "cased",
        "ab a\u0301 cd",
        "simple",
        [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7)],
        [(0, 1), (1, 2), (3, 5), (6, 7)],
        TORN,
    ),
    ("cased", "ab Mary\u200d cd", "average", [(0, 2), (3, 7)], [(0, 2), (3, 8)], MARKS),
    ("uncased", "ab a\u0301 cd", "max", [(0, 2), (3, 4)], [(0, 2), (3, 5)], MARKS),
    ("uncased", "ab e\ufe0fx cd", "simple", None, None, MARKS),
    ("uncased", "ab [SEP] cd", "first", [(0, 2), (9, 11)], None, SPECIAL),
    ("cased", "a b " * 60, "first", None, None, CUT),
]


@pytest.mark.parametrize(("model", "text", "strategy", "wrong", "right", "reason"), WRONG_IN_TRANSFORMERS)
def test_where_transformers_is_wrong(
    tiny_ner, pipe, uncased, uncased_pipe, model, text, strategy, wrong, right, reason
):
    ner, reference = (tiny_ner, pipe) if model == "cased" else (uncased, uncased_pipe)
    mine = [entity[:2] for entity in ours(ner, [text], strategy)[0]]
    other = [entity[:2] for entity in theirs(reference, [text], strategy)[0]]
    assert mine != other, f"transformers was mended: {reason}"
    if wrong is not None:
        assert other == wrong
    if right is not None:
        assert mine == right


def test_transformers_fails_on_lone_surrogates(tiny_ner, pipe):
    """Python strings may hold half a character, as json.loads makes them; the Rust tokenizer refuses them."""
    with pytest.raises(TypeError):
        theirs(pipe, ["a\ud800b c"], "first")
    assert [entity.text for entity in tiny_ner("a\ud800b c").entities] == ["a\ud800b", "c"]


def test_transformers_tears_bioes_apart(pipe):
    tags = ["B-PER", "I-PER", "E-PER", "O", "S-LOC"]
    words = [
        {"entity": tag, "score": 1.0, "word": "x", "start": 2 * index, "end": 2 * index + 1}
        for index, tag in enumerate(tags)
    ]
    torn = [
        (group["start"], group["end"]) for group in pipe.group_entities(words) if group["entity_group"] != "O"
    ]
    assert torn == [(0, 3), (4, 5), (8, 9)]
    assert decoded(tags) == [("PER", 0, 3), ("LOC", 4, 5)]


def decoded(tags, label_set=None, scheme=None):
    """Decode words of one letter and one piece that have these tags."""
    names = label_set or sorted({"O", *tags})
    logits = np.zeros((len(tags), len(names)), np.float32)
    logits[np.arange(len(tags)), [names.index(tag) for tag in tags]] = 9
    starts = 2 * np.arange(len(tags))
    found = Decoder(names, scheme).decode(
        "x " * len(tags), logits, np.stack([starts, starts + 1], axis=1), np.arange(len(tags))
    )
    return [(entity.label, entity.start // 2, entity.end // 2 + 1) for entity in found]


SCHEMES = {
    "IO": ("O", "I-PER", "I-LOC"),
    "bare": ("O", "PER", "LOC"),
    "IOB2": IOB2,
    "BIOES": ("O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC"))),
    "BILOU": ("O", *(f"{prefix}-{kind}" for prefix in "BILU" for kind in ("PER", "LOC"))),
}


@given(st.data(), st.sampled_from(sorted(SCHEMES)))
def test_every_scheme_is_decoded_as_conlleval_does(data, scheme):
    names = SCHEMES[scheme]
    tags = data.draw(st.lists(st.sampled_from(names), max_size=10))
    assert decoded(tags, list(names)) == labels.spans(tags)


def test_a_name_that_looks_like_a_prefix_is_a_name():
    assert decoded(["E-MAIL", "O", "E-MAIL", "E-MAIL"], ["O", "B-PER", "E-MAIL"]) == [
        ("E-MAIL", 0, 1),
        ("E-MAIL", 2, 4),
    ]


def test_threshold_and_labels(tiny_ner):
    text = " ".join(HANDWRITTEN[:6])
    everything = tiny_ner(text).entities
    assert tiny_ner(text, threshold=0.7).entities == tuple(e for e in everything if e.score >= 0.7)
    chosen = tuple(e for e in everything if e.label in ("PER", "MISC"))
    assert tiny_ner(text, labels=["PER", "MIS"]).entities == chosen
    assert 0 < len(chosen) < len(everything)
    assert tiny_ner(text, labels="PER").entities == tuple(e for e in everything if e.label == "PER")
    assert tiny_ner(text, labels=[]).entities == ()


def test_softmax_is_stable():
    extreme = np.float32([[1e30, 0, -1e30], [-1e30, -1e30, -1e30], [88, 89, 90]])
    assert np.isfinite(softmax(extreme)).all()
    assert softmax(extreme).sum(axis=-1) == pytest.approx([1, 1, 1])


def test_pieces_of_one_character_give_one_entity():
    """A byte-level tokenizer cuts an emoji into pieces that all have its offsets."""
    logits = np.float32([[0, 9, 0, 0, 0], [0, 0, 0, 9, 0], [0, 0, 0, 9, 0]])
    found = Decoder(IOB2).decode(
        "😀 x", logits, np.array([[0, 1], [0, 1], [1, 3]]), np.array([0, 0, 1]), strategy="simple"
    )
    assert [(entity.text, entity.label) for entity in found] == [("😀", "PER"), ("x", "LOC")]


def entities_of_words(words, tags, probability=0.9, scheme="IOB2", **options):
    """Decode words of one piece each that have these tags with this probability."""
    text = " ".join(words)
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])])
    offsets = np.stack([starts, starts + [len(word) for word in words]], 1)
    rest = (1 - probability) / (len(IOB2) - 1)
    logits = np.log([[probability if tag == name else rest for name in IOB2] for tag in tags])
    decoder = Decoder(IOB2, scheme, options.pop("calibration", None))
    numbers = np.arange(len(words))
    return decoder.decode(text, logits.astype(np.float32), offsets, numbers, strategy="word", **options)


def test_an_unsure_tag_that_may_not_follow_gives_way():
    words = ["Mary", "Jones", "went"]
    unsure = entities_of_words(words, ["B-PER", "I-LOC", "O"], 0.5)
    assert [(entity.text, entity.label) for entity in unsure] == [("Mary", "PER")]
    # A model that is sure begins entities with I-, as IOB1 does: that is believed.
    sure = entities_of_words(words, ["O", "I-PER", "O"], 0.999)
    assert [entity.text for entity in sure] == ["Jones"]


def test_most_likely_sequence_beats_the_most_likely_tags():
    probabilities = np.array([[0.4, 0.35, 0.25 - 2e-3, 1e-3, 1e-3], [0.1, 0.01, 0.88, 5e-3, 5e-3]])
    offsets = np.array([(0, 4), (5, 10)])
    logits = np.log(probabilities).astype(np.float32)
    found = Decoder(IOB2, "IOB2").decode("mary jones", logits, offsets, np.arange(2), strategy="word")
    assert [(entity.text, entity.label) for entity in found] == [("mary jones", "PER")]
    assert found[0].score == pytest.approx(0.35 * 0.88, abs=1e-3)


@pytest.mark.parametrize(
    ("mark", "kind", "names"),
    [
        (";", "PER", ["Mary", "Smith"]),
        ("&", "PER", ["Mary", "Smith"]),
        (":", "PER", ["Mary", "Smith"]),
        ("&", "LOC", ["Mary & Smith"]),
    ],
)
def test_marks_divide_names(mark, kind, names):
    tags = [f"B-{kind}", f"I-{kind}", f"I-{kind}"]
    assert [e.text for e in entities_of_words(["Mary", mark, "Smith"], tags)] == names


def test_a_given_word_of_marks_alone_is_no_name():
    words, tags = ["@", "anna", "(", "Yahoo", "!"], ["B-PER", "B-PER", "O", "B-LOC", "I-LOC"]
    found = entities_of_words(words, tags, split=True)
    assert [(entity.text, entity.word_start, entity.word_end) for entity in found] == [
        ("anna", 1, 2),
        ("Yahoo !", 3, 5),
    ]


def test_a_given_word_that_is_a_user_name_is_no_name():
    words, tags = ["@anna", "@", "bob", "@carl", "Smith"], ["B-PER", "B-PER", "B-PER", "B-PER", "I-PER"]
    found = entities_of_words(words, tags, split=True)
    assert [(entity.text, entity.word_start) for entity in found] == [("bob", 2), ("@carl Smith", 3)]


def test_what_the_form_of_given_words_shows_counts():
    words, tags = ["Guten", "Morgen"], ["B-PER", "I-PER"]
    assert entities_of_words(words, tags, split=True) == ()
    assert [e.text for e in entities_of_words(["Anna", "Morgen"], tags, split=True)] == ["Anna Morgen"]


def test_a_user_name_in_a_text_is_read_as_a_name():
    assert [e.text for e in entities_of_words(["@anna", "left"], ["B-PER", "O"])] == ["anna"]


@pytest.mark.parametrize(
    ("words", "split", "names"),
    [
        (["@anna", "Bob", "left"], False, ["anna", "Bob"]),
        (["@anna_k", "@Bob7", "left"], False, ["anna_k", "Bob7"]),
        (["@Anna", "Bob", "left"], False, ["Anna Bob"]),  # as in dinner @Madison Square
        (["@", "annaK", "left"], True, ["annaK"]),
        (["anna@bob.example", "Bob", "left"], False, ["anna@bob.example Bob"]),
    ],
)
def test_a_user_name_is_a_whole_name(words, split, names):
    tags = ["B-PER", "I-PER", "O"] if words[0] != "@" else ["O", "B-PER", "I-PER"]
    found = entities_of_words([*words, "."], [*tags, "O"], split=split)
    assert [entity.text for entity in found][: len(names)] == names


def test_scores_are_of_the_span_or_raw():
    words, tags = ["Mary", "Jones", "."], ["B-PER", "I-PER", "I-PER"]
    assert entities_of_words(words, tags)[0].score == pytest.approx(0.81, abs=1e-3)
    assert entities_of_words(words, tags, raw_scores=True)[0].score == pytest.approx(0.9, abs=1e-3)
    calibrated = entities_of_words(words, tags, calibration=Calibration(0.0, 0.0, 0.0, 0.0))
    assert calibrated[0].score == pytest.approx(0.5)


def test_a_span_that_may_go_on_is_less_likely_right():
    calibration = Calibration(1.0, 0.0, -5.0, 0.0)
    offsets, numbers = np.array([(0, 4), (5, 10)]), np.arange(2)
    decoder = Decoder(IOB2, "IOB2", calibration)
    scores = []
    for going_on in (0.01, 0.4):
        probabilities = np.array(
            [[0.05, 0.92, 0.01, 0.01, 0.01], [0.58 - going_on, 0.4, going_on, 0.01, 0.01]]
        )
        logits = np.log(probabilities).astype(np.float32)
        [first, *_] = decoder.decode("Mary Jones", logits, offsets, numbers, strategy="word")
        alone = decoder.decode("Mary", logits[:1], offsets[:1], numbers[:1], strategy="word")[0]
        apart = decoder.decode("Mary Jones", logits, offsets, numbers, numbers, strategy="word")[0]
        assert alone.score == pytest.approx(0.92, abs=1e-3) == apart.score
        scores.append(first.score)
    assert scores[0] > scores[1]


@settings(max_examples=30)
@given(st.data())
def test_many_texts_are_decoded_as_each_alone(data):
    decoder = Decoder(IOB2, "IOB2", Calibration(0.5, 0.5, -2.0, -1.0))
    strategy = data.draw(st.sampled_from(("word", "first", "average", "max", "simple", "none")))
    texts = []
    for _ in range(data.draw(st.integers(0, 4))):
        count = data.draw(st.integers(0, 6))
        text = ("Mary's ; " * 6)[: 4 * count]
        numbers = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count).map(sorted))
        segment = data.draw(st.none() | st.just(np.array(numbers) // 2))
        logits = np.random.default_rng(data.draw(st.integers(0, 99))).normal(0, 3, (count, 5))
        starts = 4 * np.arange(count)
        pieces = Pieces(
            text,
            logits.astype(np.float32),
            np.stack([starts, starts + 4], 1),
            np.array(numbers, int),
            segment,
            data.draw(st.none() | st.just(np.array(numbers, int))),
            data.draw(st.booleans()),
        )
        texts.append(pieces)
    alone = [decoder.decode_all([one], strategy=strategy)[0] for one in texts]
    together = decoder.decode_all(texts, strategy=strategy)
    assert [[(e.start, e.end, e.label, e.word_start) for e in one] for one in together] == [
        [(e.start, e.end, e.label, e.word_start) for e in one] for one in alone
    ]
    for one, other in zip(together, alone, strict=True):
        assert [e.score for e in one] == pytest.approx([e.score for e in other], abs=1e-5)


def test_no_entity_crosses_a_segment():
    segment = np.array([0, 1])
    probabilities = np.array([[0.01, 0.96, 0.01, 0.01, 0.01], [0.01, 0.01, 0.96, 0.01, 0.01]])
    logits = np.log(probabilities).astype(np.float32)
    offsets = np.array([(0, 4), (5, 10)])
    decoder = Decoder(IOB2, "IOB2")
    for strategy in ("word", "first", "simple"):
        found = decoder.decode("Mary\tJones", logits, offsets, np.arange(2), segment, strategy=strategy)
        assert [entity.text for entity in found] == ["Mary", "Jones"]


def test_later_pieces_of_a_word_have_a_say_in_its_type():
    probabilities = np.array([[0.05, 0.46, 0.01, 0.47, 0.01], [0.02, 0.02, 0.92, 0.02, 0.02]])
    offsets = np.array([(0, 2), (2, 4)])
    logits, one_word = np.log(probabilities).astype(np.float32), np.zeros(2, int)
    decode = Decoder(IOB2, "IOB2").decode
    for token, label in ((None, "LOC"), (one_word, "PER"), (np.arange(2), "LOC")):
        found = decode("Acme", logits, offsets, one_word, token=token, strategy="word")
        assert [entity.label for entity in found] == [label]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_refused(wrong):
    logits = np.array([[0.0, wrong]], np.float32)
    with pytest.raises(ValueError, match="NaN or infinite"):
        Decoder(["O", "B-PER"]).decode("Mary", logits, np.array([[0, 4]]), np.array([0]))
