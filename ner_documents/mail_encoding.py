"""Decoding of mail (RFC 2045-2047, 2231) in linear time: headers, names of files and bodies.

Messages are parsed as Latin-1, in which each character is a byte of the file.
"""

from __future__ import annotations

import email.header
import email.utils
import re
from email.errors import InvalidBase64LengthDefect
from typing import TYPE_CHECKING

from ner_documents.reading.detection import guess_encoding
from ner_documents.reading.html import declared_in_page

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["LONGEST_PARAMETERS", "body_of", "charset_told", "decoded_words", "file_name", "header_text"]

#: In characters; the standard library takes quadratic time.
_LONGEST_HEADER = 16_384
#: The same for a header that describes a part, and is parsed repeatedly.
LONGEST_PARAMETERS = 4_096

_PIECE = 2_000
_FIRST = re.compile(r"=\?[^?\s]+\?[bq]\?", re.IGNORECASE)


def decoded_words(value: str) -> str:
    """Decode a header's value.

    Parameters
    ----------
    value : str
        One line, ASCII or with unencoded characters.

    Raises
    ------
    ValueError, LookupError
        For an unknown encoding, or invalid bytes.

    Examples
    --------
    >>> decoded_words("=?utf-8?q?Zo=C3=AB?= =?utf-8?q?_Li?= sings")
    'Zoë Li sings'
    >>> len(decoded_words("=?utf-8?q?a?= " * 10_000 + "end"))
    10004
    """
    if len(value) <= _LONGEST_HEADER:
        return _decoded(value)
    parts: list[str] = []
    start = 0
    while start < len(value):
        # Split at white space, which is ignored between two encoded words.
        most = min(start + 10 * _PIECE, len(value))
        space = value.find(" ", start + _PIECE, most)
        end = most if space < 0 else space
        joined = space < 0 or (value.endswith("?=", start, end) and _FIRST.match(value, end + 1))
        parts += [_decoded(value[start:end]), "" if joined else " "]
        start = end + (space >= 0)
    return "".join(parts)


def _decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


def header_text(value: str) -> str:
    r"""Return the text of a header, on one line, also where nobody encoded its letters.

    Examples
    --------
    >>> header_text("=?utf-8?q?Zo=C3=AB?=\r\n\tJones"), header_text("Jos\xe9")
    ('Zoë Jones', 'José')
    """
    line = re.sub("[ \t\r\n]+", " ", value).strip(" ")
    if not line.isascii():
        stored = line.encode("latin-1")
        line = stored.decode(guess_encoding(stored).name or "cp1252", "replace")
    try:
        return decoded_words(line)
    except (ValueError, LookupError):
        return line


def file_name(part: Message) -> str:
    """Return the name of an attached file, empty if there is none."""
    for header, key in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.get_param(key, "", header)
        if isinstance(value, tuple):  # RFC 2231: charset, language, text
            try:
                return email.utils.collapse_rfc2231_value(value).strip()
            except ValueError:
                return value[2]
        if value:
            return header_text(value)
    return ""


def body_of(part: Message) -> tuple[bytes, bool]:
    """Return the content of a part without its transfer encoding, and whether it is whole."""
    content = part.get_payload(decode=True)
    whole = not any(isinstance(one, InvalidBase64LengthDefect) for one in part.defects)
    if not whole:  # the standard library returns such a text undecoded
        part.set_payload(str(part.get_payload()).rstrip()[:-1])
        content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b"", whole


def charset_told(part: Message, content: bytes) -> str:
    """Return the encoding that a part declares, or else the web page in it; empty if neither does."""
    page = part.get_content_type() == "text/html"
    return str(part.get_content_charset() or "") or (declared_in_page(content) if page else "")
