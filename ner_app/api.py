# ruff: noqa: D406, D407 - Gradio reads Google's docstring sections
"""The functions of `Programs` as Gradio offers them: its API page, gradio_client, `@gradio/client`.

The docstrings are what programs read, so they are written for them. Gradio reads one line of each entry.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import get_function_description

from ner_app.arguments import ArgumentError, Options, Text, Texts
from ner_app.limits import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_app.programs import Programs

__all__ = ["build_api"]


def build_api(blocks: gr.Blocks, programs: Programs) -> None:
    """Add the functions to the page that is being built."""
    service = programs.service

    def recognize(
        request: gr.Request,
        text: str,
        model: str = service.first,
        device: str = "AUTO",
        precision: str = "",
        aggregation: str = "",
        threshold: float | None = None,
        labels: list[str] | None = None,
        compute: str = "auto",
    ) -> dict[str, Any]:
        """Find the people, places, organisations and other names in a text.

        Args:
            text: Any text, such as "Mary lives in Santa Clara and works at NVIDIA."
            model: Name of a model on this machine, see models.
            device: OpenVINO device such as "CPU", "GPU" or "AUTO", see devices.
            precision: "FP32", "FP16", "INT8" or "FP16-INT8"; empty for the best one.
            aggregation: "word", "whitespace", "first", "average", "max", "simple", "none"; empty: the usual.
            threshold: Minimum score of the entities, from 0 to 1; 0: all; left out: the model's own.
            labels: Labels to return, such as ["PER", "LOC"]; all when empty.
            compute: "auto": the fastest that keeps the accuracy; "exact": float32; or a way by its name.

        Returns:
            The text, its entities and names (groups), what ran, and milliseconds; offsets count code points.
        """
        with _told(service.visitors.slot(request)):
            return programs.recognize(_given(Text, locals()))

    def recognize_batch(
        request: gr.Request,
        texts: list[str],
        model: str = service.first,
        device: str = "AUTO",
        precision: str = "",
        aggregation: str = "",
        threshold: float | None = None,
        labels: list[str] | None = None,
        compute: str = "auto",
    ) -> list[dict[str, Any]]:
        """Find the names in several texts at once; faster than one by one.

        Args:
            texts: The texts, such as ["Mary sings.", "Rome is old."].
            model: Name of a model on this machine, see models.
            device: OpenVINO device such as "CPU", "GPU" or "AUTO", see devices.
            precision: "FP32", "FP16", "INT8" or "FP16-INT8"; empty for the best one.
            aggregation: "word", "whitespace", "first", "average", "max", "simple", "none"; empty: the usual.
            threshold: Minimum score of the entities, from 0 to 1; 0: all; left out: the model's own.
            labels: Labels to return, such as ["PER", "LOC"]; all when empty.
            compute: "auto": the fastest that keeps the accuracy; "exact": float32; or a way by its name.

        Returns:
            One result for each text, in order, as recognize returns it.
        """
        with _told(service.visitors.slot(request)):
            return programs.recognize_batch(_given(Texts, locals()))

    def devices() -> list[dict[str, str]]:
        """List the devices of this machine that can run a model.

        Returns:
            Name (to be passed as device) and full name of each, AUTO first.
        """
        return programs.devices()

    def models() -> list[dict[str, Any]]:
        """List the models that are ready on this machine.

        Returns:
            Name (to be passed as model), precisions, and whether it is the default, of each.
        """
        return programs.models()

    gr.api(recognize, api_name="recognize", concurrency_limit=16, concurrency_id="recognize")
    gr.api(recognize_batch, api_name="recognize_batch", concurrency_limit=2)
    gr.api(devices, api_name="devices", queue=False)
    gr.api(models, api_name="models", queue=False)
    for function in blocks.fns.values():
        if function.api_visibility == "public":
            _describe(function)


def _describe(function: Any) -> None:
    """Give values their names, descriptions and examples on the API page, where Gradio only numbers them."""
    _, described, (returned,) = get_function_description(function.fn)
    described.pop("request", None)
    fields = Text.model_fields | Texts.model_fields
    for value, (name, description) in zip(function.inputs, described.items(), strict=True):
        value.label = name
        value._api_info = value._api_info | {"additional_description": description}  # noqa: SLF001
        if examples := fields[name].examples:
            value.example_payload = lambda example=examples[0]: example
    (value,) = function.outputs
    value.label = "result"
    value._api_info = value._api_info | {"description": returned}  # noqa: SLF001


def _given(kind: type[Options], local: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function, which are what its body finds of these names."""
    return {name: local[name] for name in kind.model_fields if name in local}


@contextmanager
def _told(slot: Any) -> Iterator[None]:
    """Hold a slot of the visitor; errors become sentences, without a traceback in the log."""
    try:
        with slot:
            yield
    except (LimitError, ArgumentError) as error:
        raise gr.Error(str(error), print_exception=False) from None
