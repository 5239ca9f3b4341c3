"""The page, and what programs ask, where the language of the text chooses the model."""

import pytest

from ner_app.answers import answer, recognition_of
from ner_app.batch import joined
from ner_app.compare import combinations
from ner_app.documents import model_choices
from ner_app.limits import Limits
from ner_app.programs import Programs
from ner_app.samples import SAMPLES, samples_for
from ner_app.service import Choice, ChoiceError, Service
from ner_core import Recognition
from ner_core.entity import Answered
from ner_core.language import is_english

ENGLISH = "Mary lives in the New York of San Santa and An."
GERMAN = "Anna wohnt mit ihrer Mutter in der Stadt San Santa."
AUTO = Choice("auto", "CPU")


@pytest.fixture
def service(two_models, monkeypatch):
    monkeypatch.setenv("NER_MODELS_DIR", str(two_models))
    return Service()


def test_it_is_the_default_and_in_every_menu(service):
    assert next(iter(service.models().items())) == ("auto", ["INT8"])
    assert list(Service("minilm-ner").models())[:2] == ["minilm-ner", "auto"]
    assert model_choices(service)[0] == ("auto: by language", "auto")
    assert service.linked("auto", "CPU", "INT8") == (Choice("auto", "CPU", "INT8"), "")
    assert "auto" not in {one.choice.model for one in combinations(service)}


def test_each_text_is_answered_by_its_model(service):
    assert service.recognize(ENGLISH, AUTO).model == "minilm-ner"
    both = f"{ENGLISH}\n\n{GERMAN}"
    assert service.recognize(both, AUTO).entities == service.recognize_batch([both], AUTO)[0].entities
    assert service.recognize(GERMAN, AUTO).parts == (Answered(0, len(GERMAN), "multilingual-ner"),)
    mixed = service.recognize_batch([f"{ENGLISH}\n\n{GERMAN}"], AUTO)[0]
    assert mixed.model == "minilm-ner + multilingual-ner"


def test_models_are_loaded_when_needed_and_shared_with_those_that_are_named(two_models, monkeypatch):
    import model_zoo

    monkeypatch.setenv("NER_MODELS_DIR", str(two_models))
    asked = []
    service = Service(load=lambda name, **options: asked.append(name) or model_zoo.load(name, **options))
    service.recognize(ENGLISH, AUTO)
    assert asked == ["minilm-ner"]
    service.recognize(GERMAN, AUTO)
    service.recognizer(Choice("multilingual-ner", "CPU"))
    assert asked == ["minilm-ner", "multilingual-ner"]


def test_few_models_in_memory_are_enough(two_models, monkeypatch):
    monkeypatch.setenv("NER_MODELS_DIR", str(two_models))
    service = Service(limits=Limits(loaded_models=1))
    alone = [service.recognize(text, AUTO).entities for text in (ENGLISH, GERMAN, ENGLISH)]
    together = [one.entities for one in service.recognize_batch([ENGLISH, GERMAN, ENGLISH], AUTO)]
    assert [[one.text for one in some] for some in alone] == [[one.text for one in some] for some in together]
    assert len(service._loaded) == 1


def test_a_server_is_not_asked_for_two_models(service):
    with pytest.raises(ChoiceError, match="runs one model; name the model"):
        service.recognize(GERMAN, Choice("auto", "kserve://localhost:1/bert-base-ner"))


def test_programs_are_told_which_model_had_which_part(service):
    text = f"😀 {ENGLISH}\n\n{GERMAN}"
    found = Programs(service).recognize({"text": text, "device": "CPU", "offsets": "utf16"})
    border = len(ENGLISH) + 5
    assert found["parts"] == [
        {"start": 0, "end": border, "model": "minilm-ner"},
        {"start": border, "end": border + len(GERMAN), "model": "multilingual-ner"},
    ]


def test_an_answer_keeps_its_parts_on_the_way_through_the_browser(service):
    found = service.recognize(f"{ENGLISH}\n\n{GERMAN}", AUTO)
    sent = answer(found, ["PER", "ORG", "LOC", "MISC"])
    assert sent["about"]["parts"][1][2] == "multilingual-ner"
    back = {"text": found.text, "labels": [], "entities": [], "about": sent["about"]}
    assert recognition_of(back, most_characters=1000)[0].parts == found.parts
    for wrong in ("x", [3], [[0, 9]], [[-1, 2, "a"]], [[0, 9999, "a"]], [[0.0, 2, "a"]]):
        back["about"]["parts"] = wrong
        assert recognition_of(back, most_characters=1000)[0].parts == ()


def test_parts_of_a_long_document_are_put_together():
    one = Recognition("ab", (), model="a", parts=(Answered(0, 2, "a"),))
    two = Recognition("cdef", (), model="a + b", parts=(Answered(0, 1, "a"), Answered(1, 4, "b")))
    whole = joined("abcdef", [(0, one), (2, two)])
    assert whole.parts == (Answered(0, 3, "a"), Answered(3, 6, "b"))
    assert whole.model == "a + b"


def test_samples_in_six_more_languages_where_their_model_is():
    assert [one.language for one in samples_for(["auto", "minilm-ner"])] == ["en"] * 4
    assert len({one.language for one in samples_for(["multilingual-ner"])}) == 7
    assert [is_english(one.text) for one in SAMPLES] == [one.language == "en" for one in SAMPLES]
