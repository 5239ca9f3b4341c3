"""Folder of compiled models that checks itself: a file that is not as it was written is made anew.

OpenVINO names its files after model, device and settings, but does not notice bits that changed in them. Each
gets a ``.sha256`` beside it, and each model a folder of its own below the one that the user names.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from ner_core.files import feed, write_whole
from ner_core.seal import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CompiledCache"]

logger = logging.getLogger(__name__)

_STATED = ".sha256"


class CompiledCache:
    """Compiled forms of one model.

    Parameters
    ----------
    folder : pathlib.Path
        For the models of everybody; only its folder for this model is ever changed.
    model : pathlib.Path
        The model file.

    Attributes
    ----------
    folder : pathlib.Path
        What OpenVINO is told.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder / f"{model.stem}-{fingerprint(model)}"

    def drop_damaged(self) -> None:
        """Delete what differs from what was written, and what was never finished."""
        for file in self._compiled():
            stated = _stated(file)
            try:
                whole = stated.read_text(encoding="ascii") == _digest(file)
            except (OSError, UnicodeDecodeError):
                whole = False
            if not whole:
                logger.info("%s: damaged or unfinished, compiled anew", file)
                file.unlink(missing_ok=True)
                stated.unlink(missing_ok=True)

    def state_new(self) -> None:
        """Write down what the new files are; on a full disk they are compiled anew next time."""
        for file in self._compiled():
            if not _stated(file).exists():
                try:
                    write_whole(_stated(file), _digest(file))
                except OSError as error:
                    logger.warning("%s: kept for this time only (%s)", file, error.strerror)

    def _compiled(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (
                path for path in sorted(self.folder.iterdir()) if path.suffix in {".blob", ".cl_cache"}
            )


def _stated(file: Path) -> Path:
    return file.with_name(file.name + _STATED)


def _digest(file: Path) -> str:
    return feed(hashlib.sha256(), file).hexdigest()
