"""Why a request got no answer, in the same words for files and for lookups on the hub."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

import requests
import urllib3

__all__ = ["NO_NETWORK", "PROXY_LOGIN", "Cause", "cause_of", "is_unreachable", "short"]

#: Remedy if no host can be reached; followed by the causes.
NO_NETWORK = (
    "Connect this machine (HTTPS_PROXY names a proxy), or copy the models folder from one that is connected. "
    "In detail:"
)
#: Remedy for status 407 of a proxy.
PROXY_LOGIN = "give it as http://USER:PASSWORD@HOST:PORT"
_PROXY = "the proxy of the environment (HTTPS_PROXY, HTTP_PROXY)"
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (4\d\d\b.*)")


@dataclass(frozen=True)
class Cause:
    """Why there is no answer, and whether another attempt may get one."""

    words: str
    passing: bool = False


def cause_of(error: Exception) -> Cause:
    """Explain an exception of `requests`.

    Examples
    --------
    >>> cause_of(requests.exceptions.TooManyRedirects())
    Cause(words='the server redirects in a loop', passing=False)
    """
    kinds = requests.exceptions
    words = short(error)
    if isinstance(error, kinds.TooManyRedirects):
        return Cause("the server redirects in a loop")
    if isinstance(error, kinds.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" not in words:
            return Cause(f"no secure connection ({words})", passing=True)
        return Cause(f"the certificate is not trusted ({words}); REQUESTS_CA_BUNDLE names your CA bundle")
    if isinstance(error, kinds.ProxyError):
        if refused := _REFUSED_TUNNEL.search(words):
            remedy = f"; {PROXY_LOGIN}" if refused[1].startswith("407") else ""
            return Cause(f"{_PROXY} refuses to connect ({refused[1]}){remedy}")
        return Cause(f"{_PROXY} does not answer ({words})", passing=True)
    if isinstance(error, kinds.ConnectionError | kinds.Timeout | kinds.ChunkedEncodingError):
        return Cause(f"no answer ({words})", passing=True)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return Cause(f"{error}; REQUESTS_CA_BUNDLE and SSL_CERT_FILE name such files")
    remedy = "; pip install pysocks adds them" if "Missing dependencies for SOCKS" in words else ""
    return Cause(f"the address can't be requested ({words}){remedy}")


def is_unreachable(error: BaseException) -> bool:
    """Return whether the host's name is unknown, or the system has no route to it."""
    innermost = _innermost(error)
    system = innermost.__cause__  # urllib3 wraps it in an error of its own
    return isinstance(innermost, urllib3.exceptions.NameResolutionError) or (
        isinstance(system, OSError) and system.errno in _UNREACHABLE
    )


def plain(text: str) -> str:
    r"""Return words of a server without codes that a terminal would obey.

    Examples
    --------
    >>> plain("Not \x1b[2JFound")
    'Not ?[2JFound'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def short(error: BaseException) -> str:
    """Name the innermost cause in a few words."""
    innermost = _innermost(error)
    if isinstance(innermost, urllib3.exceptions.NameResolutionError):
        return "the host's name is not known: no network, or no such host"
    system = innermost.__cause__
    if isinstance(innermost, urllib3.exceptions.NewConnectionError) and isinstance(system, OSError):
        return system.strerror or str(system)
    text = plain(re.sub(r"^<[^>]*>: |^HTTPS?ConnectionPool\([^)]*\): ", "", str(innermost)))
    kind = type(innermost).__name__
    if kind == "OSError" or text.startswith(kind):
        return text
    return f"{kind}: {text}" if text else kind


def _innermost(error: BaseException) -> BaseException:
    """Return the error that requests and urllib3 wrapped, up to three deep."""
    while True:
        wrapped = (getattr(error, "reason", None), getattr(error, "original_error", None), *error.args)
        inner = next((one for one in wrapped if isinstance(one, BaseException)), None)
        if inner is None:
            return error
        error = inner
