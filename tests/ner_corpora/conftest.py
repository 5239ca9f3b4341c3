"""A recognizer that needs no model, for tests of everything around it."""

import re

import pytest

from ner_core.entity import Entity, Recognition


class CapitalRecognizer:
    """Words with a capital letter are entities: PER when they end with y, else LOC."""

    labels = ("PER", "LOC")

    def stream(self, texts, *, aggregation=None, threshold=None, labels=None, segments=None, progress=None):
        for text in texts:
            joined = text if isinstance(text, str) else " ".join(text)
            words = None if isinstance(text, str) else tuple(text)
            entities = tuple(self.entities(joined, words))
            kept = tuple(entity for entity in entities if labels is None or entity.label in labels)
            yield Recognition(joined, kept, words, pieces=len(joined.split()))

    def entities(self, joined, words):
        found = [(match.start(), match[0], None) for match in re.finditer(r"\b[A-Z]\w*", joined)]
        if words is not None:
            starts = [sum(map(len, words[:index])) + index for index in range(len(words))]
            found = [(starts[i], word, i) for i, word in enumerate(words) if re.match("[A-Z]", word)]
        for start, word, index in found:
            label = "PER" if word.endswith("y") else "LOC"
            end = None if index is None else index + 1
            yield Entity(start, start + len(word), label, 0.87654321, word, index, end)


@pytest.fixture
def capital_recognizer():
    return CapitalRecognizer()
