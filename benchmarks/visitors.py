"""Measure the memory of the page with many visitors in turn, and how soon abandoned work ends.

    python -m benchmarks.visitors --visitors 2000 --times 5

Every visitor has a separate address, opens the page, and sends a short text twice: over ``/api``, and like a
browser through Gradio's queue in a new session. The resident memory of the page is read after every 50
visitors; the result is its slope over the last third, in kB of 1000 bytes a visitor. Work is abandoned in
three ways (a client of ``/api`` disconnects; a batch of documents is cancelled; a visitor leaves while a file
is read); each pair is seconds of the clock and of the processor until the page is idle again.
"""

from __future__ import annotations

import json
import secrets
import socket
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
import requests

from benchmarks import command_line
from benchmarks.page_load import SENTENCES, memory, running_page

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_EVERY = 50
_WINDOW = 0.2
#: Most processor share of an idle page.
_REST = 0.06


def visit(url: str, number: int) -> None:
    """Open the page and ask twice."""
    text = SENTENCES[number % len(SENTENCES)]
    with requests.Session() as session:
        session.headers["X-Forwarded-For"] = (
            f"93.{184 + number // 62_500}.{number // 250 % 250}.{number % 250}"
        )
        session.get(url, timeout=60).raise_for_status()
        session.post(f"{url}/api/recognize", json={"text": text}, timeout=60).raise_for_status()
        asked = session.post(f"{url}/gradio_api/call/v2/recognize", json={"text": text}, timeout=60)
        asked.raise_for_status()
        answer = session.get(f"{url}/gradio_api/call/recognize/{asked.json()['event_id']}", timeout=60)
        if "event: complete" not in answer.text:
            raise RuntimeError(answer.text[:200])


def slope(points: list[tuple[int, float]]) -> float:
    """Return the least-squares slope of points.

    Examples
    --------
    >>> slope([(0, 1.0), (1, 3.0), (2, 5.0)])
    2.0
    """
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def visited(process: subprocess.Popen[bytes], url: str, visitors: int) -> dict[str, Any]:
    """Simulate visitors, and watch the memory."""
    points = [(0, memory(process))]
    for number in range(visitors):
        visit(url, number)
        if (number + 1) % _EVERY == 0:
            points.append((number + 1, memory(process)))
    third = points[-max(len(points) // 3, 2) :]
    return {
        "visitors": visitors,
        "memory_mb_first": round(points[0][1], 1),
        "memory_mb_last": round(points[-1][1], 1),
        "memory_mb": [round(value, 1) for number, value in points if number % 200 == 0],
        "kb_a_visitor_in_the_last_third": round(slope(third) * 1000, 2),
    }


def until_rest(process: subprocess.Popen[bytes], most: float = 60.0) -> tuple[float, float]:
    """Wait until the page is idle for a second; return the seconds of clock and processor until then."""
    begin = last = time.monotonic()
    first = used = at_last = _used(process)
    while time.monotonic() - last < 1.0 and time.monotonic() - begin < most:
        time.sleep(_WINDOW)
        now = _used(process)
        if now - used > _REST * _WINDOW:
            last, at_last = time.monotonic(), now
        used = now
    return last - begin, at_last - first


def _used(process: subprocess.Popen[bytes]) -> float:
    page = psutil.Process(process.pid)
    ended = page.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for one in (page, *page.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def leave_the_api(url: str) -> Callable[[], None]:
    """Send the longest text allowed; return a function that disconnects."""
    where = urlsplit(url)
    body = json.dumps({"text": " ".join(SENTENCES * 300)[:99_000]}).encode()
    link = socket.create_connection((where.hostname, where.port))
    head = "POST /api/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return link.close


def cancel_documents(url: str) -> Callable[[], None]:
    """Start recognition of a file of a megabyte; return a function that presses Cancel."""
    session = secrets.token_hex(6)
    _recognize(url, session, "long.txt", (" ".join(SENTENCES) * 3000)[:1_000_000].encode())
    return _pressing(url, session, "cancel", [])


def leave_the_reading(url: str) -> Callable[[], None]:
    """Start reading a file that takes a minute; return a function that leaves the page."""
    return _recognize(url, secrets.token_hex(6), "deep.html", b"<i>" * 100_000 + b"<hr>" * 100_000)


def _pressing(url: str, session: str, name: str, data: list[Any]) -> Callable[[], None]:
    """Return a function that presses a button."""
    config = requests.get(f"{url}/config", timeout=60).json()
    button = next(one for one in config["dependencies"] if one.get("api_name") == name)
    question = {"data": data, "fn_index": button["id"], "session_hash": session}
    path = "queue/join" if button["queue"] else f"run/{name}"
    return lambda: requests.post(f"{url}/gradio_api/{path}", json=question, timeout=60).raise_for_status()


def _recognize(url: str, session: str, name: str, content: bytes) -> Callable[[], None]:
    stored = requests.post(f"{url}/gradio_api/upload", files={"files": (name, content)}, timeout=60).json()[0]
    file = {"path": stored, "meta": {"_type": "gradio.FileData"}}
    _pressing(url, session, "recognize_all", [[file], "", "minilm-ner", "CPU", "best", 0.0, "", "", ""])()
    answer = requests.get(
        f"{url}/gradio_api/queue/data", params={"session_hash": session}, stream=True, timeout=600
    )

    def listen() -> None:
        try:
            for _ in answer.iter_lines():
                pass
        except (requests.RequestException, AttributeError, ValueError):
            pass  # disconnected

    threading.Thread(target=listen, daemon=True).start()

    def leave() -> None:
        if answer.raw._connection is not None and answer.raw._connection.sock is not None:  # noqa: SLF001
            answer.raw._connection.sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001

    return leave


def main() -> None:
    """Run the measurement and print JSON."""
    parser = command_line(__doc__)
    parser.add_argument("--visitors", type=int, default=2000)
    parser.add_argument("--times", type=int, default=5, help="repetitions of each kind of abandoned work")
    options = parser.parse_args()
    with running_page() as (process, url):
        report: dict[str, Any] = {}
        for begin in (leave_the_api, cancel_documents, leave_the_reading) if options.times else ():
            found = []
            for _ in range(options.times):
                until_rest(process)
                before = _used(process)
                leave = begin(url)
                while _used(process) < before + 0.5:  # until it works
                    time.sleep(0.02)
                leave()
                found.append([round(value, 2) for value in until_rest(process)])
            report[begin.__name__] = found
            print(begin.__name__, found)
        if options.visitors:
            report |= visited(process, url, options.visitors)
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
