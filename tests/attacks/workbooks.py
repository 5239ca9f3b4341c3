"""Workbooks (.ods, .xlsb) whose parts are damaged or lie, inside of an archive that is whole."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

from ner_documents.document import Problem
from ner_documents.reading import read_bounded
from tests.attacks.attack import DAMAGES, Kind

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
_SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = (
    f'<manifest:manifest xmlns:manifest="{_OPEN}:manifest:1.0"><manifest:file-entry manifest:full-path="/"'
    f' manifest:media-type="{_SPREADSHEET}"/></manifest:manifest>'
)
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SECONDS = 20.0


def ods(rows: str, before: str = "") -> dict[str, bytes]:
    """The parts of an OpenDocument workbook."""
    names = " ".join(f'xmlns:{name}="{_OPEN}:{name}:1.0"' for name in ("office", "table", "text"))
    content = (
        f"{before}<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{row(cell("id") + cell("text"))}{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return {
        "mimetype": _SPREADSHEET.encode(),
        "META-INF/manifest.xml": _MANIFEST.encode(),
        "content.xml": content.encode(),
    }


def cell(text: str, repeated: str = "") -> str:
    again = f' table:number-columns-repeated="{repeated}"' if repeated else ""
    return f'<table:table-cell office:value-type="string"{again}><text:p>{text}</text:p></table:table-cell>'


def row(cells: str, repeated: str = "") -> str:
    again = f' table:number-rows-repeated="{repeated}"' if repeated else ""
    return f"<table:table-row{again}>{cells}</table:table-row>"


def record(kind: int, content: bytes = b"") -> bytes:
    """A record of an .xlsb part (MS-XLSB 2.1.4): kind and size in seven bits a byte."""
    size, sizes = len(content), b""
    while size or not sizes:
        sizes += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
    return (bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])) + sizes + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def at(number: int, *cells: bytes) -> bytes:
    return record(0, struct.pack("<IIHBBBI", number, 0, 300, 0, 0, 0, 0)) + b"".join(cells)


def text_in(column: int, text: str) -> bytes:
    return record(6, struct.pack("<II", column, 0) + wide(text))


def xlsb(
    rows: bytes, corners: tuple[int, int, int, int] = (0, 1, 0, 1), shared: bytes = b""
) -> dict[str, bytes]:
    """The parts of a binary workbook."""
    sheets = record(143) + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("S")) + record(144)
    kinds = "".join(
        f'<Default Extension="{end}" ContentType="application/{kind}"/>'
        for end, kind in {
            "bin": "vnd.ms-excel.sheet.binary.macroEnabled.main",
            "rels": "vnd.openxmlformats-package.relationships+xml",
        }.items()
    )
    dimension = record(148, struct.pack("<IIII", *corners))
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{kinds}</Types>'.encode(),
        "_rels/.rels": relations(officeDocument="xl/workbook.bin"),
        "xl/_rels/workbook.bin.rels": relations(worksheet="worksheets/s.bin", sharedStrings="shared.bin"),
        "xl/workbook.bin": record(131) + sheets + record(132),
        "xl/worksheets/s.bin": record(129) + dimension + record(145) + rows + record(146) + record(130),
        "xl/shared.bin": shared or record(159, struct.pack("<II", 0, 0)) + record(160),
    }


def relations(**targets: str) -> bytes:
    found = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items(), 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'.encode()


def packed(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


HONEST_ODS = ods(row(cell("1") + cell("Mary met Bob.")))
HEADER = at(0, text_in(0, "id"), text_in(1, "text"))
HONEST_XLSB = xlsb(HEADER + at(1, text_in(0, "1"), text_in(1, "Mary met Bob.")))
_HUGE = 2**31
LYING = {
    ".ods: rows by the thousand million": ods(row(cell("1") + cell(""), "1000000000")),
    ".ods: columns by the thousand million": ods(row(cell("1") + cell("Mary", "1000000000"))),
    ".ods: repeated less than once": ods(row(cell("1") + cell("Mary"), "-1")),
    ".ods: spaces by the thousand million": ods(row(cell("1") + cell('<text:s text:c="2000000000"/>'))),
    ".ods: nested deeply": ods(row(cell("1") + cell("<text:span>" * 50_000 + "x" + "</text:span>" * 50_000))),
    ".ods: entities that expand": ods(
        row(cell("&b;")), f'<!DOCTYPE x [<!ENTITY a "{"x" * 1000}"><!ENTITY b "{"&a;" * 1000}">]>'
    ),
    ".ods: files as entities": ods(
        row(cell("&b;")), '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    ),
    ".ods: sheets that never end": {**HONEST_ODS, "content.xml": HONEST_ODS["content.xml"][:-60]},
    ".xlsb: corners that lie": xlsb(HEADER, (0, _HUGE, 0, _HUGE)),
    ".xlsb: rows that lie": xlsb(HEADER + at(_HUGE, text_in(0, "x"))),
    ".xlsb: columns that lie": xlsb(HEADER + at(1, text_in(_HUGE, "x"))),
    ".xlsb: lengths that lie": xlsb(HEADER + at(1, record(6, struct.pack("<III", 0, 0, _HUGE)))),
    ".xlsb: strings that are not there": xlsb(HEADER + at(1, record(7, struct.pack("<III", 0, 0, _HUGE)))),
    ".xlsb: strings by the thousand million": xlsb(
        HEADER, shared=record(159, struct.pack("<II", _HUGE, _HUGE))
    ),
    ".xlsb: a record without end": {**HONEST_XLSB, "xl/worksheets/s.bin": b"\x81\x01" + b"\xff" * 9},
    ".xlsb: no parts": dict.fromkeys(HONEST_XLSB, b""),
}


def read(name: str, parts: dict[str, bytes], *, large: bool = False) -> str:
    items = list(read_bounded(name, content=packed(parts), seconds=_SECONDS))
    problems = [str(item) for item in items if isinstance(item, Problem)]
    for said in problems:
        assert large or "longer than" not in said, said
        assert "passwd" not in said, said
        assert len(said) < 500, said
    assert not [item for item in items if "root:" in getattr(item, "text", "")]
    return "read" if len(items) > len(problems) else "reported"


def lying(called: str):
    large = "rows by" in called  # a million of them take a minute, where there is one
    return lambda chance, folder: read(f"a{called.partition(':')[0]}", LYING[called], large=large)


def damaged(suffix: str, damage):
    def attempt(chance: Random, folder: Path) -> str:
        honest = HONEST_ODS if suffix == ".ods" else HONEST_XLSB
        name = chance.choice([name for name in honest if name.endswith((".bin", "content.xml"))])
        return read(f"a{suffix}", honest | {name: damage(honest[name], chance)})

    return attempt


def kinds() -> list[Kind]:
    found = [Kind("workbook", called, lying(called), costly=True) for called in LYING]
    found += [
        Kind("workbook", f"{suffix}, inside: {called}", damaged(suffix, damage))
        for suffix in (".ods", ".xlsb")
        for called, damage in DAMAGES.items()
    ]
    return found
