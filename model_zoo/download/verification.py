"""Check downloaded files against model.yml and the recorded hashes, without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_zoo.catalog import folders
from model_zoo.download.lockfile import Lockfile
from model_zoo.download.postprocessing import original
from model_zoo.download.reporting import readable_size
from model_zoo.download.transfer import is_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from model_zoo.catalog.schema import Model, ModelFile

__all__ = ["plan", "verify"]


def verify(
    model: Model, output_dir: str | Path | None = None, *, precisions: Sequence[str] | None = None
) -> dict[str, str]:
    """Check the files on disk against model.yml and the recorded hashes.

    Returns
    -------
    dict of str to str
        File to ``right``, ``missing``, ``wrong``, or ``not verifiable`` (no checksum known, none recorded).
    """
    verdicts = {}
    for part in model.stages or [model]:
        folder = folders.model_folder(part, output_dir)
        for file in part.wanted_files(precisions):
            verdicts[f"{part.name}/{file.name}" if model.stages else file.name] = _verdict(file, folder)
    return verdicts


def plan(
    model: Model, output_dir: str | Path | None = None, precisions: Sequence[str] | None = None
) -> Iterator[str]:
    """Yield lines that say what a download would do: folder, files, and their sources."""
    for part in model.stages or [model]:
        folder = folders.model_folder(part, output_dir)
        yield f"{part.name} to {folder}"
        for file in part.wanted_files(precisions):
            if _verdict(file, folder) in ("right", "not verifiable"):
                yield f"  {file.name}: already there"
                continue
            yield f"  {file.name}: {readable_size(file.size)} from {file.sources[0]}"
            yield from (f"    else from {source}" for source in file.sources[1:])


def _verdict(file: ModelFile, folder: Path) -> str:
    """Return the verdict of `verify` on one file."""
    expected = Lockfile(folder).find(file) or file
    path = original(folder, file.name)
    if not path.is_file():
        return "missing"
    if not is_right(path, expected.size, expected.checksum):
        return "wrong"
    return "right" if expected.checksum is not None else "not verifiable"
