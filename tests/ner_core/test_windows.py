from itertools import pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ner_core.windows import plan, plan_columns

WORDS = st.lists(
    st.tuples(st.sampled_from(["a", "bc", "d.", "e!\n", "f。"]), st.integers(1, 7)), min_size=1, max_size=80
)


def encoded(words):
    """Make a text of words that have so many pieces."""
    text, offsets, numbers = "", [], []
    for index, (word, pieces) in enumerate(words):
        offsets += [(len(text), len(text) + len(word.strip()))] * pieces
        numbers += [index] * pieces
        text += word + " "
    return text, np.array(offsets), np.array(numbers)


@settings(max_examples=3 * settings.default.max_examples)
@given(WORDS, st.integers(1, 40), st.integers(0, 40))
def test_every_piece_is_kept_once_with_context(words, length, overlap):
    text, offsets, word = encoded(words)
    windows = plan(text, offsets, word, length=length, overlap=overlap)
    assert [piece for w in windows for piece in range(w.keep_start, w.keep_end)] == list(range(len(word)))
    for window in windows:
        assert 0 < window.end - window.start <= length
        assert window.start <= window.keep_start <= window.keep_end <= window.end
    for one, other in pairwise(windows):
        assert one.start < other.start <= one.end < other.end


@settings(max_examples=2 * settings.default.max_examples)
@given(WORDS, st.integers(16, 40))
@example([("a", 1), ("a", 7), ("a", 3), ("a", 7)], 16)
def test_no_word_is_cut_that_fits(words, length):
    text, offsets, word = encoded(words)
    overlap = length // 4
    windows = plan(text, offsets, word, length=length, overlap=overlap)
    for window in windows:
        for border in (window.start, window.end, window.keep_start, window.keep_end):
            assert border in (0, len(word)) or word[border - 1] != word[border]
    for one, other in pairwise(windows):
        # A word of at most 7 pieces may stand in the way of the full overlap, but not more.
        assert one.end - other.start >= overlap - 7


def test_a_word_longer_than_a_window():
    text, offsets, word = encoded([("a", 3), ("b", 100), ("c", 2)])
    windows = plan(text, offsets, word, length=10, overlap=4)
    assert windows[0].start == 0
    assert windows[-1].end == 105
    assert max(window.end - window.start for window in windows) == 10


def test_windows_end_with_sentences_where_they_can():
    text, offsets, word = encoded([("word", 1)] * 7 + [("end.", 1)] + [("word", 1)] * 20)
    assert plan(text, offsets, word, length=12, overlap=3)[0].end == 8


def test_abbreviations_inside_words_end_nothing():
    text, offsets, word = encoded([("3.5", 1)] * 30)
    assert plan(text, offsets, word, length=12, overlap=4)[0].end == 12


def test_overlaps_are_divided_between_sentences():
    words = [("w", 1)] * 9 + [("end.", 1)] + [("w", 1)] * 3 + [("end.", 1)] + [("w", 1)] * 30
    first, second, *_ = plan(*encoded(words), length=16, overlap=8)
    assert (first.end, second.start) == (14, 6)
    assert first.keep_end == second.keep_start == 10


def test_segments_are_windows_of_their_own():
    text, offsets, word = encoded([("w", 1)] * 40)
    segment = np.repeat([0, 2, 3], [3, 7, 30])
    windows = plan(text, offsets, word, segment, length=16, overlap=4)
    assert [(w.start, w.end) for w in windows] == [(0, 3), (3, 10), (10, 26), (22, 38), (34, 40)]


def test_nothing_needs_no_window():
    assert plan("", np.zeros((0, 2), np.int32), np.zeros(0, np.int32), length=10, overlap=2) == []


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(-1, 3)), max_size=30),
    st.integers(4, 20),
)
def test_cells_stand_whole_and_in_order_in_the_windows_of_their_column(cells, length):
    column = [number for key, size, cell in cells for number in [-1] * key + [cell] * size]
    segment = np.repeat(np.arange(len(cells)), [key + size for key, size, _ in cells])
    column = np.array(column, int)
    shown = []
    for window in plan_columns(column, segment, length=length, between=2):
        assert len(window) <= length
        inside = window[(window >= 0) & (column[window] >= 0)]
        assert len(set(column[inside])) == 1
        marks = window[window < 0]
        assert marks.tolist() == [-1, -2] * (len(set(segment[inside])) - 1)
        shown += inside.tolist()
    assert len(shown) == len(set(shown))
    for number, (key, size, cell) in enumerate(cells):
        if cell >= 0 and key + size <= length:
            assert set(np.flatnonzero((segment == number) & (column >= 0))) <= set(shown)
