"""Columns of tables, lists and forms."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.cells import find_cells
from ner_core.segments import find_segments
from ner_documents.document import Block, Document
from ner_documents.parts import Part, parts_of


def columns(text, segments=None, offset=0):
    """Return the contents of each column, as (start, content, in a first row), in order of appearance."""
    segments = segments or find_segments(text)
    found = defaultdict(list)
    for cell, (_, end) in zip(find_cells(text, segments), segments, strict=True):
        if cell.column >= 0:
            found[cell.column].append((offset + cell.start, text[cell.start : end], cell.first))
    return list(found.values())


def contents(text):
    return [[content for _, content, _ in column] for column in columns(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mary\tRome\nBob\tOslo", [["Mary", "Bob"], ["Rome", "Oslo"]]),
        ("| Mary | Rome |\n|---|---|\n| Bob | Oslo |", [["Mary", "Bob"], ["Rome", "Oslo"]]),
        ("- Mary\n- Bob\n\n- Anna", [["Mary", "Bob", "Anna"]]),
        ("1. Mary\n2. Bob\n[3] Rome\n4.1. Oslo\nc) Anna", [["Mary", "Bob", "Rome", "Oslo", "Anna"]]),
        ("- [x] Mary\n\u2610 Bob\n\u2022Rome\n\U0001f4cd Oslo", [["Mary", "Bob", "Rome", "Oslo"]]),
        ("J. Smith\nM. Jones", [["J. Smith", "M. Jones"]]),
        ("Mary Jones\nAcme Inc.\nRome", [["Mary Jones", "Acme Inc.", "Rome"]]),
        ("Name: Mary\nCity: Rome\n\nName: Bob\nCity: Oslo", [["Mary", "Bob"], ["Rome", "Oslo"]]),
        ("Name: Mary, City: Rome\nCity: Oslo; Name: Bob", [["Mary", "Bob"], ["Rome", "Oslo"]]),
        (r"- Mary\n- Bob<br>- Al", [["Mary", "Bob", "Al"]]),
        ("<tr><td>Mary</td><td>Rome</td></tr><tr><td>Bob</td></tr>", [["Mary"], ["Rome"], ["Bob"]]),
        ("**City:** Rome, **Name**: Bob", [["Rome"], ["Bob"]]),
        ('[{"a": "Al", "b": "Rome"},\n{"a": "Bob", "b":"Oslo"}]', [["Al", "Bob"], ["Rome", "Oslo"]]),
        ("Name:Al,City:Rome\n姓名：王 Name:Bob", [["Al", "Bob"], ["Rome"], ["王"]]),
        ("city=Rome name=Mary\ncity=Oslo", [["Rome", "Oslo"], ["Mary"]]),
        ("- Mary, Rome\n- Bob, Oslo\n- Anna, Graz", [["Mary", "Bob", "Anna"], ["Rome", "Oslo", "Graz"]]),
        ("# Mary\n## Bob", [["Mary", "Bob"]]),
        ("Mary\tRome\nBob", [["Mary"], ["Rome"], ["Bob"]]),
        ("She met him.\nWho is he?\nDear Bob,", []),
        ("Mary\nThey met in the town hall of Rome on Tuesday.\nBob", [["Mary"], ["Bob"]]),
        ("Mary met Bob in the old town of Rome", []),
        ("", []),
    ],
)
def test_columns(text, expected):
    assert contents(text) == expected


def test_first_rows_of_tables():
    text = "Name\tCity\nMary\tRome\n- Bob\n- Anna"
    assert [content for column in columns(text) for _, content, first in column if first] == ["Name", "City"]


def test_a_long_list_is_several_columns():
    lengths = [len(column) for column in contents("Mary\n" * 120)]
    assert lengths == [50, 50, 20]


@given(
    st.lists(
        st.sampled_from(
            ["Mary\tRome", "Bob\t", "- Acme", "City: Oslo", "Rome", "", "He was there when it ended."]
        ),
        max_size=200,
    ),
    st.integers(1, 400),
)
def test_parts_of_a_long_text_have_the_columns_of_the_whole(lines, size):
    text = "\n".join(lines)
    parts = parts_of(Document("a.txt", None, text, {}), size)
    in_parts = [column for part in parts for column in columns(part.text, part.segments, part.start)]
    assert sorted(in_parts) == sorted(columns(text))


def test_a_document_may_have_no_letters():
    document = Document("a.txt", None, "---\n***", {}, blocks=(Block("paragraph", 0, 7),))
    assert document.segments is None
    assert parts_of(document, 1) == [Part(0, "---\n***", ())]
