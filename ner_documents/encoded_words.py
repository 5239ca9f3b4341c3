"""Encoded words in mail headers (RFC 2047), decoded in linear time."""

from __future__ import annotations

import email.header
import re

__all__ = ["LONGEST_HEADER", "LONGEST_PARAMETERS", "decoded_words"]

#: In characters; the standard library takes quadratic time.
LONGEST_HEADER = 16_384
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
    if len(value) <= LONGEST_HEADER:
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
