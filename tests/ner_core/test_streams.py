"""Streams of texts: what is drawn and when, the batches that come of it, and progress."""

import pytest

from ner_core import rounds
from ner_core.recognizer import EntityRecognizer
from tests.conftest import assert_alike

TEXT = "Mary lives in Santa Clara. The Yorkers landed in 中国, and Jos\u00e9 e\u0301t\u0301 too.\n"


@pytest.fixture
def short_rounds(monkeypatch):
    """Rounds of 64 texts: the rules are those of 1024."""
    monkeypatch.setattr(rounds, "ROUND_TEXTS", 64)


def test_streams_are_lazy_and_bounded(tiny_ner, short_rounds):
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield f"Mary {drawn} lives in New York"

    stream = tiny_ner.stream(endless())
    assert drawn == 0
    for expected in range(1, 3 * rounds.ROUND_TEXTS):
        assert next(stream).text == f"Mary {expected} lives in New York"
        assert drawn <= expected + 2 * rounds.ROUND_TEXTS
    stream.close()


def test_a_stream_looks_no_further_ahead_than_it_is_told(tiny_ner):
    texts = [f"Mary {number} lives in New York" for number in range(300)]
    drawn = 0

    def watched():
        nonlocal drawn
        for text in texts:
            drawn += len(text)
            yield text

    seen = 0
    stream = tiny_ner.stream(watched(), look_ahead=1_000)
    for found, expected in zip(stream, tiny_ner.batch(texts), strict=True):
        assert_alike(found, expected)
        seen += len(found.text)
        assert drawn <= seen + 2 * (1_000 + len(texts[-1]))


@pytest.mark.parametrize("number", [0, 1, 63, 64, 200])
def test_what_comes_before_a_failure_is_answered(tiny_ner, short_rounds, number):
    def broken():
        yield from [TEXT] * number
        raise ConnectionError

    seen = []
    with pytest.raises(ConnectionError):
        seen.extend(found.text for found in tiny_ner.stream(broken()))
    assert seen == [TEXT] * number
    with pytest.raises(TypeError, match="found int"):
        tiny_ner.batch([TEXT, 5])


def test_a_stream_may_be_left_open_while_others_run(tiny_ner, short_rounds):
    streams = [tiny_ner.stream([TEXT] * 3 * rounds.ROUND_TEXTS) for _ in range(8)]
    first = [next(stream) for stream in streams]
    assert all(found.entities == first[0].entities for found in first)
    assert tiny_ner(TEXT).entities


@pytest.fixture
def batches_of(monkeypatch):
    """Make a recognizer record the batches that its engine gets."""

    def record(ner):
        seen = []
        run = ner._engine.run

        def watched(batches):
            for batch in batches:
                seen.append(batch)
                yield batch

        monkeypatch.setattr(ner._engine, "run", lambda batches: run(watched(batches)))
        return seen

    return record


def test_the_engine_is_told_how_many_batches_follow(tiny_ner, batches_of, short_rounds):
    seen = batches_of(tiny_ner)
    tiny_ner("Mary lives in Santa Clara. " * 200)
    told = [batch.following for batch in seen]
    assert len(told) > 2
    assert told == list(reversed(range(len(told))))

    seen.clear()
    tiny_ner.batch(["Mary lives in Santa Clara."] * (2 * rounds.ROUND_TEXTS))  # two rounds
    assert [batch.following for batch in seen] == list(reversed(range(len(seen))))
    seen.clear()
    list(tiny_ner.stream(text for text in ["Mary"] * (2 * rounds.ROUND_TEXTS)))  # who knows how many
    assert [batch.following for batch in seen].count(0) == 2


@pytest.mark.parametrize("window", [None, 49])
def test_the_engine_gets_few_lengths_and_no_more_padding_than_that_takes(tiny_ir, batches_of, window):
    ner = EntityRecognizer.from_ir(tiny_ir, device="CPU", window=window)
    limit = ner._pipeline.length + 2
    seen = batches_of(ner)
    longest = 0
    for count in range(1, 120):
        seen.clear()
        ner(["Mary"] * count)
        *_, last = seen
        real, length = last.attention_mask.sum(axis=1).max(), last.input_ids.shape[1]
        rows = sum(len(batch.input_ids) for batch in seen)
        step = rounds._LENGTH_STEP if rows > 1 else rounds._LENGTH_STEP_ALONE
        assert length - real < step
        assert length % step == 0 or length == limit
        longest = max(longest, *(batch.input_ids.shape[1] for batch in seen))
    assert longest == limit


def test_a_large_round_is_not_padded_at_all(tiny_ner, batches_of):
    seen = batches_of(tiny_ner)
    tiny_ner.batch(["Mary " * 13] * rounds.ROUND_TEXTS)
    assert {batch.input_ids.shape[1] for batch in seen} == {13 + 2}
    assert all(batch.attention_mask.all() for batch in seen)


def test_results_come_while_later_batches_of_their_round_run(tiny_ner, batches_of):
    seen = batches_of(tiny_ner)
    texts = ["Mary lives in Santa Clara. " * 20] * 60 + ["Mary"] * 900
    stream = tiny_ner.stream(texts)
    found = [next(stream).text]
    early = len(seen)
    found += [one.text for one in stream]
    assert found == texts
    assert early < len(seen)


def test_the_next_round_is_read_between_the_batches_of_this_one(tiny_ner, batches_of, short_rounds):
    drawn = 0

    def texts():
        nonlocal drawn
        for _ in range(4 * rounds.ROUND_TEXTS):
            drawn += 1
            yield "Mary lives in Santa Clara. " * 15

    seen = batches_of(tiny_ner)
    drawn_at = []
    for _ in tiny_ner.stream(texts(), progress=lambda done, total: drawn_at.append((done, total, drawn))):
        pass
    assert len(seen) > 4 * 8
    halfway = {places for done, total, places in drawn_at if 0 < done < total}
    assert halfway & set(range(rounds.ROUND_TEXTS + 1, 2 * rounds.ROUND_TEXTS)), "only whole rounds were read"


def test_a_stream_of_blank_texts_is_bounded(tiny_ner):
    drawn = 0

    def blank():
        nonlocal drawn
        while True:
            drawn += 1
            yield ""

    stream = tiny_ner.stream(blank())
    assert next(stream).text == ""
    assert drawn < 20_000
    stream.close()
    texts = [""] * 1500 + ["Mary"] + [""] * 4000 + ["New York"]
    assert [found.text for found in tiny_ner.stream(texts)] == texts


def test_progress_counts_the_batches_and_what_it_raises_ends_the_work(tiny_ner):
    seen = []
    text = "Mary lives in Santa Clara. " * 400
    found = tiny_ner(text, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen if done] == list(range(1, seen[-1][1] + 1))
    assert seen[0] == (0, 1), "a text without a line end takes a second before its first batch"
    assert len(seen) > 3

    def stop(at, done):
        if done == at:
            raise InterruptedError

    for at in (0, 1):
        with pytest.raises(InterruptedError):
            tiny_ner(text, progress=lambda done, _, at=at: stop(at, done))
        assert tiny_ner(text).entities == found.entities
