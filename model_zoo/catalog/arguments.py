"""Argument types shared by several commands."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
from pathlib import Path

__all__ = ["not_negative", "positive_integer", "renaming", "shape", "user_path"]

_SHAPE = re.compile(r"\[?\s*([0-9]{1,9})\s*[x,]\s*([0-9]{1,9})\s*\]?")


def positive_integer(text: str) -> int:
    """Parse a positive integer; an argparse type.

    Examples
    --------
    >>> positive_integer("12")
    12
    """
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if number < 1:
        msg = f"must be a positive integer (got {text!r})"
        raise argparse.ArgumentTypeError(msg)
    return number


def not_negative(text: str) -> float:
    """Parse a finite number from 0; an argparse type.

    Examples
    --------
    >>> not_negative("1e-3")
    0.001
    """
    with contextlib.suppress(ValueError):
        if 0 <= (number := float(text)) < math.inf:
            return number
    msg = f"must be a number from 0 (got {text!r})"
    raise argparse.ArgumentTypeError(msg)


def renaming(text: str) -> tuple[str, str]:
    """Parse ``FROM=TO``; an argparse type.

    Examples
    --------
    >>> renaming("person=PER")
    ('person', 'PER')
    """
    before, _, after = text.partition("=")
    if not (before and after):
        msg = f"must be FROM=TO, such as person=PER (got {text!r})"
        raise argparse.ArgumentTypeError(msg)
    return before, after


def user_path(text: str) -> Path:
    """Parse a path; an argparse type.

    Shells do not expand the tilde in ``--option=~/folder``, and an unset variable gives an empty string.

    Examples
    --------
    >>> user_path("~/models") == Path.home() / "models"
    True
    """
    if not text:
        msg = "must be a path (got '')"
        raise argparse.ArgumentTypeError(msg)
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path.expanduser raises for unknown users)


def shape(text: str) -> tuple[int, int]:
    """Parse the batch size and length of an input; an argparse type.

    Examples
    --------
    >>> shape("1x128"), shape("1,128"), shape("[1,128]")
    ((1, 128), (1, 128), (1, 128))
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None or not (int(match[1]) and int(match[2])):
        msg = f"must be two positive integers such as 1x128 (got {text!r})"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2])
