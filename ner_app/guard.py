"""The middleware in front of Gradio: bounds bodies, and refuses calls that Gradio would fail at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import sys
import time
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio.queueing
import gradio.routes
import mcp.server.lowlevel.server
import mcp.shared.session
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse

from ner_app.arguments import ArgumentError, Text, Texts, checked, hint, no_arguments, shown
from ner_app.sessions import forget_finished
from ner_app.uploads import unfinished_deleted
from ner_app.visitors import visitor_of
from ner_core.files import NO_ROOM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ner_app.service import Service

    # Messages as Starlette and Gradio have them, which declare them differently.
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]

__all__ = ["Guard", "Refusal", "json_object", "keep_texts_out_of_logs", "where"]

_LOG = logging.getLogger(__name__)
_CALL = re.compile(r"/gradio_api/(?:(?P<named>call/v2)|call|run|api|(?P<queued>queue))/(?P<name>\w+)/?$")
_SECONDS_BETWEEN_PARTS = 30.0
_SECONDS_OF_A_BODY = 120.0
_SECONDS_OF_A_REFUSAL = 10.0


class Refusal(Exception):  # noqa: N818 - an answer that ends the request
    """The answer to a refused request; `unread`: the client may still be sending it."""

    def __init__(self, message: str, status: int, *, unread: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.unread = unread


class _StoppedError(RuntimeError):
    """An answer broke off; the log says where."""


class Guard:
    """ASGI middleware: bounds bodies, and refuses calls that Gradio would fail at, logging the text.

    Parameters
    ----------
    app : callable
        The application behind it.
    service : Service
        Has the limits, and counts what each visitor has running.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Admit a request, or answer it with a sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if scope["method"] not in {"POST", "PUT", "PATCH", "DELETE"}:
                await self._app(scope, receive, sending)  # nobody reads a body there
            elif scope["path"].rstrip("/").endswith("/upload"):
                most = self._service.limits.upload_bytes
                with unfinished_deleted():
                    counted = _counted(scope, receive, most, "NER_MAX_UPLOAD_BYTES")
                    await self._app(scope, counted, sending)
            else:
                body = await _read(scope, receive, self._service.limits.body_bytes)
                self._check(scope, body)
                await self._app(scope, _again(body, receive), sending)
        except (Refusal, ArgumentError) as error:
            if started:
                raise
            await _refuse(error, receive, send)
        except Exception as error:  # noqa: BLE001 - the visitor gets a sentence, the log the place
            _LOG.error("%s failed: %s", scope["path"], where(error))
            if started:
                raise _StoppedError from None
            said, status = _failure(scope["path"], error)
            await JSONResponse({"error": said}, status)(scope, receive, send)

    def _check(self, scope: dict[str, Any], body: bytes) -> None:
        """Refuse a call to a function of the page that has the wrong arguments, or one call too many."""
        call = _CALL.search(scope["path"])
        if call is None:
            return
        value = json_object(body, '{"data": ["Mary sings."]}')
        blocks = scope["app"].get_blocks()
        function = _function(blocks, call["name"], value)
        if function is None and call["queued"]:
            return  # Gradio says so itself
        if function is None:
            names = [one.api_name for one in blocks.fns.values() if one.api_visibility == "public"]
            msg = f"{shown(call['name'])}: there is no such function; {hint(call['name'], names)}"
            raise Refusal(msg, 404)
        if call["named"]:
            self._check_names(call["name"], value)
        else:
            _check_count(function, value.get("data"))
        if function.queue:
            forget_finished(blocks._queue)  # noqa: SLF001 - Gradio has no other way
            self._check_queue(blocks, function, Request(scope))

    def _check_names(self, name: str, arguments: dict[str, Any]) -> None:
        kinds: dict[str, type[Text] | type[Texts]] = {"recognize": Text, "recognize_batch": Texts}
        if name not in kinds:
            no_arguments(name, arguments)
        elif "offsets" in arguments:
            msg = "offsets: only POST /api/recognize and /api/batch take it."
            raise ArgumentError(msg)
        else:
            checked(kinds[name], arguments, default=self._service.first)

    def _check_queue(self, blocks: Any, function: Any, request: Request) -> None:
        """Refuse a visitor with as many calls running or waiting as one may have, in all or of this kind."""
        visitor = visitor_of(request)
        if not visitor:
            return
        queue = blocks._queue  # noqa: SLF001 - Gradio has no other way to ask who waits
        waiting = [
            event for queued in queue.event_queue_per_concurrency_id.values() for event in queued.queue
        ]
        running = [event for job in queue.active_jobs for event in job or ()]
        mine = [event for event in (*waiting, *running) if visitor_of(event.request) == visitor]
        alike = [event for event in mine if event.concurrency_id == function.concurrency_id]
        jobs = self._service.visitors.jobs
        most = min(jobs, max(1, _concurrency(queue, function) // 2))
        if len(mine) >= jobs or len(alike) >= most:
            count = jobs if len(mine) >= jobs else most
            raise Refusal(str(self._service.visitors.refusal(count)), 429)


def json_object(body: bytes, example: str) -> dict[str, Any]:
    """Read a body that has to be a JSON object, such as `example`; raises `Refusal`."""
    try:
        value = json.loads(body)
    except RecursionError:
        msg = "The body is nested too deeply."
    except UnicodeDecodeError as error:
        found = f"0x{error.object[error.start]:02x} at byte {error.start + 1}"
        msg = f"The body is not {error.encoding}: found {found}. Send UTF-8."
    except ValueError as error:
        at = (
            f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        )
        msg = f"The body is not JSON{at}; expected an object such as {example}."
    else:
        if isinstance(value, dict):
            return value
        msg = f"The body is JSON, but not an object; expected one such as {example}."
    raise Refusal(msg, 400)


def _concurrency(queue: Any, function: Any) -> int:
    limit = function.concurrency_limit
    if limit == "default":
        limit = queue.default_concurrency_limit
    return limit or 40


def _function(blocks: Any, name: str, value: dict[str, Any]) -> Any:
    """Return the function of the page that a call is for, or None where Gradio will not find it either."""
    number = value.get("fn_index")
    if isinstance(number, int):
        return blocks.fns.get(number)
    return next((one for one in blocks.fns.values() if one.api_name == name), None)


def _check_count(function: Any, data: Any) -> None:
    """Check the number of values, which Gradio prints if it is wrong."""
    wanted = [one for one in function.inputs if not one.skip_api]
    if not isinstance(data, list) or len(data) not in (len(function.inputs), len(wanted)):
        found = f"{len(data)}" if isinstance(data, list) else "no list"
        msg = f"data: expected a list of {len(wanted)} values, found {found}."
        raise Refusal(msg, 422)


def _too_large(size: int, most: int, setting: str) -> Refusal:
    more = f" ({setting} on the server)" if setting else ""
    msg = f"The request has {size / 1e6:,.1f} MB; this page takes {most / 1e6:,.1f} MB{more}. Send less."
    return Refusal(msg, 413, unread=True)


async def _read(scope: dict[str, Any], receive: Receive, most: int) -> bytes:
    """Read a body of bounded size in bounded time."""
    receive = _counted(scope, receive, most)
    body = bytearray()
    end = time.monotonic() + _SECONDS_OF_A_BODY
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)
        if time.monotonic() > end:
            msg = f"The request did not arrive within {_SECONDS_OF_A_BODY:.0f} seconds."
            raise Refusal(msg, 408, unread=True)


def _again(body: bytes, receive: Receive) -> Receive:
    """Replay a body that was read, then pass on what follows."""
    given = False

    async def receive_again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _counted(scope: dict[str, Any], receive: Receive, most: int, setting: str = "") -> Receive:
    """Bound the bytes of a body that is read part by part, and the time between its parts."""
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdecimal() and (size := int(declared[:20])) > most:
        raise _too_large(size, most, setting)
    size = 0

    async def receive_counted() -> dict[str, Any]:
        nonlocal size
        try:
            message = await asyncio.wait_for(receive(), _SECONDS_BETWEEN_PARTS)
        except asyncio.TimeoutError:
            msg = f"The rest of the request did not arrive within {_SECONDS_BETWEEN_PARTS:.0f} seconds."
            raise Refusal(msg, 408, unread=True) from None
        size += len(message.get("body", b""))
        if size > most:
            raise _too_large(size, most, setting)
        return message

    return receive_counted


async def _refuse(refusal: Refusal | ArgumentError, receive: Receive, send: Send) -> None:
    """Answer at once, then drain the request: many clients read the answer only after sending everything."""
    unread = isinstance(refusal, Refusal) and refusal.unread
    body = json.dumps({"error": str(refusal), "detail": str(refusal)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if unread:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": unread})
    if not unread:
        return

    async def read_on() -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return

    with contextlib.suppress(asyncio.TimeoutError, Refusal):
        await asyncio.wait_for(read_on(), _SECONDS_OF_A_REFUSAL)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _failure(path: str, error: Exception) -> tuple[str, int]:
    """Return sentence and status; Gradio's form parser raises errors of all kinds."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return "The disk of this server is full; try again later.", 507
    if path.rstrip("/").endswith("/component_server") and isinstance(error, KeyError):
        return "There is no such component on this page.", 404
    if path.rstrip("/").endswith("/upload") and not isinstance(error, OSError):
        return "The body is not a form with readable files.", 400
    return "The request failed; the server's log says where.", 500


def where(error: BaseException) -> str:
    """Return the kind and place of an error without its message, which may quote a visitor's text.

    Examples
    --------
    >>> try:
    ...     int("Mary has a secret")
    ... except ValueError as error:
    ...     "secret" in where(error)
    False
    """
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    return f"{type(error).__name__}\n{places}"


def keep_texts_out_of_logs() -> None:
    """Print where a call failed instead of Gradio's traceback, whose message quotes what was passed."""

    def print_place() -> None:
        error = sys.exc_info()[1]
        if error is not None:
            _LOG.error("A call failed: %s", where(error))

    modules: tuple[Any, ...] = (gradio.queueing, gradio.routes)
    for module in modules:
        module.traceback = SimpleNamespace(print_exc=print_place, format_exc=lambda: "")
    # The caller of a tool is told what is wrong with the call; the log would quote the text.
    if not isinstance(mcp.shared.session.logging, _Silent):
        mcp.shared.session.logging = _Silent(mcp.shared.session.logging)  # type: ignore[assignment]
    # Its warnings quote the name of the requested tool, whatever that is.
    logging.getLogger(mcp.server.lowlevel.server.__name__).setLevel(logging.ERROR)


class _Silent:
    """The ``logging`` of a module whose messages quote what it was sent."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def warning(self, *_: Any, **__: Any) -> None:
        """Log that something was wrong, but not what."""
        _LOG.warning("A message to the MCP server was refused.")

    error = exception = warning
