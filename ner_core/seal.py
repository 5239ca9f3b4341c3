"""The seal of a model folder: checksums of its files, so that damage is found.

The last line of the ``.xml`` is a comment with the SHA-256 of everything above it, of the ``.bin`` and of the
``tokenizer.json`` beside it. OpenVINO ignores the comment, and drops it when it saves a model: a changed copy
has no seal, and loads unchecked like an IR made by another tool.

The seal detects corruption on disk or in transfer. It is no protection against somebody who can write files.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from ner_core.files import feed, write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_seal", "check_tokenizer_seal", "fingerprint", "seal"]

_TOKENIZER = "tokenizer.json"
_BEGIN = b"<!-- sha256 "
_DIGEST = rb"[0-9a-f]{64}"
_LINE = re.compile(
    rb"<!-- sha256 xml=(?P<xml>%b) bin=(?P<bin>%b)(?: tokenizer\.json=(?P<tokenizer>%b))? -->"
    % (_DIGEST, _DIGEST, _DIGEST)
)


def seal(xml: Path) -> None:
    """Write the seal of a model folder; it replaces an earlier one.

    Parameters
    ----------
    xml : pathlib.Path
        The ``.bin`` must be beside it, and the ``tokenizer.json`` if there is one.

    Raises
    ------
    OSError
        A file cannot be read or written; nothing has changed.
    """
    content, _ = _parts(xml)
    tokenizer = xml.with_name(_TOKENIZER)
    line = _BEGIN + b"xml=%b bin=%b" % (_of_text(content), _of_file(xml.with_suffix(".bin")))
    if tokenizer.is_file():
        line += b" tokenizer.json=" + _of_text(tokenizer.read_bytes())
    write_whole(xml, content + line + b" -->\n")


def check_seal(xml: Path) -> None:
    """Compare an ``.xml`` and its ``.bin`` with the seal; a model without one passes.

    Raises
    ------
    ValueError
        A file has changed since it was sealed.
    OSError
        A file cannot be read.
    """
    content, line = _parts(xml)
    if not line:
        return
    stated = _LINE.fullmatch(line)
    if stated is None:
        msg = f"{xml}: the file is damaged: its last line is no valid seal. {_NEXT}"
        raise ValueError(msg)
    _compare(xml, stated["xml"], _of_text(content), xml)
    weights = xml.with_suffix(".bin")
    _compare(weights, stated["bin"], _of_file(weights), xml)


def check_tokenizer_seal(xml: Path, tokenizer: Path) -> None:
    """Compare the ``tokenizer.json`` beside a model with the seal; raises as `check_seal`."""
    stated = _LINE.fullmatch(_parts(xml)[1]) if tokenizer == xml.with_name(_TOKENIZER) else None
    if stated and stated["tokenizer"]:
        _compare(tokenizer, stated["tokenizer"], _of_text(tokenizer.read_bytes()), xml)


def fingerprint(model: Path) -> str:
    """Return 32 hexadecimal digits that identify the content of a model.

    Parameters
    ----------
    model : pathlib.Path
        An ``.xml`` that has passed `check_seal`, or a file of another format.
    """
    digest = feed(hashlib.sha256(), model)
    if model.suffix == ".xml" and not _parts(model)[1]:  # a seal speaks for the weights
        feed(digest, model.with_suffix(".bin"))
    return digest.hexdigest()[:32]


_NEXT = (
    "Get the model again: download it, convert it, or reinstall the package it came with. If you changed a "
    "file on purpose, remove the last line of the .xml."
)


def _compare(file: Path, stated: bytes, found: bytes, xml: Path) -> None:
    if stated != found:
        msg = (
            f"{file}: the file is damaged or was changed: {xml.name} states SHA-256 {stated.decode()}, found "
            f"{found.decode()}. {_NEXT}"
        )
        raise ValueError(msg)


def _parts(xml: Path) -> tuple[bytes, bytes]:
    """Return the sealed content of an ``.xml``, and its seal; empty if there is none."""
    content = xml.read_bytes() if xml.suffix == ".xml" and xml.is_file() else b""
    head, begin, tail = content.rpartition(_BEGIN)
    if not begin:
        return content, b""
    return head, begin + tail.rstrip()


def _of_file(path: Path) -> bytes:
    return feed(hashlib.sha256(), path).hexdigest().encode()


def _of_text(content: bytes) -> bytes:
    """Hash a text file with LF line ends, because git and mail may have changed them."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest().encode()
