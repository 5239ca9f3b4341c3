"""What the benchmarks compute from their measurements, and the texts they use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import languages, report, running_text, texts
from ner_commands.benchmark.sample_text import PAGE

ROOT = Path(__file__).resolve().parent.parent


def row(contender, rate, latency=None, option=None):
    return {
        "contender": contender,
        "option": option,
        "sentences_per_second": rate,
        "pieces_per_second": 20 * rate,
        "gflops": rate,
        "rounds": [rate, rate],
        "matmul_shares": [rate / 400, rate / 390],
        "latency_ms": latency,
        "overhead": 0.03 if contender == "ner-zoo" else None,
    }


def test_report_gives_ratios_shares_and_misses():
    model = {
        "random_weights": True,
        "sentences": 10,
        "pieces": 200,
        "matmul_gflops": {"openvino": 400.0, "numpy": 300.0},
        "rows": [row("ner-zoo", 300, 4.0), row("transformers", 100, 10.0, 8), row("spacy", 200, 3.0)],
        "differences": {"transformers": {"sentences": 10, "entities": 7, "different_sentences": 1}},
        "pages": [
            {"count": 1, "pieces": 500, "windows": 2, "seconds": 0.05, "peak_bytes": 1e9, "streamed": True}
        ],
        "failures": {"padded": "no reason"},
    }
    machine = {"cpu": "A CPU", "processors": 2, "threads": 2, "python": "3.11", "versions": {"torch": "2"}}
    written = report.to_markdown({"machine": machine, "models": {"minilm-ner": model}})
    assert "| transformers pipeline, batch_size 8 | 100.0 | 100.0-100.0 | 2000 | 25% | 3.00 |" in written
    assert "| transformers pipeline | 10.00 | 2.50 |" in written
    assert "| 1 streamed | 500 | 0.05 | 100.0 | 1000 |" in written
    assert "differ in 1 of 10 sentences (7 entities)" in written
    assert "padded was not measured: no reason" in written
    assert "random weights" in written


def test_built_in_sentences_are_as_long_as_those_of_conll():
    lengths = sorted(len(text.split()) for text in texts.sentences(None, 1000))
    assert lengths[500] == 11
    assert abs(sum(lengths) / 1000 - 15.8) < 0.5
    assert lengths[0] == 1
    assert lengths[-1] <= 109
    assert set(" ".join(texts.sentences(None, 100)).split()) <= set(PAGE.split())


def test_sentences_of_a_corpus_are_drawn_the_same_way_each_time(tmp_path):
    file = tmp_path / "dev.conll"
    file.write_text("".join(f"Mary B-PER\nsings{number} O\n\n" for number in range(9)), "utf-8")
    drawn = texts.sentences(file, 5)
    assert len(set(drawn)) == 5
    assert drawn == texts.sentences(file, 5)
    assert len(texts.sentences(file, 50)) == 9


def test_messages_have_the_length_asked_for():
    assert texts.messages(["a", "a b c", "a b"], 2, words=2)[0] == "a b"


def test_documents_do_not_repeat_themselves():
    assert texts.document(3).count(PAGE) == 3
    assert texts.document(3).startswith("Page 1.\n")


def test_a_corpus_without_long_sentences_fills_its_row(tmp_path, capsys):
    (tmp_path / "dev.conll").write_text("Mary B-PER\nsings O\n", "utf-8")
    languages.measure([f"en={tmp_path / 'dev.conll'}"], None)
    *_, line = capsys.readouterr().out.splitlines()
    assert line.count("|") == 6
    assert line.startswith("| en | 0 |  | 1 | ")


def test_missing_corpora_are_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        running_text.main(["--data", str(tmp_path), "--parts", "sentences", "--corpora", "btc"])
    assert f"btc ({tmp_path / 'btc' / 'dev.conll'})" in capsys.readouterr().err


def contender(settings, commands=""):
    """Run ner-zoo as a contender; return its answers."""
    command = [sys.executable, "-m", "benchmarks.contenders", "ner-zoo", json.dumps(settings)]
    done = subprocess.run(command, input=commands, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.splitlines()


def test_contender_answers_line_by_line(tiny_ir, tiny_ner):
    settings = {"xml": str(tiny_ir / "tiny.xml"), "threads": 1}
    commands = [
        {"do": "many", "texts": ["Mary lives in New York."], "option": None},
        {"do": "one", "texts": ["Mary", "An"]},
        {"do": "entities", "texts": ["Mary lives in New York."]},
        {"do": "pages", "pages": 2, "streamed": True},
        {"do": "pages", "pages": 2, "streamed": False},
    ]
    lines = contender(settings, "".join(json.dumps(command) + "\n" for command in commands))
    ready, many, one, entities, streamed, whole = map(json.loads, lines)
    assert ready == {"ready": True}
    assert many["seconds"] > 0
    assert len(one["seconds"]) == len(one["overheads"]) == 2
    assert all(0 < share < 1 for share in one["overheads"])
    found = tiny_ner("Mary lives in New York.", aggregation="first")
    expected = [[one.start, one.end, one.label] for one in found.entities]
    assert entities["entities"] == [expected]
    assert streamed["pieces"] == pytest.approx(whole["pieces"], abs=5)
    assert streamed["windows"] >= 2


def test_contender_that_cannot_start_says_why():
    (line,) = contender({"xml": "none.xml", "threads": 1})
    assert "none.xml: no such model file" in json.loads(line)["error"]
