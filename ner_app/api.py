# ruff: noqa: D406, D407 - Gradio reads Google's docstring sections
"""The functions for programs: over HTTP, gradio_client and MCP; and the two health checks.

The docstrings are what programs (and language models, over MCP) read, so they are written for them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.responses import JSONResponse
from starlette.routing import Route

from ner_app.limits import LimitError
from ner_app.service import Choice, ChoiceError, filtered
from ner_core.aggregation import DEFAULT_AGGREGATION
from ner_documents.groups import with_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from ner_app.service import Service

__all__ = ["build_api", "health_routes"]


def build_api(service: Service) -> None:
    """Add the functions to the page that is being built."""

    def recognize(
        request: gr.Request,
        text: str,
        model: str = service.default,
        device: str = "AUTO",
        precision: str = "",
        aggregation: str = DEFAULT_AGGREGATION,
        threshold: float = 0.0,
        labels: list[str] | None = None,
    ) -> dict[str, Any]:
        """Find the people, places, organisations and other names in a text.

        Args:
            text: Any text, such as "Mary lives in Santa Clara and works at NVIDIA."
            model: Name of a model on this machine, see models.
            device: OpenVINO device such as "CPU", "GPU" or "AUTO", see devices.
            precision: "FP32", "FP16", "INT8" or "FP16-INT8"; empty for the best one.
            aggregation: How word pieces become entities: "word", "whitespace", "first", "average",
                "max", "simple", "none".
            threshold: Least score from 0 to 1 of the entities returned.
            labels: Labels to return, such as ["PER", "LOC"]; all when empty.

        Returns:
            The text, its entities (start, end, label, score, text: text[start:end] is the entity, in Unicode
            characters), model, device and precision that ran, word pieces, and milliseconds.
        """
        with _for_people(service, request):
            found = service.recognize(text, Choice(model, device, precision), aggregation)
            return with_groups(filtered(found, threshold, labels or []))

    def recognize_batch(
        request: gr.Request,
        texts: list[str],
        model: str = service.default,
        device: str = "AUTO",
        precision: str = "",
        aggregation: str = DEFAULT_AGGREGATION,
        threshold: float = 0.0,
        labels: list[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Find the names in several texts at once; faster than one by one.

        Args:
            texts: The texts, such as ["Mary sings.", "Rome is old."]
            model: Name of a model on this machine, see models.
            device: OpenVINO device such as "CPU", "GPU" or "AUTO", see devices.
            precision: "FP32", "FP16", "INT8" or "FP16-INT8"; empty for the best one.
            aggregation: How word pieces become entities: "word", "whitespace", "first", "average",
                "max", "simple", "none".
            threshold: Least score from 0 to 1 of the entities returned.
            labels: Labels to return, such as ["PER", "LOC"]; all when empty.

        Returns:
            One result for each text, in order, as recognize returns it.
        """
        with _for_people(service, request):
            found = service.recognize_batch(texts, Choice(model, device, precision), aggregation)
            return [with_groups(filtered(one, threshold, labels or [])) for one in found]

    def devices() -> list[dict[str, str]]:
        """List the devices of this machine that can run a model.

        Returns:
            Name (to be passed as device) and full name of each, AUTO first.
        """
        return [{"name": name, "full_name": title.partition(" - ")[2]} for title, name in service.devices()]

    def models() -> list[dict[str, Any]]:
        """List the models that are ready on this machine.

        Returns:
            Name (to be passed as model), precisions, and whether it is the default, of each.
        """
        return [
            {"name": name, "precisions": precisions, "default": name == service.default}
            for name, precisions in service.models().items()
        ]

    gr.api(recognize, api_name="recognize", concurrency_limit=16, concurrency_id="recognize")
    gr.api(recognize_batch, api_name="recognize_batch", concurrency_limit=2)
    gr.api(devices, api_name="devices", queue=False)
    gr.api(models, api_name="models", queue=False)


@contextmanager
def _for_people(service: Service, request: gr.Request) -> Iterator[None]:
    """Hold a slot of the visitor; what they did wrong becomes an error without a traceback in the log."""
    try:
        with service.visitors.slot(request):
            yield
    except (LimitError, ChoiceError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def health_routes(service: Service) -> list[Route]:
    """Return ``/healthz`` (the process answers) and ``/readyz`` (a model is loaded) for the web server."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        if service.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "loading", "problem": service.problem}, status_code=503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
