"""Zip archives: each member is read by the reader of its format."""

from __future__ import annotations

import io
import zipfile
from typing import IO, TYPE_CHECKING

from ner_documents.document import Problem
from ner_documents.formats import format_by_name
from ner_documents.reading.packages import UnreadableError, check_archive
from ner_documents.reading.records import too_long
from ner_documents.reading.registry import read
from ner_documents.sources import Source, is_url, open_binary, open_stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions
    from ner_documents.sources import Meter

__all__ = ["read_zip"]

_UNPACKED = 2_000_000_000
_NESTED = 3


def read_zip(source: Source, options: ReadOptions, meter: Meter) -> Iterator[Item]:
    """Read the members in order; an unreadable one does not stop the others."""
    if source.path.lower().count(".zip/") >= _NESTED:
        yield Problem(source.path, None, f"archives are nested more than {_NESTED} deep")
        return
    if source.compression is None and source.path != "-" and not is_url(source.path):
        with open_stored(source) as stream:
            yield from _members(stream, source.path, options)
        meter.bytes = source.size or 0
        return
    with open_binary(source, meter) as stream:
        raw = stream.read(options.limit + 1)
    if len(raw) > options.limit:
        yield too_long(source.path, None, options.limit)
        return
    yield from _members(io.BytesIO(raw), source.path, options)


def _members(stream: IO[bytes], path: str, options: ReadOptions) -> Iterator[Item]:
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        yield Problem(path, None, f"the archive is damaged ({error})")
        return
    check_archive(archive, _UNPACKED)
    with archive:
        if all(member.is_dir() for member in archive.infolist()):
            yield Problem(path, None, "the archive holds no files")
        for member in archive.infolist():
            name = member.filename
            if member.is_dir() or name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith("."):
                continue
            called = f"{path}/{name}"
            kind, compression = format_by_name(name)
            if kind is None:
                yield Problem(called, None, "files of this type are not read", lost=False)
                continue
            try:
                with archive.open(member) as file:
                    content = file.read(options.limit + 1)
            except Exception as error:  # noqa: BLE001 - a wrong password, a damaged member, an unknown method
                yield Problem(called, None, str(UnreadableError.because(error)))
                continue
            if len(content) > options.limit:
                yield too_long(called, None, options.limit)
                continue
            yield from read(Source(called, kind, compression, len(content), content=content), options)
