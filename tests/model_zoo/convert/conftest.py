"""A checkpoint that a test may spoil."""

import shutil

import pytest


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A copy of the tiny checkpoint that a test may spoil."""
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")
