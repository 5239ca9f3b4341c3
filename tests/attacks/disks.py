"""Disks that are full at some moment, for processes of their own."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

_SIZE = 64 << 20
_PLACES = 20
REASONS = ("can't be written", "cannot be written", "No space left", "File too large")


class Disk:
    """A disk of its own (tmpfs), or a folder in which no file may grow: what this machine allows.

    Only for processes that do nothing else: the bound on files holds for all that the process writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(path)]
        with contextlib.suppress(OSError):
            self.mounted = not subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def full(self, room: int) -> Iterator[None]:
        """Let so many bytes fit, in whole pages."""
        filler = self.path / "filler"
        if self.mounted:
            with filler.open("wb") as file:
                free = os.statvfs(self.path)
                os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_bsize - room, 1))
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, self._limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
            filler.unlink(missing_ok=True)

    def end(self) -> None:
        """Take it away with all that is on it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    mounted = False


def somewhere(attempt):
    """Let a disk be full at twenty places of a run in turn, spread over all of it, in whatever order."""
    tries = itertools.count()

    def at(chance: Random, folder: Path) -> str:
        return attempt(chance, folder, (next(tries) * 7 % _PLACES + chance.random()) / _PLACES)

    return at


@contextmanager
def disk_in(folder: Path) -> Iterator[Disk]:
    disk = Disk(folder / "disk")
    try:
        yield disk
    finally:
        disk.end()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(run, *arguments: Any) -> tuple[int, str]:
    """Run a command here: its status, and what it said."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = run(*arguments)
    return status, error.getvalue()
