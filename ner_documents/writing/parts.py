"""Stored chunks of the output."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Part", "sealed", "unsealed"]

_BLOCK = 1 << 20
_SEAL = "crc32"


@dataclass(frozen=True, slots=True)
class Part:
    """An annotated chunk.

    Attributes
    ----------
    header : dict
        Counts, errors and columns, as `annotation.annotate_chunk` wrote them.
    open : callable
        Opens the encoded documents as a binary stream.
    """

    header: dict[str, Any]
    open: Callable[[], IO[bytes]]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Read the documents of a format that stores each as a line of JSON."""
        with self.open() as payload:
            yield from map(json.loads, payload)


def sealed(header: dict[str, Any], payload: bytes) -> bytes:
    """Write a chunk with a checksum, which `unsealed` verifies."""
    seal = zlib.crc32(payload, zlib.crc32(json.dumps(header).encode()))
    return json.dumps({**header, _SEAL: seal}).encode() + b"\n" + payload


def unsealed(file: IO[bytes]) -> tuple[dict[str, Any], int] | None:
    """Read a chunk that `sealed` wrote.

    Returns
    -------
    (dict, int) or None
        The header, and the offset of the documents; None if the chunk is truncated or damaged.

    Examples
    --------
    >>> import io
    >>> chunk = sealed({"last": True, "bytes": 4}, b"Mary")
    >>> unsealed(io.BytesIO(chunk)), unsealed(io.BytesIO(chunk.replace(b"Mary", b"Mark")))
    (({'last': True, 'bytes': 4}, 48), None)
    """
    line = file.readline()
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict):
        return None
    seal = header.pop(_SEAL, None)
    found, left = zlib.crc32(json.dumps(header).encode()), header.get("bytes")
    while block := file.read(_BLOCK):
        found = zlib.crc32(block, found)
        left = left - len(block) if isinstance(left, int) else left
    return (header, len(line)) if left == 0 and seal == found else None
