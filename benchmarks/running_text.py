"""Measure F1, calibration and layout on text as people write it, from corpora with gold spans.

The words of a corpus are joined to running text with normal punctuation. Then:

- ``sentences``: each sentence is a text; micro F1 and expected calibration error (10 bins) of spans;
- ``wrapped``: news in paragraphs of five sentences, unwrapped and wrapped at several widths;
- ``lists``: names of each corpus in generated lists, tables and forms; share found exactly, and micro F1.
  Lists of mixed types and of tasks show the cost of deciding the cells of a column jointly.

``python -m benchmarks.running_text --conll dev.conll --data DATA`` prints a table for each. DATA holds
``uner_en_ewt/dev.conll``, ``btc/dev.conll``, ``wnut17/dev.conll`` and ``gmb/dev.conll``.
"""

from __future__ import annotations

import argparse
import json
import random
import textwrap
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import model_zoo
from benchmarks.windows import Document, document
from ner_core.corpus import read_conll
from ner_core.labels import has_letter
from ner_core.reliability import calibration_error
from ner_core.scores import Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_core import EntityRecognizer, Recognition

_PARTS = ("sentences", "wrapped", "lists")
WIDTHS = (42, 50, 58, 62, 72, 80, 100)
_SAME = {"PER": "PER", "LOC": "LOC", "ORG": "ORG"}


class Corpus(NamedTuple):
    """Where a corpus lies, and the types in it that a CoNLL model can be asked for."""

    path: str
    types: dict[str, str]


_TYPES = ("PER", "ORG", "LOC")
_LISTS = 60

# What stands before a name, its type or nothing, what stands after it.
_TASKS = (
    ("Call ", "PER", ""),
    ("Email ", "PER", " about the offer"),
    ("Book hotel in ", "LOC", ""),
    ("Meeting with ", "ORG", ""),
    ("", "ORG", " invoice"),
    ("", "LOC", " trip"),
    ("Buy milk", "", ""),
    ("Dentist", "", ""),
    ("Quarterly report", "", ""),
    ("Introduction", "", ""),
    ("Results", "", ""),
    ("The ", "ORG", " case"),
)

CORPORA = {
    "conll2003": Corpus("", {**_SAME, "MISC": "MISC"}),
    "uner_en_ewt": Corpus("uner_en_ewt/dev.conll", _SAME),
    "btc": Corpus("btc/dev.conll", _SAME),
    "wnut17": Corpus("wnut17/dev.conll", {**_SAME, "corporation": "ORG", "group": "ORG"}),
    # A gpe is a country or its people: LOC or MISC, the corpus cannot say.
    "gmb": Corpus("gmb/dev.conll", {"per": "PER", "org": "ORG", "geo": "LOC", "gpe": "*"}),
}


def sentences(path: Path, types: dict[str, str], count: int | None = None) -> list[Document]:
    """Read sentences as running text; spans without a letter or digit (a lone ``@``) do not count."""
    texts = [document([sentence], "") for sentence in islice(read_conll(path), count)]
    return [named(text, types) for text in texts]


def named(text: Document, types: dict[str, str]) -> Document:
    """Map the types of a corpus to those of the model."""
    return Document(
        text.text,
        frozenset(
            (types.get(kind, types.get(kind.lower(), "")), start, end)
            for kind, start, end in text.gold
            if has_letter(text.text[start:end])
        ),
    )


class Judged(NamedTuple):
    """Micro averages, and the score and truth of each span that was found."""

    score: Score
    scores: np.ndarray
    truth: np.ndarray

    @property
    def calibration_error(self) -> float:
        """Expected calibration error over ten bins of equal width."""
        return calibration_error(self.scores, self.truth)


def judge(documents: Sequence[Document], results: Iterable[Recognition], types: dict[str, str]) -> Judged:
    """Compare spans; types that the corpus lacks are ignored on both sides."""
    wanted = set(types.values()) | ({"MISC"} if "*" in types.values() else set())
    gold = 0
    scores: list[float] = []
    truth: list[bool] = []
    for one, result in zip(documents, results, strict=True):
        spans = {(start, end): kind for kind, start, end in one.gold if kind}
        gold += len(spans)
        for entity in result.entities:
            kind = spans.get((entity.start, entity.end), "")
            if entity.label not in wanted or (
                entity.label == "MISC" and "*" in types.values() and kind != "*"
            ):
                continue
            good = kind == entity.label or (kind == "*" and entity.label in ("LOC", "MISC"))
            scores.append(entity.score)
            truth.append(good)
    return Judged(Score.of(sum(truth), len(truth), gold), np.array(scores), np.array(truth, bool))


def paragraphs(texts: Sequence[Document], between: str) -> list[Document]:
    """Join five sentences into a paragraph, and four paragraphs into a document."""
    documents = []
    for start in range(0, len(texts), 20):
        text, gold = "", []
        for number, one in enumerate(texts[start : start + 20]):
            if number:
                text += " " if number % 5 else between
            gold += [(kind, a + len(text), b + len(text)) for kind, a, b in one.gold]
            text += one.text
        documents.append(Document(text, frozenset(gold)))
    return documents


def wrapped(one: Document, width: int) -> Document:
    """Wrap at spaces: every offset stays."""
    lines = [
        "\n".join(
            textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
        )
        for line in one.text.split("\n")
    ]
    text = "\n".join(lines)
    assert len(text) == len(one.text)
    return Document(text, one.gold)


class _Page:
    """A generated text and the names in it."""

    def __init__(self, chance: random.Random, names: dict[str, list[str]]) -> None:
        self.text = ""
        self.gold: list[tuple[str, int, int]] = []
        self._chance = chance
        self._names = names

    def put(self, kind: str, before: str = "", after: str = "") -> None:
        """Add a name of a type, and the text around it."""
        name = self._chance.choice(self._names[kind])
        self.text += before
        self.gold.append((kind, len(self.text), len(self.text) + len(name)))
        self.text += name + after


def lists(texts: Sequence[Document]) -> list[tuple[str, Document]]:
    """Generate lists, tables and forms from the names in a corpus."""
    chance = random.Random(0)
    kinds = _names_by_type(texts)
    shapes = ("lines", "bullets", "tabs", "pipes", "form", "numbered")
    made = []
    for index in range(_LISTS):
        shape = shapes[index % len(shapes)]
        page = _Page(chance, kinds)
        put = page.put
        rows = chance.randint(4, 12)
        if shape in ("tabs", "pipes"):
            bar = shape == "pipes"
            page.text += "| Name | Company | City |\n|---|---|---|\n" if bar else "Name\tCompany\tCity\n"
            for _ in range(rows):
                put("PER", "| " if bar else "", " | " if bar else "\t")
                put("ORG", "", " | " if bar else "\t")
                put("LOC", "", " |\n" if bar else "\n")
        elif shape == "form":
            for _ in range(rows // 3 + 1):
                put("PER", "Name: ", "\n")
                put("ORG", "Company: ", "\n")
                put("LOC", "City: ", "\n\n")
        else:
            kind = chance.choice(("PER", "ORG", "LOC", "mixed"))
            for number in range(rows):
                before = {"bullets": "- ", "numbered": f"{number + 1}. "}.get(shape, "")
                put(chance.choice(("PER", "ORG", "LOC")) if kind == "mixed" else kind, before, "\n")
        made.append((shape, Document(page.text, frozenset(page.gold))))
    return made


def mixed_lists(texts: Sequence[Document]) -> list[tuple[str, Document]]:
    """Generate lists whose items are names of any type, or tasks with and without a name."""
    chance = random.Random(0)
    kinds = _names_by_type(texts)
    made = []
    for index in range(_LISTS):
        page = _Page(chance, kinds)
        shape = ("mixed", "tasks")[index % 2]
        for _ in range(chance.randint(4, 10)):
            before, kind, after = "", chance.choice(_TYPES), ""
            if shape == "tasks":
                before, kind, after = chance.choice(_TASKS)
            if kind:
                page.put(kind, "- " + before, after + "\n")
            else:
                page.text += f"- {before}\n"
        made.append((shape, Document(page.text, frozenset(page.gold))))
    return made


def _names_by_type(texts: Sequence[Document]) -> dict[str, list[str]]:
    names = [
        (kind, one.text[start:end])
        for one in texts
        for kind, start, end in sorted(one.gold)
        if "\n" not in one.text[start:end]
    ]
    return {kind: [name for other, name in names if other == kind] for kind in _TYPES}


def measure_sentences(
    ner: EntityRecognizer, corpora: dict[str, tuple[Path, dict[str, str]]], count: int | None
) -> None:
    """Print F1 and calibration error of each corpus."""
    print("| corpus | F1 | precision | recall | calibration error |\n|---|---|---|---|---|")
    for name, (path, types) in corpora.items():
        texts = sentences(path, types, count)
        got = judge(texts, ner.stream(one.text for one in texts), types)
        figures = (got.score.f1, got.score.precision, got.score.recall, got.calibration_error)
        print(f"| {name} | {' | '.join(f'{figure:.4f}' for figure in figures)} |", flush=True)


def measure_wrapped(ner: EntityRecognizer, path: Path, types: dict[str, str], count: int | None) -> None:
    """Print F1 and windows of news by width."""
    texts = sentences(path, types, count)
    print("\n| between paragraphs | width | F1 | windows |\n|---|---|---|---|")
    for between in ("\n\n", "\n"):
        documents = paragraphs(texts, between)
        for width in (None, *WIDTHS):
            given = [wrapped(one, width) for one in documents] if width else documents
            results = ner.batch([one.text for one in given])
            got = judge(given, results, types)
            windows = sum(one.windows for one in results)
            print(f"| {between!r} | {width or 'none'} | {got.score.f1:.4f} | {windows} |", flush=True)


def measure_lists(ner: EntityRecognizer, texts: Sequence[Document]) -> None:
    """Print how many names in lists and tables are found exactly."""
    for made in (lists(texts), mixed_lists(texts)):
        counts: dict[str, list[tuple[int, int, int]]] = {}
        for (shape, one), result in zip(made, ner.batch([one.text for _, one in made]), strict=True):
            got = {(one.label, one.start, one.end) for one in result.entities if one.label in _TYPES}
            counts.setdefault(shape, []).append((len(got & one.gold), len(one.gold), len(got)))
        counts["all"] = [each for group in counts.values() for each in group]
        print("\n| shape | names | exact | F1 |\n|---|---|---|---|")
        for shape, group in counts.items():
            right, gold, found = map(sum, zip(*group, strict=True))
            score = Score.of(right, found, gold)
            print(f"| {shape} | {gold} | {score.recall:.3f} | {score.f1:.3f} |", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="minilm-ner", help="name in the zoo or IR")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--conll", type=Path, help="CoNLL-2003 dev")
    parser.add_argument("--parts", nargs="+", default=list(_PARTS), choices=_PARTS)
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA)[:4], choices=list(CORPORA))
    parser.add_argument("--count", type=int, help="only the first so many sentences")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: options of the recognizer")
    arguments = parser.parse_args(argv)

    paths = {
        name: (arguments.conll if name == "conll2003" else arguments.data / one.path, one.types)
        for name, one in CORPORA.items()
    }
    there = {name: pair for name, pair in paths.items() if pair[0] is not None and pair[0].is_file()}
    needed = set(arguments.corpora if {"sentences", "lists"} & set(arguments.parts) else [])
    needed |= {"gmb"} if {"wrapped", "lists"} & set(arguments.parts) else set()
    if missing := [f"{name} ({paths[name][0] or '--conll'})" for name in sorted(needed - {*there})]:
        parser.error(
            f"these corpora were not found: {', '.join(missing)}; --corpora and --parts choose others"
        )
    ner = model_zoo.load(arguments.model, device="CPU", **arguments.options)
    if "sentences" in arguments.parts:
        measure_sentences(ner, {name: there[name] for name in arguments.corpora}, arguments.count)
    if "wrapped" in arguments.parts:
        measure_wrapped(ner, *there["gmb"], arguments.count)
    if "lists" in arguments.parts:
        for name in dict.fromkeys(("gmb", *arguments.corpora)):
            print(f"\nLists of names in {name}")
            measure_lists(ner, sentences(*there[name]))


if __name__ == "__main__":
    main()
