"""Fetch JSON from a server: bounded, guarded like transfers, with retries while the server is busy."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from model_zoo.catalog.errors import ZooError
from model_zoo.download.causes import cause_of, is_unreachable, plain
from model_zoo.download.web import TRY_AGAIN, BodyError, Guard, TryAgain, body, new_session, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AnswerError", "ContentError", "get_json"]

log = logging.getLogger(__name__)

_LARGEST = 8 << 20  # bytes; a config.json has a few kB, the listing of a large repository some hundred
_ATTEMPTS = 4
_LONGEST_WAIT = 60.0  # seconds
_NOBODY_THERE = 0.2  # seconds before retrying a host that refuses connections or has no address
_PACE = (1000.0, 10.0)  # minimum bytes per second, averaged over so many seconds


class AnswerError(ZooError):
    """There is no usable answer; the message has the reason.

    Attributes
    ----------
    status : int or None
        HTTP status if the server refused.
    no_network : bool
        The host's name is unknown, or there is no route to it.
    """

    def __init__(self, problem: object, status: int | None = None, *, no_network: bool = False) -> None:
        super().__init__(str(problem))
        self.status = status
        self.no_network = no_network


class ContentError(AnswerError):
    """There is an answer, but it is not JSON."""


def get_json(address: str, headers: Mapping[str, str], timeout: float) -> Any:
    """Fetch JSON; while the server is busy or fails, wait as long as it asks for and retry.

    Parameters
    ----------
    address : str
        Web address.
    headers : mapping of str to str
        Sent with the request; credentials are not sent to other hosts after a redirect.
    timeout : float
        Seconds until the headers of the answer must be complete, redirects included.

    Returns
    -------
    object
        The parsed JSON.

    Raises
    ------
    AnswerError
        No answer, or a refusal; ContentError for a body over 8 MiB or one that is not JSON.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            content = _ask(address, headers, timeout)
            break
        except TryAgain as problem:
            if attempt == _ATTEMPTS:
                raise AnswerError(problem, no_network=problem.no_network) from None
            wait = min(2.0 ** (attempt - 1) if problem.wait is None else problem.wait, _LONGEST_WAIT)
            log.info("%s: %s; asking again in %.1f s", urlsplit(address).hostname, problem, wait)
        time.sleep(wait)
    if len(content) > _LARGEST:
        msg = f"expected at most {_LARGEST} bytes of JSON, found more"
        raise ContentError(msg)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        msg = f"expected JSON, found {bytes(content[:40])!r}"
        raise ContentError(msg) from None


def _ask(address: str, headers: Mapping[str, str], timeout: float) -> bytearray:
    """Make one attempt; stop reading a body soon after the bound."""
    content = bytearray()
    with Guard() as guard, new_session(guard) as session:
        guard.await_answer(timeout)
        try:
            response = session.get(address, headers=dict(headers), timeout=timeout, stream=True)
            if response.status_code == requests.codes.ok:
                for block in body(response, guard, *_PACE):
                    content += block
                    if len(content) > _LARGEST:
                        break
        except BodyError as error:
            raise TryAgain(guard.problem or f"the connection broke ({error})") from None
        except (OSError, ValueError) as error:
            cause = cause_of(error)
            if not cause.passing:
                raise AnswerError(cause.words) from None
            wait = _NOBODY_THERE if isinstance(error, requests.ConnectionError) else None
            raise TryAgain(guard.problem or cause.words, wait, no_network=is_unreachable(error)) from None
    status = f"HTTP {response.status_code} {plain(str(response.reason))}"
    if response.status_code in TRY_AGAIN:
        raise TryAgain(status, retry_after(response.headers.get("Retry-After")))
    if response.status_code != requests.codes.ok:
        raise AnswerError(status, response.status_code)
    return content
