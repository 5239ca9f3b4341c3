"""Formats that can be read: their names and file suffixes."""

from __future__ import annotations

__all__ = ["COMPRESSIONS", "FORMATS", "MEDIA_TYPES", "SUFFIXES", "TABLES", "format_by_name"]

_SUFFIXES = {
    "text": (".txt", ".text", ".md", ".markdown", ".log"),
    "lines": (),
    "html": (".html", ".htm", ".xhtml"),
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
    "eml": (".eml",),
    "mbox": (".mbox",),
    "srt": (".srt", ".vtt"),
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
