"""Checks of arguments: each error names the argument, what was expected, and what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["check_count", "check_path", "check_string", "checked_strings"]

#: Characters of a wrong value that a message repeats.
_SHOWN = 60


def check_string(argument: str, value: Any, such_as: str) -> None:
    """Raise `TypeError` unless a value is a string.

    Examples
    --------
    >>> check_string("device", "CPU", "'CPU'")
    >>> check_string("device", 5, "'CPU'")
    Traceback (most recent call last):
    TypeError: device: expected a string such as 'CPU', found 5.
    """
    if not isinstance(value, str):
        raise TypeError(_complaint(argument, f"a string such as {such_as}", value))


def check_path(argument: str, value: Any, what: str = "a path") -> None:
    """Raise `TypeError` unless a value is a string or an `os.PathLike` of one.

    Examples
    --------
    >>> check_path("models_dir", 5)
    Traceback (most recent call last):
    TypeError: models_dir: expected a path (str or Path), found 5.
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(_complaint(argument, f"{what} (str or Path)", value))


def check_count(argument: str, value: Any, least: int = 1) -> None:
    """Raise `TypeError` unless a value is None or a whole number, `ValueError` if it is too small.

    Examples
    --------
    >>> check_count("threads", "x")
    Traceback (most recent call last):
    TypeError: threads: expected a whole number of at least 1, found 'x'.
    """
    whole = hasattr(value, "__index__") and not isinstance(value, bool)  # NumPy's whole numbers as well
    if value is not None and (not whole or value < least):
        error = ValueError if whole else TypeError
        raise error(_complaint(argument, f"a whole number of at least {least}", value))


def checked_strings(argument: str, value: Any, such_as: str) -> list[str]:
    """Return strings as a list, or raise `TypeError`, also for a single string.

    Examples
    --------
    >>> checked_strings("labels", ["PER", 5], "['PER', 'LOC']")
    Traceback (most recent call last):
    TypeError: labels: expected strings such as ['PER', 'LOC'], found 5 among them.
    """
    expected = f"strings such as {such_as}"
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(_complaint(argument, expected, value))
    strings = list(value)
    for one in strings:
        if not isinstance(one, str):
            msg = f"{argument}: expected {expected}, found {one!r:.{_SHOWN}} among them."
            raise TypeError(msg)
    return strings


def _complaint(argument: str, expected: str, value: Any) -> str:
    return f"{argument}: expected {expected}, found {value!r:.{_SHOWN}}."
