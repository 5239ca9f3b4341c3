"""The folder of compiled models: what is damaged in it is made anew, what others keep in it stays."""

import gc
import shutil

import pytest

from ner_core.recognizer import EntityRecognizer

TEXT = "Mary lives in Santa Clara. The Yorkers landed in New York."


@pytest.fixture(scope="module")
def xml(tiny_ir):
    return tiny_ir / "tiny.xml"


def compile_and_drop(xml, cache):
    found = EntityRecognizer.from_ir(xml, device="CPU", threads=1, cache_dir=cache)(TEXT).entities
    gc.collect()  # what is compiled is shared while anybody has it
    return [entity.text for entity in found]


@pytest.fixture(scope="module")
def cached(xml, tmp_path_factory):
    """A folder with the compiled model, and what it finds."""
    folder = tmp_path_factory.mktemp("cached")
    return folder, compile_and_drop(xml, folder)


@pytest.mark.parametrize(
    "damage",
    [
        *(0, "first byte", "statement"),
        *(pytest.param(more, marks=pytest.mark.nightly) for more in (5000, "every 1000th")),
    ],
)
def test_a_damaged_cache_is_made_anew(cached, xml, damage, tmp_path):
    folder, right = cached
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    [blob] = tmp_path.rglob("*.blob")
    content = blob.read_bytes()
    blob.chmod(0o600)
    changed = bytearray(content)
    if isinstance(damage, int):
        del changed[damage:]
    elif damage == "first byte":
        changed[0] ^= 1
    elif damage == "every 1000th":
        changed[500::1000] = bytes(byte ^ 64 for byte in changed[500::1000])
    else:
        blob.with_name(f"{blob.name}.sha256").write_text("no digest")
    blob.write_bytes(changed)
    assert compile_and_drop(xml, tmp_path) == right
    assert len(blob.read_bytes()) > 0.9 * len(content)
    assert blob.read_bytes() != changed or damage == "statement"
    used = blob.stat().st_mtime_ns
    assert compile_and_drop(xml, tmp_path) == right
    assert blob.stat().st_mtime_ns == used, "what is whole is used"


def test_what_others_keep_in_the_folder_of_compiled_models_stays(xml, tmp_path):
    (tmp_path / "of another program.blob").write_bytes(b"x")
    EntityRecognizer.from_ir(xml, device="CPU", cache_dir=tmp_path)
    assert (tmp_path / "of another program.blob").read_bytes() == b"x"
