"""Labelled corpora in the labels of a model, with sets of labels where a corpus cannot say which."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ner_core.dataset import open_dataset
from ner_core.labels import spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from model_zoo.train.recipe import Corpus, Recipe
    from ner_core.dataset import Dataset

log = logging.getLogger(__name__)

#: Type, first word, word after the last.
Mention = tuple[str, int, int]


@dataclass(frozen=True)
class Sentence:
    """Words of one sentence, and what is known of the label of each.

    Attributes
    ----------
    words : list of str
    sets : list of int
        Labels that a word may have; bit i: label i.
    answers : float array [words, labels], optional
        What teachers say, as probabilities; zeros where they say nothing.
    """

    words: list[str]
    sets: list[int]
    answers: np.ndarray | None = None


@dataclass
class LabelledCorpus:
    """A corpus in the labels of the model.

    Attributes
    ----------
    name : str
    train, dev : list of Sentence
    scored : list of str
        Types on which the dev part is scored: those that the corpus annotates.
    dev_tags : list of list of str
        Gold tags of the dev part, IOB2, scored types only.
    """

    name: str
    scored: list[str]
    train: list[Sentence] = field(default_factory=list)
    dev: list[Sentence] = field(default_factory=list)
    dev_tags: list[list[str]] = field(default_factory=list)


def load_corpora(recipe: Recipe, data_dir: Path) -> dict[str, LabelledCorpus]:
    """Read every corpus of a recipe.

    Parameters
    ----------
    recipe : Recipe
    data_dir : Path
        Folder that the corpora's files are below.

    Returns
    -------
    dict of str to LabelledCorpus

    Raises
    ------
    FileNotFoundError
        A file is missing; the message names the corpus, the file and the option that moves the folder.
    ValueError
        A label is not in the recipe.
    """
    loaded = {}
    for name, corpus in recipe.corpora.items():
        result = LabelledCorpus(name, [kind for kind in recipe.types if kind not in corpus.unannotated])
        for part, file in (("train", corpus.train), ("dev", corpus.dev)):
            if file is None:
                continue
            path = data_dir / file
            if not path.exists():
                msg = f"corpus {name}: {part} file {path} does not exist (--data_dir tells where corpora are)"
                raise FileNotFoundError(msg)
            sentences = [
                (words, _clean(words, tags, corpus)) for words, tags in open_part(path, part, corpus.column)
            ]
            if not sentences:
                msg = f"corpus {name}: {part} file {path}: expected labelled text, found none"
                raise ValueError(msg)
            mapper = _LabelMapper(recipe, corpus, f"{path}")
            apart = corpus.held_out
            kept = [one for number, one in enumerate(sentences, 1) if not apart or number % apart]
            if part == "train":
                result.train = [Sentence(words, mapper.sets(words, found)) for words, found in kept]
            if part == "dev" or apart:
                measured = sentences[apart - 1 :: apart] if apart else sentences
                result.dev = [Sentence(words, mapper.sets(words, found)) for words, found in measured]
                result.dev_tags = [mapper.gold(len(words), found) for words, found in measured]
        log.info("corpus %s: %d train and %d dev sentences", name, len(result.train), len(result.dev))
        loaded[name] = result
    return loaded


def open_part(path: Path, part: str, column: str | None = None) -> Dataset:
    """Open a corpus file, or the file of a part (``train`` or ``dev``) in a folder."""
    return open_dataset(path, split=part if path.is_dir() else None, column=column)


def _clean(words: Sequence[str], tags: Sequence[str], corpus: Corpus) -> list[Mention]:
    cleaned = []
    for kind, start, end in spans(tags):
        outside = corpus.outside.get(kind, [])
        first = start
        while first < end and words[first] in outside:
            first += 1
        if first < end:
            cleaned.append((kind, first, end))
    return cleaned


class _LabelMapper:
    """Mentions of a corpus -> label sets and gold tags of the model."""

    def __init__(self, recipe: Recipe, corpus: Corpus, origin: str) -> None:
        self.corpus, self.origin = corpus, origin
        self.ids = {label: number for number, label in enumerate(recipe.labels)}
        self.outside = self._bits(["O", *corpus.unannotated], "B") | self._bits(corpus.unannotated, "I")
        self.unannotated = set(corpus.unannotated)
        self.anything = (1 << len(recipe.labels)) - 1
        self.unsure = {word for word in corpus.unsure if not word.endswith("*")}
        self.unsure_starts = tuple(word[:-1] for word in corpus.unsure if word.endswith("*"))

    def _bits(self, kinds: Sequence[str], prefix: str) -> int:
        return sum(1 << self.ids["O" if kind == "O" else f"{prefix}-{kind}"] for kind in kinds)

    def _meanings(self, kind: str) -> list[str]:
        meaning = self.corpus.labels.get(kind, kind)
        meanings = [meaning] if isinstance(meaning, str) else list(meaning)
        for one in meanings:
            if one != "O" and f"B-{one}" not in self.ids:
                msg = (
                    f"{self.origin}: {kind!r} is not a type of the model. Map it to one, or to O, under "
                    f"'labels' of the recipe, or with --label {kind}=TYPE"
                )
                raise ValueError(msg)
        return meanings

    def sets(self, words: Sequence[str], found: Sequence[Mention]) -> list[int]:
        sets = [
            self.anything if word in self.unsure or word.startswith(self.unsure_starts) else self.outside
            for word in words
        ]
        for kind, start, end in found:
            meanings = self._meanings(kind)
            if meanings == ["O"]:
                continue
            sets[start] = self._bits(meanings, "B")
            sets[start + 1 : end] = [self._bits(meanings, "I")] * (end - start - 1)
        return sets

    def gold(self, length: int, found: Sequence[Mention]) -> list[str]:
        tags = ["O"] * length
        for kind, start, end in found:
            meanings = self._meanings(kind)
            if len(meanings) == 1 and meanings[0] != "O" and meanings[0] not in self.unannotated:
                tags[start:end] = [f"B-{meanings[0]}"] + [f"I-{meanings[0]}"] * (end - start - 1)
        return tags
