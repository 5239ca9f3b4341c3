"""Texts that people give to commands: files in their encoding, and what comes in through a pipe."""

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
    """Read files of any format that documents come in; other suffixes are read as text.

    Parameters
    ----------
    names : list of str
        Paths; ``-`` is standard input, and that and pipes are text.
    options : ReadOptions
        How to read them.
    """
    from ner_documents.document import Document, Problem
    from ner_documents.formats import format_by_name
    from ner_documents.reading import read, read_bounded
    from ner_documents.reading.bounded import UNTRUSTED
    from ner_documents.sources import Source

    for name in names:
        kind, compression = format_by_name(name)
        if name != "-" and (Path(name).is_file() or not Path(name).exists()):
            source = Source(name, kind or "text", compression)
            yield from read_bounded(source, options) if kind in UNTRUSTED else read(source, options)
            continue
        try:
            text = read_text(name, options.encoding or "utf-8", options.limit)
        except (OSError, Failure) as error:
            reason = getattr(error, "strerror", None) or str(error).removeprefix(f"{name}: ")
            yield Problem(name, None, reason)
        else:
            yield Document(name, None, text, {"source": name, "text": text})


def read_text(name: str, encoding: str, limit: int = MAX_DOCUMENT_BYTES) -> str:
    """Read a text whole, without changing its line ends.

    Parameters
    ----------
    name : str
        Path of a file; ``-`` is standard input.
    encoding : str
        Name that Python knows; a byte order mark is not part of the text.
    limit : int
        Most bytes: a device or a command may give them for ever.

    Raises
    ------
    OSError
        If the file cannot be read.
    Failure
        If it is longer, or in another encoding; with the line, where it is known.
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
        # Unlike bytes.decode this does not take any bytes for UTF-16 that has lost its mark.
        return codecs.getincrementaldecoder(encoding)().decode(content, final=True).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        msg = f"{called}:{line}: expected {encoding} text, found {found}; see --encoding"
    except UnicodeError as error:
        msg = f"{called}: expected {encoding} text ({error}); see --encoding"
    raise Failure(msg)
