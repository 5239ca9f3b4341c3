"""KServe v2 servers on loopback that run the tiny IR; for the real MLServer see benchmarks/kserve.py."""

import functools
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from ner_core import DeviceError, EntityRecognizer
from ner_core.kserve import Address, _read_tensor, is_remote
from ner_core.remote import RemoteEngine
from tests.conftest import assert_alike

PORTS = ("input_ids", "attention_mask", "token_type_ids")


@functools.cache
def compiled(xml):
    import openvino as ov

    return ov.Core().compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


class Server(ThreadingHTTPServer):
    """Serves one model called tiny; `binary` adds the extension for tensors behind the JSON."""

    daemon_threads = True

    def __init__(
        self, xml, *, binary=False, shape=(-1, -1), inputs=PORTS, datatype="INT64", prefix="", authority=None
    ):
        super().__init__(("127.0.0.1", 0), Handler)
        self.prefix, self.scheme = prefix, "kserves" if authority else "kserve"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.model = compiled(xml)
        self.lock = threading.Lock()
        self.binary, self.broken, self.requests, self.paths = binary, None, [], set()
        self.metadata = {
            "name": "tiny",
            "inputs": [{"name": name, "datatype": datatype, "shape": list(shape)} for name in inputs],
            "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, -1, 9]}],
        }

    @property
    def address(self):
        host = "localhost" if self.scheme == "kserves" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.server_address[1]}{self.prefix}/tiny"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        extensions = ["binary_tensor_data"] if self.server.binary else []
        root = f"{self.server.prefix}/v2"
        answers = {
            root: {"name": "test", "version": "1", "extensions": extensions},
            f"{root}/models/tiny/ready": {},
            f"{root}/models/tiny": self.server.metadata,
            f"{root}/models/tiny/versions/2/ready": {},
            f"{root}/models/tiny/versions/2": self.server.metadata,
        }
        self.answer(200 if self.path in answers else 400, answers.get(self.path, {"error": "no such model"}))

    def do_POST(self):
        self.server.paths.add(self.path)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.broken:
            self.answer(500, {"error": self.server.broken})
            return
        length = int(self.headers.get("Inference-Header-Content-Length", len(content)))
        request, rest = json.loads(content[:length]), content[length:]
        arrays = {}
        for each in request["inputs"]:
            size = each.get("parameters", {}).get("binary_data_size", 0)
            data = np.frombuffer(rest[:size], np.int64) if size else np.array(each["data"], np.int64)
            rest = rest[size:]
            arrays[each["name"]] = data.reshape(each["shape"])
        with self.server.lock:
            logits = self.server.model(arrays)[0].astype(np.float32)
            self.server.requests.append(logits.shape)
        output = {"name": "output", "datatype": "FP32", "shape": list(logits.shape)}
        if self.server.binary:
            output["parameters"] = {"binary_data_size": logits.nbytes}
            self.answer(200, {"model_name": "tiny", "outputs": [output]}, logits.tobytes())
        else:
            output["data"] = logits.reshape(-1).tolist()
            self.answer(200, {"model_name": "tiny", "outputs": [output]})

    def answer(self, status, value, binary=b""):
        text = json.dumps(value).encode()
        self.send_response(status)
        if binary:
            self.send_header("Inference-Header-Content-Length", str(len(text)))
        self.send_header("Content-Length", str(len(text) + len(binary)))
        self.end_headers()
        self.wfile.write(text + binary)


class GrpcServer:
    """The same model over gRPC."""

    def __init__(self, xml, authority=None):
        import grpc
        from tritonclient.grpc import service_pb2, service_pb2_grpc

        self.messages, self.grpc, self.lock = service_pb2, grpc, threading.Lock()
        self.model, self.requests, self.broken = compiled(xml), [], None
        servicer = type("Servicer", (service_pb2_grpc.GRPCInferenceServiceServicer,), {})()
        servicer.ServerMetadata, servicer.ModelReady = self.describe_server, self.say_ready
        servicer.ModelMetadata, servicer.ModelInfer = self.describe_model, self.infer
        self.server = grpc.server(ThreadPoolExecutor(4))
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self.server)
        if authority:
            issued = authority.issue_cert("localhost")
            chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
            credentials = grpc.ssl_server_credentials([(issued.private_key_pem.bytes(), chain)])
            port = self.server.add_secure_port("127.0.0.1:0", credentials)
            self.address = f"grpcs://localhost:{port}/tiny"
        else:
            port = self.server.add_insecure_port("127.0.0.1:0")
            self.address = f"grpc://127.0.0.1:{port}/tiny"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()

    def describe_server(self, request, context):
        return self.messages.ServerMetadataResponse(name="test", version="1")

    def say_ready(self, request, context):
        if request.name != "tiny":
            context.abort(self.grpc.StatusCode.NOT_FOUND, f"no model {request.name}")
        return self.messages.ModelReadyResponse(ready=request.version in ("", "2"))

    def describe_model(self, request, context):
        port = self.messages.ModelMetadataResponse.TensorMetadata
        inputs = [port(name=name, datatype="INT64", shape=[-1, -1]) for name in PORTS]
        output = port(name="output", datatype="FP32", shape=[-1, -1, 9])
        return self.messages.ModelMetadataResponse(name="tiny", inputs=inputs, outputs=[output])

    def infer(self, request, context):
        if self.broken:
            context.abort(self.grpc.StatusCode.INTERNAL, self.broken)
        arrays = {
            each.name: np.frombuffer(raw, np.int64).reshape(each.shape)
            for each, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        with self.lock:
            logits = self.model(arrays)[0].astype(np.float32)
            self.requests.append(logits.shape)
        answer = self.messages.ModelInferResponse(model_name="tiny", raw_output_contents=[logits.tobytes()])
        answer.outputs.add(name="output", datatype="FP32", shape=logits.shape)
        return answer


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """Who signs the certificates of encrypted servers, and is trusted."""
    import trustme

    signs = trustme.CA()
    signs.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return signs


@pytest.mark.parametrize("served", [Server, functools.partial(Server, binary=True), GrpcServer])
def test_a_server_gives_what_the_cpu_gives(tiny_ir, tiny_ner, served):
    texts = [f"Mary {number} lives in Santa Clara. " * (number % 9 + 1) for number in range(60)]
    with served(tiny_ir / "tiny.xml") as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        found = ner.batch(texts)
    assert len(server.requests) > 5
    assert found[0].device == server.address
    for one, other in zip(found, tiny_ner.batch(texts), strict=True):
        assert_alike(one, other)


def test_a_served_model_of_fixed_shape_gets_that_shape(tiny_ir, tiny_ner):
    with Server(tiny_ir / "tiny.xml", shape=(2, 32)) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        text = "Mary lives in Santa Clara. " * 9
        found = ner(text)
        assert ner.max_length == 32
    assert {shape[:2] for shape in server.requests} == {(2, 32)}
    assert found.windows > 1


@pytest.mark.parametrize("served", [Server, GrpcServer])
def test_encrypted_servers_are_asked(tiny_ir, tiny_ner, authority, served, monkeypatch):
    with served(tiny_ir / "tiny.xml", authority=authority) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        assert len(ner("Mary lives in Rome.").entities) == len(tiny_ner("Mary lives in Rome.").entities)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(DeviceError, match="no KServe v2 server answers at localhost"):
            RemoteEngine(server.address)


def test_servers_behind_a_prefix_are_asked_there(tiny_ir):
    with Server(tiny_ir / "tiny.xml", prefix="/team/ner") as server:
        whole = server.address.replace("kserve:", "http:").replace(
            "/tiny", "/v2/models/tiny/versions/2/infer"
        )
        for address in (server.address, whole):
            EntityRecognizer.from_ir(tiny_ir, device=address)("Mary")
        with pytest.raises(DeviceError, match="no model 'tiny version 3'"):
            RemoteEngine(whole.replace("/2/", "/3/"))
    root = "/team/ner/v2/models/tiny"
    assert server.paths == {f"{root}/infer", f"{root}/versions/2/infer"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("kserve://h:1/m", ("http", False, "h:1", "", "m", "")),
        ("KServe://h/m/", ("http", False, "h", "", "m", "")),
        ("kserves://h/a/b/m", ("http", True, "h", "/a/b", "m", "")),
        ("https://h/v2/models/m", ("http", True, "h", "", "m", "")),
        ("http://[::1]:80/p/v2/models/m/ready", ("http", False, "[::1]:80", "/p", "m", "")),
        ("kserve://h/v2/models/m/versions/7", ("http", False, "h", "", "m", "7")),
        ("kserve://h/my%20model", ("http", False, "h", "", "my model", "")),
        ("grpc://h:1/m", ("grpc", False, "h:1", "", "m", "")),
        ("grpcs://h:1/v2/models/m/versions/7", ("grpc", True, "h:1", "", "m", "7")),
    ],
)
def test_addresses_are_read(address, expected):
    assert is_remote(address)
    assert Address.parse(address) == Address(*expected)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("kserve://", "expected kserve://host:port/model"),
        ("kserve://host", "expected kserve://host:port/model"),
        ("kserve:host/model", "expected kserve://host:port/model"),
        ("kserve:///model", "expected kserve://host:port/model"),
        ("kserve://h//m", "expected kserve://host:port/model"),
        ("kserve://user:word@host/model", "expected kserve://host:port/model"),
        ("kserve://h:1/m?x=1", "expected kserve://host:port/model"),
        ("kserve://h:1/my model", "expected kserve://host:port/model"),
        ("http://host/model", "http://host:port/v2/models/model"),
        ("kserve://h:99999/m", "not a valid address: Port out of range"),
        ("kserve://h:x/m", "not a valid address: Port could not"),
        ("kserve://[::1/m", "not a valid address: Invalid IPv6"),
        ("grpc://h/m", "gRPC has no prefixes and no default port"),
        ("grpc://h:1/prefix/m", "gRPC has no prefixes and no default port"),
    ],
)
def test_addresses_that_make_no_sense_are_told(address, said):
    assert is_remote(address)
    with pytest.raises(DeviceError, match=said):
        RemoteEngine(address)


@pytest.mark.parametrize("device", ["CPU", "AUTO:CPU", "HETERO:GPU,CPU", "", "grpc", "C:/http"])
def test_devices_are_no_addresses(device):
    assert not is_remote(device)


def test_servers_that_are_not_there_or_serve_something_else_are_told(tiny_ir):
    with Server(tiny_ir / "tiny.xml") as server:
        address = server.address
        with pytest.raises(DeviceError, match="no model 'other'"):
            RemoteEngine(address.replace("/tiny", "/other"))
    with pytest.raises(DeviceError, match=r"no KServe v2 server answers at 127\.0\.0\.1"):
        RemoteEngine(address)
    with (
        Server(tiny_ir / "tiny.xml", inputs=("image",)) as server,
        pytest.raises(DeviceError, match=r"not a token classifier.*found image \(INT64\)"),
    ):
        RemoteEngine(server.address)


def test_a_server_of_something_else_is_told(tmp_path):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        said = r"the server refuses: HTTP 404 .* for /v2; expected a server of the KServe v2 protocol"
        with pytest.raises(DeviceError, match=said):
            RemoteEngine(f"kserve://127.0.0.1:{server.server_port}/tiny")
        server.shutdown()


def test_grpc_servers_that_are_not_there_or_serve_something_else_are_told(tiny_ir):
    with GrpcServer(tiny_ir / "tiny.xml") as server:
        address = server.address
        for other in ("/other", "/v2/models/tiny/versions/3"):
            with pytest.raises(DeviceError, match=r"no model '(other|tiny version 3)' that is ready"):
                RemoteEngine(address.replace("/tiny", other))
    with pytest.raises(DeviceError, match=r"no KServe v2 server answers at 127\.0\.0\.1"):
        RemoteEngine(address)
    with (
        Server(tiny_ir / "tiny.xml") as server,
        pytest.raises(DeviceError, match=r"no KServe v2 server|the server refuses"),
    ):
        RemoteEngine(server.address.replace("kserve:", "grpc:"))


@pytest.mark.parametrize("served", [Server, GrpcServer])
def test_a_server_that_fails_while_running_is_told(tiny_ir, served):
    with served(tiny_ir / "tiny.xml") as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        server.broken = "out of memory"
        with pytest.raises(DeviceError, match=r"the server refuses: .*out of memory"):
            ner("Mary")


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    "output",
    [{}, {"outputs": 3}, {"outputs": [{"name": "output", "datatype": "FP32", "shape": [1, 3, 9]}]}, []],
)
def test_an_answer_that_is_none_of_the_protocol_is_told(tiny_ir, monkeypatch, output, binary):
    with Server(tiny_ir / "tiny.xml", binary=binary) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        monkeypatch.setattr(Handler, "do_POST", lambda self: self.answer(200, output))
        with pytest.raises(
            DeviceError, match=r"no KServe v2 server answers.*(does not follow the protocol|JSON)"
        ):
            ner("Mary")


@pytest.mark.parametrize("datatype", ["FP16", "BF16", "FP32", "FP64"])
def test_logits_of_any_float_are_read(datatype):
    values = np.array([[[0.5, -3.0, 7.0], [0.0, 2.5, -1.0]]], np.float32)  # exact in all of them
    if datatype == "BF16":
        content = (values.view(np.uint32) >> 16).astype(np.uint16)
    else:
        content = values.astype(f"f{int(datatype[2:]) // 8}")
    read = _read_tensor({"datatype": datatype, "shape": [1, 2, 3]}, content.tobytes())
    assert (read == values).all()


def test_labels_are_compared_with_those_of_the_server(tiny_ir):
    with Server(tiny_ir / "tiny.xml") as server, pytest.raises(ValueError, match="2 labels"):
        EntityRecognizer.from_ir(tiny_ir, device=server.address, labels=["O", "B-PER"])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_server_that_gives_no_numbers_is_told(tiny_ir, wrong):
    with Server(tiny_ir / "tiny.xml", binary=True) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        model = server.model
        server.model = lambda arrays: [np.full_like(model(arrays)[0], wrong)]
        with pytest.raises(DeviceError, match=r"Model tiny of kserve://.*\(test 1\) returned logits.*NaN"):
            ner("Mary")
