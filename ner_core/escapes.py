r"""Characters written with other characters: ``&amp;``, ``\u00e9``, ``%C3%A9``, ``=C3=A9`` and ``Ã©``.

Each is read in the place of the first or last of its characters; fillers without width stand for the others,
so offsets do not change.
"""

from __future__ import annotations

import html
import re

__all__ = ["LEFT_OUT", "REST_OF_LETTER", "unescaped"]

#: Stands for each character that is left out: a word joiner, which has no width.
LEFT_OUT = "\u2060"
#: Stands after a letter or "&" for the rest of its reference: a mark, which belongs to the letter.
REST_OF_LETTER = "\u034f"

# https://html.spec.whatwg.org/multipage/syntax.html#character-references, and those of JSON to one character
_REFERENCE = re.compile(
    r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,30});|\\u(?![dD][89a-fA-F])[\da-fA-F]{4}"
)


def _utf8(byte: str, two: str, three: str, later: str) -> str:
    """Return the pattern of a character of two or three bytes, by those of its first and later bytes."""
    return f"{byte}{two}{byte}{later}|{byte}{three}(?:{byte}{later}){{2}}"


# The bytes of UTF-8 in addresses; %20 alone is a space. The addresses of pages stay.
_PERCENT = re.compile(
    rf"(?:://|\bwww\.)\S*|%20|{_utf8('%', '[CDcd][0-9A-Fa-f]', '[Ee][0-9A-Fa-f]', '[89ABab][0-9A-Fa-f]')}"
)
# In the source of a mail, and its line ends: https://www.rfc-editor.org/rfc/rfc2045#section-6.7
_QUOTED = re.compile(_utf8("=", "[CD][0-9A-F]", "E[0-9A-F]", "[89AB][0-9A-F]"))
_QUOTED_END = re.compile(r"=(?:\r?\n|20(?=\r?\n))")
# Read as Latin-1 or Windows-1252.
_BYTES = {
    bytes([byte]).decode(encoding, "replace"): byte
    for encoding in ("cp1252", "latin-1")
    for byte in range(0x80, 0x100)
}
_LATER = "[{}]".format("".join(sign for sign, byte in _BYTES.items() if byte < 0xC0 and sign != "\ufffd"))
_MISREAD = re.compile(_utf8("", "[\u00c2-\u00df]", "[\u00e0-\u00ef]", _LATER))
# Only where a line has no other characters beyond ASCII.
_MISREAD_LINE = re.compile(rf"^(?:[\t -~]*(?:{_MISREAD.pattern}))+[\t -~]*\r?$", re.MULTILINE)


def unescaped(text: str) -> str:
    r"""Replace references, escapes and bytes by the characters that they stand for.

    Examples
    --------
    >>> for text in ("AT&amp;T", r"Jos\u00e9", "S%C3%A3o%20Paulo", "Z=C3=BCrich", "ZÃ¼rich", "«CAFÉ»"):
    ...     print(unescaped(text).replace(LEFT_OUT, "").replace(REST_OF_LETTER, ""))
    AT&T
    José
    São Paulo
    Zürich
    Zürich
    «CAFÉ»
    """
    if not text.isascii():
        text = _MISREAD_LINE.sub(lambda line: _MISREAD.sub(_of_bytes, line[0]), text)
    text = _REFERENCE.sub(_referred, text)
    if "%" in text:
        text = _PERCENT.sub(_of_bytes, text)
    if "=" in text and _QUOTED.search(text):
        text = _QUOTED.sub(_of_bytes, text)
        text = _QUOTED_END.sub(lambda found: LEFT_OUT * len(found[0]), text)
    return text


def _referred(match: re.Match[str]) -> str:
    character = html.unescape(match[0])
    if match[0][0] == "\\":
        character = bytes.fromhex(match[0][2:]).decode("utf-16-be")
    return _in_place(character, match[0])


def _of_bytes(match: re.Match[str]) -> str:
    written = match[0]
    if written[0] in "%=":
        encoded = bytes.fromhex(re.sub("[%=]", "", written))
    elif written[0] in _BYTES:
        encoded = bytes(map(_BYTES.__getitem__, written))
    else:
        return written  # the address of a page
    return _in_place(encoded.decode("utf-8", "ignore"), written)


def _in_place(character: str, written: str) -> str:
    """Return a character in the width of what it was written with."""
    if len(character) != 1:
        return written
    if character.isalpha() or character == "&":
        return character.ljust(len(written), REST_OF_LETTER)
    return character.rjust(len(written), LEFT_OUT)
