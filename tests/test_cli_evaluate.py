"""ner evaluate, in this process."""

import itertools
import json
import operator

import pytest

from ner_core.labels import spans, tags_of
from tests.test_cli import model_arguments, run_ner  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("compiled_kept")


def test_evaluation_of_its_own_predictions_is_perfect(ner, tiny_ner, tmp_path):
    sentences = [["Mary", "lives", "in", "Santa", "Clara"], ["The", "New", "York", "Times"], ["a"]]
    raw = list(tiny_ner.tag(sentences))
    gold = [tags_of(spans(tags), len(tags)) for tags in raw]
    lines = ["".join(map("{} {}\n".format, *pair)) for pair in zip(sentences, gold, strict=True)]
    (tmp_path / "dev.conll").write_text("\n".join(lines), "utf-8")
    omz = ("--protocol", "omz")
    status, out, _ = ner("evaluate", "--dataset", str(tmp_path / "dev.conll"), *omz, "--confusion")
    assert status == 0
    assert "Spans: micro F1 1.0000, macro F1 1.0000" in out
    assert "Tokens by type (rows: corpus, columns: model)" in out

    # What the recognizer returns are the most likely sequences of tags that may follow each other.
    found = tiny_ner.batch(sentences)
    places = [[(e.label, e.word_start, e.word_end) for e in one.entities] for one in found]
    tags = [tags_of(one, len(words)) for one, words in zip(places, sentences, strict=True)]
    lines = ["".join(map("{} {}\n".format, *pair)) for pair in zip(sentences, tags, strict=True)]
    (tmp_path / "dev.conll").write_text("\n".join(lines), "utf-8")
    plot = tmp_path / "plot.svg"
    status, out, _ = ner("evaluate", str(tmp_path), "--format", "json", "--unit", "word", "--plot", str(plot))
    found = json.loads(out)
    assert f"dev.conll: calibration error {found['calibration_error']:.4f}" in plot.read_text("utf-8")
    assert status == 0
    assert (found["micro_f1"], found["macro_f1"], found["sentences"]) == (1.0, 1.0, 3)
    right = sum(map(operator.eq, itertools.chain(*tags), itertools.chain(*raw)))
    assert found["token_accuracy"] == pytest.approx(right / 10)
    assert {"macro_f1", "per_type", "token_report", "calibration_error", "reliability"} <= set(found)
    (tmp_path / "dev.conll").write_text("Mary O\n")
    assert "\n1 sentence, 1 word\n" in ner("evaluate", str(tmp_path))[1]
    assert (found["model"], found["device"], found["dataset"]) == ("tiny", "CPU", str(tmp_path / "dev.conll"))


def test_evaluation_on_nemo_files_with_renamed_types(ner, tmp_path):
    (tmp_path / "text_dev.txt").write_text("Mary lives\n", "utf-8")
    (tmp_path / "labels_dev.txt").write_text("B-human B-x\n", "utf-8")
    (tmp_path / "label_ids.csv").write_text("O\nB-human\nB-x\n", "utf-8")
    renamed = ["--map", "human=PER", "--map", "x=O"]
    arguments = [*renamed, "--types", "PER", "--types", "LOC", "--errors", "1", "--unit", "piece"]
    status, out, _ = ner("evaluate", str(tmp_path), *arguments, "--format", "json")
    found = json.loads(out)
    assert status == 0
    assert found["per_type"]["PER"]["support"] == 1
    assert found["notes"][-1] == "scored on LOC, PER alone; other types count as O"


def test_broken_corpus_is_named(ner, tmp_path):
    (tmp_path / "a.conll").write_text("Mary\n", "utf-8")
    status, out, err = ner("evaluate", str(tmp_path / "a.conll"))
    assert (status, out) == (1, "")
    advice = "see --word-column, --tag-column and --encoding"
    message = "expected word and tag with a space or tab between, found 'Mary'"
    assert err == f"ner: {tmp_path / 'a.conll'}:1: {message}; {advice}\n"


def test_the_output_of_annotate_is_evaluated(ner, tmp_path):
    (tmp_path / "a.txt").write_text("Mary lives\n\nin Santa Clara", "utf-8")
    assert ner("annotate", str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.jsonl"))[0] == 0
    status, out, _ = ner("evaluate", str(tmp_path / "a.jsonl"), "--format", "json")
    found = json.loads(out)
    assert (status, found["micro_f1"], found["sentences"]) == (0, 1.0, 2)
    (tmp_path / "b.jsonl").write_text('{"text": "Mary", "label": [[0, 3, "PER"]]}\n')
    status, out, err = ner("evaluate", str(tmp_path / "b.jsonl"))
    name = "the name 'Mar' (0-3 PER) cuts a word; it must begin and end where words do"
    assert (status, out, err) == (1, "", f"ner: {tmp_path / 'b.jsonl'}:1: {name}\n")


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- -X- O O\n\n"])
def test_a_corpus_without_sentences_is_no_result(ner, tmp_path, content):
    (tmp_path / "a.conll").write_text(content, "utf-8")
    status, out, err = ner("evaluate", str(tmp_path / "a.conll"))
    assert (status, out) == (1, "")
    assert err == f"ner: {tmp_path / 'a.conll'}: expected labelled text, found none\n"


def test_labels_of_a_corpus_cannot_control_the_terminal(ner, tmp_path):
    (tmp_path / "a.conll").write_text("Mary B-\x1b[2J\n", "utf-8")
    status, out, err = ner("evaluate", str(tmp_path / "a.conll"), "--confusion", "--errors", "1")
    assert (status, err) == (0, "")
    assert "\\x1b[2J" in out
    assert "\x1b" not in out


def test_conll2003_is_explained(ner):
    for arguments in (["conll2003"], ["--dataset", "conll2003"]):
        status, out, err = ner("evaluate", *arguments)
        assert (status, out) == (1, "")
        assert "https://trec.nist.gov/data/reuters/reuters.html" in err
