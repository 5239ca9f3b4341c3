"""Where a name begins and ends: without the punctuation around it, with the marks that belong to it.

No rule here lowers F1 on any corpus of ``benchmarks/running_text.py``, see docs/windows.md.
"""

from __future__ import annotations

import re
import unicodedata

from ner_core.characters import AFTER_HYPHEN
from ner_core.forms.companies import LEGAL_FORM
from ner_core.labels import has_letter, is_letter, normalize_label
from ner_core.words import ABBREVIATIONS, ELIDED

__all__ = ["is_article_of", "is_inverted_name", "is_mark", "name_span"]

# Inc., U.S., Martin Luther King Jr.: the full stop belongs to the word before it.
_OWN_STOP = re.compile(rf"(?<![^\W_])(?:(?:[^\W\d_]\.)+|(?:{ABBREVIATIONS})\.)\Z", re.IGNORECASE)
# Yahoo! in the middle of a sentence; at the end of one, only known names keep the mark.
_GOES_ON = re.compile(r"(?:\s+[^\W\d_A-Z]|,|['\u2019]s)")
_MARKED_NAMES = frozenset(
    ("yahoo!", "jeopardy!", "guess?", "wham!", "oklahoma!", "mamma mia!", "e!", "panic!", "joomla!")
)

# 's and, where the model includes them in a name, 'll, 've, 're and 'd.
_POSSESSIVE = re.compile(
    r"['`\u2018\u2019\u201b\u02bc\u2032\u00b4\uff07](?:[s\uff53]|ll|ve|re|d)?\Z", re.IGNORECASE
)
_ATTRIBUTE = re.compile(rf"[-\u2010\u2011][\s>]*{AFTER_HYPHEN}\Z")
# Mary Jones1 and Bob Smith2,3: superscript note numbers that became digits. Bob99 alone may be a user name.
_NOTES = re.compile(r"(?<=[^\W\d_A-Z])\d{1,2}(?:,\d{1,2})*\Z")
# https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1
_LONGEST_ADDRESS = 256

# Closing marks of a quotation or bracket, by the mark that opens it.
_CLOSING = {
    **dict.fromkeys('"\u201c\u201e\u201f', r"[\"\u201c\u201d]"),
    **dict.fromkeys("'`\u2018\u201a\u201b", r"['\u2018\u2019]"),
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "(": r"\)",
    "[": r"\]",
}
_CLOSED = {mark: re.compile(rf"(?<=[\w.!?]){closing}(?!\w)") for mark, closing in _CLOSING.items()}
# An address up to the name: no character that ends an address.
_IN_LINK = re.compile(r"(?:://|\bwww\.)[^\s<>\"'|\\^`{}()\[\],;]*\Z")

_APOSTROPHES = ("'", "\u2019", "\u02bc", "\u00b4", "`")
_ARTICLE = re.compile(ELIDED, re.IGNORECASE)

# What stands before and after an item of a list of names, and another item written like Jones, Mary.
_ITEM_BEGINS = re.compile(
    r"(?:(?:\A|[;:=|/\t\n\u2022]|\s{3}|>,|,(?=\"))\s*|(?:\A|\n)\s*(?:[-*+\u2013\u2014]|\(?\w{1,3}[.)])\s+)\"?\Z"
)
_AFTER_ITEM = r"(?:\s{3}|[;|/\t\n\u2022(<\u2013\u2014\"]|-\s|\.\.|\Z)"
_ITEM_ENDS = re.compile(rf"\.?[^\S\t\n]*(?:\r|{_AFTER_ITEM})")
_MAIL_ADDRESS = re.compile(r"\"?\s*<[^\s<>@]+@[^\s<>]+>")
_LIKE_ITEM = re.compile(
    rf"""
    (?:\A|[;:|/\t\n\u2022]) [^\S\n]* (?:(?:[-*+\u2013\u2014] | \(?\w{{1,3}}[.)])\s+)?
    [^\W\d_a-z][\w'\u2019-]+ ,[ \u00a0] [^\W\d_a-z][\w'\u2019.-]* (?:[ \u00a0][^\W\d_a-z][\w.]*)?
    \.?\s* {_AFTER_ITEM}
    """,
    re.VERBOSE,
)
# Present: Mary, Bob; absent: Anna, Peter - the mark divides groups and not inverted names.
_GROUP = r";\s*[^\W\d_][^\W_]*(?: [^\W_]+){0,2}"
_GROUP_BEGINS, _GROUP_FOLLOWS = re.compile(rf"{_GROUP}\Z"), re.compile(rf"{_GROUP}:")
# More than a surname, and more than a given name and initials.
_FULL_NAME = re.compile(
    r"[^\W\d_a-z][\w'\u2019-]+(?:\s+[^\W\d_a-z][\w'\u2019.-]*)*\s+[^\W\d_a-z][\w'\u2019-]+\Z"
)
_INITIALS = re.compile(r"(?:[^\W\d_a-z]\.[ -]?)+\Z")
# Fields for the name of one person, and those of BibTeX, where "and" divides persons, and of RIS.
_OF_ONE_PERSON = re.compile(
    r"""
    \b(?: name | nom | nombre | nome | naam | navn | namn | imi[eę](?:\ i\ nazwisko)? | ime | meno | имя | фио
      | 姓名 | patient(?:in|e)? | auth?or(?:in)? | auteur | autore | client | kunde | customer | employee
      | applicant | student | tenant )
    \s* [:=]\s*\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OF_AUTHORS = re.compile(r"\b(?i:author|editor)\s*=\s*[{\"][^{}\"]*\Z|(?:\A|\n)(?:AU|A[1-4]|ED) {1,2}- \Z")
_LONGEST_FIELD = 1_000
_OF_SEVERAL = re.compile(
    r"\b(?:names|authors|attendees|participants|members|speakers|guests|contacts|employees|players|cities|companies"
    r"|countries)\s*[:=]\s*\Z",
    re.IGNORECASE,
)
_NEAR = 100

# Bill to: Acme Corp - the label of a field, which models take for a given name; and a word younger than they.
_NO_PERSON = re.compile(
    r"covid(?:-?19)?\b|bill\s+(?:(?:to|from|date|number|no\.?|amount|total|period|address)\s*(?:[:=#\d\n\t|]|\Z)"
    r"|of\s+(?:lading|exchange|materials)\b)",
    re.IGNORECASE,
)

_LONGEST_FORM = 20
_ZERO_WIDTH_JOINER = "\u200d"


def name_span(text: str, start: int, end: int, label: str) -> tuple[int, int]:
    r"""Return the slice of a name without the punctuation around it.

    Parameters
    ----------
    text : str
        The text.
    start, end : int
        The tagged slice.
    label : str
        Its type.

    Returns
    -------
    tuple of int
        Start and end; equal if no letter or digit is left.

    Examples
    --------
    >>> for text in ('"Acme Inc."', "@anna", "Peter's", "Anna?", "Paris-based", "Congo (Kinshasa)", "..."):
    ...     start, end = name_span(text, 0, len(text), "PER")
    ...     print(text[start:end])
    Acme Inc.
    anna
    Peter
    Anna
    Paris
    Congo (Kinshasa)
    <BLANKLINE>
    """
    while start < end and not is_letter(text[start]) and not (text[start] == "_" and _is_user(text, start)):
        start += 1
    closed = _CLOSED[text[start - 1]].search(text, start, end) if text[start - 1 : start] in _CLOSED else None
    if closed is not None:
        end = closed.start()
    kind = normalize_label(label)
    while start < end:
        last = text[end - 1]
        if is_letter(last) or is_mark(last):
            name = text[start:end]
            cut = _POSSESSIVE.search(name) if kind == "PER" else None
            if cut is None and kind == "PER" and len(name.split()) > 1:
                cut = _NOTES.search(name)
            if cut is None and kind != "MISC":
                cut = _ATTRIBUTE.search(name)
            if cut is None or not cut.start():
                break
            end = start + cut.start()
        elif _belongs(text, start, end, last):
            break
        else:
            end -= 1
    if kind != "LOC" and text[start : end + 1].casefold() in _MARKED_NAMES:
        end = min(end + 1, len(text))
    if _in_address(text, start) or not has_letter(text[start:end]):
        return start, start
    if kind == "PER" and _NO_PERSON.match(text, start) is not None:
        return start, start
    return start, _with_legal_form(text, start, end) if kind == "ORG" else end


def is_inverted_name(text: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether two names of a person are one item: ``Jones, Mary; Smith, Peter`` or ``Smith, J.``.

    Examples
    --------
    >>> is_inverted_name("Jones, Mary; Smith, Peter", (0, 5), (7, 11))
    True
    >>> is_inverted_name("Mary Jones, Bob Smith; Tom White", (0, 10), (12, 21))
    False
    >>> is_inverted_name("I met Jones, Mary; others too", (6, 11), (13, 17))
    False
    >>> is_inverted_name("Present: Mary, Bob; absent: Anna, Peter", (9, 13), (15, 18))
    False
    >>> is_inverted_name('"Jones, Mary" <mary@acme.example>', (1, 6), (8, 12))
    True
    >>> is_inverted_name('Rome,"Jones, Mary"', (6, 11), (13, 17))
    True
    >>> is_inverted_name("SMITH, John Q.", (0, 5), (7, 14))
    True
    >>> is_inverted_name("By Jones, M. and others", (3, 8), (10, 12))
    True
    >>> is_inverted_name("Name: Jones, Mary", (6, 11), (13, 17))
    True
    >>> is_inverted_name("author = {Smith, Bob and Jones, Mary},", (25, 30), (32, 36))
    True
    """
    if text[first[1] : second[0]] not in (", ", ",\u00a0"):
        return False
    if _INITIALS.match(text, *second) is not None:
        return True
    surname, given = text[slice(*first)], text[slice(*second)]
    if _FULL_NAME.match(surname) and _FULL_NAME.match(given):
        return False
    start, end = max(first[0] - _NEAR, 0), second[1] + _NEAR
    begins, ends = _ITEM_BEGINS.search(text, start, first[0]), _ITEM_ENDS.match(text, second[1], end)
    if _OF_AUTHORS.search(text, max(first[0] - _LONGEST_FIELD, 0), first[0]) is not None:
        return True
    if begins is not None and _MAIL_ADDRESS.match(text, second[1]) is not None:
        return True
    if begins is None or ends is None:
        return False
    if len(surname) > 1 and surname.isupper() and not given.isupper():  # SMITH, John
        return True
    before, after = text[start : begins.start() + 1], text[ends.end() - 1 : end]
    if before.endswith(":") and (_GROUP_BEGINS.search(before[:-1]) or _GROUP_FOLLOWS.match(after)):
        return False
    if _OF_ONE_PERSON.search(text, start, first[0]) is not None:
        return True
    if ends[0] != ";" and _OF_SEVERAL.search(text, start, first[0]) is not None:
        return False
    if any(mark in begins[0] + ends[0] for mark in (";", "\t", "|", '"', "   ")):
        return True
    return _LIKE_ITEM.search(before) is not None or _LIKE_ITEM.search(after) is not None


def is_article_of(text: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether a name is only the elided article or preposition of the next one.

    Examples
    --------
    >>> is_article_of("d'Artagnan", (0, 1), (2, 10)), is_article_of("Mary'Bob", (0, 4), (5, 8))
    (True, False)
    """
    return text[first[1] : second[0]] in _APOSTROPHES and _ARTICLE.fullmatch(text, *first) is not None


def _with_legal_form(text: str, start: int, end: int) -> int:
    """Return the end of a company's name with the legal form that it ends in or that follows.

    Models know few of the forms outside of English: ``Ostrava Systems s.r.o.``
    """
    forms = LEGAL_FORM.finditer(text, start, end + _LONGEST_FORM)
    return next((form.end() for form in forms if form.start() <= end < form.end()), end)


def _belongs(text: str, start: int, end: int, last: str) -> bool:
    """Return whether the mark at the end of a name is part of it."""
    if last == ".":
        return _OWN_STOP.search(text, start, end) is not None
    if last in "!?":
        return text[start:end].casefold() in _MARKED_NAMES or (
            last == "!" and _GOES_ON.match(text, end) is not None
        )
    if last in ")]":
        return text[start:end].count("(["[last == "]"]) == text[start:end].count(last)
    if last == "_":
        return _is_user(text, start)
    return last in "+#" and text[end - 2].isalnum()


def _in_address(text: str, start: int) -> bool:
    """Return whether a name begins after the @ of an e-mail address, or in the address of a page."""
    earliest = max(start - _LONGEST_ADDRESS, 0)
    likely = text.find("://", earliest, start) >= 0 or text.find("www.", earliest, start) >= 0
    if likely and _IN_LINK.search(text, earliest, start) is not None:
        return True
    at = text.rfind("@", earliest, start)
    return at > 0 and text[at - 1].isalnum() and not any(map(str.isspace, text[at:start]))


def _is_user(text: str, start: int) -> bool:
    """Return whether a user name begins here, in which underscores are letters."""
    return start > 0 and text[start - 1] == "@"


def is_mark(character: str) -> bool:
    """Return whether a character belongs to the one before: a mark, a joiner, a Hangul vowel or final."""
    if character < "\u0300":
        return False
    return (
        unicodedata.category(character)[0] == "M"
        or character == _ZERO_WIDTH_JOINER
        or "\u1160" <= character <= "\u11ff"
    )
