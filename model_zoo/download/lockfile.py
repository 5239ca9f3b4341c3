"""Sizes and hashes of files without published ones: recorded on the first download, then checked."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from filelock import FileLock

from model_zoo.catalog.checksum import Checksum
from model_zoo.download.partial import FOLDER
from ner_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from model_zoo.catalog.schema import ModelFile

__all__ = ["Locked", "Lockfile"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Locked:
    """Record of one file."""

    size: int
    checksum: Checksum
    source: str


class Lockfile:
    """``model.lock.json`` in a model's folder of the models folder.

    Parameters
    ----------
    folder : Path
        The model's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "model.lock.json"

    def find(self, file: ModelFile) -> Locked | None:
        """Return the record of a file without a published hash that came from one of its sources, or None."""
        entry = self._entries().get(file.name) if file.checksum is None else None
        try:
            if entry is None or (entry["source"] and entry["source"] not in map(str, file.sources)):
                return None
            checksum = Checksum.model_validate({"$type": "sha384", "value": entry["sha384"]})
            return Locked(int(entry["size"]), checksum, str(entry["source"]))
        except (KeyError, TypeError, ValueError):
            log.warning("%s: the entry of %s can't be read and is ignored", self.path, file.name)
            return None

    def has(self, file: str) -> bool:
        """Return whether there is a record of a file."""
        return file in self._entries()

    def record(self, file: str, locked: Locked) -> None:
        """Add or replace one entry; safe with concurrent threads and processes."""
        hidden = self.path.parent / FOLDER
        hidden.mkdir(parents=True, exist_ok=True)
        with FileLock(hidden / f"{self.path.name}.lock"):
            entries = self._entries()
            entries[file] = {
                "size": locked.size,
                "sha384": locked.checksum.value,
                "source": locked.source,
                "recorded": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            }
            write_whole(self.path, json.dumps({"files": entries}, indent=1))

    def _entries(self) -> dict[str, Any]:
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))["files"]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("%s can't be read; its records are ignored", self.path)
            return {}
        return entries if isinstance(entries, dict) else {}
