"""The ways in which word pieces become entities, by name."""

from __future__ import annotations

__all__ = ["AGGREGATIONS", "AS_WRITTEN", "DEFAULT_AGGREGATION", "checked_aggregation"]

#: ``word``: words as people write them, valid tag sequences, names without the punctuation around them.
#: ``whitespace``: the same over words that white space divides, as NeMo has them. The others are those of
#: transformers' token-classification pipeline.
AGGREGATIONS = ("word", "whitespace", "first", "average", "max", "simple", "none")

DEFAULT_AGGREGATION = "word"

#: Those that take texts as people write them: in segments (`ner_core.segments`), with characters folded
#: (`ner_core.characters`). The others show the model the text as it is, as transformers does.
AS_WRITTEN = ("word", "whitespace")


def checked_aggregation(name: str) -> str:
    """Return the name, or raise `ValueError` where there is no such aggregation.

    Examples
    --------
    >>> checked_aggregation("word")
    'word'
    """
    if name not in AGGREGATIONS:
        msg = f"Unknown aggregation {name!r}: expected one of {', '.join(AGGREGATIONS)}."
        raise ValueError(msg)
    return name
