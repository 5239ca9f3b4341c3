import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_core.words import word_numbers


def words(text):
    """Divide a text as BERT does, and put together again."""
    found = [match.span() for match in re.finditer(r"[一-龥]|[^\W一-龥]+|[^\w\s]", text)]
    numbers = word_numbers(text, np.array(found).reshape(-1, 2), np.arange(len(found)))
    joined = {}
    for number, (start, end) in zip(numbers.tolist(), found, strict=True):
        joined.setdefault(number, [start, end])[1] = end
    return [text[start:end] for start, end in joined.values()]


@pytest.mark.parametrize(
    "expected",
    [
        "P. Simmons 4-38 ) , the U.S. and AT&T 's Chester-le-Street , O'Neill 's St. Louis Inc.",
        "J.K. Rowling ( No. 5 ) didn 't go to ex-England at 3.5 a.m. !",
        "mary@example.org 中 国 , São Paulo , Nokia’s",
    ],
)
def test_words_are_those_of_corpora(expected):
    text = re.sub(r" ([),!]|['’]s|'t)", r"\1", expected).replace("( ", "(").replace("中 国", "中国")
    assert words(text) == expected.replace("Nokia’s", "Nokia ’s").split()


def test_a_sentence_ends_outside_its_last_word():
    assert words("He met Mary Smith. She left.") == ["He", "met", "Mary", "Smith", ".", "She", "left", "."]


@settings(deadline=None)
@given(st.text(st.sampled_from("aB.-'s’ &中\u0301\n5@"), max_size=20))
def test_words_of_the_tokenizer_are_never_divided(text):
    found = np.array([match.span() for match in re.finditer(r"\S", text)], np.int64).reshape(-1, 2)
    before = np.repeat(np.arange(len(found)), 2)[: len(found)]
    after = word_numbers(text, found, before)
    assert len(after) == len(found)
    assert (np.diff(after) >= 0).all()
    assert all(a == b for a, b, same in zip(after, after[1:], np.diff(before) == 0, strict=False) if same)
