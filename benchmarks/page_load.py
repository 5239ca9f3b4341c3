"""Measure many visitors at once.

    python -m benchmarks.page_load --clients 50 --seconds 60 --rounds 2
    python -m benchmarks.page_load --clients 50 --seconds 60 --rounds 4 --hostile 0.25

Starts the page in a separate process. In rounds, every client sends texts of mixed length through
gradio_client, and each answer is compared with the answer to the same text alone; the resident memory of the
page is read after each round, in MB of 10**6 bytes. With ``--hostile``, that share of the clients sends huge
bodies, broken uploads, and abandoned requests in every second round; times are those of the honest clients,
whose number is the same in all rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
import requests
from gradio_client import Client

from benchmarks import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
SENTENCES = [
    "Mary lives in Santa Clara and works at NVIDIA.",
    "The report was late, and nobody minded much.",
    "Siemens and the Technical University of Munich opened a laboratory in Berlin on Tuesday.",
    "Ursula von der Leyen met Emmanuel Macron in Strasbourg.",
    "It rained all day, so the team stayed inside and wrote tests.",
    "Roger Federer beat Rafael Nadal at Wimbledon.",
]


def texts(count: int) -> list[str]:
    """Generate texts from one sentence to a long article, most of them short."""
    chance = random.Random(7)
    lengths = (1, 1, 1, 2, 3, 5, 8, 40, 150)
    return [" ".join(chance.choices(SENTENCES, k=chance.choice(lengths))) for _ in range(count)]


@contextlib.contextmanager
def running_page() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the page, wait until a model is loaded, and end the page afterwards.

    Yields
    ------
    (subprocess.Popen, str)
        Its process and its address.
    """
    with tempfile.TemporaryDirectory() as folder:
        process, url = _start_page(Path(folder) / "log.txt")
        try:
            yield process, url
        finally:
            process.terminate()
            process.wait(60)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium, the system's if there is one, and end it afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


def _start_page(log: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            env=os.environ | {"GRADIO_SERVER_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return process, url
        except requests.ConnectionError:
            if process.poll() is not None:
                raise RuntimeError(log.read_text(encoding="utf-8")) from None
        time.sleep(0.02)


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of the page in MB."""
    return psutil.Process(process.pid).memory_info().rss / 1e6


def entities(found: dict[str, Any]) -> list[tuple[int, int, str]]:
    """Return the part of an answer that must not depend on other requests."""
    return [(entity["start"], entity["end"], entity["label"]) for entity in found["entities"]]


def disturb(url: str, number: int, end: float) -> None:
    """Act as a hostile client with a separate address, until the end."""
    chance = random.Random(number)
    stranger = {"X-Forwarded-For": f"93.184.{number % 250}.14"}
    where = urlsplit(url)
    head = b"POST /api/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"".join(f"{name}: {value}\r\n".encode() for name, value in stranger.items())
    huge = json.dumps({"text": "Mary " * 2_000_000}).encode()  # once, as building it is not measured
    form = stranger | {"Content-Type": "multipart/form-data; boundary=xyz"}
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            match chance.randrange(4):
                case 0:
                    requests.post(f"{url}/api/recognize", data=huge, headers=stranger, timeout=20)
                case 1:
                    broken = b"--xyz\r\nContent-Disposition: form-data; name=" + chance.randbytes(100_000)
                    requests.post(f"{url}/gradio_api/upload", data=broken, headers=form, timeout=20)
                case 2:  # leaves before the answer
                    body = json.dumps({"text": chance.choice(SENTENCES) * 50}).encode()
                    with socket.create_connection((where.hostname, where.port), timeout=20) as link:
                        link.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                case _:  # announces a body and does not send it
                    with socket.create_connection((where.hostname, where.port), timeout=20) as link:
                        link.sendall(head + b'Content-Length: 1000\r\n\r\n{"text": "Ma')
                        time.sleep(1)


def load(url: str, clients: int, seconds: float, hostile: int = 0) -> dict[str, Any]:
    """Run the clients for a while; count right and wrong answers, refusals and errors."""
    given = texts(60)
    one = Client(url, verbose=False)
    expected = {text: entities(one.predict(text, api_name="/recognize")) for text in given}
    counts: Counter[str] = Counter()
    times: list[float] = []
    problems: list[str] = []
    guard = threading.Lock()
    ready = threading.Barrier(clients + 1)

    def visit(number: int) -> None:
        chance = random.Random(number)
        client = Client(url, verbose=False, httpx_kwargs={"timeout": 60.0})
        ready.wait(120)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = chance.choice(given)
            begin = time.perf_counter()
            try:
                found = client.predict(text, api_name="/recognize")
                outcome = "right" if entities(found) == expected[text] and found["text"] == text else "wrong"
            except Exception as error:  # noqa: BLE001 - every error is a finding of this measurement
                outcome = "queue full" if "Queue is full" in str(error) else "error"
                problems.append(repr(error))
            with guard:
                counts[outcome] += 1
                times.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait(120)
    begin = time.monotonic()
    for number in range(hostile):
        threads.append(threading.Thread(target=disturb, args=(url, number, begin + seconds)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - begin
    times.sort()
    return {
        "honest_clients": clients,
        "hostile_clients": hostile,
        "requests": dict(counts),
        "requests_per_second": round(len(times) / lasted, 1),
        "median_ms": round(statistics.median(times) * 1000, 1),
        "p95_ms": round(times[int(0.95 * len(times))] * 1000, 1),
        "first_problems": problems[:5],
    }


def main() -> None:
    """Run the measurement and print JSON."""
    parser = command_line(__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each round")
    parser.add_argument("--hostile", type=float, default=0.0, help="share of hostile clients")
    parser.add_argument("--rounds", type=int, default=6, help="number of rounds of the clients")
    options = parser.parse_args()
    with running_page() as (process, url):
        report: dict[str, Any] = {"cpus": os.cpu_count(), "load_average": os.getloadavg()[0]}
        report["memory_mb_before"] = round(memory(process), 1)
        report["rounds"] = []
        bad = round(options.clients * options.hostile)
        for number in range(options.rounds):
            found = load(url, options.clients - bad, options.seconds, bad if number % 2 else 0)
            report["rounds"].append(found | {"memory_mb": round(memory(process), 1)})
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
