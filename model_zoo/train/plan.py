"""The plan of a training run: all its batches, in order.

The recipe and its seed determine all of it before the first step, so a resumed run sees exactly the batches
that it would have seen without the interruption.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model_zoo.train.data import LabelledCorpus, Sentence
from model_zoo.train.rows import CASINGS, Row, SentenceEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.train.recipe import Recipe, Stage

log = logging.getLogger(__name__)

# Share of mentions among excerpts, where the sentence has any.
_MENTIONS_ALONE = 0.6
# The label set that holds O alone.
_OUTSIDE = 1


@dataclass(frozen=True)
class Unit:
    """Consecutive sentences of one corpus that are shown together.

    Attributes
    ----------
    corpus : str
    start, stop : int
        Its train sentences.
    casing : str
        One of `CASINGS`; empty: unchanged.
    cut : (int, int), optional
        Range of words that is shown, of a single sentence.
    """

    corpus: str
    start: int
    stop: int
    casing: str
    cut: tuple[int, int] | None = None


class Part(NamedTuple):
    """Words of a sentence, from `start` to before `stop`, and how many pieces they have."""

    start: int
    stop: int
    pieces: int


@dataclass(frozen=True)
class Batch:
    """One step of the run."""

    units: tuple[Unit, ...]
    stage: int
    share: float  # of the stage that is done before this batch, 0 to 1


class Plan:
    """All batches of a run.

    Parameters
    ----------
    recipe : Recipe
    corpora : dict of str to LabelledCorpus
    encoder : SentenceEncoder

    Attributes
    ----------
    batches : list of Batch
    epoch_ends : dict of int to (int, int)
        Number of batches up to the end of an epoch, to its stage and epoch (from 1).
    """

    def __init__(self, recipe: Recipe, corpora: dict[str, LabelledCorpus], encoder: SentenceEncoder) -> None:
        self.recipe, self.corpora, self.encoder = recipe, corpora, encoder
        self.parts = {name: self._split(corpus) for name, corpus in corpora.items()}
        self.bank = self._mention_bank()
        self.batches: list[Batch] = []
        self.epoch_ends: dict[int, tuple[int, int]] = {}
        for number, stage in enumerate(recipe.stages):
            self._plan_stage(number, stage)

    def _split(self, corpus: LabelledCorpus) -> list[list[Part]]:
        """Divide each train sentence into parts that fit into a row; most are one part."""
        encodings = self.encoder.encode([sentence.words for sentence in corpus.train])
        split = [_parts(encoding.word, self.encoder.room) for encoding in encodings]
        if long := sum(len(parts) > 1 for parts in split):
            room = self.encoder.room
            log.info("corpus %s: %d sentences of more than %d pieces are divided", corpus.name, long, room)
        return split

    def _mention_bank(self) -> dict[int, list[list[str]]]:
        """Collect the words of every mention of certain type, by the bit of its B- label."""
        bank: dict[int, list[list[str]]] = {}
        for corpus in self.corpora.values():
            for sentence in corpus.train:
                for start, end, bit in _certain(sentence.sets):
                    bank.setdefault(bit, []).append(sentence.words[start:end])
        return bank

    def _plan_stage(self, number: int, stage: Stage) -> None:
        epochs = [self._plan_epoch(number, stage, epoch) for epoch in range(stage.epochs)]
        total = sum(len(batches) for batches in epochs)
        if not total:
            msg = (
                f"stages[{number}]: expected sentences to train on, found none in {', '.join(stage.corpora)}"
            )
            raise ValueError(msg)
        done = 0
        for epoch, batches in enumerate(epochs):
            for units in batches:
                self.batches.append(Batch(tuple(units), number, done / total))
                done += 1
            self.epoch_ends[len(self.batches)] = (number + 1, epoch + 1)

    def _plan_epoch(self, number: int, stage: Stage, epoch: int) -> list[list[Unit]]:
        rng = np.random.default_rng([self.recipe.seed, number, epoch])
        units: list[tuple[int, Unit]] = []
        for name, times in stage.corpora.items():
            whole = int(times)
            for turn in range(whole + (times > whole)):
                fresh = self._units(name, stage, rng)
                if turn == whole:
                    keep = rng.random(len(fresh)) < times - whole
                    fresh = [unit for unit, kept in zip(fresh, keep, strict=True) if kept]
                units += fresh
        order = rng.permutation(len(units))
        return self._fill([units[i] for i in order], rng)

    def _units(self, name: str, stage: Stage, rng: np.random.Generator) -> list[tuple[int, Unit]]:
        parts, room = self.parts[name], self.encoder.room
        lengths = [sum(part.pieces for part in one) for one in parts]
        special = self.encoder.max_length - room
        names, shares = ["lower", "upper", "title"], [stage.lower, stage.upper, stage.title]
        borders = np.cumsum(shares)
        units, start = [], 0
        while start < len(lengths):
            stop, size = start + 1, lengths[start]
            if rng.random() < stage.join:
                target = rng.integers(size, room) if size < room else room
                while stop < len(lengths) and size + lengths[stop] <= target:
                    size += lengths[stop]
                    stop += 1
            chosen = int(np.searchsorted(borders, rng.random(), side="right"))
            casing = names[chosen] if chosen < 3 else ""
            if len(parts[start]) == 1:
                units.append((size + special, Unit(name, start, stop, casing)))
            else:
                units += [
                    (part.pieces + special, Unit(name, start, stop, casing, (part.start, part.stop)))
                    for part in parts[start]
                ]
            if stage.alone and rng.random() < stage.alone:
                sentence = self.corpora[name].train[start]
                cut = _cut_alone(sentence.sets, rng)
                if cut is not None:
                    share = (cut[1] - cut[0]) / len(sentence.words)
                    size = min(round(share * lengths[start]) + 1, room)
                    units.append((size + special, Unit(name, start, start + 1, casing, cut)))
            start = stop
        return units

    def _fill(self, units: list[tuple[int, Unit]], rng: np.random.Generator) -> list[list[Unit]]:
        """Group units of similar length under the token budget; the order of the batches is random."""
        batches: list[list[Unit]] = []
        for low in range(0, len(units), 2000):
            bucket = sorted(units[low : low + 2000], key=lambda unit: unit[0])
            batch: list[Unit] = []
            for size, unit in bucket:
                if batch and size * (len(batch) + 1) > self.recipe.batch_tokens:
                    batches.append(batch)
                    batch = []
                batch.append(unit)
            batches.append(batch)
        return [batches[i] for i in rng.permutation(len(batches))]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        """Compose one batch.

        Parameters
        ----------
        step : int

        Returns
        -------
        dict of str to array
            ``input_ids``, ``attention_mask``, ``token_type_ids``, int64 [batch, pieces]; ``label_sets``, bool
            [batch, pieces, labels], all False where there is nothing to learn; with teachers also
            ``answers``, float32 [batch, pieces, labels]: their probabilities, times their weight in the
            loss.
        """
        batch = self.batches[step]
        rng = np.random.default_rng([self.recipe.seed, 1 << 20, step])
        swap = self.recipe.stages[batch.stage].swap
        texts, labels, answers, unspaced = [], [], [], []
        for unit in batch.units:
            sentences = self.corpora[unit.corpus].train[unit.start : unit.stop]
            if unit.cut is not None:
                sentences = [_excerpt(sentences[0], *unit.cut)]
            if swap:
                sentences = [self._swapped(sentence, swap, rng) for sentence in sentences]
            words = [word for sentence in sentences for word in sentence.words]
            sets = [one for sentence in sentences for one in sentence.sets]
            if unit.casing:
                words = [CASINGS[unit.casing](word) for word in words]
            texts.append(words)
            labels.append(sets)
            share = self.recipe.corpora[unit.corpus].unspaced
            unspaced.append(bool(share) and rng.random() < share)
            if self.recipe.teachers:
                answers.append(self._answers(unit.corpus, sentences))
        rows = self.encoder.rows(texts, labels, unspaced)
        arrays = self.encoder.stack(rows, len(self.recipe.labels))
        if self.recipe.teachers:
            arrays["answers"] = _place(answers, rows, arrays["label_sets"].shape)
        return arrays

    def _answers(self, corpus: str, sentences: Sequence[Sentence]) -> np.ndarray:
        share, labels = self.recipe.corpora[corpus].teaching, len(self.recipe.labels)
        silent = [np.zeros((len(s.words), labels)) if s.answers is None else s.answers for s in sentences]
        return (share * np.concatenate(silent)).astype(np.float32)

    def _swapped(self, sentence: Sentence, chance: float, rng: np.random.Generator) -> Sentence:
        words, sets, answers = list(sentence.words), list(sentence.sets), sentence.answers
        for start, end, bit in reversed(_certain(sentence.sets)):
            if rng.random() >= chance:
                continue
            bank = self.bank[bit]
            fresh = bank[rng.integers(len(bank))]
            if all(word.isupper() for word in words[start:end]):
                fresh = [word.upper() for word in fresh]
            words[start:end] = fresh
            sets[start:end] = [bit] + [bit << 1] * (len(fresh) - 1)
            if answers is not None:  # the teachers did not see the new mention
                unseen = np.zeros((len(fresh), answers.shape[1]), answers.dtype)
                answers = np.concatenate([answers[:start], unseen, answers[end:]])
        return Sentence(words, sets, answers)


def _parts(word: np.ndarray, room: int) -> list[Part]:
    """Divide a sentence, given the word of each piece, between words so that each part fits."""
    parts, start = [], 0
    while len(word) - start > room:
        stop = int(np.searchsorted(word, word[start + room]))
        if stop <= start:  # a word that is longer than a row; the row cuts it
            stop = int(np.searchsorted(word, word[start], side="right"))
        parts.append(Part(int(word[start]), int(word[stop - 1]) + 1, min(stop - start, room)))
        start = stop
    if start < len(word) or not parts:
        last = (int(word[start]), int(word[-1]) + 1) if len(word) else (0, 0)
        parts.append(Part(*last, len(word) - start))
    return parts


def _place(answers: Sequence[np.ndarray], rows: Sequence[Row], shape: tuple[int, ...]) -> np.ndarray:
    """Align the answers for words with the words' first pieces."""
    placed = np.zeros(shape, np.float32)
    for number, (row, told) in enumerate(zip(rows, answers, strict=True)):
        first = np.flatnonzero(row.words >= 0)
        placed[number, first] = told[row.words[first]]
    return placed


def _cut_alone(sets: Sequence[int], rng: np.random.Generator) -> tuple[int, int] | None:
    """Choose an excerpt: a mention, or one to three words that are certainly outside."""
    mentions = [(start, end) for start, end, _ in _certain(sets)]
    if mentions and rng.random() < _MENTIONS_ALONE:
        return mentions[rng.integers(len(mentions))]
    outside = [number for number, one in enumerate(sets) if one == _OUTSIDE]
    if not outside:
        return None
    start = outside[rng.integers(len(outside))]
    end, longest = start + 1, start + 1 + int(rng.integers(3))
    while end < min(longest, len(sets)) and sets[end] == _OUTSIDE:
        end += 1
    return start, end


def _excerpt(sentence: Sentence, start: int, end: int) -> Sentence:
    answers = sentence.answers
    cut = slice(start, end)
    return Sentence(sentence.words[cut], sentence.sets[cut], None if answers is None else answers[cut])


def _certain(sets: Sequence[int]) -> list[tuple[int, int, int]]:
    """List mentions of certain type: first word, word after the last, bit of B- (I- is the next bit)."""
    found, position = [], 0
    while position < len(sets):
        bit = sets[position]
        number = bit.bit_length() - 1
        position += 1
        if bit != 1 << number or number % 2 == 0:
            continue
        start = position - 1
        while position < len(sets) and sets[position] == bit << 1:
            position += 1
        found.append((start, position, bit))
    return found
