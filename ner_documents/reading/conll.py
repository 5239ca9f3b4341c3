"""CoNLL columns: a word and more on each line, sentences apart by empty lines; a document a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from ner_documents.document import Document, Problem
from ner_documents.reading.lines import TextLine, text_lines
from ner_documents.reading.records import too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["is_between_sentences", "read_conll"]

# As CoNLL-U, UNER and MultiCoNER have them; a "#" may as well be a word.
_COMMENT = re.compile(r"#\s*(\S+\s+=|\S+=|id\s|newdoc|newpar)")


def read_conll(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read sentences; the word column is given, or the second where the first counts."""
    sentence = _Sentence(source, options)
    for line in text_lines(stream, source, options):
        if isinstance(line, Problem):
            if line.lost:
                sentence.problem = sentence.problem or line
            else:
                yield line
            continue
        border = not line.text.strip() or line.text.startswith("-DOCSTART-")
        if border and (item := sentence.finish()):
            yield item
            sentence = _Sentence(source, options)
        elif not line.text.strip() and sentence.kept:
            sentence.kept.append("")  # behind -DOCSTART-
        if line.text.strip():
            sentence.add(line)
    if item := sentence.finish():
        yield item


class _Sentence:
    """Lines of one sentence, with the comments and document borders before it."""

    def __init__(self, source: str, options: ReadOptions) -> None:
        self.kept: list[str] = []
        self.problem: Problem | None = None
        self._rows: list[list[str]] = []
        self._lines: list[TextLine] = []
        self._source = source
        self._options = options
        self._size = 0

    def add(self, line: TextLine) -> None:
        """Take one line that is not empty."""
        self._size += len(line.text)
        if self._size > self._options.limit:
            begin = self._lines[0].number if self._lines else line.number
            reason = too_long(self._options.limit)
            self.problem = self.problem or Problem(self._source, begin, reason, line.raw)
            return
        self.kept.append(line.text)
        if self._rows or not is_between_sentences(line.text):
            self._rows.append(_columns(line.text))
            self._lines.append(line)

    def finish(self) -> Item | None:
        """Return the sentence or its problem, None while there is neither."""
        if self.problem or not self._rows:
            return self.problem
        column = self._options.word_column
        if column is None:
            counted = all(row[0] == str(number) for number, row in enumerate(self._rows, 1))
            column = int(counted and all(len(row) > 1 for row in self._rows))
        for row, line in zip(self._rows, self._lines, strict=True):
            if column >= len(row) or not row[column]:
                reason = f"expected a word in column {column}, found {line.text[:60]!r}"
                return Problem(self._source, line.number, reason, line.raw)
        words = [row[column] for row in self._rows]
        begin = self._lines[0].number
        fields = {"source": self._source, "line": begin, "words": words}
        return Document(self._source, begin, " ".join(words), fields, tuple(self.kept), tuple(words))


def is_between_sentences(line: str) -> bool:
    """Tell lines before a sentence: borders of documents, and comments as CoNLL-U has them.

    Examples
    --------
    >>> [is_between_sentences(line) for line in ("-DOCSTART- -X-", "# sent_id = 1", "# id 7 a=b", "# O")]
    [True, True, True, False]
    """
    return line.startswith("-DOCSTART-") or _COMMENT.match(line) is not None


def _columns(line: str) -> list[str]:
    if "\t" in line:
        return [field.strip(" ") for field in line.split("\t")]
    return [field for field in line.split(" ") if field] or [""]
