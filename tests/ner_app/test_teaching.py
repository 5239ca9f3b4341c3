"""Teach: what corrections become, what is refused, and that a lesson makes a model that is better at them."""

import re
import time

import pytest

import model_zoo
from ner_app.lessons import LessonError, make_lesson
from ner_app.limits import Limits
from ner_app.models import models_functions
from ner_app.samples import SAMPLES
from ner_app.service import Choice, Service
from ner_app.teaching import Teaching, start_of, teach_functions
from ner_core import Entity, Recognition

FIRMS = ("Blue Fern", "Old Harbour", "Quiet River", "Red Maple", "Stone Lantern", "Green Gate", "Iron Kettle")
SHAPES = ("Our order from {} is late.", "{} has not paid yet.", "Please call {} about it.")


def corrected(text, *names):
    found = [
        Entity(text.index(name), text.index(name) + len(name), label, 1.0, name) for name, label in names
    ]
    return Recognition(text, tuple(found))


def test_a_lesson_has_what_is_wrong_and_what_is_right_once_each(service):
    ner = model_zoo.load("lookup", device="CPU")
    new = [
        corrected(f"Mary and Bob number {number}.", ("Mary", "PER"), ("Bob", "PER")) for number in range(9)
    ]
    same = corrected(
        "Mary\n\nsings in\nRotterdam\n\nPriya", ("Mary", "PER"), ("Rotterdam", "LOC"), ("Priya", "PER")
    )
    lesson = make_lesson(ner, [*new, *new, same], ["Acme pays.", "Mary"])
    assert len(lesson.corrected) == 8
    assert [" ".join(one.words) for one in lesson.held_corrected] == ["Mary and Bob number 4 ."]
    assert lesson.held_corrected[0].tags == ["B-PER", "O", "B-PER", "O", "O", "O"]
    assert [" ".join(one.words) for one in lesson.kept] == ["Mary", "sings in", "Rotterdam", "Priya"]
    assert [" ".join(one.words) for one in lesson.held_kept] == ["Acme pays ."]
    assert lesson.score(ner) == (pytest.approx(2 / 3), 1.0)


def test_a_lesson_writes_what_the_fine_tuner_reads(service, tmp_path):
    ner = model_zoo.load("lookup", device="CPU")
    texts = [corrected(f"Bob {number}", ("Bob", "PER")) for number in range(5)]
    make_lesson(ner, texts, ["Acme pays."]).write(tmp_path)
    assert (tmp_path / "corrected.conll").read_text().split("\n")[:3] == ["Bob\tB-PER", "0\tO", ""]
    assert (tmp_path / "kept.conll").read_text() == "Acme\tB-ORG\npays\tO\n.\tO\n"


def test_too_little_or_foreign_is_no_lesson(service):
    ner = model_zoo.load("lookup", device="CPU")
    with pytest.raises(LessonError, match=r"^1 of the 5 corrected passages that a lesson needs"):
        make_lesson(ner, [corrected("Bob sings", ("Bob", "PER"))], [])
    with pytest.raises(LessonError, match=r"labels that this model does not have \(CITY\)"):
        make_lesson(ner, [corrected("Bob sings", ("Bob", "CITY"))], [])


def test_strangers_cannot_teach():
    assert teach_functions(Service("minilm-ner", Limits(public=True)), []) == {}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": ""}, "Name the model with letters"),
        ({"name": "../x"}, "Name the model with letters"),
        ({"name": "minilm-ner"}, "There is a model minilm-ner already"),
        ({"name": "lookup"}, "There is a model lookup already"),
        ({"name": "new", "model": "/etc"}, "is not on this machine"),
        ({"name": "new", "model": "lookup"}, "Expected corrected texts"),
        ({"name": "new", "model": "lookup", "texts": []}, "0 of the 5 corrected passages"),
        ({"name": "new", "model": "lookup", "texts": [{"text": "a"}]}, "Expected the labels"),
        (
            {"name": "new", "model": "lookup", "texts": [{"text": "a", "labels": ["a\tb"]}]},
            "up to 1,000 labels",
        ),
        ({"name": "new", "model": "lookup", "texts": [{"text": "a", "labels": ["A"] * 1001}]}, "up to 1,000"),
    ],
)
def test_what_cannot_be_taught_is_a_sentence(service, sent, said):
    assert said in teach_functions(service, [])["teach"](sent)["error"]


def test_what_is_collected_so_far_is_told(service):
    so_far = teach_functions(service, [])["lesson_so_far"]
    texts = [{"text": f"Bob {number}", "labels": ["PER"], "entities": [[0, 3, 0, 1]]} for number in range(6)]
    right = {"text": "Mary", "labels": ["PER"], "entities": [[0, 4, 0, 1]]}
    said = so_far({"model": "lookup", "texts": [*texts[:2], right]})["said"]
    assert said == "2 of the 5 corrected passages that a lesson needs: 3 more. 1 passage was right as it was."
    assert (
        "lookup learns from 5 and is measured on the other 1"
        in so_far({"model": "lookup", "texts": texts})["said"]
    )
    assert so_far({"model": "lookup", "texts": []})["said"].startswith("0 of the 5 corrected passages")
    foreign = [{"text": "Bob", "labels": ["CITY"], "entities": [[0, 3, 0, 1]]}]
    assert "labels that this model does not have" in so_far({"model": "lookup", "texts": foreign})["error"]


def test_the_corrections_are_compared_with_the_model_that_is_taught(service):
    assert (
        "Comparing the corrections with lookup" in Teaching("new", service, Choice("lookup"), [], []).view()
    )


def test_a_lesson_starts_from_what_is_here(service):
    assert start_of("lookup").suffix == ".xml"
    with pytest.raises(LessonError, match="cannot be taught here"):
        start_of("bert-base-ner")


@pytest.mark.nightly  # starts torch
def test_a_model_that_cannot_be_read_back_is_not_taught(service, lookup_models):
    functions = teach_functions(service, ["Mary lives in Paris."] * 5)
    texts = [{"text": f"Bob {number}", "labels": ["PER"], "entities": [[0, 3, 0, 1]]} for number in range(5)]
    ended = finished(functions, functions["teach"]({"name": "new", "model": "lookup", "texts": texts}))
    assert "new was not made" in ended["html"]
    assert "its weights cannot be identified by name" in ended["html"]
    assert "made" not in ended
    assert sorted(path.name for path in lookup_models.iterdir()) == ["public"]
    assert not (lookup_models / "public" / "new").exists()


@pytest.mark.nightly  # trains and converts the embedded model: no smaller one knows what could be corrected
def test_a_lesson_makes_a_model_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    service = Service("minilm-ner")
    functions = teach_functions(service, [sample.text for sample in SAMPLES])
    texts = []
    for text in (shape.format(firm) for firm in FIRMS for shape in SHAPES):
        firm = next(firm for firm in FIRMS if firm in text)
        start = text.index(firm)
        texts.append({"text": text, "labels": ["ORG"], "entities": [[start, start + len(firm), 0, 1]]})
    ended = finished(functions, functions["teach"]({"name": "my-ner", "model": "minilm-ner", "texts": texts}))
    assert ended.get("made") == "my-ner", ended["html"]
    assert "It is better at corrections that it was not shown." in ended["html"]
    assert service.models()["my-ner"] == ["FP16"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["public"]
    ner = model_zoo.load("my-ner", device="CPU")
    assert [e.label for e in ner("Please call Copper Anchor about it.").entities] == ["ORG"]
    assert [e.text for e in ner("Mary lives in Santa Clara and works at NVIDIA.").entities] == [
        "Mary",
        "Santa Clara",
        "NVIDIA",
    ]
    models = models_functions(service)
    cards = models["zoo_cards"]({})["html"]
    assert 'data-use="my-ner"' in cards
    assert re.search(r"F1 [01]\.\d{3} on \d corrections? held out, [01]\.\d{3} before", cards)
    assert "Deleted" in models["remove"]({"name": "my-ner"})["said"]
    assert "my-ner" not in service.models()


def finished(functions, begun):
    assert "token" in begun, begun
    deadline = time.monotonic() + 1200
    while not (found := functions["look_taught"](begun)).get("ended"):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found
