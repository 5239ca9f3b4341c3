"""What `python app.py` loads and whom it talks to."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from ner_app.address import check_address, note_port
from tests.conftest import PATIENCE, free_port, wait_until_ready

ROOT = Path(__file__).parents[2]
GUARD = """
import os, socket, sys
HERE = (None, "", "127.0.0.1", "::1", "0.0.0.0", "localhost", socket.gethostname())
_connect = socket.socket.connect
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
        with open(os.environ["NETWORK_LOG"], "a") as log:
            print(address, file=log)
        raise OSError("no network in this test")
    return _connect(self, address)
socket.socket.connect = connect
_look_up = socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    if host not in HERE:
        with open(os.environ["NETWORK_LOG"], "a") as log:
            print("look up", host, file=log)
        raise socket.gaierror("no network in this test")
    return _look_up(host, *rest, **more)
socket.getaddrinfo = getaddrinfo
class Watched:
    def find_spec(name, *rest):
        if name in os.environ["HEAVY"].split():
            with open(os.environ["NETWORK_LOG"], "a") as log:
                print("import", name, file=log)
sys.meta_path.insert(0, Watched)
"""
HEAVY = "torch transformers nncf onnx sklearn ray lxml pypdfium2 selectolax"


@pytest.fixture
def environment(lookup_models, tmp_path):
    return os.environ | {
        "NER_MODELS_DIR": str(lookup_models),
        "NER_DEFAULT_MODEL": "lookup",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "HEAVY": HEAVY,
        "NETWORK_LOG": str(tmp_path / "network.log"),
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
    }


def test_the_page_answers_without_network_and_heavy_packages_and_logs_no_text(environment, tmp_path):
    from gradio_client import Client

    (tmp_path / "sitecustomize.py").write_text(GUARD)
    port = free_port()
    log = tmp_path / "app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            env=environment | {"GRADIO_SERVER_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, log)
        found = Client(url, verbose=False).predict("Mary has a secret.", api_name="/recognize")
        assert [entity["text"] for entity in found["entities"]] == ["Mary"]
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert not (tmp_path / "network.log").exists(), (tmp_path / "network.log").read_text()
    assert "secret" not in log.read_text()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("NER_PUBLIC", "maybe", "1 or 0"),
        ("GRADIO_SERVER_PORT", "http", "a port from 1 to 65535"),
        ("GRADIO_SERVER_PORT", "0", "a port from 1 to 65535"),
    ],
)
def test_a_wrong_setting_is_a_sentence(name, value, expected, monkeypatch):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["app.py"])
    with pytest.raises(SystemExit) as left:  # Python prints the sentence and ends with 1
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    assert left.value.code == f"{name}={value!r} in the environment: expected {expected}."


def test_an_argument_is_refused_with_what_sets_the_port(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["app.py", "--port", "7861"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    assert left.value.code == 2
    assert "GRADIO_SERVER_PORT" in capsys.readouterr().err


def test_an_address_that_cannot_be_served_is_a_sentence(monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", str(free_port()))
    monkeypatch.setenv("GRADIO_SERVER_NAME", "192.0.2.1")  # reserved for documentation: no machine has it
    said = r"192\.0\.2\.1:\d+ \(.+\)\. Set GRADIO_SERVER_NAME"
    with pytest.raises(ValueError, match=said):
        check_address()
    monkeypatch.setenv("GRADIO_SERVER_NAME", "127.0.0.1")
    check_address()


def test_a_port_that_visitors_cannot_reach_or_expect_is_logged(monkeypatch, caplog):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "6000")
    note_port("http://127.0.0.1:6000/")
    note_port("http://127.0.0.1:6001/")
    assert caplog.messages == [
        "Browsers refuse port 6000 and cannot open this page; "
        "set GRADIO_SERVER_PORT to another, such as 7860.",
        "Port 6000 is in use; the page is served at port 6001.",
    ]
    monkeypatch.setenv("GRADIO_SERVER_PORT", "6001")
    note_port("http://127.0.0.1:6001/")
    assert len(caplog.messages) == 2
