"""A model that looks words up: real IR, real tokenizer, answers that a test can know."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import requests

import ner_app.stubs  # noqa: F401 (before Gradio: makes its import quicker)
from tests.conftest import PATIENCE

LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
NAMES = {
    "Mary": "B-PER",
    "Priya": "B-PER",
    "Raman": "I-PER",
    "NVIDIA": "B-ORG",
    "Acme": "B-ORG",
    "Santa": "B-LOC",
    "Clara": "I-LOC",
    "Rotterdam": "B-LOC",
    "Dutch": "B-MISC",
}


def save_lookup_model(
    models_dir: Path, name: str = "lookup", names: dict[str, str] | None = None, **told: str
) -> Path:
    """Write ``public/<name>/FP32``; its logits are a row of a table, chosen by the word piece.

    `told` is more of its rt_info.
    """
    names = NAMES if names is None else names
    labels = LABELS if names is NAMES else ("O", *dict.fromkeys(names.values()))
    import openvino as ov
    from openvino import opset13 as ops
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *names]
    table = np.zeros((len(pieces), len(labels)), np.float32)
    table[:, 0] = 4.0
    for index, piece in enumerate(pieces):
        if piece in names:
            # The further down the list, the less sure: scores from 0.998 down to 0.79.
            table[index, labels.index(names[piece])] = 12.0 - 0.6 * index / 2
    ids, mask, types = (
        ops.parameter([-1, -1], np.int64, name) for name in ("input_ids", "attention_mask", "token_type_ids")
    )
    for parameter, tensor in ((ids, "input_ids"), (mask, "attention_mask"), (types, "token_type_ids")):
        parameter.output(0).get_tensor().set_names({tensor})
    logits = ops.gather(ops.constant(table), ids, ops.constant(0))
    logits.output(0).get_tensor().set_names({"output"})
    model = ov.Model([ops.result(logits)], [ids, mask, types], name)
    information = {
        "model_type": "bert",
        "labels": " ".join(labels),
        "max_length": "64",
        "tag_scheme": "IOB2",
        "token_type_ids": "segments",
        "model_name": name,
        "precision": "FP32",
    } | told
    for key, value in information.items():
        model.set_rt_info(value, ["model_info", key])
    folder = models_dir / "public" / name / "FP32"
    folder.mkdir(parents=True)
    ov.save_model(model, folder / f"{name}.xml", compress_to_fp16=False)
    tokenizer = Tokenizer(
        models.WordPiece({piece: index for index, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def lookup_models(tmp_path_factory):
    """A models folder that holds the model ``lookup``."""
    folder = tmp_path_factory.mktemp("models")
    save_lookup_model(folder)
    return folder


@pytest.fixture
def service(lookup_models, monkeypatch):
    """A service whose default is the model ``lookup``."""
    from ner_app.service import Service

    monkeypatch.setenv("NER_MODELS_DIR", str(lookup_models))
    return Service("lookup")


@pytest.fixture(scope="module")
def served(lookup_models):
    """A page whose model is ``lookup``, and its address."""
    from app import build_demo
    from ner_app.limits import Limits
    from ner_app.service import Service
    from ner_app.web import launch

    limits = Limits(text_characters=20_000, batch_characters=20_000, batch_texts=3, upload_bytes=300_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NER_MODELS_DIR", str(lookup_models))
        with warnings.catch_warnings():
            # Gradio warns when the arguments of a function do not fit its inputs.
            warnings.simplefilter("error", UserWarning)
            demo = build_demo(service := Service("lookup", limits))
        yield demo, launch(demo, service, block=False, quiet=True)
        demo.close()


@pytest.fixture(scope="module")
def page(served):
    """The address of that page."""
    return served[1]


def post(page, path, body, **headers):
    """Send a body, or what JSON makes one."""
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return requests.post(f"{page}{path}", data=data, headers=headers, timeout=PATIENCE)
