"""What strangers may name, and what a link may: values of what the page offers, never addresses."""

import contextlib
import dataclasses
import os
import socket
import threading

import pytest

from ner_app.limits import Limits
from ner_app.service import Choice, ChoiceError, Service
from ner_app.text import text_functions


@pytest.fixture
def listener():
    """A server that nobody may connect to; its port, and what came."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    came.append(server.accept()[1])

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def public(service):
    service.limits = dataclasses.replace(service.limits, public=True)
    return service


DEVICES = [
    "kserve://127.0.0.1:{port}/mé",
    "KSERVES://127.0.0.1:{port}/m",
    " kserve://127.0.0.1:{port}/m",
    "grpc://127.0.0.1:{port}/m",
    "http://127.0.0.1:{port}/",
    "AUTO:CPU",
    "MULTI:CPU(300000)",
    "HETERO:" + ",".join(["CPU"] * 4000),
    "BATCH:CPU(16)",
]


@pytest.mark.parametrize("device", DEVICES)
def test_strangers_name_devices_of_the_list(public, listener, device):
    port, came = listener
    with pytest.raises(ChoiceError, match=r"is not offered here; AUTO, .*CPU.* can be used") as caught:
        public.recognize("Mary", Choice("lookup", device.format(port=port)))
    assert len(str(caught.value)) < 300
    assert not came
    assert public.recognize("Mary", Choice("lookup", "cpu")).entities


@pytest.mark.parametrize("device", DEVICES[:5])
def test_an_address_in_a_link_is_never_followed_at_home_too(service, listener, device):
    port, came = listener
    choice, said = service.linked("lookup", device.format(port=port))
    assert choice == Choice("lookup", "AUTO")
    assert "is not offered here" in said
    assert service.recognize("Mary", choice).entities
    assert not came


@pytest.mark.parametrize(
    ("model", "device", "precision", "expected", "about"),
    [
        ("lookup", "CPU", "FP32", Choice("lookup", "CPU", "FP32"), ""),
        ("lookup", "auto", "", Choice("lookup"), ""),
        ("", "", "", Choice("lookup"), ""),
        ("/etc", "CPU", "", Choice("lookup", "CPU"), "Model '/etc'"),
        ("hf:owner/name", "CPU", "", Choice("lookup", "CPU"), "Model 'hf:owner/name'"),
        ("lookup", "CPU", "INT4", Choice("lookup", "CPU"), "precision 'INT4'"),
        ("x" * 9999, "y" * 9999, "z" * 9999, Choice("lookup"), "Model 'xxx"),
    ],
)
def test_what_a_link_names_and_is_not_there_becomes_the_default(
    service, model, device, precision, expected, about
):
    choice, said = service.linked(model, device, precision)
    assert choice == expected
    assert about in said
    assert bool(said) == bool(about)
    assert len(said) < 600


def test_at_home_an_expression_of_openvino_still_works(service):
    assert service.recognize("Mary", Choice("lookup", "MULTI:CPU")).entities


@pytest.mark.parametrize(
    ("environ", "public"),
    [
        ({}, False),
        ({"GRADIO_SERVER_NAME": "127.0.0.1"}, False),
        ({"GRADIO_SERVER_NAME": "localhost"}, False),
        ({"GRADIO_SERVER_NAME": "127.0.0.2"}, False),
        ({"GRADIO_SERVER_NAME": "[::1]"}, False),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, True),
        ({"GRADIO_SERVER_NAME": "::"}, True),
        ({"GRADIO_SERVER_NAME": "192.168.1.5"}, True),
        ({"GRADIO_SERVER_NAME": "myhost.example"}, True),
        ({"GRADIO_SHARE": "True"}, True),
        ({"GRADIO_ROOT_PATH": "/ner"}, True),
        ({"SPACE_ID": "me/demo"}, True),
        ({"SYSTEM": "spaces"}, True),
        ({"NER_PUBLIC": "1"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "NER_PUBLIC": "0"}, False),
    ],
)
def test_a_public_host_lets_strangers_neither_download_nor_delete_nor_name_addresses(environ, public):
    limits = Limits.from_environment(environ)
    assert limits.public == public
    assert limits.allow_downloads != public
    assert limits.allow_hub != public
    allowed = Limits.from_environment(environ | {"NER_ALLOW_DOWNLOADS": "1"})
    assert allowed.allow_downloads
    assert allowed.public == public


def test_the_host_is_judged_by_the_environment_of_now(monkeypatch):
    """What takes the place of os.environ after this was imported must not open a public page."""
    monkeypatch.setattr(os, "environ", {"SPACE_ID": "me/demo"})
    assert Service("lookup").limits.public


def test_strangers_are_not_told_why_a_model_cannot_be_loaded_and_the_owner_is(
    lookup_models, caplog, monkeypatch
):
    monkeypatch.setenv("NER_MODELS_DIR", str(lookup_models))

    def damaged(*_, **__):
        raise RuntimeError(f"{lookup_models}/lookup.xml is damaged. Get it again: python -m model_zoo get")

    plain = "The model lookup is not available on this server."
    service = Service("lookup", Limits(public=True), damaged)
    service.warm_up()
    assert service.problem == plain
    assert str(lookup_models) in caplog.text
    with pytest.raises(ChoiceError, match=f"^{plain}$"):
        service.recognize("Mary", Choice("lookup"))
    at_home = Service("lookup", Limits(), damaged)
    at_home.warm_up()
    assert "Get it again" in at_home.problem


def test_the_address_of_a_model_server_is_asked_for_as_it_was_typed(service):
    asked = []

    def note(name, *, device, **_):
        asked.append(device)
        raise RuntimeError(name)

    service._load = note
    sent = {"text": "Mary", "model": "lookup", "device": " kserve://127.0.0.1:1/lookup"}
    text_functions(service)["recognize"](sent, None)
    text_functions(service)["recognize"](sent | {"device": " cpu"}, None)
    assert asked == ["kserve://127.0.0.1:1/lookup", "CPU"]
