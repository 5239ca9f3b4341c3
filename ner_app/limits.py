"""What one visitor may ask of this page, from the environment; every refusal says what to do instead."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LimitError", "Limits", "is_public_host"]

_Number = TypeVar("_Number", int, float)


class LimitError(ValueError):
    """A request exceeds a limit of this page; the message names the limit."""

    #: Of the answer over HTTP.
    status = 413


def _from(variable: str, default: _Number) -> _Number:
    """Declare a limit that a variable of the environment sets."""
    return field(default=default, metadata={"variable": variable})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what visitors send; each one has an environment variable.

    Attributes
    ----------
    text_characters : int
        Longest single text.
    batch_texts, batch_characters : int
        Most texts, and characters in all, of one API batch.
    files, file_bytes : int
        Most files of one upload, and bytes of each.
    document_characters : int
        Most characters taken out of one file.
    page_bytes, fetch_seconds : int, float
        Largest page fetched from a web address, and the seconds it may take.
    upload_bytes : int
        Most bytes of one upload, all files together.
    queue : int
        Requests that may wait.
    visitor_jobs : int
        Requests of one visitor that may run or wait at once; this machine itself is free.
    loaded_models : int
        Compiled models kept in memory.
    public : bool
        Whether strangers reach this page, see `is_public_host`; they may name only what the page offers.
    allow_downloads : bool
        Whether visitors may download, convert and delete models; by default not on a public host.
    allow_hub : bool
        Whether those may be any model of the Hugging Face hub; by default not on a public host.
    """

    text_characters: int = _from("NER_MAX_TEXT", 100_000)
    batch_texts: int = _from("NER_MAX_BATCH_TEXTS", 256)
    batch_characters: int = _from("NER_MAX_BATCH", 400_000)
    files: int = _from("NER_MAX_FILES", 50)
    file_bytes: int = _from("NER_MAX_FILE_BYTES", 20_000_000)
    document_characters: int = _from("NER_MAX_DOCUMENT", 2_000_000)
    page_bytes: int = _from("NER_MAX_PAGE_BYTES", 5_000_000)
    fetch_seconds: float = _from("NER_FETCH_SECONDS", 15.0)
    upload_bytes: int = _from("NER_MAX_UPLOAD_BYTES", 200_000_000)
    queue: int = _from("NER_MAX_QUEUE", 200)
    visitor_jobs: int = _from("NER_MAX_VISITOR_JOBS", 4)
    loaded_models: int = _from("NER_MAX_LOADED_MODELS", 3)
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
        public = is_public_host(environ)
        usual = cls()
        numbers = {
            one.name: _number(environ, one.metadata["variable"], getattr(usual, one.name))
            for one in fields(cls)
            if one.metadata
        }
        return cls(
            **numbers,
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
        way_out = "Shorten it, upload it as a file in Documents, or run the command line on your own machine."
        _check("This text", len(text), self.text_characters, "characters", way_out)

    def check_batch(self, texts: Sequence[str]) -> None:
        """Raise `LimitError` for a batch with too many texts or characters."""
        way_out = "Send several batches."
        _check("The batch", len(texts), self.batch_texts, "texts", way_out)
        for text in texts:
            self.check_text(text)
        _check("The batch", sum(map(len, texts)), self.batch_characters, "characters", way_out)

    def check_files(
        self, count: int, none: str = "Nothing to read yet. Choose files or give a web address."
    ) -> None:
        """Raise `LimitError` for too many files, or none; `none` is what is said then."""
        if not count:
            raise LimitError(none)
        _check("The upload", count, self.files, "files", "Upload fewer.")

    def check_file(self, name: str, size: int) -> None:
        """Raise `LimitError` for a file of too many bytes."""
        if size > self.file_bytes:
            msg = (
                f"{name}: {size / 1e6:,.1f} MB; this page takes files of up to "
                f"{self.file_bytes / 1e6:,.1f} MB. Split the file."
            )
            raise LimitError(msg)


def _check(what: str, count: int, most: int, unit: str, way_out: str) -> None:
    if count > most:
        msg = f"{what} has {count:,} {unit}; this page takes {most:,} at once. {way_out}"
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
