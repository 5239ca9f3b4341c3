"""``auto``: the embedded model for English, and the embedded multilingual one for every other language."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import model_zoo
from model_zoo.catalog import folders
from model_zoo.catalog.layout import AUTO, ENGLISH_MODEL, OTHER_LANGUAGES_MODEL
from ner_core.hardware import DeviceError
from ner_core.kserve import Address, is_remote
from ner_core.routing import LanguageRecognizer

if TYPE_CHECKING:
    import functools
    from collections.abc import Callable
    from pathlib import Path

    from ner_core.recognizer import EntityRecognizer

__all__ = ["find_by_language", "load_by_language", "recognizer_by_language"]

# Options of `EntityRecognizer.from_ir` that describe one model.
_OF_ONE_MODEL = ("tokenizer", "labels", "lower_case", "max_length", "name")
_MISSING = (
    f"This text does not look English. {OTHER_LANGUAGES_MODEL} is not on this machine, so {ENGLISH_MODEL} "
    "answered, which was trained only on English."
)
# Of the languages that the two models were trained on.
_SCRIPTS = ("LATIN", "CYRILLIC", "CJK")


class Loading:
    """Load each of the two models once, on first use; can be pickled.

    Parameters
    ----------
    load : functools.partial
        `model_zoo.load` with all arguments except the name.
    """

    def __init__(self, load: functools.partial[EntityRecognizer]) -> None:
        self._load = load
        self._loaded: dict[str, EntityRecognizer] = {}
        self._guard = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Loading, (self._load,)

    def __call__(self, english: bool) -> EntityRecognizer:
        """Return the recognizer for English, or the one for other languages."""
        name = _name(english)
        with self._guard:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]


def load_by_language(load: functools.partial[EntityRecognizer]) -> EntityRecognizer:
    """Return the recognizer of ``model_zoo.load("auto")``.

    Parameters
    ----------
    load : functools.partial
        `model_zoo.load` with all arguments except the name.

    Raises
    ------
    ModelNotFoundError
        One of the models is not available in this precision.
    ValueError
        An option applies to a single model, or the device is a server, which runs a single model.
    """
    options = load.keywords
    if given := [name for name in _OF_ONE_MODEL if options.get(name) is not None]:
        msg = f"Model {AUTO!r} chooses one of two, so {', '.join(given)} cannot be given; name the model."
        raise ValueError(msg)
    if is_remote(device := options["device"]):
        served = Address.parse(device).model
        if served in (ENGLISH_MODEL, OTHER_LANGUAGES_MODEL):
            return load(served)
        msg = f"Model {AUTO!r} chooses by language, but {device} runs one model; name the model that it runs."
        raise DeviceError(msg)
    precision, models_dir = options["precision"], options["models_dir"]
    others = folders.installed(OTHER_LANGUAGES_MODEL, models_dir)
    if precision is not None and others and precision not in others:
        msg = (
            f"{OTHER_LANGUAGES_MODEL} has no {precision} here, only {', '.join(others)}; take one of these, "
            f"or name the model: {ENGLISH_MODEL}"
        )
        raise model_zoo.ModelNotFoundError(msg)
    return _recognizer(Loading(load), others)


def recognizer_by_language(
    load: Callable[[str], EntityRecognizer], models_dir: str | Path | None = None
) -> EntityRecognizer:
    """Return a recognizer that chooses by language between models that the caller caches.

    Parameters
    ----------
    load : callable
        Returns the recognizer of a name; called for each use.
    models_dir : path or None
        As `model_zoo.load` takes it.
    """
    others = folders.installed(OTHER_LANGUAGES_MODEL, models_dir)
    return _recognizer(lambda english: load(_name(english)), others)


def _recognizer(load: Callable[[bool], EntityRecognizer], others: dict[str, Path]) -> EntityRecognizer:
    return LanguageRecognizer(load, missing="" if others else _MISSING, scripts=_SCRIPTS, name=AUTO)


def find_by_language(models_dir: str | Path | None = None) -> dict[str, Path]:
    """Find the IRs of the model for English in the precisions that both models have."""
    found = model_zoo.find(ENGLISH_MODEL, models_dir)
    others = folders.installed(OTHER_LANGUAGES_MODEL, models_dir)
    return {
        precision: path for precision, path in found.items() if not others or precision in others
    } or found


def _name(english: bool) -> str:
    return ENGLISH_MODEL if english else OTHER_LANGUAGES_MODEL
