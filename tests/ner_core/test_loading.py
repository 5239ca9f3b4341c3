"""Loading a model: what is read beside it, what has to be passed, what is refused, what stays unloaded."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ner_core.recognizer import EntityRecognizer
from tests.conftest import assert_alike

ROOT = Path(__file__).parents[2]
LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
TEXT = "Mary lives in Santa Clara. The Yorkers landed in 中国, and Jos\u00e9 e\u0301t\u0301 too.\n"
HEAVY = "{'torch', 'transformers', 'gradio', 'requests', 'nncf', 'pandas', 'ray'}"


@pytest.mark.parametrize(
    ("work", "heavy"),
    [
        ("ner_core.Entity", HEAVY + " | {'openvino'}"),
        ("ner_core.EntityRecognizer.from_ir(sys.argv[1], device='CPU')('Mary')", HEAVY),
    ],
)
def test_nothing_heavy_is_loaded(tiny_ir, work, heavy):
    script = f"import sys, ner_core; {work}; print(sorted(({heavy}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_ir)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.fixture
def bare(tiny_ir, tmp_path):
    """The IR without rt_info and without a tokenizer."""
    for name in ("tiny.xml", "tiny.bin"):
        shutil.copy(tiny_ir / name, tmp_path)
    xml = tmp_path / "tiny.xml"
    text = xml.read_text("utf-8")
    start, end = text.index("<rt_info>", text.index("</layers>")), text.rindex("</rt_info>")
    xml.write_text(text[:start] + text[end + len("</rt_info>") :], "utf-8")
    return xml


def test_a_bare_model_works_with_labels_and_vocabulary(bare, tiny_ner, tiny_checkpoint):
    ner = EntityRecognizer.from_ir(
        bare, device="CPU", labels=LABELS, tokenizer=tiny_checkpoint / "vocab.txt", max_length=64
    )
    assert ner.model_info == {}
    assert_alike(ner(TEXT * 4), tiny_ner(TEXT * 4))
    assert ner.name == "tiny"
    assert "lower_case=False was inferred" in ner(TEXT).notes[0]


def test_a_bare_model_says_what_to_pass(bare, tiny_checkpoint):
    with pytest.raises(
        FileNotFoundError, match=r"no tokenizer\.json or vocab\.txt beside tiny\.xml\. Pass tokenizer="
    ):
        EntityRecognizer.from_ir(bare, device="CPU")
    with pytest.raises(ValueError, match=r"Pass labels=\[.*the model has 9\."):
        EntityRecognizer.from_ir(bare, device="CPU", tokenizer=tiny_checkpoint / "vocab.txt")
    with pytest.raises(ValueError, match="names 2 labels, but the model gives 9 scores"):
        EntityRecognizer.from_ir(bare, device="CPU", tokenizer=tiny_checkpoint, labels=["O", "B-PER"])


def test_a_folder_must_hold_one_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected one \.xml file in this folder, found 0"):
        EntityRecognizer.from_ir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such model file"):
        EntityRecognizer.from_ir(tmp_path / "none.xml")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"device": 5}, TypeError, "device: expected a string such as 'CPU', found 5"),
        ({"tokenizer": 5}, TypeError, "tokenizer: expected a path .* found 5"),
        ({"labels": 5}, TypeError, "labels: expected strings .* found 5"),
        ({"labels": "O"}, TypeError, "labels: expected strings .* found 'O'"),
        ({"labels": {0: "O"}}, TypeError, "labels: expected strings .* found {0: 'O'}"),
        ({"max_length": "x"}, TypeError, "max_length: expected a whole number of at least 1, found 'x'"),
        ({"window": 0}, ValueError, "window: expected a whole number of at least 1, found 0"),
        ({"overlap": -1}, ValueError, "overlap: expected a whole number of at least 0, found -1"),
        ({"threads": "x"}, TypeError, "threads: expected a whole number of at least 1, found 'x'"),
        ({"threads": True}, TypeError, "threads: expected a whole number of at least 1, found True"),
        ({"streams": 0}, ValueError, "streams: expected a whole number of at least 1, found 0"),
        ({"cache_dir": 5}, TypeError, "cache_dir: expected a folder .* found 5"),
        ({"cache": "x"}, TypeError, "Unknown option cache; engine settings are compute, hint"),
    ],
)
def test_wrong_options_of_loading_are_named(tiny_ir, options, error, said):
    with pytest.raises(error, match=said):
        EntityRecognizer.from_ir(tiny_ir, **options)


def test_what_is_no_path_is_named():
    with pytest.raises(TypeError, match=r"path: expected the path of an .xml.* found 5"):
        EntityRecognizer.from_ir(5)


def test_an_impossible_length_is_refused(tiny_ir):
    with pytest.raises(ValueError, match="max_length 2 is too short"):
        EntityRecognizer.from_ir(tiny_ir, device="CPU", max_length=2)
