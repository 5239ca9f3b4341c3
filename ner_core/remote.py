"""An engine that asks a server instead of a device of this machine: any that speaks the KServe v2 protocol.

OpenVINO Model Server, Triton, MLServer and KServe do. The protocol, also known as Open Inference Protocol:
https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from __future__ import annotations

import re
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_core.hardware import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_core.batching import Batch

__all__ = ["RemoteEngine", "is_remote"]

_ADDRESS = re.compile(r"kserve(?P<secure>s?)://(?P<host>[^/\s?#]+)/(?P<model>[^/\s?#]+)/?")
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_TYPES = {"INT64": np.int64, "INT32": np.int32}
_BINARY = "binary_tensor_data"
_REQUESTS_AT_ONCE = 4
_SECONDS = 60.0


def is_remote(device: str) -> bool:
    """Tell the address of a server from a device of this machine.

    Examples
    --------
    >>> is_remote("kserve://localhost:8000/bert-base-ner"), is_remote("AUTO:CPU")
    (True, False)
    """
    return device.lower().startswith(("kserve:", "kserves:"))


class RemoteEngine:
    """Run a token classifier on a server; to the recognizer an `InferenceEngine` like any.

    Parameters
    ----------
    address : str
        ``kserve://host:port/model`` for HTTP, ``kserves://…`` for HTTPS: the REST port of the server.

    Raises
    ------
    DeviceError
        If tritonclient is missing, the address makes no sense, no server answers, or it does not serve a
        token classifier of this name.
    """

    def __init__(self, address: str) -> None:
        match = _ADDRESS.fullmatch(address.strip())
        if not match:
            msg = f"{address}: expected kserve://host:port/model, such as kserve://localhost:8000/bert-base-ner."
            raise DeviceError(msg)
        self.device = address.strip()
        self.notes: tuple[str, ...] = ()
        self.compute = ""  # the protocol does not tell
        self._host, self._secure, self._model = match["host"], bool(match["secure"]), match["model"]
        self._clients = threading.local()
        self._pool = ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="kserve")
        server, model = self._asked(self._describe)
        self._binary = _BINARY in server.get("extensions", ())
        self._server = " ".join(str(server[key]) for key in ("name", "version") if server.get(key))
        self._inputs = {port["name"]: port["datatype"] for port in model.get("inputs") or ()}
        self._inputs = self._inputs or dict.fromkeys(_INPUTS, "INT64")
        self._check_inputs()
        self._output, shape = _output(model)
        self.label_count = max(int(shape[-1]), 0) if len(shape) == 3 else 0
        self._fixed = _fixed_shape(model)

    @property
    def description(self) -> str:
        """The model, its address, and the name and version of the server."""
        return f"Model {self._model} of {self.device} ({self._server or 'a server without a version'})"

    @property
    def max_length(self) -> int | None:
        """Longest row that the server takes, special tokens included; None without limit."""
        return self._fixed[1] if self._fixed else None

    def shape(self, length: int) -> tuple[int, int] | None:
        """Give the fixed shape that takes rows of this length, None where any shape will do."""
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
            If the server fails or its answer is no logits of these rows.
        """
        flying: deque[Future[np.ndarray]] = deque()
        try:
            for batch in batches:
                flying.append(self._pool.submit(self._infer, batch))
                if len(flying) > _REQUESTS_AT_ONCE:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()

    def _client(self) -> Any:
        """Give the client of this thread: they are not safe to share."""
        if not hasattr(self._clients, "client"):
            try:
                import tritonclient.http as triton
            except ImportError:
                msg = f"{self.device} needs tritonclient; run: pip install 'ner-zoo[kserve]'"
                raise DeviceError(msg) from None
            self._clients.client = triton.InferenceServerClient(
                self._host, ssl=self._secure, connection_timeout=_SECONDS, network_timeout=_SECONDS
            )
        return self._clients.client

    def _asked(self, ask: Any, *arguments: Any) -> Any:
        """Ask the server; what goes wrong on the way becomes one clear sentence."""
        client = self._client()
        from tritonclient.utils import InferenceServerException

        try:
            return ask(client, *arguments)
        except InferenceServerException as error:
            msg = f"{self.device}: the server refuses: {error.message() or error}"
            raise DeviceError(msg) from error
        except (OSError, ValueError) as error:
            if isinstance(error, DeviceError):
                raise
            msg = f"{self.device}: no KServe v2 server answers at {self._host} ({error})."
            raise DeviceError(msg) from error

    def _describe(self, client: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        server = client.get_server_metadata()
        if not client.is_model_ready(self._model):
            msg = f"{self.device}: the server has no model {self._model!r} that is ready."
            raise DeviceError(msg)
        return server, client.get_model_metadata(self._model)

    def _check_inputs(self) -> None:
        unknown = set(self._inputs) - set(_INPUTS)
        types = set(self._inputs.values()) - set(_TYPES)
        if unknown or types or "input_ids" not in self._inputs:
            listed = ", ".join(f"{name} ({datatype})" for name, datatype in self._inputs.items())
            expected = ", ".join(_INPUTS)
            msg = f"{self.device}: not a token classifier; expected {expected} (INT64), found {listed}."
            raise DeviceError(msg)

    def _infer(self, batch: Batch) -> np.ndarray:
        logits: np.ndarray = self._asked(self._request, batch)
        expected = batch.input_ids.shape
        if logits.ndim != 3 or logits.shape[:2] != expected:
            wanted = (*expected, "labels")
            msg = f"{self.device}: expected logits of shape {wanted}, the answer has {logits.shape}."
            raise DeviceError(msg)
        return logits

    def _request(self, client: Any, batch: Batch) -> np.ndarray:
        from tritonclient.http import InferInput, InferRequestedOutput

        inputs = []
        for name, datatype in self._inputs.items():
            values = getattr(batch, name).astype(_TYPES[datatype], copy=False)
            tensor = InferInput(name, list(values.shape), datatype)
            tensor.set_data_from_numpy(values, binary_data=self._binary)
            inputs.append(tensor)
        outputs = [InferRequestedOutput(self._output, binary_data=self._binary)] if self._output else None
        answer = client.infer(self._model, inputs, outputs=outputs)
        name = self._output or answer.get_response()["outputs"][0]["name"]
        logits = answer.as_numpy(name)
        return np.empty(0, np.float32) if logits is None else logits.astype(np.float32, copy=False)


def _output(model: dict[str, Any]) -> tuple[str, list[int]]:
    """Choose the output with the logits; no name where the server does not tell."""
    outputs = model.get("outputs") or []
    named = [port for port in outputs if port["name"] in ("output", "logits")] or outputs
    return (named[0]["name"], named[0].get("shape", [])) if named else ("", [])


def _fixed_shape(model: dict[str, Any]) -> tuple[int, int] | None:
    """Give the shape that a model with fixed inputs wants; -1 stands for any size."""
    shapes = [[int(size) for size in port.get("shape", ())] for port in model.get("inputs") or ()]
    if shapes and len(shapes[0]) == 2 and shapes[0][1] > 0:
        return max(shapes[0][0], 1), shapes[0][1]
    return None
