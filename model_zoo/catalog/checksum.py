"""Checksums: SHA-384 (Open Model Zoo), SHA-256 (package indexes, the hub), and git's file ids."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ner_core.files import feed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GIT_BLOB", "Checksum", "checksum_of", "new_digest"]

#: The id of a file in a git repository, the only hash that the hub states for small files: the SHA-1 of
#: ``blob <size>``, a zero byte and the content (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
#: It detects damage like the others; against forgery SHA-1 is weak.
GIT_BLOB = "git_blob"
_HEX_DIGITS = {"sha256": 64, "sha384": 96, GIT_BLOB: 40}


class Checksum(BaseModel):
    """The expected hash of a file.

    A bare string in model.yml is a SHA-384, as in Open Model Zoo; ``{$type: sha256, value: ...}``, or
    ``sha256:...`` as messages write it, names the algorithm: ``sha256``, ``sha384`` or ``git_blob``.

    Examples
    --------
    >>> Checksum.model_validate("00" * 48).algorithm
    'sha384'
    >>> str(Checksum.model_validate({"$type": "sha256", "value": "AB" * 32}))[:13]
    'sha256:ababab'
    >>> Checksum.model_validate("sha256:" + "00" * 32).algorithm
    'sha256'
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    algorithm: Literal["sha256", "sha384", "git_blob"] = Field(alias="$type", default="sha384")
    value: Annotated[str, StringConstraints(to_lower=True)]

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        kind, _, value = given.rpartition(":")
        return {"$type": kind or "sha384", "value": value}

    @model_validator(mode="after")
    def _check_digits(self) -> Checksum:
        digits = _HEX_DIGITS[self.algorithm]
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", self.value):
            msg = (
                f"expected {digits} hexadecimal digits for {self.algorithm} ($type names another kind), "
                f"found {self.value!r}"
            )
            raise ValueError(msg)
        return self

    def matches(self, path: Path) -> bool:
        """Return whether the file's content has this hash."""
        return checksum_of(path, algorithm=self.algorithm) == self

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def new_digest(algorithm: str, size: int | None) -> hashlib._Hash:
    """Return a digest to update with the bytes of a file, whose size ``git_blob`` requires.

    Examples
    --------
    >>> new_digest("git_blob", 0).hexdigest()  # git hash-object /dev/null
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    if algorithm == GIT_BLOB:
        return hashlib.sha1(b"blob %d\0" % (size or 0), usedforsecurity=False)
    return hashlib.new(algorithm)


def checksum_of(*paths: Path, algorithm: str = "sha384") -> Checksum:
    """Hash the concatenated content of files with ``sha384``, ``sha256`` or ``git_blob``."""
    digest = new_digest(algorithm, sum(path.stat().st_size for path in paths))
    for path in paths:
        feed(digest, path)
    return Checksum.model_validate({"$type": algorithm, "value": digest.hexdigest()})
