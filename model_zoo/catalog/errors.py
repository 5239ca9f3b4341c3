"""Base classes of the zoo's errors; their messages tell users what failed, where, and what to do next."""

from __future__ import annotations

__all__ = ["CatalogError", "ZooError", "told_by_system"]


class ZooError(Exception):
    """Base class of the zoo's errors."""


class CatalogError(ZooError, ValueError):
    """A model.yml, or the choice of models, is wrong; the message names file, key, expected and found."""


def told_by_system(error: OSError, place: object = None) -> str:
    """Return the file, or the place if the error names none, and what the system says.

    Examples
    --------
    >>> told_by_system(FileNotFoundError(2, "No such file or directory", "x"))
    'x: No such file or directory'
    """
    where = place if error.filename is None else error.filename
    return f"{'' if where is None else f'{where}: '}{error.strerror or error}"
