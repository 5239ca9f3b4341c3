"""Files of a model folder that changed since they were made are found."""

import shutil

import openvino as ov
import pytest

from ner_core import EntityRecognizer
from ner_core.ir import read_model, tokenizer_beside
from ner_core.seal import seal


@pytest.fixture
def sealed(tiny_ir, tmp_path):
    xml = shutil.copytree(tiny_ir, tmp_path / "FP32") / "tiny.xml"
    seal(xml)
    return xml


def test_a_sealed_model_loads_and_a_second_seal_changes_nothing(sealed, tiny_ner):
    content = sealed.read_bytes()
    assert content.splitlines()[-1].startswith(b"<!-- sha256 xml=")
    seal(sealed)
    assert sealed.read_bytes() == content
    text = "Mary lives in Santa Clara."
    assert EntityRecognizer.from_ir(sealed, device="CPU")(text).entities == tiny_ner(text).entities


@pytest.mark.parametrize("name", ["tiny.xml", "tiny.bin", "tokenizer.json"])
def test_one_bit_that_changed_is_found_in_each_file(sealed, name):
    path = sealed.with_name(name)
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    for place in range(0, len(content) - 200, len(content) // 10):
        content[place] ^= 4
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"damaged or was changed: tiny.xml states SHA-256 \w{64}, found"
        ):
            tokenizer_beside(sealed) if name == "tokenizer.json" else read_model(sealed)
        content[place] ^= 4
    path.write_bytes(whole)
    read_model(sealed)


def test_a_seal_that_changed_is_found(sealed):
    content = sealed.read_bytes()
    for found, instead in ((b" bin=", b" bjn="), (b" -->\n", b" --\n")):
        sealed.write_bytes(content.replace(found, instead))
        with pytest.raises(ValueError, match="its last line is no valid seal"):
            read_model(sealed)


def test_cut_weights_are_called_damaged(sealed):
    weights = sealed.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"tiny\.bin: the file is damaged"):
        read_model(sealed)


def test_line_ends_of_another_system_are_no_damage(sealed):
    for path in (sealed, sealed.with_name("tokenizer.json")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    read_model(sealed)
    tokenizer_beside(sealed)


def test_a_model_that_was_saved_again_has_no_seal(sealed, tmp_path):
    model = ov.Core().read_model(sealed)
    model.set_rt_info("changed", ["model_info", "model_name"])
    ov.save_model(model, tmp_path / "again.xml", compress_to_fp16=True)
    read_model(tmp_path / "again.xml")
    assert b"sha256" not in (tmp_path / "again.xml").read_bytes()


def test_a_tokenizer_given_by_hand_is_not_compared(sealed, tmp_path):
    changed = tmp_path / "tokenizer.json"
    changed.write_text(sealed.with_name("tokenizer.json").read_text() + " ")
    shutil.copy(changed, sealed.with_name("tokenizer.json"))
    EntityRecognizer.from_ir(sealed, device="CPU", tokenizer=changed)
    with pytest.raises(ValueError, match=r"tokenizer\.json: the file is damaged or was changed"):
        EntityRecognizer.from_ir(sealed, device="CPU")
