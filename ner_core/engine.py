"""Engine: runs one model on one OpenVINO device, with many requests in flight and fixed shapes where needed.

It knows nothing about text: token ids go in, logits come out.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino as ov

from ner_core.compiled import CompiledModel, compile_once
from ner_core.compiled_cache import CompiledCache
from ner_core.compute import EXACT, Way, fastest_way, has_int8_weights
from ner_core.decompression import decompressed
from ner_core.fusion import fused
from ner_core.hardware import (
    DeviceError,
    check_device,
    complaint,
    fast_arithmetic,
    last_line,
    processors,
    real_devices,
)
from ner_core.ports import find_ports, fixed_shapes
from ner_core.settings import EngineSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    import numpy as np

    from ner_core.batching import Batch
    from ner_core.compiled import Flight

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

#: Lengths to compile for on devices that cannot take any length.
STATIC_LENGTHS = (32, 64, 128, 256)

# Two streams of one thread have an eighth more throughput than one stream of two threads, if there is enough
# work for both. In shorter runs, each batch uses all processors: of three batches, two streams would get two
# and one.
_BATCHES_A_PROCESSOR = 4
# Compiling for streams and preparing all input shapes again costs some three times the first compilation (in
# processor time, because the machine may be busy). It is worth it if the remaining work takes twenty times as
# long as compiling; if the amount is unknown, once that much was done.
_PAYBACK = 20

# OpenVINO caches about five entries for each input shape, by default 5,000 in each stream; minilm-ner grew by
# 0.8 MB a shape. Shapes recur in long runs, less in occasional requests, where memory should grow slowly.
_PREPARED_KEPT = 250
_PREPARED_KEPT_FOR_MANY = 1000


class Engine:
    """Run one token classifier on one device expression.

    Parameters
    ----------
    model : openvino.Model
        As read from `path`.
    path : Path
        The model file; with its modification time, the key by which compiled models are shared.
    device : str
        A device expression, see `check_device`.
    settings : EngineSettings
        How the model is run.
    borne : collection of Way
        Arithmetic that the model tolerates, see `ner_core.compute.borne_ways`.
    longest : int
        Maximum pieces in a row, special tokens included: the limit of the default shapes.

    Raises
    ------
    DeviceError
        If the device is missing or cannot run the model, and there is no fallback.
    ValueError
        If the model is not a token classifier, or the processor or the model does not support the arithmetic.
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
        self._used = 0.0  # processor seconds in long runs without parallel streams
        self._batches = 0
        self._ports = find_ports(model, path)
        self.notes: tuple[str, ...] = ()
        self._given = fixed_shapes(model, self._settings.static_shapes)
        self._fixed = self._given
        self._longest = longest
        self._borne, self._int8_weights = borne, has_int8_weights(model)
        self._way = EXACT
        self._plans: dict[tuple[tuple[int, int] | None, str], CompiledModel] = {}
        self._moving = threading.Lock()
        try:
            self._start_on(check_device(device))
        except DeviceError as error:
            if not self._settings.fallback or device == "CPU":
                raise
            self._tell(f"{device} is not used, CPU instead: {error}")
            self._start_on("CPU")

    def _start_on(self, expression: str) -> None:
        names = real_devices(expression)
        compute = self._settings.compute
        # For other devices it is unknown; with auto they use their default.
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
    def label_count(self) -> int:
        """Number of labels; 0 if unknown."""
        return self._ports.label_count

    @property
    def max_length(self) -> int | None:
        """Longest row that the shapes of this engine allow, special tokens included; None without limit."""
        return self._fixed[-1][1] if self._fixed else None

    @property
    def device(self) -> str:
        """The device that actually runs the model; AUTO may switch devices while it runs."""
        compiled = next(iter(self._plans.values()), None)
        if compiled is None:  # another thread is just switching devices
            return self.expression
        names = compiled.model.get_property("EXECUTION_DEVICES")
        return ",".join(names) if isinstance(names, list) else str(names)

    @property
    def compute(self) -> str:
        """The arithmetic: the name of a `Way` on a CPU, the type that other devices report, or nothing."""
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
        """Return the smallest fixed shape for rows of this length; None if shapes are dynamic."""
        return next((fixed for fixed in self._fixed if fixed[1] >= length), None)

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """Run batches, several at once.

        Parameters
        ----------
        batches : iterable of Batch
            Drawn while earlier batches run, so that preparing them costs no extra time.

        Yields
        ------
        ndarray of float32, shape (rows, length, labels)
            Logits in the order of the batches; valid until the next one is drawn.
        """
        flying: deque[Flight] = deque()
        many, enough = False, self._enough_for_streams()
        try:
            for number, batch in enumerate(batches):
                many = number + 1 + batch.following >= enough
                hint = self._hint_for(batch.following) if many else "LATENCY"
                compiled = self._compile(batch.input_ids.shape if self._fixed else None, hint)
                flying.append(compiled.start(batch))
                # One more waits, so that the device has work while texts are encoded and decoded; not at the
                # end of a round, where the caller's next texts may take long to come.
                if len(flying) > compiled.parallel + (batch.following > 0):
                    yield from self._land(flying, many=many)
            while flying:
                yield from self._land(flying, many=many)
        finally:
            for flight in flying:
                # The results are discarded, but the inputs are shared memory, so the run must end first.
                with contextlib.suppress(RuntimeError):
                    flight.request.wait()
                    flight.compiled.release(flight.request)

    def _land(self, flying: deque[Flight], *, many: bool) -> Iterator[np.ndarray]:
        """Wait for the oldest run; if it fails, repeat it on the CPU where the settings allow that."""
        flight = flying[0]
        began = time.process_time() if many else 0.0  # asking takes longer than some steps of the model
        try:
            logits = flight.compiled.finish(flight.request)
        except RuntimeError as error:
            flying.popleft()
            self._recover(flight.compiled, error)
            yield from self.run([flight.batch])
            return
        if many:
            self._used += time.process_time() - began
            self._batches += 1
        yield logits
        flying.popleft()
        flight.compiled.release(flight.request)

    def _recover(self, compiled: CompiledModel, error: RuntimeError) -> None:
        """Replace the arithmetic or the device that failed, unless another run has already done so."""
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

    def _compile(self, shape: tuple[int, int] | None, hint: str = "LATENCY") -> CompiledModel:
        """Compile for a shape and a hint, or return what this process has already compiled."""
        if self._settings.hint != "AUTO":
            hint = self._settings.hint
        plans = self._plans  # another thread may switch devices
        found = plans.get((shape, hint))
        if found is None:
            found = plans[shape, hint] = compile_once(
                self._model,
                self._path,
                self.expression,
                self._config(hint),
                self._ports,
                shape=shape,
                changed=self._form(),
                cache=self._cache,
            )
        return found

    def _form(self) -> Callable[[ov.Model], ov.Model] | None:
        """Return what brings a model into its fastest form on a processor; None for other devices."""
        if real_devices(self.expression) != ["CPU"]:
            return None
        if self._way is not EXACT:
            return fused
        return decompressed if self._int8_weights else None

    def _enough_for_streams(self) -> float:
        """Return how many batches make parallel streams worthwhile; infinity if streams are not possible."""
        free = self._settings.hint == "AUTO" and self._settings.streams is None and not self._fixed
        usable = min(processors(), self._settings.threads or math.inf)
        return _BATCHES_A_PROCESSOR * usable if free and usable > 1 and self.device == "CPU" else math.inf

    def _hint_for(self, following: int) -> str:
        """Choose the hint for a batch of a long run; compile parallel streams once they are worth it."""
        plans = self._plans
        latency = plans.get((None, "LATENCY"))
        if (None, "THROUGHPUT") in plans:
            return "THROUGHPUT"
        if latency is None:  # another thread is just switching devices
            return "LATENCY"
        expected = following * self._used / max(self._batches, 1)
        if max(expected, self._used) <= _PAYBACK * latency.seconds:
            return "LATENCY"
        try:
            self._compile(None, "THROUGHPUT")
        except (DeviceError, OSError) as error:
            logger.info("Parallel streams are not used: %s", error)
            plans[None, "THROUGHPUT"] = latency
        return "THROUGHPUT"

    def _config(self, hint: str = "LATENCY") -> dict[str, Any]:
        config = self._settings.properties | {"PERFORMANCE_HINT": hint}
        if self._cache:
            config["CACHE_DIR"] = str(self._cache.folder)
        wanted = real_devices(self.expression)
        cpu: dict[str, Any] = dict(self._way.config)
        if config.get("INFERENCE_NUM_THREADS", math.inf) < (os.cpu_count() or 1):
            # Other processes may use the other processors, and OpenVINO would pin the threads of all of them
            # to the same first ones: two processes of one thread each ran on one of two processors.
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
