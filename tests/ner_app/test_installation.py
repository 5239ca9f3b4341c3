import json
import threading

import pytest

import model_zoo
from ner_app.commands import CommandError
from ner_app.installation import Installation, Progress

DOWNLOADER = """
import json, pathlib, sys, time
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("--output_dir") + 1])
say = lambda **event: print(json.dumps(event), flush=True)
say(**{"$type": "model_download_begin", "model": "m", "num_files": 1})
say(**{"$type": "model_file_download_begin", "model": "m", "model_file": "a.bin", "size": 100})
for size in (25, 50, 100):
    say(**{"$type": "model_file_download_progress", "model": "m", "model_file": "a.bin", "size": size})
    time.sleep(float(PAUSE))
if FAIL:
    print("a.bin: wrong checksum", file=sys.stderr)
    sys.exit(1)
say(**{"$type": "model_file_download_end", "model": "m", "model_file": "a.bin", "successful": True})
(out / "downloaded").write_text(" ".join(arguments))
"""
CONVERTER = """
import pathlib, sys
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("--output_dir") + 1])
print("not JSON")
(out / "converted").write_text(" ".join(arguments))
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Let small scripts stand in for the zoo's commands; their contract is the events and the exit status."""

    def write(fail=False, pause=0.0):
        folder = tmp_path / "zoo"
        folder.mkdir()
        script = DOWNLOADER.replace("PAUSE", repr(pause)).replace("FAIL", repr(fail))
        (folder / "downloader.py").write_text(script)
        (folder / "converter.py").write_text(CONVERTER)
        monkeypatch.setattr(model_zoo, "__file__", str(folder / "__init__.py"))

    return write


def test_download_then_conversion_with_progress(commands, tmp_path):
    commands()
    steps = [(progress.step, progress.share) for progress in Installation("m", tmp_path).run()]
    assert steps[0] == ("Downloading", 0.0)
    assert steps[-1] == ("Converting", 1.0)
    assert "--name m" in (tmp_path / "downloaded").read_text()
    assert f"--download_dir {tmp_path}" in (tmp_path / "converted").read_text()


def test_a_failure_says_what_the_command_said(commands, tmp_path):
    commands(fail=True)
    with pytest.raises(CommandError, match=r"a\.bin: wrong checksum"):
        list(Installation("m", tmp_path).run())
    assert not (tmp_path / "converted").exists()


def test_cancel_stops_the_command_and_is_no_failure(commands, tmp_path):
    commands(pause=30.0)
    installation = Installation("m", tmp_path)
    steps = []
    for progress in installation.run():
        steps.append(progress.step)
        if progress.step == "Downloading":  # while it waits for more
            threading.Timer(0.05, installation.cancel).start()
    assert steps[-1] == "Downloading"
    assert installation.cancelled
    assert not (tmp_path / "downloaded").exists()


def test_progress_over_several_files_and_a_resumed_one():
    progress = Progress()
    for name, size in (("a", 100), ("b", 300)):
        progress.take({"$type": "model_file_download_begin", "model_file": name, "size": size})
    progress.take({"$type": "model_file_download_progress", "model_file": "b", "size": 200})
    assert progress.share == 0.5
    assert progress.speed == 0.0  # they were there from an earlier run
    progress.take({"$type": "model_file_download_progress", "model_file": "b", "size": 250})
    assert progress.speed > 0
    assert progress.seconds_left is not None
    progress.take({"$type": "model_file_download_end", "model_file": "a", "successful": True})
    assert progress.share == pytest.approx(350 / 400)
    for odd in ({}, {"$type": "unknown"}, json.loads('{"$type": "model_file_download_begin"}')):
        progress.take(odd)
