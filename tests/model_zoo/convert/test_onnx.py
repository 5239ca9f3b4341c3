"""ONNX: graphs as people export and publish them, fetched from a hub of ours, compared with their source."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from model_zoo import __main__ as commands
from model_zoo.catalog.errors import CatalogError
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.conversion import ConversionError, convert_checkpoint
from model_zoo.download import hub
from tests.lazily import torch
from tests.model_zoo.convert.checkpoint_folders import edit_config
from tests.model_zoo.convert.test_conversion import random_inputs, run
from tests.model_zoo.hub_server import HubServer

TOKENIZER = ("config.json", "tokenizer.json", "tokenizer_config.json")


def make_onnx(checkpoint, folder, *, names=("input_ids", "attention_mask", "token_type_ids"), static=False):
    folder.mkdir()
    module = load_checkpoint(checkpoint).module
    inputs = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in range(3))
    axes = {name: {0: "batch", 1: "sequence"} for name in (*names, "logits")}
    torch.onnx.export(
        module,
        inputs,
        folder / "model.onnx",
        input_names=list(names),
        output_names=["logits"],
        dynamic_axes=None if static else axes,
        dynamo=False,
    )
    for file in ("config.json", "tokenizer.json"):
        shutil.copyfile(checkpoint / file, folder / file)
    return folder / "model.onnx"


def call_it_magic(file):
    import onnx

    model = onnx.load(file)
    model.graph.node[-1].op_type, model.graph.node[-1].domain = "Magic", "own"
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    onnx.save(model, file)


@pytest.fixture(scope="module")
def renamed(tiny_checkpoint, tmp_path_factory):
    """The tiny checkpoint's graph whose inputs have the names of the first BERT."""
    folder = tmp_path_factory.mktemp("renamed") / "onnx"
    return make_onnx(tiny_checkpoint, folder, names=("input_ids", "input_mask", "segment_ids"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("judge", ["onnxruntime", "openvino"])
def test_onnx_converts_without_torch(tiny_checkpoint, renamed, tmp_path, monkeypatch, judge, plain_processor):
    source = shutil.copytree(renamed.parent, tmp_path / "onnx") / renamed.name
    with monkeypatch.context() as patch:
        if judge == "openvino":
            patch.setattr("importlib.util.find_spec", lambda name: None)
        [made] = convert_checkpoint(
            source, tmp_path / "out", "tiny", precisions=["FP32"], python="/no/such/python"
        )
    assert made.parity < 1e-4
    assert judge in made.notes[0].lower()
    inputs = random_inputs(3, 21)
    module = load_checkpoint(tiny_checkpoint).module
    with torch.no_grad():
        expected = module(**{name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
    seen = inputs["attention_mask"].astype(bool)
    assert np.abs(run(made.xml, inputs) - expected)[seen].max() < 1e-4


@pytest.mark.filterwarnings("ignore")
def test_a_graph_of_one_shape_says_which_flag_to_give(tiny_checkpoint, tmp_path, plain_processor):
    source = make_onnx(tiny_checkpoint, tmp_path / "onnx", static=True)
    with pytest.raises(ConversionError, match=r"--input_shape 2x8"):
        convert_checkpoint(source, tmp_path / "out", "tiny", precisions=["FP32"])
    [made] = convert_checkpoint(source, tmp_path / "out", "tiny", precisions=["FP32"], input_shape=(2, 8))
    assert made.xml.parent.name == "FP32-2x8"


def test_what_onnxruntime_cannot_run_is_said(renamed, tmp_path):
    with pytest.raises(ConversionError, match=r"fails on inputs of up to 512 pieces: \[ONNXRuntimeError\]"):
        convert_checkpoint(renamed, tmp_path, "tiny", overrides={"max_length": 5000})


# As published


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.with_name("config.json").unlink(), "no labels. Expected id2label"),
        (lambda file: file.write_text("<html>"), "cannot read this ONNX file: Unable to read the model"),
        (
            lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\n"),
            "a pointer of Git LFS",
        ),
        (call_it_magic, "cannot read this ONNX file: No conversion rule found for operations: own.Magic"),
        (
            lambda file: edit_config(file.parent, id2label={"0": "O", "1": "PER"}, label2id=None),
            r"expected one output \[batch, sequence, 2\], found \[\?,\?,9\]",
        ),
    ],
)
def test_why_a_graph_cannot_be_converted_is_said(renamed, tmp_path, spoil, message):
    source = shutil.copytree(renamed.parent, tmp_path / "onnx") / renamed.name
    spoil(source)
    with pytest.raises(ConversionError, match=message):
        convert_checkpoint(source, tmp_path / "out", "tiny", precisions=["FP32"])


@pytest.fixture(scope="module")
def graphs(tiny_checkpoint, tmp_path_factory):
    """The tiny checkpoint's graph with its tensors beside it, and quantized."""
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    folder = tmp_path_factory.mktemp("graphs") / "onnx"
    whole = make_onnx(tiny_checkpoint, folder)
    beside = folder / "external.onnx"
    onnx.save_model(
        onnx.load(whole), beside, save_as_external_data=True, location="model.onnx_data", size_threshold=0
    )
    made = {"external": beside.read_bytes(), "model.onnx_data": (folder / "model.onnx_data").read_bytes()}
    quantize_dynamic(whole, folder / "quantized.onnx")
    made["quantized"] = (folder / "quantized.onnx").read_bytes()
    return made


@pytest.fixture
def hub_server(monkeypatch, tmp_path):
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.close()


LAYOUTS = {
    "with tensors beside it": {"onnx/model.onnx": "external", "onnx/model.onnx_data": "model.onnx_data"},
    "quantized alone": {"onnx/model_quantized.onnx": "quantized", "onnx/model_q4.onnx": "external"},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.usefixtures("plain_processor")
def test_a_repository_with_onnx_alone_runs(graphs, tiny_checkpoint, tmp_path, hub_server, layout, capsys):
    import model_zoo

    files = {name: (tiny_checkpoint / name).read_bytes() for name in TOKENIZER}
    hub_server.publish({**files, **{name: graphs[key] for name, key in LAYOUTS[layout].items()}})
    where = ["--name", "owner/name", "-o", str(tmp_path)]
    assert commands.main(["download", *where]) == 0, capsys.readouterr().err
    assert commands.main(["convert", *where, "-d", str(tmp_path), "--precisions", "FP32"]) == 0, (
        capsys.readouterr().err
    )
    ner = model_zoo.load("hf:owner/name", models_dir=tmp_path, device="CPU")
    inputs = random_inputs(3, 21)
    module = load_checkpoint(tiny_checkpoint).module
    with torch.no_grad():
        expected = module(**{name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
    seen = inputs["attention_mask"].astype(bool)
    xml = tmp_path / "public" / "hf--owner--name" / "FP32" / "hf--owner--name.xml"
    found = run(xml, inputs)
    gap = np.abs(found - expected)[seen].max() / np.abs(expected).max()
    assert gap < (0.1 if layout == "quantized alone" else 1e-5)
    assert ner("Mary lives in Santa Clara.").entities
    alone = {name: array[1:2, :11] for name, array in inputs.items()}
    assert np.abs(run(xml, alone) - found[1:2, :11]).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["onnx/model_q4.onnx", "onnx/model_bnb4.onnx"],
            r"found onnx/model_bnb4\.onnx, onnx/model_q4\.onnx;",
        ),
        (["model_O4.onnx"], r"expected one of the ONNX graphs model\.onnx, .* found model_O4\.onnx"),
    ],
)
def test_graphs_that_nobody_could_convert_are_refused_first(tiny_checkpoint, hub_server, files, message):
    small = {name: (tiny_checkpoint / name).read_bytes() for name in TOKENIZER}
    hub_server.publish({**small, **dict.fromkeys(files, b"graph")})
    with pytest.raises(CatalogError, match=message):
        hub.resolve("hf:owner/name")


def test_onnx_alone_is_no_start_for_fine_tuning(tiny_checkpoint, hub_server):
    small = {name: (tiny_checkpoint / name).read_bytes() for name in TOKENIZER}
    hub_server.publish({**small, "onnx/model.onnx": b"graph"})
    with pytest.raises(CatalogError, match=r"to train from, found onnx/model\.onnx alone"):
        hub.resolve("hf:owner/name", encoder=True)
