"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods): one table per sheet, one document per row.

python-calamine reads all of them, in Rust and without evaluating formulas; openpyxl reads one and is twenty
times slower. What programs export as .xls is often text: a web page with tables, XML of Excel 2003, or CSV.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from ner_documents.document import Problem
from ner_documents.formats import BEGIN, format_by_content
from ner_documents.reading.binary_sheets import with_columns, with_unicode
from ner_documents.reading.blocks import count_of
from ner_documents.reading.detection import guess_encoding
from ner_documents.reading.encodings import decode
from ner_documents.reading.html import declared_in_page, html_blocks, read_html
from ner_documents.reading.packages import OLE, UnreadableError, check_archive, parse_xml
from ner_documents.reading.records import (
    MAX_COLUMNS,
    Row,
    above_table,
    documents_of,
    named_columns,
    title_rows,
)
from ner_documents.reading.tables import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_workbook"]

_UNPACKED = 1_000_000_000
_EXCEL_2003 = "urn:schemas-microsoft-com:office:spreadsheet"
#: Parts and bytes of each that are searched for text outside the values of cells.
_LOOKED_INTO = 100
_LOOKED_AT = 1 << 22
_BESIDE = (
    ("text boxes", "xl/drawings/drawing", re.compile(rb"<(?:a:)?t>")),
    # As libraries write them; programs write the value, and the type of one that is empty.
    (
        "formulas without values",
        "xl/worksheets/",
        re.compile(rb'<c(?: [rs]="\w+")*><f\b[^<>]*>[^<]*</f>(?:<v ?/>|<v></v>)?</c>'),
    ),
)
_NOTE, _NOTE_END = b"<office:annotation", b"</office:annotation>"
_BOX = re.compile(
    rb"<draw:(?:text-box|custom-shape)\b[^>]*(?<!/)>(?:(?!</draw:|<table:).){0,4000}?<text:p\b[^>]*(?<!/)>",
    re.DOTALL,
)
_BETWEEN_CELLS = re.compile(rb"(</?table:[^<>]*>)\s+(?=</?table:)")
_BREAKS = {rb"<text:line-break\s*/>": b"&#10;", rb"<text:tab\b[^<>]*/>": b"&#9;"}


def read_workbook(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read all sheets; each has its own header."""
    text = not raw.startswith((b"PK", OLE)) and guess_encoding(raw[:BEGIN], whole=len(raw) <= BEGIN).name
    yield from (_read_text if text else _read_sheets)(raw, source, options)


def _read_text(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read the sheets of an XML workbook, the tables of a web page, or CSV."""
    if _EXCEL_2003.encode() in raw[:BEGIN]:
        tables = _tables_of_xml(parse_xml(raw, "the workbook"))
    elif format_by_content(raw) == "html":
        text, problems = decode(raw, source, options.encoding, declared_in_page(raw))
        tables = _tables_of_page(text or "")
        if not tables:
            yield from read_html(raw, source, options)
            return
        yield from problems
        page = html_blocks(text or "")
        beside = " ".join(page.text[one.start : one.end] for one in page.blocks if one.row is None)
        if beside:
            yield Problem(
                source, None, f"holds text beside its tables, which is not read: {beside}", lost=False
            )
    else:
        yield from read_csv(io.BufferedReader(io.BytesIO(raw), BEGIN), source, options)
        return
    for name, rows in tables.items():
        width = max(map(len, rows), default=0)
        padded = [row + [""] * (width - len(row)) for row in rows]
        yield from _sheet(padded, source, name if len(tables) > 1 else "", options)


def _tables_of_page(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table; empty if tables hold tables, and so are a layout."""
    from selectolax.lexbor import LexborHTMLParser

    tables = LexborHTMLParser(text)
    if tables.css_first("table table") is not None:
        return {}
    found: dict[str, list[list[str]]] = {}
    for number, table in enumerate(tables.css("table"), 1):
        rows = found[f"table {number}"] = []
        for row in table.css("tr"):
            cells: list[str] = []
            for cell in row.css("td, th"):
                cells.append(html_blocks(cell.html or "").text)
                cells += [""] * (count_of(cell.attributes.get("colspan"), MAX_COLUMNS) - 1)
            rows.append(cells)
    return found


def _tables_of_xml(root: Any) -> dict[str, list[list[str]]]:
    """Return the rows of each sheet of XML as Excel 2002 and 2003 write it."""
    found: dict[str, list[list[str]]] = {}
    for sheet in root.iter("{*}Worksheet"):
        rows = found[sheet.get(f"{{{_EXCEL_2003}}}Name", "")] = []
        for row in sheet.iter("{*}Row"):
            cells: list[str] = []
            for cell in row.iter("{*}Cell"):
                column = count_of(cell.get(f"{{{_EXCEL_2003}}}Index"), MAX_COLUMNS)  # after empty cells
                cells += [""] * (column - 1 - len(cells))
                cells.append("".join(text for data in cell.iter("{*}Data") for text in data.itertext()))
            rows.append(cells)
    return found


def _read_sheets(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    from python_calamine import CalamineError, CalamineWorkbook

    beside: list[str] = []
    try:
        if raw.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                check_archive(archive, _UNPACKED)
                if "content.xml" in archive.namelist():
                    raw, beside = _open_cells(archive, raw)
                else:
                    raw, beside = with_columns(archive, raw), _beside_cells(archive)
        else:
            raw = with_unicode(raw)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    except UnreadableError:
        raise
    except Exception as error:  # each format raises its own errors
        raise UnreadableError.because(error) from error
    if beside:
        yield Problem(source, None, f"holds {' and '.join(beside)}, which are not read", lost=False)
    for name in workbook.sheet_names:
        try:
            sheet = workbook.get_sheet_by_name(name)
        except CalamineError as error:
            yield Problem(source, None, f"the sheet cannot be read ({error})", place=name)
            continue
        place = name if len(workbook.sheet_names) > 1 else ""
        if sheet.width > MAX_COLUMNS:
            reason = f"expected up to {MAX_COLUMNS:,} columns, found {sheet.width:,}"
            yield Problem(source, None, reason, place=name)
            continue
        # From the first row of the sheet, empty or not.
        yield from _sheet(sheet.iter_rows(), source, place, options)


def _beside_cells(archive: zipfile.ZipFile) -> list[str]:
    """Return the kinds of text outside the cells of a workbook."""
    names = archive.namelist()
    found = []
    if any(name.startswith(("xl/comments", "xl/threadedComments/")) for name in names):
        found.append("comments")
    for kind, begin, pattern in _BESIDE:
        parts = [name for name in names if name.startswith(begin) and name.endswith(".xml")]
        if any(_holds(archive, name, pattern) for name in parts[:_LOOKED_INTO]):
            found.append(kind)
    return found


def _holds(archive: zipfile.ZipFile, name: str, pattern: re.Pattern[bytes]) -> bool:
    try:
        with archive.open(name) as part:
            return pattern.search(part.read(_LOOKED_AT)) is not None
    except Exception:  # noqa: BLE001 - the cells' reader reports errors
        return False


def _open_cells(archive: zipfile.ZipFile, raw: bytes) -> tuple[bytes, list[str]]:
    """Work around calamine in an OpenDocument workbook, and return the kinds of text outside its cells.

    Calamine stops at white space between cells, drops breaks and tabs within a cell, which joins words, and
    begins a new line after a comment.
    """
    try:
        content = archive.read("content.xml")
        manifest = archive.read("META-INF/manifest.xml")
    except Exception:  # noqa: BLE001 - the cells' reader reports errors
        return raw, []
    _check_whole(content)
    found = ["comments"] if _NOTE_END in content else []
    found += ["text boxes"] if _BOX.search(content) else []
    plain = _BETWEEN_CELLS.sub(rb"\1", _without_notes(content))
    for pattern, character in _BREAKS.items():
        plain = re.sub(pattern, character, plain)
    if plain == content:
        return raw, found
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as compact:
        compact.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        compact.writestr("META-INF/manifest.xml", manifest)
        compact.writestr("content.xml", plain)
    return out.getvalue(), found


def _without_notes(content: bytes) -> bytes:
    """Remove comments, which precede the text of a cell, and the white space around them."""
    first, *rest = content.split(_NOTE)
    parts = [first]
    for part in rest:
        note, end, behind = part.partition(_NOTE_END)
        parts[-1:] = [parts[-1].rstrip(), behind.lstrip()] if end else [parts[-1], _NOTE + note]
    return b"".join(parts)


def _check_whole(content: bytes) -> None:
    """Refuse a truncated part: calamine would search for its end forever."""
    try:
        expat.ParserCreate().Parse(content, True)
    except expat.ExpatError as error:
        msg = f"the file is damaged (content.xml: {error})"
        raise UnreadableError(msg) from None


def _sheet(rows: Iterable[list[Any]], source: str, place: str, options: ReadOptions) -> Iterator[Item]:
    yield from documents_of(_rows(rows, source, place, options), source, options, place=place)


def _rows(
    cells: Iterable[list[Any]], source: str, place: str, options: ReadOptions
) -> Iterator[Row | Problem]:
    rows = ((n, row) for n, row in enumerate(cells, 1) if any(cell not in ("", None) for cell in row))
    ahead = list(islice(rows, 20))
    if not ahead:
        return
    texts = [["" if cell is None else str(_value(cell)) for cell in row] for _, row in ahead]
    gaps = [n for n, (before, row) in enumerate(pairwise(ahead), 1) if row[0] > before[0] + 1]
    for _ in range(title_rows(texts, options, gaps)):
        number = ahead.pop(0)[0]
        yield above_table(" ".join(texts.pop(0)), source, number, place=place)
    names, notes = named_columns(texts, options, source, place)
    yield from notes
    for number, row in chain(ahead if notes else ahead[1:], rows):
        yield Row(number, dict(zip(names, map(_value, row), strict=False)))


def _value(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell) if isinstance(cell, datetime.timedelta) else cell
