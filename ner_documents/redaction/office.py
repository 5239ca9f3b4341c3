"""Office files (zip archives of XML): texts are replaced within their parts, so formatting is kept.

ECMA-376 (docx, xlsx, pptx) and OpenDocument 1.3 (odt, ods, odp).
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ner_documents.reading.packages import Package
from ner_documents.redaction.dialects import ODF, OOXML, OTHER_XML, SVG, Dialect
from ner_documents.redaction.markup import markup_segments
from ner_documents.redaction.segments import Edit, Segment, undo_edits, verbatim
from ner_documents.redaction.tables import in_cells, shared_cells
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["OFFICE_FORMATS", "OfficeFile"]

OFFICE_FORMATS = {
    **dict.fromkeys((".docx", ".xlsx", ".pptx"), OOXML),
    **dict.fromkeys((".odt", ".ods", ".odp"), ODF),
}

_PICTURE = re.compile(r"\.(png|jpe?g|jfif|gif|bmp|dib|tiff?|pcx|ico|wdp|webp|hei[cf]|avif)$", re.IGNORECASE)
#: Pictures of drawing commands and texts, often of embedded tables; a clear pixel takes their place.
_METAFILE = re.compile(r"\.(emf|wmf|emz|wmz|svm|pict?|eps)$", re.IGNORECASE)
_CLEAR = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNgYAAAAAMAASsJTYQAAAAASUVORK5CYII="
)
#: Parts without text: recordings, fonts, file type, cached page breaks.
_NO_TEXT = re.compile(
    r"\.(mp[34]|m4[av]|wav|wma|wmv|avi|mov|mpe?g|og[gv]|webm|odttf|[ot]tf|fntdata|sigs)$|^mimetype$|^layout-cache$|/$",
    re.IGNORECASE,
)
#: Previews of the file, and of tables, charts and formulas in it.
_THUMBNAIL = re.compile(
    r"^(docProps/thumbnail\.|Thumbnails/|ObjectReplacements/|Pictures/TablePreview\d*\.svm$)", re.IGNORECASE
)
#: References to the parts that are removed; programs refuse files with dangling references.
_LINK = re.compile(r"(<Relationship\b[^>]*/(?:metadata/thumbnail|printerSettings)\"[^>]*/>)")
_PRINTER_LINK = re.compile(r"<pageSetup\b[^>]*(\sr:id=\"[^\"]*\")")
#: OpenDocument settings that name a printer, and often a person or a company with it.
_PRINTER_NAME = re.compile(r"config:name=\"Printer(?:Name|Setup)\"[^>]*>([^<]+)<")
#: Parts that hold other files or programs, which cannot be inspected.
_OPAQUE = re.compile(r"(/embeddings/|/activeX/|vbaProject|\.bin$|^Basic/)")
#: The data of a chart.
_INNER = re.compile(r"/embeddings/[^/]*\.xlsx$", re.IGNORECASE)
_PRINTER = re.compile(r"printerSettings\d*\.bin$")
# Of a workbook: the texts of cells, and the sheets that refer to them.
_STRINGS = "xl/sharedStrings.xml"
_SHEETS = "xl/worksheets/"
_BEGIN = 1000
_XML = re.compile(r"\.(xml|rels|vml|rdf|svg|psmdcp)$", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([\w.-]+)["']""")


@dataclass
class OfficeFile:
    """The parts of an office file.

    Attributes
    ----------
    parts : dict of str to str
        Its XML, by the name of the part; those of a workbook in it are named ``NAME!PART``.
    pictures, metafiles : int
        Number of pictures that are kept unchanged, and of those that are replaced, as they hold text.
    """

    parts: dict[str, str] = field(default_factory=dict)
    pictures: int = 0
    metafiles: int = 0
    _members: list[tuple[zipfile.ZipInfo, bytes]] = field(default_factory=list)
    _encodings: dict[str, str] = field(default_factory=dict)
    _inner: dict[str, OfficeFile] = field(default_factory=dict)
    _dialect: Dialect = OOXML

    @classmethod
    def open(cls, content: bytes, suffix: str, outer: Package | None = None) -> OfficeFile:
        """Unpack a file, and unless it is in an outer one, the workbooks of its charts.

        Raises
        ------
        FormatError
            If it is not such a file, too large, or has parts that cannot be inspected.
        """
        office = cls(_dialect=OFFICE_FORMATS[suffix])
        package = Package(content, outer)
        for member in package.members():
            part = package.read(member.filename)
            if outer is None and _INNER.search(member.filename):
                office._take_workbook(member, part, package)
            else:
                office._take(member, part)
        return office

    def _take_workbook(self, member: zipfile.ZipInfo, content: bytes, package: Package) -> None:
        inner = OfficeFile.open(content, ".xlsx", package)
        self._members.append((member, content))
        self._inner[member.filename] = inner
        self.pictures += inner.pictures
        self.metafiles += inner.metafiles
        self.parts |= {f"{member.filename}!{name}": part for name, part in inner.parts.items()}

    def _take(self, member: zipfile.ZipInfo, content: bytes) -> None:
        name = member.filename
        if _THUMBNAIL.search(name) or _PRINTER.search(name):
            return
        if _METAFILE.search(name):
            content = _CLEAR
            self.metafiles += 1
        # Gnumeric writes drawings without a suffix.
        xml = bool(content) and (_XML.search(name) or content.lstrip().startswith(b"<?xml"))
        known = xml or any(kind.search(name) for kind in (_PICTURE, _METAFILE, _NO_TEXT))
        if content and (_OPAQUE.search(name) or not known):
            msg = f"holds {name}, an embedded file that cannot be inspected; remove it first"
            raise FormatError(msg)
        self._members.append((member, content))
        self.pictures += bool(_PICTURE.search(name))
        if xml:
            declared = _DECLARED.match(content)
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
            if declared and declared[1].lower() not in (b"utf-8", b"utf-16"):
                encoding = declared[1].decode("ascii")
            self._encodings[name] = encoding
            try:
                self.parts[name] = content.decode(encoding)
            except (ValueError, LookupError) as error:
                msg = f"{name} is damaged ({error})"
                raise FormatError(msg) from error
            if "<!ENTITY" in self.parts[name] and not _is_drawing(name, self.parts[name]):
                msg = f"holds {name}, which declares entities; no office program does that"
                raise FormatError(msg)

    def names(self) -> list[Segment]:
        """Return the names of pictures and recordings, which some programs copy from the user's files."""
        kept = [member.filename for member, _ in self._members if member.filename not in self.parts]
        names = filter(None, (PurePosixPath(name).stem for name in kept))
        found = [verbatim(name, 0, len(name), searched=False) for name in names]
        return found + [name for inner in self._inner.values() for name in inner.names()]

    def segments(self) -> tuple[dict[str, list[Segment]], dict[str, list[Edit]]]:
        """Extract the texts of all parts.

        Returns
        -------
        dict of str to list of Segment, dict of str to list of Edit
            The texts of each part, and the edits that remove authors, external links and thumbnails.
        """
        segments: dict[str, list[Segment]] = {}
        edits: dict[str, list[Edit]] = {}
        for name, raw in self.parts.items():
            within = name.rpartition("!")[2]
            if within == "[Content_Types].xml":
                continue
            outside = within.startswith(("customXml/", "META-INF/"))
            dialect = SVG if _is_drawing(name, raw) else OTHER_XML if outside else self._dialect
            segments[name], emptied = markup_segments(raw, dialect)
            edits[name] = [Edit(start, end, "") for start, end in (*emptied, *_removed(name, raw))]
        if _STRINGS in segments:
            sheets = [raw for name, raw in self.parts.items() if name.startswith(_SHEETS)]
            shared = shared_cells(self.parts[_STRINGS], sheets)
            segments[_STRINGS] = in_cells(segments[_STRINGS], *shared)
        return segments, edits

    def pack(self, changed: Mapping[str, str]) -> bytes:
        """Return the file with some parts changed; everything else is kept, except thumbnails."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for member, content in self._members:
                name = member.filename
                if name in self._inner:
                    inner = {part.removeprefix(f"{name}!"): raw for part, raw in changed.items()}
                    content = self._inner[name].pack(inner)
                elif name in changed:
                    content = changed[name].encode(self._encodings[name], "xmlcharrefreplace")
                archive.writestr(member, content, member.compress_type)
        return target.getvalue()

    def restore(self, back: Mapping[str, Sequence[Edit]]) -> bytes:
        """Return the file with names restored, without printers and references to removed parts."""
        restored = {name: undo_edits(self.parts[name], edits) for name, edits in back.items()}
        for name, raw in restored.items():
            for start, end in reversed(_removed(name, raw)):
                restored[name] = restored[name][:start] + restored[name][end:]
        return self.pack(restored)


def _is_drawing(name: str, raw: str) -> bool:
    return name.lower().endswith(".svg") or "<svg" in raw[:_BEGIN]


def _removed(name: str, raw: str) -> list[tuple[int, int]]:
    """Find names of printers, and the references to their settings and to the preview picture."""
    patterns = {".rels": _LINK, "settings.xml": _PRINTER_NAME}
    if "/worksheets/" in name:
        patterns[".xml"] = _PRINTER_LINK
    return [
        found.span(1) for end, form in patterns.items() if name.endswith(end) for found in form.finditer(raw)
    ]
