"""The page as Hugging Face Spaces starts it: a clean copy, requirements.txt, the variables of a Space."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import requests
from gradio_client import Client

from tests.conftest import PATIENCE, free_port, wait_until_ready

ROOT = Path(__file__).parents[1]


def clean_copy(folder: Path) -> Path:
    """Unpack what is committed, as a push would send it."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def environment_of_a_space(home: Path, port: int) -> dict[str, str]:
    """What Spaces sets, and nothing of this machine's but what finds the interpreter's libraries."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/named-entities",
        "SPACE_HOST": "somebody-named-entities.hf.space",
        "SPACE_AUTHOR_NAME": "somebody",
        "SPACE_REPO_NAME": "named-entities",
        "SPACE_TITLE": "Named entities",
        "CPU_CORES": "2",
        "MEMORY": "16Gi",
        "ACCELERATOR": "none",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_THEME": "huggingface",
        "GRADIO_SSR_MODE": "False",
        "NER_PREPARE": "",  # conversion has its own tests
        "HF_HUB_ENABLE_HF_TRANSFER": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_a_clean_copy_starts_with_requirements_alone(tmp_path):
    space = clean_copy(tmp_path / "space")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "-r", str(space / "requirements.txt")], check=True)
    port = free_port()
    home = tmp_path / "home"
    home.mkdir()
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(python), "app.py"],
            cwd=space,
            env=environment_of_a_space(home, port),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        found = client.predict("Mary lives in Santa Clara and works at NVIDIA.", api_name="/recognize")
        assert [(entity["label"], entity["text"]) for entity in found["entities"]] == [
            ("PER", "Mary"),
            ("LOC", "Santa Clara"),
            ("ORG", "NVIDIA"),
        ]
        config = requests.get(f"http://127.0.0.1:{port}/config", timeout=PATIENCE).json()
        assert config["space_id"] == "somebody/named-entities"
        # A public page must not let its visitors fill the disk.
        shown = {c["props"].get("elem_id"): c["props"] for c in config["components"]}
        assert "Downloads are switched off" in str(config["components"])
        assert "models-tab" in shown
    finally:
        process.terminate()
        process.wait(PATIENCE)
    said = log.read_text()
    # Spaces adds the package `spaces` itself; without it Gradio cannot reload code there, and says so.
    assert said.count("Traceback") == said.count("`spaces` package is required"), said
