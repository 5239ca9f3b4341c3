import re
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.layout import divide
from ner_core.segments import find_segments, segments_of
from ner_core.tokenizer import Encoding

PROSE = [
    "Thousands of people who live near Santa Clara met Mary Jones and Bob Smith on Tuesday, when the ",
    "council of New York voted. Nobody knows what the Bank of America will say about it, but the World ",
    "Trade Organization is expected to answer. Officials in Berlin and Paris said that they will send help. ",
]


def found(text):
    return [text[start:end] for start, end in find_segments(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme Corp\n\nBank of America\n\nWells Fargo", ["Acme Corp", "Bank of America", "Wells Fargo"]),
        ("Company\tContact\nAcme\tMary Jones", ["Company", "Contact", "Acme", "Mary Jones"]),
        ("| Name | City |\n|------|:----:|\n| Mary | Rome |", ["Name", "City", "Mary", "Rome"]),
        ("Name     City\nMary     New York", ["Name", "City", "Mary", "New York"]),
        ("- Mary Jones\n- Rome\n2. Acme\n(c) Bob", ["- Mary Jones", "- Rome", "2. Acme", "(c) Bob"]),
        ("Name: Mary\nCity: Rome\n", ["Name: Mary", "City: Rome"]),
        ("Anna: Hi Bob\r\nBob: Hi Anna", ["Anna: Hi Bob", "Bob: Hi Anna"]),
        ("Mary Jones\nAcme Corp\nSanta Clara", ["Mary Jones", "Acme Corp", "Santa Clara"]),
        ("He met the president of\nFrance.", ["He met the president of\nFrance."]),
        ("Bank of\nAmerica\n\nSmith &\nWesson", ["Bank of\nAmerica", "Smith &\nWesson"]),
        ("Mary\u2029Bob\u2028Rome\fAnna", ["Mary", "Bob", "Rome", "Anna"]),
        (
            "> Mary wrote:\n> I live in the town of\n> New York.\n>\n> Bob",
            ["Mary wrote:", "I live in the town of\n> New York.", "Bob"],
        ),
        ("A. Mary Jones\nB. Bob Smith", ["Mary Jones", "Bob Smith"]),
        ("(I) Mary Jones\n(II) Bob Smith\n(III) Rome", ["Mary Jones", "Bob Smith", "Rome"]),
        ("a) Mary Jones\nb) Bob Smith", ["Mary Jones", "Bob Smith"]),
        ("i. Mary Jones\nii. Bob Smith", ["Mary Jones", "Bob Smith"]),
        ("A. Smith\nM. Jones", ["A. Smith", "M. Jones"]),
        ("J. Smith\nK. Jones", ["J. Smith", "K. Jones"]),
        (
            "\u2714 Mary Jones and\n\u2714 Bob\n[2] Rome and\n2.1. Oslo",
            ["\u2714 Mary Jones and", "\u2714 Bob", "[2] Rome and", "2.1. Oslo"],
        ),
        (
            "Mary Jones  Acme Corp  Rome\nBob Smith   Boeing     New York",
            ["Mary Jones", "Acme Corp", "Rome", "Bob Smith", "Boeing", "New York"],
        ),
        (
            'Name,City\n"Jones, Mary",Rome\nBob,New York\n\nMary;7,5\nBob;6,1',
            ["Name", "City", '"Jones, Mary"', "Rome", "Bob", "New York", "Mary", "7,5", "Bob", "6,1"],
        ),
        ("He has 1,000 friends\nand 5,000 foes,too", ["He has 1,000 friends\nand 5,000 foes,too"]),
        ("Mary Jones, Rome\nBob Smith, Oslo", ["Mary Jones, Rome", "Bob Smith, Oslo"]),
        ("1. Mary, Acme\n2. Bob, IBM\n- Al,  Ikea", ["1. Mary", "Acme", "2. Bob", "IBM", "- Al", "Ikea"]),
        ("Mary - Rome\nBob \u2013 Oslo\nAl - Graz", ["Mary - Rome", "Bob \u2013 Oslo", "Al - Graz"]),
        ("Smith, J.\nJones, K.\nBrown, L.", ["Smith, J.", "Jones, K.", "Brown, L."]),
        ("Hi, Mary.\nNo, Bob!\nYes, Al", ["Hi, Mary.", "No, Bob!", "Yes, Al"]),
        ("Mary, who\nBob, so\nAnna, he", ["Mary, who", "Bob, so", "Anna, he"]),
        ("┌────┬───┐\n│ Al │ Rome │\n├────┼───┤\n║ Bob ║ Oslo ║", ["Al", "Rome", "Bob", "Oslo"]),
        ("Mary\n=====\n# Anna\n***", ["Mary", "# Anna"]),
        (
            "Mary\u00a0\u00a0\u00a0Rome\n\nA\u2003\u2003C\nB\u2003\u2003D",
            ["Mary", "Rome", "A", "C", "B", "D"],
        ),
        ("Mary  Jones\nBob Smith", ["Mary  Jones", "Bob Smith"]),
        ("City: Rome, Head of Office: Al; phone: 5", ["City: Rome", "Head of Office: Al", "phone: 5"]),
        ("- Nom : Bob  Ville : Oslo", ["- Nom : Bob", "Ville : Oslo"]),
        ("WARN 1 user=Al K city=Rome, id=3;n=2", ["WARN 1", "user=Al K", "city=Rome", "id=3", "n=2"]),
        ("At 10:30, Mary: who is Bob?", ["At 10:30, Mary: who is Bob?"]),
        ("Name:Mary,City:Rome;team:A B", ["Name:Mary", "City:Rome", "team:A B"]),
        ("http://a:b 10:30 std::a", ["http://a:b 10:30 std::a"]),
        ("姓名：王小明，城市：北京\n他说：好", ["姓名：王小明", "城市：北京", "他说：好"]),
        ('{"a": "Mary", "b":{"c":"Bob"}, "n": 5}', ['a": "Mary', 'b":{', 'c":"Bob', 'n": 5}']),
        ("{\n 'a': 'Mary',\n 'b': 'Bob'\n}", ["a': 'Mary", "b': 'Bob"]),
        (r"Mary Jones\nAcme Corp\tRome\r\nC:\new", ["Mary Jones", "Acme Corp", "Rome", r"C:\new"]),
        ("<p><b>City:</b> Rome</p><td>Al</td><td>Bob</td>", ["City:</b> Rome", "Al", "Bob"]),
        ("**Mary**\nBob <a href='x' class='y'>Anna</a>", ["Mary", "Bob <a href='x' class='y'>Anna"]),
        ("AT&amp;T and M&amp;S\nB&amp;O and Bob&#39;s", ["AT&amp;T and M&amp;S", "B&amp;O and Bob&#39;s"]),
        ("  \n\t \n", []),
        ("one", ["one"]),
        ("", []),
    ],
)
def test_segments(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize("width", range(42, 101))
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_wrapped_paragraphs_are_whole(width, between):
    paragraphs = ["".join(PROSE[start:] + PROSE[:start]).strip().capitalize() for start in (0, 1, 2)]
    wrapped = [textwrap.fill(one, width, break_on_hyphens=False) for one in paragraphs]
    segments = found(between.join(wrapped))
    if between == "\n\n":
        assert segments == wrapped
    # Without a blank line, a paragraph whose last line is full cannot be told from one that goes on.
    assert all(any(one in segment for segment in segments) for one in wrapped)


def test_a_line_of_a_wrapped_paragraph_that_was_edited_goes_on():
    text = (
        "The report of the World Health Organization says that in Sierra\n"
        "Leone and in Liberia the number of cases has fallen. Doctors of\n"
        "the Red Cross were sent to Freetown, and Margaret\n"
        "Chan will visit the country next week, an official said."
    )
    assert found(text) == [text]


def test_a_heading_between_full_lines_is_no_part_of_a_sentence():
    lines = [
        "Education",
        "2010 to 2014: Computer Science, University of Leeds",
        "Work Experience",
        "2014 to 2018: Software Engineer at Ocado in Hatfield",
        "2018 to date: Lead Developer at Monzo Bank in London",
    ]
    assert found("\n".join(lines)) == lines


def test_an_initial_at_the_beginning_of_a_wrapped_line_is_no_mark_of_an_item():
    text = "The company said it had held talks with the former president George\nW. Bush in Washington."
    assert found(text) == [text]


@pytest.mark.parametrize(
    "begin", ["12:03 ", "[12:03:11] ", "2020-05-01 12:03 INFO ", "3/4/20, 12:03 - ", "mary: "]
)
def test_lines_of_a_log_or_a_chat_are_apart(begin):
    lines = [
        begin + "the train from London to the north of the country was late again, said Bob from Oslo"
    ] * 3
    assert found("\n".join(lines)) == lines


@pytest.mark.parametrize("begin", ["10:30 in the morning", "3/4/2020 with Bob Smith"])
def test_a_wrapped_line_may_begin_with_a_time(begin):
    text = f"The delegates of all the other countries came to Santa Clara before\n{begin} the talks began."
    assert found(text) == [text]


def test_headlines_of_all_lengths_are_apart():
    lines = [
        "Apple buys Beats in a deal worth three billion",
        "Oracle sues Google",
        "Rain in Paris",
        "Mary Smith wins",
    ]
    assert found("\n".join(lines)) == lines


@given(st.text(st.sampled_from("aB. \t\n|-1:\r\u2028中"), max_size=60))
def test_segments_cover_every_letter_once_and_hold_no_hard_border(text):
    covered = [index for start, end in find_segments(text) for index in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, character in enumerate(text) if character.isalnum()} <= set(covered)
    for one in found(text):
        assert one == one.strip()
        assert one
        assert not re.search(r"\t|\n[^\S\n]*\n", one)


def pieces(text):
    offsets = np.array([m.span() for m in re.finditer(r"\w+|[^\w\s]", text)], np.int32).reshape(-1, 2)
    numbers = np.arange(len(offsets), dtype=np.int32)
    return Encoding(text, numbers, offsets, numbers, numbers)


@pytest.mark.parametrize(
    ("text", "segments", "shown"),
    [
        ("| Mary Jones | Rome |", [0, 0, 1], [1, 2, 4]),
        ("1. Mary Jones\n2. Rome", [0, 0, 1], [2, 3, 6]),
        ("City: Rome\n- He went there.", [0, 0, 0, 1, 1, 1, 1, 1], [*range(8)]),
    ],
)
def test_bars_of_a_table_and_marks_of_a_list_are_not_shown_to_the_model(text, segments, shown):
    encoding = divide(pieces(text))
    assert encoding.segment.tolist() == segments
    assert encoding.ids.tolist() == shown


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_only_blank_lines_divide_the_segments_of_a_reader(end):
    text = f"Mary{end}Jones{end} {end}Bob"
    assert [text[one:other] for one, other in segments_of(text, [(0, len(text))])] == [
        f"Mary{end}Jones",
        "Bob",
    ]


def test_segments_of_a_reader():
    text = "Title Mary went\n\nhome. Rest"
    assert divide(pieces(text), [(0, 5), (6, 22)]).segment.tolist() == [0, 1, 1, 2, 2, 3]
    assert divide(pieces(text), [(0, len(text))]).segment.tolist() == [0, 0, 0, 1, 1, 1]
    lettered = "A. Mary\nB. Bob"
    assert segments_of(lettered, find_segments(lettered)) == find_segments(lettered)
    for wrong in ([(6, 22), (0, 5)], [(0, 99)], [(0, 6), (5, 9)], [(5, 2)]):
        with pytest.raises(ValueError, match="expected segments in order"):
            divide(pieces(text), wrong)
    for wrong in (5, ["ab", "c"], [(0.0, 1.0)], [(0, 1, 2)]):
        with pytest.raises(TypeError, match="expected pairs of whole numbers"):
            segments_of("ab", wrong)
