"""RemoteEngine: runs a model on a server that speaks the KServe v2 protocol.

OpenVINO Model Server, Triton, MLServer and KServe do; `ner_core.kserve` has the addresses and the clients.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_core.hardware import DeviceError
from ner_core.kserve import CONNECTIONS, Address, ServerError
from ner_core.ports import INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_core.batching import Batch

__all__ = ["RemoteEngine"]

_TYPES = {"INT64": np.int64, "INT32": np.int32}


class RemoteEngine:
    """An `InferenceEngine` that runs a token classifier on a server.

    Parameters
    ----------
    address : str
        An address as in `Address.parse`: ``kserve://host:port/model`` for HTTP, ``grpc://host:port/model``
        for gRPC.

    Raises
    ------
    DeviceError
        If the address is invalid, no server answers, the server has no token classifier of this name, or
        tritonclient, which gRPC needs, is missing.
    """

    def __init__(self, address: str) -> None:
        self._address = Address.parse(address)
        self.device = address.strip()
        self.notes: tuple[str, ...] = ()
        self.compute = ""  # not part of the protocol
        try:
            self._client = self._address.client()
        except ImportError:
            msg = f"{self.device} needs tritonclient; run: pip install 'ner-zoo[kserve]'"
            raise DeviceError(msg) from None
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="kserve")
        server, model = self._asked(self._client.describe)
        if model is None:
            msg = f"{self.device}: the server has no model {self._named!r} that is ready."
            raise DeviceError(msg)
        self._server = " ".join(str(server[key]) for key in ("name", "version") if server.get(key))
        self._inputs = {port["name"]: port["datatype"] for port in model.get("inputs") or ()}
        self._inputs = self._inputs or dict.fromkeys(INPUTS, "INT64")
        self._check_inputs()
        self._output, shape = _output(model)
        self.label_count = max(int(shape[-1]), 0) if len(shape) == 3 else 0
        self._fixed = _fixed_shape(model)

    @property
    def _named(self) -> str:
        address = self._address
        return f"{address.model} version {address.version}" if address.version else address.model

    @property
    def description(self) -> str:
        """The model, its address, and the name and version of the server."""
        return f"Model {self._named} of {self.device} ({self._server or 'a server without a version'})"

    @property
    def max_length(self) -> int | None:
        """Longest row that the server accepts, special tokens included; None without limit."""
        return self._fixed[1] if self._fixed else None

    def shape(self, length: int) -> tuple[int, int] | None:
        """Return the fixed shape for rows of this length; None if shapes are dynamic."""
        return self._fixed if self._fixed and self._fixed[1] >= length else None

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """Run batches, several at once.

        Parameters
        ----------
        batches : iterable of Batch
            Drawn while earlier batches are with the server.

        Yields
        ------
        ndarray of float32, shape (rows, length, labels)
            Logits in the order of the batches.

        Raises
        ------
        DeviceError
            If the server fails, or does not return logits for these rows.
        """
        flying: deque[Future[np.ndarray]] = deque()
        try:
            for batch in batches:
                flying.append(self._pool.submit(self._infer, batch))
                if len(flying) > CONNECTIONS:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()

    def _asked(self, ask: Any, *arguments: Any) -> Any:
        """Send a request to the server; turn errors into a `DeviceError` with a clear message."""
        try:
            return ask(*arguments)
        except ServerError as error:
            msg = f"{self.device}: the server refuses: {error}"
            raise DeviceError(msg) from error
        except (OSError, ValueError) as error:
            msg = f"{self.device}: no KServe v2 server answers at {self._address.host} ({error})."
            raise DeviceError(msg) from error

    def _check_inputs(self) -> None:
        unknown = set(self._inputs) - set(INPUTS)
        types = set(self._inputs.values()) - set(_TYPES)
        if unknown or types or "input_ids" not in self._inputs:
            listed = ", ".join(f"{name} ({datatype})" for name, datatype in self._inputs.items())
            expected = ", ".join(INPUTS)
            msg = f"{self.device}: not a token classifier; expected {expected} (INT64), found {listed}."
            raise DeviceError(msg)

    def _infer(self, batch: Batch) -> np.ndarray:
        inputs = {
            name: (getattr(batch, name).astype(_TYPES[datatype], copy=False), datatype)
            for name, datatype in self._inputs.items()
        }
        logits = self._asked(self._client.infer, inputs, self._output)
        expected = batch.input_ids.shape
        found = None if logits is None else logits.shape
        if found is None or len(found) != 3 or found[:2] != expected:
            wanted = (*expected, "labels")
            msg = f"{self.device}: expected logits of shape {wanted}, found {found or 'none'}."
            raise DeviceError(msg)
        return logits.astype(np.float32, copy=False)


def _output(model: dict[str, Any]) -> tuple[str, list[int]]:
    """Return name and shape of the output with the logits; empty if the server lists no outputs."""
    outputs = model.get("outputs") or []
    named = [port for port in outputs if port["name"] in ("output", "logits")] or outputs
    return (named[0]["name"], named[0].get("shape", [])) if named else ("", [])


def _fixed_shape(model: dict[str, Any]) -> tuple[int, int] | None:
    """Return the shape that a model with fixed inputs expects; -1 stands for any size."""
    shapes = [[int(size) for size in port.get("shape", ())] for port in model.get("inputs") or ()]
    if shapes and len(shapes[0]) == 2 and shapes[0][1] > 0:
        return max(shapes[0][0], 1), shapes[0][1]
    return None
