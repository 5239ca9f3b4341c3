"""The command line as a program: its streams, its signals, what it loads."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cli

PROGRAM = [sys.executable, str(Path(cli.__file__))]


@pytest.fixture
def model(tiny_ir):
    return ["--model", str(tiny_ir), "--device", "CPU"]


def program(*arguments, **options):
    environment = {**os.environ, "PYTHONIOENCODING": "", **options.pop("env", {})}
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, env=environment, check=False, **options
    )


def test_help_loads_nothing_heavy():
    code = (
        "import sys, cli\n"
        "try:\n    cli.main(['recognize', '--help'])\n"
        "except SystemExit:\n    print(sorted({'numpy', 'openvino', 'torch', 'tqdm'} & set(sys.modules)))"
    )
    folder = Path(cli.__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ImportError from KeyboardInterrupt()"])
def test_an_interrupt_during_the_imports_is_quiet(error):
    code = (
        "import sys, cli\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.startswith('ner_commands.'): raise {error}\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(cli.main(['devices']))"
    )
    folder = Path(cli.__file__).parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=folder, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_bytes_that_are_no_text_do_not_crash(model, tmp_path):
    done = program("recognize", b"Mary Jos\xe9", "--format", "json", *model, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["text"] == "Mary Jos\udce9"
    for kind, expected in (("text", rb"\udce9"), ("redacted", b"]")):
        arguments = ["recognize", b"Mary Jos\xe9 \xe2\x82\xac", "--format", kind, *model]
        done = program(*arguments, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
        assert (done.returncode, done.stderr) == (0, b"")
        assert expected in done.stdout


def test_reader_that_leaves_early_is_no_error(model, tmp_path):
    (tmp_path / "long.txt").write_text("Mary lives here\n" * 6_000, "utf-8")  # more than a pipe holds
    arguments = ["recognize", "--file", str(tmp_path / "long.txt"), "--format", "inline", *model]
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
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
    (tmp_path / "a.txt").write_text("Mary lives here\n", "utf-8")
    with Path("/dev/full").open("w") as full:
        for arguments in (["recognize", "--file", "a.txt"], ["annotate", "a.txt", "-o", "a.jsonl"]):
            done = subprocess.run([*PROGRAM, *arguments, *model], stderr=full, cwd=tmp_path, check=False)
            assert done.returncode == 0
