import argparse
import io
import json
import os
import sys

import pytest
from filelock import FileLock

from cli import main
from ner_commands.annotate import add_parser


@pytest.fixture
def annotate(tiny_ir, capsys):
    """A function: arguments to exit code, standard output and standard error, with the tiny model."""

    def call(*args):
        try:
            code = main(
                ["annotate", "--model", str(tiny_ir / "tiny.xml"), "--device", "CPU", *map(str, args)]
            )
        except SystemExit as leaving:
            code = leaving.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_annotates_a_folder_as_the_recognizer_would(tmp_path, annotate, tiny_ner):
    texts = [f"Mary {number} lives in Santa Clara" * (number % 7 + 1) for number in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    code, out, err = annotate(tmp_path / "a.jsonl", "-o", tmp_path / "out.jsonl")
    assert (code, out) == (0, "")
    assert "documents    40" in err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for row, found in zip(rows, tiny_ner.batch(texts), strict=True):
        assert [entity["text"] for entity in row["entities"]] == [entity.text for entity in found.entities]
        scores = [entity["score"] for entity in row["entities"]]
        assert scores == pytest.approx([entity.score for entity in found.entities], abs=1e-3)


def test_standard_input_to_standard_output(monkeypatch, tmp_path, capfdbinary, tiny_ir):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Mary\nJohn\n")))
    assert (
        main(["annotate", "--model", str(tiny_ir), "-", "--lines", "-o", "-", "--format", "jsonl", "--quiet"])
        == 0
    )
    out, err = capfdbinary.readouterr()
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["Mary", "John"]
    assert err == b""
    assert list(tmp_path.iterdir()) == []


def test_errors_beside_standard_output_go_to_standard_error(tmp_path, monkeypatch, annotate):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "Mary"}\n{')
    arguments = ("a.jsonl", "-o", "-", "--format", "jsonl", "--quiet")
    code, out, err = annotate(*arguments)
    assert (code, json.loads(err)["line"]) == (0, 2)
    assert annotate(*arguments, "--errors", "errors.jsonl") == (0, out, "")
    assert (tmp_path / "errors.jsonl").read_text() == err


def test_a_finished_run_is_not_repeated_by_resume(tmp_path, annotate):
    (tmp_path / "a.txt").write_text("Mary")
    arguments = (tmp_path / "a.txt", "-o", tmp_path / "out.csv")
    assert annotate(*arguments)[0] == 0
    code, _, err = annotate(*arguments)
    assert (code, "--overwrite" in err) == (1, True)
    assert annotate(*arguments, "--resume")[0] == 0
    written = (tmp_path / "out.csv").stat().st_mtime
    os.utime(tmp_path / "a.txt", (written + 1, written + 1))
    code, _, err = annotate(*arguments, "--resume")
    assert (code, f"is complete, but older than {tmp_path / 'a.txt'}" in err) == (1, True)
    assert annotate(*arguments, "--overwrite")[0] == 0


def test_unreadable_documents_are_told_and_do_not_fail_the_run(tmp_path, annotate):
    (tmp_path / "a.jsonl").write_text('{"text": "Mary"}\n{')
    code, _, err = annotate(tmp_path / "a.jsonl", "-o", tmp_path / "out.jsonl")
    assert code == 0
    assert "errors       1" in err
    assert "out.jsonl.errors.jsonl" in err
    code, _, err = annotate(tmp_path / "a.jsonl", "-o", tmp_path / "out.jsonl", "--overwrite", "--strict")
    assert code == 1
    assert "a.jsonl:2: expected a JSON object" in err
    assert "Traceback" not in err


def test_results_of_an_earlier_run_are_no_input(tmp_path, annotate):
    (tmp_path / "a.txt").write_text("Mary")
    (tmp_path / "b.jsonl").write_text("{")
    for _ in range(2):
        assert annotate(tmp_path, "-o", tmp_path / "out.jsonl", "--overwrite")[0] == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1
    assert len((tmp_path / "out.jsonl.errors.jsonl").read_text().splitlines()) == 1


def test_two_runs_do_not_share_a_work_folder(tmp_path, annotate):
    (tmp_path / "a.txt").write_text("Mary")
    with FileLock(tmp_path / "out.csv.partial.lock"):
        code, _, err = annotate(tmp_path / "a.txt", "-o", tmp_path / "out.csv")
    assert (code, "another run is using it" in err) == (1, True)
    assert annotate(tmp_path / "a.txt", "-o", tmp_path / "out.csv")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["a.txt", "-o", "out"], 2, "--format"),
        (["a.txt", "-o", "none/out.csv"], 2, "does not exist"),
        (["a.txt", "-o", "out.csv", "--errors", "none/errors.jsonl"], 2, "none/errors.jsonl: folder none"),
        (
            ["a.txt", "-o", "out.csv", "--into", "text"],
            2,
            "--into 'text': expected a name other than groups, line",
        ),
        (["a.txt", "-o", "out.csv", "--into", ""], 2, "into: expected a value, found an empty one"),
        (["a.txt", "-o", "out.csv", "--work-dir", "none/work"], 2, "none/work: folder none"),
        (["a.txt", "-o", "out.csv", "--num-workers", "2"], 2, "need --engine ray"),
        (["a.txt", "-o", "-"], 2, "-o -: the suffix names no output format"),
        (["a.txt", "-o", "out.csv", "--threshold", "2"], 2, "from 0 to 1"),
        (["a.txt", "-o", "out.csv", "--word-column", "0"], 2, "counted from 1, found 0"),
        (["a.txt", "-o", "out.csv", "--resume", "--overwrite"], 2, "cannot be combined"),
        (["a.txt", "-o", "-", "--format", "csv", "--resume"], 2, "standard output"),
        (["a.txt", "-o", "./a.txt", "--format", "csv"], 2, "is given as INPUT and as -o"),
        (["a.txt", "-o", "out.csv", "--errors", "a.txt"], 2, "is given as INPUT and as --errors"),
        (["a.txt", "-o", "out.csv", "--errors", "out.csv"], 2, "given as -o and as --errors"),
        (["a.txt", "-o", "out.csv", "--errors", "out.csv.partial"], 2, "given as --errors and as --work-dir"),
        (["a.txt", "-o", "out.csv", "--work-dir", "./out.csv"], 2, "given as -o and as --work-dir"),
        (["a.txt", "-o", "out.csv", "--work-dir", "."], 1, "contains files that do not belong to a run"),
        (["a.txt", "-o", "/dev/null", "--format", "csv", "--overwrite"], 1, "not a file"),
        (["a.txt", "-o", "out.jsonl.gz"], 2, "the output is not compressed; leave out .gz"),
        (["a.txt", "-o", "a" * 239 + ".csv", "--device", "none"], 1, ".csv.errors.jsonl: File name too long"),
        (["a.txt", "-o", "a" * 239 + ".csv", "--work-dir", "w", "--device", "none"], 1, "File name too long"),
        (["-", "-", "-o", "out.csv"], 2, "only once"),
        (["-", "-o", "out.csv", "--engine", "ray"], 2, "standard input"),
        (["a.txt", "-o", "out.csv", "--num-workers", "3:2"], 2, "range"),
        (["a.txt", "-o", "out.csv", "--max-document-bytes", "many"], 2, "64M"),
        (["none.txt", "-o", "out.csv"], 1, "none.txt: no such file"),
        (["a.txt", "-o", "out.csv", "--device", "GPU.7"], 1, "GPU.7"),
        (["a.txt", "-o", "out.csv", "--labels", "PER,DATE"], 2, "There is no label 'DATE'; there are PER"),
        (["a.txt", "-o", "out.csv", "--model", "./none.xml"], 1, "none.xml"),
    ],
)
def test_wrong_usage_is_one_helpful_line(tmp_path, monkeypatch, annotate, arguments, code, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("Mary")
    found, out, err = annotate(*arguments)
    assert (found, out) == (code, "")
    assert expected in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("work", ["work/", "."])
def test_a_work_folder_may_be_named_in_any_way(tmp_path, monkeypatch, annotate, work):
    (tmp_path / "a.txt").write_text("Mary")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert annotate("../a.txt", "-o", "../out.csv", "--work-dir", work)[0] == 0


def test_columns_are_counted_from_1_as_in_evaluate(tmp_path, annotate):
    (tmp_path / "a.conll").write_text("nn Mary O\nvb sings O\n")
    assert annotate(tmp_path / "a.conll", "-o", tmp_path / "a.jsonl", "--word-column", "2")[0] == 0
    assert json.loads((tmp_path / "a.jsonl").read_text())["words"] == ["Mary", "sings"]


def test_the_summary_shows_the_first_error(tmp_path, annotate):
    (tmp_path / "a.csv").write_text("id,body\n1,Mary\n")
    (tmp_path / "a.jsonl").write_text('{"txt": "Mary"}\n{broken\n')
    for name, status, expected in (
        ("a.csv", 1, ": expected a column 'txt', found id, body"),  # nothing could be read
        ("a.jsonl", 0, ":2: expected"),
    ):
        code, _, err = annotate(tmp_path / name, "-o", tmp_path / f"{name}.jsonl", "--column", "txt")
        assert (code, "ner: no document could be read" in err) == (status, status == 1)
        assert f"the first error: {tmp_path / name}{expected}" in err


def test_labels_may_have_their_usual_names(tmp_path, annotate):
    (tmp_path / "a.txt").write_text("Mary lives in Santa Clara")
    assert annotate(tmp_path / "a.txt", "-o", tmp_path / "a.csv", "--labels", "PERSON")[0] == 0
    assert (tmp_path / "a.csv").read_text("utf-8-sig").startswith("source,text,entities,PER\n")


def test_ranges_of_workers_and_sizes_are_understood():
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(
        ["annotate", "x", "-o", "y.csv", "--num-workers", "2:8", "--max-document-bytes", "1gb"]
    )
    assert (args.num_workers, args.max_document_bytes) == ((2, 8), 1 << 30)


def test_a_resumed_run_computes_as_the_run_that_was_stopped(tmp_path, annotate, monkeypatch):
    """The embedded model: exact first, and then on a processor that would take something faster."""
    (tmp_path / "a.txt").write_text("Mary lives in Santa Clara.")
    arguments = ("--model", "minilm-ner", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl")
    with monkeypatch.context() as stopping:
        stopping.setattr("ner_corpora.run.Run.annotate", lambda *_: sys.exit(1))
        annotate(*arguments, "--compute", "exact")
    plan = json.loads((tmp_path / "out.jsonl.partial" / "plan.json").read_text())
    assert plan["model"]["compute"] == "f32"
    code, _, err = annotate(*arguments, "--resume")
    assert code == 0, err
    assert (tmp_path / "out.jsonl").stat().st_size
