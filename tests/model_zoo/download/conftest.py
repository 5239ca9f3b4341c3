"""A hub with one repository."""

import pytest

from tests.model_zoo.hub_server import FILES, HubServer


@pytest.fixture
def repository(monkeypatch, tmp_path):
    server = HubServer()
    server.publish(FILES)
    monkeypatch.setenv("HF_ENDPOINT", server.base + "/")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.close()
