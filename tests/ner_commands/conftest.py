"""Commands load a model each time: within a file it is compiled only once."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def _compiled(compiled_kept):
    """Keep what is compiled."""
