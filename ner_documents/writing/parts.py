"""One stored chunk on its way into the output file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk that was annotated.

    Attributes
    ----------
    header : dict
        Counts, errors and columns, as `annotation.annotate_chunk` wrote them.
    open : callable
        Opens the encoded documents as a binary stream.
    """

    header: dict[str, Any]
    open: Callable[[], IO[bytes]]
