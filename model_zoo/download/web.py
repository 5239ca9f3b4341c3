"""Web sessions: proxies and CA bundles of the environment, no compression, guards against slow servers.

Socket timeouts restart with every byte: a server that sends one header byte every twenty seconds, or
``100 Continue`` again and again, never reaches them. So a guard in a separate thread shuts connections down
when an answer is late, its body too slow, or the work cancelled; the reader then gets the end of the stream
at once. It also refuses redirects from the internet into the private network of this machine. requests reads
proxies, CA bundles and .netrc from the environment; httpx reads no .netrc by itself and has no hook for the
guard.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from model_zoo.download.causes import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "TRY_AGAIN",
    "BodyError",
    "Guard",
    "TryAgain",
    "body",
    "new_session",
    "retry_after",
    "whole_number",
]

#: Statuses of a busy or failing server: a later attempt may succeed. Those from 512, such as Cloudflare's
#: 522, are in no standard, and mean the same as 500 (RFC 9110, 15).
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, *range(512, 600)})

_BLOCK = 1 << 20  # maximum bytes per read
_TICK = 0.1  # seconds between checks
_MOST_REDIRECTS = 10


class Guard:
    """Watches the connections of a session; a context manager.

    Parameters
    ----------
    cancel : threading.Event or None
        Shuts all connections down when set.

    Attributes
    ----------
    problem : str or None
        Why the connections were shut down, unless that was for ``cancel``.
    """

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self.problem: str | None = None
        self._cancel = cancel or threading.Event()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._deadline: float | None = None
        self._seconds = 0.0
        self._pace: tuple[float, float] | None = None
        self._received = 0
        self._in_public = False

    def __enter__(self) -> Guard:
        threading.Thread(target=self._watch, name="guard", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()

    def await_answer(self, seconds: float) -> None:
        """Limit the time until the headers of an answer are complete, redirects included."""
        self.problem, self._pace = None, None
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def await_body(self, slowest: float, window: float) -> None:
        """From now on, require ``slowest`` bytes per second, averaged over ``window`` seconds."""
        self._deadline = None
        self._received = 0
        self._pace = (slowest, window)

    def count(self, size: int) -> None:
        """Record that bytes of the body arrived."""
        self._received += size

    @property
    def has_connected(self) -> bool:
        """Whether any host was connected to."""
        return bool(self._sockets)

    def add(self, connection: socket.socket, *, to_proxy: bool = False) -> None:
        """Watch a connection, by a duplicate of its socket, which TLS does not wrap.

        Raises
        ------
        RedirectError
            The host is in a private network and the one before was not: only a redirect leads there.
        """
        if not to_proxy:
            public = _is_public(connection)
            if self._in_public and not public:
                connection.close()
                msg = "it redirects into a private network"
                raise RedirectError(msg)
            self._in_public = public
        with self._lock:
            self._sockets.append(connection.dup())

    def _watch(self) -> None:
        begin, before, pace = time.monotonic(), 0, self._pace
        while not self._done.wait(_TICK):
            now = time.monotonic()
            if self._cancel.is_set():
                self._shut_down()
            elif self._deadline is not None and now > self._deadline:
                self.problem = f"no complete answer within {self._seconds:.0f} s"
                self._shut_down()
            if self._pace is not pace:
                begin, before, pace = now, self._received, self._pace
            elif pace is not None and now - begin >= pace[1]:
                came, seconds = self._received - before, now - begin
                if came < pace[0] * seconds:
                    self.problem = (
                        f"the server sends too slowly: {came} bytes in {seconds:.0f} s, "
                        f"expected {pace[0]:g} a second"
                    )
                    self._shut_down()
                begin, before = now, self._received

    def _shut_down(self) -> None:
        with self._lock:
            for connection in self._sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _is_public(connection: socket.socket) -> bool:
    return ipaddress.ip_address(str(connection.getpeername()[0]).partition("%")[0]).is_global


class TryAgain(Exception):  # noqa: N818 (caught where attempts are counted)
    """An attempt failed; another one may help, after ``wait`` seconds if the server asked for that.

    Attributes
    ----------
    no_network : bool
        The host cannot be reached at all.
    """

    def __init__(self, problem: str, wait: float | None = None, *, no_network: bool = False) -> None:
        super().__init__(problem)
        self.wait = wait
        self.no_network = no_network


class RedirectError(ValueError):
    """A server on the internet redirected into a private network."""


class BodyError(Exception):
    """The body of an answer is incomplete; the message says why."""


def body(response: requests.Response, guard: Guard, slowest: float, window: float) -> Iterator[bytes]:
    """Yield a body as it arrives, so that a stall loses nothing; the caller bounds its size.

    Parameters
    ----------
    response : requests.Response
        Requested with ``stream=True`` by a session of this guard.
    guard : Guard
        Shuts down a body that is too slow.
    slowest, window : float
        Minimum bytes per second, averaged over so many seconds.

    Raises
    ------
    BodyError
        The connection broke, or was shut down.
    """
    raw = response.raw
    read = getattr(raw, "read1", raw.read)  # urllib3 1 has no read1
    guard.await_body(slowest, window)
    while True:
        try:
            block = read(_BLOCK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise BodyError(short(error)) from error
        if not block and guard.problem is not None:
            raise BodyError(guard.problem)
        if not block:
            return
        guard.count(len(block))
        yield block


def new_session(guard: Guard | None = None) -> requests.Session:
    """Return a session; close it, or use it in a ``with`` statement."""
    session = requests.Session()
    session.max_redirects = _MOST_REDIRECTS
    # Compression would break ranges, lengths and hashes.
    session.headers.update({"User-Agent": "ner-zoo", "Accept-Encoding": "identity"})
    if os.environ.get("SSL_CERT_FILE"):
        session.verify = os.environ["SSL_CERT_FILE"]  # requests itself reads only REQUESTS_CA_BUNDLE
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(guard))
    return session


class _Adapter(HTTPAdapter):
    """Passes every connection to the guard, and never reads the body of a redirect, which may be endless."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self._watch(self.poolmanager, to_proxy=False)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **settings)
        if new:
            self._watch(manager, to_proxy=True)
        return manager

    def send(self, *arguments: Any, **settings: Any) -> requests.Response:
        response = super().send(*arguments, **settings)
        if response.is_redirect:
            response.close()
        return response

    def _watch(self, manager: Any, *, to_proxy: bool) -> None:
        if self._guard is not None:
            watch = partial(self._guard.add, to_proxy=to_proxy)
            manager.pool_classes_by_scheme = {
                scheme: partial(_watched_pool, pool, watch)
                for scheme, pool in manager.pool_classes_by_scheme.items()
            }


def _watched_pool(
    pool_class: Any, watch: Callable[[socket.socket], None], *arguments: Any, **settings: Any
) -> Any:
    pool = pool_class(*arguments, **settings)

    class Watched(pool.ConnectionCls):  # type: ignore[name-defined]
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            watch(connection)
            return connection

    pool.ConnectionCls = Watched
    return pool


def retry_after(value: str | None) -> float | None:
    """Parse Retry-After, in seconds or as an HTTP date (RFC 9110, 10.2.3), into seconds.

    Examples
    --------
    >>> retry_after("7"), retry_after("soon")
    (7.0, None)
    """
    try:
        return float(Retry().parse_retry_after(value)) if value else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def whole_number(value: str) -> int | None:
    """Parse a number of at most 18 digits from a header; return None for anything else."""
    value = value.strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else None
