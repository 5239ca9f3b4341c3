"""A temporary folder to make a model in, and its atomic exchange with an earlier one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["publish", "workplace"]


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder in a model's, which is created, to one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".conversion.lock"):
        for left in folder.glob(".converting-*"):  # by a killed process: this one has the lock
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".converting-", dir=folder) as made:
            yield Path(made).resolve()


def publish(made: Path, target: Path) -> None:
    """Replace a folder by a finished one on the same file system, or leave it unchanged."""
    previous = target.with_name(f".{target.name}.previous")
    if previous.exists():  # left by a process that was killed between the two renames below
        if target.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(target)
    if target.exists():
        target.rename(previous)
    try:
        made.rename(target)
    except OSError:
        if previous.exists():
            previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)
