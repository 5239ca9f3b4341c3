"""Which repositories of the hub are models that run, and what is said of the others."""

from __future__ import annotations

import json

import pytest

from model_zoo import __main__ as commands
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.zoo import load_catalog
from model_zoo.download import hub
from tests.model_zoo.hub_server import CONFIG, FILES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config.json": None}, "expected a config.json in the repository, found none"),
        (
            {"model.safetensors": None, "pytorch_model.bin": None},
            "expected model.safetensors, pytorch_model.bin",
        ),
        (
            {"tokenizer.json": None, "vocab.txt": None},
            "expected tokenizer.json, or vocab.txt, in the repository",
        ),
        (
            {"config.json": b'{"architectures": ["BertForMaskedLM"]}'},
            "expected a token classifier .*BertForMaskedLM",
        ),
        ({"config.json": b"{}"}, "expected a token classifier .*found no architecture"),
        (
            {"config.json": json.dumps({**CONFIG, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}).encode()},
            r"found LABEL_0, LABEL_1. If its card .* add hf:owner/name .*--labels O,",
        ),
        ({"config.json": json.dumps({**CONFIG, "id2label": None}).encode()}, "found no id2label"),
        ({"config.json": json.dumps({**CONFIG, "id2label": {"x": "O"}}).encode()}, "whole numbers as keys"),
        (
            {"config.json": json.dumps({**CONFIG, "id2label": {"0": "O", "1": ""}}).encode()},
            "found none for 1",
        ),
        (
            {"config.json": json.dumps({**CONFIG, "id2label": {"0": "O", "1": None}}).encode()},
            "found none for 1",
        ),
        ({"config.json": json.dumps({**CONFIG, "id2label": "O"}).encode()}, "ids and labels, found str"),
        (
            {"config.json": json.dumps({**CONFIG, "id2label": {"0": "0", "1": "1"}}).encode()},
            r"found 0, 1. If its card .*--labels O,",
        ),
        (
            {"config.json": json.dumps({**CONFIG, "vocab_size": "x"}).encode()},
            "vocab_size: expected an integer",
        ),
        ({"config.json": b"[]"}, "config.json: expected a JSON object"),
        ({"tokenizer_config.json": b"null"}, "tokenizer_config.json: expected a JSON object"),
        ({"config.json": json.dumps(CONFIG).encode("utf-16")}, "config.json is damaged .*expected JSON"),
        (
            {"config.json": b"<html>"},
            "config.json is damaged in the repository, .*expected JSON, found b'<html>'",
        ),
    ],
)
def test_what_is_no_named_token_classifier_is_refused(repository, changes, message):
    repository.publish(
        {name: content for name, content in {**FILES, **changes}.items() if content is not None}
    )
    with pytest.raises(CatalogError, match=message):
        hub.resolve("hf:owner/name")


def variant(**changes: object) -> dict[str, bytes]:
    config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    return {**FILES, "config.json": json.dumps(config).encode()}


def tokenized(**settings: object) -> dict[str, bytes]:
    return {**FILES, "tokenizer_config.json": json.dumps(settings).encode()}


def only(*names: str) -> dict[str, bytes]:
    return {name: FILES.get(name, b"{}") for name in names}


@pytest.mark.parametrize(
    ("files", "about", "message"),
    [
        (only("gliner_config.json", "pytorch_model.bin"), {}, "a GLiNER model.*use the gliner package"),
        (variant(architectures=["SpanMarkerModel"], model_type="span-marker"), {}, "a SpanMarker model"),
        (only("pytorch_model.bin", "README.md"), {"tags": ["flair"]}, "a Flair model; use the flair package"),
        (only("pytorch_model.bin", "README.md"), {}, "found none; .* it may be a Flair model"),
        (only("meta.json", "config.cfg"), {"library_name": "spacy"}, "a spaCy pipeline"),
        (only("ner.nemo"), {}, "found none; ner.nemo is an archive of NeMo"),
        (
            only("checkpoint-9/config.json"),
            {},
            "checkpoint-9/config.json is in a folder: download that folder",
        ),
        (only("model.pkl"), {}, "found none; model.pkl is for another library"),
        (only("README.md"), {}, "in the repository, found none but README.md"),
        (
            only("config.json", "vocab.txt", "openvino/openvino_model.xml"),
            {},
            "is a model of OpenVINO already",
        ),
        (
            only("adapter_config.json", "adapter_model.safetensors"),
            {},
            "an adapter without its base model.*merge",
        ),
        (only("config.json", "tf_model.h5", "vocab.txt"), {}, "weights for TensorFlow only.*save_pretrained"),
        (only("config.json", "bert.gguf", "vocab.txt"), {}, "weights for GGUF only"),
        (tokenized(tokenizer_class="BertJapaneseTokenizer"), {}, "BertJapaneseTokenizer isn't .*MeCab"),
        (variant(tokenizer_class="BertJapaneseTokenizer"), {}, "BertJapaneseTokenizer isn't .*MeCab"),
        (tokenized(tokenizer_class="PhobertTokenizerFast"), {}, "PhobertTokenizerFast isn't .*Vietnamese"),
        (
            variant(
                architectures=["NewBertForTokenClassification"],
                auto_map={"AutoModelForTokenClassification": "modeling_new.NewBertForTokenClassification"},
            ),
            {},
            "NewBertForTokenClassification, which is code of its repository or of another .* isn't run",
        ),
        (variant(architectures=["NewForTokenClassification"], model_type="new"), {}, "new models aren't sup"),
        (variant(architectures=["NewBertForTokenClassification"]), {}, "expected the architecture of bert"),
        (variant(architectures=["BertCrf"]), {}, r"a CRF chooses its labels \(BertCrf\), which can't"),
        (
            variant(id2label=None, label2id={"O": [0]}),
            {},
            r"label2id: expected whole numbers as values, found \[0\]",
        ),
        (variant(model_type="layoutlm"), {}, "layoutlm models aren't supported: it reads documents as"),
        (variant(model_type="fnet"), {}, "fnet models aren't supported: its scores change with padding"),
        (
            variant(model_type=None, architectures=["XForTokenClassification"]),
            {},
            "a model without a model_type isn't supported",
        ),
        (variant(quantization_config={"quant_method": "gptq"}), {}, "already quantized"),
        (variant(model_type="camembert"), {}, "expected the architecture of camembert"),
    ],
)
def test_what_does_not_run_is_refused_before_a_byte_of_weights(repository, files, about, message):
    repository.publish({name: content for name, content in files.items() if content is not None}, **about)
    with pytest.raises(CatalogError, match=message):
        hub.resolve("hf:owner/name")
    asked = [path.rsplit("/", 1)[-1] for path, _ in repository.requests]
    assert not [name for name in asked if name.endswith((".bin", ".safetensors", ".h5", ".gguf"))]


def test_code_beside_an_architecture_of_transformers_does_not_matter(repository):
    repository.publish(
        variant(auto_map={"AutoModelForTokenClassification": "modeling.BertForTokenClassification"})
    )
    assert hub.resolve("hf:owner/name").labels == ["O", "B-PER", "I-ORG"]


def test_a_camembert_with_a_vocabulary_that_is_not_berts_takes_its_sentencepiece_model(repository):
    files = variant(architectures=["CamembertForTokenClassification"], model_type="camembert")
    del files["tokenizer.json"]
    repository.publish(files)
    with pytest.raises(CatalogError, match=r"expected tokenizer\.json, or sentencepiece\.bpe\.model,"):
        hub.resolve("hf:owner/name")
    repository.publish({**files, "sentencepiece.bpe.model": b"pieces"})
    assert "sentencepiece.bpe.model" in [file.name for file in hub.resolve("hf:owner/name").files]


def test_onnx_is_fetched_where_there_is_nothing_else(repository):
    files = {name: FILES[name] for name in ("config.json", "tokenizer.json")}
    repository.publish({**files, "onnx/model.onnx": b"graph", "onnx/model.onnx_data": b"tensors"})
    model = hub.resolve("hf:owner/name")
    names = [file.name for file in model.files]
    assert names == ["config.json", "tokenizer.json", "onnx/model.onnx", "onnx/model.onnx_data"]
    assert (model.framework, model.checkpoint_path) == ("onnx", "onnx/model.onnx")
    repository.publish({**files, "model.onnx": b"graph", "onnx/model_quantized.onnx": b"graph"})
    assert hub.resolve("hf:owner/name").checkpoint_path == "model.onnx"


def test_labels_are_given_to_a_model_that_does_not_name_them(repository, tmp_path):
    repository.publish(variant(id2label={"0": "LABEL_0", "1": "LABEL_1"}))
    arguments = ["add", "owner/name", "--models_dir", str(tmp_path), "--labels", "O,B-PER"]
    assert commands.main(arguments) == 0
    assert load_catalog(tmp_path)[0].labels == ["O", "B-PER"]
    with pytest.raises(
        CatalogError, match=r"expected 2 labels, as in config.json's id2label, found 3: O, B-PER"
    ):
        hub.resolve("hf:owner/name", labels=["O", "B-PER", "I-PER"])


@pytest.mark.parametrize(
    "changes",
    [
        {"id2label": {"2": "I-ORG", "0": "O", "1": "B-PER"}},
        {"id2label": None, "label2id": {"I-ORG": 2, "O": 0, "B-PER": 1}},
        {
            "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
            "label2id": {"O": "0", "B-PER": "1", "I-ORG": "2"},
        },
    ],
)
def test_labels_in_whichever_map_names_them(repository, changes):
    repository.publish(variant(**changes))
    assert hub.resolve("hf:owner/name").labels == ["O", "B-PER", "I-ORG"]
