"""The common base of the zoo's errors. Their messages are for people: what failed, where, what to do next."""

from __future__ import annotations

__all__ = ["CatalogError", "ZooError"]


class ZooError(Exception):
    """Base class of the zoo's errors."""


class CatalogError(ZooError, ValueError):
    """A model.yml, or the choice of models, is wrong; the message names file, key, expected and found."""
