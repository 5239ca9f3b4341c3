"""A few tries of most kinds of attack; `python -m benchmarks.attacks` makes thousands."""

import random

import pytest

from benchmarks.attacks import BEGIN, END, all_kinds, row, rows_of, run_all, table, written

#: These need torch, or a page of their own, or seconds a try.
SLOW = (
    "config.json",
    "safetensors",
    "pickle",
    "costly document",
    "upload",
    "path",
    "connection",
    "API argument",
)
SLOW = (*SLOW, "API body", "IR", "compiled cache", "tokenizer.json", "full disk")
SLOW = (*SLOW, "lesson", "tool (MCP)", ".nemo", "ONNX", "sentencepiece")


def said(results):
    return table({(one.kind.group, one.kind.name): row(one) for one in results})


def test_rows_that_are_run_again_are_renewed_and_the_others_stay():
    (first, second), others = list(all_kinds())[:2], "| x | no longer | 3 | 3 read |\n"
    text = f"before\n{BEGIN}\n{table({second: (15, '15 read')})}\n{others}{END}\nafter"
    text = written(text, {first: (20, "19 read, 1 a\\|b")})
    assert rows_of(text) == {first: (20, "19 read, 1 a\\|b"), second: (15, "15 read")}
    assert "2 kinds, 35 tries; 0 kinds failed." in text
    assert written(text, {}) == text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")


def test_there_are_enough_kinds():
    assert len(all_kinds()) >= 150


def test_a_sample_of_the_quick_kinds_and_a_full_disk():
    kinds = [key for key in all_kinds() if key[0] not in SLOW]
    results = run_all([*random.Random(24).sample(kinds, 40), ("full disk", "downloader")], tries=1)
    assert len(results) == 41
    assert not [failure for one in results for failure in one.failures], said(results)


@pytest.mark.nightly  # minutes: tens of tries of each kind, also of those that need a page
@pytest.mark.timeout(7200)  # a quarter of an hour on a good machine
def test_all_kinds():
    results = run_all(list(all_kinds()), tries=20)
    assert sum(one.tries for one in results) >= 5000
    assert not [failure for one in results for failure in one.failures], said(results)
