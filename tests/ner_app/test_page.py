"""The page as programs see it: HTTP, gradio_client, MCP, health checks."""

import json
import warnings

import pytest
import requests
from gradio_client import Client
from gradio_client.exceptions import AppError

from app import build_demo
from ner_app.limits import Limits
from ner_app.service import Service
from ner_app.web import launch
from tests.conftest import PATIENCE

SENTENCE = "Mary lives in Santa Clara and works at NVIDIA."
NAMES = [("PER", "Mary", 0, 4), ("LOC", "Santa Clara", 14, 25), ("ORG", "NVIDIA", 39, 45)]


@pytest.fixture(scope="module")
def page(lookup_models):
    """A running page whose model is ``lookup``, and its address."""
    limits = Limits(text_characters=20_000, batch_texts=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NER_MODELS_DIR", str(lookup_models))
        service = Service("lookup", limits)
        with warnings.catch_warnings():
            # Gradio warns when the arguments of a function do not fit its inputs.
            warnings.simplefilter("error", UserWarning)
            demo = build_demo(service)
        yield service, launch(demo, service, block=False, quiet=True)
        demo.close()


@pytest.fixture(scope="module")
def client(page):
    return Client(page[1], verbose=False)


def names(found):
    assert all(found["text"][e["start"] : e["end"]] == e["text"] for e in found["entities"])
    return [(e["label"], e["text"], e["start"], e["end"]) for e in found["entities"]]


def test_health_says_when_a_model_is_loaded(page):
    service, url = page
    fresh = Service("lookup", service.limits)
    assert requests.get(f"{url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
    assert not fresh.ready
    service.warm_up()
    answer = requests.get(f"{url}/readyz", timeout=PATIENCE)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_recognize_over_gradio_client(client):
    found = client.predict(SENTENCE, api_name="/recognize")
    assert names(found) == NAMES
    assert found["model"] == "lookup"
    assert found["device"].startswith("CPU") or found["device"]
    assert found["timings"]["total"] > 0
    assert names(client.predict(SENTENCE, labels=["LOC"], device="CPU", api_name="/recognize")) == NAMES[1:2]
    assert client.predict(SENTENCE, threshold=1.0, api_name="/recognize")["entities"] == []


def test_recognize_over_plain_http(page):
    url = f"{page[1]}/gradio_api/call/v2/recognize"
    event = requests.post(url, json={"text": SENTENCE}, timeout=PATIENCE).json()["event_id"]
    lines = requests.get(f"{page[1]}/gradio_api/call/recognize/{event}", timeout=PATIENCE).text.splitlines()
    assert lines[0] == "event: complete"
    assert names(json.loads(lines[1].removeprefix("data: "))[0]) == NAMES


def test_batch_devices_and_models(client):
    found = client.predict([SENTENCE, "", "Rotterdam"], api_name="/recognize_batch")
    assert [len(one["entities"]) for one in found] == [3, 0, 1]
    devices = client.predict(api_name="/devices")
    assert devices[0]["name"] == "AUTO"
    assert {"CPU"} <= {device["name"] for device in devices}
    models = client.predict(api_name="/models")
    assert models[0] == {"name": "lookup", "precisions": ["FP32"], "default": True}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"text": "x" * 20_001}, "20,001 characters; this page takes 20,000"),
        ({"text": "Mary", "device": "GPU.9"}, "GPU.9"),
        ({"text": "Mary", "model": "/etc/passwd"}, "not on this machine"),
        ({"text": "Mary", "aggregation": "best"}, "expected one of"),
    ],
)
def test_what_is_refused_says_why(client, arguments, reason):
    with pytest.raises(AppError, match=reason):
        client.predict(**arguments, api_name="/recognize")


def test_a_large_batch_is_refused(client):
    with pytest.raises(AppError, match="4 texts; this page takes 3"):
        client.predict(["x"] * 4, api_name="/recognize_batch")


def test_only_the_four_functions_are_offered_and_they_are_described(page):
    info = requests.get(f"{page[1]}/gradio_api/info", timeout=PATIENCE).json()
    assert set(info["named_endpoints"]) == {"/recognize", "/recognize_batch", "/devices", "/models"}
    assert not info["unnamed_endpoints"]
    endpoint = info["named_endpoints"]["/recognize"]
    assert "names in a text" in endpoint["description"]
    assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == [
        *("text", "model", "device", "precision", "aggregation", "threshold", "labels", "compute")
    ]


def test_the_functions_are_tools_for_language_models(page):
    url = f"{page[1]}/gradio_api/mcp/"
    headers = {"Accept": "application/json, text/event-stream"}

    def call(method, **params):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = requests.post(url, json=body, headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        data = [line for line in answer.text.splitlines() if line.startswith("data: ")]
        return json.loads(data[-1].removeprefix("data: ") if data else answer.text)["result"]

    call(
        "initialize",
        protocolVersion="2025-03-26",
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )
    tools = {tool["name"]: tool for tool in call("tools/list")["tools"]}
    assert {"recognize", "recognize_batch", "devices", "models"} <= set(tools)
    properties = tools["recognize"]["inputSchema"]["properties"]
    assert "Any text, such as" in properties["text"]["description"]
    assert all(schema["description"] for schema in properties.values())
    answer = call("tools/call", name="recognize", arguments={"text": SENTENCE})
    assert "Santa Clara" in answer["content"][0]["text"]


def test_nothing_is_fetched_from_elsewhere_by_the_page_itself(page):
    html = requests.get(page[1], timeout=PATIENCE).text
    assert "fonts.googleapis" not in html
    assert "fonts.gstatic" not in html
