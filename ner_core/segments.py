r"""Segments of a text, each a separate context: paragraphs, headings, list items, cells, lines of a form.

The model reads each segment by itself, and no entity crosses from one into another. A blank line, a tab and
the bar of a table always divide. A line break divides unless the line was wrapped: wrapped lines end where
the next word would not have fitted into the usual width of the text.
"""

from __future__ import annotations

import operator
import re
from itertools import groupby, pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from ner_core.characters import LEFT_OUT, QUOTE_MARKS, WORD_GOES_ON, rendered
from ner_core.labels import has_letter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "BLANK_LINE",
    "DIVIDERS",
    "ITEM",
    "KEY",
    "LINE_BREAK",
    "MOST_WORDS",
    "SENTENCE",
    "Segment",
    "find_segments",
    "segments_of",
    "spaced",
]

_BREAKS = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
#: A character that `str.splitlines` divides at.
LINE_BREAK = re.compile(f"[{_BREAKS}]")
# No-break, wide and narrow spaces included; bars of tables that programs draw as well.
_WIDE_SPACES = r"\u00a0\u2000-\u200a\u202f\u205f\u3000"
_SPACE = f"[ {_WIDE_SPACES}]"
_BARS = r"|\u2502\u2503\u2551"
#: Possible borders: line breaks, tabs, bars, columns of a table made of spaces.
DIVIDERS = re.compile(rf"[{_BREAKS}\t{_BARS}]|{_SPACE}{{3}}")
# A text without these signs, and without "   ", is one segment.
_SPECIAL = re.compile(rf"[{_BREAKS}\t{_BARS}{_WIDE_SPACES}:=\uff1a]")
_CELL_BORDER = re.compile(rf"\t+|{_SPACE}{{3,}}")
_BAR = re.compile(rf"{_CELL_BORDER.pattern}|[{_BARS}]")
# A line in which bars divide the cells.
_BARRED = re.compile(rf"^[{_BARS}]| [{_BARS}] |[{_BARS}].*[{_BARS}]")
_LINE_END = r"(?:\r\n|\r(?!\n)|\n|\x85|\u2028|\u2029)"
#: A line of nothing but white space.
BLANK_LINE = re.compile(rf"{_LINE_END}[^\S\r\n]*{_LINE_END}")
_HARD_BORDER = re.compile(rf"\t|{BLANK_LINE.pattern}|\u2029|\f")

# Between the fields of a pasted CSV file, but not in 10,000: no space follows.
_FIELD_BORDER = re.compile(r"[;,](?=\S)(?<!\d,(?=\d))")
_GLUED = re.compile(r"(?<=\S)[|;,](?=\S)")
_TWO_SPACES = re.compile(rf"{_SPACE}{{2,}}(?=\S)")
# Between the fields of rows such as "Mary Jones, Acme", of which this many follow each other.
_MARK = re.compile(r"(?:[,;]| [-/\u2013\u2014\u00b7\u2022\u2192]) +(?=\S)")
_LEAST_ROWS = 3
# Smith, J. is one name.
_INITIALS = re.compile(r"(?:[^\W\d_]\.[ -]?)+")
# A., B. or I., II. before the items of a list, which look like initials.
_LETTER = re.compile(r"\(?([A-Z]|[IVX]{1,5}|[a-z]|[ivx]{1,5})[.)]")
_LETTERED = re.compile(rf"{_LETTER.pattern}\s+(?=\S)")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# Markers of a list that directly follow each other: A and B, III and IV.
_NEXT = {
    *pairwise(_ROMAN),
    *pairwise(map(str.lower, _ROMAN)),
    *pairwise(ascii_uppercase),
    *pairwise(ascii_lowercase),
}

#: The mark of an item of a list; a capital letter with a full stop may be an initial, see `_LETTERED`.
ITEM = re.compile(
    r"""
    \s*
    (?: [-*+\u00b7\u2013\u2014\u2022\u2023\u2043\u2190-\u21ff\u25a0-\u27bf\U0001f300-\U0001faff]\ufe0f?\s
        (?:\[[ xX]?\]\s)?                                        # - [x] of a task
      | \#{1,6}\s                                                   # a heading
      | [\u00b7\u2022\u2023\u25aa\u25cf\u25e6](?=\w)
      | [(\[]?\d{1,3}(?:\.\d{1,3})*[.)\]]\s
      | \(?(?:[a-z]|[ivx]{1,4})[.)]\s | \(?(?:[A-Z]|[IVX]{1,4})\)\s
    )
    """,
    re.VERBOSE,
)
# The key of a line of a form, perhaps in bold type.
_KEY = (
    rf"{LEFT_OUT}*[^\W\d_a-z][\w.'\u2019-]*(?: [\w.'\u2019-]+){{0,3}}{LEFT_OUT}* ?:{LEFT_OUT}*\s"
    r"|[^\W\d_]\w{0,9}\uff1a"
)
_LINE_KEY = re.compile(_KEY)
# When somebody said or did what the line tells: [12:03] mary: hi; 2014-2018: in Leeds.
_TIME = re.compile(
    r"[\[(]?(?:\d{1,2}:\d\d|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    r"|(?:19|20)\d\d ?(?:[-\u2013]|to) ?(?:\d{4}|present|date|now|today))\b"
)
_ASSIGNED = r"(?:\w[\w.-]*=(?=[\w\"'])|[^\W\d_]\w*:(?=[^\W\d_]))"
#: The key of one of several fields in a line, where it may begin with a small letter: city: Rome, city=Rome.
KEY = re.compile(rf"{_KEY}|[a-z][\w-]*{LEFT_OUT}* ?:\s|{_ASSIGNED}")
# A wrapped line may begin so by chance, but not several.
_ALIKE = (KEY, _TIME)
_BEFORE_KEY = re.compile(
    rf"(?:\A|[,;]\s+|[\uff0c\uff1b\u3000]|{_SPACE}{{2,}})(?={KEY.pattern})|(?:\A|[,;]\s*|\s)(?={_ASSIGNED})"
)
#: Longer cells are sentences rather than names.
MOST_WORDS = 6
#: A line that ends so is a sentence, or goes on; "Acme Inc." is neither.
SENTENCE = re.compile(r"(?:[!?:;,\u2026\u3002\uff01\uff1f]|\b[a-z]\w*\.)$")
_SENTENCE_END = re.compile(r"[.!?:;\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*$")
_OPEN_END = re.compile(
    r"(?:,|-|\b(?:a|an|and|as|at|but|by|for|from|in|into|is|its|of|on|or|than|that|the|their|to|was|were|who|with|de|"
    r"la|le|der|die|das|und|von|in|el|y|et|di|e))$",
    re.IGNORECASE,
)
# Words that never end an item of a list, however short it is.
_NEVER_LAST = re.compile(r"(?:\b(?:of|and|the|for|von|und|de|del|della|du|da)|\s&)$")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uff01-\uff60]")

# Narrower text does not count as wrapped unless a line begins in the middle of a sentence.
_NARROWEST = 36
# Where the width is unknown, a line of this length counts as wrapped.
_LONG_LINE = 60
# A width takes this many line breaks, of which this share come where the next word would not have fitted.
_FEW_BREAKS = 3
_WRAPPED_SHARE = 0.5
# Words in a heading between wrapped lines.
_LONGEST_HEADING = 3
# In wrapped text, a line of this share of the width that ends no sentence was wrapped by hand.
_RAGGED = 0.75


class Segment(NamedTuple):
    """A slice of a text, in characters, end exclusive; compares equal to the plain pair."""

    start: int
    end: int


class _Line(NamedTuple):
    """A line without the white space around it."""

    start: int
    end: int
    text: str
    indent: int
    marked: bool = False


def find_segments(text: str) -> list[Segment]:
    r"""Find the segments of a text.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    list of Segment
        In order, not overlapping, each with letters or digits. Between them are only white space, bars of
        tables, lines of signs and letters that number a list.

    Examples
    --------
    >>> text = "Acme Corp\n\nBank of America\n- Mary\tParis"
    >>> [text[start:end] for start, end in find_segments(text)]
    ['Acme Corp', 'Bank of America', '- Mary', 'Paris']
    """
    text = rendered(text)
    if not _SPECIAL.search(text) and "   " not in text:
        return _part(text, 0, len(text))
    lines = _without_letters(_lines(text))
    rows = _rows(lines)
    width = _usual_width(lines, rows)
    found: list[Segment] = []
    open_segment: _Line | None = None
    for line, cells, after in zip(lines, rows, [*lines[1:], None], strict=True):
        if cells is not None or not has_letter(line.text):
            found += cells or []
            open_segment = None
            continue
        if (
            open_segment is not None
            and _goes_on(open_segment, line, width)
            and not _is_heading(line, after, width)
        ):
            found[-1] = Segment(found[-1].start, line.end)
        else:
            found.append(Segment(line.start, line.end))
        open_segment = line
    return found


def segments_of(text: str, given: Sequence[tuple[int, int]] | None = None) -> list[Segment]:
    """Find the segments of a text, or complete the given ones.

    The text between the given ones is added, except letters that number a list. Tabs and blank lines divide
    both.

    Raises
    ------
    ValueError
        If the segments given overlap, are out of order or leave the text.
    """
    if given is None:
        return find_segments(text)
    text = rendered(text)
    found: list[Segment] = []
    position = 0
    for start, end in [*_pairs(given), (len(text), len(text))]:
        if not position <= start <= end <= len(text):
            msg = (
                f"Segment {start}:{end}: expected segments in order that do not overlap, within the "
                f"{len(text)} characters of the text."
            )
            raise ValueError(msg)
        if not _LETTER.fullmatch(text[position:start].strip()):
            found += _divided(text[position:start], _HARD_BORDER, position)
        found += _divided(text[start:end], _HARD_BORDER, start)
        position = end
    return found


def spaced(text: str) -> str:
    r"""Return a text with a space for each bar, comma and semicolon that touches the segments on both sides.

    Tokenizers that mark the beginnings of words by the space before them would take what follows for the rest
    of a word.

    Examples
    --------
    >>> spaced("Mary,Oslo\nAnna,Rome")
    'Mary Oslo\nAnna Rome'
    """
    if not _GLUED.search(text):
        return text
    shown = list(text)
    for one, other in pairwise(find_segments(text)):
        if other.start - one.end == 1 and not shown[one.end].isspace():
            shown[one.end] = " "
    return "".join(shown)


def _divided(text: str, border: re.Pattern[str], offset: int = 0) -> list[Segment]:
    """Divide a text, such as the row of a table, into its parts with letters or digits."""
    parts, position = [], 0
    for match in border.finditer(text):
        parts += _part(text, position, match.start(), offset)
        position = match.end()
    return [*parts, *_part(text, position, len(text), offset)]


def _part(text: str, start: int, end: int, offset: int = 0) -> list[Segment]:
    """Return a slice of a text without the white space around it, if it has letters or digits."""
    part = text[start:end]
    if not has_letter(part):
        return []
    begin = offset + end - len(part.lstrip())
    return [Segment(begin, begin + len(part.strip()))]


def _pairs(given: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the segments that a caller gave, or raise `TypeError`."""
    try:
        for one in given:
            start, end = map(operator.index, one)
            yield start, end
    except (TypeError, ValueError):
        msg = f"segments: expected pairs of whole numbers such as [(0, 4), (5, 9)], found {given!r:.60}."
        raise TypeError(msg) from None


def _lines(text: str) -> list[_Line]:
    """Split a text into lines, without quote marks and surrounding white space; blank lines have no text."""
    lines, position = [], 0
    for raw in text.splitlines(keepends=True):
        quoted = QUOTE_MARKS.match(raw)
        rest = raw[quoted.end() :] if quoted else raw
        stripped = rest.strip().strip(LEFT_OUT).strip()
        indent = len(raw) - len(rest) + rest.find(stripped) if stripped else 0
        start = position + indent
        lines.append(_Line(start, start + len(stripped), stripped, indent))
        position += len(raw)
    return lines


def _without_letters(lines: list[_Line]) -> list[_Line]:
    """Strip the letters or Roman numerals that number a list from its items.

    Only where they begin with A or I, in either case, and none is missing: initials look the same.
    """
    lettered = [(index, match) for index, line in enumerate(lines) if (match := _LETTERED.match(line.text))]
    numbering: list[tuple[int, re.Match[str]]] = []
    chain: list[tuple[int, re.Match[str]]] = []
    for one in [*lettered, None]:
        if one is None or not (chain and (chain[-1][1][1], one[1][1]) in _NEXT):
            numbering += chain if len(chain) > 1 else []
            chain = []
        if one is not None and (chain or one[1][1] in ("A", "I", "a", "i")):
            chain.append(one)
    for index, match in numbering:
        line, cut = lines[index], match.end()
        lines[index] = _Line(line.start + cut, line.end, line.text[cut:], line.indent + cut, marked=True)
    return lines


def _rows(lines: Sequence[_Line]) -> list[list[Segment] | None]:
    """Divide the rows of tables into cells; None for other lines."""
    columns = [{line.indent + gap.end() for gap in _TWO_SPACES.finditer(line.text)} for line in lines]
    fields = [len(_FIELD_BORDER.findall(line.text)) for line in lines]
    listed: list[bool] = []
    for marks, run in groupby(_marks(line.text) for line in lines):
        count = len(list(run))
        listed += [bool(marks) and count >= _LEAST_ROWS] * count
    rows = []
    for index, line in enumerate(lines):
        beside = [other for other in (index - 1, index + 1) if 0 <= other < len(lines)]
        text, border = line.text, None
        if _BARRED.search(text):
            border = _BAR
        elif (
            columns[index] and "\t" not in text and any(columns[index] <= columns[other] for other in beside)
        ):
            border = _TWO_SPACES
        elif _CELL_BORDER.search(text):
            border = _CELL_BORDER
        elif fields[index] and any(fields[index] == fields[other] for other in beside):
            border = _FIELD_BORDER
        elif listed[index]:
            border = _MARK
        elif _fields(text) > 1:
            border = _BEFORE_KEY
        rows.append(None if border is None else _divided(text, border, line.start))
    return rows


def _marks(text: str) -> str:
    """Return the marks between the fields of a line: Mary Jones, Acme. Empty if it looks like a sentence."""
    mark = ITEM.match(text)
    begin = mark.end() if mark else 0
    fields = _MARK.split(text[begin:])
    if len(fields) < 2 or SENTENCE.search(text) or not all(map(_may_be_name, fields)):
        return ""
    return "".join(_MARK.findall(text, begin)).replace(" ", "")


def _may_be_name(field: str) -> bool:
    return len(field.split()) <= MOST_WORDS and not field[:1].islower() and not _INITIALS.fullmatch(field)


def _fields(text: str) -> int:
    """Return the number of fields with keys in a line; the mark of a list begins one, too."""
    likely = sum(map(text.count, ":=\uff1a")) > 1
    return len(_BEFORE_KEY.findall(text)) + bool(ITEM.match(text)) if likely else 0


def _usual_width(lines: Sequence[_Line], rows: Sequence[list[Segment] | None]) -> int | None:
    """Find the width at which a text was wrapped; None if it does not look wrapped.

    At the right width, most line breaks inside paragraphs come where the next word would not have fitted.
    Lines of a list end anywhere.
    """
    breaks = [
        (line.indent + len(line.text), _first_word(after.text))
        for (line, cells), (after, cells_after) in pairwise(zip(lines, rows, strict=True))
        if line.text and after.text and cells is None and cells_after is None and not _begins(after)
    ]
    if len(breaks) < _FEW_BREAKS:
        return None
    lengths = sorted(length for length, _ in breaks)
    width = lengths[min(int(len(lengths) * 0.95), len(lengths) - 1)]
    if width < _NARROWEST:
        return None
    full = sum(length + 1 + word > width for length, word in breaks)
    return width if full >= _WRAPPED_SHARE * len(breaks) else None


def _first_word(text: str) -> int:
    """Return the length of the first word; scripts without spaces break anywhere."""
    return 1 if _WIDE.match(text) else len(text.split(None, 1)[0])


def _begins(line: _Line) -> bool:
    """Return whether an item of a list or a line of a form begins here."""
    return line.marked or bool(ITEM.match(line.text)) or bool(_LINE_KEY.match(line.text))


def _is_heading(line: _Line, after: _Line | None, width: int | None) -> bool:
    """Return whether a short line of capitalized words stands above another one, as a heading in a résumé."""
    words = line.text.split()
    return (
        width is not None
        and after is not None
        and after.text != ""
        and len(words) <= _LONGEST_HEADING
        and len(line.text) < width / 2
        and all(word[0].isupper() for word in words)
        and not _SENTENCE_END.search(line.text)
    )


def _goes_on(line: _Line, after: _Line, width: int | None) -> bool:
    """Return whether a line continues in the next one, as in a wrapped paragraph."""
    if _begins(after) or any(begin.match(line.text) and begin.match(after.text) for begin in _ALIKE):
        return False
    length = line.indent + len(line.text)
    if width is not None and length + 1 + _first_word(after.text) > width:
        return True
    if _SENTENCE_END.search(line.text):
        return False
    if width is not None and length >= _RAGGED * width:
        return True
    if line.text.endswith(WORD_GOES_ON) or _NEVER_LAST.search(line.text):
        return True
    small = after.text[0].islower()
    if (small and line.text.endswith("-")) or (
        length >= _NARROWEST // 2 and (small or _OPEN_END.search(line.text))
    ):
        return True
    return width is None and length >= _LONG_LINE
