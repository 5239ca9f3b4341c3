"""Decoding and encoding of text files that restores the same bytes, in any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_documents.reading.detection import MARKS, declared_encoding, guess_encoding
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ner_documents.redaction.segments import Edit

__all__ = ["decode_again", "decode_text", "encodable", "encode_text"]

_MARKS = {f"{name}+mark": mark for mark, name in MARKS.items()}
_MASK = "\u2588"


def decode_text(content: bytes, declared: str = "") -> tuple[str, str, tuple[str, ...]]:
    r"""Decode a text file.

    Parameters
    ----------
    content : bytes
        Content of the file.
    declared : str
        The encoding that the file or its container declares; used if it restores the same bytes.

    Returns
    -------
    str, str, tuple of str
        The text; its encoding, with ``+mark`` if there is a byte order mark; notes for the user.

    Raises
    ------
    FormatError
        If it is not text.

    Examples
    --------
    >>> decode_text(b"Jos\xe9")[:2]
    ('José', 'cp1252')
    """
    for encoding, mark in _MARKS.items():
        if content.startswith(mark):
            return decode_again(content, encoding), encoding, ()
    named = declared_encoding(declared, content) or ""
    if named and _is_lossless(content, named):
        return content.decode(named), named, ()
    guess = guess_encoding(content)
    wide = guess.name.startswith(("utf-16", "utf-32"))
    if not guess.name or (b"\0" in content and not wide):
        msg = "is not a text file: it holds binary data; save it as UTF-8"
        raise FormatError(msg)
    # The same encoding as the readers, if it restores the same bytes.
    if _is_lossless(content, guess.name):
        return content.decode(guess.name), guess.name, (guess.note,) if guess.note else ()
    if guess.name == "utf-8":
        text = content.decode("utf-8", "surrogateescape")
        return text, "utf-8", ("some bytes are not UTF-8; they are kept",)
    if wide or content.isascii():
        msg = f"is in {guess.name} and cannot be written back unchanged; save it as UTF-8"
        raise FormatError(msg)
    # Latin-1 always restores the same bytes.
    return content.decode("latin-1"), "latin-1", ("read as latin-1: the bytes are of no known encoding",)


def _is_lossless(content: bytes, encoding: str) -> bool:
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
    """Encode a text in the encoding that `decode_text` returned.

    Raises
    ------
    FormatError
        If the encoding lacks some of its characters.
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
    """Replace masks by asterisks if the encoding lacks the mask character."""
    name = encoding.partition("+")[0]
    if name.startswith("utf"):
        return list(edits)
    return [
        edit._replace(text=edit.text.replace(_MASK, "*").encode(name, "replace").decode(name))
        for edit in edits
    ]
