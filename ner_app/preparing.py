"""Models prepared in the background after the page has started, as on Hugging Face Spaces.

A Space preloads files of the hub when it is built (``preload_from_hub`` in README.md). The downloader finds
them in the hub's cache; what remains is the conversion, which runs in a process of its own.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from model_zoo.catalog import folders
from ner_app.commands import CommandError
from ner_app.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ner_app.service import Service

__all__ = ["models_to_prepare", "prepare"]

_LOG = logging.getLogger(__name__)
_ON_SPACES = "bert-base-ner"


def models_to_prepare(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the names in ``NER_PREPARE``, separated by commas; by default what a Space preloads.

    Examples
    --------
    >>> models_to_prepare({"SPACE_ID": "me/demo"}), models_to_prepare({})
    (['bert-base-ner'], [])
    >>> models_to_prepare({"SPACE_ID": "me/demo", "NER_PREPARE": ""})
    []
    """
    environ = os.environ if environ is None else environ
    named = environ.get("NER_PREPARE", _ON_SPACES if "SPACE_ID" in environ else "")
    return [name.strip() for name in named.split(",") if name.strip()]


def prepare(service: Service, names: Sequence[str]) -> None:
    """Download and convert the models that are not ready, one by one; each enters the menus once ready."""
    for name in names:
        if name in service.models():
            continue
        try:
            for _ in Installation(name, folders.models_dir()).run():
                pass
        except CommandError as error:
            _LOG.warning("%s could not be prepared: %s", name, error)
            continue
        service.refresh()
        _LOG.info("%s is ready", name)
