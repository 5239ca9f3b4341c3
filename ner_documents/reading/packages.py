"""Office files: zip archives of XML parts, opened with limits on the unpacked size."""

from __future__ import annotations

import io
import posixpath
import zipfile
from typing import Any, NamedTuple

__all__ = ["OLE", "Package", "Relation", "UnreadableError", "check_archive", "parse_xml"]

UNPACKED = 200_000_000
_MEMBERS = 20_000
# Text compresses to a tenth, repeated markup to a hundredth; anything beyond is an attack.
_RATIO = 1000
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
#: The beginning of an Office file older than 2007.
OLE = b"\xd0\xcf\x11\xe0"


class UnreadableError(ValueError):
    """A file or a part of it is damaged, locked or too large; all that reads it may raise this."""

    @classmethod
    def because(cls, error: Exception, part: str = "") -> UnreadableError:
        """Return what a library's error says of a file, or of a part of it; a lack of memory is raised."""
        if isinstance(error, MemoryError):
            raise error
        text = str(error).lower()
        if "password" in text or "encrypt" in text:
            return cls(f"{part} is locked with a password; save it without one".strip())
        damaged = f"{part} is damaged" if part else "the file is damaged or does not match its suffix"
        return cls(f"{damaged} ({error})")


def check_archive(archive: zipfile.ZipFile, unpacked: int = UNPACKED) -> int:
    """Refuse a zip archive that is too large when unpacked, before unpacking it; return its unpacked size.

    Raises
    ------
    UnreadableError
        With the unpacked size.
    """
    members = archive.infolist()
    if len(members) > _MEMBERS:
        msg = f"holds {len(members):,} files, more than {_MEMBERS:,}"
        raise UnreadableError(msg)
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > unpacked or total > 1_000_000 + _RATIO * packed:
        most = min(unpacked, 1_000_000 + _RATIO * packed)
        msg = f"unpacks to {total / 1e6:,.0f} MB, more than {most / 1e6:,.0f}"
        raise UnreadableError(msg)
    return total


class Relation(NamedTuple):
    """A link from one part of an office file to another: its id, its kind, and the name of the other part."""

    id: str
    kind: str
    target: str


class Package:
    """Parts of an office file.

    Parameters
    ----------
    raw : bytes
        The file.
    outer : Package, optional
        The file that it is a part of, whose limit on the unpacked size it shares.

    Attributes
    ----------
    room : int
        What is left of the limit, in bytes.

    Raises
    ------
    UnreadableError
        If it is not a zip archive, or too large when unpacked.
    """

    def __init__(self, raw: bytes, outer: Package | None = None) -> None:
        if raw.startswith(OLE):
            msg = "is locked with a password, or older than Office 2007; save it as a new file without one"
            raise UnreadableError(msg)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise UnreadableError.because(error) from error
        self.room: int = UNPACKED if outer is None else outer.room
        self.room -= check_archive(self._archive, self.room)
        if outer is not None:
            outer.room = self.room

    def __contains__(self, name: str) -> bool:
        return name in self._archive.NameToInfo

    def members(self) -> list[zipfile.ZipInfo]:
        """List the entries of the archive."""
        return self._archive.infolist()

    def read(self, name: str) -> bytes:
        """Return the bytes of a part.

        Raises
        ------
        UnreadableError
            If it is missing, damaged or locked.
        """
        try:
            with self._archive.open(name) as member:
                return member.read(UNPACKED)
        except Exception as error:  # each compression raises its own errors
            raise UnreadableError.because(error, name) from error

    def xml(self, name: str) -> Any:
        """Parse a part.

        Raises
        ------
        UnreadableError
            If it is missing or not XML.
        """
        return parse_xml(self.read(name), name)

    def related(self, name: str) -> list[Relation]:
        """List the parts that a part refers to, sorted by name; for an empty name, those of the package.

        Raises
        ------
        UnreadableError
            If the list is no XML.
        """
        folder, base = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{base}.rels")
        if relations not in self:
            return []
        found = []
        for one in self.xml(relations).iter(f"{_RELATIONS}Relationship"):
            if one.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
                found.append(Relation(one.get("Id", ""), one.get("Type", "").rsplit("/", 1)[-1], target))
        return sorted(found, key=lambda one: one.target)


def parse_xml(raw: bytes, name: str) -> Any:
    """Parse XML without entities, network access or excessive depth.

    Raises
    ------
    UnreadableError
        If it is not XML; the message names the line.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        msg = f"{name} is not XML ({error})"
        raise UnreadableError(msg) from error
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(declared.iterentities()):
        msg = f"{name} declares entities, which office programs never do"
        raise UnreadableError(msg)
    return root
