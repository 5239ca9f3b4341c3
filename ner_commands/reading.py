"""Reading the files and standard input that are given to commands."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ner_commands.arguments import Failure
from ner_documents.document import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.document import Document, Problem
    from ner_documents.reading import ReadOptions

__all__ = ["read_files", "read_text"]


def read_files(names: list[str], options: ReadOptions) -> Iterator[Document | Problem]:
    """Read files of all document formats; unknown suffixes are read as text.

    Parameters
    ----------
    names : list of str
        Paths; ``-`` is standard input, which is read as text, like pipes.
    options : ReadOptions
        How to read them.
    """
    from ner_documents.document import Problem
    from ner_documents.formats import format_by_name
    from ner_documents.reading import read, read_bounded
    from ner_documents.reading.bounded import UNTRUSTED
    from ner_documents.sources import Source

    for name in names:
        kind, compression = format_by_name(name)
        source = Source(name, kind or "text", compression)
        if name != "-" and Path(name).exists() and not Path(name).is_file():  # a pipe or device
            try:
                with Path(name).open("rb") as stream:
                    source = Source(name, "text", content=stream.read(options.limit + 1))
            except OSError as error:
                yield Problem(name, None, error.strerror or str(error))
                continue
        yield from read_bounded(source, options) if source.format in UNTRUSTED else read(source, options)


def read_text(name: str, encoding: str, limit: int = MAX_DOCUMENT_BYTES) -> str:
    """Read a whole text, keeping its line ends.

    Parameters
    ----------
    name : str
        Path of a file; ``-`` is standard input.
    encoding : str
        Python's name of it; a byte order mark is removed.
    limit : int
        Maximum number of bytes, since a device or command may never end.

    Raises
    ------
    OSError
        If the file cannot be read.
    Failure
        If it is longer, or in another encoding; with the line where possible.
    """
    called = "standard input" if name == "-" else name
    if name == "-":
        content = sys.stdin.buffer.read(limit + 1)
    else:
        with Path(name).open("rb") as stream:
            content = stream.read(limit + 1)
    if len(content) > limit:
        msg = f"{called}: longer than the limit of {limit:,} bytes; split it, or use 'ner annotate'"
        raise Failure(msg)
    try:
        # Unlike bytes.decode, this rejects UTF-16 without a byte order mark.
        return codecs.getincrementaldecoder(encoding)().decode(content, final=True).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        msg = f"{called}:{line}: expected {encoding} text, found {found}; see --encoding"
    except UnicodeError as error:
        msg = f"{called}: expected {encoding} text ({error}); see --encoding"
    raise Failure(msg)
