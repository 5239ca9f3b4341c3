"""Why a server could not be asked, in a few words; the same words for files and for what is looked up."""

from __future__ import annotations

import errno
import re

import urllib3

__all__ = ["NO_NETWORK", "is_unreachable", "short"]

#: What helps where no host can be reached; the causes stand behind it.
NO_NETWORK = (
    "Connect this machine (HTTPS_PROXY names a proxy), or copy the models folder from one that is connected. "
    "In detail:"
)
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def is_unreachable(error: BaseException) -> bool:
    """Return whether the host's name is not known, or the system knows no way to it."""
    cause = _innermost(error)
    system = cause.__cause__  # urllib3 says it in words of its own
    return isinstance(cause, urllib3.exceptions.NameResolutionError) or (
        isinstance(system, OSError) and system.errno in _UNREACHABLE
    )


def short(error: BaseException) -> str:
    """Name the innermost cause in a few words."""
    cause = _innermost(error)
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return "the host's name is not known: no network, or no such host"
    text = re.sub(r"^<[^>]*>: |^HTTPS?ConnectionPool\([^)]*\): ", "", str(cause))
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    """Return the cause that matters; requests and urllib3 wrap errors three deep."""
    while True:
        for inner in (getattr(error, "reason", None), error.args[0] if error.args else None):
            if isinstance(inner, BaseException):
                error = inner
                break
        else:
            return error
