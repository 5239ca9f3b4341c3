"""The key of a redaction: identities, placeholders and original texts. It is as secret as the names."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from ner_documents.redaction.placeholders import Identity, text_of
from ner_documents.redaction.segments import Edit

__all__ = ["Key", "KeyProblem", "RedactedDocument", "checksum"]

_FORMAT = "ner-zoo redaction key"
_VERSION = 1
_REASON = 200


class KeyProblem(ValueError):  # noqa: N818 - names what is wrong
    """A file is not a key, or not the key of a document."""


def checksum(content: bytes) -> str:
    """Return the checksum of a file (SHA-256)."""
    return hashlib.sha256(content).hexdigest()


@dataclass(slots=True)
class RedactedDocument:
    """The data that restores one redacted file.

    Attributes
    ----------
    name : str
        File name.
    redacted, original : str
        Checksums of both files.
    encoding : str
        Encoding of a text file; empty for an office file.
    parts : dict of str to list of Edit
        Edits that restore the original, by part of an office file; for a text file under the empty name.
    placeholders : list of (str, str)
        Placeholders and original texts, in order, for files that are edited before they are restored.
    """

    name: str
    redacted: str
    original: str
    encoding: str
    parts: dict[str, list[Edit]]
    placeholders: list[tuple[str, str]]

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> RedactedDocument:
        """Read plain JSON values, which are untrusted.

        Raises
        ------
        LookupError, TypeError, ValueError, AttributeError
            If they are something else.
        """
        parts = {name: _edits(edits) for name, edits in plain["parts"].items()}
        placeholders = [(text_of(placeholder), text_of(text)) for placeholder, text in plain["placeholders"]]
        document = cls(**{**plain, "parts": parts, "placeholders": placeholders})
        for value in (document.name, document.redacted, document.original, document.encoding):
            text_of(value)
        if document.encoding:
            "".encode(document.encoding.partition("+")[0])  # raises LookupError for an unknown text encoding
            if list(parts) != [""]:
                msg = f"parts that {document.name} cannot have"
                raise ValueError(msg)
        return document


@dataclass(slots=True)
class Key:
    """Identities with their placeholders, and how to restore every file.

    Attributes
    ----------
    secret : bytes
        Key of the operator ``hash``.
    identities : list of Identity
        Persons, organisations and so on, with their placeholders.
    documents : dict of str to RedactedDocument
        By the checksum of the redacted file.
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    identities: list[Identity] = field(default_factory=list)
    documents: dict[str, RedactedDocument] = field(default_factory=dict)

    def add(self, document: RedactedDocument) -> None:
        """Record how to restore a file."""
        self.documents[document.redacted] = document

    def to_json(self) -> str:
        """Serialize the key, in ASCII.

        Examples
        --------
        >>> key = Key()
        >>> Key.from_json(key.to_json(), "key.json") == key
        True
        """
        plain = {
            "format": _FORMAT,
            "version": _VERSION,
            "secret": self.secret.hex(),
            "identities": [identity.to_dict() for identity in self.identities],
            "documents": [asdict(document) for document in self.documents.values()],
        }
        return json.dumps(plain, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str) -> Key:
        """Read what `to_json` wrote.

        Raises
        ------
        KeyProblem
            If it is something else; the message quotes `name`.
        """
        try:
            plain = json.loads(text)
            found = (plain["format"], plain["version"]) if isinstance(plain, dict) else ()
            if found != (_FORMAT, _VERSION):
                msg = f"{name}: expected a {_FORMAT} of version {_VERSION}, as `ner redact --key` writes it."
                raise KeyProblem(msg)
            key = cls(
                bytes.fromhex(plain["secret"]), [Identity.from_dict(one) for one in plain["identities"]]
            )
            for one in plain["documents"]:
                key.add(RedactedDocument.from_dict(one))
        except (LookupError, TypeError, AttributeError, RecursionError, ValueError) as error:
            if isinstance(error, KeyProblem):
                raise
            msg = (
                f"{name}: is not a {_FORMAT}, or is damaged ({type(error).__name__}: {str(error)[:_REASON]})."
            )
            raise KeyProblem(msg) from error
        return key


def _edits(plain: Any) -> list[Edit]:
    position = 0
    edits = []
    for start, end, text in plain:
        if type(start) is not int or type(end) is not int or not position <= start <= end:
            msg = "edits are not in order"
            raise ValueError(msg)
        edits.append(Edit(start, end, text_of(text)))
        position = end
    return edits
