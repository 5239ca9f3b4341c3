"""Mail: .eml files and mbox folders; sender, receivers, subject, body and names of attachments."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email import errors
from typing import TYPE_CHECKING, Any, BinaryIO

from ner_documents.document import Problem
from ner_documents.mail_encoding import LONGEST_PARAMETERS, body_of, charset_told, file_name, header_text
from ner_documents.reading.blocks import BlockText, document_of
from ner_documents.reading.encodings import decode
from ner_documents.reading.html import html_blocks
from ner_documents.reading.records import EXCERPT, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["SEPARATOR", "read_eml", "read_mbox"]

_HEADERS = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Date", "Subject")
#: Apple Mail writes the length of the message before it, and its own settings behind it.
_EMLX = re.compile(rb"\d{1,12}[ \t]*\r?\n")
_DEPTH = 10
_BROKEN_OFF = "breaks off before its end; the text may not be all"
_LINE = 1 << 20
_BODIES = ("text/plain", "text/html")
_QUOTE = re.compile(">+")
#: Separator of messages in a folder, after an empty line: with a date as in RFC 4155, or before a header.
#: mutt and git leave sentences that begin with ``From `` as they are.
SEPARATOR = (
    r"From (?=[^\r\n]{0,200}\d:\d\d[^\r\n]{0,40}\d{4}|[^\r\n]{0,1000}\r?\n"
    r"(?:>?From|To|Date|Subject|Sender|Status|Received|[A-Za-z]+(?:-[A-Za-z]+)+)[: ])"
)
_SEPARATOR = re.compile(SEPARATOR.encode())


def read_eml(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read one message as one document."""
    if length := _EMLX.match(raw):
        raw = raw[length.end() :][: int(length[0])]
    yield from _message(raw, source, None)


def read_mbox(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a folder with one document per message; each begins with ``From `` after an empty line."""
    number = 0
    lines: list[bytes] = []
    size = 0
    empty, begun = True, False
    following = stream.readline(_LINE)
    while line := following:
        following = stream.readline(_LINE)
        if empty and line.startswith(b"From ") and (not begun or _SEPARATOR.match(line + following)):
            if lines:
                number += 1
                yield from _bounded(lines, size, source, number, options)
            lines, size, begun = [], 0, True
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
        yield too_long(source, number, options.limit, lines[0][:EXCERPT])
    else:
        yield from _message(b"".join(lines), source, number)


def _message(raw: bytes, source: str, number: int | None) -> Iterator[Item]:
    reading = _Reading(source, number)
    try:
        reading.message(email.message_from_string(raw.decode("latin-1"), policy=_Policy()), 0)
    except (ValueError, LookupError, AttributeError, IndexError, TypeError, RecursionError) as error:
        # The standard library raises these for malformed headers.
        reason = f"the message is damaged ({error or type(error).__name__})"
        yield Problem(source, number, reason, raw[:EXCERPT])
        return
    yield from document_of(source, reading.blocks, number)


class _Policy(email.policy.Compat32):
    """The standard library's policy, with a limit where it takes quadratic time."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return the beginning of a header that describes a part; only those are fetched by name."""
        return super().header_fetch_parse(name, value[:LONGEST_PARAMETERS])


class _Reading:
    """Collects headers and bodies of a message and of forwarded messages in it."""

    def __init__(self, source: str, number: int | None) -> None:
        self.blocks = BlockText()
        self._source = source
        self._number = number

    def message(self, message: Message, depth: int) -> None:
        """Add a message: headers, body and names of attachments."""
        headers = {name.lower(): value for name, value in reversed(list(message.raw_items()))}
        for name in _HEADERS:
            if value := " ".join(header_text(str(headers.get(name.lower(), ""))).split()):
                self.blocks.add("heading" if name == "Subject" else "header", f"{name}: {value}", place=name)
        self._part(message, depth)

    def _part(self, part: Any, depth: int) -> None:
        kind = part.get_content_type()
        if any(isinstance(defect, errors.CloseBoundaryNotFoundDefect) for defect in part.defects):
            self._say(_BROKEN_OFF, lost=True)
        if kind == "message/rfc822" and isinstance(part.get_payload(), list) and depth < _DEPTH:
            for inner in part.get_payload():
                self.message(inner, depth + 1)
        elif kind == "multipart/alternative":
            self._part(_best_of(part.get_payload()), depth)
        elif part.is_multipart() and depth < _DEPTH:
            for inner in part.get_payload():
                self._part(inner, depth + (kind == "message/rfc822"))
        elif kind not in _BODIES or _is_attached(part):
            name = file_name(part)
            self._say(f"attachment {name or kind!r} was not read; save it and read it as a file", place=name)
        else:
            self._body(part, kind)

    def _say(self, reason: str, *, place: str = "", lost: bool = False) -> None:
        self.blocks.problems.append(Problem(self._source, self._number, reason, place=place, lost=lost))

    def _body(self, part: Any, kind: str) -> None:
        text, problems, whole = _decoded(part)
        if not whole:
            self._say(_BROKEN_OFF, lost=True)
        self.blocks.problems += [replace(one, source=self._source, line=self._number) for one in problems]
        if text is None:
            return
        if kind == "text/html":
            self.blocks.extend(html_blocks(text), "body")
            return
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if str(part.get_param("format")).lower() == "flowed":
            text = _unflowed(text, joined=str(part.get_param("delsp")).lower() == "yes")
        for index, paragraph in enumerate(text.split("\n\n"), 1):
            self.blocks.add("paragraph", paragraph.rstrip(), place=f"body {index}")


def _is_attached(part: Any) -> bool:
    """Return whether a text is an attachment; some programs name inline texts as well."""
    disposition = part.get_content_disposition()
    return disposition == "attachment" or (disposition != "inline" and bool(file_name(part)))


def _best_of(parts: list[Any]) -> Any:
    """Choose between alternative forms: plain text, unless it holds much less than the HTML."""
    forms = {
        kind: one for part in parts for one in part.walk() if (kind := one.get_content_type()) in _BODIES
    }
    plain, page = forms.get("text/plain"), forms.get("text/html")
    if plain is None or page is None:
        return plain or page or parts[-1]
    short, long = _decoded(plain)[0] or "", _decoded(page)[0] or ""
    shown = len(html_blocks(long).text) if len(long) > len(short) else 0
    return page if shown > 1.5 * len(" ".join(short.split())) + 20 else plain


def _decoded(part: Any) -> tuple[str | None, list[Problem], bool]:
    """Return the text of a part, problems with its encoding, and whether it is whole."""
    raw, whole = body_of(part)
    return *decode(raw, "", None, charset_told(part, raw)), whole


def _unflowed(text: str, *, joined: bool) -> str:
    """Join lines that were only broken for width: https://www.rfc-editor.org/rfc/rfc3676.

    The space before such a break belongs to the text, unless the lines are `joined` (DelSp).
    """
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        quoted = _QUOTE.match(line)
        depth, said = (len(quoted[0]), line[len(quoted[0]) :].removeprefix(" ")) if quoted else (0, line)
        if depth == 0:
            said = said.removeprefix(" ")  # stuffed, where it would look like a quote
        if depth == open_depth and said != "-- ":
            lines[-1] = (lines[-1][:-1] if joined else lines[-1]) + said
        else:
            lines.append(f"{'>' * depth} {said}" if depth else said)
        open_depth = depth if said.endswith(" ") and said != "-- " else -1
    return "\n".join(lines)
