"""Compare our entities with those of transformers' pipeline, and classify known differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.hub_models.checkpoints import TEXTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from tokenizers import Tokenizer

__all__ = ["STRATEGIES", "VERDICTS", "compare", "judge", "unclear_characters"]

STRATEGIES = ("none", "simple", "first", "average", "max")
#: ``equal``: labels, offsets, and scores within 1e-3. The next four are equal except for these differences
#: and those before: ``spaces``: white space at the ends of transformers' entities; ``blanks``: its entities
#: of white space alone; ``lone``: words after a piece that is only a space; ``bytes``: words with a character
#: of several pieces.
#: ``wrong``: anything else.
VERDICTS = ("equal", "spaces", "blanks", "lone", "bytes", "wrong")
_TOLERANCE = 1e-3

Span = tuple[int, int, str, float]


def compare(xml: Path, folder: Path) -> dict[str, dict[str, int]]:
    """Count the texts by strategy and verdict, computed in float32 as transformers does."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline
    from transformers.pipelines.token_classification import AggregationStrategy

    from ner_core import EntityRecognizer

    ner = EntityRecognizer.from_ir(xml, device="CPU", compute="exact")
    own: Any = pipeline(
        "token-classification",
        model=AutoModelForTokenClassification.from_pretrained(folder).eval(),
        tokenizer=AutoTokenizer.from_pretrained(folder),
    )
    counts = {strategy: dict.fromkeys(VERDICTS, 0) for strategy in STRATEGIES}
    for text in TEXTS:
        unclear = unclear_characters(text, own.tokenizer.backend_tokenizer)
        outputs = [
            own.forward(part) for part in own.preprocess(text, is_split_into_words=False)
        ]  # once for all strategies
        for strategy in STRATEGIES:
            entities = own.postprocess(outputs, AggregationStrategy(strategy))
            key = "entity" if strategy == "none" else "entity_group"
            wanted = [(one["start"], one["end"], one[key], float(one["score"])) for one in entities]
            found = [(e.start, e.end, e.label, e.score) for e in ner(text, aggregation=strategy).entities]
            counts[strategy][judge(text, wanted, found, *unclear)] += 1
    return counts


def unclear_characters(text: str, tokenizer: Tokenizer) -> tuple[set[int], set[int]]:
    """Return the characters after a piece that is only a space, and those that have several pieces."""
    claimed: set[int] = set()
    lone: set[int] = set()
    shared: set[int] = set()
    encoding = tokenizer.encode(text, add_special_tokens=False)
    for piece, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        if piece in ("\u2581", "\u0120") or not text[start:end].strip():
            lone |= set(range(start, end + 1))  # transformers counts it to the next word, or to none
            continue
        shared |= claimed & set(range(start, end))
        claimed |= set(range(start, end))
    return lone, shared


def judge(
    text: str,
    wanted: Sequence[Span],
    found: Sequence[Span],
    lone: Collection[int],
    shared: Collection[int],
) -> str:
    """Compare the entities of one text.

    Parameters
    ----------
    text : str
        The text.
    wanted, found : sequence of (start, end, label, score)
        Entities of transformers and ours.
    lone, shared : collection of int
        Characters after a piece that is only a space, and of several pieces.

    Returns
    -------
    str
        One of `VERDICTS`.

    Examples
    --------
    >>> judge("in Rome", [(2, 7, "LOC", 0.9)], [(3, 7, "LOC", 0.9)], (), ())
    'spaces'
    >>> judge("in Rome", [(3, 7, "LOC", 0.9)], [(3, 7, "PER", 0.9)], (), ())
    'wrong'
    """
    if _same(wanted, found):
        return "equal"
    trimmed = [one for given in wanted if (one := _trimmed(text, given))]
    if _same(trimmed, found):
        return "spaces" if len(trimmed) == len(wanted) else "blanks"
    for verdict, characters in (("lone", set(lone)), ("bytes", {*lone, *shared})):
        if characters and _same_elsewhere(text, trimmed, found, _words_with(text, characters)):
            return verdict
    return "wrong"


def _same(wanted: Sequence[Span], found: Sequence[Span]) -> bool:
    return [one[:3] for one in wanted] == [one[:3] for one in found] and all(
        abs(one[3] - other[3]) < _TOLERANCE for one, other in zip(wanted, found, strict=True)
    )


def _trimmed(text: str, entity: Span) -> Span | None:
    """Strip white space from an entity; None if nothing is left."""
    start, end, label, score = entity
    inside = text[start:end].strip()
    if not inside:
        return None
    start += text[start:end].index(inside)
    return start, start + len(inside), label, score


def _words_with(text: str, characters: Collection[int]) -> set[int]:
    """Return the characters of all words, divided at white space, that hold one of these."""
    found: set[int] = set()
    start = 0
    for word in text.split(" "):
        word_characters = range(start, start + len(word))
        if any(one in characters for one in word_characters):
            found.update(word_characters)
        start += len(word) + 1
    return found


def _same_elsewhere(text: str, wanted: Sequence[Span], found: Sequence[Span], unclear: set[int]) -> bool:
    """Compare labels character by character, and the entities that neither hold nor touch an unclear word."""
    for index in range(len(text)):
        if index not in unclear and not text[index].isspace():
            labels = [{label for s, e, label, _ in spans if s <= index < e} for spans in (wanted, found)]
            if labels[0] != labels[1]:
                return False
    clear = [
        [one for one in spans if not unclear & set(range(_before(text, one[0]), _after(text, one[1]) + 1))]
        for spans in (wanted, found)
    ]
    return _same(*clear)


def _before(text: str, start: int) -> int:
    """Return the index of the last character before `start` that is not white space."""
    return len(text[:start].rstrip()) - 1


def _after(text: str, end: int) -> int:
    return end + len(text[end:]) - len(text[end:].lstrip())
