"""Bytes to text and back to the same bytes, in whatever encoding a text file is."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from ner_documents.reading.detection import declared_encoding, guess_encoding
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ner_documents.redaction.segments import Edit

__all__ = ["decode_again", "decode_text", "encodable", "encode_text"]

_MARKS = {
    "utf-8+mark": codecs.BOM_UTF8,
    "utf-32-le+mark": codecs.BOM_UTF32_LE,
    "utf-32-be+mark": codecs.BOM_UTF32_BE,
    "utf-16-le+mark": codecs.BOM_UTF16_LE,
    "utf-16-be+mark": codecs.BOM_UTF16_BE,
}
_MASK = "\u2588"


def decode_text(content: bytes, told: str = "") -> tuple[str, str, tuple[str, ...]]:
    r"""Decode a text file.

    Parameters
    ----------
    content : bytes
        What is in the file.
    told : str
        The encoding that the file, or what it came in, names; taken where it gives the same bytes back.

    Returns
    -------
    str, str, tuple of str
        The text; its encoding, with ``+mark`` where there is a byte order mark; what has to be said about it.

    Raises
    ------
    FormatError
        If it is no text.

    Examples
    --------
    >>> decode_text(b"Jos\xe9")[:2]
    ('José', 'cp1252')
    """
    for encoding, mark in _MARKS.items():
        if content.startswith(mark):
            return decode_again(content, encoding), encoding, ()
    named = declared_encoding(told, content) or ""
    if named and _gives_back(content, named):
        return content.decode(named), named, ()
    guess = guess_encoding(content)
    wide = guess.name.startswith(("utf-16", "utf-32"))
    if not guess.name or (b"\0" in content and not wide):
        msg = "is not a text file: it holds binary data; save it as UTF-8"
        raise FormatError(msg)
    # The encoding that the readers take, where it gives the same bytes back.
    if _gives_back(content, guess.name):
        return content.decode(guess.name), guess.name, (guess.note,) if guess.note else ()
    if guess.name == "utf-8":
        text = content.decode("utf-8", "surrogateescape")
        return text, "utf-8", ("some bytes are not UTF-8; they stay as they are",)
    if wide or content.isascii():
        msg = f"is in {guess.name}, and writing it again gives other bytes; save it as UTF-8"
        raise FormatError(msg)
    # Latin-1 always gives the same bytes back.
    return content.decode("latin-1"), "latin-1", ("read as latin-1: the bytes are of no known encoding",)


def _gives_back(content: bytes, encoding: str) -> bool:
    try:
        return content.decode(encoding).encode(encoding) == content
    except UnicodeError:
        return False


def decode_again(content: bytes, encoding: str) -> str:
    """Decode what `encode_text` wrote."""
    name = encoding.partition("+")[0]
    try:
        return content[len(_MARKS.get(encoding, b"")) :].decode(name, _errors(name))
    except UnicodeError as error:
        msg = f"is not {name} text ({error})"
        raise FormatError(msg) from None


def encode_text(text: str, encoding: str) -> bytes:
    """Encode a text as `decode_text` found it.

    Raises
    ------
    FormatError
        If it has characters that the encoding does not have.
    """
    name = encoding.partition("+")[0]
    try:
        return _MARKS.get(encoding, b"") + text.encode(name, _errors(name))
    except UnicodeEncodeError as error:
        msg = f"is in {name}, which has no {text[error.start]!r}; save it as UTF-8"
        raise FormatError(msg) from None


def _errors(name: str) -> str:
    return "surrogateescape" if name == "utf-8" else "strict"


def encodable(edits: Iterable[Edit], encoding: str) -> list[Edit]:
    """Write placeholders with characters that an encoding has: masks as asterisks."""
    name = encoding.partition("+")[0]
    if name.startswith("utf"):
        return list(edits)
    return [
        edit._replace(text=edit.text.replace(_MASK, "*").encode(name, "replace").decode(name))
        for edit in edits
    ]
