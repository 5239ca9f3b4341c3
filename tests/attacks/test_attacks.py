"""A few tries of most kinds of attack; `python -m benchmarks.attacks` makes thousands (docs/security.md)."""

import random

import pytest

from benchmarks.attacks import all_kinds, run_all, table

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


def test_there_are_enough_kinds():
    assert len(all_kinds()) >= 150


def test_a_sample_of_the_quick_kinds():
    kinds = [key for key in all_kinds() if key[0] not in SLOW]
    results = run_all(random.Random(24).sample(kinds, 60), tries=1)
    assert not [failure for one in results for failure in one.failures], table(results)


def test_a_full_disk_and_calls_of_strangers_are_a_sentence():
    few = ("downloader", "page: upload", "page: redacted files")
    keys = [("full disk", name) for name in few]
    keys += [key for key in all_kinds() if key[0] in ("lesson", "tool (MCP)")]
    results = run_all(keys, tries=1)  # seconds: pages of their own
    assert not [failure for one in results for failure in one.failures], table(results)


@pytest.mark.nightly  # minutes: tens of tries of each kind
def test_all_kinds():
    results = run_all(list(all_kinds()), tries=20)
    assert sum(one.tries for one in results) >= 5000
    assert not [failure for one in results for failure in one.failures], table(results)
