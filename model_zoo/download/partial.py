"""A partially downloaded file beside its destination: hashed as it grows, kept for a later process."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO

from model_zoo.catalog.checksum import Checksum, new_digest
from model_zoo.catalog.errors import ZooError
from ner_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FOLDER", "DiskFullError", "Partial", "read_note"]

#: Folder beside the destination for partial files, their notes and locks.
FOLDER = ".partial"

_BLOCK = 1 << 20
_SPARE = 16 << 20  # bytes of disk space that a download leaves free


class DiskFullError(ZooError):
    """The file can't be written or does not fit on the disk, whatever its source."""


def read_note(path: Path) -> dict[str, Any]:
    """Read a JSON object that this package wrote; empty if it is missing or damaged."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


class Partial:
    """The bytes of a file so far, with a note of their origin.

    Parameters
    ----------
    destination : Path
        Path of the complete file.
    algorithm : str
        Hash to compute: ``sha384``, ``sha256`` or ``git_blob``.
    size : int or None
        Bytes of the complete file.

    Attributes
    ----------
    length : int
        Bytes so far.
    note : dict
        Note given to ``restart`` or ``resume``, by this process or an earlier one.
    joined : bool
        Whether the bytes are from several answers, which may not fit together.
    """

    def __init__(self, destination: Path, algorithm: str, size: int | None = None) -> None:
        self.destination = destination
        self.algorithm = algorithm
        self.size = size
        folder = destination.parent / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{destination.name}.part"
        self._note_path = folder / f"{destination.name}.json"
        self._file: BinaryIO | None = None
        self._digest = new_digest(algorithm, size)
        self.length = self.path.stat().st_size if self.path.is_file() else 0
        self.note = read_note(self._note_path) if self.length else {}
        self.joined = False

    def restart(self, note: dict[str, Any]) -> None:
        """Start with an empty file and note the origin of the bytes to come."""
        self.close()
        self._note_path.unlink(missing_ok=True)
        self._file = self.path.open("wb", buffering=0)
        self.length = 0
        self.joined = False
        self.note = note
        self._write_note()
        self._digest = new_digest(self.algorithm, self.size)

    def resume(self, note: dict[str, Any]) -> None:
        """Hash the bytes so far and prepare to append."""
        if self._file is None:
            self._file = self.path.open("r+b", buffering=0)
            self._digest = new_digest(self.algorithm, self.size)
            while block := self._file.read(_BLOCK):
                self._digest.update(block)
        self.joined = self.length > 0
        self.note = note
        self._write_note()

    def append(self, block: bytes) -> None:
        """Write one block and hash it."""
        if self._file is None:
            msg = "append before restart or resume"
            raise RuntimeError(msg)
        self._digest.update(block)
        view = memoryview(block)
        try:
            while view:  # an unbuffered write may take less than it is given
                view = view[self._file.write(view) :]
        except OSError as error:
            msg = f"{self.path} can't be written: {error.strerror or error}"
            raise DiskFullError(msg) from None
        self.length += len(block)

    def checksum(self) -> Checksum:
        """Return the hash of all bytes so far."""
        return Checksum.model_validate({"$type": self.algorithm, "value": self._digest.hexdigest()})

    def finish(self) -> None:
        """Move the complete file to its destination atomically.

        There is no fsync, which would take longer than many downloads: after a power failure, the hash check
        of the next download finds the damage.
        """
        self.close()
        self.path.replace(self.destination)
        self._note_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the bytes, which turned out to be wrong."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)
        self.length = 0
        self.note = {}

    def close(self) -> None:
        """Stop here; the bytes so far stay for a later run."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def check_space(self, size: int) -> None:
        """Raise `DiskFullError` if a complete file of so many bytes does not fit on the disk."""
        room = shutil.disk_usage(self.path.parent).free + self.length
        if room < size + _SPARE:
            where = self.destination.parent
            msg = f"{where}: the file needs {size + _SPARE >> 20} MiB, there are {room >> 20} MiB free"
            raise DiskFullError(msg)

    def _write_note(self) -> None:
        write_whole(self._note_path, json.dumps(self.note))
