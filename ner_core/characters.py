r"""Characters folded to the forms that models know, with a mapping back to the original text.

Models are trained on plain letters. Ligatures, full-width and styled letters, the long s, curly marks,
no-break spaces, soft hyphens and zero-width joiners are replaced by their plain forms before a text is
encoded, and so are HTML's character references (``&amp;``) and the escapes of JSON and logs (``\n``); marks
of emphasis (``**``, ``<b>``) are left out. Offsets are those of the original text.
Accents, superscript digits, fractions and emoji stay, but an emoji or another sign that touches a word is
separated from it: BERT's tokenizers would make one unknown word of both. A word broken by a hyphen at the end
of a line is rejoined.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np

from ner_core.escapes import LEFT_OUT, REST_OF_LETTER, unescaped

__all__ = ["AFTER_HYPHEN", "LEFT_OUT", "QUOTE_MARKS", "WORD_GOES_ON", "classes", "fold", "rendered", "shown"]

# Compatibility mappings that only change how a character looks:
# https://www.unicode.org/reports/tr44/#Character_Decomposition_Mappings
_LOOKS = ("<compat>", "<font>", "<wide>", "<narrow>", "<noBreak>", "<small>", "<circle>", "<super>",
          "<initial>", "<medial>", "<final>", "<isolated>")  # fmt: skip
_LETTERS_ALONE = ("<circle>", "<super>")

_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
    **dict.fromkeys("\u2010\u2011", "-"),
    "\u200b": " ",  # zero-width space: an invisible word border
    # Invisible: soft hyphen, non-joiner, joiner, word joiner, byte order mark, grapheme joiner.
    **dict.fromkeys("\u00ad\u200c\u200d\u2060\ufeff\u034f", ""),
}
# They decompose to the letters TM and SM, but are no part of the word.
_TRADE_MARKS = "\u2122\u2120"

#: What mail programs put before quoted lines.
QUOTE_MARKS = re.compile(r"^[ \t]*>[> ]*", re.MULTILINE)

#: Washington-based, Iraqi-born, Paris-style: words after a hyphen that are no part of the name before it.
AFTER_HYPHEN = (
    "(?:[a-z]{2,}(?:ed|ing|ian)|born|led|run|made|held|owned|built|bred|grown|style|wide|like|era|friendly|free|"
    "bound|area|only|elect|speaking|type|side)"
)
#: Marks at the end of a line that break a word: a soft hyphen, or what OCR writes for it.
WORD_GOES_ON = ("\u00ad", "\u00ac")
_BROKEN_WORD = re.compile(
    rf"(?:[{''.join(WORD_GOES_ON)}]|(?<=[^\W\d_])-(?=\s[\s>]*[^\W\d_])(?!\s[\s>]*(?:and|or|und|oder)\b))"
    r"(?:\r\n?|\n)[ \t>]*"
)
# The hyphen is part of Jones-Smith, Stratford-upon-Avon and London-based.
_AFTER_OWN_HYPHEN = re.compile(rf"[^\W\d_a-z]|\w+-|{AFTER_HYPHEN}\b")

# In logs: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
_COLOUR = re.compile(r"\x1b\[[\d;]*m")

# A member of an object in JSON, Python, JavaScript or YAML: "name": "Mary Jones", name: 'Mary Jones'
_MEMBER = re.compile(
    r"""
    (?P<before>(?:^|[\[{,])[ \t]*) (?P<quote>["'])? (?P<key>(?(quote)[\w@$][\w@$\ .-]{0,60}|[\w$]{1,60}))
    (?P<between>(?(quote)(?P=quote))\ *:\ *)
    (?: (?P<mark>["']) (?P<value>(?:(?!(?P=mark))[^\\\n] | \\.)*) (?P=mark) (?=\s*(?:[,}\]]|\Z)|[ \t\r]*$)
      | (?(quote)|(?!)) )
    """,
    re.VERBOSE | re.MULTILINE,
)
_KEYED = ('":', "':", '" :', "' :", ':"', ":'", ': "', ": '")
# name="Mary Jones", name = Mary Jones
_ASSIGNED = re.compile(
    r"\b(?P<key>[^\W\d]\w*)(?P<between> ?= ?)(?:(?P<mark>[\"'])(?P<value>[^\"'\n]*)(?P=mark)|(?=[^\W\d_]))"
)
# Tags of HTML whose attributes hold no text, and escapes. In C:\new and \nabla, the letter belongs to a word.
_TAG_ENDS = r"(?:\s+(?:class|style|href|id|target|rel|dir|lang)=(?:\"[^\"<>]*\"|'[^'<>]*'))*\s*/?>"
_TAG = re.compile(rf"</?(?:a|b|code|em|font|i|mark|small|span|strong|su[bp]|u){_TAG_ENDS}")
_LINE_ENDS = re.compile(rf"(?:\\r)?\\n(?![a-z])|</?(?:br|p|div|li|[uo]l|table|tr|h[1-6]){_TAG_ENDS}")
_CELL_ENDS = re.compile(rf"\\t(?![a-z])|</?t[dh]{_TAG_ENDS}")
# Who says the rest of a line in a chat: <mary> hi
_SPEAKER = re.compile(r"^([^<\nA-Za-z]*)<([^\W\d_][\w.-]*)>(?=[ \t]+\S)", re.MULTILINE)
# In Markdown; _anna_ may be the name of a user: https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis
_EMPHASIS = re.compile(
    r"(?<![\w*_~`\\@/])(?P<mark>\*{1,3}|__|~~|`)(?=[^\s*_~`])(?P<inner>(?:(?!(?P=mark)).){1,200}?)"
    r"(?<=[^\s\\])(?P=mark)(?![\w*_~`])"
)
# Signs without which a text is rendered as it is.
_RENDERED = re.compile(r"[&\\<*_~`:=%\u00c2-\u00ef]")
_INVISIBLE = ("\u00ad", LEFT_OUT, REST_OF_LETTER)

# Signs that BERT's tokenizers treat as letters of the adjacent word: emoji, arrows, trade marks.
_SIGNS = ("So", "Sm")
_DEGREE = "\u00b0"
# They number the items of a list. Superscripts and fractions have the same category, but are no signs.
_CIRCLED_NUMBERS = frozenset(
    map(chr, (*range(0x2460, 0x249C), *range(0x24EA, 0x2500), *range(0x2776, 0x2794)))
)
_SIGN_MODIFIERS = "\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff"

_LINE_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029", " "))


@lru_cache(maxsize=65536)
def _folded(character: str) -> str:
    """Return the plain form of a character; the character itself if it is plain."""
    if character in _PLAIN:
        return _PLAIN[character]
    if character in _TRADE_MARKS:
        return character
    look, _, rest = unicodedata.decomposition(character).partition(" ")
    if look not in _LOOKS or not rest:
        return character
    plain = unicodedata.normalize("NFKC", character)
    if look in _LETTERS_ALONE and not plain.isalpha():
        return character
    # Spacing accents would leave a space and a mark.
    return character if plain.startswith(" ") and len(plain) > 1 else plain


def fold(text: str) -> tuple[str, np.ndarray | None]:
    r"""Replace characters by their plain forms, and all white space by spaces.

    Parameters
    ----------
    text : str
        The original text.

    Returns
    -------
    folded : str
        The text for the model.
    origin : ndarray of int64, shape (len(folded) + 1,), or None
        For each character of `folded` the index of its origin in `text`, then the length of `text`; None if
        offsets are the same.

    Examples
    --------
    >>> fold("Gri\ufb03n\u2019s")
    ("Griffin's", array([0, 1, 2, 3, 3, 3, 4, 5, 6, 7]))
    >>> fold("Zoë")
    ('Zoë', None)
    """
    text = _readable(text)
    if ">" in text:
        text = QUOTE_MARKS.sub(lambda match: " " * len(match[0]), text)
    plain = text.translate(_LINE_BREAKS)
    if plain.isascii():
        return plain, None
    changed = {
        character: new
        for character in set(plain)
        if character > "\x7f" and (new := _folded(character)) != character
    }
    table = {ord(character): new for character, new in changed.items()}
    folded = _apart_from_signs(plain.translate(table))
    if all(len(new) == 1 for new in changed.values()):
        return folded, None
    origin = [place for place, character in enumerate(plain) for _ in changed.get(character, character)]
    return folded, np.array([*origin, len(plain)])


def rendered(text: str) -> str:
    r"""Return a text of the same length as a browser or a reader of Markdown shows it.

    Character references, escaped line ends and tags that break lines become the characters that they stand
    for; marks of emphasis and links are left out. Members of objects and assignments become cells with a key.

    Examples
    --------
    >>> rendered(r"&quot;Mary\nBob").replace(LEFT_OUT, "."), rendered("<b>Mary</b>").replace(LEFT_OUT, ".")
    ('....."Mary \nBob', '...Mary....')
    >>> rendered('{"name": "Mary"}').replace(LEFT_OUT, ".")
    '{\tname..: Mary\t}'
    """
    if not _RENDERED.search(text):
        return text
    if any(mark in text for mark in _KEYED):
        text = _MEMBER.sub(_field, text)
    text = unescaped(text)
    if "\\" in text or "</" in text or "<br" in text:
        text = _TAG.sub(lambda found: LEFT_OUT * len(found[0]), text)
        text = _LINE_ENDS.sub(lambda found: "\n".rjust(len(found[0])), text)
        text = _CELL_ENDS.sub(lambda found: "\t".rjust(len(found[0])), text)
    if "<" in text:
        text = _SPEAKER.sub(rf"\1{LEFT_OUT}\2:", text)
    if "=" in text:
        text = _ASSIGNED.sub(_keyed, text)
    if any(mark in text for mark in ("*", "__", "~~", "`")):
        text = _EMPHASIS.sub(lambda found: found["inner"].center(len(found[0]), LEFT_OUT), text)
    return text


def shown(text: str) -> tuple[str, np.ndarray | None]:
    r"""Return a text as rendered, without invisible characters, and the origin of each character as `fold`.

    For tokenizers that fold characters, but keep these.

    Examples
    --------
    >>> shown("Mary"), shown("M&uuml;\u00adn")
    (('Mary', None), ('Mün', array([0, 1, 8, 9])))
    """
    text = rendered(text)
    if not any(character in text for character in _INVISIBLE):
        return text, None
    kept = [place for place, character in enumerate(text) if character not in _INVISIBLE]
    return "".join(map(text.__getitem__, kept)), np.array([*kept, len(text)])


def _field(match: re.Match[str]) -> str:
    before = match["before"]
    return (f"{before}\t" if match["quote"] else f"{before[:-1]}\t"[: len(before)]) + _keyed(match)


def _keyed(match: re.Match[str]) -> str:
    between = match["between"] + (match["mark"] or "")
    colon = (": " if len(between) > 1 else ":").rjust(len(between), LEFT_OUT)
    value = "" if match["value"] is None else f"{match['value']}\t"
    return f"{match['key']}{colon}{value}"


def _readable(text: str) -> str:
    """Blank out the colours of terminals, and rejoin words that a hyphen breaks at the end of a line."""
    text = rendered(text)
    if "\x1b" in text:
        text = _COLOUR.sub(lambda match: " " * len(match[0]), text)
    if text.isascii() and "-\n" not in text and "-\r" not in text:
        return text

    def joined(match: re.Match[str]) -> str:
        keeps = match[0][0] == "-" and _AFTER_OWN_HYPHEN.match(text, match.end())
        return ("-" if keeps else "").ljust(len(match[0]), "\u00ad")

    return _BROKEN_WORD.sub(joined, text)


def _apart_from_signs(text: str) -> str:
    """Replace signs that touch a letter or digit: by a comma between two of them, else by a space."""
    signs = [character for character in set(text) if character > "\x7f" and _is_sign(character)]
    if not signs:
        return text

    def replaced(match: re.Match[str]) -> str:
        before = match.start() > 0 and text[match.start() - 1].isalnum()
        after = match.end() < len(text) and text[match.end()].isalnum()
        if not before and not after:
            return match[0]
        return ("," if before and after else " ").ljust(len(match[0]))

    return re.sub(f"[{''.join(signs)}][{''.join(signs)}{_SIGN_MODIFIERS}]*", replaced, text)


@lru_cache(maxsize=65536)
def _is_sign(character: str) -> bool:
    if character in _CIRCLED_NUMBERS:
        return True
    category = unicodedata.category(character)
    return category in _SIGNS and character != _DEGREE and _folded(character) == character


# In `classes`: combining and invisible characters, and other marks.
_EXTEND = "\x02"
_MARK = "~"

# How the names of letters begin in scripts that do not put spaces between words.
_WITHOUT_SPACES = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "HENTAIGANA", "KATAKANA", "HALFWIDTH KATAKANA",
                   "BOPOMOFO", "VERTICAL KANA", "VERTICAL IDEO", "THAI", "LAO", "MYANMAR", "KHMER", "TAI",
                   "NEW TAI")  # fmt: skip


@lru_cache(maxsize=65536)
def _class(character: str) -> str:
    """Return the ASCII character that stands for the class of a character."""
    plain = _folded(character)
    if len(plain) == 1 and plain < "\x80":
        return plain
    if character == "\u200b":
        return " "
    if character == "\x85":
        return "\n"
    category = unicodedata.category(character)
    if category[0] == "L":
        if unicodedata.name(character, "").startswith(_WITHOUT_SPACES):
            return _MARK
        return "X" if category in ("Lu", "Lt") else "x"
    if category[0] == "M" or category in ("Cc", "Cf", "Cs"):
        return _EXTEND
    if category == "Nl":
        return "X"
    return {"Nd": "0", "Pc": "_", "Zs": " ", "Zl": "\n", "Zp": "\n"}.get(category, _MARK)


def classes(text: str) -> str:
    r"""Map a text to ASCII, one character for each: letters, digits and marks by their class.

    Letters become ``X`` or ``x`` by their case, combining and invisible characters ``\x02``, all other marks
    and the letters of scripts without spaces ``~``. Characters with a plain form in ASCII become that form.

    Examples
    --------
    >>> classes("Zoë’s 東京")
    "Zox's ~~"
    """
    text = _readable(text)
    return text.translate(
        {ord(character): _class(character) for character in set(text) if character > "\x7f"}
    )
