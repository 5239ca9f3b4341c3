"""OpenVINO: one compiled model for all threads, many requests in flight, fixed shapes where needed.

Nothing here knows about text: token ids go in, logits come out.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov

from ner_core.compiled_cache import CompiledCache
from ner_core.compute import COMPUTE, EXACT, Way, fastest_way, has_int8_weights
from ner_core.hardware import (
    DeviceError,
    candidates,
    check_device,
    complaint,
    core,
    devices,
    fast_arithmetic,
    last_line,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ner_core.batching import Batch

__all__ = ["HINTS", "Engine", "EngineSettings"]

logger = logging.getLogger(__name__)

#: Lengths to compile for on devices that cannot take any length.
STATIC_LENGTHS = (32, 64, 128, 256)

HINTS = ("AUTO", "LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT")

# Two streams of one thread are about a tenth faster than one of two where there is enough to do for both, so
# compiling for them pays for itself once runs of at least so many batches a processor have taken so many
# times as long. A run of fewer batches is to have all processors for each: of three, two streams would get
# two and one.
_BATCHES_A_PROCESSOR = 4
_PAYBACK = 10

# OpenVINO keeps what it prepared for shapes of input, about five entries a shape: 5,000 by default, and that
# for each stream; minilm-ner grew by 0.8 MB a shape. Where many texts are to be done fast, shapes come back
# more often than where people send one now and then, and the memory of a page should rise slowly.
_PREPARED_KEPT = 250
_PREPARED_KEPT_FOR_MANY = 1000


class _Compiled:
    """A compiled model and its idle requests, shared by engines with the same model, device and settings."""

    def __init__(self, model: ov.CompiledModel, inputs: dict[str, type], output: int, seconds: float) -> None:
        self.model = model
        self.seconds = seconds  # what compiling took
        self._inputs = inputs
        self._output = model.outputs[output]
        self._idle: deque[ov.InferRequest] = deque()
        self.parallel = int(model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def start(self, batch: Batch) -> _Flight:
        """Start a run; never waits for a request, so that threads cannot wait for each other."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self.model.create_infer_request()
        inputs = {
            name: getattr(batch, name).astype(dtype, copy=False) for name, dtype in self._inputs.items()
        }
        for name, values in inputs.items():
            request.set_tensor(name, ov.Tensor(values, shared_memory=True))
        request.start_async()
        return _Flight(self, request, batch, inputs)

    def finish(self, request: ov.InferRequest) -> np.ndarray:
        """Wait for a run; the logits are a view that `release` ends."""
        request.wait()
        return request.get_tensor(self._output).data

    def release(self, request: ov.InferRequest) -> None:
        """Give a request back."""
        self._idle.append(request)


@dataclass(frozen=True, slots=True)
class _Flight:
    """A run that was started, and the memory that it reads: OpenVINO holds no reference to it."""

    compiled: _Compiled
    request: ov.InferRequest
    batch: Batch
    inputs: dict[str, np.ndarray]


_compiled: weakref.WeakValueDictionary[tuple, _Compiled] = weakref.WeakValueDictionary()
_compiling = threading.Lock()


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a model is run.

    Attributes
    ----------
    compute : str
        What a CPU computes in, one of `ner_core.compute.COMPUTE`. ``auto``: the fastest way that the
        processor has among those that the model is known to bear. ``exact``: float32, the same on every
        processor. Or a way by its name. Other devices follow their default under ``auto``.
    hint : str
        ``LATENCY``, ``THROUGHPUT``, or ``AUTO``: latency, and on a CPU throughput for the runs of many
        batches, once these have taken long enough for the second time of compiling to pay. The second copy
        of the weights comes only then.
    streams, threads : int, optional
        Parallel streams and threads of the CPU; OpenVINO's choice when not given.
    cache_dir : str or Path, optional
        Folder for compiled models, for devices that take long to compile; see `ner_core.compiled_cache`.
    fallback : bool
        Go on with the CPU, and say so in `notes`, where the device is missing or fails.
    static_shapes : sequence of (int, int), optional
        Shapes (rows, length) to compile for instead of any shape; by default only on an NPU, or where the
        model itself has fixed inputs.

    Raises
    ------
    ValueError
        If the hint or the way to compute is unknown.
    """

    compute: str = "auto"
    hint: str = "AUTO"
    streams: int | None = None
    threads: int | None = None
    cache_dir: str | Path | None = None
    fallback: bool = False
    static_shapes: Sequence[tuple[int, int]] | None = None

    def __post_init__(self) -> None:
        if self.hint not in HINTS:
            msg = f"Unknown performance hint {self.hint!r}: expected {', '.join(HINTS[:3])}."
            raise ValueError(msg)
        if self.compute not in COMPUTE:
            msg = f"Unknown compute {self.compute!r}: expected {', '.join(COMPUTE)}."
            raise ValueError(msg)

    @property
    def properties(self) -> dict[str, Any]:
        """What OpenVINO is told whatever the device."""
        given = {
            "NUM_STREAMS": self.streams,
            "INFERENCE_NUM_THREADS": self.threads,
        }
        return {name: value for name, value in given.items() if value is not None}


class Engine:
    """Run one token classifier on one device expression.

    Parameters
    ----------
    model : openvino.Model
        As read from `path`.
    path : Path
        The model file; with its time of change the key under which compiled models are shared.
    device : str
        As `check_device` takes it.
    settings : EngineSettings
        How it is run.
    borne : collection of Way
        What the model is known to bear, see `ner_core.compute.borne_ways`.
    longest : int
        Most pieces that the model takes, special tokens included: the limit of the default shapes.

    Raises
    ------
    DeviceError
        If the device is missing or cannot run the model, and there is no fallback.
    ValueError
        If the model is not a token classifier, or processor or model do not have the way to compute.
    """

    def __init__(
        self,
        model: ov.Model,
        path: Path,
        device: str = "AUTO",
        settings: EngineSettings | None = None,
        *,
        borne: Collection[Way] = (EXACT,),
        longest: int = STATIC_LENGTHS[-1],
    ) -> None:
        self._settings = settings or EngineSettings()
        self._model, self._path = model, path
        folder = self._settings.cache_dir
        self._cache = CompiledCache(Path(folder), path) if folder else None
        self._waited = 0.0
        self._inputs, self._output, self.label_count = _ports(model, path)
        self.notes: tuple[str, ...] = ()
        self._given = _fixed_shapes(model, self._settings.static_shapes)
        self._fixed = self._given
        self._longest = longest
        self._borne, self._int8_weights = borne, has_int8_weights(model)
        self._way = EXACT
        self._plans: dict[tuple[tuple[int, int] | None, str], _Compiled] = {}
        self._moving = threading.Lock()
        self._choose(device)

    def _choose(self, device: str) -> None:
        try:
            self._start_on(check_device(device))
        except DeviceError as error:
            if not self._settings.fallback or device == "CPU":
                raise
            self._tell(f"{device} is not used, CPU instead: {error}")
            self._start_on("CPU")

    def _start_on(self, expression: str) -> None:
        names = _real_devices(expression)
        compute = self._settings.compute
        # Of other devices it is not known; under auto they follow their default.
        fast = fast_arithmetic() if "CPU" in names else () if compute == "auto" else ("int8", "bf16", "f16")
        self._way = fastest_way(compute, fast, self._borne, int8_weights=self._int8_weights)
        self._fixed = self._given
        if not self._fixed and any(name.startswith("NPU") for name in names):
            lengths = {min(length, self._longest) for length in STATIC_LENGTHS}
            self._fixed = [(1, length) for length in sorted(lengths)]
        self.expression = expression
        self._plans = {}
        self._compile(self._fixed[-1] if self._fixed else None)

    @property
    def max_length(self) -> int | None:
        """Longest row that the shapes of this engine allow, special tokens included; None without limit."""
        return self._fixed[-1][1] if self._fixed else None

    @property
    def device(self) -> str:
        """The device that really runs the model; AUTO may change its mind while it runs."""
        compiled = next(iter(self._plans.values()), None)
        if compiled is None:  # another thread is moving to another device just now
            return self.expression
        names = compiled.model.get_property("EXECUTION_DEVICES")
        return ",".join(names) if isinstance(names, list) else str(names)

    @property
    def compute(self) -> str:
        """What it computes in: the name of a way on a CPU, the type that other devices say, or nothing."""
        compiled = next(iter(self._plans.values()), None)
        if compiled is None or self.device == "CPU":
            return self._way.name
        try:
            kind = compiled.model.get_property("INFERENCE_PRECISION_HINT")
        except RuntimeError:  # several devices, each with its own
            return ""
        return kind.to_string() if isinstance(kind, ov.Type) else ""

    @property
    def description(self) -> str:
        """The model, its device, and the version of OpenVINO."""
        return f"{self._path.name} on {self.device} (computing in {self.compute}, OpenVINO {ov.__version__})"

    def shape(self, length: int) -> tuple[int, int] | None:
        """Give the smallest fixed shape that takes rows of this length, None where any shape will do."""
        return next((fixed for fixed in self._fixed if fixed[1] >= length), None)

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """Run batches, several at once.

        Parameters
        ----------
        batches : iterable of Batch
            Drawn while earlier batches run, so work done to make them costs no time.

        Yields
        ------
        ndarray of float32, shape (rows, length, labels)
            Logits in the order of the batches; valid until the next one is drawn.
        """
        flying: deque[_Flight] = deque()
        many = False
        try:
            for number, batch in enumerate(batches):
                known = number + 1 + batch.following
                many = known >= _BATCHES_A_PROCESSOR * (os.cpu_count() or 1)
                compiled = self._compile(batch.input_ids.shape if self._fixed else None, many=many)
                flying.append(compiled.start(batch))
                if len(flying) > compiled.parallel:
                    yield from self._land(flying, many=many)
            while flying:
                yield from self._land(flying, many=many)
        finally:
            for flight in flying:
                # Only waited for, because its inputs are shared memory: nobody wants these results.
                with contextlib.suppress(RuntimeError):
                    flight.request.wait()
                    flight.compiled.release(flight.request)

    def _land(self, flying: deque[_Flight], *, many: bool) -> Iterator[np.ndarray]:
        """Wait for the oldest run; on failure once more on the CPU, if that was asked for."""
        flight = flying[0]
        began = time.perf_counter()
        try:
            logits = flight.compiled.finish(flight.request)
        except RuntimeError as error:
            flying.popleft()
            self._recover(flight.compiled, error)
            yield from self.run([flight.batch])
            return
        if many:
            self._waited += time.perf_counter() - began
        yield logits
        flying.popleft()
        flight.compiled.release(flight.request)

    def _recover(self, compiled: _Compiled, error: RuntimeError) -> None:
        """Change the arithmetic or the device that failed, unless another run has done so already."""
        with self._moving:
            if compiled not in self._plans.values():
                return
            if self._settings.compute == "auto" and self._way is not EXACT:
                self._tell(f"{self._way.name} failed on {self.expression}, f32 instead: {last_line(error)}.")
                self._borne = (EXACT,)
                self._start_on(self.expression)
                return
            if not self._settings.fallback or self.expression == "CPU":
                msg = f"{self.expression} failed while running {self._path.name} ({last_line(error)})"
                raise DeviceError(complaint(msg)) from error
            self._tell(f"{self.expression} failed while running, CPU instead: {last_line(error)}.")
            self._start_on("CPU")

    def _tell(self, note: str) -> None:
        self.notes += (note,)
        logger.warning(note)

    def _compile(self, shape: tuple[int, int] | None, *, many: bool = False) -> _Compiled:
        """Compile for a shape and few or many batches, or find what this process has compiled already."""
        hint = self._hint_for(many=many)
        found = self._plans.get((shape, hint))
        if found:
            return found
        config = self._config(hint)
        key = (
            str(self._path.resolve()),
            self._path.stat().st_mtime_ns,
            self.expression,
            shape,
            repr(sorted(config.items())),
        )
        with _compiling:
            found = _compiled.get(key)
            if found is None:
                model = self._model
                if shape is not None and model.is_dynamic():
                    model = model.clone()
                    model.reshape({name: list(shape) for name in self._inputs})
                began = time.perf_counter()
                try:
                    if self._cache:
                        self._cache.drop_damaged()
                    compiled = core().compile_model(model, self.expression, config)
                    if self._cache:
                        self._cache.state_new()
                except RuntimeError as error:
                    msg = f"{self.expression} cannot run {self._path.name} ({last_line(error)})"
                    raise DeviceError(complaint(msg)) from error
                seconds = time.perf_counter() - began
                found = _compiled[key] = _Compiled(compiled, self._inputs, self._output, seconds)
        self._plans[shape, hint] = found
        return found

    def _hint_for(self, *, many: bool) -> str:
        """Choose what to compile for: one batch at a time, or many."""
        if self._settings.hint != "AUTO":
            return self._settings.hint
        if not many or self._fixed or self._settings.streams is not None or self.device != "CPU":
            return "LATENCY"
        latency = self._plans.get((None, "LATENCY"))
        paid = latency is not None and self._waited > _PAYBACK * latency.seconds
        return "THROUGHPUT" if paid else "LATENCY"

    def _config(self, hint: str = "LATENCY") -> dict[str, Any]:
        config = self._settings.properties | {"PERFORMANCE_HINT": hint}
        if self._cache:
            config["CACHE_DIR"] = str(self._cache.folder)
        wanted = _real_devices(self.expression)
        cpu: dict[str, Any] = dict(self._way.config)
        if config.get("INFERENCE_NUM_THREADS", math.inf) < (os.cpu_count() or 1):
            # Other processes have the other processors, and OpenVINO would pin the threads of all of them to
            # the same first ones: two processes of one thread ran on one of two processors.
            cpu["ENABLE_CPU_PINNING"] = False
        if wanted == ["CPU"]:
            config |= cpu
            if self.expression in {"CPU", "AUTO"}:  # BATCH refuses it
                many = self._settings.hint == "THROUGHPUT"
                config["CPU_RUNTIME_CACHE_CAPACITY"] = _PREPARED_KEPT_FOR_MANY if many else _PREPARED_KEPT
            return config
        if self._settings.compute != "auto":
            config["INFERENCE_PRECISION_HINT"] = self._way.precision
        if "CPU" in wanted:
            config["DEVICE_PROPERTIES"] = {"CPU": cpu}
        return config


def _real_devices(expression: str) -> list[str]:
    """List the devices that an expression may run on: those named, or all that are not excluded."""
    _, names = candidates(expression)
    named = [name for name in names if not name.startswith("-")]
    return named or [found.name for found in devices() if f"-{found.name}" not in names]


def _fixed_shapes(model: ov.Model, wanted: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    """Give the shapes to compile for, smallest length first; none for any shape."""
    shape = model.inputs[0].partial_shape
    if shape.is_dynamic:
        model.reshape({port: [-1, -1] for port in model.inputs})
    else:
        if wanted:
            msg = (
                f"This model has fixed inputs of {tuple(shape.to_shape())}: static_shapes cannot change them."
            )
            raise ValueError(msg)
        return [(shape[0].get_length(), shape[1].get_length())]
    return sorted(((int(rows), int(length)) for rows, length in wanted or ()), key=lambda fixed: fixed[::-1])


def _ports(model: ov.Model, path: Path) -> tuple[dict[str, type], int, int]:
    """Find the inputs by name, the output with the logits, and the number of labels."""
    types = {ov.Type.i64: np.int64, ov.Type.i32: np.int32}
    inputs: dict[str, type] = {}
    for port in model.inputs:
        known = {"input_ids", "attention_mask", "token_type_ids"} & set(port.get_names())
        if not known:
            msg = (
                f"{path}: input {port.any_name!r} is unknown; expected input_ids, attention_mask and perhaps "
                "token_type_ids."
            )
            raise ValueError(msg)
        name = known.pop()
        if port.element_type not in types:
            msg = f"{path}: input {name} is {port.element_type.get_type_name()}; expected int64."
            raise ValueError(msg)
        inputs[name] = types[port.element_type]
    outputs = [index for index, port in enumerate(model.outputs) if port.partial_shape.rank.is_static]
    outputs = [index for index in outputs if len(model.outputs[index].partial_shape) == 3]
    named = [i for i in outputs if {"output", "logits"} & set(model.outputs[i].get_names())]
    chosen = (named or outputs)[:1]
    if "input_ids" not in inputs or not chosen:
        msg = f"{path}: not a token classifier; expected input_ids and logits [batch, sequence, labels]."
        raise ValueError(msg)
    labels = model.outputs[chosen[0]].partial_shape[2]
    return inputs, chosen[0], labels.get_length() if labels.is_static else 0
