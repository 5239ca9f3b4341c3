"""Formats that can be read: their names and file suffixes."""

from __future__ import annotations

import re

__all__ = [
    "BEGIN",
    "COMPRESSIONS",
    "FORMATS",
    "MEDIA_TYPES",
    "SUFFIXES",
    "TABLES",
    "format_by_content",
    "format_by_name",
]

_SUFFIXES = {
    "text": (".txt", ".text", ".md", ".markdown", ".log"),
    "lines": (),
    "html": (".html", ".htm", ".xhtml", ".ttml", ".dfxp"),
    "pdf": (".pdf",),
    "docx": (".docx", ".docm", ".dotx"),
    "pptx": (".pptx", ".pptm", ".ppsx", ".potx"),
    "odt": (".odt", ".ott", ".odp", ".otp"),
    "rtf": (".rtf",),
    "epub": (".epub",),
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "xlsx": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "eml": (".eml", ".emlx", ".mhtml", ".mht"),
    "mbox": (".mbox",),
    "srt": (".srt", ".vtt", ".sbv"),
    "conll": (".conll", ".conllu", ".bio", ".iob", ".iob2"),
    "zip": (".zip",),
}
FORMATS = tuple(_SUFFIXES)
#: Suffixes of files that can be read; each may be followed by one of `COMPRESSIONS`.
SUFFIXES = tuple(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
#: Suffix of each media type, for what has no file name.
MEDIA_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/rtf": ".rtf",
    "text/vtt": ".vtt",
    "message/rfc822": ".eml",
    "application/json": ".json",
    "application/rtf": ".rtf",
    "application/zip": ".zip",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/epub+zip": ".epub",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
#: Formats whose documents are rows with named columns.
TABLES = frozenset(("csv", "tsv", "xlsx", "json", "jsonl", "parquet"))

#: Bytes at the start of a file that tell its format.
BEGIN = 1 << 16
#: How files begin, whatever they are called.
_BEGINS = re.compile(rb"(?P<pdf>%PDF-)|(?P<rtf>\s*\{\\rtf)|(?P<zip>PK\x03\x04)")
#: The part of an office file that tells its kind; OpenDocument and EPUB begin with their media type.
_PART = re.compile(
    rb"PK\x03\x04.{26}(?:(?P<docx>word/)|(?P<pptx>ppt/)|(?P<epub>mimetypeapplication/epub)"
    rb"|(?P<xlsx>xl/|mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet)"
    rb"|(?P<odt>mimetypeapplication/vnd\.oasis\.opendocument\.(?:text|presentation)))",
    re.DOTALL,
)
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|meta|table)\b", re.IGNORECASE
)
_MESSAGE = re.compile(rb"mime-version:", re.IGNORECASE)
_OFFICE = frozenset(("docx", "pptx", "odt", "epub", "xlsx"))
#: What is told of a file that may be a web page or a message instead: programs open these by such names.
_MAY_BE_TEXT = _OFFICE | {"", "pdf", "rtf", "csv", "tsv"}

_BY_SUFFIX = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes}


def format_by_name(name: str) -> tuple[str | None, str | None]:
    """Return format and compression of a file by its name; None if unknown or absent.

    Examples
    --------
    >>> format_by_name("a/b.jsonl.gz"), format_by_name("Report.PDF"), format_by_name("a.exe")
    (('jsonl', 'gzip'), ('pdf', None), (None, None))
    """
    name = name.rsplit("/", 1)[-1].lower()
    compression = next((COMPRESSIONS[end] for end in COMPRESSIONS if name.endswith(end)), None)
    if compression:
        name = name.rpartition(".")[0]
    _, dot, suffix = name.rpartition(".")
    return (_BY_SUFFIX.get(dot + suffix) if dot else None), compression


def format_by_content(begin: bytes, told: str = "") -> str:
    """Return the format of a file by its first bytes; if they do not tell, what its name tells.

    Parameters
    ----------
    begin : bytes
        The first `BEGIN` bytes, or the whole file.
    told : str
        The format that its name tells, empty if it is unknown.

    Examples
    --------
    >>> format_by_content(b"%PDF-1.7", "text"), format_by_content(b"<html>", "docx")
    ('pdf', 'html')
    >>> format_by_content(b"<html>", "text"), format_by_content(b"Mary")
    ('text', '')
    """
    found = _BEGINS.match(begin)
    if found is None:
        if told not in _MAY_BE_TEXT:
            return told
        if _MESSAGE.match(begin):
            return "eml"
        return "html" if told != "xlsx" and _PAGE.match(begin) else told  # tables of a page are sheets
    if found.lastgroup != "zip":
        return found.lastgroup or told
    part = _PART.search(begin) if told != "zip" else None
    return part.lastgroup or told if part else told if told in _OFFICE else "zip"
