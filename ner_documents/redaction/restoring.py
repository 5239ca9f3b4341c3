"""Restoring redacted files: the original, or the names in a file that was edited since."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

from ner_documents.formats import format_by_name
from ner_documents.reading.html import declared_in_page
from ner_documents.redaction.encoding import decode_again, decode_text, encode_text
from ner_documents.redaction.files import suffix_of
from ner_documents.redaction.keys import Key, KeyProblem, checksum
from ner_documents.redaction.mail import MAIL_FORMATS, MailFile
from ner_documents.redaction.office import OFFICE_FORMATS, OfficeFile
from ner_documents.redaction.placeholders import LIKE_PLACEHOLDER
from ner_documents.redaction.rtf import apart_from_words, rtf_segments
from ner_documents.redaction.segments import Edit, apply_edits, undo_edits
from ner_documents.redaction.text_formats import PAGES, TEXT_FORMATS, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_documents.redaction.segments import Segment

__all__ = ["restore_file"]

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2 Characters
_BREAKS_TABLES = re.compile('[,;|\t"\r\n]')


def restore_file(name: str, content: bytes, key: Key) -> tuple[bytes, tuple[str, ...]]:
    """Restore the names in a redacted file.

    Parameters
    ----------
    name : str
        File name; its suffix determines the format, unless the content is of another.
    content : bytes
        The redacted file, or one derived from it, such as a translation.
    key : Key
        The key that was used for the redaction.

    Returns
    -------
    bytes, tuple of str
        The original, byte for byte for text formats, or, if the file was changed since, the file with names
        in place of placeholders; and notes for the user.

    Raises
    ------
    KeyProblem
        If nothing in the file belongs to the key.
    FormatError
        If the file cannot be read.
    """
    suffix = suffix_of(name, content)
    if suffix not in (*TEXT_FORMATS, *OFFICE_FORMATS, *MAIL_FORMATS, ".rtf"):
        msg = "files of this type are not restored; keep the original"
        raise FormatError(msg)
    document = key.documents.get(checksum(content))
    if document is None:
        return _restore_changed(suffix, content, key)
    if not document.encoding:
        if suffix not in OFFICE_FORMATS:
            msg = f"is in another format than its original, {document.name}; give it that suffix"
            raise KeyProblem(msg)
        office = OfficeFile.open(content, suffix)
        for name, edits in document.parts.items():
            if name not in office.parts or (edits and edits[-1].end > len(office.parts[name])):
                msg = "the key does not match the file; it is damaged"
                raise KeyProblem(msg)
        restored = office.restore(document.parts)
        return restored, ("all text is restored; previews and metafile pictures are lost",)
    text = undo_edits(decode_again(content, document.encoding), document.parts[""])
    restored = encode_text(text, document.encoding)
    if checksum(restored) != document.original:
        msg = "the key does not restore the original; it is damaged"
        raise KeyProblem(msg)
    return restored, ()


def _restore_changed(suffix: str, content: bytes, key: Key) -> tuple[bytes, tuple[str, ...]]:
    names = _Names(key)
    if suffix in TEXT_FORMATS:
        raw, encoding, _ = decode_text(content, declared_in_page(content) if suffix in PAGES else "")
        restored = encode_text(names.restored(raw, TEXT_FORMATS[suffix](raw), suffix), encoding)
    elif suffix == ".rtf":
        raw = content.decode("latin-1")
        restored = encode_text(names.restored(raw, rtf_segments(raw)[0], suffix), "latin-1")
    elif suffix in MAIL_FORMATS:
        mail = MailFile.open(content, suffix)
        texts = {part: names.restored(part.text, part.segments(), part.suffix) for part in mail.parts}
        restored = encode_text(apply_edits(mail.raw, mail.edits(texts))[0], "latin-1")
    else:
        office = OfficeFile.open(content, suffix)
        parts = office.segments()[0].items()
        restored = office.pack(
            {part: names.restored(office.parts[part], segments, suffix) for part, segments in parts}
        )
    if not names.count:
        msg = "was not redacted with this key, and holds none of its placeholders"
        raise KeyProblem(msg)
    done = f"{names.count} placeholders were replaced by the longest form of the name"
    notes = [f"was changed after redaction: {done}"]
    if names.left:
        notes.append(f"{names.left} placeholders are kept, as the names would break the table")
    return restored, tuple(notes)


class _Names:
    """The name of each placeholder: its longest form in the documents."""

    def __init__(self, key: Key) -> None:
        self.count = self.left = 0
        self._names: dict[str, str] = {}
        for document in key.documents.values():
            for placeholder, text in document.placeholders:
                name = " ".join(text.split())
                if LIKE_PLACEHOLDER.fullmatch(placeholder) and len(name) > len(
                    self._names.get(placeholder, "")
                ):
                    self._names[placeholder] = name

    def restored(self, raw: str, segments: Iterable[Segment], suffix: str) -> str:
        """Return a file, or a part of one, with names in place of placeholders."""
        edits = [edit for segment in segments for edit in self._edits(segment, suffix)]
        self.count += len(edits)
        return apply_edits(raw, apart_from_words(raw, edits) if suffix == ".rtf" else edits)[0]

    def _edits(self, segment: Segment, suffix: str) -> Iterator[Edit]:
        for found in LIKE_PLACEHOLDER.finditer(segment.text):
            name = self._names.get(found[0])
            if name is None:
                continue
            if format_by_name(suffix)[0] in ("csv", "tsv") and _BREAKS_TABLES.search(name):
                self.left += 1
                continue
            start, end = segment.starts[found.start()], segment.ends[found.end() - 1]
            yield Edit(start, end, _escaped(name, suffix))


def _escaped(name: str, suffix: str) -> str:
    kind = format_by_name(suffix)[0]
    if kind in ("json", "jsonl"):
        return json.dumps(name, ensure_ascii=False)[1:-1]
    if suffix == ".rtf":
        return "".join(one if one.isascii() else _unit(one) for one in re.sub(r"([\\{}])", r"\\\1", name))
    if suffix in OFFICE_FORMATS or suffix in PAGES:
        return html.escape(_NO_XML.sub("\ufffd", name))
    if kind == "srt":
        return html.escape(name, quote=False)
    return name


def _unit(character: str) -> str:
    """Encode a character for RTF: UTF-16 units as signed numbers."""
    units = character.encode("utf-16-le", "surrogatepass")
    return "".join(
        f"\\u{int.from_bytes(units[at : at + 2], 'little', signed=True)}?" for at in range(0, len(units), 2)
    )
