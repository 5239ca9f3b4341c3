"""Characters that are harmful or not allowed in an output: terminals, spreadsheets, UTF-8."""

from __future__ import annotations

import re

__all__ = ["SURROGATE", "encodable", "guarded", "visible"]

SURROGATE = re.compile("[\ud800-\udfff]")
# Control characters except line feed and tab, and marks that change the direction of the following text.
_TERMINAL_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Cells that spreadsheets run: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-](?:[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+)?%?)?")


def encodable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode, by U+FFFD."""
    return SURROGATE.sub("\ufffd", text)


def guarded(cell: str, *, numbers: bool = False) -> str:
    """Prefix an apostrophe to a cell that a spreadsheet would run as a formula.

    All writers use this guard: texts and tables may come from anybody, and are opened in spreadsheets.

    Parameters
    ----------
    cell : str
        Any text.
    numbers : bool
        Keep signed numbers and single signs, for columns copied from the input.

    Examples
    --------
    >>> guarded("=SUM(A1)"), guarded(" @SUM(1)"), guarded("Mary"), guarded("-5,20", numbers=True)
    ("'=SUM(A1)", "' @SUM(1)", 'Mary', '-5,20')
    """
    if not _FORMULA.match(cell) or (numbers and _NUMBER.fullmatch(cell)):
        return cell
    return f"'{cell}"


def visible(text: str) -> str:
    r"""Escape control characters, except line ends and tab, so that a terminal can show the text.

    Examples
    --------
    >>> visible("a\x1b[2J\r\nb")
    'a\\x1b[2J\nb'
    """
    return _TERMINAL_UNSAFE.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(),
        text.replace("\r\n", "\n"),
    )
