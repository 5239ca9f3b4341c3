"""Compiled models, shared between engines with equal settings, and their pools of reusable requests."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openvino as ov

from ner_core.hardware import DeviceError, complaint, core, last_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from ner_core.batching import Batch
    from ner_core.compiled_cache import CompiledCache
    from ner_core.ports import Ports

__all__ = ["CompiledModel", "Flight", "compile_once"]


class CompiledModel:
    """A compiled model and its idle requests, shared by engines with the same model, device and settings.

    Attributes
    ----------
    model : openvino.CompiledModel
        The model.
    seconds : float
        Processor time of the compilation.
    parallel : int
        Optimal number of requests in flight.
    """

    def __init__(self, model: ov.CompiledModel, ports: Ports, seconds: float) -> None:
        self.model = model
        self.seconds = seconds
        self.parallel = int(model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._inputs = ports.inputs
        self._output = model.outputs[ports.output]
        self._idle: deque[ov.InferRequest] = deque()

    def start(self, batch: Batch) -> Flight:
        """Start a run; creates a request instead of waiting for one, so that threads cannot deadlock."""
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
        return Flight(self, request, batch, inputs)

    def finish(self, request: ov.InferRequest) -> np.ndarray:
        """Wait for a run; the logits are a view, valid until `release`."""
        request.wait()
        logits: np.ndarray = request.get_tensor(self._output).data
        return logits

    def release(self, request: ov.InferRequest) -> None:
        """Return a request to the pool."""
        self._idle.append(request)


@dataclass(frozen=True, slots=True)
class Flight:
    """A started run, and the memory that it reads, to which OpenVINO holds no reference."""

    compiled: CompiledModel
    request: ov.InferRequest
    batch: Batch
    inputs: dict[str, np.ndarray]


_compiled: weakref.WeakValueDictionary[tuple, CompiledModel] = weakref.WeakValueDictionary()
_compiling = threading.Lock()


def compile_once(
    model: ov.Model,
    path: Path,
    device: str,
    config: dict[str, Any],
    ports: Ports,
    *,
    shape: tuple[int, int] | None = None,
    changed: Callable[[ov.Model], ov.Model] | None = None,
    cache: CompiledCache | None = None,
) -> CompiledModel:
    """Compile a model, or return what this process has already compiled.

    Parameters
    ----------
    model : openvino.Model
        As read from `path`; not changed.
    path : Path
        The model file; with its modification time, part of the key.
    device : str
        Device expression.
    config : dict
        OpenVINO's properties.
    ports : Ports
        Inputs and output of the model.
    shape : (int, int), optional
        Rows and length to compile for; any when not given.
    changed : callable, optional
        Returns the form of the model that is compiled: `ner_core.decompression.decompressed`, or
        `ner_core.fusion.fused`.
    cache : CompiledCache, optional
        Where compiled models are kept.

    Returns
    -------
    CompiledModel

    Raises
    ------
    DeviceError
        If the device cannot run the model.
    """
    properties = repr(sorted(config.items()))
    key = (str(path.resolve()), path.stat().st_mtime_ns, device, shape, properties, changed)
    with _compiling:
        found = _compiled.get(key)
        if found is None:
            began = time.process_time()
            if shape is not None and model.is_dynamic():
                model = model.clone()
                model.reshape({name: list(shape) for name in ports.inputs})
            if changed is not None:
                model = changed(model)
            compiled = _compile(model, path, device, config, cache)
            found = _compiled[key] = CompiledModel(compiled, ports, time.process_time() - began)
    return found


def _compile(
    model: ov.Model, path: Path, device: str, config: dict[str, Any], cache: CompiledCache | None
) -> ov.CompiledModel:
    try:
        if cache:
            cache.drop_damaged()
        compiled = core().compile_model(model, device, config)
        if cache:
            cache.state_new()
    except RuntimeError as error:
        msg = f"{device} cannot run {path.name} ({last_line(error)})"
        raise DeviceError(complaint(msg)) from error
    return compiled
