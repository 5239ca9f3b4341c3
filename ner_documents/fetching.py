"""Fetch a web page given by a visitor, from public hosts only.

The host is resolved once, all its addresses must be public, and the connection is made to one of them, so
that a second look-up cannot lead elsewhere (DNS rebinding). Every redirect is checked again. Proxies of the
environment are ignored, because the address that they connect to cannot be checked.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from ner_documents.formats import MEDIA_TYPES
from ner_documents.reading.detection import charset_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["FetchError", "Page", "fetch_page", "is_public", "resolve"]

_REDIRECTS = 5
_PORTS = frozenset({80, 443, 8080, 8443})
_CHUNK = 64 * 1024
# These addresses embed an IPv4 address, so the prefix does not show what they reach.
_EMBEDDING = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
)


class FetchError(ValueError):
    """A web address cannot or must not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page.

    Attributes
    ----------
    url : str
        The address after redirects.
    suffix : str
        File suffix of its media type, such as ``.html``.
    content : bytes
        The complete body.
    charset : str or None
        Python's name of the encoding that the server declares; it overrides what the page declares.
    """

    url: str
    suffix: str
    content: bytes
    charset: str | None = None


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    Parameters
    ----------
    address : str
        IPv4 or IPv6 address; a zone index is ignored.

    Examples
    --------
    >>> [is_public(a) for a in ("93.184.215.14", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False]
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _EMBEDDING) or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the resolver's order.

    Raises
    ------
    OSError
        If the name is unknown.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch_page(
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    resolver: Callable[[str, int], list[str]] = resolve,
    allowed: Callable[[str], bool] = is_public,
    ports: Collection[int] = _PORTS,
) -> Page:
    """Fetch a page.

    Parameters
    ----------
    url : str
        An http or https address; ``https://`` is added if there is no scheme.
    max_bytes : int
        Maximum size of the body.
    seconds : float
        Time limit, including redirects.
    resolver : callable
        Maps host and port to IP addresses.
    allowed : callable
        Returns whether connections to an IP address are allowed.
    ports : collection of int
        Allowed ports.

    Returns
    -------
    Page

    Raises
    ------
    FetchError
        If the address is refused or unreachable, or the page too large, too slow or of an unsupported type.
    """
    deadline = time.monotonic() + seconds
    url = url.strip()
    if "://" not in url:
        url = f"https://{url}"
    for _ in range(_REDIRECTS + 1):
        step = _request(url, max_bytes, deadline, resolver, allowed, ports)
        if isinstance(step, Page):
            return step
        url = step
    msg = f"{url}: more than {_REDIRECTS} redirects."
    raise FetchError(msg)


def _request(
    url: str,
    max_bytes: int,
    deadline: float,
    resolver: Callable[[str, int], list[str]],
    allowed: Callable[[str], bool],
    ports: Collection[int],
) -> Page | str:
    """Send one request; return the page, or the address of a redirect."""
    scheme, host, port, target = _parts(url, ports)
    address = _checked_address(host, port, resolver, allowed)
    kind = _PinnedTLSConnection if scheme == "https" else _PinnedConnection
    connection = kind(host, port, address, _left(deadline, url))
    # A socket timeout restarts with every byte; this one also stops a server that sends slowly.
    watchdog = threading.Timer(_left(deadline, url), _shut, [connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        headers = {"Accept-Encoding": "identity", "User-Agent": "ner-zoo", "Connection": "close"}
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        location = response.getheader("Location")
        if response.status in {301, 302, 303, 307, 308} and location:
            return urljoin(url, location)
        if response.status != http.client.OK:
            msg = f"{url}: the server answered {response.status} {response.reason}."
            raise FetchError(msg)
        suffix = _suffix(response, url)
        label = response.headers.get_content_charset()
        return Page(
            url, suffix, _body(response, max_bytes, deadline, url), charset_of(label) if label else None
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, FetchError):
            raise
        _left(deadline, url)
        msg = f"{url}: could not be fetched ({error or type(error).__name__}). Check the address."
        raise FetchError(msg) from error
    finally:
        watchdog.cancel()
        connection.close()


def _parts(url: str, ports: Collection[int]) -> tuple[str, str, int, str]:
    """Split an address into scheme, host, port and request target."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except ValueError as error:
        msg = f"{url}: is not a web address ({error})."
        raise FetchError(msg) from error
    if parts.scheme not in {"http", "https"} or not host:
        msg = f"{url}: is not a web address. Give one that begins with https:// or http://."
        raise FetchError(msg)
    if parts.username is not None or parts.password is not None:
        msg = f"{url}: addresses with a user name or password are not fetched."
        raise FetchError(msg)
    if port not in ports:
        msg = f"{url}: port {port} is not fetched; web pages live on port 443 or 80."
        raise FetchError(msg)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return parts.scheme, host, port, target


def _checked_address(
    host: str, port: int, resolver: Callable[[str, int], list[str]], allowed: Callable[[str], bool]
) -> str:
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError) as error:
        msg = f"{host}: the name could not be looked up. Check the address and this machine's network."
        raise FetchError(msg) from error
    if not addresses or not all(map(allowed, addresses)):
        msg = (
            f"{host}: is not on the public internet, so it is not fetched. Upload the page as a file instead."
        )
        raise FetchError(msg)
    return addresses[0]


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to the checked address, under the requested host name."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.address = address
        #: Remains after http.client has passed its own reference to the response.
        self.channel: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the checked address."""
        self.sock = self.channel = socket.create_connection((self.address, self.port), self.timeout)


class _PinnedTLSConnection(_PinnedConnection):
    """The same over TLS; the certificate must match the requested host name."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect to the checked address and check the certificate of the host."""
        super().connect()
        context = ssl.create_default_context()
        self.sock = self.channel = context.wrap_socket(self.sock, server_hostname=self.host)


def _shut(connection: _PinnedConnection) -> None:
    if connection.channel is not None:
        with contextlib.suppress(OSError):  # it was closed in the meantime
            connection.channel.shutdown(socket.SHUT_RDWR)


def _left(deadline: float, url: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        msg = f"{url}: took too long to answer. Try again, or upload the page as a file."
        raise FetchError(msg)
    return left


def _suffix(response: http.client.HTTPResponse, url: str) -> str:
    kind = response.headers.get_content_type()
    if kind not in MEDIA_TYPES:
        msg = f"{url}: is of type {kind}, which is not read. Web pages, plain text, PDF, Word, CSV are."
        raise FetchError(msg)
    encoding = response.getheader("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        msg = f"{url}: came compressed ({encoding}), which was not asked for."
        raise FetchError(msg)
    return MEDIA_TYPES[kind]


def _body(response: http.client.HTTPResponse, max_bytes: int, deadline: float, url: str) -> bytes:
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > max_bytes:
            msg = f"{url}: is larger than {max_bytes / 1e6:.1f} MB. Upload it as a file."
            raise FetchError(msg)
        _left(deadline, url)
    _left(deadline, url)
    if response.length:  # what is left of Content-Length
        promised = str(len(content) + response.length)
        msg = f"{url}: broke off after {len(content):,} of {promised:.15} bytes. Try again."
        raise FetchError(msg)
    return bytes(content)
