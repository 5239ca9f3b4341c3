"""Base classes of the zoo's errors; their messages tell users what failed, where, and what to do next."""

from __future__ import annotations

__all__ = ["CatalogError", "ZooError"]


class ZooError(Exception):
    """Base class of the zoo's errors."""


class CatalogError(ZooError, ValueError):
    """A model.yml, or the choice of models, is wrong; the message names file, key, expected and found."""
