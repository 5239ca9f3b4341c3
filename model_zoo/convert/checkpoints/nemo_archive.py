"""The archive of a NeMo model, read member by member and never unpacked.

A tar (gzip before NeMo 1.7) whose members lie under ``./``:
https://github.com/NVIDIA/NeMo/blob/v1.23.0/nemo/core/connectors/save_restore_connector.py. Whatever is not a
plain file below the archive's root is refused, and so is an archive that unpacks to far more than a model.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import re
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from model_zoo.convert.checkpoints.checkpoint import CheckpointError, few, first_line

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONFIG", "WEIGHTS", "NemoArchive", "read_archive"]

CONFIG = "model_config.yaml"
WEIGHTS = "model_weights.ckpt"

# Bounds: BERT large has 1.3 GB; configurations and vocabularies are far below these.
TEXT_LIMIT = 16 * 2**20
WEIGHTS_LIMIT = 8 * 2**30
MEMBER_LIMIT = 1000
#: Weights hardly compress; zeros compress a thousand times. Small archives may, so there is some room.
RATIO_LIMIT = 100
FREE_SIZE = 64 * 2**20


@dataclass(frozen=True)
class NemoArchive:
    """The members of an archive that are of interest, by the base name that NeMo looks for."""

    path: Path
    texts: dict[str, bytes]

    def artifact(self, value: Any, suffix: str) -> bytes | None:
        """Find what the configuration names, or else the one member with such an ending."""
        if isinstance(value, str) and value:
            name = posixpath.basename(value.removeprefix("nemo:"))
            if name in self.texts:
                return self.texts[name]
            found = [text for member, text in self.texts.items() if _plain(member) == _plain(name)]
            if len(found) == 1:
                return found[0]
        found = [text for member, text in self.texts.items() if member.endswith(suffix)]
        return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    """Drop the hash that NeMo puts before an artifact's name."""
    return re.sub(r"^[0-9a-f]{32}_", "", name)


def read_archive(path: Path, weights_file: Path) -> NemoArchive:
    """Go through the members once; texts into memory, the weights into one file of ours."""
    texts: dict[str, bytes] = {}
    try:
        with _BoundedReader(path) as whole, tarfile.open(fileobj=whole, mode="r:") as archive:
            for count, member in enumerate(archive):
                name = _checked_name(path, member)
                if count >= MEMBER_LIMIT:
                    msg = f"{path}: refused: more than {MEMBER_LIMIT} members."
                    raise CheckpointError(msg)
                stream = archive.extractfile(member)
                if stream is None:  # a folder
                    continue
                if name == WEIGHTS:
                    with weights_file.open("wb") as target:
                        shutil.copyfileobj(stream, target, 1 << 20)
                elif member.size <= TEXT_LIMIT:
                    texts[name] = stream.read(TEXT_LIMIT)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        msg = f"{path}: not a NeMo archive, or damaged: {first_line(error)}. Download it again."
        raise CheckpointError(msg) from error
    missing = [
        name for name, there in ((CONFIG, CONFIG in texts), (WEIGHTS, weights_file.exists())) if not there
    ]
    if missing:
        found = few(sorted(texts)) or "nothing"
        msg = f"{path}: no {' and no '.join(missing)} in it (found: {found}). Not a NeMo model."
        raise CheckpointError(msg)
    return NemoArchive(path, texts)


class _BoundedReader(io.RawIOBase):
    """A file that unpacks to a bounded size, and is never asked for a large part at once.

    tarfile reads long names and extended headers in one go, whatever size they claim.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limit = min(FREE_SIZE + RATIO_LIMIT * path.stat().st_size, 2 * WEIGHTS_LIMIT)
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        self._stream: Any = gzip.open(path) if zipped else path.open("rb")  # noqa: SIM115  closed by close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= TEXT_LIMIT:
            self._refuse(f"a header of {size} bytes")
        if self._stream.tell() + size > self._limit + TEXT_LIMIT:
            self._refuse(f"more than {self._limit} bytes")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset > self._limit:
            self._refuse(f"more than {self._limit} bytes")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _refuse(self, what: str) -> NoReturn:
        msg = f"{self._path}: refused: the archive unpacks to {what}, far more than a model has."
        raise CheckpointError(msg)


def _checked_name(path: Path, member: tarfile.TarInfo) -> str:
    """Return a member's base name; refuse what an archive of a model never holds."""
    name = posixpath.normpath(member.name)
    unsafe = (
        posixpath.isabs(member.name) or name == ".." or name.startswith("../") or "\\" in name or "\0" in name
    )
    if unsafe or member.issparse() or not (member.isreg() or member.isdir()):
        kind = "outside the archive" if unsafe else "a link, device or sparse file"
        msg = f"{path}: refused: member {member.name!r} is {kind}. Get the archive from its publisher."
        raise CheckpointError(msg)
    limit = WEIGHTS_LIMIT if posixpath.basename(name) == WEIGHTS else max(TEXT_LIMIT, FREE_SIZE)
    if member.size > limit:
        msg = f"{path}: refused: member {member.name!r} claims {member.size} bytes, expected at most {limit}."
        raise CheckpointError(msg)
    return posixpath.basename(name)
