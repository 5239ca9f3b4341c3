"""A KServe v2 server on loopback that runs the tiny IR; for the real MLServer see benchmarks/kserve.py."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from ner_core import DeviceError, EntityRecognizer
from ner_core.remote import RemoteEngine, is_remote

PORTS = ("input_ids", "attention_mask", "token_type_ids")


class Server(ThreadingHTTPServer):
    """Serves one model called tiny; `binary` adds the extension for tensors behind the JSON."""

    daemon_threads = True

    def __init__(self, xml, *, binary=False, shape=(-1, -1), inputs=PORTS, datatype="INT64"):
        import openvino as ov

        super().__init__(("127.0.0.1", 0), Handler)
        self.model = ov.Core().compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        self.lock = threading.Lock()
        self.binary, self.broken, self.requests = binary, None, []
        self.metadata = {
            "name": "tiny",
            "inputs": [{"name": name, "datatype": datatype, "shape": list(shape)} for name in inputs],
            "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, -1, 9]}],
        }

    @property
    def address(self):
        return f"kserve://127.0.0.1:{self.server_address[1]}/tiny"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
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
        answers = {
            "/v2": {"name": "test", "version": "1", "extensions": extensions},
            "/v2/models/tiny/ready": {},
            "/v2/models/tiny": self.server.metadata,
        }
        self.answer(200 if self.path in answers else 400, answers.get(self.path, {"error": "no such model"}))

    def do_POST(self):
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


@pytest.mark.parametrize("binary", [False, True])
def test_a_server_gives_what_the_cpu_gives(tiny_ir, tiny_ner, binary):
    texts = [f"Mary {number} lives in Santa Clara. " * (number % 9 + 1) for number in range(60)]
    with Server(tiny_ir / "tiny.xml", binary=binary) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        found = ner.batch(texts)
    assert len(server.requests) > 5
    assert found[0].device == server.address
    for one, other in zip(found, tiny_ner.batch(texts), strict=True):
        assert [(e.start, e.end, e.label) for e in one.entities] == [
            (e.start, e.end, e.label) for e in other.entities
        ]
        assert [e.score for e in one.entities] == pytest.approx([e.score for e in other.entities], abs=1e-4)


def test_a_served_model_of_fixed_shape_gets_that_shape(tiny_ir, tiny_ner):
    with Server(tiny_ir / "tiny.xml", shape=(2, 32)) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        text = "Mary lives in Santa Clara. " * 9
        found = ner(text)
        assert ner.max_length == 32
    assert {shape[:2] for shape in server.requests} == {(2, 32)}
    assert found.windows > 1


def test_addresses_that_make_no_sense_are_told():
    assert is_remote("KSERVE://x")
    for address in ("kserve://", "kserve://host", "kserve:host/model", "kserve://host/a/b"):
        with pytest.raises(DeviceError, match="expected kserve://host:port/model"):
            RemoteEngine(address)


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


def test_a_server_that_fails_while_running_is_told(tiny_ir):
    with Server(tiny_ir / "tiny.xml") as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        server.broken = "out of memory"
        with pytest.raises(DeviceError, match=r"the server refuses: .*out of memory"):
            ner("Mary")


def test_labels_are_compared_with_those_of_the_server(tiny_ir):
    with Server(tiny_ir / "tiny.xml") as server, pytest.raises(ValueError, match="2 labels"):
        EntityRecognizer.from_ir(tiny_ir, device=server.address, labels=["O", "B-PER"])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_server_that_gives_no_numbers_is_told(tiny_ir, wrong):
    with Server(tiny_ir / "tiny.xml", binary=True) as server:
        ner = EntityRecognizer.from_ir(tiny_ir, device=server.address)
        model = server.model
        server.model = lambda arrays: [np.full_like(model(arrays)[0], wrong)]
        with pytest.raises(DeviceError, match=r"Model tiny of kserve://.*\(test 1\) gives logits.*NaN"):
            ner("Mary")
