"""A content-addressed cache of downloaded files, laid out as Open Model Zoo's: one folder serves both tools.

``<folder>/1/<first two hex digits>/<the others>`` holds the file with that hash. Entries are added
atomically, and damaged ones are not used.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from ner_core.files import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from model_zoo.catalog.checksum import Checksum

__all__ = ["FileCache"]

log = logging.getLogger(__name__)

_BLOCK = 1 << 20


class FileCache:
    """Cached files by hash.

    Parameters
    ----------
    folder : Path
        Created when the first file is added.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "1"

    def path(self, checksum: Checksum) -> Path:
        """Return the path of the entry for this hash, which need not exist."""
        return self._folder / checksum.value[:2] / checksum.value[2:]

    def put(self, file: Path, checksum: Checksum) -> None:
        """Copy a verified file into the cache, over a damaged entry; if that fails, only log a warning."""
        entry = self.path(checksum)
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as source, whole_file(entry) as target:
                shutil.copyfileobj(source, target, _BLOCK)
        except OSError as error:
            log.warning("The cache %s can't store %s: %s", self._folder.parent, file.name, error)
