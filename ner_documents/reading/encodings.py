"""Which encoding a text is in: said by its first bytes, else UTF-8, else detected and reported."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from ner_documents.document import Problem

__all__ = ["Decoder", "Guess", "as_lines_of_bytes", "byte_problem", "decode", "guess_encoding"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What text that is not Unicode is in, in practice: https://w3techs.com/technologies/overview/character_encoding
_CANDIDATES = """cp1252 cp1251 cp1250 cp1253 cp1254 cp1255 cp1256 cp1257 iso8859_2 koi8_r koi8_u gb18030
big5 cp932 euc_jp iso2022_jp cp949 cp874 cp866 cp850 mac_roman""".split()  # noqa: SIM905 - a list of 21 strings reads worse
_SAMPLE = 1 << 20
_ENOUGH = 1 << 15
#: Fewer bytes than this say nothing to statistics; the most frequent encoding is taken then.
_FEW = 8
_NO_CONTROLS = bytes({*range(256)} - {*range(32)} | {*b"\t\n\v\f\r\x1a\x1b"})
_ASCII_LETTERS = re.compile(rb"[A-Za-z]+")
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
_INSIDE_WORDS = re.compile(
    rb"(?<=[A-Za-z])[\xa1-\xbf](?=[a-z\xc0-\xff])|(?<=[\xc0-\xff])[\xa1-\xbf](?=[a-z])"
)
_HIGH_WORDS = re.compile(rb"(?<![A-Za-z\x80-\xff])[\xa3\xb3\xc0-\xff]+(?![A-Za-z\x80-\xff])")
#: Letters of Windows-1255; those that end words stand nowhere else.
_HEBREW_WORD = re.compile(rb"[\xe0-\xe9\xeb\xec\xee\xf0-\xf2\xf4\xf6-\xfa]*[\xe0-\xfa]")
_ESCAPED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding, and what has to be said about it.

    Attributes
    ----------
    name : str
        Name that Python knows; empty for bytes that are no text.
    note : str
        Why it was taken, where that is not certain; else empty.
    fixed : bool
        False while everything was ASCII, so that the rest may be anything.
    """

    name: str
    note: str = ""
    fixed: bool = True


def guess_encoding(sample: bytes, *, whole: bool = True) -> Guess:
    r"""Tell the encoding of a text by its bytes.

    Parameters
    ----------
    sample : bytes
        The text or its beginning.
    whole : bool
        Whether it is all of it; else a character cut at the end is no mistake.

    Examples
    --------
    >>> guess_encoding("Zo\u00eb".encode()).name, guess_encoding("Zo\u00eb".encode("utf-16")).name
    ('utf-8', 'utf-16')
    >>> guess_encoding("Jos\u00e9".encode("cp1252"))
    Guess(name='cp1252', note='read as cp1252, which is a guess: the bytes are not UTF-8', fixed=True)
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Guess(name)
    if sample.isascii() and b"\0" not in sample:
        return Guess("utf-8", fixed=False)
    if b"\0" in sample and (found := _without_mark(sample)) is not None:
        return Guess(found, f"read as {found}, as half of its bytes are zero" if found else "")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        escaped = sample.decode("utf-8", "surrogateescape")
        wrong = len(_ESCAPED.findall(escaped))
        if 2 * (sum(not character.isascii() for character in escaped) - wrong) >= wrong:
            return Guess("utf-8")
        return _detected(sample)
    return Guess("utf-8")


def _without_mark(sample: bytes) -> str | None:
    """Tell UTF-16 by where its zero bytes are; empty for no text, None for text with some NUL characters."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if max(even, odd) < 2:
        return _text_with_zeros(sample, even + odd)
    if odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return _text_with_zeros(sample, even + odd)


def _text_with_zeros(sample: bytes, zeros: int) -> str | None:
    return "" if zeros > len(sample) // 10 else None


def _detected(sample: bytes) -> Guess:
    from charset_normalizer import from_bytes

    if len(sample.translate(None, _NO_CONTROLS)) > len(sample) // 20:
        return Guess("")
    high = [line for line in sample.splitlines(keepends=True) if not line.isascii()]
    telling = b"".join(high)[:_ENOUGH]
    if shown := _shown_by_letters(telling):
        return Guess(shown, f"read as {shown}, which was detected: the bytes are not UTF-8")
    if sum(byte > 0x7F for byte in telling) >= _FEW:
        best = from_bytes(telling, cp_isolation=_CANDIDATES).best()
        if best is not None:
            return Guess(
                best.encoding, f"read as {best.encoding}, which was detected: the bytes are not UTF-8"
            )
    # Windows' Western code page is the most frequent of them, and maps nearly every byte.
    return Guess("cp1252", "read as cp1252, which is a guess: the bytes are not UTF-8")


def _shown_by_letters(raw: bytes) -> str | None:
    """Tell encodings that statistics of short texts miss, by what only they can show.

    Hebrew has letters that stand at the end of words alone, and no case. KOI8-R swaps the case of the
    Cyrillic letters of Windows. Czech and Polish in ISO 8859-2 have signs inside of words in Windows' pages.
    """
    if _is_latin_2(raw):
        return "iso8859_2"
    words = _HIGH_WORDS.findall(raw)
    if sum(map(len, words)) < _FEW or sum(map(len, words)) < 0.9 * sum(byte > 0x7F for byte in raw):
        return None
    if all(_HEBREW_WORD.fullmatch(word) for word in words):
        return "cp1255"
    natural = [word.decode("koi8_r") for word in words]
    swapped = [word.decode("cp1251") for word in words]
    if all(map(_is_natural, natural)) and sum(map(_is_natural, swapped)) < len(words) / 2:
        return "koi8_r"
    return None


def _is_latin_2(raw: bytes) -> bool:
    high = sum(byte > 0x7F for byte in raw)
    if _WINDOWS_ONLY.search(raw) or sum(map(len, _ASCII_LETTERS.findall(raw))) < 2 * high:
        return False
    inside = set(_INSIDE_WORDS.findall(raw))
    polish = bool(inside & {b"\xb3", b"\xbf"})  # the same in Windows-1250, where B9 and BE are others
    shown = inside & ({b"\xb1", b"\xb6", b"\xbc"} | (set() if polish else {b"\xb9", b"\xbe"}))
    return bool(shown) and all(one.decode("iso8859_2").isalpha() for one in inside)


def _is_natural(word: str) -> bool:
    return word.isalpha() and (word[1:].islower() or word.isupper() or len(word) == 1)


def decode(raw: bytes, source: str, encoding: str | None) -> tuple[str | None, list[Problem]]:
    """Decode a whole text, without its byte order mark.

    Parameters
    ----------
    raw : bytes
    source : str
        For problems.
    encoding : str or None
        None to detect it.

    Returns
    -------
    str or None, list of Problem
        None when it cannot be read. Where the encoding is not given and some bytes are wrong, they stand as
        U+FFFD, and the first is named.
    """
    guess = Guess(encoding) if encoding else guess_encoding(raw[:_SAMPLE], whole=len(raw) <= _SAMPLE)
    if not guess.fixed and not raw.isascii():
        guess = guess_encoding(raw)
    if not guess.name:
        return None, [
            Problem(source, None, "is not a text file: it holds bytes that no text has", raw[:_EXCERPT])
        ]
    notes = (
        [Problem(source, None, f"{guess.note}; --encoding names another", lost=False)] if guess.note else []
    )
    try:
        return _decode_strictly(raw, guess.name), notes
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = byte_problem(raw, guess.name, error)
        if encoding:
            return None, [Problem(source, line, reason, raw[:_EXCERPT])]
        text = raw.decode(guess.name, "replace").removeprefix("\ufeff")
        wrong = text.count("\ufffd")
        more = "it stands" if wrong == 1 else f"{wrong:,} such bytes stand"
        return text, [*notes, Problem(source, line, f"{reason}; {more} as U+FFFD", raw[:_EXCERPT])]
    except UnicodeError as error:
        return None, [Problem(source, None, f"expected {guess.name} text ({error})", raw[:_EXCERPT])]


_EXCERPT = 1 << 12


def _decode_strictly(raw: bytes, encoding: str) -> str:
    # Unlike bytes.decode this does not take any bytes for UTF-16 that has lost its mark.
    return codecs.getincrementaldecoder(encoding)().decode(raw, final=True).removeprefix("\ufeff")


class Decoder:
    """Decodes the lines of one file in the encoding that was given, or that the file shows.

    Parameters
    ----------
    source : str
        For problems.
    guess : Guess
        Of the beginning of the file.
    """

    def __init__(self, source: str, guess: Guess) -> None:
        self.guess = guess
        self._source = source

    def note(self) -> Problem | None:
        """Return what has to be said about the encoding."""
        if not self.guess.note:
            return None
        return Problem(self._source, None, f"{self.guess.note}; --encoding names another", lost=False)

    def __call__(self, raw: bytes, number: int) -> tuple[str | None, list[Problem]]:
        """Decode one line without its end; return it, or None with the reason."""
        notes: list[Problem] = []
        if not self.guess.fixed and not raw.isascii():
            self.guess = guess_encoding(raw)
            if not self.guess.name:
                self.guess = Guess("utf-8")
            note = self.note()
            notes = [note] if note else []
        try:
            return raw.decode(self.guess.name), notes
        except UnicodeDecodeError as error:
            reason = byte_problem(raw, self.guess.name, error)
            return None, [*notes, Problem(self._source, number, reason, raw[:_EXCERPT])]


def byte_problem(raw: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    r"""Say which byte is not text in the expected encoding, and what to do.

    Examples
    --------
    >>> try:
    ...     "Jos\u00e9".encode("latin-1").decode()
    ... except UnicodeDecodeError as error:
    ...     byte_problem(b"Jos\xe9", "utf-8", error)
    'expected utf-8 text, found byte 0xe9 at byte 4; convert the file or give its encoding with --encoding'
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and not encoding.startswith("utf-16"):
        return f"expected {encoding} text, found the byte order mark of UTF-16; convert the file to UTF-8"
    return (
        f"expected {encoding} text, found byte 0x{raw[error.start]:02x} at byte {error.start + 1}; "
        "convert the file or give its encoding with --encoding"
    )


def as_lines_of_bytes(stream: BinaryIO, encoding: str | None) -> tuple[BinaryIO, Guess]:
    """Make a stream whose lines end with the byte LF, and tell its encoding.

    UTF-16 and UTF-32 are read as UTF-8, because LF is no single byte in them; so is a file whose lines end
    with CR alone, as old Macs wrote them.
    """
    sample = stream.peek(_SAMPLE)[:_SAMPLE] if hasattr(stream, "peek") else b""
    guess = Guess(encoding) if encoding else guess_encoding(sample, whole=False)
    plain = "\n".encode(guess.name) == b"\n" if guess.name else True
    carriage = plain and b"\r" in sample and b"\n" not in sample.replace(b"\r\n", b"\r")
    if plain and (not carriage or b"\r\n" in sample):
        return stream, guess
    raw: Any = _Recoded(stream, guess.name if not plain else "", carriage=carriage)
    recoded = io.BufferedReader(raw)
    return cast("BinaryIO", recoded), guess if plain else Guess("utf-8", guess.note)


class _Recoded(io.RawIOBase):
    """Bytes of another stream as UTF-8, or with LF for CR."""

    def __init__(self, stream: BinaryIO, encoding: str, *, carriage: bool) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
        self._carriage = carriage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        size = max(len(buffer) // 4, 1)
        data = b""
        while not data and (raw := self._stream.read(size)):
            data = raw if self._decoder is None else self._decoder.decode(raw).encode()
        if self._carriage:
            data = data.replace(b"\r", b"\n")
        buffer[: len(data)] = data
        return len(data)
