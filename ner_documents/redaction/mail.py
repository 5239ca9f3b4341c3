"""Redaction of mail: .eml files and mbox folders with headers, texts and attachments.

RFC 5322 and RFC 2045-2047. Only the parts that change are rewritten, so that every byte can be restored.
"""

from __future__ import annotations

import base64
import email.header
import email.message
import email.parser
import email.policy
import quopri
import re
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from ner_core.entity import Entity
from ner_documents.formats import MEDIA_TYPES
from ner_documents.mail_encoding import LONGEST_PARAMETERS, body_of, charset_told, file_name, header_text
from ner_documents.reading.mail import SEPARATOR
from ner_documents.redaction.encoding import decode_text, encode_text
from ner_documents.redaction.segments import Edit
from ner_documents.redaction.text_formats import TEXT_FORMATS, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ner_core.entity import Recognition
    from ner_documents.redaction.segments import Segment

__all__ = [
    "MAIL_FORMATS",
    "Attachment",
    "MailFile",
    "MailPart",
    "folded_value",
    "format_of",
    "parameters",
    "people",
    "with_people",
]

MAIL_FORMATS = (".eml", ".mbox")

_DEPTH = 10
_MAX_PARTS = 10_000
_PEOPLE = frozenset(
    """from to cc bcc sender reply-to resent-from resent-to resent-cc
    disposition-notification-to""".split()  # noqa: SIM905
)
_TEXTS = frozenset(("subject", "comments", "keywords", "thread-topic", "content-description", "organization"))
_IDENTIFIERS = frozenset(("content-id", "content-location"))
#: Headers that programs need to show the message; all others, except those above, are removed.
_KEPT = frozenset(
    """mime-version date resent-date content-type content-transfer-encoding content-disposition
    content-language importance priority x-priority auto-submitted precedence""".split()  # noqa: SIM905
)
#: Parameters of Content-Type that programs need; all others are removed.
_PARAMETERS = frozenset(
    "boundary charset delsp format method micalg protocol report-type start type".split()  # noqa: SIM905
)
#: The end of a file name that tells its format; a name may reach over the dot before it.
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)(\r?\n|\Z)")
_BLANK = re.compile(r"(?:\A|(?<=\n))\r?\n")
_ENVELOPE = re.compile(rf"(?:\AFrom |(?:(?<=\n\n)|(?<=\n\r\n)){SEPARATOR})([^\r\n]*)(\r?\n|\Z)")
_ENVELOPE_DATE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d .*")
_PLAIN = ("", "7bit", "8bit", "binary")
_PERSON = re.compile(r'"((?:[^"\\]|\\.)*)"|<([^<>]*)>|\(([^()]*)\)|([^",;:<>()]+)')
_ADDRESS = 2
_FROM = re.compile(rb"^From ", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class MailPart:
    """A text of the message: its position in the file, its content, and how it is written."""

    start: int
    end: int
    text: str
    suffix: str = ".txt"
    encoding: str = "utf-8"
    transfer: str = ""
    header: str = ""
    searched: bool = True
    people: bool = False

    def segments(self) -> list[Segment]:
        """Return its texts."""
        found = TEXT_FORMATS[self.suffix](self.text)
        return [replace(one, searched=one.searched and self.searched, people=self.people) for one in found]

    def written(self, text: str, line: str) -> str:
        """Write a new text in its place, with lines that end with `line`."""
        if self.header.startswith("file "):
            _, kind, suffix = self.header.split(" ")
            text += suffix
            holder = email.message.Message()
            holder.add_header(
                "Content-Disposition", kind, filename=("utf-8", "", text) if not text.isascii() else text
            )
            return f" {holder['Content-Disposition']}"
        if self.header.startswith("+"):
            return f"{self.header[1:]}: {folded_value(text, line)}{line}"
        if self.header:
            return f" {folded_value(text, line)}"
        content = encode_text(text, self.encoding)
        if self.transfer == "base64":
            return base64.encodebytes(content).decode().replace("\n", line)
        if self.transfer == "quoted-printable":
            return _FROM.sub(b"=46rom ", quopri.encodestring(content)).decode("latin-1")
        return content.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment of the message.

    Attributes
    ----------
    start, end : int
        Span of its body in the file.
    name, kind : str
        File name, empty if it has none, and media type.
    content : bytes
        Its content, without the transfer encoding.
    headers : (int, int)
        Span of its headers.
    """

    start: int
    end: int
    name: str
    content: bytes
    kind: str
    headers: tuple[int, int]


@dataclass
class MailFile:
    """A message, or a folder of messages.

    Attributes
    ----------
    raw : str
        The bytes of the file as Latin-1.
    parts : list of MailPart
        Its texts.
    attachments : list
        Attachments, with name and content.
    removed : set of str
        Names of removed headers: routes, signatures, identifiers, program data.
    """

    raw: str
    parts: list[MailPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    _edits: list[Edit] = field(default_factory=list)
    _line: str = "\n"
    _mbox: bool = False

    @classmethod
    def open(cls, content: bytes, suffix: str) -> MailFile:
        """Split a file into its parts.

        Raises
        ------
        FormatError
            If it is not mail, or nested too deeply.
        """
        mail = cls(content.decode("latin-1"), _mbox=suffix == ".mbox")
        mail._line = "\r\n" if "\r\n" in mail.raw[: 1 << 16] else "\n"
        for start, end in mail._messages():
            mail._message(start, end, 0)
        if not any(part.header for part in mail.parts) and not mail.removed:
            msg = "is damaged or does not match its suffix (no headers of a message)"
            raise FormatError(msg)
        return mail

    def edits(
        self, changed: Mapping[MailPart, str], attached: Callable[[Attachment], bytes | None] | None = None
    ) -> list[Edit]:
        """List the edits of the file.

        Parameters
        ----------
        changed : mapping of MailPart to str
            New texts of parts.
        attached : callable, optional
            Returns the new content of an attachment, None to remove it; by default attachments are kept.
        """
        edits = [
            Edit(part.start, part.end, part.written(text, self._line))
            for part, text in changed.items()
            if text != part.text
        ]
        if attached is None:
            return edits
        edits += self._edits
        for one in self.attachments:
            content = attached(one)
            if content == one.content:
                continue
            if content is not None:
                body = base64.encodebytes(content).decode().replace("\n", self._line)
                edits += [self._reencoded(one), Edit(one.start, one.end, body)]
                continue
            start, end = one.headers
            lines = ("Content-Type: text/plain; charset=us-ascii", "Content-Transfer-Encoding: 7bit")
            edits = [edit for edit in edits if not start <= edit.start < end]
            edits.append(Edit(start, end, "".join(line + self._line for line in lines)))
            edits.append(Edit(one.start, one.end, f"[an attachment was left out]{self._line}"))
        return edits

    def _messages(self) -> Iterator[tuple[int, int]]:
        if not self._mbox:
            yield 0, len(self.raw)
            return
        found = list(_ENVELOPE.finditer(self.raw))
        if not found or found[0].start():
            msg = "is damaged or does not match its suffix (expected messages that begin with 'From ')"
            raise FormatError(msg)
        for index, match in enumerate(found):
            date = _ENVELOPE_DATE.search(match[1])
            self._edits.append(Edit(match.start(1), match.end(1), f"- {date[0]}" if date else "-"))
            yield match.end(), found[index + 1].start() if index + 1 < len(found) else len(self.raw)

    def _message(self, start: int, end: int, depth: int) -> None:
        """Parse a message or one of its parts."""
        if depth > _DEPTH or len(self.parts) + len(self.attachments) > _MAX_PARTS:
            msg = f"is nested more than {_DEPTH} deep, or has more than {_MAX_PARTS:,} parts; split it"
            raise FormatError(msg)
        blank = _BLANK.search(self.raw, start, end)
        head_end, body = (blank.start(), blank.end()) if blank else (end, end)
        parsed = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(self.raw[start:head_end])
        for called, value in parsed.raw_items():
            if called.lower().startswith("content-") and len(str(value)) > LONGEST_PARAMETERS:
                msg = f"has a header {called} of more than {LONGEST_PARAMETERS:,} characters; shorten it"
                raise FormatError(msg)
        name = file_name(parsed)
        kind = parsed.get_content_type()
        self._headers(start, head_end, parsed, name)
        if kind == "message/rfc822" and parsed.get("content-transfer-encoding", "7bit").lower() in _PLAIN:
            self._message(body, end, depth + 1)
            return
        boundary = parsed.get_boundary() if kind.startswith("multipart/") else None
        if boundary and self._multipart(boundary, body, end, depth):
            return
        disposition = str(parsed.get("content-disposition", "")).lower().lstrip()
        parsed.set_payload(self.raw[body:end].encode("latin-1"))
        content, _ = body_of(parsed)
        if kind.startswith(("text/", "multipart/")) and not disposition.startswith("attachment"):
            self._text(parsed, kind, content, body, end)
        elif body < end:
            self.attachments.append(Attachment(body, end, name, content, kind, (start, head_end)))

    def _multipart(self, boundary: str, start: int, end: int, depth: int) -> bool:
        pattern = rf"(?:\A|(?<=\n))--{re.escape(boundary)}(--)?[ \t]*(?:\r?\n|\Z)"
        borders = list(re.compile(pattern).finditer(self.raw, start, end))
        if not borders:
            return False
        self._beside(start, borders[0].start())
        for index, border in enumerate(borders):
            last = borders[index + 1].start() if index + 1 < len(borders) else end
            if border[1]:
                self._beside(border.end(), last)
            else:
                # The line end before a boundary belongs to the boundary.
                part = self.raw[border.end() : last].removesuffix("\n").removesuffix("\r")
                self._message(border.end(), border.end() + len(part), depth + 1)
        return True

    def _beside(self, start: int, end: int) -> None:
        """Add the text before or after the parts, which few programs show."""
        if self.raw[start:end].strip():
            text, encoding, _ = decode_text(self.raw[start:end].encode("latin-1"))
            self.parts.append(MailPart(start, end, text, encoding=encoding))

    def _text(self, parsed: email.message.Message, kind: str, content: bytes, start: int, end: int) -> None:
        if not content.strip():
            return
        text, encoding, _ = decode_text(content, charset_told(parsed, content))
        transfer = str(parsed.get("content-transfer-encoding", "")).strip().lower()
        suffix = ".html" if kind == "text/html" else ".txt"
        self.parts.append(MailPart(start, end, text, suffix, encoding, transfer))

    def _headers(self, start: int, end: int, parsed: email.message.Message, name: str) -> None:
        position = start
        while position < end:
            match = _HEADER.match(self.raw, position, end)
            if match is None:  # a line that is not a header is text
                line = self.raw.find("\n", position, end)
                line = end if line < 0 else line + 1
                self._beside(position, line)
                position = line
                continue
            position = match.end()
            called = match[1].lower()
            if called in ("content-type", "content-disposition"):
                self._file_header(match, called, parsed, name)
            elif called in _PEOPLE or called in _TEXTS or called in _IDENTIFIERS:
                if value := header_text(match[2]):
                    searched, addressed = called not in _IDENTIFIERS, called in _PEOPLE
                    spot = (match.start(2), match.end(2))
                    self.parts.append(
                        MailPart(*spot, value, header=match[1], searched=searched, people=addressed)
                    )
            elif called not in _KEPT:
                self.removed.add(match[1])
                self._edits.append(Edit(match.start(), match.end(), ""))

    def _file_header(
        self, match: re.Match[str], called: str, parsed: email.message.Message, name: str
    ) -> None:
        """Keep a file name in one header only, where it is redacted, and no parameter that is not needed."""
        if called == "content-type":
            told = parameters(parsed, "content-type")
            kept = [f' {key}="{value}"' for key, value in told if key in _PARAMETERS]
            if len(kept) < len(told):
                value = ";".join([f" {parsed.get_content_type()}", *kept])
                self._edits.append(Edit(match.start(2), match.end(2), value))
            if name and "content-disposition" not in parsed:
                spot = match.end(3)
                self.parts.append(MailPart(spot, spot, name, header="+Content-Description"))
            return
        kind = "inline" if parsed.get_content_disposition() == "inline" else "attachment"
        if name:
            suffix = _SUFFIX.search(name)
            stem = name[: suffix.start()] if suffix else name
            header = f"file {kind} {suffix[0] if suffix else ''}"
            self.parts.append(MailPart(match.start(2), match.end(2), stem, header=header))
        elif match[2].strip().lower() != kind:
            self._edits.append(Edit(match.start(2), match.end(2), f" {kind}"))

    def _reencoded(self, one: Attachment) -> Edit:
        start, end = one.headers
        header = f"Content-Transfer-Encoding: base64{self._line}"
        for match in _HEADER.finditer(self.raw, start, end):
            if match[1].lower() == "content-transfer-encoding":
                return Edit(match.start(), match.end(), header)
        return Edit(end, end, header)


def with_people(recognition: Recognition) -> Recognition:
    """Add the names and addresses of an address header, whatever the model found."""
    text = recognition.text
    before: list[Entity] = []
    ahead = deque(sorted(recognition.entities, key=lambda one: one.start))
    for start, end, label in people(text):  # in order, as the entities are
        while ahead and ahead[0].end <= start:
            before.append(ahead.popleft())
        inside = []
        while ahead and ahead[0].start < end:
            inside.append(ahead.popleft())
        if label == "PER" and inside:
            label = max(inside, key=lambda one: one.end - one.start).label.rpartition("-")[2]
        start = min([start, *(one.start for one in inside)])
        end = max([end, *(one.end for one in inside)])
        ahead.appendleft(Entity(start, end, label, 1.0, text[start:end]))
    return replace(recognition, entities=(*before, *ahead))


def format_of(name: str, kind: str) -> str:
    """Return the suffix of an attachment, by its name or else its media type."""
    return PurePath(name).suffix.lower() or MEDIA_TYPES.get(kind, "")


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


def parameters(parsed: email.message.Message, header: str) -> list[tuple[str, str]]:
    """Return the parameters of a header such as Content-Type."""
    found = parsed.get_params([], header)[1:]
    return [(key, value if isinstance(value, str) else str(value[2])) for key, value in found]
