"""Side by side with Open Model Zoo's own tools, where they are installed (requirements-omz.txt).

``OMZ_PYTHON`` names the Python of the environment that has openvino-dev. Without it these tests compare with
nothing; the constructs of its files are covered by test_catalog.py in any case.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from model_zoo import info_dumper
from model_zoo.catalog.layout import MODELS_ROOT
from model_zoo.catalog.zoo import load_catalog

OMZ_PYTHON = os.environ.get("OMZ_PYTHON", "")
pytestmark = pytest.mark.skipif(not OMZ_PYTHON, reason="OMZ_PYTHON does not name a Python with openvino-dev")


def run(code: str, *arguments: str) -> str:
    done = subprocess.run([OMZ_PYTHON, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def omz_models() -> Path:
    return Path(run("from omz_tools import _common; print(_common.MODEL_ROOT)").strip())


def test_all_its_models_load(omz_models):
    models = load_catalog(omz_models)
    parts = sum(len(model.stages) for model in models)
    composites = sum(bool(model.stages) for model in models)
    assert len(models) + parts == len(list(omz_models.rglob("*model.yml")))
    assert composites == len(list(omz_models.rglob("composite-model.yml"))) > 0


def test_the_dump_is_the_same_byte_for_byte(omz_models, capsys):
    theirs = run("import sys; from omz_tools.omz_info_dumper import main; sys.argv[1:] = ['--all']; main()")
    assert info_dumper.main(["--all", "--models_dir", str(omz_models)]) == 0
    ours = capsys.readouterr().out
    assert json.loads(ours) == json.loads(theirs)
    assert ours == theirs


@pytest.mark.parametrize(
    "selection", [["--print_all"], ["--name", "bert-*,forward-tacotron-regression"], ["--name", "wavernn"]]
)
def test_selections_are_the_same(omz_models, capsys, selection):
    code = f"import sys; from omz_tools.omz_info_dumper import main; sys.argv[1:] = {selection!r}; main()"
    assert info_dumper.main([*selection, "--models_dir", str(omz_models)]) == 0
    assert capsys.readouterr().out == run(code)


def test_it_reads_our_bert_base_ner(tmp_path):
    shutil.copytree(MODELS_ROOT / "public" / "bert-base-ner", tmp_path / "public" / "bert-base-ner")
    code = """
import json, sys
from pathlib import Path
from omz_tools._configuration import load_models
(model,) = load_models(Path(sys.argv[1]))
files = [[str(file.name), file.size, file.checksum.value.hex(), file.source.url] for file in model.files]
print(json.dumps([model.name, files, sorted(model.precisions), model.framework, model.mo_args]))
"""
    name, files, precisions, framework, mo_args = json.loads(run(code, str(tmp_path)))
    (ours,) = load_catalog(tmp_path)
    assert name == ours.name
    assert files == [[file.name, file.size, file.checksum.value, file.sources[0].url] for file in ours.files]
    assert (precisions, framework, mo_args) == (ours.precisions, ours.framework, ours.model_optimizer_args)
