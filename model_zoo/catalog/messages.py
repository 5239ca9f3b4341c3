"""Parts of messages: shortened lists and values, and pydantic's findings as sentences."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from pydantic import ValidationError

__all__ = ["command_for", "few", "sentences", "shown"]

#: What a value should be, by the beginning of pydantic's names for errors, such as ``int_parsing``.
_KINDS = {
    "string": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    **dict.fromkeys(("dict", "model"), "keys and values"),
}
_SHOWN = 60  # characters of a wrong value shown in an error
_FOLDER_FLAGS = {"downloader": "--output_dir", "converter": "--download_dir", "quantizer": "--model_dir"}


def command_for(
    tool: str, name: str, models_dir: str | Path | None = None, zoo: Path | None = None, *more: str
) -> str:
    """Return a command of the zoo, to be copied into a shell.

    Parameters
    ----------
    tool : str
        ``downloader``, ``converter`` or ``quantizer``.
    name : str
        The model.
    models_dir, zoo : path, optional
        Models folder and zoo that the user gave.
    *more : str
        Further arguments.

    Examples
    --------
    >>> command_for("converter", "tiny", "my models")
    "python -m model_zoo.converter --name tiny --download_dir 'my models'"
    """
    words = ["--name", name]
    if models_dir is not None:
        words += [_FOLDER_FLAGS[tool], str(models_dir)]
    if zoo is not None:
        words += ["--zoo", str(zoo)]
    return f"python -m model_zoo.{tool} {shlex.join([*words, *more])}"


def sentences(error: ValidationError, tags: Collection[str] = ()) -> list[str]:
    """Return one sentence for each mistake: the key, what was expected there, and what was found.

    Parameters
    ----------
    error : pydantic.ValidationError
        Raised by a pydantic model for the content of a file.
    tags : collection of str
        Tags of union members, which pydantic lists among the keys.

    Examples
    --------
    >>> from pydantic import BaseModel, ValidationError
    >>> class Recipe(BaseModel, extra="forbid"):
    ...     epochs: list[int]
    ...     seed: int
    >>> try:
    ...     Recipe.model_validate({"epochs": [1, "two"], "sead": 7})
    ... except ValidationError as error:
    ...     sentences(error)
    ["epochs[1]: expected an integer, found 'two'", 'seed: expected a value, found nothing',
     'sead: no such key']
    """
    lines = []
    for problem in error.errors(include_url=False):
        key = _dotted(problem["loc"], tags)
        found = "nothing" if problem["type"] == "missing" else shown(problem["input"])
        expected = _expected(problem["type"], problem.get("ctx", {}))
        complete = "found" in expected or not expected.startswith("expected")
        lines.append(f"{key + ': ' if key else ''}{expected}" + ("" if complete else f", found {found}"))
    return lines


def _expected(kind: str, context: dict[str, Any]) -> str:
    if kind == "value_error":  # raised by a validator of ours
        return str(context["error"])
    expected = {
        "missing": "expected a value",
        "extra_forbidden": "no such key",
        "union_tag_not_found": "expected a key $type",
        "union_tag_invalid": f"expected $type to be one of {context.get('expected_tags', '')}",
        "literal_error": f"expected {context.get('expected', '')}",
        "greater_than_equal": f"expected at least {context.get('ge', '')}",
        "greater_than": f"expected more than {context.get('gt', '')}",
        "less_than_equal": f"expected at most {context.get('le', '')}",
        "less_than": f"expected less than {context.get('lt', '')}",
        "finite_number": "expected a finite number",
        "too_short": f"expected at least {context.get('min_length', '')} of them",
        "string_too_short": "expected a string that is not empty",
        "string_pattern_mismatch": f"expected a string of the form {context.get('pattern', '')}",
    }
    if kind in expected:
        return expected[kind]
    what = _KINDS.get(kind.partition("_")[0], f"something else ({kind.replace('_', ' ')})")
    return f"expected {what}"


def _dotted(location: tuple[int | str, ...], tags: Collection[str]) -> str:
    """Write pydantic's location as ``files[0].source``."""
    dotted = ""
    for index, part in enumerate(location):
        if isinstance(part, int):
            dotted += f"[{part}]"
        elif part in tags and index and _holds_union(location[index - 1]):
            continue
        else:
            dotted += f".{part}" if dotted else str(part)
    return dotted


def _holds_union(key: int | str) -> bool:
    return isinstance(key, int) or key == "original_source"


def shown(value: Any) -> str:
    """Return the repr of a wrong value, shortened to fit into a sentence.

    Examples
    --------
    >>> shown("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    """
    try:
        text = repr(value)
    except RecursionError:
        text = "an endlessly nested value"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def few(values: Iterable[Any], count: int = 4) -> str:
    """List the first few values.

    Examples
    --------
    >>> few([1, 2, 3], 2)
    '1, 2, ...'
    """
    listed = [str(value) for value in values]
    return ", ".join(listed[:count]) + (", ..." if len(listed) > count else "")
