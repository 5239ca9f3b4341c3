"""Decoding and encoding of mail headers (RFC 5322, 2047)."""

from __future__ import annotations

import email.header
import email.utils
import re
from typing import TYPE_CHECKING

from ner_documents.encoded_words import decoded_words
from ner_documents.redaction.encoding import decode_text

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["file_name", "folded_value", "parameters", "people", "unfolded"]

_PERSON = re.compile(r'"((?:[^"\\]|\\.)*)"|<([^<>]*)>|\(([^()]*)\)|([^",;:<>()]+)')
_ADDRESS = 2


def unfolded(value: str) -> str:
    """Return the decoded value of a header."""
    plain = re.sub(r"\r?\n(?=[ \t])", "", value).strip()
    if not plain.isascii():
        plain = decode_text(plain.encode("latin-1"))[0]
    try:
        return decoded_words(plain)
    except (ValueError, LookupError):  # an unknown encoding, or invalid bytes
        return plain


def folded_value(text: str, line: str) -> str:
    """Encode the value of a header, folded into lines that end with `line`."""
    text = " ".join(text.split())
    charset = "us-ascii" if text.isascii() else "utf-8"
    folded = email.header.Header(text, charset, maxlinelen=76, header_name="Subject").encode()
    return folded.replace("\n", line)


def people(text: str) -> list[tuple[int, int, str]]:
    """Find the names and addresses in an address list.

    Examples
    --------
    >>> text = '"Jones, Mary" <mary@acme.example>, bob@acme.example (Bob), Ann Lee <ann>'
    >>> [(text[start:end], label) for start, end, label in people(text)][:3]
    [('Jones, Mary', 'PER'), ('mary@acme.example', 'EMAIL'), ('bob@acme.example', 'EMAIL')]
    """
    found = []
    for match in _PERSON.finditer(text):
        value = match[match.lastindex or 0]
        start = match.start(match.lastindex or 0) + len(value) - len(value.lstrip())
        if value.strip():
            label = "EMAIL" if match.lastindex == _ADDRESS or "@" in value else "PER"
            found.append((start, start + len(value.strip()), label))
    return found


def file_name(parsed: Message) -> str:
    """Return the name of an attached file, empty if there is none."""
    for header, key in (("content-disposition", "filename"), ("content-type", "name")):
        value = parsed.get_param(key, "", header)
        if isinstance(value, tuple):  # RFC 2231: charset, language, text
            try:
                return email.utils.collapse_rfc2231_value(value).strip()
            except ValueError:
                return value[2]
        if value:
            return unfolded(value)
    return ""


def parameters(parsed: Message, header: str) -> list[tuple[str, str]]:
    """Return the parameters of a header such as Content-Type."""
    found = parsed.get_params([], header)[1:]
    return [(key, value if isinstance(value, str) else str(value[2])) for key, value in found]
