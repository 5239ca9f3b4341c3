"""``model_zoo.load("auto")``: which of the two models, and what it says when one is not there."""

import pickle
import shutil
from types import SimpleNamespace

import pytest

import model_zoo
from model_zoo import by_language
from ner_core.entity import Answered

ENGLISH = "Mary lives in the New York of San Santa and An."
GERMAN = "Anna wohnt mit ihrer Mutter in der Stadt San Santa."


@pytest.fixture
def without_the_second(monkeypatch):
    monkeypatch.setattr(by_language, "OTHER_LANGUAGES_MODEL", "no-such-model")


def test_each_language_has_its_model(two_models):
    ner = model_zoo.load("auto", device="CPU", models_dir=two_models, threshold=0.1)
    assert ner.name == "auto"
    assert ner(ENGLISH).model == "minilm-ner"
    assert ner(GERMAN).parts == (Answered(0, len(GERMAN), "multilingual-ner"),)
    assert ner.batch([GERMAN, ENGLISH])[0].entities == ner(GERMAN).entities
    again = pickle.loads(pickle.dumps(ner))
    assert again(GERMAN).entities == ner(GERMAN).entities


def test_the_second_model_may_be_missing(two_models, without_the_second):
    ner = model_zoo.load("auto", device="CPU", models_dir=two_models)
    assert not ner(ENGLISH).notes
    found = ner(GERMAN)
    assert found.model == "minilm-ner"
    assert "does not look English" in found.notes[-1]
    assert list(model_zoo.find("auto", two_models)) == ["INT8"]


def test_precisions_are_those_of_both(two_models):
    folder = two_models / "public" / "minilm-ner" / "FP32"
    shutil.copytree(folder.parent / "INT8", folder)
    try:
        assert list(model_zoo.find("auto", two_models)) == ["INT8"]
        with pytest.raises(
            model_zoo.ModelNotFoundError, match="multilingual-ner has no FP32 here, only INT8"
        ):
            model_zoo.load("auto", device="CPU", models_dir=two_models, precision="FP32")
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("option", ["tokenizer", "labels"])
def test_what_describes_one_model_needs_its_name(option):
    with pytest.raises(ValueError, match=f"{option} cannot be given; name the model"):
        model_zoo.load("auto", **{option: ["O"]})


def test_a_server_runs_one_model(monkeypatch):
    loaded = []
    monkeypatch.setattr(
        "ner_core.recognizer.EntityRecognizer.from_ir", lambda path, **options: loaded.append(path.name)
    )
    model_zoo.load("auto", device="kserve://localhost:8000/minilm-ner")
    assert loaded == ["minilm-ner.xml"]
    with pytest.raises(ValueError, match="runs one model; name the model"):
        model_zoo.load("auto", device="kserve://localhost:8000/bert-base-ner")


def test_models_that_somebody_else_keeps(two_models):
    asked = []
    model = SimpleNamespace(
        **dict.fromkeys(["tokenizer", "tags", "max_length", "precision", "model_info", "aggregation"]),
        threshold=0.0,
        raw_scores=False,
    )
    by_language.recognizer_by_language(lambda name: asked.append(name) or model, two_models)
    assert asked == ["minilm-ner"]
