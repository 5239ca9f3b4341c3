"""The Models tab: which models may be downloaded, and models of the hub beside those of the catalog."""

import gradio as gr
import pytest

from app import build_demo
from ner_app.limits import Limits
from ner_app.models import card, zoo_table
from ner_app.service import Choice, Service
from tests.ner_app.conftest import save_lookup_model

MODEL_YML = """
description: Token classifier me/tiny of the Hugging Face hub.
task_type: named_entity_recognition
files:
  - name: config.json
    size: 10
    source: https://example.org/config.json
framework: pytorch
license: MIT
"""


@pytest.fixture
def hub_model(tmp_path, monkeypatch):
    """A models folder in which ``hf:me/tiny`` is ready."""
    folder = save_lookup_model(tmp_path, "hf--me--tiny").parent
    (folder / "model.yml").write_text(MODEL_YML)
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    return folder


def test_a_hub_model_is_listed_and_can_be_used(hub_model):
    service = Service("minilm-ner")
    assert service.models()["hf:me/tiny"] == ["FP32"]
    found = service.recognize("Mary in Rotterdam", Choice("hf:me/tiny", "CPU"))
    assert [entity.label for entity in found.entities] == ["PER", "LOC"]
    assert '<th scope="row">hf:me/tiny</th>' in zoo_table()
    assert card("hf:me/tiny").startswith("# hf:me/tiny\n")


def function(service, name):
    demo = build_demo(service)
    return next(block.fn for block in demo.fns.values() if block.name == name)


def request(session="one"):
    made = gr.Request()
    made.session_hash = session
    return made


@pytest.mark.parametrize("downloads", [True, False])
def test_a_page_for_others_downloads_from_the_list_alone(hub_model, downloads):
    install = function(Service("minilm-ner", Limits(allow_downloads=downloads)), "install_model")
    (said, *rest), *more = install(request(), "hf:me/other", "minilm-ner")
    assert "Only the models of the list" in said
    assert not more
    assert rest == [gr.skip()] * 6


@pytest.mark.parametrize("name", ["hf:", "hf:../x", "hf:a,b", "--all", "unknown", ""])
def test_names_that_are_none_are_refused(hub_model, name):
    install = function(Service("minilm-ner", Limits(allow_hub=True)), "install_model")
    (said, *_), *more = install(request(), name, "minilm-ner")
    assert "cannot be downloaded" in said
    assert not more


def test_a_hub_model_can_be_deleted(hub_model):
    service = Service("minilm-ner", Limits(allow_hub=True))
    remove = function(service, "remove_model")
    assert remove("", "minilm-ner") == [gr.skip()] * 7
    said, *_ = remove("hf:me/tiny", "minilm-ner")
    assert "Deleted" in said
    assert not hub_model.exists()
    assert "hf:me/tiny" not in service.models()


def test_a_page_that_shows_everything_already_is_left_alone(hub_model):
    service = Service("minilm-ner")
    listed = function(service, "listed_since")
    assert listed("minilm-ner") == [gr.skip()] * 5
    (hub_model / "FP32" / "hf--me--tiny.xml").unlink()
    service.refresh()
    table, *_ = listed("minilm-ner")
    assert "hf:me/tiny" in table
