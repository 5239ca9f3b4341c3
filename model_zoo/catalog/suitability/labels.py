"""Labels of a config.json."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few
from ner_core.labels import prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["are_numbers", "check_label_count", "labels_of", "named_labels"]


def labels_of(where: str, config: Mapping[str, Any]) -> list[str]:
    """Return the labels of a config.json in id order, tags as ``B-PER``; empty if it names none.

    ``id2label`` takes precedence; ``label2id`` is used if that is missing or was left at LABEL_0 and so on.

    Parameters
    ----------
    where : str
        Start of error messages.
    config : mapping
        Content of config.json.

    Raises
    ------
    CatalogError
        If the ids are not 0, 1, 2 and so on, or a label is empty.

    Examples
    --------
    >>> labels_of("config.json", {"id2label": {"1": "B-PER", "0": "O"}})
    ['O', 'B-PER']
    >>> labels_of("config.json", {"label2id": {"PER-B": 1, "PER-I": 2, "O": 0}})
    ['O', 'B-PER', 'I-PER']
    """
    named = config.get("id2label") or {}
    if isinstance(named, list):
        named = dict(enumerate(named))
    if not isinstance(named, dict):
        msg = f"{where}: id2label: expected an object of ids and labels, found {type(named).__name__}"
        raise CatalogError(msg)
    ids, expected = config.get("label2id"), "id2label: expected whole numbers as keys"
    pairs = list(named.items())
    if are_numbers(named.values()) and isinstance(ids, dict) and not are_numbers(ids):
        expected = "label2id: expected whole numbers as values"
        pairs = [(number, label) for label, number in ids.items()]
    try:
        by_id = {int(key): str(label).strip() if isinstance(label, str | int) else "" for key, label in pairs}
    except (ValueError, TypeError):
        msg = f"{where}: {expected}, found {few(key for key, _ in pairs)}"
        raise CatalogError(msg) from None
    if sorted(by_id) != list(range(len(by_id))):
        msg = f"{where}: id2label: expected ids 0 to {len(by_id) - 1}, found {few(sorted(by_id))}"
        raise CatalogError(msg)
    labels = [by_id[index] for index in range(len(by_id))]
    empty = [index for index, label in enumerate(labels) if not label]
    if empty:
        msg = f"{where}: id2label: expected a name for each label, found none for {few(empty)}"
        raise CatalogError(msg)
    return prefixed(labels)


def named_labels(name: str, config: Mapping[str, Any]) -> list[str]:
    """Return the labels of a config.json; refuse generated names.

    Raises
    ------
    CatalogError
        As for `labels_of`, or the labels are LABEL_0 and so on: the message says how to name them.
    """
    labels = labels_of(name, config)
    if not are_numbers(labels):
        return labels
    found = f"{few(labels)}" if labels else "no id2label"
    msg = (
        f"{name}: expected labels such as B-PER in config.json's id2label, found {found}. If its card says "
        f"what they are, name them in their order: python -m model_zoo add {name} --zoo my-zoo "
        "--labels O,B-PER,I-PER,..., then use --zoo my-zoo"
    )
    raise CatalogError(msg)


def check_label_count(name: str, config: Mapping[str, Any], given: Sequence[str]) -> None:
    """Refuse a number of labels other than that of a config.json.

    Raises
    ------
    CatalogError
        The message has both numbers.
    """
    own = config.get("id2label")
    if isinstance(own, dict | list) and own and len(own) != len(given):
        found = f"{len(given)}: {few(given)}"
        msg = f"{name}: expected {len(own)} labels, as in config.json's id2label, found {found}"
        raise CatalogError(msg)


def are_numbers(labels: Iterable[Any]) -> bool:
    """Return whether the labels are only numbered, by transformers (LABEL_0) or by their author (0)."""
    return all(re.fullmatch(r"(?:LABEL_)?\d+", str(label)) for label in labels)
