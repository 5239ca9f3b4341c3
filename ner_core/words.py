r"""Words as people and corpora write them, found in the text, whatever the tokenizer does.

The borders are those of Unicode [1]_ for letters, digits and their marks, except where the words of the Penn
Treebank and CoNLL-2003 [2]_ differ, on which models for named entities are trained: hyphens, ampersands and
full stops inside a word belong to it (``Chester-le-Street``, ``AT&T``, ``U.S.``), and so does the full stop
of an initial or an abbreviation; clitics such as ``'s`` are separate words, and so are elided articles such
as ``l'`` (``l'Italia``); a full stop between a small letter or a digit and a capital letter ends a sentence
or the number of an item (``in Paris.Mary left``, ``1.Mary``).

Every piece belongs to the word that contains its first character. Outside of words, and in scripts without
spaces between words (Japanese, Chinese, Thai), every piece is a word.

References
----------
.. [1] https://www.unicode.org/reports/tr29/#Word_Boundaries
.. [2] ftp://ftp.cis.upenn.edu/pub/treebank/public_html/tokenization.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from ner_core.characters import classes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "elided_articles",
    "first_characters",
    "run_ends",
    "run_starts",
    "space_numbers",
    "whitespace_numbers",
    "word_numbers",
    "word_numbers_of_each",
    "word_spans",
]

_SPACES = (0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)

# Control characters are invisible, as are combining marks in `classes`.
_LETTER = r"[A-Za-z\d_\x00-\x08\x0e-\x1b\x7f]"

# AMAZON.COM, but not in PARIS.MARY left.
_DOMAIN = rf"(?i:com|org|net|edu|gov|uk|de|io|tv|fm|info)(?!{_LETTER})"

_CLITIC = rf"(?:s|t|re|ve|ll|d|m)(?!{_LETTER})"

# French, Italian and Catalan articles and prepositions; in L'Aquila and D'Annunzio they are part of the name.
ELIDED = r"(?:[ldn]|qu|jusqu|lorsqu|puisqu|un|(?:a|co|da|de|ne|que|su)ll|quest)"

ABBREVIATIONS = (
    "Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Inc|Corp|Co|Ltd|Bros|No|Gen|Col|Lt|Sgt|Capt|Sen|Rep|Gov|Pres|Rev|Hon|Mt|Ft|vs|Jan|"
    "Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec|Ave|Blvd|Univ|Dept"
)


_ELISION = re.compile(rf"['\u2019\u02bc\u00b4](?!(?i:{_CLITIC}))(?=[^\W\d_])")
_ARTICLE = re.compile(rf"(?<![^\W_])(?i:{ELIDED})\Z")
_LONGEST_ARTICLE = 7


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    """Return the pattern of a word in `classes`, compiled when first needed because that takes 10 ms.

    Plain words come first, as most are. Lookaheads at the beginning only avoid attempts that would fail.
    """
    return re.compile(
        rf"""
        [A-Za-z\d]{_LETTER}* (?![-&+'.,]|{_LETTER})                                # Mary
        | (?=['A-Za-z\d_])
          (?: '(?i:{_CLITIC})                                                      # 's
            | (?=[A-Za-z]{{1,7}}\x02*') {ELIDED}\x02*'(?!{_CLITIC})(?=[A-Za-z])    # l'Italia
            | (?:[A-Za-z]\x02*\.)+ (?:[A-Za-z](?!{_LETTER}))? (?!{_LETTER}{{2}})   # U.S. and J.K. and P.
            | (?=[A-Za-z]{{2,4}}\.) (?i:{ABBREVIATIONS})\. (?!{_LETTER})           # St.
            | (?: [A-Za-z\d] | (?<=@)_ ) {_LETTER}*                                # @_user_, but not _Mary_
              (?:(?:- | (?<=[A-Z\d\x02])[&+] | '(?!(?i:{_CLITIC}))                 # AT&T, O'Neill
                | \.(?![A-Z]) | (?<![A-Za-z][A-Z])(?<=[A-Z])\. | \.(?={_DOMAIN})
                | (?<=\d),(?=\d)) {_LETTER}+)* )                                   # Amazon.com, 10,000.5
        """,
        re.VERBOSE,
    )


def run_starts(numbers: np.ndarray, borders: np.ndarray | None = None) -> np.ndarray:
    """Find where runs of equal numbers begin, such as the first pieces of words.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        Any numbers.
    borders : ndarray of int, optional
        Where a run begins in any case, such as the first pieces of texts.

    Returns
    -------
    ndarray of int64, shape (runs,)

    Examples
    --------
    >>> run_starts(np.array([0, 0, 1, 3, 3])).tolist()
    [0, 2, 3]
    """
    begins = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])  # a fifth of the time of np.diff
    if borders is not None:
        begins[borders] = True
    return begins.nonzero()[0]


def run_ends(starts: np.ndarray, count: int) -> np.ndarray:
    """Return where runs end that begin at `starts`, among `count` items.

    Examples
    --------
    >>> run_ends(np.array([0, 2, 3]), 5).tolist()
    [2, 3, 5]
    """
    ends = np.empty_like(starts)  # a quarter of the time of np.append
    ends[:-1] = starts[1:]
    ends[-1:] = count
    return ends


def word_spans(text: str) -> np.ndarray:
    """Find the words of letters and digits in a text.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    ndarray of int64, shape (words, 2)
        Start and end of each, in order; marks that stand alone are left out.

    Examples
    --------
    >>> text = "Mary's (U.S.-born)"
    >>> [text[start:end] for start, end in word_spans(text).tolist()]
    ['Mary', "'s", 'U.S.', 'born']
    """
    return _spans(_word(), classes(text))


def elided_articles(text: str) -> list[tuple[int, int]]:
    """Find elided articles and prepositions before a word, small or capital, with their apostrophes.

    Examples
    --------
    >>> elided_articles("L'Italia e l'ENI, but not Mary's")
    [(0, 2), (11, 13)]
    """
    marks = (match.start() for match in _ELISION.finditer(text))
    found = ((_ARTICLE.search(text, max(mark - _LONGEST_ARTICLE, 0), mark), mark) for mark in marks)
    return [(article.start(), mark + 1) for article, mark in found if article]


def word_numbers(text: str, offsets: np.ndarray) -> np.ndarray:
    """Return the word number of each piece, for words as people write them.

    Parameters
    ----------
    text : str
        The text.
    offsets : ndarray of int, shape (pieces, 2)
        Character offsets of the pieces, non-decreasing.

    Returns
    -------
    ndarray of int64, shape (pieces,)
        Numbers from 0, non-decreasing.

    Examples
    --------
    >>> offsets = np.array([(0, 3), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 13)])
    >>> word_numbers("the U.S.-born", offsets).tolist()
    [0, 1, 1, 1, 1, 2, 3]
    """
    return word_numbers_of_each([text], [offsets])[0]


def word_numbers_of_each(texts: Sequence[str], offsets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the word numbers of the pieces of each text; faster than one text after the other."""
    if not texts:
        return []
    sizes = np.array([len(one) for one in offsets])
    borders = np.cumsum(sizes) - sizes
    lengths = np.array([len(text) + 1 for text in texts])
    moved = np.concatenate(offsets) + np.repeat(np.cumsum(lengths) - lengths, sizes)[:, None]
    begins = _begins(_spans(_word(), "\n".join(map(classes, texts))), "\n".join(texts), moved)
    begins[borders[sizes > 0]] = True
    numbers = np.cumsum(begins) - 1
    return [
        numbers[border : border + size] - numbers[border] if size else np.zeros(0, np.int64)
        for border, size in zip(borders.tolist(), sizes.tolist(), strict=True)
    ]


def whitespace_numbers(text: str, offsets: np.ndarray) -> np.ndarray:
    """Return the word number of each piece, for words that white space separates, as in `str.split`.

    Examples
    --------
    >>> whitespace_numbers("Santa Clara.", np.array([(0, 5), (6, 11), (11, 12)])).tolist()
    [0, 1, 1]
    """
    return np.cumsum(_begins(_spans(re.compile(r"\S+"), text), text, offsets)) - 1


def space_numbers(text: str, offsets: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Return the word number of each piece as transformers does for tokenizers without a continuation mark.

    A piece begins a word where it or the character before it is a space, and where it is unknown.

    Examples
    --------
    >>> offsets = np.array([(0, 5), (5, 11), (11, 12)])
    >>> space_numbers("Santa Clara.", offsets, np.zeros(3, bool)).tolist()
    [0, 1, 1]
    """
    if not len(offsets):
        return np.zeros(0, np.int64)
    begins = [start == 0 or " " in text[start - 1 : start + 1] for start in offsets[:, 0].tolist()]
    begins[0] = True
    return np.cumsum(np.array(begins) | unknown) - 1


def _spans(pattern: re.Pattern[str], text: str) -> np.ndarray:
    """Return start and end of each match, shape (matches, 2)."""
    found = chain.from_iterable(match.span() for match in pattern.finditer(text))
    return np.fromiter(found, np.int64).reshape(-1, 2)


def _begins(spans: np.ndarray, text: str, offsets: np.ndarray) -> np.ndarray:
    """Return for each piece whether it begins a word: another span or, outside of spans, character."""
    begins = np.ones(len(offsets), bool)
    if not len(offsets):
        return begins
    starts = first_characters(text, offsets)
    # Several pieces of one character are one word.
    begins[1:] = starts[1:] != starts[:-1]
    if len(spans):
        match = np.searchsorted(spans[:, 0], starts, side="right") - 1
        inside = (match >= 0) & (starts < spans[np.maximum(match, 0), 1])
        begins[1:] &= ~(inside[1:] & inside[:-1] & (match[1:] == match[:-1]))
    return begins


def first_characters(text: str, offsets: np.ndarray) -> np.ndarray:
    """Find the first character of each piece that is not white space.

    A piece of a byte-level or sentencepiece tokenizer may begin with the space before its word. A piece that
    is only space belongs to the word that follows directly; before further white space, to the previous word.
    """
    starts, ends = offsets[:, 0].astype(np.int64), offsets[:, 1]
    followed = f"{text} "
    if text.isascii():
        codes: np.ndarray = np.frombuffer(followed.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(followed.encode("utf-32-le", "surrogatepass"), np.uint32)
    blank = _is_space(codes)
    begins_blank = blank[starts]
    if not begins_blank.any():
        return starts
    nearest = np.where(blank, len(text), np.arange(len(blank)))
    nearest = np.minimum.accumulate(nearest[::-1])[::-1]
    first = nearest[starts]
    bare = first >= ends  # only white space
    # The next piece begins where the bare one ends.
    follows = np.append((starts[1:] == ends[:-1]) & ~begins_blank[1:], False)
    before = bare & ~follows
    if before.any():
        index = np.where(before, -1, np.arange(len(starts)))
        index = np.maximum.accumulate(index)
        first = np.where(index < 0, 0, first[np.maximum(index, 0)])
    return first


def _is_space(codes: np.ndarray) -> np.ndarray:
    """Return which code points are white space."""
    blank = codes <= 32
    if codes.dtype != np.uint8:
        blank |= (codes >= 0x2000) & (codes <= 0x200A) | np.isin(codes, _SPACES)
    return blank
