"""Measure F1 on whole documents by length and overlap of windows.

The sentences of a corpus are joined to the running text of their documents, once with a line feed and once
with a space between them, and recognized with windows of several lengths and overlaps. An entity is right if
label, start and end in characters are. For comparison, the sentences are also recognized one by one, as after
a perfect sentence splitter.

``python -m benchmarks.windows minilm-ner.xml eng.testa`` prints the table of docs/windows.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ner_core import EntityRecognizer
from ner_core.corpus import read_conll_documents
from ner_core.labels import normalize_label, spans
from ner_core.scores import Score
from ner_core.windows import LENGTH, default_overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_core.corpus import Sentence

#: Window lengths in pieces, without special tokens; longer ones than the model takes are left out.
LENGTHS = (30, 62, 94, LENGTH, 190, 254, 510)

#: Overlaps in pieces, tried with the usual length.
OVERLAPS = (0, 7, 31, 63)

_CLINGS_TO_THE_LEFT = frozenset({".", ",", ":", ";", "!", "?", ")", "'s", "'", "''", "n't", "%"})
_CLINGS_TO_THE_RIGHT = frozenset({"(", "$", "``", "@", "#"})

Span = tuple[str, int, int]


class Document(NamedTuple):
    """A running text and its entities: label, start and end in characters."""

    text: str
    gold: frozenset[Span]


def document(sentences: Sequence[Sentence], between: str) -> Document:
    """Join sentences into a text with normal punctuation."""
    text = ""
    gold = []
    for words, tags in sentences:
        starts: list[int] = []
        before = ""
        for word in words:
            if starts and (word in _CLINGS_TO_THE_LEFT or before in _CLINGS_TO_THE_RIGHT):
                text = text[:-1]
            starts.append(len(text))
            text += word + " "
            before = word
        for label, start, end in spans(tags):
            gold.append((normalize_label(label), starts[start], starts[end - 1] + len(words[end - 1])))
        text = text[:-1] + between
    return Document(text, frozenset(gold))


def measure(ner: EntityRecognizer, way: str, documents: Sequence[Document]) -> None:
    """Recognize documents, and print a row of the table: micro averages in per cent."""
    began = time.perf_counter()
    results = ner.batch([one.text for one in documents])
    seconds = time.perf_counter() - began
    right = given = wanted = 0
    for result, one in zip(results, documents, strict=True):
        found = {(normalize_label(entity.label), entity.start, entity.end) for entity in result.entities}
        right, given, wanted = right + len(found & one.gold), given + len(found), wanted + len(one.gold)
    score = Score.of(right, given, wanted)
    figures = (f"{100 * figure:.2f}" for figure in (score.f1, score.precision, score.recall))
    print(f"| {way} | {' | '.join(figures)} | {seconds:.1f} |", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, help="IR (.xml)")
    parser.add_argument("corpus", type=Path, help="CoNLL file with -DOCSTART- lines")
    parser.add_argument("--documents", type=int, help="only the first so many")
    parser.add_argument("--aggregation", default="word")
    parser.add_argument("--device", default="CPU")
    arguments = parser.parse_args(argv)

    corpus = list(read_conll_documents(arguments.corpus))[: arguments.documents]
    options = {"device": arguments.device, "aggregation": arguments.aggregation}
    longest = EntityRecognizer.from_ir(arguments.model, **options)
    limit = longest.max_length - longest.tokenizer.special_count
    alone = [document([sentence], "") for sentences in corpus for sentence in sentences]
    pieces = sum(result.pieces for result in longest.batch([one.text for one in alone]))
    name = f"{longest.name} {longest.precision}"
    print(f"{len(corpus)} documents, {len(alone)} sentences, {pieces} pieces; {name}\n")
    print("| text and windows | F1 | precision | recall | seconds |\n|---|---|---|---|---|")
    measure(longest, "each sentence alone", alone)
    shapes = [(length, default_overlap(length)) for length in LENGTHS] + [
        (LENGTH, overlap) for overlap in OVERLAPS
    ]
    for between, name in (("\n", "one sentence a line"), (" ", "sentences run together")):
        documents = [document(sentences, between) for sentences in corpus]
        for length, overlap in (shape for shape in shapes if shape[0] <= limit):
            ner = EntityRecognizer.from_ir(arguments.model, window=length, overlap=overlap, **options)
            measure(ner, f"{name}, window {length}, overlap {overlap}", documents)


if __name__ == "__main__":
    main()
