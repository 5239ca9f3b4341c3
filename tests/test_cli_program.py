"""The command line as a program: its streams, its signals, what it loads."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cli

FOLDER = Path(cli.__file__).parent
PROGRAM = [sys.executable, str(Path(cli.__file__))]


@pytest.fixture
def model(tiny_ir):
    return ["--model", str(tiny_ir), "--device", "CPU"]


def python(code, *arguments, stderr=subprocess.PIPE, **environment):
    """Run a program that imports the command line: commands after each other load what they need once."""
    command = [sys.executable, "-c", f"import sys, cli\n{code}", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "", **environment}
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=stderr, cwd=FOLDER, env=environment, check=False
    )


def test_help_loads_nothing_heavy():
    done = python(
        "try:\n    cli.main(['recognize', '--help'])\n"
        "except SystemExit:\n    print(sorted({'numpy', 'openvino', 'torch', 'tqdm'} & set(sys.modules)))"
    )
    assert done.stdout.splitlines()[-1] == b"[]"


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ImportError from KeyboardInterrupt()"])
def test_an_interrupt_during_the_imports_is_quiet(error):
    done = python(
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.startswith('ner_commands.'): raise {error}\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(cli.main(['devices']))"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_bytes_that_are_no_text_do_not_crash(model):
    code = "for kind in ('json', 'text', 'redacted'): print(cli.main([*sys.argv[1:], '--format', kind]))"
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = python(code, "recognize", b"Mary Jos\xe9 \xe2\x82\xac", *model, **plain)
    assert (done.returncode, done.stderr) == (0, b"")
    document, shown, redacted, rest = done.stdout.split(b"\n0\n")
    assert os.fsencode(json.loads(document)["text"]) == b"Mary Jos\xe9 \xe2\x82\xac"
    assert rb"\udce9" in shown
    assert b"]" in redacted
    assert rest == b""


def test_reader_that_leaves_early_is_no_error(model, tmp_path):
    (tmp_path / "long.txt").write_text("Mary lives here\n" * 600, "utf-8")  # more than the pipe holds
    command = [*PROGRAM, "recognize", "--file", str(tmp_path / "long.txt"), "--format", "inline", *model]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "pipesize": 4096}
    # Unbuffered, Python drops what a pipe does not take, and says nothing.
    with subprocess.Popen(command, **pipes, env=os.environ | {"PYTHONUNBUFFERED": ""}) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_is_quiet(model, tmp_path, number):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ["recognize", "--file", str(pipe), *model]
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with pipe.open("wb"):  # waits until the program opens its end, and so is about to read
            process.send_signal(number)
            try:
                output = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:  # the signal came after Python's last check and before the read
                process.send_signal(number)
                output = process.communicate(timeout=600)
            assert output == (b"", b"")
        assert process.returncode == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_messages_that_cannot_be_written_do_not_end_the_work(model, tmp_path):
    text, made = tmp_path / "a.txt", tmp_path / "a.jsonl"
    text.write_text("Mary lives here\n", "utf-8")
    commands = ["recognize", "--file", str(text)], ["annotate", str(text), "-o", str(made)]
    code = f"for one in {commands}: print(cli.main([*one, *sys.argv[1:]]))"
    with Path("/dev/full").open("w") as full:
        done = python(code, *model, stderr=full)
    assert done.returncode == 0
    assert done.stdout.endswith(b"\n0\n0\n")
    assert made.is_file()
