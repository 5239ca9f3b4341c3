"""Recognize repositories of other libraries by their files, tags and architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.families import architectures
from model_zoo.catalog.suitability.weights import weights_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["LIBRARIES", "check_kind"]


@dataclass(frozen=True)
class _Sign:
    """A property of repositories of another library, and the sentence to refuse them with."""

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
        "an adapter without its base model; merge it (merge_and_unload, save_pretrained) and give the folder",
        "adapter_config.json",
        "peft",
    ),
    _Sign(
        "an adapter without its base model; merge it and give the folder",
        "pytorch_adapter.bin",
        "adapter-transformers",
    ),
)
#: Suffixes of models that cannot be read here.
_OTHER_KINDS = (".pkl", ".joblib", ".pb", ".tar.gz", ".npz", ".gguf", ".crfsuite")
#: The hub's tags for other libraries.
LIBRARIES = frozenset(sign.library for sign in _SIGNS if sign.library)


def check_kind(
    name: str, files: Collection[str], config: Mapping[str, Any] | None = None, library: str = ""
) -> None:
    """Refuse repositories of other libraries, and those without readable weights.

    Parameters
    ----------
    name : str
        Start of error messages.
    files : collection of str
        Names in the repository.
    config : mapping or None
        Its config.json, if it has one.
    library : str
        Library that it belongs to according to the hub.
    """
    named = architectures(config or {})
    for sign in _SIGNS:
        if sign.seen(files, library, named):
            msg = f"{name}: this is {sign.sentence}"
            raise CatalogError(msg)
    if config is None:
        msg = f"{name}: expected a config.json in the repository, found none{_without_config(files)}"
        raise CatalogError(msg)
    weights_in(name, files)


def _without_config(files: Collection[str]) -> str:
    """Return the end of the sentence: what a repository without config.json may be, and what to do."""
    if "pytorch_model.bin" in files:
        return "; with pytorch_model.bin alone it may be a Flair model, for the flair package"
    if archives := sorted(name for name in files if name.endswith(".nemo")):
        return (
            f"; {archives[0]} is an archive of NeMo: name it in a model.yml, as that of ner-en-bert does, "
            "and download and convert that"
        )
    if below := sorted(name for name in files if name.endswith("/config.json")):
        return f" at its top; {few(below)} is in a folder: download that folder, and give the folder"
    if others := sorted(name for name in files if name.endswith(_OTHER_KINDS)):
        return f"; {few(others)} is for another library"
    return f" but {few(sorted(files), 6)}" if files else "; it has no files"
