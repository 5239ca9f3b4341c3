"""The values that readers hand to engines: a document to annotate, or a report of one that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["BadDocument", "CorpusError", "Document"]

_EXCERPT_BYTES = 2000


class CorpusError(ValueError):
    """A corpus run that cannot start or go on: what failed, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it stands in its source.

    Attributes
    ----------
    source : str
        Path or URL of the file.
    line : int or None
        Line where the document begins, or row of a Parquet file, from 1; None when the file is the document.
    text : str or tuple of str
        Running text, or words that are already split.
    fields : dict
        Everything that is kept in the output, the text included, in the order of the source.
    lines : tuple of str
        Lines of a CoNLL source, without line ends, as they are kept in CoNLL output.
    """

    source: str
    line: int | None
    text: str | tuple[str, ...]
    fields: dict[str, Any]
    lines: tuple[str, ...] = ()

    @property
    def characters(self) -> int:
        """Number of characters, the spaces between words included.

        Examples
        --------
        >>> Document("a.txt", None, ("Mary", "sings"), {}).characters
        10
        """
        if isinstance(self.text, str):
            return len(self.text)
        return sum(map(len, self.text)) + max(len(self.text) - 1, 0)


@dataclass(frozen=True, slots=True)
class BadDocument:
    """A document that could not be read, for the errors file.

    Attributes
    ----------
    source : str
        Path or URL of the file.
    line : int or None
        Line or row, from 1; None when the whole file is meant.
    problem : str
        What was expected and found.
    raw : bytes
        The first bytes of the document, where there are any.
    """

    source: str
    line: int | None
    problem: str
    raw: bytes = field(default=b"", repr=False)

    @property
    def where(self) -> str:
        """``file`` or ``file:line``.

        Examples
        --------
        >>> BadDocument("a.jsonl", 3, "broken").where
        'a.jsonl:3'
        """
        return self.source if self.line is None else f"{self.source}:{self.line}"

    def to_dict(self) -> dict[str, Any]:
        r"""Return plain JSON values; bytes that are not UTF-8 stand as ``\xNN``.

        Examples
        --------
        >>> BadDocument("a.jsonl", 3, "broken", b"{\xff").to_dict()["raw"]
        '{\\xff'
        """
        raw = self.raw[:_EXCERPT_BYTES].decode("utf-8", "backslashreplace")
        return {"source": self.source, "line": self.line, "problem": self.problem, "raw": raw}
