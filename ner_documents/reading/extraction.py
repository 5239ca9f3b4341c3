"""Text out of uploaded files: plain text, Markdown, HTML, PDF, Word, CSV and JSON lines.

Files come from anyone: sizes are bounded before anything is unpacked, nothing in a file is followed or run,
and whatever a damaged file makes a library raise becomes one `ExtractionError` that names the file.
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SUFFIXES", "Document", "ExtractionError", "extract"]

_PDF_SECONDS = 60.0
_DOCX_UNPACKED = 200_000_000
_BLOCKS = """
address article aside blockquote br caption dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6
header hr li main nav ol option p pre section table td th title tr ul
""".split()  # noqa: SIM905 - a list of 36 strings reads worse
_SILENT = ["script", "style", "noscript", "template", "svg", "head"]


class ExtractionError(ValueError):
    """A file holds no text that can be read; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a file.

    Attributes
    ----------
    name : str
        File name; for a row of a table ``name:row``.
    text : str
        The text.
    """

    name: str
    text: str


def extract(
    name: str, content: bytes, *, column: str = "", max_characters: int = 2_000_000
) -> list[Document]:
    r"""Take the text out of a file.

    Parameters
    ----------
    name : str
        File name; its suffix says the type.
    content : bytes
        What is in the file.
    column : str
        For CSV and JSON lines, the column or key that holds the text; by default ``text`` or, where there is
        none, the one with the longest texts.
    max_characters : int
        Most characters of the whole file.

    Returns
    -------
    list of Document
        One for the file, or one for each row of a CSV or JSON lines file; texts are not blank.

    Raises
    ------
    ExtractionError
        The file is empty, damaged, locked, too long, of a type that is not read, or has no such column.

    Examples
    --------
    >>> extract("a.html", b"<p>Mary</p><p>in <b>Paris</b></p><script>x</script>")
    [Document(name='a.html', text='Mary\nin Paris')]
    >>> extract("a.csv", b"id,text\n1,Mary sings\n")
    [Document(name='a.csv:2', text='Mary sings')]
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in _READERS:
        msg = f"{name}: files of this type are not read; {', '.join(SUFFIXES)} are."
        raise ExtractionError(msg)
    if not content.strip():
        msg = f"{name}: the file is empty."
        raise ExtractionError(msg)
    try:
        if suffix in _TABLES:
            documents = _rows(name, list(_TABLES[suffix](name, content)), column)
        else:
            documents = [Document(name, _READERS[suffix](name, content).strip())]
    except ExtractionError:
        raise
    # pypdf, python-docx and html.parser raise anything on damaged files.
    except Exception as error:
        reason = f"{error}".strip() or type(error).__name__
        msg = f"{name}: the file is damaged or not what its name says ({reason[:200]})."
        raise ExtractionError(msg) from error
    documents = [document for document in documents if document.text.strip()]
    if not documents:
        scanned = " A scanned PDF needs text recognition (OCR) first." if suffix == ".pdf" else ""
        msg = f"{name}: holds no text.{scanned}"
        raise ExtractionError(msg)
    characters = sum(len(document.text) for document in documents)
    if characters > max_characters:
        msg = f"{name}: holds {characters:,} characters; up to {max_characters:,} are taken. Split the file."
        raise ExtractionError(msg)
    return documents


def _decoded(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content:
        msg = f"{name}: is not a text file (it holds NUL bytes)."
        raise ExtractionError(msg)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Windows' Western code page, the usual other one; it maps nearly every byte.
        return content.decode("cp1252", errors="replace")


def _html(_name: str, content: bytes) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(content, "html.parser")
    for element in soup(_SILENT):
        element.decompose()
    for element in soup(_BLOCKS):
        element.insert_before("\n")
        element.insert_after("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().splitlines())
    return "\n".join(line for line in lines if line)


def _pdf(name: str, content: bytes) -> str:
    import logging

    from pypdf import PdfReader

    # pypdf logs what it finds odd in a file; a visitor's file is no news for the host.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        msg = f"{name}: is locked with a password. Save it without one."
        raise ExtractionError(msg)
    deadline = time.monotonic() + _PDF_SECONDS
    pages = []
    for page in reader.pages:
        pages.append(page.extract_text())
        if time.monotonic() > deadline:
            msg = f"{name}: reading takes longer than {_PDF_SECONDS:.0f} seconds. Split the file."
            raise ExtractionError(msg)
    return "\n\n".join(pages)


def _docx(name: str, content: bytes) -> str:
    import docx
    from docx.table import Table

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _DOCX_UNPACKED:
            msg = f"{name}: unpacks to more than {_DOCX_UNPACKED // 1_000_000} MB."
            raise ExtractionError(msg)
    lines: list[str] = []
    for block in docx.Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                # A merged cell is listed once for each column that it spans.
                cells = dict.fromkeys(row.cells)
                lines.append("\t".join(cell.text for cell in cells))
        else:
            lines.append(block.text)
    return "\n".join(lines)


def _csv_rows(name: str, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    text = _decoded(name, content)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:64_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect, restkey="")
    for row in reader:
        yield reader.line_num, {key: value for key, value in row.items() if isinstance(value, str)}


def _json_rows(name: str, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    # Only "\n" ends a line: splitlines() would also cut at U+2028, which JSON strings may hold.
    for number, line in enumerate(_decoded(name, content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            msg = f"{name}: line {number} is not JSON ({error}). One JSON object a line is expected."
            raise ExtractionError(msg) from error
        if isinstance(row, str):
            row = {"text": row}
        if not isinstance(row, dict):
            msg = f"{name}: line {number} holds {type(row).__name__}; an object or a string is expected."
            raise ExtractionError(msg)
        yield number, {key: value for key, value in row.items() if isinstance(value, str)}


def _rows(name: str, rows: list[tuple[int, dict[str, Any]]], column: str) -> list[Document]:
    lengths: dict[str, int] = {}
    for _, row in rows:
        for key, value in row.items():
            lengths[key] = lengths.get(key, 0) + len(value)
    chosen = column.strip()
    if not lengths:
        return []
    if not chosen:
        chosen = "text" if "text" in lengths else max(lengths, key=lambda key: lengths[key])
    if chosen not in lengths:
        known = ", ".join(str(key) for key in lengths)
        msg = f"{name}: has no column {chosen!r}; it has {known[:300]}."
        raise ExtractionError(msg)
    return [Document(f"{name}:{number}", row[chosen]) for number, row in rows if row.get(chosen)]


_TABLES: dict[str, Callable[[str, bytes], Iterator[tuple[int, dict[str, Any]]]]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
}
_READERS: dict[str, Callable[[str, bytes], Any]] = {
    ".txt": _decoded,
    ".md": _decoded,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
    **_TABLES,
}
SUFFIXES = tuple(_READERS)
