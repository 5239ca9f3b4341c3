"""Answers between server and browser: what comes back is checked, and what is wrong refused in words."""

import json
from collections import Counter

import pytest

from ner_app.answers import AnswerError, recognition_of
from ner_app.kinds import kinds
from ner_app.long_texts import answers_by_part, stream_with_share
from ner_app.service import Choice
from ner_app.text import EXPORTS, text_functions
from ner_core.corpus import read_conll
from ner_core.entity import joined

TEXT = "Mary sings 😀 in Rome."


def sent(**changed):
    return {"text": TEXT, "labels": ["PER", "LOC"], "entities": [[0, 4, 0, 1], [16, 20, 1, 0.5]]} | changed


def test_an_answer_that_comes_back_is_the_recognition_that_it_was():
    found, labels = recognition_of(sent(about={"model": "m", "device": 5}), most_characters=100)
    assert [(e.text, e.label, e.score) for e in found.entities] == [
        ("Mary", "PER", 1.0),
        ("Rome", "LOC", 0.5),
    ]
    assert (found.model, found.device, labels) == ("m", "5", ["PER", "LOC"])


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], "x", {}, {"text": 5}, sent(text="x" * 101), sent(labels=None), sent(labels=[5]),
        sent(entities=[[0, 4, 0]]), sent(entities=[[0, 4, 2, 1]]), sent(entities=[[4, 4, 0, 1]]),
        sent(entities=[[0, 40, 0, 1]]), sent(entities=[[-1, 4, 0, 1]]), sent(entities=[[0, 4, 0, 7]]),
        sent(entities=[[0, 4, 0, True]]), sent(entities=[[5, 6, 0, 1], [0, 4, 0, 1]]),
        sent(entities=[[0, 4, 0, 1], [3, 6, 0, 1]]), sent(entities=["0401"]), sent(entities=[[0.0, 4, 0, 1]]),
        sent(entities=[[0, 4, 0, float("nan")]]), sent(entities=5),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(wrong):
    with pytest.raises(AnswerError):
        recognition_of(wrong, most_characters=100)


def test_the_functions_of_the_tab_refuse_with_a_sentence_and_bear_any_text(service):
    functions = text_functions(service)
    for name in ("regroup", "redact", "export"):
        assert "error" in functions[name]({"text": 5, "format": "JSON", "style": "number"})
    assert "format" in functions["export"](sent(format="EXE"))["error"]
    assert "style" in functions["redact"](sent(style="hash"))["error"]
    for name in EXPORTS:
        assert functions["export"](sent(format=name))["content"]
    odd = "Mary \ud800 met\0 Mary"
    for name, more in (("export", {"format": "JSON"}), ("redact", {"style": "number"}), ("regroup", {})):
        answered = functions[name](sent(text=odd, entities=[[0, 4, 0, 1]], **more))
        json.dumps(answered, ensure_ascii=False).encode()  # as the web server writes it
    found = functions["recognize"]({"text": odd, "job": "a", "model": "lookup", "device": "CPU"}, None)
    json.dumps(found, ensure_ascii=False).encode()
    assert [entity[:2] for entity in found["entities"]] == [[0, 4], [12, 16]]
    assert functions["recognize"]({"text": "Mary", "model": "nothing"}, None)["choice"]


def test_labels_are_as_many_colours_in_full_words():
    described = kinds([f"LABEL_{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"])
    assert len({kind.color for kind in described}) == 26
    labels = ["PERSON", "BANK_ACCOUNT", "B-LOC", "ADDRESS", "WORK_OF_ART", "MONEY"]
    words = ["people", "bank accounts", "places", "addresses", "works of art", "amounts of money"]
    assert [kind.many for kind in kinds(labels)] == words


def test_training_data_is_read_by_the_readers_of_corpora(service, tmp_path):
    written = text_functions(service)["export"](sent(format="training data"))["content"]
    (tmp_path / "training.conll").write_text(written, "utf-8")
    sentences = list(read_conll(tmp_path / "training.conll"))
    assert [tag for sentence in sentences for tag in sentence.tags if tag != "O"] == ["B-PER", "B-LOC"]


def test_names_are_counted_by_type_where_pieces_stay_apart(service):
    asked = {"text": "Priya Raman met Mary in Santa Clara.", "model": "lookup", "aggregation": "none"}
    found = text_functions(service)["recognize"](asked, None)
    counts = Counter(found["kinds"][group["kind"]]["many"] for group in found["groups"])
    assert counts == {"people": 3, "places": 2}
    assert len({group["kind"] for group in found["groups"]}) == 2  # one box for each in the browser
    assert {found["kinds"][kind]["label"] for *_, kind, _ in found["entities"]} > {"B-PER", "I-PER"}


LONG = "Mary sings 😀 in Rotterdam.\n\nPriya Raman\nwalks.\n\n" * 500


def test_a_long_text_in_parts_is_the_whole_text(service):
    shares = []
    choice = Choice("lookup", "CPU")
    parts = list(answers_by_part(service, LONG, choice, progress=lambda *step: shares.append(step)))
    assert len(parts) == 3
    whole = service.recognizer(choice)(LONG)
    assert joined(LONG, parts).entities == whole.entities
    assert [done for done, _ in shares] == sorted(done for done, _ in shares)
    assert shares[-1] == (len(LONG), len(LONG))
    assert len(list(answers_by_part(service, LONG, choice, "first"))) == 1


def test_what_is_done_of_a_round_never_falls_before_its_results():
    class TwoModels:
        def stream(self, texts, *, progress):
            for text in texts:
                for step in ((0, 1), (1, 2), (0, 1), (2, 2), (0, 1), (1, 3), (3, 3)):
                    progress(*step)
                yield text

    shares = []
    assert list(stream_with_share(TwoModels(), ["a", "b"], shares.append)) == ["a", "b"]
    assert shares == [0, 0.5, 0.5, 1, 1, 1, 1] * 2


def test_parts_are_news_and_stay_when_the_rest_is_not_wanted(service, monkeypatch):
    functions = text_functions(service)
    asked = {"text": LONG, "job": "j", "model": "lookup", "device": "CPU"}
    news = []

    def two_parts(*given):
        for number, part in enumerate(answers_by_part(*given)):
            yield part
            news.append(functions["progress"]({"job": "j", "have": number}))
            if number == 1:
                functions["cancel"]({"job": "j"})

    monkeypatch.setattr("ner_app.text.answers_by_part", two_parts)
    found = functions["recognize"](asked, None)
    assert found["cancelled"]
    assert found["end"] == news[-1]["parts"][0]["end"] < len(LONG)
    entities = [
        [start + part["start"], end + part["start"], kind, score]
        for one in news
        for part in one["parts"]
        for start, end, kind, score in part["entities"]
    ]
    assert entities == found["entities"]
    assert functions["progress"]({"job": "j"}) is None
