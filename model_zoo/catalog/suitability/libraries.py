"""Repositories of other libraries, told by their files, tags and architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.suitability.families import architectures
from model_zoo.catalog.suitability.weights import weights_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["LIBRARIES", "check_kind"]


@dataclass(frozen=True)
class _Sign:
    """Something that a repository of another library has, and a sentence about it."""

    sentence: str
    file: str = ""
    library: str = ""
    architecture: str = ""

    def seen(self, files: Collection[str], library: str, architectures: Collection[str]) -> bool:
        return (
            (bool(self.file) and any(name.rsplit("/", 1)[-1] == self.file for name in files))
            or (bool(self.library) and library == self.library)
            or (bool(self.architecture) and any(self.architecture in name for name in architectures))
        )


_SIGNS = (
    _Sign(
        "a GLiNER model, which takes the labels as text; use the gliner package",
        "gliner_config.json",
        "gliner",
        "GLiNER",
    ),
    _Sign(
        "a SpanMarker model, which scores spans instead of tokens; use the span_marker package",
        library="span-marker",
        architecture="SpanMarker",
    ),
    _Sign("a Flair model; use the flair package", library="flair"),
    _Sign("a spaCy pipeline; use the spacy package", library="spacy"),
    _Sign("a Stanza model; use the stanza package", library="stanza"),
    _Sign(
        "an adapter without the model that it changes; merge it (merge_and_unload, save_pretrained) and "
        "give the folder",
        "adapter_config.json",
        "peft",
    ),
    _Sign(
        "an adapter without the model that it changes; merge it and give the folder",
        "pytorch_adapter.bin",
        "adapter-transformers",
    ),
)
#: Names of other libraries, as the hub tags their models.
LIBRARIES = frozenset(sign.library for sign in _SIGNS if sign.library)


def check_kind(
    name: str, files: Collection[str], config: Mapping[str, Any] | None = None, library: str = ""
) -> None:
    """Refuse repositories of other libraries, and those without readable weights.

    Parameters
    ----------
    name : str
        What errors begin with.
    files : collection of str
        Names in the repository.
    config : mapping or None
        Its config.json, where it has one.
    library : str
        What the hub says that it belongs to.

    Raises
    ------
    CatalogError
        With one sentence.
    """
    named = architectures(config or {})
    for sign in _SIGNS:
        if sign.seen(files, library, named):
            msg = f"{name}: this is {sign.sentence}"
            raise CatalogError(msg)
    if config is None:
        about = (
            "; with pytorch_model.bin alone it may be a Flair model, for the flair package"
            if "pytorch_model.bin" in files
            else ""
        )
        msg = f"{name}: expected a config.json in the repository, found none{about}"
        raise CatalogError(msg)
    weights_in(name, files)
