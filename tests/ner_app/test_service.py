import threading
import time
from types import SimpleNamespace

import pytest

from ner_app.gathering import Gathering
from ner_app.jobs import Cancelled
from ner_app.limits import LimitError, Limits
from ner_app.programs import Programs
from ner_app.service import Choice, ChoiceError, Service, filtered
from ner_app.text import text_functions
from tests.conftest import PATIENCE, wait_until
from tests.ner_app.conftest import save_lookup_model


def run_in_threads(count, work):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def test_texts_that_wait_are_answered_together_and_each_gets_its_own():
    batches, asked, answers = [], [], {}

    def run(texts):
        batches.append(len(texts))
        wait_until(lambda: len(asked) == 40)  # the first text is alone, all others come while it is computed
        time.sleep(0.02)
        return [text.upper() for text in texts]

    def ask(number):
        asked.append(number)
        answers[number] = gathering(f"text {number}")

    gathering = Gathering(run)
    run_in_threads(40, ask)
    assert answers == {number: f"TEXT {number}" for number in range(40)}
    assert sum(batches) == 40
    assert 1 < max(batches) <= 8


def test_a_text_that_nobody_waits_for_is_left_out_and_the_others_are_answered():
    ran = []
    running, gone = threading.Event(), threading.Event()

    def run(texts):
        ran.extend(texts)
        running.set()
        gone.wait(PATIENCE)
        return texts

    def left(done, total):
        if gone.is_set():
            raise Cancelled

    gathering = Gathering(run)
    answers = {}

    def ask(text, progress=None):
        try:
            answers[text] = gathering(text, progress)
        except Cancelled:
            answers[text] = "cancelled"

    threads = [threading.Thread(target=ask, args=("first",))]
    threads[0].start()
    assert running.wait(PATIENCE)
    for given in (("left", left), ("stayed",)):
        threads.append(threading.Thread(target=ask, args=given))
        threads[-1].start()
    wait_until(lambda: len(gathering._waiting) == 2)
    gone.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {"first": "first", "left": "cancelled", "stayed": "stayed"}
    assert ran == ["first", "stayed"]


def test_a_text_that_fails_does_not_spoil_the_others():
    def run(texts):
        time.sleep(0.02)
        if "bad" in texts:
            raise ValueError("bad text")
        return texts

    gathering = Gathering(run)
    answers = {}

    def ask(number):
        text = "bad" if number == 3 else f"good {number}"
        try:
            answers[number] = gathering(text)
        except ValueError as error:
            answers[number] = str(error)

    run_in_threads(10, ask)
    assert answers == {number: "bad text" if number == 3 else f"good {number}" for number in range(10)}


def test_visitors_at_once_get_what_one_gets_alone(service):
    choice = Choice("lookup", "CPU")
    texts = [f"{'Well, ' * (n % 7)}Mary lives in Santa Clara and works at NVIDIA." for n in range(40)]
    texts[5] = texts[5] * 60  # too long to be gathered
    alone = [service.recognize(text, choice) for text in texts]
    together = {}
    run_in_threads(40, lambda n: together.__setitem__(n, service.recognize(texts[n], choice)))
    for number, found in enumerate(alone):
        assert [e.to_dict() for e in together[number].entities] == [e.to_dict() for e in found.entities]
        assert together[number].text == texts[number]
    assert [(e.label, e.text) for e in alone[0].entities] == [
        ("PER", "Mary"), ("LOC", "Santa Clara"), ("ORG", "NVIDIA"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "choice",
    [
        Choice("../../etc"), Choice("/etc/passwd"), Choice("hf:owner/name"), Choice(""),
        Choice("bert-base-ner"), Choice("lookup", "NOSUCH"), Choice("lookup", "CPU", "INT4"),
        Choice("lookup", "CPU", "../FP32"),
    ],
)  # fmt: skip
def test_only_models_of_this_machine_can_be_named(service, choice):
    with pytest.raises(ChoiceError):
        service.recognize("Mary", choice)


def test_an_unknown_aggregation_is_named(service):
    with pytest.raises(ChoiceError, match="'best'; expected one of word"):
        service.recognize("Mary", Choice("lookup"), "best")


def test_limits_are_checked_before_anything_is_loaded():
    def load(*_, **__):
        pytest.fail("must not be loaded")

    service = Service("lookup", Limits(text_characters=5, batch_texts=1), load)
    with pytest.raises(LimitError):
        service.recognize("123456", Choice("lookup"))
    with pytest.raises(LimitError):
        service.recognize_batch(["1", "2"], Choice("lookup"))


def test_only_the_last_few_models_stay_in_memory_and_each_is_loaded_once():
    loaded = []

    def load(name, *, device, precision):
        loaded.append(device)
        time.sleep(0.01)
        return SimpleNamespace(device=device)

    service = Service("m", Limits(loaded_models=2), load)
    run_in_threads(10, lambda _: service.recognizer(Choice("m", "A")))
    assert loaded == ["A"]
    for device in ("B", "A", "C", "A", "B"):
        assert service.recognizer(Choice("m", device)).device == device
    assert loaded == ["A", "B", "C", "B"]


def test_a_failed_load_is_tried_again():
    answers = [RuntimeError("no library"), SimpleNamespace()]

    def load(*_, **__):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    service = Service("m", Limits(), load)
    with pytest.raises(ChoiceError, match="no library"):
        service.recognizer(Choice("m"))
    assert service.recognizer(Choice("m"))


def test_a_default_model_that_is_not_here_is_told_by_the_log_and_another_is_ready(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    service = Service("nothing-here")
    service.warm_up()
    assert service.ready
    assert not service.problem
    assert "The default model nothing-here is not on this machine; auto answers." in caplog.text


def test_the_filter_keeps_tags_by_their_type(service):
    found = service.recognize("Mary in Santa Clara", Choice("lookup"), "none")
    assert [e.label for e in filtered(found, labels=["LOC"]).entities] == ["B-LOC", "I-LOC"]
    assert [e.label for e in filtered(found, labels=["B-PER"]).entities] == ["B-PER"]


def test_what_a_model_holds_for_unlikely_comes_when_asked_for_and_is_redacted(tmp_path, monkeypatch):
    save_lookup_model(tmp_path, threshold="0.99")
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    service = Service("lookup")
    programs, tab = Programs(service), text_functions(service)
    text = "Mary met Dutch"

    def found(**options):
        one = programs.recognize({"text": text, **options})["entities"]
        assert one == programs.recognize_batch({"texts": [text], **options})[0]["entities"]
        return [entity["text"] for entity in one]

    assert found() == found(threshold=None) == ["Mary"]
    assert found(threshold=0) == found(threshold=0.5) == ["Mary", "Dutch"]
    answer = tab["recognize"]({"text": text, "job": "a", "model": "lookup"}, None)
    assert [entity[:2] for entity in answer["entities"]] == [[0, 4]]
    labels = [kind["label"] for kind in answer["kinds"]]
    sent = {"text": text, "labels": labels, "style": "number"} | answer
    assert tab["redact"](sent)["text"] == "PER_1 met MISC_1"
    sent["entities"] = [[5, 14, 0, 1]]  # a correction goes before what is only held for possible
    assert tab["redact"](sent)["text"] == "Mary PER_1"
