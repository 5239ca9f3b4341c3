"""Workbooks whose archive is whole and whose parts are not."""

import pytest

from ner_documents.document import Problem
from ner_documents.reading import read
from tests.attacks.workbooks import HONEST_ODS, HONEST_XLSB, LYING, packed


@pytest.mark.parametrize(("suffix", "parts"), [(".ods", HONEST_ODS), (".xlsb", HONEST_XLSB)])
def test_the_honest_ones_are_read(suffix, parts):
    (document,) = read(f"a{suffix}", content=packed(parts))
    assert document.text == "Mary met Bob."


@pytest.mark.parametrize("end", [60, 100, 200, 400])
def test_an_open_workbook_that_breaks_off_is_said_at_once(end):
    parts = {**HONEST_ODS, "content.xml": HONEST_ODS["content.xml"][:-end]}
    (problem,) = read("a.ods", content=packed(parts))
    assert problem.reason.startswith("the file is damaged (content.xml: ")


@pytest.mark.parametrize(
    "called", [".ods: repeated less than once", ".ods: files as entities", ".xlsb: lengths that lie"]
)
def test_numbers_that_lie_are_a_problem(called):
    items = list(read(f"a{called.partition(':')[0]}", content=packed(LYING[called])))
    assert items
    assert all(isinstance(item, Problem) for item in items)
