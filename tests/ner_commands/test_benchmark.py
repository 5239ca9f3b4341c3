import argparse
import json
import shutil

import pytest

from model_zoo import ZooError
from ner_commands.arguments import Failure
from ner_commands.benchmark import command, measurement


@pytest.fixture(scope="module")
def compiled_kept():
    """Not here: how long loading takes is measured."""


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch):
    """What the machine reaches at its best is not looked at here."""
    monkeypatch.setattr(measurement, "_MATMUL_SIZE", 32)


@pytest.fixture
def run(capsys):
    """Run the command: exit status, standard output, standard error."""

    def call(*arguments):
        parser = argparse.ArgumentParser()
        command.add_parser(parser.add_subparsers(required=True))
        parsed = parser.parse_args(["benchmark", *map(str, arguments)])
        status = parsed.run(parsed)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("Mary lives in Santa Clara.\nAn.", "utf-8")
    return file


def test_measures_every_combination_with_own_text(run, tiny_ir, text):
    model = ("--model", tiny_ir.parent, "--file", text)
    status, out, err = run(*model, "--devices", "cpu", "--seconds", 0.01, "--format", "json")
    assert status == 0
    document = json.loads(out)
    assert [one["hint"] for one in document["measurements"]] == ["LATENCY", "THROUGHPUT"]
    assert {one["precision"] for one in document["measurements"]} == {"FP32"}
    assert {(one["compute"], one["computed_in"]) for one in document["measurements"]} == {("auto", "f32")}
    assert document["failures"] == {}
    assert document["recommendation"]
    assert document["machine"]["devices"]["CPU"]
    assert document["words"] == {"sentence": 5, "paragraph": 6, "page": 6}
    assert err.count("sentences/s") == 2  # progress


def test_a_table_of_what_the_text_of_the_package_gives(run, tiny_ir):
    model = ("--model", tiny_ir / "tiny.xml")
    status, out, _ = run(*model, "--devices", "CPU", "--hints", "latency", "--seconds", 0.01)
    assert status == 0
    header, row, *advice = out.splitlines()
    assert header.split()[:3] == ["computes", "in", "load"]
    assert row.startswith("CPU FP32 auto LATENCY")
    assert row.rstrip().endswith("%")
    assert advice[-1].startswith("Use CPU FP32 auto LATENCY")


def test_a_configuration_that_fails_does_not_end_the_others(run, tiny_ir, text, monkeypatch):
    measure = measurement.measure

    def fail_once(*given, hint, **more):
        if hint == "LATENCY":
            msg = "line one\nthe driver gave up"
            raise RuntimeError(msg)
        return measure(*given, hint=hint, **more)

    monkeypatch.setattr(measurement, "measure", fail_once)
    model = ("--model", tiny_ir, "--file", text)
    _, out, _ = run(*model, "--devices", "CPU", "--seconds", 0.01, "--format", "json")
    found = json.loads(out)
    assert found["failures"] == {"CPU FP32 auto LATENCY": "the driver gave up"}
    assert [one["hint"] for one in found["measurements"]] == ["THROUGHPUT"]


@pytest.mark.parametrize("chosen", [(), ("--precisions", "fp32-1X128")])
def test_nothing_measured_is_a_failure(run, tiny_ir, tmp_path, monkeypatch, chosen):
    def fail(*_, **__):
        msg = "no"
        raise RuntimeError(msg)

    monkeypatch.setattr(measurement, "measure", fail)
    shutil.copytree(tiny_ir, tmp_path / "FP32-1x128")
    status, out, err = run("--model", tmp_path, "--devices", "CPU", *chosen)
    assert (status, out) == (1, "")
    assert "CPU FP32-1x128 auto LATENCY: no" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precisions", "FP7"], "is installed in FP32, not in FP7"),
        (["--encoding", "utf-16", "--file", __file__], "expected utf-16 text"),
        (["--devices", "GPU.9"], "no device GPU.9"),
    ],
)
def test_wrong_names_are_told_at_once(run, tiny_ir, arguments, message):
    with pytest.raises((ValueError, Failure), match=message):
        run("--model", tiny_ir, *arguments)


def test_unknown_models_and_texts_without_words(run, tiny_ir, tmp_path):
    with pytest.raises(ZooError, match="There is no model 'nobody'"):
        run("--model", "nobody")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n", "utf-8")
    with pytest.raises(ValueError, match="no words"):
        run("--model", tiny_ir, "--file", empty)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hints", "FAST"], "argument --hints: expected some of LATENCY, THROUGHPUT, AUTO, found FAST"),
        (["--compute", "f7"], "argument --compute: expected some of auto, exact"),
    ],
)
def test_wrong_usage(run, capsys, arguments, message):
    with pytest.raises(SystemExit) as leaving:
        run(*arguments)
    assert leaving.value.code == 2
    assert message in capsys.readouterr().err
