"""A web server on the loopback that serves bytes, with ranges and validators, and misbehaves when told to."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """``files`` maps paths to bytes; ``faults`` maps paths to faults, one used up by each request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.faults: dict[str, list] = defaultdict(list)
        self.ranges = True
        self.heeds_if_range = True
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                server.requests.append((self.path, dict(self.headers)))
                try:
                    if server.faults[self.path]:
                        server.faults[self.path].pop(0)(server, self)
                    else:
                        server.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_CONNECT = do_GET  # noqa: N815 (named by the protocol)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # clients that leave early are no news
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    @property
    def base(self) -> str:
        return self.url("")

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of all requests for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    def headers_of(self, path: str) -> dict[str, str]:
        return {"ETag": self.etags[path]} if path in self.etags else {}

    def answer(
        self, handler: BaseHTTPRequestHandler, stop: int | None = None, claim: int | None = None
    ) -> None:
        """Answer as a good server does; ``stop`` ends the connection early, ``claim`` states a length."""
        content = self.files.get(handler.path)
        if content is None:
            reply(handler, 404, b"not here")
            return
        start = 0
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range") if self.heeds_if_range else None
        same = condition in (None, self.etags.get(handler.path))
        if match and self.ranges and same:
            start = int(match[1])
            if start >= len(content):
                reply(handler, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) - start if claim is None else claim))
        for name, value in self.headers_of(handler.path).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[start:stop])
        handler.wfile.flush()
        if stop is not None:
            handler.close_connection = True


def reply(
    handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict | None = None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def cut(at: int):
    """Promise the whole file, end the connection at byte ``at``."""
    return lambda server, handler: server.answer(handler, stop=at)


def claims(length: int):
    """State another length than the file has, and end there or at the file's end."""

    def fault(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
        server.answer(handler, claim=length)
        handler.close_connection = True

    return fault


def status(code: int, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _server, handler: reply(handler, code, b"", named)


def sends(body: bytes, **headers: str):
    """Send other bytes than the file's."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _server, handler: reply(handler, 200, body, named)


def redirect(to: str):
    return lambda _server, handler: reply(handler, 302, b"", {"Location": to})


def chunked(body: bytes, complete: bool = True):
    """Send without stating a length."""

    def fault(_server: FileServer, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(
            f"{len(body):x}\r\n".encode() + body + b"\r\n" + (b"0\r\n\r\n" if complete else b"")
        )
        handler.close_connection = True

    return fault


def stall(at: int, seconds: float = 20.0):
    """Send up to byte ``at``, then nothing until the server is released."""

    def fault(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
        content = server.files[handler.path]
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        handler.send_response(206 if match else 200)
        if match:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - start))
        for name, value in server.headers_of(handler.path).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[start:at])
        handler.wfile.flush()
        server.released.wait(seconds)
        handler.close_connection = True

    return fault


def slowly(pieces: int, pause: float):
    """Send the whole file in pieces with pauses between them."""

    def fault(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
        content = server.files[handler.path]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        step = -(-len(content) // pieces)
        for start in range(0, len(content), step):
            handler.wfile.write(content[start : start + step])
            handler.wfile.flush()
            time.sleep(pause)

    return fault


def http_date(seconds_from_now: float) -> str:
    return formatdate(time.time() + seconds_from_now, usegmt=True)
