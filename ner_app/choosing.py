"""The model, device and precision drop-downs, which several tabs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import gradio as gr

from model_zoo.catalog.layout import AUTO
from ner_app.service import BEST, Choice

if TYPE_CHECKING:
    from ner_app.service import Service

__all__ = [
    "BY_LANGUAGE",
    "ChoiceControls",
    "choice_controls",
    "choice_of",
    "model_choices",
    "precision_choices",
]


#: What menus call the choice of a model by the language of the text.
BY_LANGUAGE = "auto: by language"


class ChoiceControls(NamedTuple):
    """The three drop-downs."""

    model: gr.Dropdown
    device: gr.Dropdown
    precision: gr.Dropdown


def choice_controls(service: Service, prefix: str) -> ChoiceControls:
    """Build the drop-downs; the precisions follow the model.

    Parameters
    ----------
    service : Service
        Knows the models and devices.
    prefix : str
        Of the elements' ids in the page.
    """
    model = gr.Dropdown(
        model_choices(service),
        value=service.default,
        label="Model",
        elem_id=f"{prefix}-model",
    )
    device = gr.Dropdown(
        service.devices(),
        value="AUTO",
        label="Device",
        info="Or type one as OpenVINO names it, such as HETERO:GPU,CPU",
        allow_custom_value=True,
        elem_id=f"{prefix}-device",
    )
    precision = gr.Dropdown(
        precision_choices(service, service.default),
        value=BEST,
        label="Precision",
        elem_id=f"{prefix}-precision",
    )
    return ChoiceControls(model, device, precision)


def model_choices(service: Service) -> list[tuple[str, str]]:
    """Return names for people and names of the models on this machine."""
    return [(BY_LANGUAGE if name == AUTO else name, name) for name in service.models()]


def precision_choices(service: Service, model: str) -> list[tuple[str, str]]:
    """Return the precisions of a model, the automatic choice first."""
    return [("Best for the device", BEST), *((name, name) for name in service.models().get(model, []))]


def choice_of(model: str | None, device: str | None, precision: str | None, compute: str = "") -> Choice:
    """Turn the values of the drop-downs into a choice.

    Examples
    --------
    >>> choice_of("minilm-ner", " cpu ", BEST)
    Choice(model='minilm-ner', device='CPU', precision='', compute='')
    """
    named = (device or "").strip()
    known = named.upper() if named.isascii() else named
    return Choice(model or "", known or "AUTO", "" if precision in (None, BEST) else str(precision), compute)
