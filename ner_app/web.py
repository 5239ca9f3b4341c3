"""The page as a web server: its start, ``/api`` for programs, and the health checks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ner_app.address import note_port
from ner_app.arguments import ArgumentError, Text, Texts, hint
from ner_app.connections import bound_connections
from ner_app.face import PREVIEW, Face, preview
from ner_app.guard import Guard, Refusal, json_object, keep_texts_out_of_logs, where
from ner_app.jobs import Cancelled
from ner_app.limits import LimitError
from ner_app.prefix import Prefix
from ner_app.programs import Programs
from ner_app.schemas import openapi
from ner_app.sessions import SESSIONS, keep_little
from ner_app.theme import launch_options
from ner_app.tools import offer_tools
from ner_app.visitors import Turns
from ner_core.rendering import to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import gradio as gr
    from starlette.requests import Request

    from ner_app.service import Service

__all__ = ["launch"]

_LOG = logging.getLogger(__name__)
_PATH_CHARACTERS = 60
_NO_EVENT = (
    "The address ends where the id of a call should follow: bash and others lose what `read` behind a pipe "
    "has read, as in the example of the API page. In one request: "
    """curl -d '{"text": "Mary sings."}' ADDRESS-OF-THE-PAGE/api/recognize"""
)


def launch(demo: gr.Blocks, service: Service, *, block: bool = True, **options: Any) -> str:
    """Start a page with its API and its MCP server.

    Parameters
    ----------
    demo : gradio.Blocks
        The page.
    service : Service
        Answers.
    block : bool
        Whether to return only when the page is stopped.
    **options
        Passed on to Gradio's ``launch``, which has its own variables for address and port:
        ``GRADIO_SERVER_NAME``, ``GRADIO_SERVER_PORT``.

    Returns
    -------
    str
        Address of the page.
    """
    keep_texts_out_of_logs()
    keep_little(demo)
    bound_connections()
    programs = Programs(service)
    turns = Turns(service.visitors, waiting=service.limits.queue)
    _, address, _ = demo.launch(
        prevent_thread_lock=True,
        state_session_capacity=SESSIONS,
        app_kwargs={
            "routes": [*_health(service), *_api(programs, turns), Route(PREVIEW, preview)],
            "middleware": [Middleware(Prefix), Middleware(Guard, service=service), Middleware(Face)],
        },
        **launch_options(service.limits.file_bytes),
        **options,
    )
    note_port(address)
    if demo.mcp_server_obj is not None:
        offer_tools(demo.mcp_server_obj, programs, turns)
    if block:
        demo.block_thread()
    return str(address).rstrip("/")


def _health(service: Service) -> list[Route]:
    """Return ``/healthz`` (the process answers) and ``/readyz`` (a model is loaded)."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        if service.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "loading", "problem": service.problem}, status_code=503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _api(programs: Programs, turns: Turns) -> list[Route]:
    """Return the routes of ``/api``."""

    async def recognize(request: Request) -> dict[str, Any]:
        return await turns.run_while_heard(request, programs.recognize, await _arguments(request))

    async def batch(request: Request) -> dict[str, Any]:
        arguments = await _arguments(request)
        return {"results": await turns.run_while_heard(request, programs.recognize_batch, arguments)}

    async def models(request: Request) -> dict[str, Any]:
        return {"models": await turns.run(request, programs.models)}

    async def devices(request: Request) -> dict[str, Any]:
        return {"devices": await turns.run(request, programs.devices)}

    async def description(_: Request) -> dict[str, Any]:
        return openapi(programs.service)

    async def no_event(_: Request) -> Response:
        return _json({"error": _NO_EVENT}, 404)

    routes = [
        _route("/api/recognize", recognize, "POST"),
        _route("/api/batch", batch, "POST"),
        _route("/api/models", models, "GET"),
        _route("/api/devices", devices, "GET"),
        _route("/api/openapi.json", description, "GET"),
    ]
    nowhere = Route("/gradio_api/call/{name}/", no_event)
    return [*routes, *_elsewhere([route.path for route in routes]), nowhere]


def _elsewhere(paths: Sequence[str]) -> list[Route]:
    """Return the routes of all other paths of ``/api``, which name the ones there are."""

    async def endpoint(request: Request) -> Response:
        path = request.url.path[:_PATH_CHARACTERS]
        return _json({"error": f"There is no {path}; {hint(path.rstrip('/'), paths)}"}, 404)

    return [_any_method(Route(path, endpoint)) for path in ("/api", "/api/{rest:path}")]


def _any_method(route: Route) -> Route:
    route.methods = None
    return route


def _route(path: str, answer: Callable[[Request], Awaitable[Mapping[str, Any]]], method: str) -> Route:
    """Return a route that answers in JSON, errors too."""

    async def endpoint(request: Request) -> Response:
        try:
            if request.method not in (method, "HEAD" if method == "GET" else method):
                return _json(
                    {"error": f"{request.method} is not for {path}; send {method}."}, 405, Allow=method
                )
            return _json(await answer(request))
        except (Refusal, ArgumentError, LimitError) as error:
            return _json({"error": str(error)}, error.status)
        except Cancelled:
            return _json({"error": "Nobody waits for this answer."}, 499)
        except Exception as error:  # noqa: BLE001 - the visitor gets a sentence, the log the place
            _LOG.error("%s failed: %s", path, where(error))
            return _json({"error": "Recognition failed; the server's log says where."}, 500)

    return _any_method(Route(path, endpoint))


async def _arguments(request: Request) -> dict[str, Any]:
    """Read the arguments out of a body, which the guard has bounded."""
    names = Text.model_fields.keys() | Texts.model_fields.keys()
    if misplaced := [name for name in request.query_params if name in names]:
        msg = f"{misplaced[0]}: expected in the JSON of the body, found in the address."
        raise ArgumentError(msg)
    # A browser asks before it sends JSON across sites, and sends plain text and forms unasked.
    if "origin" in request.headers and not request.headers.get("content-type", "").startswith(
        "application/json"
    ):
        msg = "The content type must be application/json."
        raise Refusal(msg, 415)
    if (coded := request.headers.get("content-encoding", "identity")) != "identity":
        msg = f"The body is sent as {coded[:_PATH_CHARACTERS]}; send it uncompressed."
        raise Refusal(msg, 415)
    return json_object(await request.body(), '{"text": "Mary sings."}')


def _json(value: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    if status in (429, 503):
        headers["Retry-After"] = "2"
    return Response(to_json(value).encode(), status, headers, "application/json")
