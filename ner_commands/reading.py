"""Texts that people give to commands: files in their encoding, and what comes in through a pipe."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from ner_commands.arguments import Failure

__all__ = ["read_text"]


def read_text(name: str, encoding: str) -> str:
    """Read a text whole, without changing its line ends.

    Parameters
    ----------
    name : str
        Path of a file; ``-`` is standard input.
    encoding : str
        Name that Python knows; a byte order mark is not part of the text.

    Raises
    ------
    OSError
        If the file cannot be read.
    Failure
        If it is in another encoding; with the line, where it is known.
    """
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    called = "standard input" if name == "-" else name
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
