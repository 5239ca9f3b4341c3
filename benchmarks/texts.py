"""The texts of the comparison: sentences of CoNLL-2003, or built-in text of the same lengths."""

from __future__ import annotations

import random
from itertools import cycle
from typing import TYPE_CHECKING

from ner_commands.benchmark.sample_text import PAGE
from ner_core.corpus import read_conll

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["document", "messages", "sentences"]

# Words in the sentences of CoNLL-2003's development set: 41 quantiles, from the shortest to the longest.
_QUANTILES = (
    *(1, 2, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 7, 7, 8, 8, 8, 9, 9, 10),
    *(11, 12, 13, 14, 16, 17, 19, 20, 21, 23, 24, 26, 28, 29, 31, 32, 34, 36, 39, 43, 109),
)


def sentences(corpus: Path | None, count: int) -> list[str]:
    """Draw sentences of a corpus in CoNLL columns, words joined by single spaces.

    Without a corpus, the built-in page is cut into pieces as long as CoNLL-2003's sentences.
    """
    if corpus is None:
        return [_cut(length) for length in _lengths(count)]
    found = [" ".join(sentence.words) for sentence in read_conll(corpus)]
    return random.Random(0).sample(found, min(count, len(found)))


_words = cycle(PAGE.split())


def _cut(length: int) -> str:
    return " ".join(next(_words) for _ in range(length))


def _lengths(count: int) -> list[int]:
    """Draw from the distribution of the quantiles, in a random order."""
    last = len(_QUANTILES) - 1
    lengths = []
    for index in range(count):
        below, part = divmod((index + 0.5) / count * last, 1)
        low, high = _QUANTILES[int(below)], _QUANTILES[int(below) + 1]
        # The last interval holds a few outliers, so it is not uniform.
        lengths.append(round(low + (high - low) * (part**4 if int(below) == last - 1 else part)))
    random.Random(0).shuffle(lengths)
    return lengths


def messages(texts: list[str], count: int = 20, *, words: int = 20) -> list[str]:
    """Choose the texts whose number of words is nearest to `words`, as single messages."""
    return sorted(texts, key=lambda text: abs(len(text.split()) - words))[:count]


def document(pages: int) -> str:
    """Generate a text of so many pages, all different, so that no cache helps."""
    return "\n".join(f"Page {number}.\n{PAGE}" for number in range(1, pages + 1))
