"""Find misspelt keys of a model.yml: unknown keys are ignored, but these get a warning."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["misspelt_keys"]

#: Lowest similarity (0 to 1) at which an unknown key counts as misspelt.
_SIMILAR = 0.75
#: It only documents where a file came from; Open Model Zoo itself misspells it.
_DOCUMENTATION = "original_source"


def misspelt_keys(part: BaseModel, given: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield unknown keys that resemble a known one, each with that one.

    Parameters
    ----------
    part : pydantic.BaseModel
        Validated from ``given``.
    given : object
        Content of the file.
    place : str
        Prefix of its keys, such as ``files[0].``.

    Examples
    --------
    >>> from model_zoo.catalog.schema import InputInfo
    >>> given = {"name": "input_ids", "layuot": "NC", "note": ""}
    >>> list(misspelt_keys(InputInfo.model_validate(given), given, "input_info[0]."))
    [('input_info[0].layuot', 'layout')]
    """
    if not isinstance(given, dict):  # one of the short forms, such as a bare address
        return
    fields = {name: field.alias or name for name, field in type(part).model_fields.items()}
    known = {*fields, *fields.values()}
    for key in (str(key) for key in given if key not in known):
        for near in difflib.get_close_matches(key, known - {_DOCUMENTATION}, n=1, cutoff=_SIMILAR):
            yield place + key, near
    for name, alias in fields.items():
        inner, value = given.get(alias), getattr(part, name)
        if isinstance(value, BaseModel):
            yield from misspelt_keys(value, inner, f"{place}{alias}.")
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            listed = inner if isinstance(inner, list) else [inner]
            for index, pair in enumerate(zip(value, listed, strict=True)):
                yield from misspelt_keys(*pair, f"{place}{alias}[{index}].")
