import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from ner_core.words import whitespace_numbers, word_numbers, word_numbers_of_each, word_spans


def words(text):
    """Encode with one piece for every character, and join the words."""
    found = [match.span() for match in re.finditer(r"\S", text)]
    numbers = word_numbers(text, np.array(found).reshape(-1, 2))
    joined = {}
    for number, (start, end) in zip(numbers.tolist(), found, strict=True):
        joined.setdefault(number, [start, end])[1] = end
    return [text[start:end] for start, end in joined.values()]


@pytest.mark.parametrize(
    "expected",
    [
        "P. Simmons 4-38 ) , the U.S. and AT&T 's Chester-le-Street , O'Neill 's St. Louis Inc.",
        "J.K. Rowling ( No. 5 ) didn 't go to ex-England at 3.5 a.m. !",
        "mary @ example.org , São Paulo , Nokia’s and 10,000.5 snake_case",
        "नमस्ते दुनिया , Şişli’de , Co\u00adop , Zoe\u0308",
    ],
)
def test_words_are_those_of_corpora(expected):
    text = re.sub(r" ([),!]|['’]s|'t)", r"\1", expected).replace("( ", "(").replace(" @ ", "@")
    assert words(text) == expected.replace("Nokia’s", "Nokia ’s").split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in Paris.Mary left", ["in", "Paris", ".", "Mary", "left"]),
        ("He met Mary Smith. She left.", ["He", "met", "Mary", "Smith", ".", "She", "left", "."]),
        ("1.Mary 2010.Paris 2.5 v2.x", ["1", ".", "Mary", "2010", ".", "Paris", "2.5", "v2.x"]),
        ("dell'Italia, qu’Anna", ["dell'", "Italia", ",", "qu’", "Anna"]),
        (
            "Jeanne d'Arc L'Aquila Val-d'Isère Un's",
            ["Jeanne", "d'", "Arc", "L'Aquila", "Val-d'Isère", "Un", "'s"],
        ),
        ("PARIS.MARY AMAZON.COM U.S.A.", ["PARIS", ".", "MARY", "AMAZON.COM", "U.S.A."]),
        ("Mary+Bob&Kate AT&T", ["Mary", "+", "Bob", "&", "Kate", "AT&T"]),
        ("Paris\x85\x85Mary", ["Paris", "Mary"]),
        ("東京タワーに", list("東京タワーに")),
        ("ไทย", list("ไทย")),
        ("서울에서", ["서울에서"]),
        ("Ｍａｒｙ’ｓ", ["Ｍａｒｙ", "’ｓ"]),
        ("a\0b\ud800c", ["a\0b\ud800c"]),
        ("Obama–Biden", ["Obama", "–", "Biden"]),
        ("_Mary_ @_bob_", ["_", "Mary_", "@", "_bob_"]),
        ("Mary✨Bob", ["Mary", "✨", "Bob"]),
    ],
)
def test_words_of_other_shapes(text, expected):
    assert words(text) == expected


@given(st.text(st.sampled_from("aBé1 ?!()/\n東カไé́नि한я"), max_size=20))
def test_where_nothing_joins_the_borders_are_those_of_unicode(text):
    """Oniguruma finds the words of UAX 29; ours are the ones with letters of scripts that put spaces."""
    theirs = pre_tokenizers.Split(Regex(r"(?y{w})\X"), "isolated").pre_tokenize_str(text)
    spans = [
        span
        for word, span in theirs
        if word[0].isalnum() and not re.match("[\u0e00-\u0eff\u2e80-\u9fff]", word)
    ]
    assert [tuple(span) for span in word_spans(text).tolist()] == spans


@given(st.text(st.sampled_from("aB.-'s’ &中\u0301\n5@"), max_size=20), st.integers(1, 3))
def test_numbers_never_fall_and_a_character_is_never_divided(text, pieces):
    found = np.array([m.span() for m in re.finditer(r"\S", text)], np.int64).reshape(-1, 2)
    numbers = word_numbers(text, np.repeat(found, pieces, axis=0))
    assert len(numbers) == pieces * len(found)
    assert set(np.diff(numbers).tolist()) <= {0, 1}
    assert (numbers.reshape(-1, pieces) == numbers[::pieces, None]).all()


@given(st.lists(st.text(st.sampled_from("aB.-'s’ &中\u0301\n5@"), max_size=12), max_size=5))
def test_texts_together_have_the_words_that_each_has_alone(texts):
    offsets = [
        np.array([m.span() for m in re.finditer(r"(?s).", text)], np.int64).reshape(-1, 2) for text in texts
    ]
    together = word_numbers_of_each(texts, offsets)
    alone = [word_numbers(text, one) for text, one in zip(texts, offsets, strict=True)]
    assert [one.tolist() for one in together] == [one.tolist() for one in alone]


def test_a_piece_of_white_space_belongs_to_the_word_that_follows_at_once():
    # sentencepiece: "▁", "東京"; byte-level: " ", " Rome", " "
    assert word_numbers("a 東京", np.array([(0, 1), (1, 2), (2, 4)])).tolist() == [0, 1, 1]
    assert word_numbers("a  Rome ", np.array([(0, 1), (1, 2), (2, 7), (7, 8)])).tolist() == [0, 0, 1, 1]
    assert whitespace_numbers("a  R. ", np.array([(0, 1), (1, 2), (2, 4), (4, 5)])).tolist() == [0, 0, 1, 1]
