"""Texts to measure with by default: a sentence, a paragraph and a page of invented news."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PAGE", "TextSample", "split_sentences", "take_sample"]

# Target lengths of a sentence, a paragraph and a page, in words.
_SENTENCE_WORDS = 20
_PARAGRAPH_WORDS = 100
_PAGE_WORDS = 450

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_PARAGRAPH_END = re.compile(r"\n\s*\n")

PAGE = """\
Mary Okafor has lived in Santa Clara since the spring of 2011, when she left the University of Leeds to \
join a small team at Intel. She told the Evening Courier on Tuesday that the first winter was the hardest \
of her life. "Nobody in Yorkshire believes me," Okafor said, "but I was colder in California than I had \
ever been at home." Her brother Daniel, a nurse at St Thomas' Hospital in London, visits every August.

The agreement between Norway and Chile was signed in Valparaiso on 4 May by the foreign ministers of both \
countries. It allows ships under the Norwegian flag to take on fuel in Punta Arenas without the permit \
that the Chilean Navy has asked for since 1998. Fishermen in Tromso welcomed the news, while Greenpeace \
warned that traffic around Cape Horn could double within ten years. A spokesman for the shipping company \
Wilhelmsen in Oslo said that it would send three vessels in November, one of them to the Antarctic \
station that Germany runs with Argentina.

In the second division, Hull City beat Preston North End 2-1 after a goal in the last minute by the \
Ghanaian striker Kwame Mensah. Coach Liam Rosenior praised the goalkeeper, who had stopped a penalty by \
Will Keane before the break. Preston, who have not won away from Deepdale since February, stay in \
fifteenth place with 41 points. The match at Bristol City was called off because of a frozen pitch, as \
were those in Stoke and Plymouth. On Saturday Hull travel to Cardiff, where they have lost five times in \
a row.

Shares of Deutsche Bank fell by three percent in Frankfurt after Reuters reported that the bank would \
close forty branches in Italy and Spain. Analysts at Morgan Stanley had expected fewer. The European \
Central Bank did not comment. In New York the Dow Jones index closed almost unchanged, with gains for \
Boeing and Pfizer and losses for Nike, which makes most of its shoes in Vietnam. Oil rose to 71 dollars a \
barrel as traders waited for the meeting of OPEC in Vienna.

Prices were up. No word came from Geneva. The festival opens in Edinburgh on Friday with the Berlin \
Philharmonic under Kirill Petrenko and ends three weeks later with an open-air concert in Princes Street \
Gardens, for which the organisers, helped by Creative Scotland, have already sold more than nine thousand \
tickets to visitors from Japan, Brazil, Canada and the Netherlands. Weather: rain. Among the guests are \
the Irish novelist Anne Enright, the economist Esther Duflo of the Massachusetts Institute of Technology, \
and the former Finnish president Tarja Halonen.
"""


@dataclass(frozen=True)
class TextSample:
    """Texts for a benchmark.

    Attributes
    ----------
    sentence, paragraph, page : str
        One text each of about 20, 100 and 450 words, if the source has them.
    sentences : tuple of str
        All sentences of the source, for throughput.
    """

    sentence: str
    paragraph: str
    page: str
    sentences: tuple[str, ...]


def take_sample(text: str = PAGE) -> TextSample:
    """Choose the texts to measure with.

    Parameters
    ----------
    text : str
        The source; by default a page of news.

    Returns
    -------
    TextSample

    Raises
    ------
    ValueError
        If the source has no words.

    Examples
    --------
    >>> sample = take_sample()
    >>> [len(text.split()) for text in (sample.sentence, sample.paragraph, sample.page)]
    [20, 95, 436]
    """
    sentences = split_sentences(text)
    if not sentences:
        msg = "The text to measure with has no words in it."
        raise ValueError(msg)
    paragraphs = [part.strip() for part in _PARAGRAPH_END.split(text) if part.strip()]
    return TextSample(
        _nearest(sentences, _SENTENCE_WORDS),
        _nearest(paragraphs, _PARAGRAPH_WORDS),
        _first_words(text, _PAGE_WORDS),
        tuple(sentences),
    )


def split_sentences(text: str) -> list[str]:
    r"""Split a text after full stops and at line ends, which is good enough for measurements.

    Examples
    --------
    >>> split_sentences("One. Two?\nThree")
    ['One.', 'Two?', 'Three']
    """
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def _nearest(texts: list[str], words: int) -> str:
    return min(texts, key=lambda text: abs(len(text.split()) - words))


def _first_words(text: str, count: int) -> str:
    """Return the first `count` words, keeping white space."""
    match = re.match(rf"\s*(?:\S+\s+){{0,{count - 1}}}\S+", text)
    return match.group().strip() if match else text
