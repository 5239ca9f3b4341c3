"""Texts converted to the form that a model knows best, before they are encoded.

The rt_info of a model names its conversions. The embedded ``multilingual-ner`` has three: traditional Chinese
characters are read as simplified ones, Serbian and Macedonian in Cyrillic letters as if they were written in
the Latin letters of Serbian, and lines in capitals as lower case. Each character is replaced by one
character, so offsets do not change; entities have the characters of the text.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_HAN = re.compile("[\u3400-\u9fff]")
_KANA = re.compile("[\u3041-\u30ff]")

# Letters of Serbian and Macedonian only, and all Cyrillic letters that both lack.
_SERBIAN = re.compile("[ђѓѕјљњћќџЂЃЅЈЉЊЋЌЏ]")
_NOT_SERBIAN = re.compile("(?![а-ик-шѐђѓѕјљњћќѝџА-ИК-ШЀЂЃЅЈЉЊЋЌЍЏ])[\u0400-\u052f]")
_LATIN = str.maketrans(  # NFKC makes two letters of the last ones
    "абвгдђѓежзѕијклмнопрстћќуфхцчшѐѝАБВГДЂЃЕЖЗЅИЈКЛМНОПРСТЋЌУФХЦЧШЀЍљњџЉЊЏ",
    "abvgdđđežzzijklmnoprstććufhcčšèìABVGDĐĐEŽZZIJKLMNOPRSTĆĆUFHCČŠÈÌǉǌǆǈǋǅ",
)
_BEFORE_CAPITAL = re.compile("[ЉЊЏ](?=[А-ИК-ШЂЃЅЈЉЊЋЌЏ])")
_DIGRAPHS = {"Љ": "Ǉ", "Њ": "Ǌ", "Џ": "Ǆ"}

_LINE = re.compile(r"[^\n\t]+")
_LONG_WORD = re.compile(r"[^\W\d_]{5}")
_NAME_WORDS = 3


def conversions(names: str) -> tuple[Callable[[str], str], ...]:
    """Return the functions of some conversions.

    Parameters
    ----------
    names : str
        ``simplified``, ``romanized`` and ``uncapitalized``, separated by spaces; others are ignored.

    Returns
    -------
    tuple of callable
        Each takes a text and returns one of the same length.

    Examples
    --------
    >>> [convert("Њујорк, 紐約") for convert in conversions("simplified romanized")]
    ['Њујорк, 纽约', 'ǋujork, 紐約']
    """
    known = {"simplified": simplified, "romanized": romanized, "uncapitalized": uncapitalized}
    return tuple(known[name] for name in names.split() if name in known)


def simplified(text: str) -> str:
    """Replace traditional Chinese characters by simplified ones; texts with Japanese letters stay.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Of the same length.

    Examples
    --------
    >>> simplified("馬英九在臺北"), simplified("東京の馬")
    ('马英九在台北', '東京の馬')
    """
    if not _HAN.search(text) or _KANA.search(text):
        return text
    return text.translate(_simple_forms())


def romanized(text: str) -> str:
    """Replace the Cyrillic letters of Serbian and Macedonian by Latin ones of Serbian; other languages stay.

    If the text has letters that both lack, only its lines without them are replaced.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Of the same length: љ, њ and џ become the single characters ǉ, ǌ and ǆ.

    Examples
    --------
    >>> romanized("Бора Станковић"), romanized("Ѓорче од Скопје"), romanized("Борис живёт в Москве")
    ('Bora Stanković', 'Đorče od Skopje', 'Борис живёт в Москве')
    """
    if not _SERBIAN.search(text):
        return text
    if not _NOT_SERBIAN.search(text):
        return _BEFORE_CAPITAL.sub(lambda letter: _DIGRAPHS[letter[0]], text).translate(_LATIN)
    lines = text.splitlines(keepends=True)
    return "".join(map(romanized, lines)) if len(lines) > 1 else text


def uncapitalized(text: str) -> str:
    r"""Replace the capitals of lines and cells without lower case: by lower case, short ones by title case.

    Lines without a word of five letters stay: they may be abbreviations.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Of the same length.

    Examples
    --------
    >>> uncapitalized("MARÍA VIVE EN MADRID\nMARÍA PÉREZ\nUE, OTAN")
    'maría vive en madrid\nMaría Pérez\nUE, OTAN'
    """
    return _LINE.sub(_uncapitalized, text)


def _uncapitalized(line: re.Match[str]) -> str:
    written = line[0]
    if not written.isupper() or not _LONG_WORD.search(written) or _HAN.search(written):
        return written
    # Few words are mostly a name, which models know with capitals at its start.
    plain = written.title() if len(written.split()) <= _NAME_WORDS else written.lower()
    return plain if len(plain) == len(written) else written


@cache
def _simple_forms() -> dict[int, str]:
    lines = files(__package__).joinpath("simplified.txt").read_text("utf-8").splitlines()
    pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
    return {ord(pair[0]): pair[1] for pair in pairs}
