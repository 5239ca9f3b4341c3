"""One model for English and one for the rest: each part is answered as its model answers it, in order."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_core import EntityRecognizer, Recognition, Timings
from ner_core.entity import Answered
from ner_core.language import language_parts
from ner_core.routing import LanguageRecognizer
from tests.tiny_bert import TINY_LABELS

ENGLISH = "Mary lives in the New York of San Santa and An."
GERMAN = "Anna wohnt mit ihrer Mutter in der Stadt San Santa."
GREEK = "αβγ αβ γα βγ"
MIXED = f"{ENGLISH}\n\n{GERMAN}\n{GREEK}\n\nSan Clara\n\n{ENGLISH}"
MISSING = "No model for other languages is here."


@pytest.fixture(scope="module")
def models(tiny_ir):
    """Two models that never agree: the labels of the second are those of the first, in another order."""
    turned = [TINY_LABELS[0], *TINY_LABELS[3:], *TINY_LABELS[1:3]]
    return {
        True: EntityRecognizer.from_ir(tiny_ir, device="CPU", name="english"),
        False: EntityRecognizer.from_ir(tiny_ir, device="CPU", name="others", labels=turned),
    }


@pytest.fixture(scope="module")
def auto(models):
    return LanguageRecognizer(models.__getitem__)


def bare(found: Recognition) -> Recognition:
    """What was found, without times and without who answered; scores as far as batches leave them alone."""
    entities = tuple(replace(entity, score=round(entity.score, 3)) for entity in found.entities)
    return replace(found, entities=entities, timings=Timings(), parts=())


def test_english_is_answered_as_the_model_for_english_does(auto, models):
    found = auto(ENGLISH)
    assert found.entities
    assert bare(found) == bare(models[True](ENGLISH))
    assert found.parts == (Answered(0, len(ENGLISH), "english"),)
    assert found.to_dict()["parts"] == [{"start": 0, "end": len(ENGLISH), "model": "english"}]


@pytest.mark.parametrize("text", [GERMAN, GREEK])
def test_other_languages_are_answered_as_the_other_model_does(auto, models, text):
    assert bare(auto(text)) == bare(models[False](text))
    assert auto(text).model == "others"


@pytest.mark.parametrize("aggregation", ["word", "none", "whitespace"])
def test_parts_are_what_their_model_says_in_this_context(auto, models, aggregation):
    found = auto(MIXED, aggregation=aggregation)
    assert [part.model for part in found.parts] == ["english", "others", "english"]
    assert found.model == "english + others"
    assert found.text == MIXED
    expected = []
    for part in found.parts:
        whole = models[part.model == "english"](MIXED, aggregation=aggregation)
        expected += [one for one in whole.entities if part.start <= one.start < part.end]
    assert bare(found).entities == bare(replace(found, entities=tuple(expected))).entities
    assert all(MIXED[one.start : one.end] == one.text for one in found.entities)
    assert found.pieces == models[True](MIXED).pieces


def test_options_reach_both_models(auto):
    found = auto(MIXED, labels=["PER"], threshold=0.4)
    assert {entity.label for entity in found.entities} == {"PER"}
    assert min(entity.score for entity in found.entities) >= 0.4
    with pytest.raises(ValueError, match="aggregation"):
        auto(MIXED, aggregation="bogus")


texts = st.lists(
    st.one_of(
        st.sampled_from([ENGLISH, GERMAN, GREEK, MIXED, "", "\n", "San"]), st.text("San \nαβ.", max_size=20)
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(texts, st.integers(1, 200))
def test_a_stream_gives_what_each_text_gives_alone(auto, chosen, look_ahead):
    together = list(auto.stream(iter(chosen), look_ahead=look_ahead))
    assert [bare(one) for one in together] == [bare(auto(text)) for text in chosen]
    assert [one.parts for one in together] == [auto(text).parts for text in chosen]


def test_words_go_to_one_model(auto, models):
    words = GERMAN.split()
    found = auto(words)
    assert found.words == tuple(words)
    assert bare(found) == bare(models[False](words))
    assert found.parts[0].model == "others"


def test_what_comes_before_a_failure_is_answered(auto):
    def broken():
        yield from [ENGLISH, GERMAN, MIXED] * 3
        raise ConnectionError

    seen = []
    with pytest.raises(ConnectionError):
        seen.extend(found.text for found in auto.stream(broken()))
    assert seen == [ENGLISH, GERMAN, MIXED] * 3


def test_segments_of_documents(auto, models):
    text = f"{ENGLISH} {GERMAN}"
    border = len(ENGLISH)
    segments = [(0, border), (border + 1, len(text))]
    (found,) = auto.batch([text], segments=[segments])
    assert found.parts == (
        Answered(0, border + 1, "english"),
        Answered(border + 1, len(text), "others"),
    )
    with pytest.raises(ValueError):
        auto.batch([text, text], segments=[segments])


def test_names_in_a_document_go_with_what_is_around_them(auto, models):
    texts = ["San Santa", GERMAN, "San Clara", MIXED, ""]
    found = list(auto.document(texts, labels=["PER", "LOC"]))
    assert [one.model for one in found] == ["others", "others", "others", "english + others", "english"]
    assert bare(found[2]) == bare(models[False]("San Clara", labels=["PER", "LOC"]))
    assert next(auto.stream(texts)).model == "english"
    assert bare(next(models[True].document(texts))) == bare(models[True](texts[0]))


def test_tags_come_from_the_model_of_the_sentence(auto, models):
    sentences = [ENGLISH.split(), GERMAN.split(), ENGLISH.split()]
    expected = [
        next(models[english].tag([words])) for words, english in zip(sentences, [1, 0, 1], strict=True)
    ]
    assert list(auto.tag(sentences)) == expected


def test_a_stream_reads_no_further_than_it_must(auto):
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield GERMAN if drawn == 3 else ENGLISH

    results = auto.stream(endless(), look_ahead=10 * len(ENGLISH))
    for _ in range(100):
        next(results)
        assert drawn < 200


def test_what_is_no_text_is_refused_at_once(auto):
    with pytest.raises(TypeError, match="one str"):
        auto.stream(ENGLISH)
    with pytest.raises(TypeError, match="found int"):
        auto.batch([ENGLISH, 3])


def test_the_second_model_is_loaded_when_a_text_needs_it(models):
    asked = []
    auto = LanguageRecognizer(lambda english: asked.append(english) or models[english])
    auto(ENGLISH)
    assert False not in asked
    auto(GERMAN)
    assert False in asked
    assert set(auto.labels) == {"PER", "ORG", "LOC", "MISC"}


def test_without_a_second_model_the_first_answers_and_says_so(models):
    auto = LanguageRecognizer({True: models[True]}.__getitem__, missing=MISSING)
    assert auto.notes == models[True].notes
    for text in (GERMAN, MIXED, GERMAN.split()):
        found = auto(text)
        assert MISSING in found.notes
        assert bare(found).entities == bare(models[True](text)).entities
        assert found.parts == (Answered(0, len(found.text), "english"),)
    assert MISSING not in auto(ENGLISH).notes
    assert auto.notes[-1] == MISSING


def load_in_a_process(english):
    raise AssertionError("only its name is pickled")


def test_what_is_pickled_is_how_models_are_loaded(auto):
    auto = LanguageRecognizer.__new__(LanguageRecognizer)
    auto.name, auto._load, auto._missing, auto._scripts = "auto", load_in_a_process, "", frozenset()
    with pytest.raises(AssertionError):
        pickle.loads(pickle.dumps(auto))


def test_a_script_that_no_model_knows_is_noted(models):
    auto = LanguageRecognizer(models.__getitem__, scripts=("LATIN", "CYRILLIC"))
    before = auto.notes
    for text in (ENGLISH, GERMAN, "Анна живёт в Москве"):
        assert auto(text).notes == models[text == ENGLISH].notes
    assert auto.notes == before
    for text in (GREEK, f"{ENGLISH}\n\n{GREEK}", GREEK.split()):
        (note,) = set(auto(text).notes) - set(before)
        assert "Greek letters" in note
    assert auto.notes == (*before, note)
    assert bare(auto(GREEK)).entities == bare(models[False](GREEK)).entities


def test_it_describes_itself(auto):
    assert repr(auto) == "<EntityRecognizer auto FP32 on CPU: PER ORG LOC MISC>"


def test_language_parts_of_the_mixed_text():
    assert [part.english for part in language_parts(MIXED)] == [True, False, True]
