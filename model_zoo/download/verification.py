"""Check downloaded files against model.yml and against what was recorded; nothing is changed."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from model_zoo.catalog import folders
from model_zoo.catalog.zoo import PRECISIONS
from model_zoo.download.lockfile import Lockfile
from model_zoo.download.postprocessing import original
from model_zoo.download.transfer import is_right

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_zoo.catalog.zoo import Model, ModelFile

__all__ = ["verdict", "verify", "wanted_files"]


def wanted_files(model: Model, precisions: Sequence[str] | None) -> list[ModelFile]:
    """Return the files of a model without those of precisions that were not asked for.

    A file belongs to a precision when it lies in a folder of that name, as in Open Model Zoo.
    """
    if precisions is None:
        return list(model.files)
    return [
        file
        for file in model.files
        if not (
            file.name.count("/") == 1
            and (folder := PurePosixPath(file.name).parts[0]) in PRECISIONS
            and folder not in precisions
        )
    ]


def verify(
    model: Model, output_dir: str | Path | None = None, *, precisions: Sequence[str] | None = None
) -> dict[str, str]:
    """Check the files on disk against model.yml and what was recorded; nothing is downloaded or changed.

    Returns
    -------
    dict of str to str
        File to ``right``, ``missing``, ``wrong``, or ``not verifiable`` (no checksum known, none recorded).
    """
    verdicts = {}
    for part in model.stages or [model]:
        folder = folders.model_folder(part, output_dir)
        for file in wanted_files(part, precisions):
            verdicts[f"{part.name}/{file.name}" if model.stages else file.name] = verdict(file, folder)
    return verdicts


def verdict(file: ModelFile, folder: Path) -> str:
    """Say of one file what ``verify`` says."""
    locked = None
    if file.checksum is None and folder.is_dir():
        locked = Lockfile(folder).find(file.name, [str(source) for source in file.sources])
    size, checksum = (locked.size, locked.checksum) if locked else (file.size, file.checksum)
    path = original(folder, file.name)
    if not path.is_file():
        return "missing"
    if not is_right(path, size, checksum):
        return "wrong"
    return "right" if checksum is not None else "not verifiable"
