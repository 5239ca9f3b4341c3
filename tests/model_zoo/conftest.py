"""A server that has one file, and does wrong what a test tells it to."""

from __future__ import annotations

import pytest

from tests.model_zoo.file_server import FileServer
from tests.model_zoo.transfers import CONTENT


@pytest.fixture
def server():
    server = FileServer()
    server.files["/file"] = CONTENT
    server.etags["/file"] = '"one"'
    yield server
    server.close()
