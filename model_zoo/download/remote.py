"""Download over HTTP into a partial file: ranges, retries with back-off, and reasons for failures.

Rules of RFC 9110: Range and If-Range (sections 13.1.5 and 14), 416 with ``bytes */length`` (15.5.17),
Retry-After in seconds or as a date (10.2.3). Proxies, CA bundles and .netrc come from the environment
through requests.
"""

from __future__ import annotations

import contextlib
import logging
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import requests

from model_zoo.catalog.errors import ZooError
from model_zoo.download import hub
from model_zoo.download.causes import PROXY_LOGIN, cause_of, is_unreachable, plain
from model_zoo.download.web import (
    TRY_AGAIN,
    BodyError,
    Guard,
    TryAgain,
    body,
    new_session,
    retry_after,
    whole_number,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from model_zoo.download.addresses import Address
    from model_zoo.download.partial import Partial

__all__ = ["Cancelled", "Download", "NoNetworkError", "Patience", "SourceError", "check"]

log = logging.getLogger(__name__)

_LARGEST_UNKNOWN = 32 << 30  # maximum bytes of a file of unknown size
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>[0-9]{1,18})-[0-9]{1,18}|\*)/(?P<total>[0-9]{1,18}|\*)")
_STATUS_RANGE_REFUSED = 416


class SourceError(ZooError):
    """A source does not provide the right file; another one may."""


class NoNetworkError(SourceError):
    """The host's name is unknown, or there is no route to it: most likely there is no network."""


class Cancelled(Exception):  # noqa: N818 (not an error: somebody asked for it)
    """The cancel event was set; partial files stay for a later run."""


@dataclass(frozen=True)
class Patience:
    """Retry policy and timeouts.

    Attributes
    ----------
    attempts, unreachable : int
        Attempts for each source, and the number of them for a host that cannot be reached at all.
    stall : float
        Seconds without a byte or a connection after which an attempt fails.
    slowest, window : float
        Minimum bytes per second, averaged over so many seconds, below which an attempt fails too: a server
        that drips bytes never stalls, but at 1000 a second even the smallest model takes hours.
    first_wait, longest_wait : float
        Seconds before the second attempt, doubled for each further one, and their maximum; the wait is drawn
        from the upper half at random. A server's Retry-After takes precedence, up to ``longest_wait`` too.
    """

    attempts: int = 5
    unreachable: int = 2
    stall: float = 30.0
    slowest: float = 1000.0
    window: float = 60.0
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def wait(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait after a failed attempt (counted from 1)."""
        if asked is not None:
            return min(max(asked, 0.0), self.longest_wait)
        longest = min(self.first_wait * 2 ** (attempt - 1), self.longest_wait)
        return random.uniform(longest / 2, longest)  # noqa: S311 (spreads clients; not for security)


@dataclass
class Download:
    """Completes a partial file from one address.

    Attributes
    ----------
    address : Address
        Address to download.
    part : Partial
        File to complete; bytes from an earlier run are used if the server allows it.
    size : int or None
        Bytes expected.
    verified : bool
        Whether the caller checks a hash: then the part may be resumed without proof that the server's file is
        unchanged, or from another address.
    patience : Patience
        Retry policy.
    notify : callable
        Receives ``model_file_download_progress`` and ``model_file_download_retry`` events.
    cancel : threading.Event
        Stops the transfer, even while it waits or stalls.
    """

    address: Address
    part: Partial
    size: int | None
    verified: bool
    patience: Patience
    notify: Callable[[dict[str, Any]], None]
    cancel: threading.Event

    def run(self) -> None:
        """Do it.

        Raises
        ------
        SourceError
            The address does not provide a file of the expected length.
        DiskFullError, Cancelled
            The disk is full; the event was set.
        """
        with Guard(self.cancel) as self.guard, new_session(self.guard) as self.session:
            for attempt in range(1, self.patience.attempts + 1):
                try:
                    self._attempt()
                    return
                except TryAgain as problem:  # noqa: PERF203
                    self._wait(problem, attempt)

    def _wait(self, problem: TryAgain, attempt: int) -> None:
        """Wait until the next attempt, or give up."""
        patience = self.patience
        if problem.no_network and attempt == min(patience.unreachable, patience.attempts):
            raise NoNetworkError(str(problem))
        if attempt == patience.attempts:
            msg = f"{problem}; gave up after {attempt} attempt{'s' if attempt > 1 else ''}"
            raise SourceError(msg)
        seconds = patience.wait(attempt, problem.wait)
        log.warning("%s: %s; next attempt in %.1f s", self.address, problem, seconds)
        event = {"$type": "model_file_download_retry", "problem": str(problem), "attempt": attempt}
        self.notify({**event, "wait": round(seconds, 3)})
        self.cancel.wait(seconds)
        check(self.cancel)

    def _attempt(self) -> None:
        offset = self._usable_length()
        if self.size is not None and offset == self.size and offset:
            self.part.resume(self.part.note)
            return
        response = self._ask(offset)
        with contextlib.closing(response):
            meaning = self._meaning(response, offset)
            if meaning == "complete":
                self.part.resume(self.part.note)
                return
            if meaning != "useless":
                self._receive(response, offset if meaning == "continues" else 0)
                return
        # The range was refused, or another one came: get the whole file in the same attempt.
        self.part.discard()
        response = self._ask(0)
        with contextlib.closing(response):
            if self._meaning(response, 0) != "whole":
                msg = f"the server sends part of the file unasked (HTTP {response.status_code})"
                raise SourceError(msg)
            self._receive(response, 0)

    def _usable_length(self) -> int:
        """Return the length of the part if it can be resumed, else 0."""
        part = self.part
        if self.size is not None and part.length > self.size:
            return 0
        return part.length if self.verified or self._validator_before() else 0

    def _validator_before(self) -> str | None:
        """Return the validator of the part's file if it came from this address."""
        note = self.part.note
        return note.get("validator") if note.get("url") == self.address.url else None

    def _ask(self, offset: int) -> requests.Response:
        headers = dict(self.address.headers)
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator := self._validator_before():
                headers["If-Range"] = validator
        check(self.cancel)
        self.guard.await_answer(max(self.patience.stall, self.patience.window))
        try:
            return self.session.get(
                self.address.url, headers=headers, stream=True, timeout=self.patience.stall
            )
        except (OSError, ValueError) as error:  # a missing CA bundle is a plain OSError
            check(self.cancel)
            raise self._not_answered(error) from None

    def _not_answered(self, error: Exception) -> TryAgain | SourceError:
        """Return why there is no answer, as TryAgain if another attempt may help."""
        if self.guard.problem is not None:
            return TryAgain(self.guard.problem)
        cause = cause_of(error)
        if not cause.passing:
            return SourceError(cause.words)
        # Wait for a host that was reached before, not for one that never was.
        return TryAgain(cause.words, no_network=not self.guard.has_connected and is_unreachable(error))

    def _meaning(
        self, response: requests.Response, offset: int
    ) -> Literal["whole", "continues", "complete", "useless"]:
        """Classify an answer; raise if it is an error."""
        status, reason = response.status_code, plain(str(response.reason))
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if offset and status == _STATUS_RANGE_REFUSED:
            total = match["total"] if match else None
            return "complete" if self.size is None and total == str(offset) else "useless"
        if status in TRY_AGAIN:
            msg = f"HTTP {status} {reason}"
            raise TryAgain(msg, retry_after(response.headers.get("Retry-After")))
        if status == 206:
            fits = match is not None and match["start"] == str(offset) and self._total_fits(match["total"])
            return "continues" if offset and fits and self._is_same(response) else "useless"
        if status != 200:
            raise SourceError(_refusal(status, reason, self.address))
        if problem := self._something_else(response):
            raise SourceError(problem)
        return "whole"

    def _something_else(self, response: requests.Response) -> str:
        """Return what the body is by its headers, if not the file and no checksum can prove the opposite.

        Some servers state the compression of an archive as if it were theirs, or call every file a page.
        """
        length = whole_number(response.headers.get("Content-Length", ""))
        if self.verified and length is not None and self.size in (None, length):
            return ""
        encoding = plain(response.headers.get("Content-Encoding", "identity").lower())
        if encoding not in ("", "identity"):
            return f"the server sends the file compressed ({encoding}) although asked not to"
        is_page = response.headers.get("Content-Type", "").lower().startswith("text/html")
        can_be_right = self.verified and length is None
        if is_page and not can_be_right and self.part.destination.suffix.lower() not in (".html", ".htm"):
            return "the server sends a web page instead of the file; open the address in a browser to see why"
        return ""

    def _total_fits(self, total: str) -> bool:
        if total == "*":
            return True
        known = self.size if self.size is not None else self.part.note.get("total")
        return known is None or int(total) == known

    def _is_same(self, response: requests.Response) -> bool:
        """Return whether the file is unchanged since the part began; some servers ignore If-Range."""
        before, now = self._validator_before(), _validator(response.headers)
        return before is None or now is None or before == now

    def _receive(self, response: requests.Response, offset: int) -> None:
        """Append the body to the part and check that it is complete."""
        length = whole_number(response.headers.get("Content-Length", ""))
        total = offset + length if length is not None else None
        if self.size is not None and total is not None and total != self.size:
            msg = f"the server has {total} bytes, expected {self.size}"
            raise SourceError(msg)
        whole = total if total is not None else self.size
        if whole is not None:
            self.part.check_space(whole)
        note = {"url": self.address.url, "validator": _validator(response.headers), "total": whole}
        if offset:
            self.part.resume({**note, "validator": note["validator"] or self.part.note.get("validator")})
        else:
            self.part.restart(note)
        self._report(whole)
        for block in self._blocks(response):
            if self.size is not None and self.part.length + len(block) > self.size:
                self.part.discard()
                msg = f"the server sends more than the expected {self.size} bytes"
                raise SourceError(msg)
            if whole is None and self.part.length + len(block) > _LARGEST_UNKNOWN:
                self.part.discard()
                msg = f"the server states no length and sends more than {_LARGEST_UNKNOWN >> 30} GiB"
                raise SourceError(msg)
            self.part.append(block)
            self._report(whole)
        if whole is not None and self.part.length < whole:
            msg = f"the connection ended after {self.part.length} of {whole} bytes"
            raise TryAgain(msg)

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body until it ends or the transfer is cancelled."""
        blocks = body(response, self.guard, self.patience.slowest, self.patience.window)
        try:
            for block in blocks:
                check(self.cancel)
                yield block
        except BodyError as error:
            check(self.cancel)
            broke = f"the connection broke after {self.part.length} bytes ({error})"
            raise TryAgain(self.guard.problem or broke) from None
        check(self.cancel)

    def _report(self, whole: int | None) -> None:
        self.notify({"$type": "model_file_download_progress", "size": self.part.length, "total": whole})


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return a validator for If-Range: a strong ETag, else the date of the last change."""
    etag = headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return headers.get("Last-Modified") if not etag else None


def _refusal(status: int, reason: str, address: Address) -> str:
    msg = f"HTTP {status} {reason}"
    if status in (401, 403):
        if address.url.startswith(hub.endpoint()):
            return f"{msg}: {hub.why_refused(status, address.headers)}"
        return f"{msg}: access is refused"
    return f"{msg}; {PROXY_LOGIN}" if status == requests.codes.proxy_authentication else msg


def check(cancel: threading.Event) -> None:
    """Raise `Cancelled` if the event is set."""
    if cancel.is_set():
        msg = "cancelled"
        raise Cancelled(msg)
