"""The arguments of programs, checked alike over HTTP, Gradio's client and MCP.

The OpenAPI description and the tools' schemas are made from the same models.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ner_app.service import Choice
from ner_core.aggregation import AGGREGATIONS
from ner_core.compute import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ArgumentError", "Options", "Text", "Texts", "checked", "hint", "no_arguments", "shown"]

_FOUND_CHARACTERS = 60
_MOST_LABELS = 100
_NAME_CHARACTERS = 200
_EXPECTED = {
    "text": "a string",
    "texts": "a list of strings",
    "model": "the name of a model, as a string",
    "device": "the name of a device, as a string",
    "precision": "the name of a precision, as a string",
    "aggregation": f"one of {', '.join(AGGREGATIONS)}",
    "threshold": "a number from 0 to 1",
    "compute": f"one of {', '.join(COMPUTE)}",
    "labels": f"a list of up to {_MOST_LABELS} labels, as strings",
    "offsets": "one of code_points, utf16",
}


class ArgumentError(ValueError):
    """An argument is missing, unknown or wrong; the message begins with its name."""

    status = 422


class Options(BaseModel):
    """How to recognize."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(
        "",
        max_length=_NAME_CHARACTERS,
        description="Name of a model, see models; auto: by language; empty: the default.",
    )
    device: str = Field(
        "AUTO", max_length=_NAME_CHARACTERS, description='Device such as "CPU", "GPU" or "AUTO", see devices.'
    )
    precision: str = Field(
        "",
        max_length=_NAME_CHARACTERS,
        description='"FP32", "FP16", "INT8" or "FP16-INT8"; empty: the best one for the device.',
    )
    aggregation: Literal[("", *AGGREGATIONS)] = Field(  # type: ignore[valid-type]
        "", description="How word pieces become entities; empty: the model's own way, mostly word."
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Minimum score of the entities returned; 0: all. Left out: the model's own, which leaves "
        "out what is more likely wrong.",
    )
    labels: list[str] = Field(
        [],
        max_length=_MOST_LABELS,
        description='Labels to return, such as ["PER", "LOC"]; empty: all.',
    )
    compute: Literal[COMPUTE] = Field(  # type: ignore[valid-type]
        "auto",
        description="What a CPU computes in. auto: the fastest arithmetic that the processor has and that "
        "keeps the model's accuracy; exact: float32, the same everywhere; or a way by its name.",
    )
    offsets: Literal["code_points", "utf16"] = Field(
        "code_points",
        description="What start and end count: Unicode code points, or UTF-16 units as in JavaScript.",
    )

    @property
    def choice(self) -> Choice:
        """Model, device, precision and arithmetic."""
        return Choice(self.model, self.device, self.precision, "" if self.compute == "auto" else self.compute)


class Text(Options):
    """A text, and how to recognize it."""

    text: str = Field(
        description='Any text, such as "Mary lives in Santa Clara."',
        examples=["Mary lives in Santa Clara and works at NVIDIA."],
    )


class Texts(Options):
    """Several texts, and how to recognize them."""

    texts: list[str] = Field(description="The texts.", examples=[["Mary sings.", "Rome is old."]])


def checked(kind: type[Options], arguments: Mapping[str, Any], *, default: str) -> Any:
    """Check the arguments of a call.

    Parameters
    ----------
    kind : type
        `Text` or `Texts`.
    arguments : mapping
        As sent; None stands for an argument that was not given.
    default : str
        Name of the model where none is given.

    Raises
    ------
    ArgumentError
        Says which argument is wrong, what was expected and what was found.

    Examples
    --------
    >>> checked(Text, {"txt": "Mary"}, default="m")
    Traceback (most recent call last):
    ner_app.arguments.ArgumentError: txt: there is no such argument; did you mean text?
    >>> checked(Text, {"text": "Mary", "threshold": 7}, default="m")
    Traceback (most recent call last):
    ner_app.arguments.ArgumentError: threshold: expected a number from 0 to 1, found 7.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    names = sorted(kind.model_fields, key=lambda name: not kind.model_fields[name].is_required())
    for name in given:
        if name not in kind.model_fields:
            msg = f"{shown(name)}: there is no such argument; {hint(name, names)}"
            raise ArgumentError(msg)
    try:
        found = kind.model_validate(given)
    except ValidationError as error:
        raise ArgumentError(_sentence(error)) from None
    return found if found.model else found.model_copy(update={"model": default})


def no_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise `ArgumentError` where a function that takes none is given one."""
    if arguments:
        msg = f"{shown(next(iter(arguments)))}: {name} takes no arguments."
        raise ArgumentError(msg)


def shown(name: str) -> str:
    r"""Shorten a name from a request, and quote it if it is blank or unprintable.

    Examples
    --------
    >>> shown("txt"), shown(""), shown("a\n")
    ('txt', "''", "'a\\n'")
    """
    short = _shortened(name)
    return short if short.isprintable() and short.strip() else repr(short)


def hint(name: str, names: Sequence[str]) -> str:
    """Suggest the closest name, else list them all.

    Examples
    --------
    >>> hint("txt", ["text", "model"]), hint("colour", ["text", "model"])
    ('did you mean text?', 'there are text, model.')
    """
    near = difflib.get_close_matches(name[:_NAME_CHARACTERS].lower(), names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."


def _sentence(error: ValidationError) -> str:
    """Describe the first wrong argument."""
    first = error.errors(include_url=False, include_context=False)[0]
    name, *place = first["loc"]
    if first["type"] == "missing":
        return f"{name}: missing; expected {_EXPECTED[str(name)]}."
    where = "".join(f"[{index}]" for index in place)
    expected = "a string" if place else _EXPECTED[str(name)]
    if first["type"] == "string_too_long":
        expected = f"up to {_NAME_CHARACTERS} characters"
    return f"{name}{where}: expected {expected}, found {_described(first['input'])}."


def _described(value: Any) -> str:
    """Describe a value in a few words; a text is never repeated whole."""
    if isinstance(value, (list, dict)):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"{kind} of {len(value):,}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _shortened(repr(value))


def _shortened(value: str) -> str:
    return value if len(value) <= _FOUND_CHARACTERS else f"{value[:_FOUND_CHARACTERS]}…"
