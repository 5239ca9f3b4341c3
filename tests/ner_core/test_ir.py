import shutil

import pytest

from ner_core import ir
from ner_core.ir import locate, model_info, read_model


def test_what_rt_info_says(tiny_ir):
    info = model_info(read_model(locate(tiny_ir)))
    assert info["model_name"] == "tiny"
    assert info["labels"].split()[:2] == ["O", "B-PER"]


def test_labels_are_counted(tmp_path):
    assert ir.checked_labels(None, {"labels": "O PER"}, 2, tmp_path) == ("O", "PER")
    assert ir.checked_labels(["O", "LOC"], {"labels": "O PER"}, 0, tmp_path) == ("O", "LOC")
    with pytest.raises(ValueError, match="rt_info model_info/labels names 2 labels, but the model gives 3"):
        ir.checked_labels(None, {"labels": "O PER"}, 3, tmp_path)


def test_a_tokenizer_json_goes_before_a_vocabulary(tmp_path):
    for name in ("vocab.txt", "tokenizer.json"):
        (tmp_path / name).touch()
        assert ir.tokenizer_beside(tmp_path / "model.xml").name == name


def test_missing_and_broken_files_are_named(tmp_path, tiny_ir):
    with pytest.raises(FileNotFoundError, match="no such model file"):
        read_model(tmp_path / "none.xml")
    lonely = tmp_path / "lonely.xml"
    shutil.copy(tiny_ir / "tiny.xml", lonely)
    with pytest.raises(FileNotFoundError, match=r"lonely\.bin: the weights of lonely\.xml are missing"):
        read_model(lonely)
    lonely.with_suffix(".bin").write_bytes(b"")
    lonely.write_text("<net")
    with pytest.raises(ValueError, match=r"lonely\.xml: OpenVINO cannot read this model"):
        read_model(lonely)
