r"""Characters written with other characters: ``&amp;``, ``\u00e9``, ``%C3%A9``, ``=C3=A9`` and ``Ã©``.

Each is read in the place of the first or last of its characters; fillers without width stand for the others,
so offsets do not change.
"""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

__all__ = ["LEFT_OUT", "REST_OF_LETTER", "unescaped"]

#: Stands for each character that is left out: a word joiner, which has no width.
LEFT_OUT = "\u2060"
#: Stands after a letter or "&" for the rest of its reference: a mark, which belongs to the letter.
REST_OF_LETTER = "\u034f"

# https://html.spec.whatwg.org/multipage/syntax.html#character-references, and those of JSON to one character;
# the bytes of UTF-8 in percents, %20 alone as well, but not in the address of a page.
_ESCAPE = re.compile(
    r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,30});|\\u(?![dD][89a-fA-F])[\da-fA-F]{4}"
    r"|%(?:20|[cdCD][\da-fA-F]%[\da-fA-F]{2}|[eE][\da-fA-F](?:%[\da-fA-F]{2}){2})|://[^\s&\\\"<>]*"
)
# The same bytes in the source of a mail, and its line ends: https://www.rfc-editor.org/rfc/rfc2045#section-6.7
_QUOTED = re.compile(r"=[CD][\dA-F]=[89AB][\dA-F]|=E[\dA-F](?:=[89AB][\dA-F]){2}")
_QUOTED_END = re.compile(r"=(?:\r?\n|20(?=\r?\n))")
# Read as Latin-1 or Windows-1252.
_BYTES = {
    bytes([byte]).decode(encoding, "replace"): byte
    for encoding in ("cp1252", "latin-1")
    for byte in range(0x80, 0x100)
}
_LATER = "[{}]".format("".join(sign for sign, byte in _BYTES.items() if byte < 0xC0 and sign != "\ufffd"))
_MISREAD = re.compile(f"[\u00c2-\u00ef](?:(?<![\u00e0-\u00ef]){_LATER}|(?<=[\u00e0-\u00ef]){_LATER}{{2}})")
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
    if not text.isascii() and _MISREAD.search(text):
        text = _MISREAD_LINE.sub(lambda line: _MISREAD.sub(_character, line[0]), text)
    text = _ESCAPE.sub(_character, text)
    if "=" in text and _QUOTED.search(text):
        text = _QUOTED.sub(_character, text)
        text = _QUOTED_END.sub(lambda found: LEFT_OUT * len(found[0]), text)
    return text


def _character(match: re.Match[str]) -> str:
    """Return a character in the width of what it was written with."""
    written = match[0]
    if written[0] in _BYTES:
        character = bytes(map(_BYTES.__getitem__, written)).decode("utf-8", "ignore")
    elif written[0] in "%=":
        character = unquote(written.replace("=", "%"), errors="ignore")
    else:
        character = html.unescape(re.sub(r"\\u(.*)", r"&#x\1;", written))
    if len(character) != 1:  # as the address of a page
        return written
    if character.isalpha() or character == "&":
        return character.ljust(len(written), REST_OF_LETTER)
    return character.rjust(len(written), LEFT_OUT)
