"""Run the steps that model.yml may ask for after a download: unpack an archive, replace text in a file.

As in Open Model Zoo, but repeatable: archives and the originals of changed files are kept (as
``<file>.orig``), and finished steps are recorded in ``.postprocessing.json``. Archives are not trusted: one
with a member that is a link or a device, or that would be written outside the folder, is refused before
anything is written; size and number of members are bounded.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import re
import shutil
from typing import TYPE_CHECKING

from model_zoo.catalog.archives import DAMAGED, ArchiveError, Limits, open_archive
from model_zoo.catalog.checksum import checksum_of
from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.schema import RegexReplace, UnpackArchive
from model_zoo.download.partial import FOLDER, read_note
from ner_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Limits", "PostprocessingError", "forget_original", "is_done", "original", "postprocess", "unpack"]

log = logging.getLogger(__name__)

_RECORD = ".postprocessing.json"
_BLOCK = 1 << 20
_LARGEST_TEXT = 64 << 20  # bytes of a file to replace text in

Step = RegexReplace | UnpackArchive


class PostprocessingError(ZooError, ValueError):
    """A step failed and left nothing behind; the message names file and reason."""


def postprocess(steps: Sequence[Step], folder: Path, *, omz: bool = False) -> None:
    """Run the steps of a model in its folder, in order, from the files as downloaded.

    Parameters
    ----------
    steps : sequence of Step
        Steps from model.yml.
    folder : Path
        The model's folder; nothing outside it is written.
    omz : bool
        Behave like Open Model Zoo's tools: remove archives and record nothing.

    Raises
    ------
    PostprocessingError
        A step failed.
    """
    for file in _changed(folder):  # a repeated step starts from the same content
        if (kept := _kept(folder / file)).is_file():
            kept.replace(folder / file)
    (folder / _RECORD).unlink(missing_ok=True)
    changed: dict[str, str] = {}
    for step in steps:
        path = folder / step.file
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            msg = f"{path}: expected a file in the model's folder for {step.kind}, found none"
            raise PostprocessingError(msg)
        if isinstance(step, UnpackArchive):
            log.info("Unpacking %s", path)
            unpack(path, step.format, path.parent)
            if omz:
                path.unlink()
        else:
            log.info("Replacing text in %s", path)
            _replace(step, path)
            changed[step.file] = ""
    if omz:
        return
    changed = {file: str(checksum_of(folder / file)) for file in changed}
    record = {"steps": _fingerprint(steps), "changed": changed}
    write_whole(folder / _RECORD, json.dumps(record, indent=1))


def is_done(steps: Sequence[Step], folder: Path) -> bool:
    """Return whether these steps ran and the files that they changed are unmodified since."""
    return read_note(folder / _RECORD).get("steps") == _fingerprint(steps) and all(
        (folder / file).is_file() and str(checksum_of(folder / file)) == checksum
        for file, checksum in _changed(folder).items()
    )


def original(folder: Path, name: str) -> Path:
    """Return the path of a file as downloaded: the kept original if a step has changed it."""
    kept = _kept(folder / name)
    return kept if name in _changed(folder) and kept.is_file() else folder / name


def forget_original(folder: Path, name: str) -> None:
    """Delete the kept original of a file that was downloaded again."""
    _kept(folder / name).unlink(missing_ok=True)


def unpack(archive: Path, kind: str, folder: Path, limits: Limits | None = None) -> None:
    """Unpack an archive into a folder, completely or not at all.

    Parameters
    ----------
    archive : Path
        Archive to read; it is kept.
    kind : str
        ``zip``, ``tar``, ``gztar``, ``bztar`` or ``xztar``.
    folder : Path
        Target; files in it are replaced by members of the same name.
    limits : Limits or None
        Bounds; None means the defaults.

    Raises
    ------
    PostprocessingError
        It is damaged, has another format, or is hostile.
    """
    staging = folder / FOLDER / "unpacked"
    shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed
    staging.mkdir(parents=True)
    try:
        members = _extract(archive, kind, staging, limits or Limits())
        for name in members:
            target = folder / name
            if target == archive or not target.parent.resolve().is_relative_to(folder.resolve()):
                msg = f"{archive}: member {name!r} would replace the archive or be written outside {folder}"
                raise PostprocessingError(msg)
        for name in members:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(target)
    except ArchiveError as error:
        raise PostprocessingError(str(error)) from None
    except DAMAGED as error:
        # An error of the system, except EINVAL: the archive names a position before its start.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        msg = f"{archive}: expected a readable {kind} archive, found: {error}"
        raise PostprocessingError(msg) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _extract(archive: Path, kind: str, staging: Path, limits: Limits) -> list[str]:
    names: dict[str, None] = {}
    with open_archive(archive, kind, limits) as members:
        for member in members:
            if member.name.split("/")[0] == FOLDER:
                msg = f"{archive}: member {member.name!r} has a name that is reserved"
                raise PostprocessingError(msg)
            if member.stream is None:
                continue
            target = staging / member.name
            if target.is_dir() or any(parent.is_file() for parent in target.parents):
                msg = f"{archive}: member {member.name!r} is a file and a folder at once"
                raise PostprocessingError(msg)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(member.stream, file, _BLOCK)
            names[member.name] = None
    return list(names)


def _replace(step: RegexReplace, path: Path) -> None:
    if path.stat().st_size > _LARGEST_TEXT:
        msg = (
            f"{path}: expected at most {_LARGEST_TEXT} bytes to replace text in, found {path.stat().st_size}"
        )
        raise PostprocessingError(msg)
    try:
        original = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path}: expected UTF-8 text, found {error}"
        raise PostprocessingError(msg) from None
    # Patterns expect lines as Python reads them, whatever the line ends in the file.
    text = original.replace("\r\n", "\n").replace("\r", "\n")
    replaced, count = re.subn(step.pattern, step.replacement, text, count=step.count)
    if not count or (step.count and count != step.count):
        wanted = f"{step.count} occurrences" if step.count else "an occurrence"
        msg = f"{path}: expected {wanted} of {step.pattern!r}, found {count}"
        raise PostprocessingError(msg)
    kept = _kept(path)
    if not kept.exists():
        write_whole(kept, original)
    write_whole(path, replaced)


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.orig")


def _changed(folder: Path) -> dict[str, str]:
    """Return the files that steps have changed, with their checksums since."""
    changed = read_note(folder / _RECORD).get("changed")
    return changed if isinstance(changed, dict) else {}


def _fingerprint(steps: Sequence[Step]) -> str:
    plain = [step.model_dump(by_alias=True) for step in steps]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
