"""Recognize repositories of other libraries by their files, tags and architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.families import architectures
from model_zoo.catalog.suitability.weights import weights_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["LIBRARIES", "check_kind"]


_ADAPTER = (
    "an adapter without its base model; merge it (merge_and_unload, save_pretrained) and give the folder"
)
#: What models of other libraries are, by the hub's tags for these.
LIBRARIES = {
    "gliner": "a GLiNER model, which takes the labels as text; use the gliner package",
    "span-marker": "a SpanMarker model, which scores spans instead of tokens; use the span_marker package",
    "flair": "a Flair model; use the flair package",
    "spacy": "a spaCy pipeline; use the spacy package",
    "stanza": "a Stanza model; use the stanza package",
    "peft": _ADAPTER,
    "adapter-transformers": _ADAPTER,
}
#: Files, and parts of the names of architectures, that only they have.
_FILES = {
    "gliner_config.json": "gliner",
    "adapter_config.json": "peft",
    "pytorch_adapter.bin": "adapter-transformers",
}
_ARCHITECTURES = {"GLiNER": "gliner", "SpanMarker": "span-marker"}
#: Suffixes of models that cannot be read here.
_OTHER_KINDS = (".pkl", ".joblib", ".pb", ".tar.gz", ".npz", ".gguf", ".crfsuite")


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
    signs = [library, *(_FILES.get(file.rpartition("/")[2], "") for file in files)]
    signs += [_ARCHITECTURES[part] for part in _ARCHITECTURES if any(part in name for name in named)]
    for sign in signs:
        if sign in LIBRARIES:
            msg = f"{name}: this is {LIBRARIES[sign]}"
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
