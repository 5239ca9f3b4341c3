"""What the tests of transfers share: a file, another one, and how to fetch it from a `FileServer`."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from model_zoo.catalog.checksum import Checksum
from model_zoo.catalog.sources import HttpSource
from model_zoo.download.transfer import Patience, Transfer

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = random.Random(7).randbytes(5000)
OTHER = random.Random(8).randbytes(5000)
QUICK = Patience(attempts=3, stall=5.0, first_wait=0.001, longest_wait=0.01)


def sha384(content: bytes) -> Checksum:
    return Checksum(value=hashlib.sha384(content).hexdigest())


def fetch(server, destination, *, paths=("/file",), patience=QUICK, content=CONTENT, **options):
    settings = {key: options.pop(key) for key in ("cancel", "cache") if key in options}
    transfer = Transfer(patience=patience, **settings)
    sources = [HttpSource(url=server.url(path)) for path in paths]
    known = {"size": len(content), "checksum": sha384(content)} if content is not None else {}
    return transfer.fetch(destination, sources, **{**known, **options})


def nothing_else(folder: Path, *names: str) -> bool:
    """Only these files are there; locks may stay."""
    return sorted(
        path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    ) == sorted(names)
