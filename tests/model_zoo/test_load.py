"""model_zoo.load: which IR it takes for which name, and what it says when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import model_zoo
import ner_core.hardware
import ner_core.recognizer
from model_zoo import ModelNotFoundError
from model_zoo.convert.quantization import QuantizationError, source_of
from tests.model_zoo.catalog.test_folders import ir


@pytest.fixture
def loaded(monkeypatch):
    """Record what would be loaded, instead of loading it."""
    calls = []
    monkeypatch.setattr(
        ner_core.recognizer.EntityRecognizer,
        "from_ir",
        lambda path, **options: calls.append((path, options)) or calls[-1],
    )
    return calls


def test_the_best_precision_for_the_device_is_taken(loaded, tmp_path, monkeypatch):
    folder = tmp_path / "public" / "bert-base-ner"
    paths = {precision: ir(folder, precision) for precision in ("FP32", "FP16", "INT8")}
    for path in paths.values():
        (path.parent / "tokenizer.json").write_text("{}")
    order = lambda device: ["FP16-INT8", device, "FP32"]  # noqa: E731
    monkeypatch.setattr(ner_core.hardware, "preferred_precisions", order)
    for device, expected in (("INT8", "INT8"), ("FP16", "FP16"), ("GPU", "FP32")):
        path, options = model_zoo.load("bert-base-ner", device=device, models_dir=tmp_path)
        assert path == paths[expected]
        assert options == {"device": device, "name": "bert-base-ner", "precision": expected}
    path, options = model_zoo.load("bert-base-ner", precision="FP16", models_dir=tmp_path, hint="THROUGHPUT")
    assert path == paths["FP16"]
    assert options["hint"] == "THROUGHPUT"
    with pytest.raises(
        ModelNotFoundError, match="has no FP16-INT8 here, only FP32, FP16, INT8; make it with"
    ):
        model_zoo.load("bert-base-ner", precision="FP16-INT8", models_dir=tmp_path)


def test_a_variant_of_one_shape_is_taken_by_its_name_or_where_there_is_nothing_else(loaded, tmp_path):
    folder = tmp_path / "public" / "bert-base-ner"
    fixed = ir(folder, "FP32-1x128")
    assert model_zoo.load("bert-base-ner", models_dir=tmp_path)[0] == fixed
    assert model_zoo.load(folder)[0] == fixed
    assert list(model_zoo.find(fixed)) == ["FP32-1x128"]
    plain = ir(folder, "FP16")
    assert model_zoo.load("bert-base-ner", models_dir=tmp_path)[0] == plain
    path, options = model_zoo.load("bert-base-ner", precision="fp32-1x128", models_dir=tmp_path)
    assert (path, options["precision"]) == (fixed, "FP32-1x128")


@pytest.mark.parametrize(
    ("precision", "command"),
    [
        ("INT8", r"with: python -m model_zoo\.converter .* --download_dir 'my models' --precisions INT8"),
        ("FP32-2x64", "--precisions FP32 --input_shape 2x64"),
        ("FP16-INT8", r"with: python -m model_zoo\.quantizer --name bert-base-ner --model_dir 'my models'"),
        ("FP8", "only FP16$"),
    ],
)
def test_a_precision_that_is_not_there_is_said_with_the_command_that_makes_it(
    tmp_path, monkeypatch, precision, command
):
    monkeypatch.chdir(tmp_path)
    ir(Path("my models/public/bert-base-ner"), "FP16")
    with pytest.raises(ModelNotFoundError, match=command):
        model_zoo.load("bert-base-ner", precision=precision, models_dir="my models")


def test_of_an_embedded_model_nothing_else_can_be_made(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"minilm-ner has no FP32 here, only INT8$"):
        model_zoo.load("minilm-ner", precision="FP32", models_dir=tmp_path)
    with pytest.raises(QuantizationError, match=r"\(it has INT8\)\. There is nothing to quantize"):
        source_of("minilm-ner", tmp_path, None)


def test_an_ir_of_another_tool_gets_labels_and_vocabulary_of_the_catalog(loaded, tmp_path):
    folder = tmp_path / "public" / "bert-base-ner"
    ir(folder, "FP16")
    (folder / "bert-base-ner").mkdir()
    (folder / "bert-base-ner" / "vocab.txt").write_text("[PAD]\n")
    _, options = model_zoo.load("bert-base-ner", models_dir=tmp_path)
    assert options["tokenizer"] == folder / "bert-base-ner" / "vocab.txt"
    assert options["labels"][:2] == ["O", "B-MISC"]
    assert options["lower_case"] is False


def test_paths(loaded, tmp_path, monkeypatch):
    xml = ir(tmp_path / "mine", "FP16", "anything")
    assert model_zoo.load(str(xml))[0] == xml
    assert model_zoo.load(tmp_path / "mine")[0] == xml
    assert model_zoo.load(str(tmp_path / "mine" / "FP16"))[0] == xml
    monkeypatch.chdir(tmp_path)
    assert model_zoo.load("mine")[0] == Path("mine/FP16/anything.xml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match=r"found a folder without an \.xml"):
        model_zoo.load("./empty")
    with pytest.raises(ModelNotFoundError, match="found nothing"):
        model_zoo.load("missing/model.xml")
    (tmp_path / "config.json").touch()
    with pytest.raises(ModelNotFoundError, match=r"a checkpoint; convert it: python -m model_zoo\.converter"):
        model_zoo.load(tmp_path)
    (tmp_path / "x.nemo").touch()
    with pytest.raises(ModelNotFoundError, match=r"found a checkpoint; convert it"):
        model_zoo.load("./x.nemo")


def test_a_name_of_the_zoo_goes_before_a_folder_of_that_name(loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ir(tmp_path / "bert-base-ner", "FP16")
    with pytest.raises(ModelNotFoundError, match="is not in"):
        model_zoo.load("bert-base-ner", models_dir=tmp_path / "models")


def test_what_is_not_there_is_said_with_the_commands_to_run(tmp_path):
    with pytest.raises(ModelNotFoundError) as caught:
        model_zoo.load("bert-base-ner", models_dir=tmp_path)
    assert str(caught.value).splitlines()[1:] == [
        f"  python -m model_zoo.downloader --name bert-base-ner --output_dir {tmp_path}",
        f"  python -m model_zoo.converter --name bert-base-ner --download_dir {tmp_path}",
    ]
    with pytest.raises(ModelNotFoundError, match="downloader --name hf:owner/name"):
        model_zoo.load("hf:owner/name", models_dir=tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"no model 'brt'. The zoo has: bert-base-ner, "):
        model_zoo.load("brt", models_dir=tmp_path)


@pytest.mark.parametrize("what", ["", "; model_zoo.find('minilm-ner')"], ids=["import", "find"])
def test_an_ir_is_found_without_reading_the_zoo(what):
    heavy = ("torch", "transformers", "gradio", "requests", "pydantic")
    code = f"import sys, model_zoo{what}; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", ["owner/name", "https://huggingface.co/owner/name"])
def test_names_of_the_hub_are_taken_as_people_give_them(tmp_path, name):
    with pytest.raises(model_zoo.ModelNotFoundError, match="downloader --name hf:owner/name"):
        model_zoo.load(name, models_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"name": 5}, TypeError, "name: expected a name of the zoo or a path .* found 5"),
        ({"name": None}, TypeError, "name: expected .* found None"),
        ({"name": b"minilm-ner"}, TypeError, "name: expected .* found b'minilm-ner'"),
        ({"name": ["minilm-ner"]}, TypeError, r"name: expected .* found \['minilm-ner'\]"),
        ({"name": " "}, ValueError, "name: expected a name of the zoo or a path, found ' '"),
        ({"device": 5}, TypeError, "device: expected a string such as 'CPU', found 5"),
        ({"name": "auto", "device": None}, TypeError, "device: expected .* found None"),
        ({"name": "auto", "threads": "x"}, TypeError, "threads: expected a whole number .* found 'x'"),
        ({"precision": 5}, TypeError, "precision: expected a string such as 'FP16', found 5"),
        ({"models_dir": 5}, TypeError, r"models_dir: expected a folder \(str or Path\), found 5"),
        ({"bogus": 1}, TypeError, "Unknown option bogus"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, said):
    with pytest.raises(error, match=said):
        model_zoo.load(**{"name": "minilm-ner", **arguments})
