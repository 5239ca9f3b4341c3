"""The command line, in this process.

See test_cli_evaluate.py for evaluation, and test_cli_program.py for what only a program shows.
"""

import csv
import io
import json
import os
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docx
import pytest

import cli
from ner_commands.recognize import FORMATS
from ner_core.corpus import read_conll
from ner_core.evaluation import PROTOCOLS, UNITS
from tests.ner_documents.test_pdf import pdf

pytestmark = pytest.mark.usefixtures("compiled_kept")
TEXT = "Mary lives in Santa Clara, she said.\n"


@pytest.fixture(name="model")
def model_arguments(tiny_ir):
    return ["--model", str(tiny_ir), "--device", "CPU"]


@pytest.fixture(name="ner")
def run_ner(capsys, model):
    """Run a command in this process: exit status, standard output, standard error."""

    def run(*arguments, needs_model=True):
        try:
            status = cli.main([*arguments, *(model if needs_model else [])])
        except SystemExit as leaving:
            status = leaving.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def stdin(monkeypatch):
    def give(content, *, terminal=False):
        stream = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(sys, "stdin", stream)

    return give


def test_json_is_what_the_library_returns(ner, tiny_ner):
    status, out, err = ner("recognize", TEXT, "--format", "json")
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert found["text"] == TEXT
    entities = [entity.to_dict() for entity in tiny_ner(TEXT).entities]
    assert entities
    near = [{**entity, "score": pytest.approx(entity["score"], abs=1e-4)} for entity in entities]
    assert near == found["entities"]


def test_options_reach_the_recognizer(ner, tiny_ner):
    options = {"aggregation": "simple", "threshold": 0.9, "labels": ["PER", "ORG"]}
    arguments = ["--aggregation", "simple", "--threshold", "0.9", "--labels", "PERSON", "--labels", "ORG"]
    _, out, _ = ner("recognize", TEXT, "--format", "json", *arguments)
    expected = tiny_ner(TEXT, **options).entities
    assert expected != tiny_ner(TEXT).entities
    starts = [entity["start"] for entity in json.loads(out)["entities"]]
    assert starts == [entity.start for entity in expected]


def test_every_format(ner, tiny_ner, tmp_path):
    found = tiny_ner(TEXT)
    written = {kind: ner("recognize", TEXT, "--format", kind) for kind in FORMATS}
    assert {(status, err) for status, _, err in written.values()} == {(0, "")}
    out = {kind: out for kind, (_, out, _) in written.items()}
    first = found.entities[0]
    assert out["text"].startswith(f"{TEXT[: first.start]}[{first.text} {first.label}]")
    assert json.loads(out["jsonl"])["text"] == TEXT
    assert out["jsonl"].count("\n") == 1
    assert out["html"].startswith("<!DOCTYPE html>")
    (tmp_path / "out.conll").write_text(out["conll"], "utf-8")
    tags = [tag for _, tags in read_conll(tmp_path / "out.conll") for tag in tags]
    assert len(tags) - tags.count("O") >= len(found.entities)
    rows = list(csv.DictReader(io.StringIO(out["csv"], newline="")))
    assert [(int(row["start"]), row["text"]) for row in rows] == [(e.start, e.text) for e in found.entities]
    assert re.sub(r"\[[BI]-\w+\]", "", out["inline"]) == TEXT
    assert out["redacted"].startswith(f"{TEXT[: first.start]}[{first.label}]")


def test_redaction_with_numbers(ner, tiny_ner):
    _, out, _ = ner("recognize", "Mary", "--format", "redacted", "--placeholder", "numbered")
    assert out == f"{tiny_ner('Mary').entities[0].label}_1\n"


@pytest.mark.parametrize("arguments", [[], ["-"], ["--file", "-"]])
def test_text_comes_through_a_pipe(ner, stdin, arguments):
    stdin("\ufeffMary lebt in Köln\r\n".encode())
    _, out, _ = ner("recognize", *arguments, "--format", "json")
    assert json.loads(out)["text"] == "Mary lebt in Köln\r\n"


def test_words_without_quotes_are_one_text(ner, tmp_path, monkeypatch):
    for words in (["Mary", "lives"], ["Mary " * 2000]):
        _, out, err = ner("recognize", *words, "--format", "json")
        assert (json.loads(out)["text"], err) == (" ".join(words), "")
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("Mary")
    status, out, err = ner("recognize", "a.txt", "--format", "json")
    assert (status, json.loads(out)["text"]) == (0, "a.txt")
    assert err == "ner: note: a.txt is read as a text; to read the file of this name: --file a.txt\n"


@pytest.mark.parametrize("kind", ["pdf", "rtf", "docx", "zip"])
def test_standard_input_is_read_as_the_file_that_it_is(ner, stdin, kind):
    packed = io.BytesIO()
    if kind == "docx":
        document = docx.Document()
        document.add_paragraph("Mary lives in Rome")
        document.save(packed)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("a.txt", "Mary lives in Rome")
    whole = {"pdf": pdf([(72, 700, "Mary lives in Rome")]), "rtf": rb"{\rtf1 Mary lives in Rome}"}
    stdin(whole.get(kind) or packed.getvalue())
    status, out, err = ner("recognize", "-", "--format", "json")
    assert (status, json.loads(out)["text"].strip(), err) == (0, "Mary lives in Rome", "")


def test_encodings_of_standard_input_are_detected_as_those_of_files(ner, stdin):
    stdin("one\nzwölf".encode("latin-1"))
    status, out, err = ner("recognize", "--format", "json")
    assert (status, json.loads(out)["text"]) == (0, "one\nzwölf")
    assert err.startswith("ner: standard input: read as cp1252, which is a guess")
    stdin("one\nzwölf".encode("latin-1"))
    status, out, err = ner("recognize", "--encoding", "utf-8")
    assert (status, out) == (1, "")
    assert err.startswith("ner: standard input:2: expected utf-8 text, found byte 0xf6")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_a_named_pipe_is_read_to_its_end(ner, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        pool.submit((tmp_path / "pipe").write_bytes, "zwölf".encode("latin-1"))
        _, out, _ = ner("recognize", "--file", str(tmp_path / "pipe"), "--format", "json")
    assert json.loads(out)["text"] == "zwölf"


def test_closed_standard_streams(ner, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert ner("recognize")[0] == 0
    for command in ("devices", "--version"):
        monkeypatch.setattr(sys, "stdout", None)
        assert cli.main([command]) == 1
        assert capsys.readouterr().err == "ner: standard output: Bad file descriptor\n"


def test_empty_input_has_no_entities(ner, stdin):
    stdin(b"")
    status, out, _ = ner("recognize", "--format", "json")
    assert (status, json.loads(out)["entities"]) == (0, [])


def test_nothing_to_read_is_wrong_usage(ner, stdin):
    stdin(b"", terminal=True)
    status, out, err = ner("recognize")
    assert (status, out) == (2, "")
    assert "nothing to read: give a TEXT" in err


def test_several_files_are_one_document_of_json(ner, tmp_path):
    files = []
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"Mary in {name}", "utf-8")
        files.append(str(tmp_path / name))
    _, out, _ = ner("recognize", "--file", *files, "--format", "json")
    assert [(found["file"], found["text"]) for found in json.loads(out)] == [
        (files[0], "Mary in a.txt"),
        (files[1], "Mary in b.txt"),
    ]
    _, out, _ = ner("recognize", "--file", files[0], "--format", "json")
    assert json.loads(out)["file"] == files[0]
    _, out, _ = ner("recognize", "--file", files[0], "--file", files[1])
    assert out.startswith(f"==> {files[0]} <==")
    assert f"==> {files[1]} <==" in out
    _, out, _ = ner("recognize", "--file", *files, "--format", "csv")
    assert {row["document"] for row in csv.DictReader(io.StringIO(out, newline=""))} <= set(files)


def test_problems_name_only_options_of_the_command(ner, tmp_path):
    (tmp_path / "a.csv").write_text("text,entities\nMary,1\n")
    status, _, err = ner("recognize", "--file", str(tmp_path / "a.csv"))
    assert (status, "rename it in the file" in err, "--into" in err) == (1, True, False)


def test_broken_files_are_named_and_the_others_done(ner, tmp_path):
    (tmp_path / "good.txt").write_text("Mary", "utf-8")
    (tmp_path / "latin.txt").write_bytes("one\nzwölf".encode("latin-1"))
    names = [str(tmp_path / name) for name in ("none.txt", "latin.txt", "good.txt")]
    status, out, err = ner("recognize", "--file", *names, "--format", "json")
    assert status == 1
    assert [(found["file"], found["text"]) for found in json.loads(out)] == [
        (names[1], "one\nzwölf"),
        (names[2], "Mary"),
    ]
    first, second = err.splitlines()
    assert first == f"ner: {names[0]}: the file cannot be read: No such file or directory"
    assert second.startswith(f"ner: {names[1]}: read as cp1252, which is a guess")
    status, out, err = ner("recognize", "--file", names[1], "--encoding", "utf-8")
    assert (status, out) == (1, "")
    assert f"{names[1]}:2: expected utf-8 text, found byte 0xf6 at byte 7" in err
    status, out, _ = ner("recognize", "--file", names[1], "--encoding", "latin-1", "--format", "json")
    assert (status, json.loads(out)["text"]) == (0, "one\nzwölf")


def test_files_of_any_format_and_rows_of_tables(ner, tmp_path):
    (tmp_path / "a.html").write_text("<p>Mary\n lives</p><p>in Rome</p>")
    (tmp_path / "b.csv").write_text("id;body\n1;Mary\n2;Rome\n")
    names = [str(tmp_path / name) for name in ("a.html", "b.csv")]
    status, out, _ = ner("recognize", "--file", *names, "--column", "body", "--format", "json")
    assert status == 0
    assert [(found["file"], found["text"]) for found in json.loads(out)] == [
        (names[0], "Mary lives\nin Rome"),
        (f"{names[1]}:2", "Mary"),
        (f"{names[1]}:3", "Rome"),
    ]
    _, out, _ = ner("recognize", "--file", names[1], "--format", "json")
    assert [found["text"] for found in json.loads(out)] == ["Mary", "Rome"]


def test_no_readable_file_writes_nothing(ner, tmp_path):
    none = str(tmp_path / "none.txt")
    for kind in FORMATS:
        status, out, _ = ner("recognize", "--file", none, none, "--format", kind)
        assert (status, out) == (1, "")


def test_a_table_without_rows_is_valid_in_every_format(ner, tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n")
    written = {
        kind: ner("recognize", "--file", str(tmp_path / "a.csv"), "--format", kind)[:2] for kind in FORMATS
    }
    assert {status for status, _ in written.values()} == {0}
    assert written["json"][1] == written["label-studio"][1] == "[]\n"
    assert written["csv"][1].startswith("document,start,end")


def test_globs_match_files_where_the_shell_leaves_them(ner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.txt", "[c].txt"):
        Path(name).write_text(name)

    def read(pattern):
        status, out, err = ner("recognize", "--file", pattern, "--format", "jsonl")
        return status, [json.loads(line)["file"] for line in out.splitlines()], err

    assert read("?.txt") == (0, ["a.txt", "b.txt"], "")
    assert read("[c].txt") == (0, ["[c].txt"], "")
    status, files, err = read("*.md")
    assert (status, files) == (1, [])
    assert err.startswith("ner: *.md: ")


def test_a_folder_is_no_file(ner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = ner("recognize", "--file", ".")
    assert (status, err) == (1, "ner: .: is a folder; name the files in it\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recognize", "x", "--threshold", "2"], "expected a number from 0 to 1, found '2'"),
        (
            ["recognize", "x", "--labels", "PER,DATE"],
            "--labels: There is no label 'DATE'; there are PER, ORG",
        ),
        (["evaluate", "x", "--encoding", "nonsense"], "Python knows no encoding 'nonsense' of text"),
        (["benchmark", "--seconds", "nan"], "expected a number above 0, found 'nan'"),
        (["annotate", "x", "-o", "y.csv", "--num-cpus-per-worker", "0"], "expected a number above 0"),
        (["recognize", "x", "--labels", ","], "expected names separated by commas"),
        (["recognize", "x", "--file", "y"], "give TEXT or --file, not both"),
        (["recognize", "-", "--encoding", "hex"], "Python knows no encoding 'hex' of text"),
        (["recognize", "x", "--format", "xml"], "invalid choice: 'xml'"),
        (["evaluate"], "give one DATASET"),
        (["evaluate", ""], "path: expected a value, found an empty one"),
        (["annotate", "x", "", "-o", "y.csv"], "inputs: expected a value, found an empty one"),
        (["evaluate", "x", "--protocol", "omz", "--recall-target", "1"], "--protocol omz has none"),
        (["evaluate", __file__, "--split", "dev"], "DATASET is a file; give the folder"),
        (["evaluate", "x", "--map", "geo"], "must be FROM=TO, such as person=PER (got 'geo')"),
        (["evaluate", "x", "--errors", "many"], "expected a whole number, found 'many'"),
        (["recognize", "x", "--models-dir", "none"], "none: no such folder"),
        (["evaluate", "x", "--plot", "x.png"], "expected a name that ends with .svg, found 'x.png'"),
        (["evaluate", "x", "--plot", "missing/x.svg"], "missing: no such folder"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage(ner, stdin, arguments, message):
    stdin(b"x")
    status, out, err = ner(*arguments, needs_model=len(arguments) > 1)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "no-such-model"], "There is no model 'no-such-model'"),
        (["--model", "bert-base-ner"], "python -m model_zoo.downloader --name bert-base-ner"),
        (["--model", "nowhere/model.xml"], "nowhere/model.xml"),
    ],
)
def test_missing_model_says_what_to_do(ner, monkeypatch, tmp_path, arguments, message):
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    status, out, err = ner("recognize", "x", *arguments, needs_model=False)
    assert (status, out) == (1, "")
    assert message in err
    assert "Traceback" not in err


def test_missing_device_is_one_line(ner, tiny_ir):
    status, out, err = ner("recognize", "x", "--model", str(tiny_ir), "--device", "FPGA", needs_model=False)
    assert (status, out) == (1, "")
    assert err.startswith("ner: ")
    assert "FPGA" in err
    assert err.count("\n") == 1


def test_model_without_rt_info_takes_labels_and_tokenizer(ner, tiny_ir, tmp_path):
    import openvino as ov

    model = ov.Core().read_model(tiny_ir / "tiny.xml")
    bare = ov.Model(model.outputs, model.get_parameters())
    ov.save_model(bare, tmp_path / "bare.xml", compress_to_fp16=False)
    where = ["--model", str(tmp_path / "bare.xml"), "--device", "CPU"]
    arguments = ["recognize", "Mary", *where, "--format", "json"]
    tokenizer = ["--tokenizer", str(tiny_ir / "tokenizer.json")]
    status, _, err = ner(*arguments, *tokenizer, needs_model=False)
    assert (status, "label" in err) == (1, True)
    labels = "O,B-A,I-A,B-B,I-B,B-C,I-C,B-D,I-D"
    status, out, _ = ner(*arguments, *tokenizer, "--model-labels", labels, needs_model=False)
    assert status == 0
    assert json.loads(out)["entities"][0]["label"] in "ABCD"


def test_colours_only_where_they_are_wanted(ner, monkeypatch):
    assert "\x1b[" not in ner("recognize", "Mary")[1]
    assert "\x1b[48" in ner("recognize", "Mary", "--color", "always")[1].replace("38;5;16;", "")
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "\x1b[" in ner("recognize", "Mary")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in ner("recognize", "Mary")[1]
    assert "\x1b[" not in ner("recognize", "Mary", "--color", "never")[1]


def test_control_characters_do_not_reach_the_terminal(ner):
    _, out, _ = ner("recognize", "Mary \x1b]0;owned\x07", "--color", "never")
    assert "\\x1b" in out
    assert "\\x07" in out
    assert not {"\x1b", "\x07"} & set(out)


def test_help_is_ascii(ner):
    for command in ("recognize", "evaluate", "devices", "models"):
        assert ner(command, "--help", needs_model=False)[1].isascii()


def test_devices(ner):
    status, out, _ = ner("devices", "--format", "json", needs_model=False)
    found = {device["name"]: device for device in json.loads(out)}
    assert status == 0
    assert "FP32" in found["CPU"]["capabilities"]
    assert found["CPU"]["full_name"] in ner("devices", needs_model=False)[1]


def test_models(ner, tmp_path):
    status, out, _ = ner("models", "--models-dir", str(tmp_path), "--format", "json", needs_model=False)
    found = {model["name"]: model for model in json.loads(out)}
    assert status == 0
    assert found["bert-base-ner"] == {"name": "bert-base-ner", "state": "absent", "precisions": []}
    for folder in ("hf--dslim--bert-base-NER", "mine"):
        (tmp_path / "public" / folder / "FP16").mkdir(parents=True)
        for suffix in (".xml", ".bin"):
            (tmp_path / "public" / folder / "FP16" / f"{folder}{suffix}").touch()
    lines = ner("models", "--models-dir", str(tmp_path), needs_model=False)[1].splitlines()
    assert [line.split() for line in lines[-2:]] == [
        ["hf:dslim/bert-base-NER", "ready", "FP16"],
        ["mine", "ready", "FP16"],
    ]


def test_version_is_that_of_the_project(ner):
    pyproject = Path(cli.__file__).with_name("pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', pyproject, re.MULTILINE)[1]
    assert ner("--version", needs_model=False)[:2] == (0, f"ner-zoo {version}\n")


def test_choices_are_those_of_the_library(ner):
    assert f"{{{','.join(PROTOCOLS)}}}" in ner("evaluate", "--help", needs_model=False)[1]
    assert f"{{{','.join(UNITS)}}}" in ner("evaluate", "--help", needs_model=False)[1]
