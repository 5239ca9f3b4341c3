"""A loaded recognizer in other processes: forked, pickled, and several at once."""

import multiprocessing
import pickle

import pytest

from ner_core import EntityRecognizer
from ner_core.decoding import Decoder

TEXTS = ["Mary lives in Santa Clara.", "An of the", ""]


def spans(found):
    return [(entity.start, entity.end, entity.label) for entity in found.entities]


FORK = "fork" in multiprocessing.get_all_start_methods()


def _ask(results, recognizer, path):
    """Ask the recognizer that was forked, and load another, in a forked process."""
    calls = [lambda: recognizer(TEXTS[0]), lambda: EntityRecognizer.from_ir(path, device="CPU")]
    results.put([_outcome(call) for call in calls])


def _outcome(call):
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - the kind is what is tested
        return f"{type(error).__name__}: {error}"


@pytest.mark.skipif(not FORK, reason="this system does not fork")
def test_a_forked_process_is_told_at_once_instead_of_waiting_for_ever(tiny_ner, tiny_ir):
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_ask, args=(results, tiny_ner, tiny_ir / "tiny.xml"))
    process.start()
    process.join(60)
    assert not process.is_alive()
    assert not results.empty()
    for outcome in results.get():
        assert outcome.startswith("ForkedProcessError: OpenVINO was used before this process was forked")
    assert tiny_ner(TEXTS[0]).text == TEXTS[0]


def test_a_pickled_recognizer_is_loaded_anew(tiny_ir):
    ner = EntityRecognizer.from_ir(tiny_ir / "tiny.xml", device="CPU", window=20, name="mine")
    ner.threshold, ner.aggregation = 0.3, "first"
    sent = pickle.dumps(ner)
    assert len(sent) < 2_000
    other = pickle.loads(sent)
    assert (other.name, other.threshold, other.aggregation, other.labels) == (
        "mine",
        0.3,
        "first",
        ner.labels,
    )
    assert [spans(found) for found in other.batch(TEXTS)] == [spans(found) for found in ner.batch(TEXTS)]


def test_one_that_was_put_together_says_that_it_cannot_be_sent(tiny_ner):
    made = EntityRecognizer(tiny_ner._engine, tiny_ner.tokenizer, tiny_ner.tags)
    assert isinstance(made._decoder, Decoder)
    with pytest.raises(TypeError, match="Only a recognizer that from_ir made can go to another process"):
        pickle.dumps(made)
