"""What one visitor may ask of this page, from the environment; every refusal says what to do instead."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LimitError", "Limits", "is_public_host"]

_Number = TypeVar("_Number", int, float)


class LimitError(ValueError):
    """A request exceeds a limit of this page; the message names the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what visitors send; each one has an environment variable.

    Attributes
    ----------
    text_characters : int
        Longest single text (``NER_MAX_TEXT``).
    batch_texts, batch_characters : int
        Most texts, and characters in all, of one API batch (``NER_MAX_BATCH_TEXTS``, ``NER_MAX_BATCH``).
    files, file_bytes : int
        Most files of one upload, and bytes of each (``NER_MAX_FILES``, ``NER_MAX_FILE_BYTES``).
    document_characters : int
        Most characters taken out of one file (``NER_MAX_DOCUMENT``).
    page_bytes, fetch_seconds : int, float
        Largest page fetched from a web address, and the seconds it may take
        (``NER_MAX_PAGE_BYTES``, ``NER_FETCH_SECONDS``).
    upload_bytes : int
        Most bytes of one upload, all files together (``NER_MAX_UPLOAD_BYTES``).
    queue : int
        Requests that may wait (``NER_MAX_QUEUE``).
    visitor_jobs : int
        Requests of one visitor that may run or wait at once (``NER_MAX_VISITOR_JOBS``); this machine itself
        is free.
    loaded_models : int
        Compiled models kept in memory (``NER_MAX_LOADED_MODELS``).
    public : bool
        Whether strangers reach this page, see `is_public_host`; they may name only what the page offers.
    allow_downloads : bool
        Whether visitors may download, convert and delete models (``NER_ALLOW_DOWNLOADS``);
        by default not on a public host.
    allow_hub : bool
        Whether those downloads may be any model of the Hugging Face hub, not only of the catalog
        (``NER_ALLOW_HUB``); by default not on a public host.
    """

    text_characters: int = 100_000
    batch_texts: int = 256
    batch_characters: int = 400_000
    files: int = 50
    file_bytes: int = 20_000_000
    document_characters: int = 2_000_000
    page_bytes: int = 5_000_000
    fetch_seconds: float = 15.0
    upload_bytes: int = 200_000_000
    queue: int = 200
    visitor_jobs: int = 4
    loaded_models: int = 3
    public: bool = False
    allow_downloads: bool = True
    allow_hub: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Limits:
        """Read the limits.

        Parameters
        ----------
        environ : mapping of str to str, optional
            Environment variables; those of this process as they are now when not given.

        Raises
        ------
        ValueError
            A variable is not a positive number.

        Examples
        --------
        >>> Limits.from_environment({"NER_MAX_TEXT": "500"}).text_characters
        500
        >>> Limits.from_environment({"GRADIO_SERVER_NAME": "0.0.0.0"}).allow_downloads
        False
        """
        environ = os.environ if environ is None else environ
        usual = cls()
        public = is_public_host(environ)
        return cls(
            text_characters=_number(environ, "NER_MAX_TEXT", usual.text_characters),
            batch_texts=_number(environ, "NER_MAX_BATCH_TEXTS", usual.batch_texts),
            batch_characters=_number(environ, "NER_MAX_BATCH", usual.batch_characters),
            files=_number(environ, "NER_MAX_FILES", usual.files),
            file_bytes=_number(environ, "NER_MAX_FILE_BYTES", usual.file_bytes),
            document_characters=_number(environ, "NER_MAX_DOCUMENT", usual.document_characters),
            page_bytes=_number(environ, "NER_MAX_PAGE_BYTES", usual.page_bytes),
            fetch_seconds=_number(environ, "NER_FETCH_SECONDS", usual.fetch_seconds),
            upload_bytes=_number(environ, "NER_MAX_UPLOAD_BYTES", usual.upload_bytes),
            queue=_number(environ, "NER_MAX_QUEUE", usual.queue),
            visitor_jobs=_number(environ, "NER_MAX_VISITOR_JOBS", usual.visitor_jobs),
            loaded_models=_number(environ, "NER_MAX_LOADED_MODELS", usual.loaded_models),
            public=public,
            allow_downloads=_switch(environ, "NER_ALLOW_DOWNLOADS", default=not public),
            allow_hub=_switch(environ, "NER_ALLOW_HUB", default=not public),
        )

    @property
    def body_bytes(self) -> int:
        """Most bytes of a request that is no upload: room for the longest texts, escaped as JSON may be."""
        return 8 * max(self.text_characters, self.batch_characters) + 65_536

    def check_text(self, text: str) -> None:
        """Raise `LimitError` for a text that is too long.

        Examples
        --------
        >>> Limits(text_characters=5).check_text("too long")
        Traceback (most recent call last):
        ner_app.limits.LimitError: This text has 8 characters; this page takes 5 at once. Shorten it, ...
        """
        if len(text) > self.text_characters:
            msg = (
                f"This text has {len(text):,} characters; this page takes {self.text_characters:,} at once. "
                "Shorten it, upload it as a file in Documents, or run the command line on your own machine."
            )
            raise LimitError(msg)

    def check_batch(self, texts: Sequence[str]) -> None:
        """Raise `LimitError` for a batch with too many texts or characters."""
        if len(texts) > self.batch_texts:
            msg = (
                f"The batch has {len(texts):,} texts; this page takes {self.batch_texts:,} at once. "
                "Send several batches."
            )
            raise LimitError(msg)
        for text in texts:
            self.check_text(text)
        characters = sum(map(len, texts))
        if characters > self.batch_characters:
            msg = (
                f"The batch has {characters:,} characters; this page takes "
                f"{self.batch_characters:,} at once. Send several batches."
            )
            raise LimitError(msg)

    def check_files(self, count: int) -> None:
        """Raise `LimitError` for too many files, or none."""
        if not count:
            msg = "Nothing to read yet. Choose files or give a web address."
            raise LimitError(msg)
        if count > self.files:
            msg = f"{count:,} files were given; this page takes {self.files:,} at once. Upload fewer."
            raise LimitError(msg)

    def check_file(self, name: str, size: int) -> None:
        """Raise `LimitError` for a file of too many bytes."""
        if size > self.file_bytes:
            msg = (
                f"{name}: {size / 1e6:,.1f} MB; this page takes files of up to "
                f"{self.file_bytes / 1e6:,.1f} MB. Split the file."
            )
            raise LimitError(msg)


def is_public_host(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether the page is reached by others than the people at this machine.

    They do on Hugging Face Spaces, and where Gradio's own variables serve the page beyond this machine, share
    it, or put it behind a proxy. ``NER_PUBLIC=1`` or ``0`` overrides this: 1 behind a proxy that Gradio does
    not know of, 0 where everybody who reaches the page is trusted as its owner is.

    Examples
    --------
    >>> is_public_host({}), is_public_host({"GRADIO_SERVER_NAME": "0.0.0.0"})
    (False, True)
    >>> is_public_host({"GRADIO_SERVER_NAME": "0.0.0.0", "NER_PUBLIC": "0"})
    False
    """
    environ = os.environ if environ is None else environ
    spaces = "SPACE_ID" in environ or environ.get("SYSTEM") == "spaces"
    beyond = (
        not _is_loopback(environ.get("GRADIO_SERVER_NAME", ""))
        or _switch(environ, "GRADIO_SHARE", default=False)
        or bool(environ.get("GRADIO_ROOT_PATH", "").strip("/ "))
    )
    return _switch(environ, "NER_PUBLIC", default=spaces or beyond)


def _is_loopback(host: str) -> bool:
    """Return whether a server that listens there is reached from this machine alone."""
    host = host.strip().strip("[]").lower()
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(environ: Mapping[str, str], name: str, default: _Number) -> _Number:
    given = environ.get(name, "").strip()
    if not given:
        return default
    try:
        value = type(default)(given)
    except ValueError:
        value = type(default)(0)
    if not 0 < value < math.inf:
        msg = f"{name}={given!r} in the environment: expected a positive number such as {default}."
        raise ValueError(msg)
    return value


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    given = environ.get(name, "").strip().lower()
    if not given:
        return default
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    msg = f"{name}={given!r} in the environment: expected 1 or 0."
    raise ValueError(msg)
