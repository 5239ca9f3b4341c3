"""People, parameters and encoding of mail headers (RFC 5322, 2047)."""

from __future__ import annotations

import email.header
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["folded_value", "parameters", "people"]

_PERSON = re.compile(r'"((?:[^"\\]|\\.)*)"|<([^<>]*)>|\(([^()]*)\)|([^",;:<>()]+)')
_ADDRESS = 2


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


def parameters(parsed: Message, header: str) -> list[tuple[str, str]]:
    """Return the parameters of a header such as Content-Type."""
    found = parsed.get_params([], header)[1:]
    return [(key, value if isinstance(value, str) else str(value[2])) for key, value in found]
