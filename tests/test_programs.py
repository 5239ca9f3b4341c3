"""The code of README's section for programs, run as it stands."""

import contextlib
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PATIENCE

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
SECTION = README[README.index("## From a program") : README.index("\n## Models")]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def page():
    from app import demo, launch, service  # builds the page

    yield launch(demo, service, block=False, quiet=True)
    demo.close()


def run(language, code):
    if language == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, {"__name__": "readme"})
        return printed.getvalue()
    command = {"sh": ["sh", "-c"], "js": ["node", "--input-type=module", "--eval"]}[language]
    if language == "js" and not shutil.which("node"):
        pytest.skip("Node runs this block")
    return subprocess.run(
        [*command, code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout


def test_every_way_has_its_block():
    assert [language for language, _ in BLOCKS] == ["sh", "python", "js", *["python"] * 4]


@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_a_block_of_the_readme_runs_and_finds_the_names(page, language, code):
    for needed in ("spacy", "mcp"):
        if f"import {needed}" in code:
            pytest.importorskip(needed)
    printed = run(language, code.replace("http://127.0.0.1:7860", page)).lower()
    assert "mary" in printed
    assert "santa clara" in printed
