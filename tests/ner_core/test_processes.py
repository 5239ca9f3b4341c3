"""A loaded recognizer in other processes: forked, pickled, and several at once."""

import multiprocessing
import os
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
    results.put((os.getpid(), spans(recognizer(TEXTS[0]))))
    other = EntityRecognizer.from_ir(path, device="CPU")
    results.put([spans(found) for found in other.batch([*TEXTS, "Mary " * 200])])
    results.put((other.device, other.compute, other.labels))
    for wrong in ({"device": "GPU.7"}, {"compute": "fast"}, {"path": path.with_name("none.xml")}):
        try:
            EntityRecognizer.from_ir(**{"path": path} | wrong)
        except (ValueError, OSError) as error:  # noqa: PERF203
            results.put(f"{type(error).__name__}: {error}")


@pytest.mark.skipif(not FORK, reason="this system does not fork")
def test_a_forked_process_answers_with_what_was_loaded_before_and_after(tiny_ir):
    ner = EntityRecognizer.from_ir(tiny_ir / "tiny.xml", device="CPU")
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_ask, args=(results, ner, tiny_ir / "tiny.xml"), daemon=True)
    process.start()
    process.join(600)
    assert process.exitcode == 0
    number, found = results.get()
    assert number != os.getpid()
    assert found == spans(ner(TEXTS[0]))
    assert results.get() == [spans(found) for found in ner.batch([*TEXTS, "Mary " * 200])]
    assert results.get() == ("CPU", ner.compute, ner.labels)
    assert results.get().startswith("DeviceError: This machine has no device GPU.7")
    assert results.get().startswith("ValueError: Unknown compute 'fast'")
    assert results.get().startswith("FileNotFoundError: ")
    assert ner(TEXTS[0]).text == TEXTS[0]


def _outcome(results, recognizer):
    try:
        recognizer(TEXTS[0])
    except Exception as error:  # noqa: BLE001 - the kind is what is tested
        results.put(f"{type(error).__name__}: {error}")


@pytest.mark.skipif(not FORK, reason="this system does not fork")
def test_one_that_was_put_together_is_told_at_once_instead_of_waiting_for_ever(tiny_ner):
    made = EntityRecognizer(tiny_ner._engine, tiny_ner.tokenizer, tiny_ner.tags)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_outcome, args=(results, made))
    process.start()
    process.join(600)
    assert process.exitcode == 0
    assert results.get().startswith("ForkedProcessError: OpenVINO was used before this process was forked")


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
    with pytest.raises(TypeError, match="Only a recognizer created by from_ir can be pickled"):
        pickle.dumps(made)
