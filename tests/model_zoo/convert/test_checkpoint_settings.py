"""Settings of a checkpoint: labels, lengths, casing, padding; and what the zoo's catalog says instead."""

import json

import pytest

from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.tokenization import read_tokenizer
from tests.lazily import torch
from tests.model_zoo.convert.checkpoint_folders import edit_config, logits, widen_types
from tests.tiny_bert import TINY_LABELS, tiny_vocabulary


def test_labels_of_the_catalog_go_first_and_must_fit(tiny_checkpoint):
    names = [f"L{index}" for index in range(9)]
    assert load_checkpoint(tiny_checkpoint, labels=names).labels == names
    with pytest.raises(CheckpointError, match="9 outputs, not 2"):
        load_checkpoint(tiny_checkpoint, labels=["O", "B-PER"])


def test_labels_that_are_only_numbered_are_noted(folder, tiny_checkpoint):
    edit_config(folder, id2label={str(index): f"LABEL_{index}" for index in range(9)}, label2id=None)
    [note] = load_checkpoint(folder).notes
    assert "its labels have no names (LABEL_0, LABEL_1, LABEL_2, LABEL_3, ...)" in note
    assert not load_checkpoint(tiny_checkpoint).notes


@pytest.mark.parametrize("notation", ["{1}-{0}", "{0}_{1}", "{1}_{0}"])
def test_tags_in_other_notations_are_tags(folder, notation):
    """Korean and Chinese models are published so."""
    written = [label if label == "O" else notation.format(*label.split("-")) for label in TINY_LABELS]
    edit_config(folder, id2label={str(index): label for index, label in enumerate(written)}, label2id=None)
    assert load_checkpoint(folder).labels == list(TINY_LABELS)


def test_a_label_without_a_name_is_refused(tiny_checkpoint):
    with pytest.raises(CheckpointError, match="expected a name for each label, found none for 1"):
        load_checkpoint(tiny_checkpoint, labels=["O", " ", *TINY_LABELS[2:]])


@pytest.mark.parametrize("id2label", [None, {"0": "O", "1": "B-PER"}])
def test_labels_of_the_catalog_replace_too_few_or_none(folder, tiny_checkpoint, id2label):
    edit_config(folder, id2label=id2label, label2id=None)
    checkpoint = load_checkpoint(folder, labels=TINY_LABELS)
    assert checkpoint.labels == list(TINY_LABELS)
    assert torch.equal(logits(checkpoint), logits(load_checkpoint(tiny_checkpoint)))


def test_sizes_that_are_not_those_of_the_weights_are_named(folder):
    edit_config(folder, id2label={"0": "O", "1": "B-PER"}, label2id=None)
    with pytest.raises(CheckpointError, match=r"config\.json: the classifier has 9 outputs, not 2\. Name as"):
        load_checkpoint(folder)


def test_a_length_without_room_for_text_is_not_heeded(folder):
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 2}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_checkpoint(folder).max_length == 64


def test_the_catalog_overrides_length_casing_and_type_ids(tiny_checkpoint, folder):
    checkpoint = load_checkpoint(tiny_checkpoint, max_length=32, lower_case=True)
    assert checkpoint.max_length == 32
    assert '"lowercase":true' in checkpoint.tokenizer_json
    assert not load_checkpoint(tiny_checkpoint, token_type_ids="absent").has_token_type_ids
    edit_config(folder, token_type_ids="word_casing")
    with pytest.raises(CheckpointError, match="needs type_vocab_size 4, found 2"):
        load_checkpoint(folder)
    widen_types(folder)
    assert load_checkpoint(folder).token_type_ids == "word_casing"


@pytest.mark.parametrize(
    "changes",
    [
        {"id2label": list(TINY_LABELS), "label2id": None},
        {"id2label": {}, "label2id": {label: str(number) for number, label in enumerate(TINY_LABELS)}},
        {"num_labels": 2},
        {"model_type": None},
    ],
)
def test_what_a_config_says_in_another_way_or_not_at_all_is_read(folder, tiny_checkpoint, changes):
    edit_config(folder, **changes)
    checkpoint = load_checkpoint(folder)
    assert (checkpoint.labels, checkpoint.model_type) == (list(TINY_LABELS), "bert")
    assert torch.equal(logits(checkpoint), logits(load_checkpoint(tiny_checkpoint)))


@pytest.mark.parametrize("given", [-1, None])
def test_padding_that_is_no_piece_is_the_first(folder, given):
    edit_config(folder, pad_token_id=given)
    assert load_checkpoint(folder).pad_id == 0


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("kind", ["torch.float16", "half", "fp16", 16])
def test_the_type_of_numbers_in_a_config_does_not_matter(folder, tiny_checkpoint, key, kind):
    edit_config(folder, **{key: kind})
    assert torch.equal(logits(load_checkpoint(folder)), logits(load_checkpoint(tiny_checkpoint)))


def test_settings_with_a_byte_order_mark_are_read(folder):
    for name in ("config.json", "tokenizer_config.json"):
        content = (folder / name).read_bytes() if (folder / name).is_file() else b"{}"
        (folder / name).write_bytes(b"\xef\xbb\xbf" + content)
    assert load_checkpoint(folder).labels == list(TINY_LABELS)


def test_case_follows_the_vocabulary_the_settings_or_the_caller(tmp_path):
    lower = [piece for piece in tiny_vocabulary() if piece == piece.lower() or piece.startswith("[")]
    for pieces, expected in ((lower, "mary"), (tiny_vocabulary(), "Mary")):
        (tmp_path / "vocab.txt").write_text("\n".join([*pieces, "mary"]), encoding="utf-8")
        assert read_tokenizer(tmp_path).encode("Mary").tokens[1] == expected
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    assert read_tokenizer(tmp_path).encode("Mary").tokens[1] == "mary"
    assert read_tokenizer(tmp_path, lower_case=False).encode("Mary").tokens[1] == "Mary"
