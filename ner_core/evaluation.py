"""Evaluation: F1 over spans (micro and macro), and a report over tokens.

Two kinds of figures are in use, and they differ by several points on the same predictions:

- *Spans*: an entity counts if type and both borders are right. Chunks are found as in conlleval and in
  seqeval's default mode. Open Model Zoo's 94.45 for bert-base-ner is their macro average.
- *Tokens*: every word (by its first piece) or every piece counts, ``O`` included, as in scikit-learn's
  ``classification_report``. NVIDIA's model card of NER En Bert prints these.

References
----------
.. [1] https://github.com/chakki-works/seqeval
.. [2] https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html
.. [3] https://github.com/openvinotoolkit/open_model_zoo/blob/master/tools/accuracy_checker/
   (accuracy_checker/metrics/ner.py)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from ner_core.labels import (
    entity_types,
    named_spans,
    normalize_label,
    spans,
    split_tag,
    tag_scheme,
    tags_of,
)
from ner_core.marked import MarkedSentence
from ner_core.scores import Evaluation, Mistake, Score, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ner_core.entity import Entity
    from ner_core.recognizer import EntityRecognizer
    from ner_core.scores import Span
    from ner_core.tokenizer import Tokenizer

    Tagged = tuple[Sequence[str], Sequence[str]]

__all__ = ["PROTOCOLS", "UNITS", "Evaluation", "Mistake", "Score", "evaluate", "evaluate_recognizer"]

PROTOCOLS = ("spans", "omz")
UNITS = ("word", "piece")

# Open Model Zoo cuts a sentence at 126 pieces, so that [CLS] and [SEP] make it 128.
_OMZ_PIECES = 126

# Sentences in memory at a time.
_CHUNK = 1024


def evaluate(
    gold: Iterable[Sequence[str]],
    predicted: Iterable[Sequence[str]],
    *,
    strict: bool = False,
    tags: Sequence[str] | None = None,
) -> Evaluation:
    """Compare predicted tags with gold tags.

    Parameters
    ----------
    gold, predicted : iterable of sequences of str
        The tags of each sentence, in any scheme; iterated once.
    strict : bool
        Count only chunks that are well formed in IOB2 (or BIOES, if the tags have ``E-`` or ``S-``), as in
        seqeval's strict mode; by default an ``I-PER`` after ``O`` begins a chunk.
    tags : sequence of str, optional
        The tags in the order of their ids, for the token report; by default ``O`` first and the rest sorted.

    Returns
    -------
    Evaluation
        Equal to seqeval over spans and to scikit-learn over tokens.

    Raises
    ------
    ValueError
        If the numbers of sentences, or of the tags of a sentence, differ.

    Examples
    --------
    >>> found = evaluate([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "O"]])
    >>> round(found.micro_f1, 4), found.macro_f1, found.token_accuracy
    (0.6667, 0.5, 0.75)
    """
    tally = Tally(mistakes=0)
    pairs: Iterable[tuple[Sequence[str], Sequence[str]]] = zip(gold, predicted, strict=True)
    chunks: Callable[[Sequence[str]], list[Span]] = spans
    if strict:
        pairs = list(pairs)
        every = {tag for pair in pairs for sequence in pair for tag in sequence}
        only_single = {split_tag(tag)[0] for tag in every} <= {"O", "S"}  # too little for `tag_scheme`
        chunks = partial(_well_formed, bioes=only_single or tag_scheme(tuple(every)) == "BIOES")
    for number, (wanted, found) in enumerate(pairs, 1):
        if len(wanted) != len(found):
            msg = f"Sentence {number}: expected {len(wanted)} predicted tags, found {len(found)}."
            raise ValueError(msg)
        tally.add_spans(chunks(wanted), chunks(found))
        tally.add_tags(wanted, found)
    if tags is None:
        tags = ["O", *sorted({tag for pair in tally.tags for tag in pair} - {"O"})]
    return tally.evaluation(tags)


def _well_formed(tags: Sequence[str], *, bioes: bool) -> list[Span]:
    """Keep only chunks that begin with B-; in BIOES those that are one S-, or from B- to E-."""
    prefixes = [split_tag(tag)[0] for tag in tags]
    whole = (["B", "E"], ["S", "S"]) if bioes else (["B", "B"], ["B", "I"])
    return [span for span in spans(tags) if [prefixes[span[1]], prefixes[span[2] - 1]] in whole]


def evaluate_recognizer(
    ner: EntityRecognizer,
    dataset: Iterable[tuple[Sequence[str], Sequence[str]]],
    *,
    protocol: str = "spans",
    unit: str = "word",
    types: Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    mistakes: int = 0,
    targets: Sequence[tuple[str, float]] = (),
) -> Evaluation:
    """Run a model over a labelled corpus and compare its spans and tags with those of the corpus.

    Labels are compared under their common names (MIS is MISC, PERSON is PER). For the token report, the
    corpus is converted to the tag scheme of the model.

    Parameters
    ----------
    ner : EntityRecognizer
        The model.
    dataset : iterable of (sequence of str, sequence of str)
        Words and tags, as read by :mod:`ner_core.corpus`; memory use does not depend on its length. Texts
        with marked names are recognized as they are written, with their layout; the token report is of words.
    protocol : str
        ``spans`` scores the entities that the recognizer returns; spans without a letter or digit count on
        neither side, nor does a lone ``@`` within one, see `ner_core.labels.named_spans`. ``omz`` scores like
        Open Model Zoo: sentences are cut at 126 pieces, words after the cut count on neither side, and chunks
        come from the most probable tag of each word's first piece.
    unit : str
        Unit of the token report: ``word`` (its first piece) or ``piece`` (each with the tag of its word).
    types : sequence of str, optional
        Score only these types and treat all others as ``O`` on both sides: for corpora that annotate fewer.
    label_map : mapping of str to str, optional
        From types of the corpus to types of the model; ``O`` drops a type.
    mistakes : int
        How many of the worst sentences to keep.
    targets : sequence of (str, float)
        Such as ``("precision", 0.95)`` or ``("recall", 0.99)``: find the thresholds that reach them. Only
        for protocol ``spans``, where spans have scores.

    Returns
    -------
    Evaluation
        With notes on types that only the corpus or only the model has.

    Raises
    ------
    ValueError
        For an unknown protocol or unit, and for types in `types` or `label_map` that the model does not have.
    """
    for name, value, known in (("protocol", protocol, PROTOCOLS), ("unit", unit, UNITS)):
        if value not in known:
            msg = f"Unknown {name} {value!r}: expected one of {', '.join(known)}."
            raise ValueError(msg)
    names = _Names(ner.tags, types, label_map or {})
    tally = Tally(mistakes)
    for chunk in _chunks(dataset):
        sentences = [_cut(ner.tokenizer, *pair) for pair in chunk] if protocol == "omz" else chunk
        words = [list(sentence) for sentence, _ in sentences]
        gold = [names.corpus_spans(tags) for _, tags in sentences]
        if protocol == "spans":
            gold = list(map(names.without_signs, gold, words))
        pieces = [names.model_tags(tags) for tags in _pieces(ner, words, unit)]
        first = [[word[0] if word else "O" for word in sentence] for sentence in pieces]
        if protocol == "omz":
            predicted = [spans(tags) for tags in first]
        else:
            found_in = _entities(ner, sentences, {"threshold": 0.0} if targets else {})
            scored = list(map(names.scored_spans, found_in, words))
            least = ner.default_threshold if targets else 0.0
            predicted = [[span for span, score in one if score >= least] for one in scored]
            for wanted, one in zip(gold, scored, strict=True):
                tally.add_scores((score for _, score in one), (span in wanted for span, _ in one))
        for sentence, wanted, found, tagged in zip(words, gold, predicted, pieces, strict=True):
            tally.add_spans(wanted, found, sentence)
            right = tags_of(wanted, len(sentence), names.scheme)
            tally.add_tags(
                [tag for tag, word in zip(right, tagged, strict=True) for _ in word],
                [tag for word in tagged for tag in word],
            )
    return tally.evaluation(names.tags, unit, names.notes(), targets)


def _chunks(dataset: Iterable[Tagged]) -> Iterator[list[Tagged]]:
    numbered = enumerate(dataset, 1)
    while chunk := list(islice(numbered, _CHUNK)):
        for number, (words, tags) in chunk:
            if len(words) != len(tags):
                msg = f"Sentence {number}: expected a tag for each of {len(words)} words, found {len(tags)}."
                raise ValueError(msg)
        yield [sentence for _, sentence in chunk]


def _entities(
    ner: EntityRecognizer, sentences: Iterable[Tagged], options: dict[str, Any]
) -> Iterator[Iterable[Entity]]:
    """Yield the entities of each sentence; a marked text is recognized as a whole, for its layout."""
    texts = groupby(sentences, lambda one: one.text if isinstance(one, MarkedSentence) else None)
    runs = [(text, list(run)) for text, run in texts]
    given = [[list(words) for words, _ in run] if text is None else [text] for text, run in runs]
    results = ner.stream(list(chain.from_iterable(given)), **options)
    for text, run in runs:
        whole = () if text is None else next(results).entities
        for sentence in run:
            if isinstance(sentence, MarkedSentence):
                yield _at_words(whole, sentence.places)
            else:
                yield next(results).entities


def _at_words(entities: Iterable[Entity], places: Sequence[tuple[int, int]]) -> list[Entity]:
    """Return the entities that begin in a part of a text, with the numbers of their words in it."""
    starts, ends = zip(*places, strict=True)
    return [
        replace(
            entity,
            word_start=bisect_right(starts, entity.start) - 1,
            word_end=bisect_left(ends, entity.end) + 1,
        )
        for entity in entities
        if starts[0] <= entity.start < ends[-1]
    ]


def _pieces(ner: EntityRecognizer, words: list[list[str]], unit: str) -> Iterator[list[list[str]]]:
    """Return for every sentence and word the tags that count: of all its pieces, or only of the first."""
    if unit == "piece":
        return ner.tag_pieces(words)
    return ([[tag] for tag in tags] for tags in ner.tag(words))


def _cut(tokenizer: Tokenizer, words: Sequence[str], tags: Sequence[str]) -> Tagged:
    """Cut a sentence where Open Model Zoo cuts it, even inside a word.

    WordPiece is greedy, so the rest of a cut word keeps its pieces.
    """
    encoding = tokenizer.encode_all([words])[0]
    if len(encoding) <= _OMZ_PIECES:
        return words, tags
    last = int(encoding.word[_OMZ_PIECES - 1])
    start = sum(len(word) + 1 for word in words[:last])
    end = int(encoding.offsets[_OMZ_PIECES - 1, 1])
    return [*words[:last], words[last][: end - start]], tags[: last + 1]


class _Names:
    """Common names for the labels of corpus and model, and the labels left out of the comparison."""

    def __init__(
        self, tags: Sequence[str], types: Sequence[str] | None, label_map: Mapping[str, str]
    ) -> None:
        self.scheme = tag_scheme(tags)
        self.tags = [self._normal(tag) for tag in tags]
        self._map, self._found = label_map, set[str]()
        self._model = {normalize_label(kind) for kind in entity_types(tags)}
        self._corpus: set[str] = set()
        self._signs = 0
        self._types = None if types is None else {normalize_label(kind) for kind in types}
        named = [*(types or ()), *(kind for kind in label_map.values() if kind != "O")]
        unknown = set(map(normalize_label, named)) - self._model
        if unknown:
            has, lacks = ", ".join(sorted(self._model)), ", ".join(sorted(unknown))
            msg = f"No type {lacks} in this model: it has {has}."
            raise ValueError(msg)

    def corpus_spans(self, tags: Sequence[str]) -> list[Span]:
        found = spans(tags)
        self._found.update(kind for kind, _, _ in found)
        named = [(normalize_label(self._map.get(kind, kind)), start, end) for kind, start, end in found]
        self._corpus.update(kind for kind, _, _ in named)
        return [span for span in named if self._counts(span[0])]

    def without_signs(self, wanted: list[Span], words: Sequence[str]) -> list[Span]:
        """Take signs out of gold spans: those without a letter or digit, and the ``@`` of user names."""
        kept = named_spans(wanted, words)
        self._signs += len(set(wanted) - set(kept))
        return kept

    def scored_spans(self, entities: Iterable[Entity], words: Sequence[str]) -> list[tuple[Span, float]]:
        named = [
            (span, entity.score)
            for entity in entities
            if entity.word_start is not None and entity.word_end is not None
            for span in named_spans(
                [(normalize_label(entity.label), entity.word_start, entity.word_end)], words
            )
        ]
        return [one for one in named if self._counts(one[0][0])]

    def model_tags(self, sentence: list[list[str]]) -> list[list[str]]:
        return [[self._counted_tag(tag) for tag in pieces] for pieces in sentence]

    def _counted_tag(self, tag: str) -> str:
        tag = self._normal(tag)
        return tag if self._counts(split_tag(tag)[1]) else "O"

    def _counts(self, kind: str) -> bool:
        return kind != "O" and (self._types is None or kind in self._types)

    @staticmethod
    def _normal(tag: str) -> str:
        prefix, kind = split_tag(tag)
        return f"{prefix}-{normalize_label(kind)}" if kind else tag

    def notes(self) -> list[str]:
        """Return notes on types that cannot be right because one side does not know them."""
        notes = []
        only_corpus = sorted(kind for kind in self._corpus - self._model if self._counts(kind))
        only_model = sorted(kind for kind in self._model - self._corpus if self._counts(kind))
        if unused := sorted(self._map.keys() - self._found):
            has = ", ".join(sorted(self._found)) or "none"
            notes.append(f"the corpus has no {', '.join(unused)} to map; its types are {has}")
        if only_corpus:
            notes.append(f"only the corpus has {', '.join(only_corpus)}: all of these count as missed")
        if only_model:
            notes.append(f"only the model has {', '.join(only_model)}: all of these count as spurious")
        if self._signs:
            notes.append(
                f"signs without a letter or digit, such as a lone @, count in no span: {self._signs}"
            )
        if self._types is not None:
            notes.append(f"scored on {', '.join(sorted(self._types))} alone; other types count as O")
        return notes
