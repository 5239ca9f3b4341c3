"""The folder where a run keeps what is done, so that it can go on after it was killed.

``OUT.partial/`` holds ``plan.json`` (inputs and settings), and one file a chunk, which appears whole or
not at all. The output file is made of them at the end. Local engine and Ray share this form, so a run that
one began the other can finish. Only files of a run are ever deleted, and only beside the plan of one.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ner_core.files import whole_file
from ner_documents.document import CorpusError
from ner_documents.sources import filesystem_of, is_url
from ner_documents.writing.parts import Part, unsealed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Key", "Workspace", "write_atomically"]

Key = tuple[int, int]

_PLAN = "plan.json"
_PLAN_KEYS = frozenset({"version", "inputs", "reading", "writing", "model", "chunks"})
_NAME = re.compile(r"(\d+)-(\d+)\.chunk")
# What a write that a kill ended leaves behind.
_TEMPORARY = re.compile(r"\.(plan\.json|\d+-\d+\.chunk)\.\d+-\d+\.new")


class Workspace:
    """Chunks of one run, in a local folder or below a URL that fsspec can write.

    Parameters
    ----------
    folder : str
        Made when the first file is written.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder.rstrip("/")
        self._files = filesystem_of(self.folder) if is_url(folder) else None

    def read_plan(self) -> dict[str, Any] | None:
        """Return the plan of the run that this folder belongs to, None for a new or empty folder.

        Raises
        ------
        CorpusError
            If the folder holds anything but a run: its files are somebody's, and are left alone.
        """
        elsewhere = "name another folder with --work-dir"
        if self._files is None and Path(self.folder).exists() and not Path(self.folder).is_dir():
            msg = f"{self.folder}: is not a folder; {elsewhere}"
            raise CorpusError(msg)
        try:
            with self._open(_PLAN) as file:
                plan = json.load(file)
        except FileNotFoundError:
            others = sorted(name for name in self._names() if not _TEMPORARY.fullmatch(name))
            if others:
                shown = ", ".join(others[:3])
                msg = f"{self.folder}: holds files that are not of a run, such as {shown}; {elsewhere}"
                raise CorpusError(msg) from None
            return None
        except (OSError, ValueError, RecursionError) as error:
            msg = f"{self.folder}/{_PLAN}: cannot be read ({error}); {elsewhere}, or delete this one yourself"
            raise CorpusError(msg) from error
        if not isinstance(plan, dict) or not plan.keys() >= _PLAN_KEYS:
            msg = f"{self.folder}/{_PLAN}: is not the plan of a run; {elsewhere}"
            raise CorpusError(msg)
        return plan

    def begin(self, plan: dict[str, Any]) -> None:
        """Delete the run that the folder holds, if it holds one, and write a plan into it.

        Raises
        ------
        CorpusError
            As `read_plan`; nothing is deleted then.
        """
        self.remove()
        self._write(_PLAN, json.dumps(plan, indent=1).encode())

    def write(self, key: Key, content: bytes) -> None:
        """Store one annotated chunk, whole or not at all; storing it again changes nothing."""
        self._write(_file_name(key), content)

    def keys(self) -> set[Key]:
        """List the chunks that are there."""
        matches = map(_NAME.fullmatch, self._names())
        return {(int(match[1]), int(match[2])) for match in matches if match}

    def part(self, key: Key) -> Part | None:
        """Return a chunk; None when it is missing, or was cut or damaged by a crash of the machine."""
        name = _file_name(key)
        if self._files is None and not Path(self.folder, name).is_file():
            return None
        try:
            with self._open(name) as file:
                found = unsealed(file)
        except FileNotFoundError:
            return None
        if found is None or found[0].get("chunk") != list(key):
            return None
        header, begin = found

        def payload() -> IO[bytes]:
            file = self._open(name)
            file.seek(begin)
            return file

        return Part(header, payload)

    def parts(self, groups: int) -> Iterator[Part]:
        """Yield all chunks in order.

        Raises
        ------
        CorpusError
            If one is missing, that is, the run is not finished.
        """
        for group in range(groups):
            index, last = 0, False
            while not last:
                part = self.part((group, index))
                if part is None:
                    msg = f"{self.folder}: chunk {group}-{index} is missing; go on with --resume"
                    raise CorpusError(msg)
                yield part
                index, last = index + 1, part.header["last"]

    def remove(self) -> None:
        """Delete the files of the run, and the folder when nothing else is in it.

        The plan goes last, so that what a kill leaves behind is still known.

        Raises
        ------
        CorpusError
            As `read_plan`; nothing is deleted then.
        """
        self.read_plan()
        known = [name for name in self._names() if _NAME.fullmatch(name) or _TEMPORARY.fullmatch(name)]
        for name in [*known, _PLAN]:
            self._delete(name)
        if self._files is None:
            with contextlib.suppress(OSError):  # there is none, or it holds something else
                Path(self.folder).rmdir()

    def _delete(self, name: str) -> None:
        if self._files is None:
            Path(self.folder, name).unlink(missing_ok=True)
            return
        filesystem, path = self._files
        with contextlib.suppress(FileNotFoundError):
            filesystem.rm_file(f"{path}/{name}")

    def _names(self) -> list[str]:
        if self._files is None:
            folder = Path(self.folder)
            return [file.name for file in folder.iterdir()] if folder.is_dir() else []
        filesystem, path = self._files
        filesystem.invalidate_cache()
        paths = filesystem.ls(path, detail=False) if filesystem.exists(path) else []
        return [path.rsplit("/", 1)[-1] for path in paths]

    def _open(self, name: str) -> IO[bytes]:
        if self._files is None:
            return Path(self.folder, name).open("rb")
        filesystem, path = self._files
        file: IO[bytes] = filesystem.open(f"{path}/{name}", "rb")
        return file

    def _write(self, name: str, content: bytes) -> None:
        if self._files is None:
            Path(self.folder).mkdir(exist_ok=True)
            if Path(self.folder, name).is_symlink():  # never ours; what it leads to is somebody's
                Path(self.folder, name).unlink()
            with write_atomically(str(Path(self.folder, name))) as file:
                file.write(content)
        else:
            filesystem, path = self._files
            filesystem.pipe_file(f"{path}/{name}", content)


def _file_name(key: Key) -> str:
    return f"{key[0]:06d}-{key[1]:06d}.chunk"


@contextlib.contextmanager
def write_atomically(path: str) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name, flushed to the disk, when the block ends without an error.

    A URL is written to a temporary local file first and uploaded at the end. A link is kept, and what it
    leads to replaced.
    """
    if is_url(path):
        filesystem, name = filesystem_of(path)
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with filesystem.open(name, "wb") as target:
                shutil.copyfileobj(file, target)
        return
    if Path(path).exists() and not Path(path).is_file():
        msg = f"{path}: is a folder, a pipe or a device, not a file"
        raise CorpusError(msg)
    with whole_file(Path(path), flush=True) as file:
        yield file
