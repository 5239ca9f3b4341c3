"""Hugging Face folders: every architecture, every layout of weights, every way a checkpoint can be wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.loading import find_checkpoint, load_checkpoint
from model_zoo.convert.tracing import check_padding
from tests.lazily import torch
from tests.model_zoo.convert.checkpoint_folders import (
    ARCHITECTURES,
    cut_short,
    edit_config,
    logits,
    make_architecture,
    save_pickle,
    state_of,
)
from tests.tiny_bert import TINY_LABELS


def test_a_folder_says_what_the_contract_wants(tiny_checkpoint):
    checkpoint = load_checkpoint(tiny_checkpoint)
    assert checkpoint.labels == list(TINY_LABELS)
    assert checkpoint.max_length == 64
    assert '"lowercase":false' in checkpoint.tokenizer_json
    assert checkpoint.model_type == "bert"
    assert checkpoint.has_token_type_ids
    assert checkpoint.token_type_ids == "segments"
    assert checkpoint.source_checksum.startswith("sha384:")
    assert not checkpoint.module.training


def test_pickle_safetensors_and_shards_are_the_same_model(folder, tiny_checkpoint):
    expected = logits(load_checkpoint(tiny_checkpoint))
    state = state_of(folder)
    save_pickle(folder, state)
    assert torch.equal(logits(load_checkpoint(folder)), expected)
    for name in ("state_dict", "model_state_dict", "model"):
        save_pickle(folder, {name: state, "epoch": 3, "optimizer_state_dict": {"state": {}}})
        assert torch.equal(logits(load_checkpoint(folder)), expected)
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert torch.equal(logits(load_checkpoint(folder)), expected)
    (folder / "pytorch_model.bin").unlink()
    names = sorted(state)
    parts = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
    for name, part in parts.items():
        torch.save({key: state[key] for key in part}, folder / name)
    index = {"metadata": {}, "weight_map": {key: name for name, part in parts.items() for key in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert torch.equal(logits(load_checkpoint(folder)), expected)
    (folder / "pytorch_model-2.bin").unlink()
    with pytest.raises(CheckpointError, match=r"pytorch_model-2\.bin"):
        load_checkpoint(folder)


@pytest.mark.parametrize("metadata", [{}, {"metadata": None}])
def test_an_index_without_metadata_is_read(folder, tiny_checkpoint, metadata):
    state = state_of(folder)
    save_pickle(folder, state, "part-1.bin")
    index = {"weight_map": dict.fromkeys(state, "part-1.bin"), **metadata}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert torch.equal(logits(load_checkpoint(folder)), logits(load_checkpoint(tiny_checkpoint)))
    assert json.loads((folder / "pytorch_model.bin.index.json").read_text()) == index


def test_an_index_that_points_outside_is_refused(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "../../elsewhere/pytorch_model.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"expected the names of \.bin files beside it"):
        load_checkpoint(folder)


def test_weights_of_older_versions_are_read(folder, tiny_checkpoint):
    """gamma and beta, position_ids, and a pooler, as checkpoints of 2020 have them."""
    state = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for key, value in state_of(folder).items()
    }
    state["bert.embeddings.position_ids"] = torch.arange(64)[None]
    state["bert.pooler.dense.weight"] = torch.zeros(32, 32)
    state["bert.pooler.dense.bias"] = torch.zeros(32)
    save_pickle(folder, state)
    assert torch.equal(logits(load_checkpoint(folder)), logits(load_checkpoint(tiny_checkpoint)))


@pytest.mark.parametrize("name", ["loss_fct.weight", "criterion.weight", "loss.weight", "class_weights"])
def test_weights_of_a_loss_are_left_out_with_a_line(folder, tiny_checkpoint, name):
    save_pickle(folder, {**state_of(folder), name: torch.ones(9)})
    read = load_checkpoint(folder)
    assert read.notes == [f"{name}: used by training alone, so left out"]
    assert torch.equal(logits(read), logits(load_checkpoint(tiny_checkpoint)))


@pytest.mark.parametrize("name", ["crf.transitions", "crf_layer.start_transitions", "CRF.trans_matrix"])
def test_a_crf_is_refused_in_a_sentence(folder, name):
    state = {key.replace("classifier.", "hidden2tag."): value for key, value in state_of(folder).items()}
    save_pickle(folder, {**state, name: torch.ones(9)})
    with pytest.raises(CheckpointError, match=rf"a CRF chooses its labels \({name}\), which can't be conv"):
        load_checkpoint(folder)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_saved_from_a_wrapped_model_are_read(folder, tiny_checkpoint, prefix):
    """As torch.save(model.state_dict()) leaves them after DataParallel or torch.compile."""
    save_pickle(folder, {f"{prefix}{name}": weight for name, weight in state_of(folder).items()})
    assert torch.equal(logits(load_checkpoint(folder)), logits(load_checkpoint(tiny_checkpoint)))


def test_weights_under_other_names_are_listed_with_the_missing_ones(folder):
    save_pickle(folder, {f"net.{name}": weight for name, weight in state_of(folder).items()})
    with pytest.raises(CheckpointError, match=r"weights are missing .*; 39 are not of this .*\(net\.bert"):
        load_checkpoint(folder)


def test_a_tokenizer_with_more_pieces_than_the_model_is_refused(folder):
    state = state_of(folder)
    key = "bert.embeddings.word_embeddings.weight"
    save_pickle(folder, {**state, key: state[key][:100].clone()})
    edit_config(folder, vocab_size=100)
    with pytest.raises(CheckpointError, match=r"tokenizer's files give \d+ pieces, the model has 100\."):
        load_checkpoint(folder)


def test_half_precision_weights_become_float32(folder):
    save_pickle(folder, {key: value.half() for key, value in state_of(folder).items()})
    assert logits(load_checkpoint(folder)).dtype == torch.float32


def test_a_missing_classifier_is_an_error_not_a_random_one(folder):
    state = state_of(folder)
    save_pickle(folder, {key: value for key, value in state.items() if not key.startswith("classifier")})
    with pytest.raises(
        CheckpointError, match=r"2 weights are missing \(classifier\.bias, classifier\.weight\)"
    ):
        load_checkpoint(folder)


def test_weights_of_something_else_are_an_error(folder):
    save_pickle(folder, state_of(folder) | {"bert.encoder.layer.7.adapter.weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"no place in this architecture \(bert\.encoder\.layer\.7"):
        load_checkpoint(folder)


def test_a_pickle_that_runs_code_is_refused(folder, tmp_path):
    target = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (open, (str(target), "w"))

    for zipped in (True, False):
        (folder / "model.safetensors").unlink(missing_ok=True)
        evil = {"classifier.weight": Payload()}
        torch.save(evil, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        with pytest.raises(CheckpointError, match="refused"):
            load_checkpoint(folder)
        assert not target.exists()


def test_code_that_comes_with_a_repository_is_not_run(folder, tmp_path):
    target = tmp_path / "executed"
    (folder / "modeling_evil.py").write_text(f"open({str(target)!r}, 'w')\n")
    for model_type in ("bert", "evil"):
        edit_config(
            folder,
            model_type=model_type,
            auto_map={
                "AutoConfig": "modeling_evil.Config",
                "AutoModelForTokenClassification": "modeling_evil.Model",
            },
        )
        if model_type == "bert":  # transformers' own definition is taken
            assert load_checkpoint(folder).model_type == "bert"
        else:
            with pytest.raises(
                CheckpointError, match="is code of its repository or of another library and isn't run"
            ):
                load_checkpoint(folder)
        assert not target.exists()


def test_a_configuration_does_not_choose_what_is_run(folder, monkeypatch):
    from transformers import modeling_utils

    def ask_the_hub(*_, **__):
        raise AssertionError("a kernel of the hub was asked for")

    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", ask_the_hub)
    keys = ("_attn_implementation", "attn_implementation", "_experts_implementation")
    chosen = dict.fromkeys(keys, "owner/kernel")
    edit_config(folder, **chosen, use_kernels=True, kernel_config={"a": "owner/kernel"}, deeper={"x": chosen})
    checkpoint = load_checkpoint(folder)
    assert checkpoint.module.model.config._attn_implementation == "sdpa"
    assert "owner/kernel" not in str(checkpoint.module.model.config.to_dict())


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("layoutlm", "boxes of words"),
        ("fnet", "change with padding"),
        ("esm", "proteins"),
        ("bart", "supported"),
    ],
)
def test_families_that_would_run_wrongly_are_refused(folder, family, message):
    edit_config(folder, model_type=family)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json: does not exist"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json: expected JSON"),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json: expected JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "expected a JSON object, found list"),
        (lambda folder: (folder / "config.json").write_bytes(b" " * (17 << 20)), "expected at most"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 100), "weights are damaged"),
        (
            lambda folder: (folder / "tokenizer.json").write_text("{}"),
            r"tokenizer\.json: the tokenizers library failed",
        ),
        (
            lambda folder: [(folder / name).unlink() for name in ("tokenizer.json", "vocab.txt")],
            "expected tokenizer\\.json, or vocab\\.txt",
        ),
        (
            lambda folder: edit_config(folder, model_type="t5-of-the-future"),
            "t5-of-the-future models aren't supported",
        ),
        (lambda folder: edit_config(folder, hidden_size=48), "weights have another shape"),
        (lambda folder: edit_config(folder, num_hidden_layers=3), "weights are missing"),
        (lambda folder: edit_config(folder, num_hidden_layers=1), "no place in this architecture"),
        (lambda folder: edit_config(folder, quantization_config={"quant_method": "x"}), "already quantized"),
        (lambda folder: edit_config(folder, id2label={"0": "O", "7": "X"}), "id2label"),
        (lambda folder: edit_config(folder, id2label={"a": "O"}), "id2label"),
        (lambda folder: edit_config(folder, id2label={"0": ["O"]}), "expected a name for each label"),
        (lambda folder: edit_config(folder, architectures="BertForMaskedLM"), "found BertForMaskedLM"),
        (lambda folder: edit_config(folder, vocab_size="x"), "vocab_size: expected an integer, found 'x'"),
        (
            lambda folder: edit_config(folder, pad_token_id=[0]),
            r"pad_token_id: expected an integer, found \[0\]",
        ),
        (cut_short, "the weights are damaged, download them again"),
        (
            lambda folder: edit_config(folder, num_hidden_layers=10**9),
            r"config\.json: num_hidden_layers: expected at most 1000, found 1000000000",
        ),
        (
            lambda folder: edit_config(folder, vocab_size=10**9),
            r"config\.json: describes a model of 32,0\d\d,\d\d\d,\d\d\d parameters, but the weights have",
        ),
    ],
)
def test_what_is_wrong_is_said(folder, spoil, message):
    spoil(folder)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


def test_scores_that_are_no_numbers_are_damage():
    inputs = {"attention_mask": np.ones((1, 2), np.int64)}
    with pytest.raises(CheckpointError, match="scores are not numbers"):
        check_padding(
            Path("source"), lambda _: np.full((1, 2, 3), np.nan), inputs, np.full((1, 2, 3), np.nan)
        )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_read(tmp_path, name):
    checkpoint = load_checkpoint(make_architecture(tmp_path / name, name))
    assert checkpoint.labels == ["O", "B-X", "I-X"]
    assert checkpoint.has_token_type_ids == (name in {"bert", "electra"})
    assert checkpoint.max_length == (62 if "roberta" in name else 64)
    inputs = torch.arange(5, 25).reshape(2, 10)
    with torch.no_grad():
        assert checkpoint.module(inputs, torch.ones_like(inputs)).shape == (2, 10, 3)


def test_checkpoints_are_found_in_a_downloaded_folder(tmp_path, tiny_checkpoint):
    with pytest.raises(CheckpointError, match="no such folder"):
        find_checkpoint(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        find_checkpoint(tmp_path)
    inner = shutil.copytree(tiny_checkpoint, tmp_path / "model")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    assert find_checkpoint(tmp_path) == inner
    shutil.copytree(inner, inner / "checkpoint-500")  # as training leaves it beside the best weights
    assert find_checkpoint(inner) == inner
    (tmp_path / "a.nemo").touch()
    assert find_checkpoint(tmp_path) == tmp_path / "a.nemo"
    (tmp_path / "b.nemo").touch()
    with pytest.raises(CheckpointError, match=r"more than one checkpoint \(a\.nemo, b\.nemo\)"):
        find_checkpoint(tmp_path)


def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path):
    (tmp_path / "x.zip").touch()
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "x.zip")


def test_labels_in_label2id_alone_and_shards_of_any_name(tiny_checkpoint, tmp_path):
    from safetensors.torch import save_file

    folder = tmp_path / "published"
    shutil.copytree(tiny_checkpoint, folder)
    labels = {label: number for number, label in enumerate(TINY_LABELS)}
    edit_config(
        folder, id2label=None, label2id=dict(sorted(labels.items())), torch_dtype="float16", dtype=None
    )
    tensors = sorted(state_of(folder).items())
    parts = {"a part.safetensors": tensors[::2], "weights_b.safetensors": tensors[1::2]}
    (folder / "model.safetensors").unlink()
    for name, part in parts.items():
        save_file(dict(part), folder / name, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {key: name for name, part in parts.items() for key, _ in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    found, expected = load_checkpoint(folder), load_checkpoint(tiny_checkpoint)
    assert found.labels == list(TINY_LABELS)
    ids = torch.arange(5, 13)[None]
    with torch.no_grad():
        one, other = (each.module(ids, torch.ones_like(ids)) for each in (found, expected))
    torch.testing.assert_close(one, other)


def test_a_clone_without_lfs_is_told(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\nsize 12\n")
    with pytest.raises(CheckpointError, match=r"safetensors: a pointer of Git LFS .* run: git lfs pull"):
        load_checkpoint(folder)
