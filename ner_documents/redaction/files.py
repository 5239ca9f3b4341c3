"""Redaction of whole files: everything except the text is kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import TYPE_CHECKING

from ner_documents.formats import BEGIN, format_by_content, format_by_name
from ner_documents.reading.html import declared_in_page
from ner_documents.redaction.encoding import decode_text, encodable, encode_text
from ner_documents.redaction.keys import RedactedDocument, checksum
from ner_documents.redaction.mail import MAIL_FORMATS, Attachment, MailFile, format_of, with_people
from ner_documents.redaction.office import OFFICE_FORMATS, OfficeFile
from ner_documents.redaction.rtf import apart_from_words, rtf_segments
from ner_documents.redaction.segments import Identifiers, apply_edits, edits_of
from ner_documents.redaction.tables import recognitions_of
from ner_documents.redaction.text_formats import PAGES, TEXT_FORMATS, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_core.entity import Recognition
    from ner_documents.redaction.mail import MailPart
    from ner_documents.redaction.redactor import Recognize, Redacted, Redactor
    from ner_documents.redaction.segments import Edit, Segment

__all__ = ["SUFFIXES", "Found", "RedactedFile", "found_in", "redact_file", "suffix_of"]

#: Suffixes of files that can be redacted.
SUFFIXES = (*TEXT_FORMATS, *MAIL_FORMATS, ".rtf", *OFFICE_FORMATS, ".pdf")
#: Formats that files also have under other names.
_BY_CONTENT = {kind: f".{kind}" for kind in ("html", "rtf", "pdf", "eml", "docx", "pptx")}


@dataclass(frozen=True, slots=True)
class Found:
    """One replacement, for the report.

    Attributes
    ----------
    text, label, source : str
        The original text, its label and its source, as in `Finding`.
    score : float
        Score of the model.
    placeholder : str
        The replacement.
    """

    text: str
    label: str
    source: str
    score: float
    placeholder: str


@dataclass(frozen=True, slots=True)
class RedactedFile:
    """A redacted file.

    Attributes
    ----------
    content : bytes
        The new file.
    found : tuple of Found
        The replacements, in order.
    notes : tuple of str
        What was not examined, and what is lost.
    document : RedactedDocument or None
        How to restore the file, for the key; None if that is impossible.
    """

    content: bytes
    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()
    document: RedactedDocument | None = None


def suffix_of(name: str, content: bytes) -> str:
    """Return the suffix of a file, or that of its content if it is another.

    Examples
    --------
    >>> suffix_of("a.TXT", b"Mary"), suffix_of("a.doc", b"<html>Mary"), suffix_of("a.doc", b"?")
    ('.txt', '.html', '.doc')
    """
    suffix = PurePath(name).suffix.lower()
    told = format_by_name(suffix)[0] if suffix in SUFFIXES else ""
    kind = format_by_content(content[:BEGIN], told or "")
    return suffix if kind == told else _BY_CONTENT.get(kind, suffix)


def redact_file(name: str, content: bytes, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    """Redact a file; its format, its formatting and everything except the text are kept.

    Parameters
    ----------
    name : str
        File name; its suffix determines the format, unless the content is of another.
    content : bytes
        Content of the file.
    recognize : callable
        Recognizes texts in order and returns all entities, such as ``ner.document``.
    redactor : Redactor
        Use one redactor for several files to give a name the same placeholder in all of them.

    Raises
    ------
    FormatError
        If the file cannot be redacted safely; the message does not contain the file name.
    """
    suffix = suffix_of(name, content)
    if suffix == ".pdf":
        from ner_documents.redaction.pdf import redact_pdf

        return redact_pdf(content, recognize, redactor)
    if suffix in OFFICE_FORMATS:
        return _redact_office(name, content, suffix, recognize, redactor)
    if suffix == ".rtf":
        return _redact_rtf(name, content, recognize, redactor)
    if suffix in MAIL_FORMATS:
        return _redact_mail(name, content, suffix, recognize, redactor)
    if suffix in TEXT_FORMATS:
        return _redact_text(name, content, suffix, recognize, redactor)
    msg = f"files of this type are not redacted; {', '.join(SUFFIXES)} are. Save it as one of these"
    raise FormatError(msg)


def found_in(redacted: Iterable[Redacted], recognitions: Iterable[Recognition]) -> tuple[Found, ...]:
    """List the replacements of a document."""
    return tuple(
        Found(
            recognition.text[one.finding.start : one.finding.end],
            one.finding.label,
            one.finding.source,
            one.finding.score,
            one.placeholder,
        )
        for result, recognition in zip(redacted, recognitions, strict=True)
        for one in result.replacements
    )


def _replaced(
    segments: Sequence[Segment], recognize: Recognize, redactor: Redactor
) -> tuple[tuple[Found, ...], list[list[Edit]]]:
    """Return what was found, and the edits for each segment."""
    recognitions = [
        with_people(one) if segment.people else one
        for segment, one in zip(segments, recognitions_of(segments, recognize), strict=True)
    ]
    redacted = redactor.redact_document(recognitions)
    identifiers = Identifiers()
    edits = [
        list(edits_of(segment, identifiers.of(segment, result)))
        for segment, result in zip(segments, redacted, strict=True)
    ]
    return found_in(redacted, recognitions), edits


def _redact_text(
    name: str, content: bytes, suffix: str, recognize: Recognize, redactor: Redactor
) -> RedactedFile:
    raw, encoding, notes = decode_text(content, declared_in_page(content) if suffix in PAGES else "")
    found, edits = _replaced(TEXT_FORMATS[suffix](raw), recognize, redactor)
    changed, back = apply_edits(raw, encodable(chain(*edits), encoding))
    return _restorable(name, content, encode_text(changed, encoding), found, notes, {"": back}, encoding)


def _redact_rtf(name: str, content: bytes, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    raw = content.decode("latin-1")
    segments, emptied = rtf_segments(raw)
    found, edits = _replaced(segments, recognize, redactor)
    changed, back = apply_edits(raw, apart_from_words(raw, encodable(chain(emptied, *edits), "ascii")))
    notes = ["authors and program data were removed"]
    if "\\pict" in raw:
        notes.append("metafile pictures were removed; others are kept, and text in them is not read")
    # Edited as Latin-1, so that every byte can be restored.
    return _restorable(name, content, encode_text(changed, "latin-1"), found, notes, {"": back}, "latin-1")


def _redact_mail(
    name: str, content: bytes, suffix: str, recognize: Recognize, redactor: Redactor
) -> RedactedFile:
    mail = MailFile.open(content, suffix)
    pairs = [(part, segment) for part in mail.parts for segment in part.segments()]
    replaced, made = _replaced([segment for _, segment in pairs], recognize, redactor)
    edits: dict[MailPart, list[Edit]] = defaultdict(list)
    for (part, _), several in zip(pairs, made, strict=True):
        edits[part] += several
    changed = {
        part: apply_edits(part.text, encodable(several, part.encoding))[0] for part, several in edits.items()
    }
    found = list(replaced)
    notes = []
    if mail.removed:
        notes.append(f"headers were removed: {', '.join(sorted(mail.removed, key=str.lower))}")

    def attached(one: Attachment) -> bytes | None:
        called = one.name or one.kind
        try:
            result = redact_file(f"a{format_of(one.name, one.kind)}", one.content, recognize, redactor)
        except FormatError as error:
            if one.kind.startswith(("image/", "audio/", "video/")):
                notes.append(f"attachment {called!r} is kept, not redacted: only texts are read")
                return one.content
            notes.append(f"attachment {called!r} was not redacted and so was removed: {error}")
            return None
        found.extend(result.found)
        notes.append(f"attachment {called!r} is redacted")
        notes.extend(f"attachment {called!r}: {note}" for note in result.notes)
        return result.content

    raw, back = apply_edits(mail.raw, mail.edits(changed, attached))
    return _restorable(name, content, encode_text(raw, "latin-1"), found, notes, {"": back}, "latin-1")


def _redact_office(
    name: str, content: bytes, suffix: str, recognize: Recognize, redactor: Redactor
) -> RedactedFile:
    office = OfficeFile.open(content, suffix)
    by_part, edits = office.segments()
    pairs = [(part, segment) for part, several in by_part.items() for segment in several]
    segments = [*(segment for _, segment in pairs), *office.names()]
    found, made = _replaced(segments, recognize, redactor)
    if any(made[len(pairs) :]):
        msg = "holds a picture or recording whose file name must be redacted; insert it under another name"
        raise FormatError(msg)
    for (part, _), several in zip(pairs, made, strict=False):
        edits[part] += several
    changed, back = {}, {}
    for part, several in edits.items():
        if several:
            changed[part], back[part] = apply_edits(office.parts[part], several)
    packed = office.pack(changed)
    notes = ["authors, external links and the preview picture were removed"]
    if suffix in (".xlsx", ".ods"):
        notes.append("numbers and dates in cells are kept; only texts are read")
    if office.metafiles:
        notes.append(f"pictures that hold text (such as .emf and .wmf) were emptied: {office.metafiles:,}")
    if office.pictures:
        notes.append(f"text in pictures is not read; pictures that are kept: {office.pictures:,}")
    return _restorable(name, content, packed, found, notes, back, "")


def _restorable(
    name: str,
    content: bytes,
    result: bytes,
    found: Sequence[Found],
    notes: Sequence[str],
    back: dict[str, list[Edit]],
    encoding: str,
) -> RedactedFile:
    """Return a redacted file with what the key needs to restore it."""
    placeholders = [(one.placeholder, one.text) for one in found]
    document = RedactedDocument(
        PurePath(name).name, checksum(result), checksum(content), encoding, back, placeholders
    )
    return RedactedFile(result, tuple(found), tuple(notes), document)
