"""Logits to entities, with the strategies of transformers' token-classification pipeline and exact slices.

numpy handles the pieces of all texts of a round (`ner_core.units`); Python only loops over the entities.

Differences from transformers
-----------------------------
- Words are the tokenizer's own, not guessed from the lengths of pieces: the guess takes a word whose accent
  was stripped for a continuation of the previous word.
- BIOES and BILOU: transformers treats ``B-PER``, ``E-PER`` and ``S-PER`` as three types and splits entities.
- A combining mark, joiner or variation selector that the tokenizer dropped stays with its letter.
- Entities never begin or end with white space (byte-level tokenizers include the space before a word).

The pipeline:
https://github.com/huggingface/transformers/blob/main/src/transformers/pipelines/token_classification.py
"""

from __future__ import annotations

import math
import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from ner_core.aggregation import AS_WRITTEN
from ner_core.agreement import agree
from ner_core.calibration import span_probability
from ner_core.characters import rendered
from ner_core.edges import is_article_of, is_inverted_name, is_mark, name_span
from ner_core.entity import Entity
from ner_core.forms.finding import find_forms
from ner_core.forms.weighing import weigh
from ner_core.labels import has_letter, normalize_label
from ner_core.sequences import OUTSIDE, TagSet
from ner_core.units import Pieces, find_units
from ner_core.words import run_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ner_core.calibration import Calibration
    from ner_core.units import Units

__all__ = ["Decoder"]

# Marks between the items of a list, references included: Smith, J., Jones, M. & Brown, P. In names of
# persons, every & and colon separates two: Jones & Brown (2011), To: Mary Jones.
_DIVIDER = re.compile(
    r"""
    [;|\u2022/\u00b7\u2192\u2190\u2194\u2013\u2014,&\uff06:]
    (?: (?<=[;|\u2022])
      | (?<=\s[/\u00b7\u2192\u2190\u2194\u2013\u2014])(?=\s)
      | (?<=\b[A-Z]\.,) | (?<=\b[A-Z],)
      | (?<=\b[A-Z]\.\s&)(?=\u034f*\s[A-Z][\w'\u2019-]+(?:,\ [A-Z]\.|\ \())
      | (?P<of_persons> (?<=[&\uff06]) | (?<=:)(?=\s|[A-Z]) )
    )
    """,
    re.VERBOSE,
)


class Decoder:
    """Decode for one label set.

    Parameters
    ----------
    tags : sequence of str
        Labels of the model in id order.
    scheme : str, optional
        Tag scheme; found from the labels when not given.
    calibration : Calibration, optional
        Turns the scores of words into the probability of a span.
    """

    def __init__(
        self, tags: Sequence[str], scheme: str | None = None, calibration: Calibration | None = None
    ) -> None:
        self.tags = tuple(tags)
        self._calibration = calibration
        self._set = TagSet(tags, scheme)
        # By type; the last is OUTSIDE, -1.
        self._kinds = np.array([*map(normalize_label, self._set.types), "O"])
        self._is_person = self._kinds == "PER"

    @property
    def types(self) -> list[str]:
        """Entity types in order of first appearance."""
        return self._set.types

    def decode(
        self,
        text: str,
        logits: np.ndarray,
        offsets: np.ndarray,
        word: np.ndarray,
        segment: np.ndarray | None = None,
        *,
        token: np.ndarray | None = None,
        strategy: str = "first",
        threshold: float = 0.0,
        labels: Collection[str] | None = None,
        split: bool = False,
        raw_scores: bool = False,
    ) -> tuple[Entity, ...]:
        """Find the entities of one text: `ner_core.units.Pieces` has its arrays, `decode_all` the options.

        Raises
        ------
        ValueError
            If logits are NaN or infinite.
        """
        if not np.isfinite(logits).all():
            msg = "Expected finite logits, found NaN or infinite ones: check the model and its device."
            raise ValueError(msg)
        pieces = Pieces(text, logits, offsets, word, segment, token, split)
        return self.decode_all(
            [pieces], strategy=strategy, threshold=threshold, labels=labels, raw_scores=raw_scores
        )[0]

    def decode_all(
        self,
        texts: Sequence[Pieces],
        *,
        strategy: str = "first",
        threshold: float = 0.0,
        labels: Collection[str] | None = None,
        raw_scores: bool = False,
    ) -> list[tuple[Entity, ...]]:
        """Find the entities of several texts.

        Parameters
        ----------
        texts : sequence of Pieces
            With finite logits.
        strategy : str
            ``none``: every piece whose tag is not ``O``, under its raw tag. ``simple``: neighbouring pieces
            of one type. ``first``, ``average``, ``max``: the same over words, which take the tag of their
            first piece, of their mean probabilities, or of their most confident piece. ``word`` and
            ``whitespace`` (not in transformers): the first pieces of words as people write them or as white
            space separates them, the most likely valid tag sequence, and names without the punctuation around
            them, see `ner_core.edges`.
        threshold : float
            Entities with a lower score are left out.
        labels : collection of str, optional
            Entity types to keep; all when not given.
        raw_scores : bool
            Whether ``word`` and ``whitespace`` score spans by the mean over their words, as in transformers.
            By default their score is the probability that the whole span is right.

        Returns
        -------
        list of tuple of Entity
            For each text: sorted, not overlapping, each an exact slice of the text. Where the user gave the
            words, entities consist of whole words and have word offsets. With ``word`` and ``whitespace``,
            every entity has a letter or digit, and a given word like ``@anna`` alone is no entity.
        """
        found: list[list[Entity]] = [[] for _ in texts]
        numbers = [number for number, one in enumerate(texts) if len(one.word)]
        if not numbers:
            return [()] * len(texts)
        given = [texts[number] for number in numbers]
        as_written = strategy in AS_WRITTEN
        if as_written:
            given = [one._replace(text=rendered(one.text)) for one in given]
        units = find_units(given, strategy, self._set.type)
        if as_written:
            agree(units, self._set.type)
            forms = {number: find_forms(one.text) for number, one in enumerate(given)}
            weigh(forms, units, self._kinds[self._set.type], self._set.follows)
        probabilities = units.probabilities
        tags = self._set.likely(probabilities, units.apart) if as_written else probabilities.argmax(axis=-1)
        types = self._set.type[tags]
        if as_written:
            dividers = _dividers(given, units, self._is_person[types])
            types[dividers] = OUTSIDE
        first, last = self._spans(units, tags, types, every_unit=strategy == "none", labels=labels)

        names = self.tags if strategy == "none" else self.types
        name_ids = tags[first] if strategy == "none" else types[first]
        chosen = probabilities[np.arange(len(tags)), tags].tolist()
        score = self._mean_score if raw_scores or not as_written else self._evidence(units, dividers)
        spans = units.text[first], first, last, name_ids, types[first], units.begin[first], units.end[last]
        rows = zip(*(column.tolist() for column in spans), strict=True)
        for number, of_text in groupby(rows, itemgetter(0)):
            entities, text = found[numbers[number]], texts[numbers[number]].text
            seen, split = given[number].text, given[number].split
            trimmed, floor = as_written and not split, 0
            for _, one, other, name_id, kind, begin, end in of_text:
                name, after = names[name_id], other + 1
                start, stop = _snap(seen, begin, end, floor)
                if trimmed:
                    start, stop = name_span(seen, start, stop, name)
                    while one < other and units.begin[other] >= stop:
                        other -= 1
                    while one < other and units.end[one] <= start:
                        one += 1
                elif as_written and not _can_be_name(text[start:stop]):
                    continue
                if start >= stop:
                    continue
                sure = score(chosen[one : other + 1], one, after, kind)
                if trimmed and entities and entities[-1].label == name:
                    earlier = entities[-1]
                    places = (earlier.start, earlier.end), (start, stop)
                    inverted = self._is_person[kind] and is_inverted_name(seen, *places)
                    if inverted or is_article_of(seen, *places):
                        entities.pop()
                        start, sure = earlier.start, max(earlier.score, sure)  # each supports the other
                words = (int(units.word[one]), int(units.word[other]) + 1) if split else (None, None)
                entities.append(Entity(start, stop, name, sure, text[start:stop], *words))
                floor = stop
        return [tuple(entity for entity in one if entity.score >= threshold) for one in found]

    def _spans(
        self,
        units: Units,
        tags: np.ndarray,
        types: np.ndarray,
        *,
        every_unit: bool,
        labels: Collection[str] | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last unit of every entity of the wanted types."""
        same = types[1:] == types[:-1]
        begins = units.apart | every_unit
        begins[1:] |= ~(same & self._set.opens[tags[:-1]] & self._set.follows[tags[1:]])
        first = begins.nonzero()[0]
        last = run_ends(first, len(tags)) - 1
        wanted = types[first] != OUTSIDE
        if labels is not None:
            names = set(map(normalize_label, labels))
            kept = [kind for kind, name in enumerate(self.types) if normalize_label(name) in names]
            wanted &= np.isin(types[first], kept)
        return first[wanted], last[wanted]

    def _mean_score(self, chosen: list[float], *_: int) -> float:
        """Return the mean probability of the words, as transformers does."""
        return min(math.fsum(chosen) / len(chosen), 1.0)

    def _evidence(self, units: Units, dividers: list[int]) -> Callable[[list[float], int, int, int], float]:
        """Return a function that computes the probability that a span is right.

        Its arguments are the probabilities of the words, the index of the first word, the index of the word
        after the span as tagged (before the edges were cut), and the type.
        """
        energy = units.energy.tolist()
        going_on = self._set.going_on(units.probabilities)
        going_on[units.apart] = 0.0
        going_on[dividers] = 0.0
        length = len(going_on)

        def probability(chosen: list[float], one: int, after: int, kind: int) -> float:
            return span_probability(
                math.prod(chosen),
                min(energy[one : one + len(chosen)]),
                float(going_on[after, kind]) if after < length else 0.0,
                self._calibration,
            )

        return probability


def _snap(text: str, start: int, end: int, floor: int) -> tuple[int, int]:
    """Trim a slice: after the previous entity, without white space around it, marks kept on their letters."""
    start, end = max(start, floor), min(end, len(text))
    while floor < start < end and is_mark(text[start]) and not text[start - 1].isspace():
        start -= 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end < len(text) and is_mark(text[end]):
        end += 1
    return start, end


def _can_be_name(words: str) -> bool:
    """Return whether given words can be a name: they need a letter or digit, and are no single user name.

    Corpora that keep ``@anna`` as one word do not tag it: of 2,301 such words in the train and dev parts of
    the Broad Twitter Corpus and WNUT17 that minilm-ner takes for names, 7 are tagged.
    """
    if words.startswith("@") and len(words) > 1:
        return any(map(str.isspace, words))
    return has_letter(words)


def _dividers(texts: Sequence[Pieces], units: Units, person: np.ndarray) -> list[int]:
    """Return the units that separate the items of a list and are never part of a name.

    `person` tells for every unit whether it was tagged as part of a person's name.
    """
    found: list[int] = []
    for number, one in enumerate(texts):
        matches = [] if one.split else list(_DIVIDER.finditer(one.text))
        if not matches:
            continue
        first, last = np.searchsorted(units.text, (number, number + 1))
        places = [match.start() for match in matches if match["of_persons"] is None]
        of_persons = [match.start() for match in matches if match["of_persons"] is not None]
        begins = units.begin[first:last]
        divides = np.isin(begins, places) | (np.isin(begins, of_persons) & person[first:last])
        found += (np.flatnonzero(divides) + first).tolist()
    return found
