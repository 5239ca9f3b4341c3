"""Letters of a PDF page with their places, joined to fragments of lines.

PDFium gives the letters in the order of the file, with spaces where it sees gaps. What is written from right
to left is ordered by place instead, and kept from left to right until whole lines are known: see `logical`.
"""

from __future__ import annotations

import ctypes
import math
import re
import statistics
import unicodedata
from array import array
from itertools import chain, pairwise
from typing import Any, NamedTuple

from ner_documents.reading.pdf_strings import SOFT_HYPHEN, Letters, is_leftward

__all__ = ["UNREADABLE", "Fragment", "PageText", "text_of"]

#: Replaces letters whose font has no mapping to Unicode.
UNREADABLE = "\ufffd"

_LIGATURE = re.compile("[ﬀ-ﬆ]")
# What PDFium gives for a hyphen at a line end.
_BROKEN = frozenset((0x02, 0xFFFE, 0xAD))
_GAP = 1.5  # of the font size: a wider gap separates columns or cells
_SPACE = 0.25  # of the font size, between right-to-left words
_RAISED = 0.25  # of the font size: a letter that is higher or lower is a footnote mark or an index
_HEIGHT = 0.7  # of the font size: height of letters above the baseline
_TOKEN = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
_SPACED = re.compile(r"(?<!\S)(?:[^\W\d_] ){3,}[^\W\d_](?!\S)")
_WORD_GAP = 1.6  # of the median gap between spaced letters

_Place = tuple[float, float, float]  # left, right, base


class Fragment(NamedTuple):
    """Letters in a row: their box in points, y upwards, their text and the size of the font."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: Letters
    size: float


def _letters_of(text_page: Any, first: int) -> Letters:
    """Return the text of a page as PDFium orders it, its characters numbered from `first`.

    A hyphen that divides a word is `SOFT_HYPHEN`, a letter without Unicode value `UNREADABLE`.
    """
    import pypdfium2.raw as pdfium

    handle = text_page.raw
    letters: list[str] = []
    numbers = array("i")
    high = 0
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if code == 0x0D:  # a line feed follows
            continue
        if code == 0x0A:
            letter = "\n"
        elif code in _BROKEN:
            letter = SOFT_HYPHEN
        elif code == 0 or pdfium.FPDFText_HasUnicodeMapError(handle, index) == 1:
            letter = UNREADABLE
        elif 0xD800 <= code < 0xE000:  # a half of a character beyond the first plane
            if code < 0xDC00 or not high:
                high = code
                continue
            letter = chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00)
            high = 0
        else:
            letter = chr(code) if code > 0x20 else " "
        letters.append(letter)
        numbers.append(first + index)
    return Letters("".join(letters), numbers)


class PageText(NamedTuple):
    """The text of a page.

    Attributes
    ----------
    groups : list of list of Fragment
        Fragments by writing direction, the most common one first.
    letters : Letters
        All letters, in the order of the file.
    outside : int
        Number of fragments outside the page, which are left out.
    """

    groups: list[list[Fragment]]
    letters: Letters
    outside: int

    @property
    def is_blank(self) -> bool:
        """Whether nothing on the page can be read."""
        return not self.groups[0]

    @property
    def unreadable(self) -> int:
        """The number of letters of words that cannot be read; single ones are bullets and symbols."""
        return sum(word.count(UNREADABLE) for word in self.letters.split() if len(word) > 1)


def text_of(page: Any, first: int = 0) -> PageText:
    """Split the text of a page at line ends and wide gaps; its characters are numbered from `first`."""
    text_page = page.get_textpage()
    left, bottom, right, top = page.get_bbox()
    found: dict[int, list[Fragment]] = {}
    run = _Run(_Places(text_page.raw, first))
    outside = 0

    def end() -> None:
        nonlocal outside
        fragment = run.fragment()
        if fragment is not None and _is_outside(fragment, _turned(left, bottom, right, top, run.turn)):
            outside += 1
        elif fragment is not None:
            found.setdefault(run.turn, []).append(fragment)
        run.clear()

    letters = _letters_of(text_page, first)
    for token in _TOKEN.finditer(letters):
        text = letters[token.start() : token.end()]
        if text == "\n":
            end()
        elif text == " " or text == SOFT_HYPHEN:
            run.append_gap(text)
        else:
            while text:
                taken = run.append(text)
                if not taken:
                    end()
                text = text[taken:]
    end()
    text_page.close()
    groups = sorted(found.values(), key=lambda ones: -sum(len(one.text) for one in ones))
    return PageText(groups or [[]], letters, outside)


def _is_outside(one: Fragment, edges: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = edges
    return one.x1 <= left or one.x0 >= right or one.y1 <= bottom or one.y0 >= top


def _turned(x0: float, y0: float, x1: float, y1: float, turn: int) -> tuple[float, float, float, float]:
    """Rotate a box back by quarter turns; PDFium counts them clockwise."""
    if turn == 1:
        return -y1, x0, -y0, x1
    if turn == 2:
        return -x1, -y1, -x0, -y0
    if turn == 3:
        return y0, -x1, y1, -x0
    return x0, y0, x1, y1


class _Places:
    """Positions of letters, rotated back by quarter turns; those of a page are numbered from `first`."""

    def __init__(self, handle: Any, first: int) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium = pdfium
        self._handle = handle
        self._first = first
        self._values = tuple(ctypes.c_double() for _ in range(6))
        self._box = tuple(map(ctypes.byref, self._values[:4]))
        self._origin = tuple(map(ctypes.byref, self._values[4:]))

    def place(self, number: int, turn: int) -> _Place:
        """Return the left and right edge of a letter, and its baseline."""
        index = number - self._first
        self._pdfium.FPDFText_GetCharBox(self._handle, index, *self._box)
        self._pdfium.FPDFText_GetCharOrigin(self._handle, index, *self._origin)
        left, right, bottom, top, x, y = [value.value for value in self._values]
        if not turn:
            return left, right, y
        begin, _, end, _ = _turned(left, bottom, right, top, turn)
        return begin, end, _turned(x, y, x, y, turn)[1]

    def turn(self, number: int) -> int:
        """Return the rotation of a letter in quarter turns."""
        angle = self._pdfium.FPDFText_GetCharAngle(self._handle, number - self._first)
        return round(angle / (math.pi / 2)) % 4

    def size(self, number: int) -> float:
        """Return the font size of a letter as drawn."""
        index = number - self._first
        matrix = self._pdfium.FS_MATRIX()
        scale = 1.0
        if self._pdfium.FPDFText_GetMatrix(self._handle, index, ctypes.byref(matrix)):
            scale = math.hypot(matrix.c, matrix.d) or 1.0
        return max(float(self._pdfium.FPDFText_GetFontSize(self._handle, index)) * scale, 1.0)


class _Run:
    """A sequence of words that becomes a fragment."""

    def __init__(self, places: _Places) -> None:
        self._places = places
        self.clear()

    def clear(self) -> None:
        self._words: list[Letters] = []
        self.turn = 0
        self._x0 = self._x1 = self._y0 = self._base = 0.0
        self._size = 1.0
        self._leftward = False

    def append_gap(self, gap: Letters) -> None:
        if self._words:
            self._words.append(gap)

    def append(self, word: Letters) -> int:
        """Append a word up to the first raised letter, and return the number of letters taken.

        It is 0 if the word is separate from those before it.
        """
        numbers = word.numbers
        if not self._words:
            self.turn = self._places.turn(numbers[0])
            self._size = self._places.size(numbers[0])
        place, raised = self._places.place, _RAISED * self._size
        # Only the first and last letter are located: that call takes most of the time.
        first = last = place(numbers[0], self.turn)
        base = first[2]
        if len(numbers) > 1:
            last = place(numbers[-1], self.turn)
            if abs(last[2] - base) > raised:
                heights = (abs(place(number, self.turn)[2] - base) for number in numbers)
                taken = next(index for index, height in enumerate(heights) if height > raised)
                word, last = word[:taken], place(numbers[taken - 1], self.turn)
        left, right = min(first[0], last[0]), max(first[1], last[1])
        leftward = self._leftward or is_leftward(word)
        if not self._words:
            self._x0, self._x1, self._y0 = left, right, base
        elif (
            left > self._x1 + _GAP * self._size
            or (left < self._x1 - 3 * self._size and not (leftward and right > self._x0 - _GAP * self._size))
            or abs(base - self._base) > raised
        ):
            return 0
        self._x0, self._x1, self._base = min(self._x0, left), max(self._x1, right), base
        self._leftward = leftward
        self._words.append(word)
        return len(word)

    def fragment(self) -> Fragment | None:
        """Return the fragment, None if none of its letters can be read."""
        text = Letters().join(self._words).strip()
        if not text.strip(f" {UNREADABLE}{SOFT_HYPHEN}"):
            return None
        text = self._by_place(text) if self._leftward else self._closed_up(text)
        text = text.sub(_LIGATURE, lambda match: _spelled_out(text[match.start() : match.end()]))
        return Fragment(self._x0, self._y0, self._x1, self._y0 + _HEIGHT * self._size, text, self._size)

    def _by_place(self, text: Letters) -> Letters:
        """Return the letters from left to right; those at one position so that `logical` restores them."""
        units: list[tuple[float, float, Letters]] = []
        for index, number in enumerate(text.numbers):
            letter = text[index]
            if letter == " ":  # PDFium's positions of these spaces are wrong
                continue
            left, right, _ = self._places.place(number, self.turn)
            if units and (unicodedata.combining(letter) or (left, right) == units[-1][:2]):
                left, right, unit = units.pop()
                letter = Letters().join((letter, unit) if is_leftward(letter) else (unit, letter))
            units.append((left, right, letter))
        units.sort(key=lambda one: one[0] + one[1])
        parts: list[str] = []
        end = units[0][0]
        for left, right, unit in units:
            parts += [" ", unit] if left > end + _SPACE * self._size else [unit]
            end = max(end, right)
        return Letters().join(parts)

    def _closed_up(self, text: Letters) -> Letters:
        """Return the text with letter-spaced words (``S M I T H``) joined."""

        def close_up(match: re.Match[str]) -> Letters:
            letters = text[match.start() : match.end() : 2]
            ends = [self._places.place(number, self.turn) for number in letters.numbers]
            gaps = [after[0] - before[1] for before, after in pairwise(ends)]
            most = _WORD_GAP * statistics.median(gaps)
            spaces = [" " if gap > most else "" for gap in gaps]
            ones = map(letters.__getitem__, range(len(letters)))
            return Letters().join(chain(*zip(ones, [*spaces, ""], strict=True)))

        return text.sub(_SPACED, close_up)


def _spelled_out(ligature: Letters) -> Letters:
    spelled = unicodedata.normalize("NFKC", ligature)
    return Letters(spelled, ligature.numbers * len(spelled))
