"""What programs ask over HTTP and MCP: right answers, and a sentence for every misuse."""

import gzip
import json
import time

import jsonschema
import pytest
import requests
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.conftest import PATIENCE
from tests.ner_app.conftest import post

SENTENCE = "Mary lives in Santa Clara and works at NVIDIA."
NAMES = [("PER", "Mary", 0, 4), ("LOC", "Santa Clara", 14, 25), ("ORG", "NVIDIA", 39, 45)]


@pytest.fixture(scope="module")
def client(page):
    return Client(page, verbose=False)


def names(found):
    return [(e["label"], e["text"], e["start"], e["end"]) for e in found["entities"]]


def test_a_page_that_nobody_asks_leaves_the_processor_alone(page):
    def share():
        before = time.process_time()
        time.sleep(0.3)
        return (time.process_time() - before) / 0.3

    assert any(share() < 0.03 for _ in range(20))


def test_recognize_answers_in_one_request(page):
    answer = post(page, "/api/recognize", {"text": SENTENCE})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert names(found) == NAMES
    assert [group["name"] for group in found["groups"]] == ["Mary", "Santa Clara", "NVIDIA"]
    asked = {"text": SENTENCE, "model": "lookup", "device": "CPU", "labels": ["LOC"], "threshold": 0.1}
    assert names(post(page, "/api/recognize", asked).json()) == NAMES[1:2]
    exact = post(page, "/api/recognize", {"text": SENTENCE, "compute": "exact"}).json()
    assert (names(exact), exact["compute"]) == (NAMES, "f32")


def test_batch_models_and_devices(page):
    found = post(page, "/api/batch", {"texts": [SENTENCE, "", "Rotterdam"]}).json()["results"]
    assert [len(one["entities"]) for one in found] == [3, 0, 1]
    models = requests.get(f"{page}/api/models", timeout=PATIENCE).json()["models"]
    assert models[0] == {"name": "lookup", "precisions": ["FP32"], "default": True}
    devices = requests.get(f"{page}/api/devices", timeout=PATIENCE).json()["devices"]
    assert devices[0]["name"] == "AUTO"


def test_offsets_in_utf16_units_are_those_of_javascript(page):
    text = "😀é Mary 😀 Santa Clara"
    found = post(page, "/api/recognize", {"text": text, "offsets": "utf16"}).json()
    units = text.encode("utf-16-le")
    for entity in found["entities"]:
        assert units[2 * entity["start"] : 2 * entity["end"]].decode("utf-16-le") == entity["text"]
    assert [entity["start"] for entity in found["entities"]] == [4, 12]
    assert [group["mentions"][0][0] for group in found["groups"]] == [4, 12]
    plain = post(page, "/api/recognize", {"text": text}).json()
    assert all(text[e["start"] : e["end"]] == e["text"] for e in plain["entities"])


MISUSES = [
    ({}, 422, "text: missing; expected a string."),
    ({"txt": "Mary"}, 422, "txt: there is no such argument; did you mean text?"),
    ({"text": "Mary", "colour": 1}, 422, "colour: there is no such argument; there are text, model, "),
    ({"text": 5}, 422, "text: expected a string, found 5."),
    ({"text": None}, 422, "text: missing"),
    ({"text": ["x" * 5000]}, 422, "text: expected a string, found a list of 1."),
    ({"text": {"a": 1}}, 422, "text: expected a string, found an object of 1."),
    ({"text": "x" * 20_001}, 413, "20,001 characters; this page takes 20,000"),
    ({"text": "Mary", "threshold": 7}, 422, "threshold: expected a number from 0 to 1, found 7."),
    ({"text": "Mary", "threshold": "high"}, 422, "threshold: expected a number from 0 to 1, found 'high'."),
    ({"text": "Mary", "threshold": True}, 422, "threshold: expected a number from 0 to 1, found true."),
    ({"text": "Mary", "threshold": float("nan")}, 422, "threshold: expected a number from 0 to"),
    ({"text": "Mary", "labels": ["per"]}, 422, "labels[0]: lookup has no label 'per'; it has PER, ORG, "),
    ({"text": "Mary", "labels": ["O"]}, 422, "labels[0]: lookup has no label 'O'"),
    ({"text": "Mary", "labels": ["PER", "B-PER"]}, 422, "labels[1]: lookup has no label 'B-PER'"),
    ({"text": "Mary", "labels": [None]}, 422, "labels[0]: expected a string, found null."),
    ({"text": "Mary", "": 1}, 422, "'': there is no such argument"),
    ({"text": "Mary", "labels": "PER"}, 422, "labels: expected a list of up to 100 labels"),
    ({"text": "Mary", "labels": [1]}, 422, "labels[0]: expected a string, found 1."),
    ({"text": "Mary", "labels": ["PER"] * 1000}, 422, "labels: expected a list of up to 100 labels"),
    ({"text": "Mary", "aggregation": "best"}, 422, "aggregation: expected one of word, whitespace, first, "),
    ({"text": "Mary", "aggregation": None, "model": "/etc/passwd"}, 422, "model: Model '/etc/passwd'"),
    ({"text": "Mary", "device": "GPU.9"}, 422, "device: "),
    ({"text": "Mary", "device": 0}, 422, "device: expected the name of a device, as a string, found 0."),
    ({"text": "Mary", "precision": "INT4"}, 422, "precision: lookup has no precision 'INT4'"),
    ({"text": "Mary", "compute": "fast"}, 422, "compute: expected one of auto, exact, int8+bf16, "),
    ({"text": "Mary", "compute": 8}, 422, "compute: expected one of auto, exact, int8+bf16, "),
    ({"text": "Mary", "compute": "int8"}, 422, "compute='int8' is not possible here"),
    ({"text": "Mary", "compute": "exact", "device": "kserve://h:1/m"}, 422, "compute: A model server has"),
    ({"text": "Mary", "offsets": "bytes"}, 422, "offsets: expected one of code_points, utf16"),
    ([1, 2], 400, "The body is JSON, but not an object"),
    ("Mary", 400, "The body is not JSON (line 1, column 1)"),
    (b"\xff\xfe", 400, "The body is not JSON"),
    (b'{"text": "Jos\xe9"}', 400, "The body is not utf-8: found 0xe9 at byte 14. Send UTF-8."),
    ("", 400, "The body is not JSON"),
    ("[" * 100_000, 400, "The body is nested too deeply."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "reason"), MISUSES)
def test_every_misuse_is_a_sentence_that_names_the_argument(page, body, status, reason):
    answer = post(page, "/api/recognize", body)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith(reason) or reason in answer.json()["error"]
    assert len(answer.text) < 500


def test_a_wrong_method_is_told_the_right_one(page):
    answer = requests.get(f"{page}/api/recognize?text=Mary", timeout=PATIENCE)
    assert (answer.status_code, answer.json()["error"]) == (405, "GET is not for /api/recognize; send POST.")
    assert post(page, "/api/models", {}).status_code == 405
    for method in ("OPTIONS", "TRACE", "BREW"):
        answer = requests.request(method, f"{page}/api/recognize", timeout=60)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert answer.json()["error"] == f"{method} is not for /api/recognize; send POST."


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/api", "there are /api/recognize, /api/batch, "),
        ("/api/", "there are /api/recognize"),
        ("/api/recognize/", "did you mean /api/recognize?"),
        ("/api/recognise", "did you mean /api/recognize?"),
        ("/api/zzz/q?c=d", "there are"),
        ("/api/" + "x" * 5000, "there are"),
    ],
)
def test_a_wrong_path_is_told_the_right_ones(page, path, hint):
    for answer in (post(page, path, {"text": "Mary"}), requests.get(f"{page}{path}", timeout=60)):
        assert answer.status_code == 404
        assert answer.json()["error"].startswith(f"There is no {path.partition('?')[0][:60]}; {hint}")
        assert len(answer.text) < 300


def test_a_compressed_body_is_told(page):
    body = gzip.compress(json.dumps({"text": "Mary"}).encode())
    answer = post(page, "/api/recognize", body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, "sent as gzip" in answer.json()["error"]) == (415, True)


def test_an_argument_in_the_address_is_told_not_ignored(page):
    answer = post(page, "/api/recognize?__sign=x&model=lookup", {"text": "Mary"})
    message = "model: expected in the JSON of the body, found in the address."
    assert (answer.status_code, answer.json()["error"]) == (422, message)
    assert post(page, "/api/recognize?__sign=x", {"text": "Mary"}).status_code == 200


def test_tags_are_labels_where_pieces_stay_apart(page):
    asked = {"text": SENTENCE, "aggregation": "none", "labels": ["B-PER"]}
    found = post(page, "/api/recognize", asked).json()["entities"]
    assert {entity["label"] for entity in found} == {"B-PER"}


def test_a_page_of_another_site_cannot_ask_unasked(page):
    asked = {"text": "Mary"}
    plain = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert post(page, "/api/recognize", asked, **plain).status_code == 415
    assert (
        post(page, "/api/recognize", asked, **plain | {"Content-Type": "application/json"}).status_code == 200
    )


def test_health_says_when_a_model_is_loaded(page, service):
    assert requests.get(f"{page}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
    assert not service.ready
    assert post(page, "/api/recognize", {"text": SENTENCE}).ok
    answer = requests.get(f"{page}/readyz", timeout=PATIENCE)
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
    url = f"{page}/gradio_api/call/v2/recognize"
    event = requests.post(url, json={"text": SENTENCE}, timeout=PATIENCE).json()["event_id"]
    lines = requests.get(f"{page}/gradio_api/call/recognize/{event}", timeout=PATIENCE).text.splitlines()
    assert lines[0] == "event: complete"
    assert names(json.loads(lines[1].removeprefix("data: "))[0]) == NAMES
    # The example of Gradio's API page in a shell that runs the end of a pipe apart, such as bash.
    lost = requests.get(f"{page}/gradio_api/call/recognize/", timeout=PATIENCE)
    assert (lost.status_code, "/api/recognize" in lost.json()["error"]) == (404, True)


def test_batch_devices_and_models(client):
    found = client.predict([SENTENCE, "", "Rotterdam"], api_name="/recognize_batch")
    assert [len(one["entities"]) for one in found] == [3, 0, 1]
    devices = client.predict(api_name="/devices")
    assert devices[0]["name"] == "AUTO"
    assert {"CPU"} <= {device["name"] for device in devices}
    models = client.predict(api_name="/models")
    assert models[0] == {"name": "lookup", "precisions": ["FP32"], "default": True}


def test_only_the_four_functions_are_offered_and_they_are_described(page):
    info = requests.get(f"{page}/gradio_api/info", timeout=PATIENCE).json()
    assert set(info["named_endpoints"]) == {"/recognize", "/recognize_batch", "/devices", "/models"}
    assert not info["unnamed_endpoints"]
    endpoint = info["named_endpoints"]["/recognize"]
    assert "names in a text" in endpoint["description"]
    wanted = ["text", "model", "device", "precision", "aggregation", "threshold", "labels", "compute"]
    assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == wanted
    assert [parameter["label"] for parameter in endpoint["parameters"]] == wanted
    assert endpoint["parameters"][1]["python_type"]["description"].startswith("Name of a model")
    assert "milliseconds" in endpoint["returns"][0]["python_type"]["description"]
    assert endpoint["parameters"][0]["example_input"] == SENTENCE


@pytest.mark.parametrize(("body", "status", "reason"), MISUSES[:30])
def test_gradio_checks_arguments_the_same_way(page, body, status, reason):
    if "offsets" in body:
        reason = "offsets: only POST /api/recognize"
    answer = post(page, "/gradio_api/call/v2/recognize", body, **{"Content-Type": "application/json"})
    if answer.status_code == 200:
        # What needs the model is told by the answer.
        event = answer.json()["event_id"]
        lines = requests.get(f"{page}/gradio_api/call/recognize/{event}", timeout=PATIENCE).text.splitlines()
        assert lines[0] == "event: error"
        error = json.loads(lines[1].removeprefix("data: "))["error"]
    else:
        assert answer.status_code == 422
        error = answer.json()["error"]
    assert reason in error


def test_what_gradio_says_of_the_functions_is_whole(page):
    tools = requests.get(f"{page}/gradio_api/mcp/schema", timeout=PATIENCE).json()
    for tool in tools:
        assert tool["description"].endswith(".")
        for described in tool["inputSchema"].get("properties", {}).values():
            assert described["description"].endswith((".", '."')), described


def test_gradio_client_is_told_the_same(client):
    with pytest.raises(AppError, match=r"texts\[1\]: expected a string, found 5"):
        client.predict(["Mary", 5], api_name="/recognize_batch")


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        (
            "call/recognise",
            {"data": []},
            404,
            "recognise: there is no such function; did you mean recognize?",
        ),
        ("call/v2/zzz", {"text": "Bob"}, 404, "zzz: there is no such function; there are recognize, "),
        ("call/recognize", {"text": "Bob"}, 422, "data: expected a list of 8 values, found no list."),
        ("run/recognize", {"data": "Bob"}, 422, "data: expected a list of 8 values, found no list."),
        ("call/recognize", ["Bob"], 400, "The body is JSON, but not an object; expected one such as "),
        (
            "call/v2/recognize",
            "Bob",
            400,
            "The body is not JSON (line 1, column 1); expected an object such as ",
        ),
    ],
)
def test_calls_that_gradio_would_fail_at_are_told(page, path, body, status, reason):
    answer = post(page, f"/gradio_api/{path}", body, **{"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].startswith(reason)
    assert "Bob" not in answer.text


def test_too_few_values_are_refused_before_gradio_logs_them(page, capfd):
    for path in ("/gradio_api/call/recognize", "/gradio_api/run/recognize", "/gradio_api/queue/join"):
        body = {"data": ["Mary has a secret"], "session_hash": "x"}
        if path.endswith("join"):
            config = requests.get(f"{page}/config", timeout=PATIENCE).json()
            body["fn_index"] = next(d["id"] for d in config["dependencies"] if d["api_name"] == "recognize")
        answer = post(page, path, body, **{"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"] == "data: expected a list of 8 values, found 1."
    assert "secret" not in "".join(capfd.readouterr())


def test_what_fails_inside_gradio_is_logged_without_the_text(page, capfd):
    config = requests.get(f"{page}/config", timeout=PATIENCE).json()
    tab = next(c for c in config["components"] if c["props"].get("elem_id") == "compare-tab")
    body = {"data": "Mary has a secret", "component_id": tab["id"], "fn_name": "compare", "session_hash": "x"}
    answer = post(page, "/gradio_api/component_server", body, **{"Content-Type": "application/json"})
    assert answer.status_code >= 400
    assert "secret" not in "".join(capfd.readouterr())


def test_the_description_is_openapi_and_its_examples_work(page):
    described = requests.get(f"{page}/api/openapi.json", timeout=PATIENCE).json()
    assert described["openapi"].startswith("3.")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            answer = requests.request(method, page + path, json=sent.get("example"), timeout=PATIENCE)
            assert answer.status_code == 200, answer.text
            if sent:
                jsonschema.validate(sent["example"], sent["schema"])
                nothing = sent["example"] | dict.fromkeys(("model", "labels", "offsets", "threshold"))
                jsonschema.validate(nothing, sent["schema"])  # null stands for what is not given
                assert requests.request(method, page + path, json=nothing, timeout=PATIENCE).ok
            returned = operation["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json(), returned)


def test_what_a_tool_is_sent_is_not_logged_where_it_is_no_call(page, caplog):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"arguments": "Kryptonia-Zyx"}}
    kinds = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    post(page, "/gradio_api/mcp/", body, **kinds)
    assert "A message to the MCP server was refused." in caplog.text
    post(page, "/gradio_api/mcp/", body | {"params": {"name": "Kryptonia-Zyx", "arguments": {}}}, **kinds)
    assert "Kryptonia" not in caplog.text


def test_a_component_that_is_not_there_is_said(page):
    body = {"session_hash": "x", "component_id": 10**6, "fn_name": "teach", "data": []}
    answer = post(page, "/gradio_api/component_server/", body)
    assert (answer.status_code, answer.json()["error"]) == (404, "There is no such component on this page.")


def test_tools_answer_in_json_by_their_schema(page):
    import anyio
    from mcp import ClientSession, McpError
    from mcp.client.streamable_http import streamablehttp_client

    async def talk():
        async with (
            streamablehttp_client(f"{page}/gradio_api/mcp/") as (reads, writes, _),
            ClientSession(reads, writes) as session,
        ):
            offered = (await session.initialize()).capabilities
            assert (offered.prompts, offered.resources) == (None, None)
            with pytest.raises(McpError):  # Gradio would run the last of its functions
                await session.get_prompt("any")
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            # The client checks structured answers against the tools' schemas itself.
            calls = {
                "text": await session.call_tool("recognize", {"text": SENTENCE}),
                "batch": await session.call_tool("recognize_batch", {"texts": [SENTENCE, "😀"]}),
                "models": await session.call_tool("models", {}),
                "devices": await session.call_tool("devices", {}),
                "wrong": await session.call_tool("recognize", {"txt": "Mary"}),
                "unknown": await session.call_tool("devices", {"all": True}),
                "other": await session.call_tool("Recognise", {"text": "Mary"}),
                "unnamed": await session.call_tool("", {}),
            }
            return tools, calls

    tools, calls = anyio.run(talk)
    assert set(tools) == {"recognize", "recognize_batch", "devices", "models"}
    for tool in tools.values():
        assert tool.annotations.readOnlyHint
        assert tool.outputSchema["type"] == "object"
        assert tool.description
        assert all(value["description"] for value in tool.inputSchema["properties"].values())
    assert names(calls["text"].structuredContent) == NAMES
    assert json.loads(calls["text"].content[0].text) == calls["text"].structuredContent
    assert len(calls["batch"].structuredContent["results"]) == 2
    assert calls["models"].structuredContent["models"][0]["name"] == "lookup"
    assert calls["wrong"].isError
    assert calls["wrong"].content[0].text == "txt: there is no such argument; did you mean text?"
    assert calls["unknown"].isError
    assert calls["other"].content[0].text == "Recognise: there is no such tool; did you mean recognize?"
    assert calls["unnamed"].content[0].text.startswith("'': there is no such tool; there are recognize, ")


def test_a_shared_link_shows_this_page_and_nothing_of_another(page):
    forwarded = {"X-Forwarded-Host": 'names.example"><script>', "X-Forwarded-Proto": "https"}
    for headers in ({}, forwarded):
        answer = requests.get(f"{page}/", headers=headers, timeout=PATIENCE)
        assert answer.text.count('property="og:title"') == 1
        assert '<meta property="og:title" content="Names in text">' in answer.text
        assert "githubusercontent" not in answer.text
        assert "@Gradio" not in answer.text
        assert '"><script>' not in answer.text
    answer = requests.get(f"{page}/", timeout=PATIENCE)
    assert f'<meta property="og:image" content="{page}/preview.png">' in answer.text
    assert int(answer.headers["content-length"]) < 60_000 < len(answer.content)
    plain = requests.get(f"{page}/", headers={"Accept-Encoding": "identity"}, timeout=PATIENCE)
    assert (plain.content, plain.headers.get("content-encoding")) == (answer.content, None)
    picture = requests.get(f"{page}/preview.png", timeout=PATIENCE)
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert len(picture.content) < 100_000


@pytest.mark.parametrize("root", ["/ner", "https://names.example/ner"])
def test_everything_is_there_under_a_prefix_whether_a_proxy_keeps_it_or_takes_it_off(service, root):
    from app import build_demo
    from ner_app.web import launch

    demo = build_demo(service)
    address = launch(demo, service, block=False, quiet=True, root_path=root)
    listed = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    try:
        for prefix in ("", "/ner"):
            html = requests.get(f"{address}{prefix}/", timeout=PATIENCE).text
            public = root if "://" in root else f"{address}{root}"
            assert f'<meta property="og:image" content="{public}/preview.png">' in html
            assert names(post(address, f"{prefix}/api/recognize", {"text": SENTENCE}).json()) == NAMES
            accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
            assert '"recognize_batch"' in post(address, f"{prefix}/gradio_api/mcp/", listed, **accept).text
    finally:
        demo.close()
