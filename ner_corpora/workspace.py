"""The work folder of a run, from which an interrupted run resumes.

``OUT.partial/`` contains ``plan.json`` (inputs and settings) and one file per chunk, each written
atomically. At the end the output is assembled from them. The local engine and Ray share this layout, so
either can resume a run of the other. Only files of a run are ever deleted, and only beside its plan.
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
# Temporary files of interrupted writes.
_TEMPORARY = re.compile(r"\.(plan\.json|\d+-\d+\.chunk)\.\d+-\d+\.new")


class Workspace:
    """Chunks of one run, in a local folder or below a URL that fsspec can write.

    Parameters
    ----------
    folder : str
        Created when the first file is written.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder.rstrip("/")
        self._files = filesystem_of(self.folder) if is_url(folder) else None

    def read_plan(self) -> dict[str, Any] | None:
        """Return the plan of the run in this folder, or None if the folder is missing or empty.

        Raises
        ------
        CorpusError
            If the folder contains anything but a run; it is left unchanged.
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
                msg = (
                    f"{self.folder}: contains files that do not belong to a run, such as {shown}; {elsewhere}"
                )
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
        """Delete the run in the folder, if any, and write a new plan.

        Raises
        ------
        CorpusError
            As `read_plan`, before anything is deleted.
        """
        self.remove()
        self._write(_PLAN, json.dumps(plan, indent=1).encode())

    def write(self, key: Key, content: bytes) -> None:
        """Store an annotated chunk atomically; this is idempotent."""
        self._write(_file_name(key), content)

    def keys(self) -> set[Key]:
        """Return the keys of the stored chunks."""
        matches = map(_NAME.fullmatch, self._names())
        return {(int(match[1]), int(match[2])) for match in matches if match}

    def part(self, key: Key) -> Part | None:
        """Return a chunk, or None if it is missing, truncated or damaged."""
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
            If one is missing because the run is not finished.
        """
        for group in range(groups):
            index, last = 0, False
            while not last:
                part = self.part((group, index))
                if part is None:
                    msg = f"{self.folder}: chunk {group}-{index} is missing; continue with --resume"
                    raise CorpusError(msg)
                yield part
                index, last = index + 1, part.header["last"]

    def remove(self) -> None:
        """Delete the files of the run, and the folder if it is empty then.

        The plan is deleted last, so that an interruption leaves a folder that is still recognized.

        Raises
        ------
        CorpusError
            As `read_plan`, before anything is deleted.
        """
        self.read_plan()
        known = [name for name in self._names() if _NAME.fullmatch(name) or _TEMPORARY.fullmatch(name)]
        for name in [*known, _PLAN]:
            self._delete(name)
        if self._files is None:
            with contextlib.suppress(OSError):  # it does not exist, or contains other files
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
            if Path(self.folder, name).is_symlink():  # not ours; writing would replace its target
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
    """Open a file that appears under its name, flushed to disk, when the block ends without an error.

    A URL is written to a temporary local file and uploaded at the end. For a link, the target is replaced.
    """
    if is_url(path):
        filesystem, name = filesystem_of(path)
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with filesystem.open(name, "wb") as target:
                shutil.copyfileobj(file, target)
        return
    with whole_file(Path(path), flush=True) as file:
        yield file
