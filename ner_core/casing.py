"""How a word is cased, as a small number: the segment ids of an uncased model that still sees capitals.

An uncased encoder cannot distinguish ``Apple`` from ``apple``. A model whose rt_info has ``token_type_ids =
word_casing`` was trained with the casing of each word in the ids that BERT reserves for sentence pairs. Only
this module defines these ids; training, the converter's parity check and the core all use it.

The unit is BERT's basic token: the text is split at white space *and* at punctuation before it is
lower-cased. So ``U.S.`` is ``U``, ``.``, ``S``, ``.``, as a given word as well as inside a sentence. All
pieces of one basic token have the same id; ``[CLS]``, ``[SEP]`` and padding have ``LOWER``.
"""

from __future__ import annotations

LOWER = 0
CAPITALISED = 1
UPPER = 2
MIXED = 3

#: Rows of the token type table of a model that takes these ids.
CASING_COUNT = 4

#: Value of the ``token_type_ids`` key in config.json and in rt_info for models with these ids.
WORD_CASING = "word_casing"


def word_casing(word: str) -> int:
    """Return the casing of one basic token.

    Parameters
    ----------
    word : str
        A basic token with its original capitals. Characters without case (digits, punctuation, CJK) do not
        count.

    Returns
    -------
    int
        0 no cased letter, or all lower; 1 the first cased letter upper and the others lower (a single capital
        too); 2 two or more cased letters, all upper; 3 anything else.

    Examples
    --------
    >>> [word_casing(word) for word in ("word", "Word", "WORD", "iPhone", "A", "3rd", "1990", "McDonald", "")]
    [0, 1, 2, 3, 1, 0, 0, 3, 0]
    """
    if word.islower() or not word:
        return LOWER
    cased = [letter for letter in word if letter.isupper() or letter.islower() or letter.istitle()]
    if not cased:
        return LOWER
    capitals = [letter for letter in cased if not letter.islower()]
    if len(capitals) == 1:
        return CAPITALISED if not cased[0].islower() else MIXED
    return UPPER if len(capitals) == len(cased) else MIXED
