"""Addresses and clients of model servers that speak the KServe v2 protocol, over HTTP and over gRPC.

The protocol is also known as Open Inference Protocol:
https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from ner_core.hardware import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

__all__ = ["CONNECTIONS", "Address", "Client", "ServerError", "is_remote"]

#: Maximum concurrent requests to a server.
CONNECTIONS = 4
#: Schemes of addresses, with the transport and whether it is encrypted.
_SCHEMES = {
    "kserve": ("http", False),
    "kserves": ("http", True),
    "http": ("http", False),
    "https": ("http", True),
    "grpc": ("grpc", False),
    "grpcs": ("grpc", True),
}
#: Paths of the protocol after the prefix, because people paste complete addresses.
_RESOURCE = re.compile(
    r"(?P<prefix>(?:/[^/]+)*)/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?:infer|ready))?"
)
_NAME = re.compile(r"(?P<prefix>(?:/[^/]+)*)/(?P<model>[^/]+)")
_SECONDS = 60.0
_BINARY = "binary_tensor_data"
_HEAD = "Inference-Header-Content-Length"
#: Data types of logits, with their NumPy types.
_TYPES = {"BF16": "<u2", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}
#: gRPC status codes of a server that is absent or does not answer.
_ABSENT = ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED")


def is_remote(device: str) -> bool:
    """Return whether a device is the address of a server instead of a device of this machine.

    Examples
    --------
    >>> is_remote("kserve://localhost:8000/bert-base-ner"), is_remote("grpc://localhost:8001/bert-base-ner")
    (True, True)
    >>> is_remote("AUTO:CPU")
    False
    """
    scheme, colon, _ = device.strip().lower().partition(":")
    return bool(colon) and scheme in _SCHEMES


class ServerError(Exception):
    """The server refused a request; the message is the server's."""


@dataclass(frozen=True)
class Address:
    """Where a model is served.

    Attributes
    ----------
    transport : str
        ``http`` or ``grpc``.
    secure : bool
        Whether the connection is encrypted.
    host : str
        Host, and port if one is given.
    prefix : str
        Path before ``/v2`` in the addresses of the server, with a leading slash; empty for none.
    model, version : str
        An empty version lets the server choose.
    """

    transport: str
    secure: bool
    host: str
    prefix: str
    model: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address.

        Raises
        ------
        DeviceError
            It is not a valid address.

        Examples
        --------
        >>> Address.parse("kserve://localhost:8000/minilm-ner").model
        'minilm-ner'
        >>> address = Address.parse("https://example.com/team/v2/models/minilm-ner/versions/2/infer")
        >>> address.prefix, address.model, address.version
        ('/team', 'minilm-ner', '2')
        """
        text = text.strip()
        try:
            parts = urlsplit(text)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError as error:
            msg = f"{text}: not a valid address: {error}."
            raise DeviceError(msg) from None
        path = parts.path.rstrip("/")
        match = _RESOURCE.fullmatch(path)
        if not match and parts.scheme not in ("http", "https"):
            match = _NAME.fullmatch(path)
        extra = parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", text)
        if parts.scheme not in _SCHEMES or not parts.hostname or not match or extra:
            msg = (
                f"{text}: expected kserve://host:port/model (HTTP), grpc://host:port/model, or "
                "http://host:port/v2/models/model, such as kserve://localhost:8000/bert-base-ner; "
                "kserves, grpcs and https are encrypted."
            )
            raise DeviceError(msg)
        transport, secure = _SCHEMES[parts.scheme]
        found = match.groupdict()
        if transport == "grpc" and (found["prefix"] or parts.port is None):
            msg = f"{text}: gRPC has no prefixes and no default port; expected grpc://host:port/model."
            raise DeviceError(msg)
        model, version = unquote(found["model"]), unquote(found.get("version") or "")
        return cls(transport, secure, parts.netloc, found["prefix"], model, version)

    def client(self) -> Client:
        """Return a client; raises ImportError if gRPC is used and tritonclient is missing."""
        return _GrpcClient(self) if self.transport == "grpc" else _HttpClient(self)


class Client(Protocol):
    """Thread-safe client for one model on a server; raises `ServerError`, or OSError if nothing answers."""

    def describe(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the metadata of the server and of its model; None for a model that is not ready."""

    def infer(self, inputs: Mapping[str, tuple[np.ndarray, str]], output: str) -> np.ndarray | None:
        """Run the model.

        Parameters
        ----------
        inputs : mapping of str to (ndarray, str)
            Tensors and their types as named by the protocol.
        output : str
            The output to return; empty for the first.
        """


class _HttpClient:
    """The protocol over HTTP, with its extension for tensors in binary form.

    https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
    """

    def __init__(self, address: Address) -> None:
        import urllib3

        scheme, certificates = ("https", {"ca_certs": _authorities()}) if address.secure else ("http", {})
        self._pool = urllib3.connection_from_url(
            f"{scheme}://{address.host}", maxsize=CONNECTIONS, timeout=_SECONDS, retries=False, **certificates
        )
        self._root = f"{address.prefix}/v2"
        version = f"/versions/{quote(address.version, safe='')}" if address.version else ""
        self._model = f"{self._root}/models/{quote(address.model, safe='')}{version}"
        self._binary = False

    def describe(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        server = _read_json(self._ask("GET", self._root).data)
        self._binary = _BINARY in server.get("extensions", ())
        try:
            self._ask("GET", f"{self._model}/ready")
        except ServerError:
            return server, None
        return server, _read_json(self._ask("GET", self._model).data)

    def infer(self, inputs: Mapping[str, tuple[np.ndarray, str]], output: str) -> np.ndarray | None:
        described, tensors = [], []
        for name, (values, datatype) in inputs.items():
            port = {"name": name, "shape": values.shape, "datatype": datatype}
            if self._binary:
                tensors.append(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
                described.append({**port, "parameters": {"binary_data_size": len(tensors[-1])}})
            else:
                described.append({**port, "data": values.ravel().tolist()})
        request: dict[str, Any] = {"inputs": described}
        if output:
            request["outputs"] = [{"name": output, "parameters": {"binary_data": self._binary}}]
        elif self._binary:
            request["parameters"] = {"binary_data_output": True}
        head = json.dumps(request).encode()
        headers = {"Content-Type": "application/json"}
        if self._binary:
            headers = {"Content-Type": "application/octet-stream", _HEAD: str(len(head))}
        answer = self._ask("POST", f"{self._model}/infer", b"".join([head, *tensors]), headers)
        size = int(answer.headers.get(_HEAD, len(answer.data)))
        rest = answer.data[size:]
        try:
            for port in _read_json(answer.data[:size])["outputs"]:
                length = port.get("parameters", {}).get("binary_data_size", 0)
                content, rest = rest[:length], rest[length:]
                if port["name"] == (output or port["name"]):
                    return _read_tensor(port, content)
        except (AttributeError, KeyError, TypeError) as error:
            msg = f"its answer does not follow the protocol: {error!r}"
            raise ValueError(msg) from error
        return None

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> Any:
        """Send one request and read the whole answer; redirects are not followed."""
        import urllib3

        try:
            answer = self._pool.request(method, path, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error
        if answer.status != 200:
            raise ServerError(_refusal(answer, path))
        return answer


def _read_tensor(port: dict[str, Any], content: bytes) -> np.ndarray:
    """Return one output from its binary form, or, if that is empty, from the numbers in the JSON."""
    import numpy as np

    if not content:
        return np.array(port["data"], np.float32).reshape(port["shape"])
    values = np.frombuffer(content, _TYPES[port["datatype"]]).reshape(port["shape"])
    if port["datatype"] == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _read_json(content: bytes) -> dict[str, Any]:
    value = json.loads(content)
    if not isinstance(value, dict):
        msg = f"expected a JSON object, found {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - as for an answer that is not JSON
    return value


def _refusal(answer: Any, path: str) -> str:
    """Return the error message of the server, or the HTTP status if it sent none."""
    with contextlib.suppress(ValueError):
        said = _read_json(answer.data).get("error")
        if said:
            return str(said)
    status = f"HTTP {answer.status} {answer.reason or ''}".rstrip()
    return f"{status} for {path}; expected a server of the KServe v2 protocol"


class _GrpcClient:
    def __init__(self, address: Address) -> None:
        import tritonclient.grpc as triton

        self._triton, self._address = triton, address
        self._client = triton.InferenceServerClient(
            address.host, ssl=address.secure, root_certificates=_authorities()
        )

    def describe(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        model = (self._address.model, self._address.version)
        options: dict[str, Any] = {"as_json": True, "client_timeout": _SECONDS}
        with _refusals():
            server = self._client.get_server_metadata(**options)
        try:
            with _refusals():
                ready = self._client.is_model_ready(*model, client_timeout=_SECONDS)
                return server, self._client.get_model_metadata(*model, **options) if ready else None
        except _NotFoundError:  # the answer of some servers for a model that is not ready
            return server, None

    def infer(self, inputs: Mapping[str, tuple[np.ndarray, str]], output: str) -> np.ndarray | None:
        tensors = []
        for name, (values, datatype) in inputs.items():
            tensors.append(self._triton.InferInput(name, list(values.shape), datatype))
            tensors[-1].set_data_from_numpy(values)
        wanted = [self._triton.InferRequestedOutput(output)] if output else None
        with _refusals():
            answer = self._client.infer(
                self._address.model,
                tensors,
                model_version=self._address.version,
                outputs=wanted,
                client_timeout=_SECONDS,
            )
        logits: np.ndarray | None = answer.as_numpy(output or answer.get_response().outputs[0].name)
        return logits


def _authorities() -> str | None:
    """Return the file of trusted certificates, SSL_CERT_FILE or the system's; None if there is none."""
    return ssl.get_default_verify_paths().cafile


class _NotFoundError(ServerError):
    """The server has no such model."""


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Translate tritonclient's errors to those of this module."""
    from tritonclient.utils import InferenceServerException

    try:
        yield
    except InferenceServerException as error:
        said = error.message() or str(error)
        if error.status() in _ABSENT:
            raise ConnectionError(said) from error
        kind = _NotFoundError if error.status() == "StatusCode.NOT_FOUND" else ServerError
        raise kind(said) from error
