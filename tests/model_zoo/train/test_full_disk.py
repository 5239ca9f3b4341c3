"""A full disk and flipped bits while a model is trained: a sentence, nothing half-written, and on it goes."""

import subprocess
import sys
from pathlib import Path

import pytest

from model_zoo.finetuner import _not_written
from model_zoo.train.run import _publish
from tests.lazily import averages, safetensors_torch, torch
from tests.model_zoo.test_bad_days import room_for
from tests.model_zoo.train.test_finetuner import finished, flags, lab  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[3]


def write_text(path):
    path.write_text("x" * 10_000)


@pytest.mark.parametrize("room", [100, 5000])
@pytest.mark.parametrize(
    "write",
    [
        write_text,
        lambda path: safetensors_torch.save_file({"a": torch.zeros(10_000)}, path),
        lambda path: torch.save({"a": torch.zeros(10_000)}, path),
        lambda path: torch.save({"a": [torch.zeros(1)] * 2000}, path),
    ],
)
def test_what_every_library_says_of_a_full_disk_is_known(tmp_path, write, room):
    with room_for(room), pytest.raises(Exception) as found:
        write(tmp_path / "file")
    assert _not_written(found.value)


def test_other_errors_are_not_taken_for_it():
    for error in (RuntimeError("shapes differ"), ValueError("x"), OSError(2, "No such file"), KeyError("a")):
        assert not _not_written(error)


def test_an_earlier_model_stays_until_the_new_one_is_whole(tmp_path):
    def write(size, folder):
        (folder / "checkpoint").mkdir()
        (folder / "checkpoint" / "weights").write_bytes(b"x" * size)
        (folder / "model.yml").write_text(f"size: {size}\n")

    folder = tmp_path / "model"
    folder.mkdir()
    _publish(lambda made: write(100, made), folder)
    with room_for(1000), pytest.raises(OSError, match="File too large"):
        _publish(lambda made: write(5000, made), folder)
    assert (folder / "checkpoint" / "weights").read_bytes() == b"x" * 100
    assert sorted(path.name for path in folder.iterdir()) == [".conversion.lock", "checkpoint", "model.yml"]
    _publish(lambda made: write(5000, made), folder)
    assert (folder / "model.yml").read_text() == "size: 5000\n"
    assert len((folder / "checkpoint" / "weights").read_bytes()) == 5000


def test_a_bit_that_changed_in_a_checkpoint_sends_the_training_back_to_the_one_before(tmp_path):
    for step in (5, 10, 15):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(bytes(1000))
        if step < 15:
            averages.mark_complete(folder)
    assert averages.last_checkpoint(tmp_path).name == "checkpoint-10"  # 15 is not complete
    damaged = tmp_path / "checkpoint-10" / "model.safetensors"
    damaged.write_bytes(bytes(500) + b"\x04" + bytes(499))
    assert averages.is_damaged(damaged.parent)
    assert averages.last_checkpoint(tmp_path).name == "checkpoint-5"
    assert not damaged.parent.exists()


@pytest.mark.nightly  # trains four times
def test_a_training_on_a_full_disk_goes_on_to_the_same_weights(lab, finished, tmp_path):  # noqa: F811
    whole = (finished / "checkpoint" / "model.safetensors").read_bytes()
    for size in (100, 2000, 60_000, len(whole) - 1):
        models = tmp_path / str(size)
        models.mkdir()
        command = [sys.executable, "-m", "model_zoo.finetuner", *flags(lab, models)]
        limited = ["prlimit", f"--fsize={size}", *command]
        done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, timeout=500)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "can't be written" in done.stderr
        assert not (models / "public" / "tiny-ner" / "model.yml").exists()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr
        folder = models / "public" / "tiny-ner"
        assert (folder / "checkpoint" / "model.safetensors").read_bytes() == whole
