"""The same logits from every OpenVINO that loads an IR: older ones, each in an environment of its own."""

import json
import shutil
import subprocess
import venv

import numpy as np
import openvino as ov
import pytest

import model_zoo
from model_zoo.convert import ir, tracing
from model_zoo.convert.checkpoints.checkpoint import Checkpoint, logits_module

pytestmark = pytest.mark.nightly

VERSIONS = ("2024.6.0", "2025.2.0")
SHAPES = ((1, 3), (4, 33), (2, 128), (1, 17), (3, 64))
EXACT = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}

#: Runs in the other environment, which has openvino and numpy alone.
RUN = """
import json, sys
import numpy as np, openvino as ov
folder = sys.argv[1]
inputs = np.load(f"{folder}/inputs.npz")
compiled = ov.Core().compile_model(sys.argv[2], "CPU", json.loads(sys.argv[3]))
names = [port.any_name for port in compiled.inputs]
made = {}
for number in sorted({name.split(".")[0] for name in inputs.files}):
    made[number] = compiled({name: inputs[f"{number}.{name}"] for name in names})[0]
np.savez(f"{folder}/outputs.npz", **made)
"""


@pytest.fixture(scope="module", params=VERSIONS)
def python(request, tmp_path_factory):
    """The interpreter of an environment with another OpenVINO."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = [f"openvino=={request.param}", "numpy<2.2"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    yield python
    shutil.rmtree(folder)


def encoder(**sizes):
    import torch
    from transformers import BertConfig, BertForTokenClassification

    torch.manual_seed(0)
    model = BertForTokenClassification(BertConfig(vocab_size=2000, num_labels=9, **sizes)).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                weights.mul_(3.0)  # logits that differ from piece to piece
    return model


def bert_base():
    """bert-base-ner's sizes, two layers of twelve."""
    return logits_module(encoder(num_hidden_layers=2))


def nemo():
    """An encoder with NeMo's head: linear layers with relu between, and log_softmax."""
    import torch

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = encoder(hidden_size=96, num_hidden_layers=2, intermediate_size=128).bert
            layers = torch.nn.Linear(96, 96), torch.nn.ReLU(), torch.nn.Linear(96, 9)
            self.head = torch.nn.Sequential(*layers, torch.nn.LogSoftmax(-1))

        def forward(self, input_ids, attention_mask, token_type_ids):
            found = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            )
            return self.head(found.last_hidden_state)

    return Classifier().eval()


def converted(module, folder):
    checkpoint = Checkpoint(
        module=module,
        labels=["O"] * 9,
        tokenizer_json="",
        max_length=512,
        model_type="bert",
        has_token_type_ids=True,
        token_type_ids="segments",
        source_checksum="",
        vocab_size=2000,
    )
    xml = folder / "model.xml"
    ir.finish(ir.fix_ports(tracing.convert_module(checkpoint)), xml, "FP32", {})
    return xml


@pytest.mark.parametrize("model", ["minilm-ner", "bert-base", "nemo"])
def test_older_versions_give_the_logits_of_the_newest(python, model, tmp_path):
    xml = (
        model_zoo.find("minilm-ner")["INT8"]
        if model == "minilm-ner"
        else converted({"bert-base": bert_base, "nemo": nemo}[model](), tmp_path)
    )
    generator, inputs = np.random.default_rng(0), []
    for rows, length in SHAPES:
        for lengths in (np.full(rows, length), generator.integers(1, length, rows)):
            seen = (np.arange(length) < lengths[:, None]).astype(np.int64)
            ids, types = (generator.integers(0, most, (rows, length)) * seen for most in (2000, 2))
            inputs.append({"input_ids": ids, "attention_mask": seen, "token_type_ids": types})
    named = {f"{number}.{name}": value for number, one in enumerate(inputs) for name, value in one.items()}
    np.savez(tmp_path / "inputs.npz", **named)
    subprocess.run([python, "-c", RUN, tmp_path, xml, json.dumps(EXACT)], check=True)
    newest = ov.Core().compile_model(xml, "CPU", EXACT)
    with np.load(tmp_path / "outputs.npz") as outputs:
        for number, one in enumerate(inputs):
            seen = one["attention_mask"].astype(bool)
            found, expected = outputs[str(number)][seen], newest(one)[0][seen]
            assert np.ptp(expected) > 0.1
            assert np.abs(found - expected).max() < 1e-4
