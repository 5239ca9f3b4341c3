"""Decoding of texts and lines, with a problem for every wrong byte."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO, cast

from ner_documents.document import Hint, Problem
from ner_documents.reading.detection import Guess, declared_encoding, decoded, guess_encoding, has_mark
from ner_documents.reading.packages import OLE
from ner_documents.reading.records import EXCERPT

__all__ = ["as_lines_of_bytes", "byte_problem", "decode", "guessed"]

_SAMPLE = 1 << 20


def decode(
    raw: bytes, source: str, encoding: str | None, declared: str = ""
) -> tuple[str | None, list[Problem]]:
    """Decode a whole text, without its byte order mark.

    Parameters
    ----------
    raw : bytes
    source : str
        For problems.
    encoding : str or None
        None to detect it.
    declared : str
        What the text says of its encoding, which is taken if it can be right.

    Returns
    -------
    str or None, list of Problem
        None if it cannot be read. If the encoding is not given and some bytes are wrong, they become U+FFFD,
        and the first is reported.
    """
    named = declared_encoding(declared, raw) if not (encoding or has_mark(raw)) else None
    if named and decoded(raw, named, whole=True) is not None:
        encoding = named
    guess = Guess(encoding) if encoding else guess_encoding(raw[:_SAMPLE], whole=len(raw) <= _SAMPLE)
    if not guess.fixed and not raw.isascii():
        guess = guess_encoding(raw)
    if not guess.name:
        held = "binary data"
        if raw.startswith(OLE):
            held = "an Office file older than 2007 or a .msg; save it as .docx, .xlsx, .pptx or .eml"
        return None, [Problem(source, None, f"is not a text file: it holds {held}", raw[:EXCERPT])]
    notes = guessed(source, guess)
    try:
        # Unlike bytes.decode, this does not accept arbitrary bytes as UTF-16 without a byte order mark.
        text = codecs.getincrementaldecoder(guess.name)().decode(raw, final=True)
        return text.removeprefix("\ufeff"), notes
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = byte_problem(raw, guess.name, error)
        if encoding:
            return None, [Problem(source, line, reason, raw[:EXCERPT], hint=Hint.ENCODING)]
        text = raw.decode(guess.name, "replace").removeprefix("\ufeff")
        wrong = text.count("\ufffd")
        more = "it is read" if wrong == 1 else f"{wrong:,} such bytes are read"
        reason = f"{reason}; {more} as U+FFFD"
        return text, [*notes, Problem(source, line, reason, raw[:EXCERPT], hint=Hint.ENCODING)]
    except UnicodeError as error:
        return None, [Problem(source, None, f"expected {guess.name} text ({error})", raw[:EXCERPT])]


def guessed(source: str, guess: Guess) -> list[Problem]:
    """Return the note on an encoding, if there is one."""
    return [Problem(source, None, guess.note, lost=False, hint=Hint.OTHER_ENCODING)] if guess.note else []


def byte_problem(raw: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    r"""Return the message for a byte that is invalid in the expected encoding.

    Examples
    --------
    >>> try:
    ...     "Jos\u00e9".encode("latin-1").decode()
    ... except UnicodeDecodeError as error:
    ...     byte_problem(b"Jos\xe9", "utf-8", error)
    'expected utf-8 text, found byte 0xe9 at byte 4'
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and not encoding.startswith("utf-16"):
        return f"expected {encoding} text, found the byte order mark of UTF-16"
    return f"expected {encoding} text, found byte 0x{raw[error.start]:02x} at byte {error.start + 1}"


def as_lines_of_bytes(stream: BinaryIO, encoding: str | None) -> tuple[BinaryIO, Guess]:
    """Return a stream whose lines end with the byte LF, and its encoding.

    UTF-16 and UTF-32 are converted to UTF-8, since LF is not a single byte in them, and a lone CR, the line
    end of old Macs, to LF.
    """
    sample = stream.peek(_SAMPLE)[:_SAMPLE] if hasattr(stream, "peek") else b""
    guess = Guess(encoding) if encoding else guess_encoding(sample, whole=False)
    plain = "\n".encode(guess.name) == b"\n" if guess.name else True
    carriage = plain and b"\r" in sample and b"\n" not in sample.replace(b"\r\n", b"\r")
    if plain and (not carriage or b"\r\n" in sample):
        return stream, guess
    # As Latin-1, every byte stays what it is.
    text = io.TextIOWrapper(stream, "latin-1" if plain else guess.name, "replace", newline=None)
    raw: Any = _Encoded(text, "latin-1" if plain else "utf-8")
    return cast("BinaryIO", io.BufferedReader(raw)), guess if plain else Guess("utf-8", guess.note)


class _Encoded(io.RawIOBase):
    """A text as bytes."""

    def __init__(self, text: io.TextIOBase, encoding: str) -> None:
        self._text, self._encoding = text, encoding

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._text.read(max(len(buffer) // 4, 1)).encode(self._encoding)
        buffer[: len(data)] = data
        return len(data)
