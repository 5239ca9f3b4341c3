"""Divide sources into chunks, the unit of work and of resuming.

The last digits of scores depend on which texts share a batch. To make results reproducible, chunk boundaries
depend on the sources alone, never on the engine, the workers or an interruption, and each chunk is
recognized on its own.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_documents.document import Document, Problem
from ner_documents.reading.bounded import read_safely
from ner_documents.reading.parquet import table_schema
from ner_documents.sources import Meter, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["CHUNK_CHARACTERS", "CHUNK_DOCUMENTS", "Chunk", "Group", "group_sources", "read_chunks"]

CHUNK_DOCUMENTS = 1024
CHUNK_CHARACTERS = 1_000_000

_GROUP_FILES = 1024
_GROUP_BYTES = 8 << 20
# A file that takes longer to read is made to hang the library, or too large for one document.
_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Group:
    """Sources that one reader reads in order: one large file, or many small ones."""

    index: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive documents of one group.

    Attributes
    ----------
    group, index : int
        Position of the chunk, from 0; sorting by them gives the order of the input.
    last : bool
        Whether this is the last chunk of its group.
    items : tuple of Document or Problem
        At most `CHUNK_DOCUMENTS`; only the last one may exceed `CHUNK_CHARACTERS`.
    stored_bytes : int
        Bytes of the stored files that were read for it, for the progress report.
    schema : bytes or None
        Serialized Arrow schema, if the source is a Parquet file.
    """

    group: int
    index: int
    last: bool
    items: tuple[Item, ...]
    stored_bytes: int = 0
    schema: bytes | None = None

    @property
    def documents(self) -> list[Document]:
        """The items that can be annotated."""
        return [item for item in self.items if isinstance(item, Document)]

    @property
    def problems(self) -> list[Problem]:
        """The items that go to the errors file."""
        return [item for item in self.items if isinstance(item, Problem)]

    @property
    def checksum(self) -> int:
        """CRC-32 of everything that was read, to detect inputs that changed before a resume."""
        value = 0
        for item in self.items:
            content = item.reason if isinstance(item, Problem) else f"{item.fields!r}{item.lines!r}"
            value = zlib.crc32(f"{item.where}:{content}".encode("utf-8", "surrogatepass"), value)
        return value


def group_sources(sources: Sequence[Source]) -> list[Group]:
    """Group small files; large files and files of unknown size form their own groups.

    Examples
    --------
    >>> sizes = {"a": 10, "b": 20, "c": 9 << 20, "d": 1}
    >>> files = [Source(name, "text", size=size) for name, size in sizes.items()]
    >>> [[source.path for source in group.sources] for group in group_sources(files)]
    [['a', 'b'], ['c'], ['d']]
    """
    groups: list[list[Source]] = []
    room = -1  # bytes left in the last group
    for source in sources:
        alone = source.size is None or source.format == "parquet"
        size = _GROUP_BYTES + 1 if alone else source.size or 0
        if size > room or len(groups[-1]) == _GROUP_FILES:
            groups.append([])
            room = _GROUP_BYTES
        groups[-1].append(source)
        room -= size
    return [Group(index, tuple(some)) for index, some in enumerate(groups)]


def read_chunks(group: Group, options: ReadOptions) -> Iterator[Chunk]:
    """Read a group as one or more chunks; the last is marked."""
    schema = table_schema(group.sources[0])
    items: list[Item] = []
    characters = index = counted = before = 0
    for source in group.sources:
        meter = Meter()
        for item in read_safely(source, options, seconds=_SECONDS, meter=meter):
            if len(items) == CHUNK_DOCUMENTS or characters >= CHUNK_CHARACTERS:
                read = before + meter.bytes
                yield Chunk(group.index, index, False, tuple(items), read - counted, schema)
                items, characters, index, counted = [], 0, index + 1, read
            items.append(item)
            characters += item.characters if isinstance(item, Document) else len(item.raw)
        before += meter.bytes
    yield Chunk(group.index, index, True, tuple(items), before - counted, schema)
