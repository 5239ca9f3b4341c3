"""Words as people and corpora write them, for models that were trained on such words.

BERT's tokenizer divides at every punctuation mark: ``U.S.`` is four of its words, ``Chester-le-Street`` five.
Models for named entities are trained on the words of CoNLL, where both are one, and learn the label of a
word's first piece only; what they say about the other pieces is noise. Here the pieces of a running text are
numbered by words as the Penn Treebank and CoNLL-2003 have them [1]_: hyphens, apostrophes and full stops
inside a word belong to it, and so does the full stop of an initial or an abbreviation; ``'s`` and its like
are words of their own. Chinese characters stay words of one character.

References
----------
.. [1] ftp://ftp.cis.upenn.edu/pub/treebank/public_html/tokenization.html
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

__all__ = ["word_numbers"]

_LETTER = r"[^\W_\u2e80-\u9fff\uf900-\ufaff]"

_CLITIC = rf"(?:s|t|re|ve|ll|d|m)(?!{_LETTER})"

_ABBREVIATIONS = (
    "Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Inc|Corp|Co|Ltd|Bros|No|Gen|Col|Lt|Sgt|Capt|Sen|Rep|Gov|Pres|Rev|Hon|Mt|Ft|vs|Jan|"
    "Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec|Ave|Blvd|Univ|Dept"
)


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    """Compile the pattern of a word when it is first needed: it takes 10 ms of the start."""
    return re.compile(
        rf"""
        ['’]{_CLITIC}                                                        # 's
        | (?:{_LETTER}\.)+ (?:{_LETTER}(?!{_LETTER}))? (?!{_LETTER}{{2}})    # U.S. and J.K. and P.
        | (?:{_ABBREVIATIONS})\. (?!{_LETTER})                               # St.
        | {_LETTER}+ (?:(?:[-–.&@+] | ['’](?!{_CLITIC})) {_LETTER}+)*        # Chester-le-Street, O'Neill
        """,
        re.VERBOSE | re.IGNORECASE,
    )


def word_numbers(text: str, offsets: np.ndarray, word: np.ndarray) -> np.ndarray:
    """Count the pieces of a text by words as people write them.

    Parameters
    ----------
    text : str
        The text.
    offsets : ndarray of int, shape (pieces, 2)
        Character offsets of the pieces.
    word : ndarray of int, shape (pieces,)
        Word of each piece as the tokenizer divides them, never falling. These words are joined, never
        divided.

    Returns
    -------
    ndarray of int, shape (pieces,)
        Numbers from 0, never falling.

    Examples
    --------
    >>> text = "the U.S.-born"
    >>> offsets = np.array([(0, 3), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 13)])
    >>> word_numbers(text, offsets, np.arange(7)).tolist()
    [0, 1, 1, 1, 1, 2, 3]
    """
    spans = np.array([match.span() for match in _word().finditer(text)], np.int64).reshape(-1, 2)
    if not len(spans) or not len(word):
        return word
    starts = offsets[:, 0]
    match = np.searchsorted(spans[:, 0], starts, side="right") - 1
    inside = (match >= 0) & (starts < spans[np.maximum(match, 0), 1])
    joined = inside[1:] & inside[:-1] & (match[1:] == match[:-1])
    return np.concatenate(([0], np.cumsum(~((word[1:] == word[:-1]) | joined))))
