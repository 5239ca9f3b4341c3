"""Text encodings: by byte order mark, else UTF-8, else detected, with a note.

Texts of one byte or two a character are told apart by the detector of Firefox, which is made for short texts:
on single words of 33 languages it is right twice as often as charset-normalizer (benchmarks/RESULTS.md). What
browsers do not read (code pages of DOS and old Macs, UTF-16 without a mark) is told here.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

__all__ = ["MARKS", "Guess", "charset_of", "declared_encoding", "decoded", "guess_encoding", "has_mark"]

#: Byte order marks; the first that fits counts.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: Labels that browsers read as a larger encoding than Python does: https://encoding.spec.whatwg.org/#names-and-labels
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
}
#: Labels of https://encoding.spec.whatwg.org that Python does not know, without ``x-`` before them.
_LABELS = {
    **dict.fromkeys(("unicode-1-1-utf-8", "unicode20utf8"), "utf-8"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "csiso88598i", "logical", "visual"), "iso8859-8"),
    **dict.fromkeys(("iso-8859-6-i", "iso-8859-6-e"), "iso8859-6"),
    **dict.fromkeys(("koi", "koi8"), "koi8-r"),
    "koi8-ru": "koi8-u",
    **dict.fromkeys(("mac", "csmacintosh"), "mac-roman"),
    "mac-ukrainian": "mac-cyrillic",
    **dict.fromkeys(("windows-874", "dos-874"), "cp874"),
    **dict.fromkeys(("gb_2312", "gb_2312-80", "csgb2312"), "gb18030"),
    **dict.fromkeys(("cn-big5", "x-big5"), "big5"),
    "windows-31j": "cp932",
    **dict.fromkeys(("windows-949", "ksc_5601", "ks_c_5601-1989", "iso-ir-149", "cseuckr"), "cp949"),
}
#: Encodings with two or more bytes per character.
_WIDE = frozenset(("big5", "big5hkscs", "cp932", "cp949", "euc_jp", "gb18030"))
#: Escape sequences of encodings whose bytes are all ASCII.
_ESCAPES = (
    (re.compile(rb"\x1b\$[@B]|\x1b\$\("), "iso2022_jp"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"~\{(?:[!-w][!-~])+~\}"), "hz"),
)
#: Alternatives to a detected Windows code page: DOS and old Mac encodings.
_OLDER = {"cp1252": ("cp850", "mac_roman"), "cp1250": ("cp852",), "cp1251": ("mac_cyrillic", "cp866")}
#: Detection from fewer bytes than this is uncertain.
_FEW = 8
_ENOUGH = 1 << 15
_NO_TEXT = bytes({*range(32)} - {*b"\t\n\v\f\r\x1a\x1b"})
_INVALID = re.compile("[\udc80-\udcff]")
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")
#: Words up to dashes, apostrophes and ASCII punctuation; and punctuation at their edges.
_WORD = re.compile(r"[^\s\x00-\x40\x5b-\x60\x7b-\x7f\u2013\u2014\u2019«»]+")
_EDGES = "‘‚“”„…•·´¨¸¯§¶°©®™¿¡²³¹€£¤¦¬×÷"
_RARE = frozenset("ªºıƒ")
#: Letters of languages that are taken for their neighbours, as Western Europe has them.
_HUNGARIAN = frozenset("áéíóöõúüû")
_FRENCH = frozenset("àâçèéêëîïôùûüœ")
_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH"))


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding, and a note for the user.

    Attributes
    ----------
    name : str
        Python's name; empty for bytes that are not text.
    note : str
        Why it was chosen, if that is uncertain; else empty.
    fixed : bool
        False if all bytes so far are ASCII, so that the rest may be in any encoding.
    """

    name: str
    note: str = ""
    fixed: bool = True


def charset_of(label: str) -> str | None:
    """Return Python's name for an encoding label as web pages use it, None if unknown.

    Examples
    --------
    >>> charset_of("ISO-8859-1"), charset_of("x-cp1251"), charset_of("Windows-31J"), charset_of("x-none")
    ('cp1252', 'cp1251', 'cp932', None)
    """
    known = label.strip().lower().removeprefix("x-")
    try:
        name = codecs.lookup(_LABELS.get(known, known)).name
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):
        return None
    return _WIDER.get(name, name)


def declared_encoding(label: str, raw: bytes) -> str | None:
    r"""Return the encoding that a label declares for some bytes, None if it cannot be right.

    A declaration of ASCII is ignored where there are bytes beyond it.

    Examples
    --------
    >>> declared_encoding("us-ascii", b"Jose"), declared_encoding("us-ascii", b"Jos\xc3\xa9")
    ('cp1252', None)
    """
    ascii_told = label.strip().lower() in ("ascii", "us-ascii")
    return None if not label or (ascii_told and not raw.isascii()) else charset_of(label)


def has_mark(raw: bytes) -> bool:
    """Return whether a text begins with a byte order mark."""
    return raw.startswith(tuple(MARKS))


def guess_encoding(sample: bytes, *, whole: bool = True) -> Guess:
    r"""Detect the encoding of a text from its bytes.

    Parameters
    ----------
    sample : bytes
        The text or its beginning.
    whole : bool
        Whether the sample is complete; else a character cut off at its end is no error.

    Examples
    --------
    >>> guess_encoding("Zo\u00eb".encode()).name, guess_encoding("Zo\u00eb".encode("utf-16")).name
    ('utf-8', 'utf-16-le')
    >>> guess_encoding("Jos\u00e9".encode("cp1252"))
    Guess(name='cp1252', note='read as cp1252, which is a guess: the bytes are not UTF-8', fixed=True)
    """
    for mark, name in MARKS.items():
        if sample.startswith(mark):
            return Guess(name)
    controls = len(sample) - len(sample.translate(None, _NO_TEXT))
    if controls and (wide := _without_mark(sample, whole)):
        return Guess(wide, f"read as {wide}, which was detected: the file has no byte order mark")
    if b"\0" in sample and 10 * sample.count(0) > len(sample):
        return Guess("")
    if sample.isascii():
        return _escaped(sample, whole)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return _not_utf8(sample, controls, whole)
    return Guess("utf-8")


def _escaped(sample: bytes, whole: bool) -> Guess:
    for pattern, name in _ESCAPES:
        text = decoded(sample, name, whole=whole) if pattern.search(sample) else None
        if text and not text.isascii():
            return Guess(name, f"read as {name}, which was detected by its escapes")
    return Guess("utf-8", fixed=False)


def _without_mark(sample: bytes, whole: bool) -> str | None:
    """Detect UTF-16 and UTF-32 by their content: letters of one script, and no control characters."""
    for name, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        if not (whole and len(sample) % width) and len(sample) >= 8:
            text = decoded(sample[: _ENOUGH - _ENOUGH % width], name, whole=whole and len(sample) <= _ENOUGH)
            if text is not None and _is_text(text):
                return name
    return None


def _is_text(text: str) -> bool:
    scripts: Counter[str] = Counter()
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cn", "Co", "Cs") or (kind == "Cc" and character not in "\t\n\v\f\r\0\x85"):
            return False
        if kind[0] == "L":
            script = unicodedata.name(character, "").partition(" ")[0]
            scripts["CJK" if script in _EAST_ASIAN else script] += 1
    letters = scripts.total()
    if not letters or text.count("\0") > len(text) // 10:
        return False
    (script, most), *_ = scripts.most_common(1)
    # Any two ASCII letters are a Chinese character too; real Chinese has its own or ASCII's punctuation.
    shown = script != "CJK" or any(character in "。、，,. \n" for character in text)
    return shown and 10 * (most + scripts["LATIN"] * (script != "CJK")) >= 9 * letters


def _not_utf8(sample: bytes, controls: int, whole: bool) -> Guess:
    if controls > len(sample) // 20:
        return Guess("")
    text = sample.decode("utf-8", "surrogateescape")
    wrong = len(_INVALID.findall(text))
    right = len(text) - wrong - sum(map(str.isascii, text))
    if right >= 4 * wrong:
        return Guess("utf-8")
    telling = _telling(sample, whole)
    name = _detected(telling)
    # Bytes of a two-byte encoding may happen to be valid UTF-8; those of others hardly ever are.
    wide = name in _WIDE and wrong > 2 and decoded(telling, name, whole=False) is not None
    if 2 * right >= wrong and not wide:
        return Guess("utf-8")
    sure = sum(byte > 0x7F for byte in telling) >= _FEW
    how = "was detected" if sure else "is a guess"
    return Guess(name, f"read as {name}, which {how}: the bytes are not UTF-8")


def _telling(sample: bytes, whole: bool) -> bytes:
    """Return the complete lines that are not ASCII."""
    lines = sample.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines.pop()
    high = [line for line in lines if not line.isascii()]
    return b"".join(high)[:_ENOUGH] or sample[-_ENOUGH:]


def _detected(telling: bytes) -> str:
    from chardetng_py import EncodingDetector

    detector = EncodingDetector()
    detector.feed(telling, last=True)
    name = charset_of(detector.guess(tld=None, allow_utf8=False)) or "cp1252"
    if name in _WIDE and not _NEIGHBOURS.search(telling):
        name = "cp1252"  # an accented letter here and there, and the letter after it
    best, fewest = name, _unnatural(telling.decode(name, "replace"))
    for other in _OLDER.get(name, ()) if fewest else ():
        count = _unnatural(telling.decode(other, "replace"))
        if 2 * count < fewest:
            best, fewest = other, count
    return _by_alphabet(telling, best)


def _by_alphabet(raw: bytes, name: str) -> str:
    """Distinguish Hungarian from Western European, and French from Central European, by their letters."""
    letters = {one for one in raw.decode("latin-1").lower() if one.isalpha() and not one.isascii()}
    if name == "cp1252" and letters <= _HUNGARIAN and letters & set("áéíóú"):
        return "cp1250" if "õ" in letters or {"û", "ö"} <= letters else name
    if name in ("cp1250", "iso8859-2") and letters <= _FRENCH and letters & set("àêî") and len(letters) > 1:
        return "cp1252"
    return name


def _unnatural(text: str) -> int:
    """Count words with symbols inside, misplaced capitals or very rare letters."""
    count = 0
    for word in _WORD.findall(text):
        bare = word.strip(_EDGES)
        if not bare.isascii():
            natural = bare.isalpha() and (bare[1:].islower() or bare[1:].isupper() or len(bare) == 1)
            count += not natural or not _RARE.isdisjoint(bare)
    return count


def decoded(sample: bytes, name: str, *, whole: bool) -> str | None:
    """Decode a text, or its beginning if it is not whole; None if that fails."""
    try:
        return codecs.getincrementaldecoder(name)().decode(sample, final=whole)
    except (UnicodeError, LookupError):
        return None
