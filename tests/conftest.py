"""A tiny random BERT token classifier, made once per session; no network, no downloads."""

import shutil
import signal
import string
import subprocess
import time
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, settings

# How fast examples are made says something about the machine, not about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A script that starts the tests with "&" makes them, and every program they start, deaf to interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TINY_LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")


def tiny_vocabulary() -> list[str]:
    """Special tokens, letters alone and as continuations, and some longer pieces."""
    letters = [*string.ascii_letters, *string.digits, *"äöüÄÖÜéñçøßαβγאבгдеж"]
    pieces = ["Mary", "lives", "in", "Santa", "Clara", "New", "York", "the", "The", "of", "and", "San", "An"]
    endings = ["##s", "##ing", "##ton", "##land", "##er", "##a", "##ed"]
    marks = [*string.punctuation, "中", "国", "日", "本", "\u0301", "##\u0301", "…", "“", "”", "—", "€"]
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *marks, *pieces]
    return list(dict.fromkeys([*listed, *(f"##{letter}" for letter in letters), *endings]))


def wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    """Wait for a page that was started; fail with its log when it ended or has a problem."""
    deadline = time.monotonic() + 600
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            answer = requests.get(f"{address}/readyz", timeout=20)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.2)
            continue
        assert not answer.json().get("problem"), answer.json()
        if answer.ok:
            return
        time.sleep(0.2)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """A Hugging Face folder: config.json, model.safetensors, tokenizer.json, vocab.txt."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    folder.mkdir()
    vocabulary = {piece: index for index, piece in enumerate(tiny_vocabulary())}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(
        ("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"])
    )
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=len(TINY_LABELS),
        id2label=dict(enumerate(TINY_LABELS)),
        label2id={label: index for index, label in enumerate(TINY_LABELS)},
    )
    torch.manual_seed(0)
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        # Random weights of the usual size give nearly the same logits everywhere; large ones vary.
        for name, weights in model.named_parameters():
            if weights.ndim == 2:
                weights.mul_(40.0 if "classifier" in name else 20.0 if "word_embeddings" in name else 4.0)
        model.classifier.bias[0] = 2.0
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_max_length=64,
    ).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_ir(tiny_checkpoint, tmp_path_factory):
    """The folder of the checkpoint's IR: tiny.xml, tiny.bin, tokenizer.json."""
    import openvino as ov
    import torch
    from transformers import BertForTokenClassification

    model = BertForTokenClassification.from_pretrained(tiny_checkpoint, attn_implementation="eager").eval()
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    example = {name: torch.ones((2, 8), dtype=torch.int64) for name in inputs}
    converted = ov.convert_model(model, example_input=example)
    converted.reshape({port: [-1, -1] for port in converted.inputs})
    converted.outputs[0].get_tensor().set_names({"output"})
    for key, value in {
        "model_type": "bert",
        "labels": " ".join(TINY_LABELS),
        "max_length": "64",
        "tag_scheme": "IOB2",
        "token_type_ids": "segments",
        "model_name": "tiny",
        "precision": "FP32",
    }.items():
        converted.set_rt_info(value, ["model_info", key])
    folder = tmp_path_factory.mktemp("models") / "public" / "tiny" / "FP32"
    folder.mkdir(parents=True)
    ov.save_model(converted, folder / "tiny.xml", compress_to_fp16=False)
    (folder / "tokenizer.json").write_bytes((tiny_checkpoint / "tokenizer.json").read_bytes())
    return folder


@pytest.fixture(scope="session")
def tiny_ner(tiny_ir):
    """An EntityRecognizer of the tiny IR on the CPU."""
    from ner_core import EntityRecognizer

    return EntityRecognizer.from_ir(tiny_ir / "tiny.xml", device="CPU")


@pytest.fixture(scope="session")
def two_models(tiny_ir, tmp_path_factory):
    """A models folder with the tiny model under the names and in the precision of the embedded ones."""
    base = tmp_path_factory.mktemp("zoo")
    for name in ("minilm-ner", "multilingual-ner"):
        folder = base / "public" / name / "INT8"
        folder.mkdir(parents=True)
        for suffix in ("xml", "bin"):
            shutil.copy(tiny_ir / f"tiny.{suffix}", folder / f"{name}.{suffix}")
        shutil.copy(tiny_ir / "tokenizer.json", folder)
    return base


@pytest.fixture(scope="session")
def compressed():
    """A function: bytes and ``gzip`` or ``zstd``, to compressed bytes."""
    import pyarrow

    def compress(content, name):
        sink = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(sink, name) as stream:
            stream.write(content)
        return sink.getvalue().to_pybytes()

    return compress
