"""Formats that can be read: their names and file suffixes."""

from __future__ import annotations

__all__ = ["COMPRESSIONS", "FORMATS", "SUFFIXES", "TABLES", "format_by_name"]

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
