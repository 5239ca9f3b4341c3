"""bert-base-ner's own size, from a web server to IR: the figures of its model card, parity, and memory.

The figures are counts, linear in the numbers of layers and of word pieces: one layer and two, with few
pieces, say what twelve with all would. All of it by the real commands (random weights, 430 MB), and the
memory that they take, are for `make test-all`. What it shows for pytorch_model.bin holds for safetensors:
tests.model_zoo.convert.test_checkpoints.py shows that both give the same module.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import yaml

from model_zoo.convert import ir, parity
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.measurement import measure
from model_zoo.convert.tracing import convert_module
from tests.lazily import torch

ROOT = Path(__file__).parents[3]
LABELS = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
PIECES = 28_996
FILES = ("config.json", "vocab.txt", "pytorch_model.bin")

#: Reads the peak of a process in bytes; ru_maxrss would begin with the memory of the process that started it.
OWN_PEAK = """
import re
from pathlib import Path

own = 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
#: Runs a command of the zoo and says how much memory it and its workers took, in bytes.
MEASURED = f"""
import resource, sys
from model_zoo.converter import main

code = main(sys.argv[1:])
{OWN_PEAK}
peak = max(own, 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stderr.write(f"PEAK {{peak}}")
sys.exit(code)
"""
#: What the libraries of a conversion take by themselves.
LIBRARIES = f"""
import sys
import openvino, torch
from transformers import BertForTokenClassification
{OWN_PEAK}
sys.stderr.write(f"PEAK {{own}}")
"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def folder():
    """Not tmp_path: pytest would keep a gigabyte of it for three more runs."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture
def address(folder):
    (folder / "web").mkdir()
    handler = partial(QuietHandler, directory=str(folder / "web"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def publish_checkpoint(web, layers, pieces=PIECES):
    """Write bert-base-ner's three files with random weights; return some inputs and outputs."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    torch.manual_seed(0)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=pieces, num_labels=9, id2label=dict(enumerate(LABELS)), num_hidden_layers=layers
        )
    ).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 1:  # zeros and ones, which OpenVINO would rightly leave out
                weights.add_(torch.randn_like(weights), alpha=0.02)
    torch.save(model.state_dict(), web / "pytorch_model.bin")
    model.config.save_pretrained(web)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"Word{index}" for index in range(pieces - 5))]
    (web / "vocab.txt").write_text("\n".join(words) + "\n")
    inputs = {name: np.ones((1, 128), np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    inputs["input_ids"] = np.random.default_rng(1).integers(5, pieces, (1, 128))
    with torch.no_grad():
        outputs = model(**{name: torch.from_numpy(array) for name, array in inputs.items()}).logits.numpy()
    return inputs, outputs


def write_zoo(zoo, web, address):
    """bert-base-ner's model.yml with sizes, hashes and addresses of these files."""
    content = yaml.safe_load((ROOT / "model_zoo/models/public/bert-base-ner/model.yml").read_text())
    content["files"] = [
        {
            "name": f"bert-base-ner/{name}",
            "size": (web / name).stat().st_size,
            "checksum": hashlib.sha384((web / name).read_bytes()).hexdigest(),
            "source": f"{address}/{name}",
        }
        for name in FILES
    ]
    (zoo / "public" / "bert-base-ner").mkdir(parents=True)
    (zoo / "public" / "bert-base-ner" / "model.yml").write_text(yaml.safe_dump(content))


def run(arguments, folder):
    done = subprocess.run(
        [sys.executable, *arguments, "--models_dir", str(folder / "zoo"), "--name", "bert-base-ner"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def check_figures(gops, mparams):
    assert gops == pytest.approx(22.3874, rel=0.005)
    assert mparams == pytest.approx(107.4319, rel=0.005)


def test_one_layer_and_two_with_few_pieces_say_the_cards_figures(folder):
    (folder / "web").mkdir()
    inputs, expected = publish_checkpoint(folder / "web", layers=1, pieces=1_000)
    checkpoint = load_checkpoint(folder / "web")
    encoder = checkpoint.module.model.bert.encoder
    measured = []
    for count in (1, 2):
        encoder.layer = torch.nn.ModuleList([encoder.layer[0]] * count)
        graph = ir.fix_ports(convert_module(checkpoint))
        ov.save_model(graph, folder / f"{count}.xml", compress_to_fp16=False)
        measured.append(measure(folder / f"{count}.xml"))
    # The second layer shares the weights of the first, which are counted once.
    weights = sum(weights.numel() for weights in encoder.layer[0].parameters()) / 1e6
    one, two = measured
    rows = (PIECES - 1_000) * checkpoint.module.model.config.hidden_size / 1e6
    check_figures(one["gops"] + 11 * (two["gops"] - one["gops"]), one["mparams"] + 11 * weights + rows)
    [found] = parity.outputs(folder / "1.xml", [inputs])
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.nightly
def test_a_checkpoint_of_the_cards_architecture_gives_the_cards_figures(folder, address):
    inputs, expected = publish_checkpoint(folder / "web", layers=12)
    write_zoo(folder / "zoo", folder / "web", address)
    models = str(folder / "models")
    run(["-m", "model_zoo.downloader", "-o", models], folder)
    size = (folder / "web" / "pytorch_model.bin").stat().st_size
    (folder / "web" / "pytorch_model.bin").unlink()

    done = run(["-c", MEASURED, "-d", models, "--precisions", "FP32", "--progress_format", "json"], folder)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    [result] = [event for event in events if event["$type"] == "model_conversion_result"]
    assert result["parity"] < 1e-4
    libraries = run(["-c", LIBRARIES], folder)
    peak, without = (int(one.stderr.rpartition("PEAK ")[2]) for one in (done, libraries))
    assert without < peak < without + 2 * size

    dumped = json.loads(run(["-m", "model_zoo.info_dumper", "--measure", "-o", models], folder).stdout)
    [measured] = dumped[0]["measurements"].values()
    assert measured["shape"] == [1, 128]
    check_figures(measured["gops"], measured["mparams"])
    assert [port["name"] for port in measured["inputs"]] == ["input_ids", "attention_mask", "token_type_ids"]
    assert [port["name"] for port in measured["outputs"]] == ["output"]

    xml = folder / "models" / "public" / "bert-base-ner" / "FP32" / "bert-base-ner.xml"
    compiled = ov.Core().compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert np.abs(compiled(inputs)["output"] - expected).max() < 1e-4
