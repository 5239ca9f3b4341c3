import functools
import itertools
import random
import shutil
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_core import AGGREGATIONS, Recognition
from ner_core.recognizer import EntityRecognizer
from ner_core.tokenizer import Tokenizer
from tests.conftest import assert_alike

ROOT = Path(__file__).parents[2]
LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
TEXT = "Mary lives in Santa Clara. The Yorkers landed in 中国, and Jos\u00e9 e\u0301t\u0301 too.\n"

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
TRAPS = st.sampled_from(
    [*" \n.\u0301\0\u200d\u200b\ufe0f😀\ufffd\ud800ﬁİ\u202e", "Mary", "New York", "e\u0301", "👩\u200d💻",
     "אב", "中国", "한국", "\u1112\u1161\u11ab", "[SEP]", "a" * 101]
)  # fmt: skip
TEXTS = st.one_of(ANY_TEXT, st.lists(TRAPS, max_size=25).map("".join))


@pytest.fixture(scope="module")
def uncased(tiny_ir, tiny_checkpoint):
    tokenizer = Tokenizer.from_file(tiny_checkpoint / "vocab.txt", lower_case=True)
    return EntityRecognizer.from_ir(tiny_ir, device="CPU", tokenizer=tokenizer)


@pytest.fixture(scope="module")
def context_free(tiny_checkpoint, tmp_path_factory):
    """A model whose logits depend on the piece alone: every way to cut a text must find the same."""
    pieces = (tiny_checkpoint / "vocab.txt").read_text("utf-8").splitlines()
    table = np.random.default_rng(3).normal(scale=3, size=(len(pieces), len(LABELS))).astype(np.float32)
    inputs = [ops.parameter([-1, -1], np.int64, name=name) for name in ("input_ids", "attention_mask")]
    for parameter, name in zip(inputs, ("input_ids", "attention_mask"), strict=True):
        parameter.output(0).get_tensor().set_names({name})
    mask = ops.unsqueeze(ops.convert(inputs[1], "f32"), ops.constant(np.int64(2)))
    logits = ops.multiply(ops.gather(ops.constant(table), inputs[0], ops.constant(np.int64(0))), mask)
    logits.output(0).get_tensor().set_names({"logits"})
    folder = tmp_path_factory.mktemp("context_free")
    ov.save_model(
        ov.Model([logits], inputs, "context_free"), folder / "context_free.xml", compress_to_fp16=False
    )
    shutil.copy(tiny_checkpoint / "vocab.txt", folder)
    return folder


def assert_sound(found, text):
    end = 0
    for entity in found.entities:
        assert entity.text == text[entity.start : entity.end]
        assert end <= entity.start < entity.end
        assert not entity.text[0].isspace()
        assert not entity.text[-1].isspace()
        assert type(entity.score) is float
        assert 0 <= entity.score <= 1
        if entity.end < len(text):
            assert not unicodedata.category(text[entity.end]).startswith("M")
        end = entity.end


@pytest.mark.parametrize("model", ["tiny_ner", "uncased"])
def test_any_strings_alone_and_in_a_batch(model, request):
    ner = request.getfixturevalue(model)

    # Random weights may give two labels the same score: the same examples every time, or a tie will come one
    # day.
    @settings(derandomize=True)
    @given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(AGGREGATIONS))
    def check(texts, strategy):
        together = ner.batch(texts, aggregation=strategy)
        assert len(together) == len(texts)
        for text, found in zip(texts, together, strict=True):
            assert_sound(found, text)
            assert_alike(ner(text, aggregation=strategy), found)

    check()


@given(st.lists(st.lists(TEXTS.filter(lambda text: len(text) < 20), max_size=6), min_size=1, max_size=3))
def test_any_words(tiny_ner, sentences):
    answers = tiny_ner.batch(sentences), tiny_ner.tag(sentences)
    for words, found, tags in zip(sentences, *answers, strict=True):
        assert found.words == tuple(words)
        assert_sound(found, " ".join(words))
        assert len(tags) == len(words)
        for entity in found.entities:
            assert 0 <= entity.word_start < entity.word_end <= len(words)
            assert entity.text in " ".join(words[entity.word_start : entity.word_end])


@pytest.mark.parametrize("strategy", AGGREGATIONS)
def test_entities_are_exact_slices_of_any_length(tiny_ner, strategy):
    found = tiny_ner(TEXT * 30, aggregation=strategy)
    assert found.windows > 10
    assert found.entities
    assert_sound(found, TEXT * 30)


@pytest.fixture(scope="module")
def free_of_context(context_free):
    """A function: options to a recognizer of the model that looks at one piece at a time."""
    load = functools.partial(
        EntityRecognizer.from_ir,
        context_free,
        labels=LABELS,
        device="CPU",
        lower_case=False,
        max_length=2000,
    )
    kept = load()  # what is compiled is shared while anybody has it
    yield load
    del kept


@settings(max_examples=25)
@given(st.lists(TRAPS, max_size=120).map("".join), st.integers(2, 30), st.sampled_from(AGGREGATIONS))
def test_windows_change_nothing_where_context_does_not_matter(free_of_context, text, window, strategy):
    whole = free_of_context()(text, aggregation=strategy)
    cut = free_of_context(window=window)(text, aggregation=strategy)
    assert whole.windows <= cut.windows
    assert cut.windows >= -(-cut.pieces // window)
    assert_alike(cut, whole)


def test_words_come_back_with_word_offsets(tiny_ner):
    words = ["Mary", "lives", "", "inYork"]
    found = tiny_ner(words)
    assert found.words == tuple(words)
    assert found.text == "Mary lives  inYork"
    for entity in found.entities:
        assert " ".join(words[entity.word_start : entity.word_end]) == entity.text


def test_tags_are_those_of_first_pieces(tiny_ner):
    sentences = [["Mary", "lives", "", "inYork"], [], [""], ["San"] * 200]
    pieces = list(tiny_ner.tag_pieces(sentences))
    assert [[tags[0] if tags else "O" for tags in words] for words in pieces] == list(tiny_ner.tag(sentences))
    assert [len(tags) for tags in pieces[0]] == [1, 1, 0, 2 + 3]
    for words, found in zip(pieces, tiny_ner.batch(sentences, aggregation="none"), strict=True):
        flat = [tag for tags in words for tag in tags]
        assert [entity.label for entity in found.entities] == [tag for tag in flat if tag != "O"]


def test_32_threads_get_what_one_gets(tiny_ner):
    texts = [f"{'Mary lives ' * (number % 7)}in Santa Clara {number}." for number in range(16)]
    expected = [tiny_ner(text) for text in texts]
    results = {}

    def work(thread):
        order = texts[thread:] + texts[:thread]
        if thread % 2:
            results[thread] = dict(zip(order, tiny_ner.batch(order), strict=True))
        else:
            results[thread] = {text: tiny_ner(text) for text in order}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 32
    for found in results.values():
        for text, one in zip(texts, expected, strict=True):
            assert_alike(found[text], one)


LONG_TEXT = """
import resource, sys
from ner_core import EntityRecognizer
ner = EntityRecognizer.from_ir(sys.argv[1], device="CPU")
ner("Mary lives in Santa Clara.")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sentence = "Mary lives in Santa Clara, 12 e\\u0301 \\u4e2d\\u56fd! "
length = int(sys.argv[2])
text = (sentence * (length // len(sentence) + 1))[:length]
found = ner(text)
assert all(text[e.start:e.end] == e.text for e in found.entities)
assert found.entities[-1].end > length - 1000
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // 1024, found.pieces, found.windows, len(found.entities))
"""


@pytest.mark.parametrize("length", [50_000, pytest.param(1_000_000, marks=pytest.mark.nightly)])
def test_a_character_needs_less_than_a_kilobyte(tiny_ir, length):
    """So that a million characters need less than a gigabyte."""
    command = [sys.executable, "-c", LONG_TEXT, str(tiny_ir), str(length)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    megabytes, pieces, windows, entities = map(int, done.stdout.split())
    assert megabytes * 1000 < length
    assert pieces > length * 0.3
    assert windows > length * 0.005
    assert entities > length * 0.01


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"Mary", "found bytes: decode it first"),
        (None, "Expected a text or a list of words, found NoneType"),
        (3, "found int"),
        (["Mary", None], "Expected a list of words, found NoneType at position 1"),
        (["Mary", ["x"]], "found list at position 1"),
        ([b"Mary"], "found bytes at position 0"),
    ],
)
def test_other_types_are_refused(tiny_ner, value, complaint):
    with pytest.raises(TypeError, match=complaint):
        tiny_ner(value)
    with pytest.raises(TypeError, match=complaint):
        tiny_ner.batch(["Mary", value])


def test_one_text_is_no_batch(tiny_ner):
    with pytest.raises(TypeError, match="Expected several texts, found one str"):
        tiny_ner.batch("Mary")
    with pytest.raises(TypeError, match="Expected several texts, found int"):
        tiny_ner.batch(5)


def test_labels_may_come_from_a_generator(tiny_ner):
    text, labels = "Mary lives in Santa Clara.", tiny_ner.labels
    found = tiny_ner(text, labels=(label for label in labels))
    assert found.entities == tiny_ner(text).entities != ()


def test_unknown_aggregation_is_refused_at_once(tiny_ner):
    with pytest.raises(ValueError, match="Unknown aggregation 'last': expected one of word, whitespace"):
        tiny_ner.stream([], aggregation="last")


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\0", "\u200d", "\u0301", [], ["", " "]])
def test_nothing_gives_nothing(tiny_ner, text):
    found = tiny_ner(text)
    assert isinstance(found, Recognition)
    assert_sound(found, found.text)
    assert tiny_ner.batch([]) == []


def test_words_as_people_write_them(tiny_ner):
    found = {entity.text for entity in tiny_ner("Mary lives in the U.S. and Chester-le-Street").entities}
    given = tiny_ner(["Mary", "lives", "in", "the", "U.S.", "and", "Chester-le-Street"])
    assert found == {entity.text for entity in given.entities}


def test_results_say_how_they_came_about(tiny_ner):
    found = tiny_ner(TEXT)
    assert (found.model, found.device, found.precision, found.notes) == ("tiny", "CPU", "FP32", ())
    assert found.pieces == len(tiny_ner.tokenizer.encode_texts([TEXT])[0])
    assert found.windows == 1
    assert found.timings.tokenization > 0
    assert found.timings.inference > 0
    assert found.timings.decoding > 0
    assert (tiny_ner.tags, tiny_ner.labels) == (LABELS, ["PER", "ORG", "LOC", "MISC"])
    assert (tiny_ner.max_length, tiny_ner.name, tiny_ner.precision) == (64, "tiny", "FP32")
    assert tiny_ner.model_info["tag_scheme"] == "IOB2"
    assert repr(tiny_ner) == "<EntityRecognizer tiny FP32 on CPU: PER ORG LOC MISC>"


def test_whitespace_gives_each_word_of_running_text_the_type_of_its_first_piece(tiny_ner):
    """As NeMo, which splits texts at white space; tags that make no sequence give way to the likeliest."""
    choose = random.Random(3)
    known = ["Mary", "lives", "in", "Santa", "Clara.", "New", "York,", "Anna", "U.S.", "Paris.Mary", "x-ray"]
    known += ["it's", "(the", "An),", "NVIDIA!", "1,000"]
    compared = 0
    for _ in range(60):
        words = choose.choices(known, k=choose.randint(1, 8))
        text = choose.choice([" ", "  "]).join(words)
        [tags] = tiny_ner.tag([words])
        if any(tag[:2] == "I-" and tag[2:] != last[2:] for last, tag in itertools.pairwise(["O", *tags])):
            continue
        found = tiny_ner(text, aggregation="whitespace").entities
        end = 0
        for word, tag in zip(words, tags, strict=True):
            start = text.index(word, end)
            end = start + len(word)
            types = [entity.label for entity in found if entity.start < end and entity.end > start]
            assert types == ([] if tag == "O" else [tag[2:]]), (text, word)
            compared += 1
    assert compared > 50


def test_words_without_pieces_are_outside(tiny_ner):
    """A control character is nothing for BERT's tokenizer, as in NeMo and transformers."""
    [tags] = tiny_ner.tag([["Mary", "\x01", "\u200b", "lives"]])
    assert len(tags) == 4
    assert tags[1:3] == ["O", "O"]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"threshold": 7}, ValueError, "Threshold: expected a number from 0 to 1, found 7"),
        ({"threshold": float("nan")}, ValueError, "Threshold: .* found nan"),
        ({"threshold": "0.5"}, ValueError, "Threshold: .* found '0.5'"),
        ({"threshold": True}, ValueError, "Threshold: .* found True"),
        ({"labels": ["per"]}, ValueError, "There is no label 'per'; there are "),
        ({"labels": ["O"]}, ValueError, "There is no label 'O'"),
        ({"labels": ["B-PER"]}, ValueError, "There is no label 'B-PER'"),
        (
            {"labels": [5]},
            TypeError,
            r"labels: expected strings such as \['PER', 'LOC'\], found 5 among them",
        ),
        ({"labels": 5}, TypeError, "labels: expected strings .* found 5"),
        ({"labels": b"PER"}, TypeError, "labels: expected strings .* found b'PER'"),
        ({"aggregation": 5}, ValueError, "Unknown aggregation 5: expected one of"),
    ],
)
def test_options_that_could_only_give_nothing_are_told(tiny_ner, options, error, said):
    with pytest.raises(error, match=said):
        tiny_ner("Mary", **options)


@pytest.mark.parametrize("text", [{"Mary": 1}, {"Mary"}, frozenset({"Mary"})])
def test_words_are_in_order(tiny_ner, text):
    with pytest.raises(TypeError, match="Expected a text or a list of words, found"):
        tiny_ner(text)
