"""The models behind the page: what may be used, loading and unloading, and answers within the limits."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import model_zoo
from model_zoo.by_language import recognizer_by_language
from model_zoo.catalog import folders, zoo
from model_zoo.catalog.layout import AUTO
from ner_app.gathering import Gathering
from ner_app.installation import hub_names, own_names
from ner_app.limits import Limits
from ner_app.visitors import Visitors
from ner_core.aggregation import AGGREGATIONS
from ner_core.compute import COMPUTE, ComputeError
from ner_core.hardware import DeviceError, devices
from ner_core.kserve import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core import Entity, EntityRecognizer, Recognition

__all__ = ["BY_LANGUAGE", "EXACTLY", "Choice", "ChoiceError", "Service", "filtered"]

#: What menus call the choice of a model by the language of the text.
BY_LANGUAGE = "auto: by language"
#: Value of `Choice.compute` for the same numbers on every processor.
EXACTLY = "exact"
_LOG = logging.getLogger(__name__)
_GATHERED_CHARACTERS = 2_000
_QUOTED_CHARACTERS = 60


class ChoiceError(ValueError):
    """A model, device, precision or aggregation cannot be used; the message is for the visitor.

    Attributes
    ----------
    argument : str
        Which of them it is; empty if unknown.
    """

    def __init__(self, message: str, argument: str = "") -> None:
        super().__init__(message)
        self.argument = argument


class Choice(NamedTuple):
    """What runs: a model of the zoo, an OpenVINO device, a precision (empty: the best for the device).

    `compute` is one of `ner_core.compute.COMPUTE`; empty for ``auto``.
    """

    model: str
    device: str = "AUTO"
    precision: str = ""
    compute: str = ""

    def __str__(self) -> str:
        """Return a short name for titles.

        Examples
        --------
        >>> str(Choice("minilm-ner", "CPU", "INT8"))
        'minilm-ner · CPU · INT8'
        """
        return " · ".join(part for part in self if part)


class Service:
    """Loads models when they are first asked for, keeps the last few, and answers within the limits.

    Parameters
    ----------
    default : str
        Name of the model that a visitor meets first; by default the language of a text chooses.
    limits : Limits or None
        Bounds; from the environment by default.
    load : callable
        Loads a model, as `model_zoo.load`.
    """

    def __init__(
        self,
        default: str = AUTO,
        limits: Limits | None = None,
        load: Callable[..., EntityRecognizer] = model_zoo.load,
    ) -> None:
        self.default = default
        self.limits = limits or Limits.from_environment()
        self.visitors = Visitors(self.limits.visitor_jobs)
        self._load = load
        self._guard = threading.Lock()
        self._loaded: OrderedDict[Choice, EntityRecognizer] = OrderedDict()
        self._loading: dict[Choice, threading.Lock] = {}
        self._by_language: dict[Choice, EntityRecognizer] = {}
        self._gatherings: dict[tuple[Choice, str], Gathering] = {}
        self.problem = ""
        self._models: dict[str, list[str]] | None = None

    def warm_up(self) -> None:
        """Load the first model and run it once, so that the first visitor need not wait."""
        if self.first != self.default:
            _LOG.error("The default model %s is not on this machine; %s answers.", self.default, self.first)
        try:
            self.recognize("Mary lives in Santa Clara.", Choice(self.first))
        except ChoiceError as error:
            self.problem = str(error)
            _LOG.error("The default model cannot be loaded: %s", error)

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return bool(self._loaded)

    def recognizer(self, choice: Choice) -> EntityRecognizer:
        """Return a loaded model; the least recently used one is unloaded when there are too many.

        For ``auto`` this is a recognizer that requests each of its models here.

        Raises
        ------
        ChoiceError
            It cannot be loaded.
        """
        if choice.model == AUTO and not is_remote(choice.device):
            if choice not in self._by_language:
                self._by_language[choice] = recognizer_by_language(
                    lambda name: self.recognizer(choice._replace(model=name))
                )
            return self._by_language[choice]
        with self._guard:
            loading = self._loading.setdefault(choice, threading.Lock())
        with loading:
            with self._guard:
                if choice in self._loaded:
                    self._loaded.move_to_end(choice)
                    return self._loaded[choice]
            try:
                options = {"compute": choice.compute} if choice.compute else {}
                recognizer = self._load(
                    choice.model, device=choice.device, precision=choice.precision or None, **options
                )
            except (ValueError, OSError, RuntimeError, ImportError, LookupError) as error:
                raise self._not_loaded(choice, error) from error
            with self._guard:
                self._loaded[choice] = recognizer
                while len(self._loaded) > self.limits.loaded_models:
                    self._loaded.popitem(last=False)
        return recognizer

    def _not_loaded(self, choice: Choice, error: Exception) -> ChoiceError:
        """Describe why a model cannot be loaded; on a public page only the log has paths and commands."""
        said = str(error) or type(error).__name__
        if isinstance(error, DeviceError):
            return ChoiceError(said, "device")
        if isinstance(error, ComputeError):
            return ChoiceError(said, "compute")
        if not self.limits.public:
            return ChoiceError(said)
        _LOG.error("%s cannot be loaded: %s", choice.model, said)
        return ChoiceError(f"The model {choice.model} is not available on this server.", "model")

    def forget(self, model: str) -> None:
        """Unload every variant of a model, so that its files can be deleted."""
        with self._guard:
            for choice in [choice for choice in self._loaded if choice.model == model]:
                del self._loaded[choice]

    def recognize(
        self,
        text: str,
        choice: Choice,
        aggregation: str = "",
        progress: Callable[[int, int], None] | None = None,
        *,
        everything: bool = False,
    ) -> Recognition:
        """Recognize one text; short ones of several visitors run together.

        Parameters
        ----------
        text : str
            Any text.
        choice : Choice
            What runs.
        aggregation : str
            One of `AGGREGATIONS`; empty for the way that the model is made for.
        progress : callable, optional
            Called now and then; an exception it raises ends the work. See `EntityRecognizer`.
        everything : bool
            Whether spans below the model's own threshold are included, see `EntityRecognizer.likely`.

        Raises
        ------
        LimitError
            The text is too long.
        ChoiceError
            The model, device, precision or aggregation cannot be used.
        """
        self.limits.check_text(text)
        choice = self.allowed(choice)
        recognizer = self.checked(choice, aggregation)
        if len(text) > _GATHERED_CHARACTERS:
            found = recognizer(text, aggregation=aggregation, threshold=0.0, progress=progress)
        else:
            found = self._gathering(choice, aggregation)(text, progress)
        return found if everything else recognizer.likely(found, aggregation=aggregation)

    def _gathering(self, choice: Choice, aggregation: str) -> Gathering:
        """Return what batches short texts; it finds everything, for visitors differ in what they see."""

        def run(texts: list[str]) -> list[Recognition]:
            return self.recognizer(choice).batch(texts, aggregation=aggregation, threshold=0.0)

        with self._guard:
            return self._gatherings.setdefault((choice, aggregation), Gathering(run))

    def recognize_batch(
        self,
        texts: Sequence[str],
        choice: Choice,
        aggregation: str = "",
        progress: Callable[[int, int], None] | None = None,
        *,
        everything: bool = False,
    ) -> list[Recognition]:
        """Recognize several texts, in order; the other parameters and errors as for `recognize`."""
        self.limits.check_batch(texts)
        recognizer = self.checked(choice, aggregation)
        least = 0.0 if everything else None
        return list(recognizer.stream(texts, aggregation=aggregation, threshold=least, progress=progress))

    def checked(self, choice: Choice, aggregation: str = "") -> EntityRecognizer:
        """Return the loaded model of a choice that `allowed` lets pass; raises `ChoiceError` for others."""
        if aggregation and aggregation not in AGGREGATIONS:
            msg = f"Aggregation is {aggregation!r}; expected one of {', '.join(AGGREGATIONS)}."
            raise ChoiceError(msg, "aggregation")
        return self.recognizer(self.allowed(choice))

    def allowed(self, choice: Choice, *, offered_only: bool | None = None) -> Choice:
        """Return a choice that this visitor may name, before anything is loaded or connected to.

        This is the one place that decides it, for every tab, the API and MCP. A model is always one of this
        machine's, never a path. On a public host a device is one of the list; at home it may also be any
        expression of OpenVINO, or the address of a model server.

        Parameters
        ----------
        choice : Choice
            What the visitor named.
        offered_only : bool or None
            Whether the device must be one of the list; by default on public hosts.

        Raises
        ------
        ChoiceError
            It may not be named; the message says what may.
        """
        models = self.models()
        _expect("model", f"Model {_quoted(choice.model)} is not on this machine", choice.model, models)
        if choice.precision and (precisions := models[choice.model]):
            said = f"{choice.model} has no precision {_quoted(choice.precision)} here"
            _expect("precision", said, choice.precision, precisions)
        if choice.compute:
            if "://" in choice.device:
                msg = "A model server has its own way to compute; leave compute out."
                raise ChoiceError(msg, "compute")
            _expect("compute", f"There is no arithmetic {_quoted(choice.compute)}", choice.compute, COMPUTE)
        device = choice.device.strip() or "AUTO"
        device = device if "://" in device else device.upper()
        if self.limits.public if offered_only is None else offered_only:
            _expect("device", f"Device {_quoted(device)} is not offered here", device, self.devices())
        return choice._replace(device=device)

    def linked(
        self, model: str, device: str = "AUTO", precision: str = "", compute: str = ""
    ) -> tuple[Choice, str]:
        """Return the choice that a shared link names, and a sentence about what was ignored.

        Visitors do not write the links that they open, so a link may name only what the page offers, at home
        too; an address in it is never followed. Defaults replace what is not offered.

        Examples
        --------
        >>> Service("minilm-ner").linked("minilm-ner", "kserve://10.0.0.1:80/x")[0].device
        'AUTO'
        """
        choice = Choice(self.first)
        said: list[str] = []
        wanted = {"model": model, "precision": precision, "device": device, "compute": compute}
        for name, value in wanted.items():
            if value:
                try:
                    choice = self.allowed(choice._replace(**{name: value}), offered_only=True)
                except ChoiceError as error:
                    said.append(str(error))
        ignored = f"Some of what this link asks for is not available here. {' '.join(said)}"
        return choice, ignored if said else ""

    def models(self) -> dict[str, list[str]]:
        """Return the models on this machine and their precisions: the default one, ``auto``, others."""
        if self._models is None:
            self._models = dict(self._installed())
        return self._models

    @property
    def first(self) -> str:
        """The model where none is named: the default one, ``auto`` while that is not on this machine."""
        return next(iter(self.models()))

    def refresh(self) -> None:
        """List the models on this machine again, after a download or a deletion."""
        self._models = None
        self._by_language.clear()

    def _installed(self) -> Iterator[tuple[str, list[str]]]:
        here = [*(model.name for model in zoo.load_catalog()), *hub_names(), *own_names()]
        for name in dict.fromkeys([self.default, AUTO, *here]):
            precisions = model_zoo.find(AUTO) if name == AUTO else folders.installed(name)
            if precisions or name == AUTO:
                yield name, list(precisions)

    def devices(self) -> dict[str, str]:
        """Return OpenVINO's names of this machine's devices and their full names, AUTO first."""
        return {"AUTO": "OpenVINO chooses"} | {device.name: device.full_name for device in devices()}

    def device_menu(self) -> list[tuple[str, str]]:
        """Return names for people and OpenVINO's names of this machine's devices."""
        return [(f"{name} - {full_name}", name) for name, full_name in self.devices().items()]


def filtered(found: Recognition, threshold: float = 0.0, labels: Collection[str] = ()) -> Recognition:
    """Keep the entities of at least a score and, if any are given, of some labels.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> entities = (Entity(0, 4, "PER", 0.9, "Mary"), Entity(6, 10, "LOC", 0.4, "Rome"))
    >>> found = Recognition("Mary, Rome", entities)
    >>> [entity.text for entity in filtered(found, threshold=0.5).entities]
    ['Mary']
    >>> [entity.text for entity in filtered(found, labels=["LOC"]).entities]
    ['Rome']
    """

    def kept(entity: Entity) -> bool:
        kind = entity.label.partition("-")[2] or entity.label  # under aggregation none it is a tag
        return entity.score >= threshold and (not labels or entity.label in labels or kind in labels)

    return dataclasses.replace(found, entities=tuple(filter(kept, found.entities)))


def _expect(argument: str, said: str, value: str, offered: Iterable[str]) -> None:
    """Raise `ChoiceError` for a value that is not among those offered."""
    if value not in (known := list(offered)):
        msg = f"{said}; {', '.join(known)} can be used."
        raise ChoiceError(msg, argument)


def _quoted(value: str) -> str:
    """Quote what a visitor named, shortened: it goes into a sentence."""
    return repr(value if len(value) <= _QUOTED_CHARACTERS else f"{value[:_QUOTED_CHARACTERS]}…")
