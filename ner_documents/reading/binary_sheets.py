"""What calamine does not know of binary workbooks (.xlsb, .xls), written as it knows it.

Cells of .xlsb that do not name their column, as SheetJS writes them, are passed by: MS-XLSB 2.1.4 and 2.4,
records BrtShortBlank to BrtShortIsst, https://learn.microsoft.com/openspecs/office_file_formats/ms-xlsb.
Texts of .xls are read in the code page that Spreadsheet::WriteExcel and its ports name, though they are
Unicode: MS-XLS 2.4.52, https://learn.microsoft.com/openspecs/office_file_formats/ms-xls.
"""

from __future__ import annotations

import io
import zipfile

__all__ = ["with_columns", "with_unicode"]

_ROW = 0
_CELLS = range(1, 12)
_SHORT = range(12, 19)
#: Difference between the number of a short record and that of the record with a column.
_DISTANCE = 11
#: Begin of a workbook of Excel 97 and later: the record BOF, for globals.
_GLOBALS = b"\x09\x08\x10\x00\x00\x06\x05\x00"
_CODE_PAGE = 0x42
_UNICODE = (1200).to_bytes(2, "little")
_RECORDS = 50
#: A sheet without short cells in this many records has none; and the largest sheet that is rewritten.
_LOOKED_AT = 200_000
_LARGEST = 200_000_000


def with_columns(archive: zipfile.ZipFile, raw: bytes) -> bytes:
    """Return a workbook in which every cell names its column; the same bytes when they all do."""
    changed = {}
    for name in archive.namelist():
        if name.startswith("xl/worksheets/") and name.endswith(".bin"):
            if archive.getinfo(name).file_size > _LARGEST:
                return raw
            try:
                sheet = archive.read(name)
                changed[name] = _long_cells(sheet)
            except Exception:  # noqa: BLE001 - the cells' reader reports errors
                return raw
            if changed[name] is sheet:
                del changed[name]
    if not changed:
        return raw
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
        for name in archive.namelist():
            copy.writestr(name, changed[name] if name in changed else archive.read(name))
    return out.getvalue()


def _long_cells(sheet: bytes) -> bytes:
    r"""Rewrite the records of a sheet; a short cell is in the column after the last.

    Examples
    --------
    >>> _long_cells(b"\x06\x04\x03\x00\x00\x00\x11\x02ab").hex(" ")
    '06 04 03 00 00 00 06 06 04 00 00 00 61 62'
    """
    parts: list[bytes] = []
    position = copied = records = 0
    column = -1
    while position < len(sheet) and (parts or records < _LOOKED_AT):
        records += 1
        start = position
        kind, position = _number(sheet, position, 2)
        size, position = _number(sheet, position, 4)
        if kind == _ROW:
            column = -1
        elif kind in _CELLS:
            column = int.from_bytes(sheet[position : position + 4], "little")
        elif kind in _SHORT:
            column += 1
            parts += [sheet[copied:start], bytes((kind - _DISTANCE,)), _written(size + 4)]
            parts.append(column.to_bytes(4, "little"))
            copied = position
        position += size
    return b"".join([*parts, sheet[copied:]]) if parts else sheet


def _number(raw: bytes, position: int, most: int) -> tuple[int, int]:
    """Read a number with seven bits per byte; return it and its end."""
    value = 0
    for index in range(most):
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    return value, position


def _written(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def with_unicode(raw: bytes) -> bytes:
    """Return an .xls whose code page is the one of its texts, UTF-16; older workbooks stay as they are.

    Examples
    --------
    >>> begin = _GLOBALS + bytes(12)
    >>> with_unicode(begin + bytes((0x42, 0, 2, 0, 0xE4, 4, 1))).removeprefix(begin).hex(" ")
    '42 00 02 00 b0 04 01'
    """
    position = raw.find(_GLOBALS)
    for _ in range(_RECORDS if position >= 0 else 0):
        kind, size = (int.from_bytes(raw[position + at : position + at + 2], "little") for at in (0, 2))
        if kind == _CODE_PAGE and size == len(_UNICODE):
            return raw[: position + 4] + _UNICODE + raw[position + 6 :]
        position += 4 + size
    return raw
