"""A cache folder of compiled models with checksums: a damaged file is deleted and compiled again.

OpenVINO names its files by model, device and settings, but does not notice corruption. Each file gets a
``.sha256`` beside it, and each model a separate folder below the one that the user names.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from ner_core.files import feed, write_whole
from ner_core.seal import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CompiledCache"]

logger = logging.getLogger(__name__)

_STATED = ".sha256"


class CompiledCache:
    """Compiled forms of one model.

    Parameters
    ----------
    folder : pathlib.Path
        Cache folder for all models; only its subfolder for this model is changed.
    model : pathlib.Path
        The model file.

    Attributes
    ----------
    folder : pathlib.Path
        The subfolder for this model, which OpenVINO uses.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder / f"{model.stem}-{fingerprint(model)}"

    def drop_damaged(self) -> None:
        """Delete files that differ from their checksum or have none."""
        for file in self._compiled():
            stated = _stated(file)
            try:
                whole = stated.read_text(encoding="ascii") == _digest(file)
            except (OSError, UnicodeDecodeError):
                whole = False
            if not whole:
                logger.info("%s: damaged or unfinished, compiling again", file)
                file.unlink(missing_ok=True)
                stated.unlink(missing_ok=True)

    def state_new(self) -> None:
        """Write the checksums of new files; if that fails, they are compiled again next time."""
        for file in self._compiled():
            if not _stated(file).exists():
                try:
                    write_whole(_stated(file), _digest(file))
                except OSError as error:
                    logger.warning("%s: not cached, its checksum was not written (%s)", file, error.strerror)

    def _compiled(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("*")) if path.suffix in {".blob", ".cl_cache"}]


def _stated(file: Path) -> Path:
    return file.with_name(file.name + _STATED)


def _digest(file: Path) -> str:
    return feed(hashlib.sha256(), file).hexdigest()
