"""CoNLL columns: a word per line, empty lines between sentences; one document per sentence."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from ner_core.columns import columns, is_no_word
from ner_documents.document import Document, Problem
from ner_documents.reading.lines import TextLine, text_lines
from ner_documents.reading.records import too_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_conll", "words_among"]

# As CoNLL-U, CoNLL-2012, UNER and MultiCoNER have them; a "#" may as well be a word.
_COMMENT = re.compile(r"#\s*(\S+\s+=|\S+=|id\s|newdoc|newpar|(?:begin|end) document)")


def read_conll(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read sentences; the word column is given, or detected: the second if the first holds indices."""
    lines: list[TextLine] = []  # of a sentence, with the comments and document borders before it
    problem: Problem | None = None
    size = settled = 0
    for line in chain(text_lines(stream, source, options), [None]):
        if isinstance(line, Problem):
            if line.lost:
                problem = problem or line
            else:
                yield line
            continue
        if line is None or not line.text.strip() or line.text.startswith("-DOCSTART-"):
            if item := problem or _sentence(lines, settled, source, options):
                yield item
                lines, problem, size = [], None, 0
            settled = len(lines)
        if line is not None and (line.text.strip() or lines):
            size += len(line.text)
            if size > options.limit:
                problem = problem or too_long(source, (lines or [line])[0].number, options.limit, line.raw)
            else:
                lines.append(line)


def _sentence(lines: Sequence[TextLine], settled: int, source: str, options: ReadOptions) -> Item | None:
    """Return a sentence or its problem, None if there is none after the lines that are known to hold none."""
    texts = [line.text for line in lines]
    places, counted = words_among(texts[settled:])
    if not places:
        return None
    places = [settled + place for place in places]
    column = int(counted) if options.word_column is None else options.word_column
    words = []
    for place in places:
        row = columns(texts[place])
        if column >= len(row) or not row[column]:
            reason = f"expected a word in column {column + 1}, found {texts[place][:60]!r}"
            return Problem(source, lines[place].number, reason, lines[place].raw)
        words.append(row[column])
    begin = lines[places[0]].number
    fields = {"source": source, "line": begin, "words": words}
    return Document(source, begin, " ".join(words), fields, tuple(texts), tuple(words))


def words_among(lines: Sequence[str]) -> tuple[list[int], bool]:
    r"""Find the lines of a sentence that hold words, and whether the first column is an index.

    Before them stand borders of documents, comments and empty lines. Among those of CoNLL-U stand what
    several words are written as (``2-3``) and words that are not there (``3.1``).

    Examples
    --------
    >>> words_among(["# text = va al", "1\tva\t_", "2-3\tal\t_", "2\ta\t_", "3\tel\t_"])
    ([1, 3, 4], True)
    >>> words_among(["# any comment", "Mary\tB-PER"]), words_among(["#\tO"])
    (([1], False), ([0], False))
    """
    # Not the borders of documents, nor comments as in CoNLL-U.
    known = (line.startswith("-DOCSTART-") or _COMMENT.match(line) for line in lines)
    begin = next((n for n, no_word in enumerate(known) if lines[n].strip() and not no_word), None)
    if begin is None:
        return [], False
    rows = {place: columns(line) for place, line in enumerate(lines) if place >= begin and line.strip()}
    places = list(rows)
    signs = next((n for n, place in enumerate(places) if rows[place][0] != "#"), len(places))
    width = len(rows[places[signs]]) if signs < len(places) else 2
    if any(len(rows[place]) != width for place in places[:signs]):  # comments; else "#" is a word
        places = places[signs:]
    words = [place for place in places if not is_no_word(rows[place], tagged=False)]
    counted = all(rows[place][0] == str(number) for number, place in enumerate(words, 1))
    if words and counted and all(len(rows[place]) > 1 for place in words):
        return words, True
    return places, False
