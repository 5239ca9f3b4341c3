"""Examples in docstrings of the modules that load torch, in the process that loads it anyway."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["loop", "recipe"])
def test_examples(name):
    tried = doctest.testmod(
        importlib.import_module(f"model_zoo.train.{name}"),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert tried.attempted
    assert not tried.failed
