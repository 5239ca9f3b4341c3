"""Mail: .eml files and mbox folders; sender, receivers, subject, body, and the names of what is attached."""

from __future__ import annotations

import email
import email.policy
import email.utils
from typing import TYPE_CHECKING, Any, BinaryIO

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText
from ner_documents.reading.detection import charset_of
from ner_documents.reading.encodings import decode
from ner_documents.reading.html import html_blocks
from ner_documents.reading.records import EXCERPT, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_eml", "read_mbox"]

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEPTH = 10


def read_eml(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read one message as one document."""
    raw = stream.read(options.limit + 1)
    if len(raw) > options.limit:
        yield Problem(source, None, too_long(options.limit), raw[:EXCERPT])
        return
    yield from _message(raw, source, None, options)


def read_mbox(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a folder of messages, a document each; they begin with ``From `` behind an empty line."""
    number = 0
    lines: list[bytes] = []
    size = 0
    empty = True
    while line := stream.readline(1 << 20):
        if empty and line.startswith(b"From "):
            if lines:
                number += 1
                yield from _bounded(lines, size, source, number, options)
            lines, size = [], 0
        elif size <= options.limit:
            lines.append(line[1:] if line.startswith((b">From ", b">>From ")) else line)
            size += len(line)
        empty = not line.strip()
    if lines:
        yield from _bounded(lines, size, source, number + 1, options)
    elif not number:
        yield Problem(source, None, "expected messages that begin with 'From ', found none")


def _bounded(lines: list[bytes], size: int, source: str, number: int, options: ReadOptions) -> Iterator[Item]:
    if size > options.limit:
        yield Problem(source, number, too_long(options.limit), lines[0][:EXCERPT])
    else:
        yield from _message(b"".join(lines), source, number, options)


def _message(raw: bytes, source: str, number: int | None, options: ReadOptions) -> Iterator[Item]:
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        blocks = BlockText()
        problems = list(_add(message, blocks, source, number, options, 0))
    except (ValueError, LookupError, AttributeError, IndexError, TypeError, RecursionError) as error:
        # What the standard library raises for headers that no mail program would write.
        yield Problem(
            source, number, f"the message is damaged ({error or type(error).__name__})", raw[:EXCERPT]
        )
        return
    yield from problems
    if not blocks.blocks:
        yield Problem(source, number, "the message holds no text", raw[:EXCERPT])
        return
    yield blocks.document(source, number)


def _add(
    message: EmailMessage,
    blocks: BlockText,
    source: str,
    number: int | None,
    options: ReadOptions,
    depth: int,
) -> Iterator[Problem]:
    """Add headers and bodies of a message; forwarded ones stand behind it."""
    for name in _HEADERS:
        value = _header(message, name)
        if value:
            blocks.add("heading" if name == "Subject" else "header", f"{name}: {value}", place=name)
    plain = message.get_body(("plain", "html"))
    if plain is not None:
        yield from _body(plain, blocks, source, number)
    for part in message.walk():
        if part is message or part is plain:
            continue
        attached = part.get_filename()
        if part.get_content_type() == "message/rfc822" and depth < _DEPTH:
            forwarded: Any = part.get_payload()
            for inner in forwarded:
                yield from _add(inner, blocks, source, number, options, depth + 1)
            return
        if attached or part.get_content_disposition() == "attachment":
            called = attached or part.get_content_type()
            reason = f"attachment {called!r} was not read; save it and read it as a file"
            yield Problem(source, number, reason, place=attached or "", lost=False)


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message.get(name)
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        value = dict(message.raw_items()).get(name)
    return " ".join(str(value).split()) if value else ""


def _body(part: Any, blocks: BlockText, source: str, number: int | None) -> Iterator[Problem]:
    raw = part.get_payload(decode=True) or b""
    charset = charset_of(str(part.get_content_charset() or "")) if part.get_content_charset() else None
    text, problems = decode(raw, source, charset)
    if text is None and charset:
        text, problems = decode(raw, source, None)
    for problem in problems:
        yield Problem(source, number, problem.reason, problem.raw, problem.place, problem.lost)
    if text is None:
        return
    if part.get_content_type() == "text/html":
        inner = html_blocks(text)
        for block, content in zip(inner.blocks, inner.texts(), strict=True):
            blocks.add(block.kind, content, row=block.row, column=block.column, place=f"body {block.place}")
        return
    for index, paragraph in enumerate(text.replace("\r\n", "\n").split("\n\n"), 1):
        blocks.add("paragraph", paragraph.rstrip(), place=f"body {index}")
