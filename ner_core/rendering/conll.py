"""Entities as tags: one word per line (CoNLL), or tags inside the text."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from ner_core.labels import tags_of
from ner_core.rendering.characters import encodable
from ner_core.rendering.slices import several, slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_core.entity import Entity, Recognition

__all__ = ["tagged_words", "to_conll", "to_inline"]

# Zero-width non-joiner and joiner: inside a word of Persian or Hindi, and of emoji families.
_JOINERS = ("\u200c", "\u200d")


def to_conll(recognitions: Recognition | Iterable[Recognition], *, tabs: bool = False) -> str:
    r"""Write a word and its IOB2 tag on each line, an empty line after each sentence.

    Given words are kept. Other text is split into runs of letters and digits and single other characters,
    and at the borders of entities, so that entities are always whole words; each line of the text makes one
    sentence. Columns are separated by a space, or by a tab if the word contains a space; always by tabs with
    `tabs`. Labels of aggregation ``none``, which are already tags, are kept.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> to_conll(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    'Mary B-PER\nsings O\n. O\n\n'
    """
    sentences: list[str] = []
    for recognition in several(recognitions):
        tagged = _tagged_lines(recognition) if recognition.words is None else [tagged_words(recognition)]
        sentences += [
            "".join(_conll_line(word, tag, tabs=tabs) for word, tag in line) for line in tagged if line
        ]
    return "".join(f"{sentence}\n" for sentence in sentences)


def tagged_words(recognition: Recognition) -> list[tuple[str, str]]:
    """Return the given words of a text, each with its tag."""
    words = recognition.words or ()
    tags = tags_of([], len(words))
    for entity in recognition.entities:
        first, end = entity.word_start, entity.word_end
        if first is not None and end is not None:
            tags[first:end] = [_tag(entity, index == first) for index in range(first, end)]
    return list(zip(words, tags, strict=True))


def _tagged_lines(recognition: Recognition) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    for text, entity in slices(recognition):
        for index, word in enumerate(_words(text, keep_lines=entity is None)):
            if word == "\n":
                lines.append([])
            else:
                lines[-1].append((word, _tag(entity, index == 0) if entity else "O"))
    return lines


def _words(text: str, *, keep_lines: bool) -> Iterator[str]:
    """Split into words, marks with what they modify; a line feed is a word where lines are kept."""
    word, in_word = "", False
    for character in text:
        if word and (unicodedata.category(character)[0] == "M" or character in _JOINERS):
            word += character
            continue
        letter = character.isalnum() or character == "_"
        joined = word.endswith(_JOINERS) and not character.isspace()
        if word and not (in_word and letter) and not joined:
            yield word
            word = ""
        if keep_lines and character == "\n":
            yield character
        elif not character.isspace():
            word += character
        in_word = letter
    if word:
        yield word


def _tag(entity: Entity, first: bool) -> str:
    if entity.label.startswith(("B-", "I-")):
        return entity.label
    return f"B-{entity.label}" if first else f"I-{entity.label}"


def _conll_line(word: str, tag: str, *, tabs: bool) -> str:
    word = re.sub("[\t\r\n]", " ", encodable(word)).strip(" ") or "_"
    return f"{word}\t{tag}\n" if tabs or " " in word else f"{word} {tag}\n"


def to_inline(recognition: Recognition) -> str:
    """Write the tags into the text as NeMo's ``add_predictions`` prints them, white space kept.

    A tag stands behind its word (what white space separates), before the word's last character if that is
    punctuation. NeMo also puts it before a last digit (``201[B-TIME]9``); here numbers stay whole.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = (Entity(10, 21, "LOC", 0.9, "Santa Clara"),)
    >>> to_inline(Recognition("She is in Santa Clara.", found))
    'She is in Santa[B-LOC] Clara[I-LOC].'
    """
    parts: list[str] = []
    position = 0
    entities = iter(recognition.entities)
    entity = next(entities, None)
    for word in re.finditer(r"\S+", recognition.text):
        while entity is not None and entity.end <= word.start():
            entity = next(entities, None)
        if entity is None or entity.start >= word.end():
            continue
        end = word.end()
        if end - word.start() > 1 and unicodedata.category(word[0][-1])[0] in "PS":
            end -= 1
        tag = _tag(entity, first=entity.start >= word.start())
        parts += [recognition.text[position:end], f"[{tag}]"]
        position = end
    return "".join([*parts, recognition.text[position:]])
