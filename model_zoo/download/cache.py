"""A content-addressed cache of downloaded files, laid out as Open Model Zoo's: one folder serves both tools.

``<folder>/1/<first two hex digits>/<the others>`` holds the file with that hash. Entries appear in one step;
an entry that is damaged is not used.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_zoo.catalog.checksum import Checksum

__all__ = ["FileCache"]

log = logging.getLogger(__name__)


class FileCache:
    """Files by their hash.

    Parameters
    ----------
    folder : Path
        Created when the first file is put in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "1"

    def path(self, checksum: Checksum) -> Path:
        """Return where the file with this hash lies, or would lie."""
        return self._folder / checksum.value[:2] / checksum.value[2:]

    def put(self, file: Path, checksum: Checksum) -> None:
        """Copy a verified file into the cache; a cache that can't be written is a warning, not a failure."""
        entry = self.path(checksum)
        if entry.is_file() and entry.stat().st_size == file.stat().st_size:
            return
        staged: Path | None = None
        try:
            staging = self._folder / "staging"
            staging.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=staging)
            os.close(handle)
            staged = Path(name)
            shutil.copyfile(file, staged)
            entry.parent.mkdir(exist_ok=True)
            staged.replace(entry)
            staged = None
        except OSError as error:
            log.warning("The cache %s can't take %s: %s", self._folder.parent, file.name, error)
        finally:
            if staged is not None:
                with contextlib.suppress(OSError):
                    staged.unlink()
