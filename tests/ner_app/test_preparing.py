"""Models prepared in the background after the start, as on Spaces."""

import logging

import pytest

from ner_app.commands import CommandError
from ner_app.limits import Limits
from ner_app.preparing import prepare
from ner_app.service import Choice, Service
from ner_app.text import text_functions
from tests.ner_app.conftest import save_lookup_model


@pytest.fixture
def installations(monkeypatch, tmp_path):
    """What the zoo's commands would do: ``broken`` fails, the others leave an IR in the models folder."""
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    started = []

    class Installed:
        def __init__(self, name, folder):
            self.name, self.folder = name, folder

        def run(self):
            started.append(self.name)
            yield
            if self.name == "ner-en-bert":
                raise CommandError("no network")
            save_lookup_model(self.folder, self.name)

    monkeypatch.setattr("ner_app.preparing.Installation", Installed)
    return started


def test_a_model_appears_in_the_menus_when_it_is_ready(installations, caplog):
    service = Service("minilm-ner", Limits(public=True, allow_downloads=False))
    menus = text_functions(service)["menus"]
    before = list(menus({})["models"])
    assert before[:2] == ["minilm-ner", "auto"]
    with caplog.at_level(logging.WARNING):
        prepare(service, ["minilm-ner", "ner-en-bert", "bert-base-ner"])
    assert installations == ["ner-en-bert", "bert-base-ner"]
    assert "ner-en-bert could not be prepared: no network" in caplog.text
    assert set(menus({})["models"]) - set(before) == {"bert-base-ner"}
    assert service.recognize("Mary sings", Choice("bert-base-ner")).entities[0].label == "PER"
