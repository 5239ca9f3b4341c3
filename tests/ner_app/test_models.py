"""The Models tab: which models may be downloaded, and models of the hub beside those of the catalog."""

import re
import threading
from types import SimpleNamespace

import pytest

from ner_app.commands import CommandError
from ner_app.compare import combinations, compare_functions, measure
from ner_app.installation import Installation
from ner_app.jobs import Cancelled
from ner_app.limits import Limits
from ner_app.models import models_functions, problem_view
from ner_app.service import Choice, Service
from ner_app.text import text_functions
from tests.conftest import wait_until
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


@pytest.fixture
def slow(monkeypatch):
    """Installations wait to be let go, and fail as told."""
    told = SimpleNamespace(go=threading.Event(), problem="")

    def run(self):
        yield self.progress
        told.go.wait(600)
        if told.problem:
            raise CommandError(told.problem)

    def cancel(self):
        self.cancelled = True
        told.go.set()

    monkeypatch.setattr(Installation, "run", run)
    monkeypatch.setattr(Installation, "cancel", cancel)
    return told


def test_a_hub_model_is_listed_and_can_be_used(hub_model):
    service = Service("minilm-ner")
    assert service.models()["hf:me/tiny"] == ["FP32"]
    found = service.recognize("Mary in Rotterdam", Choice("hf:me/tiny", "CPU"))
    assert [entity.label for entity in found.entities] == ["PER", "LOC"]
    cards = models_functions(service)["zoo_cards"]({})["html"]
    assert 'data-use="hf:me/tiny"' in cards
    assert "Token classifier me/tiny" in cards


def test_a_default_model_that_is_not_here_is_not_offered_for_use(hub_model):
    service = Service("ner-en-bert")
    cards = models_functions(service)["zoo_cards"]({})["html"]
    assert 'data-use="minilm-ner"' in cards
    assert 'data-use="ner-en-bert"' not in cards
    text = text_functions(service)
    assert "ner-en-bert" not in text["menus"]({})["models"]
    assert text["menus"]({})["default"] == "auto"
    assert text["recognize"]({"text": "Mary"}, None)["about"]["model"] == "minilm-ner"
    assert not [one for one in combinations(service) if one.choice.model == "ner-en-bert"]


def test_a_cancelled_comparison_ends_also_where_its_request_is_overtaken(hub_model):
    compare = compare_functions(service := Service("minilm-ner"))
    chosen = [key for key, _, first in compare["choices"]({}) if first]
    sent = {"text": "Mary", "chosen": chosen, "job": "mine"}
    assert "html" in compare["compare"](sent, None)
    assert "minilm-ner · AUTO · INT8 · exact" in map(str, combinations(service))
    compare["cancel"]({"job": "mine"})
    compare["cancel"]({})
    assert compare["compare"](sent, None) == {"cancelled": True}
    assert "html" in compare["compare"]({**sent, "job": ""}, None)

    def cancelled(*_):
        raise Cancelled

    with pytest.raises(Cancelled):
        measure(service, "Mary", combinations(service)[0], cancelled)


@pytest.mark.parametrize("downloads", [True, False])
def test_a_page_for_others_downloads_from_the_list_alone(hub_model, downloads):
    install = models_functions(Service("minilm-ner", Limits(allow_downloads=downloads)))["install"]
    assert "Only the models of the list" in install({"name": "hf:me/other"})["error"]


@pytest.mark.parametrize("name", ["hf:", "hf:../x", "hf:a,b", "--all", "unknown", "", None, ["x"]])
def test_names_that_are_none_are_refused(hub_model, name):
    install = models_functions(Service("minilm-ner", Limits(allow_hub=True)))["install"]
    said = install({"name": name})["error"]
    assert ("cannot be downloaded" if name else "Type the name of a model first") in said


def test_an_address_that_is_no_model_is_explained(hub_model):
    install = models_functions(Service("minilm-ner", Limits(allow_hub=True)))["install"]
    address = "https://huggingface.co/datasets/me/other"
    assert f"{address}: expected a model of the hub" in install({"name": address})["error"]


@pytest.mark.parametrize("name", ["me/other", "https://huggingface.co/me/other", " hf:me/other/ "])
def test_a_hub_model_is_named_as_people_name_it(hub_model, slow, name):
    functions = models_functions(Service("minilm-ner", Limits(allow_hub=True)))
    token = functions["install"]({"name": name})["token"]
    assert "Starting hf:me/other" in functions["look"]({"token": token})["html"]
    slow.go.set()


def test_a_hub_model_can_be_deleted(hub_model):
    service = Service("minilm-ner", Limits(allow_hub=True))
    remove = models_functions(service)["remove"]
    assert "no files here" in remove({"name": ""})["error"]
    assert "Deleted" in remove({"name": "hf:me/tiny"})["said"]
    assert not hub_model.exists()
    assert "hf:me/tiny" not in service.models()


def ended(look, token):
    found = {}
    wait_until(lambda: found.update(look({"token": token})) or found.get("ended"))
    return found["html"]


@pytest.mark.parametrize(
    ("problem", "said"),
    [("", "is ready"), ("x failed.\nx: no network. Connect. In detail:\n h: n", "no network. Connect.")],
)
def test_one_installation_runs_at_a_time_and_its_end_is_told(hub_model, slow, problem, said):
    slow.problem = problem
    functions = models_functions(Service("minilm-ner", Limits(allow_hub=True)))
    token = functions["install"]({"name": "bert-base-ner"})["token"]
    assert "bert-base-ner is being downloaded" in functions["install"]({"name": "ner-en-bert"})["error"]
    assert "Cancel that first" in functions["remove"]({"name": "bert-base-ner"})["error"]
    assert "Starting bert-base-ner" in functions["look"]({"token": token})["html"]
    functions["cancel"]({"token": "guessed"})
    assert not functions["look"]({"token": token}).get("ended")
    slow.go.set()
    assert said in ended(functions["look"], token)


def test_a_cancelled_installation_says_what_is_kept(hub_model, slow):
    functions = models_functions(Service("minilm-ner"))
    token = functions["install"]({"name": "bert-base-ner"})["token"]
    functions["cancel"]({"token": token})
    assert "Cancelled. What was downloaded is kept" in ended(functions["look"], token)


def test_a_failure_is_a_sentence_and_its_details_are_folded_and_escaped():
    shown = problem_view("Downloading m failed.\nm: refused <b>. In detail:\n  a\nFAILED:\nm")
    sentence, _, details = shown.partition("<details>")
    assert "m: refused &lt;b&gt;." in sentence
    assert "HF_ENDPOINT" not in sentence
    assert "In detail" in details


def test_a_card_says_languages_accuracy_and_how_fast_it_is_here(hub_model):
    service = Service("minilm-ner")
    functions = models_functions(service)
    cards = functions["zoo_cards"]({})["html"]
    assert "micro F1 0.9520, macro F1 0.9449 on CoNLL-2003 dev" in cards
    assert "<dt>Languages</dt><dd>English</dd>" in cards
    assert 'data-measured="hf:me/tiny"' in cards
    assert 'data-measured="bert-base-ner"' not in cards
    request = SimpleNamespace(client=None, headers={})
    said = functions["measured"]({"name": "hf:me/tiny"}, request)["said"]
    assert re.fullmatch(r"[\d.,]+ ms for a text of \d+ characters", said)
    assert functions["measured"]({"name": "hf:me/tiny"}, request)["said"] == said
    for name in ("bert-base-ner", "auto", "../x", ""):
        assert "not on this machine" in functions["measured"]({"name": name}, request)["error"]


def test_what_a_description_links_opens_beside_the_page_and_nothing_else_is_markup(hub_model):
    said = "Tiny <b> <https://example.org/a?b&c> [x](javascript:alert(1)) ![y](https://example.org/z.png)"
    (hub_model / "model.yml").write_text(MODEL_YML.replace("Token classifier me/tiny", f"'{said}'\n#"))
    cards = models_functions(Service("minilm-ner"))["zoo_cards"]({})["html"]
    link = '<a href="https://example.org/a?b&amp;c" target="_blank" rel="noopener noreferrer">'
    assert f"Tiny &lt;b&gt; {link}https://example.org/a?b&amp;c</a> [x](javascript:alert(1)) !<a " in cards
    assert "<img" not in cards
