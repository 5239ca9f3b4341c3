"""Measure a verified download over the loopback, beside curl, which does not verify.

    python -m benchmarks.transfer [--size 400] [--rounds 5] [--folder DIR] [--algorithm sha384]

Prints one JSON document: MB/s (of 10**6 bytes) of each round, in turns, the median ratio of a round, and the
memory of the downloading process above its imports.

Both write to the same file system, right after the same number of bytes was written there and removed.
Otherwise a virtual machine may have returned the free pages to its host, and writing to a page that must be
fetched again takes two to three times as long.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import command_line

CHILD = """
import json, resource, sys, time
from pathlib import Path
import requests, urllib3
from benchmarks.transfer import touch_memory
from model_zoo.download import transfer
from model_zoo.catalog.checksum import Checksum
from model_zoo.catalog.sources import HttpSource
url, destination, size, algorithm, checksum = sys.argv[1:]
touch_memory(Path(destination).parent, int(size))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
transfer.Transfer().fetch(
    Path(destination),
    [HttpSource(url=url)],
    size=int(size),
    checksum=Checksum(algorithm=algorithm, value=checksum),
)
seconds = time.perf_counter() - begin
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "memory_mb": (after - before) / 1024}))
"""


def serve(path: str, port: multiprocessing.Queue) -> None:
    """Answer every request with the file, by sendfile."""
    size = Path(path).stat().st_size
    with socket.create_server(("127.0.0.1", 0)) as server:
        port.put(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            with connection, Path(path).open("rb") as file:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode())
                connection.sendfile(file)


def touch_memory(folder: Path, size: int) -> None:
    """Write ``size`` bytes to a file and remove it, so that the next writer gets its pages."""
    block = bytes(1 << 20)
    scratch = folder / "scratch"
    with scratch.open("wb", buffering=0) as file:
        for _ in range(0, size, len(block)):
            file.write(block)
    scratch.unlink()


def by_curl(url: str, destination: Path, size: int) -> float:
    """Return curl's own time of the transfer, in seconds."""
    touch_memory(destination.parent, size)
    command = ["curl", "--silent", "--show-error", "--output", str(destination)]
    command += ["--write-out", "%{time_total}", url]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def by_us(url: str, destination: Path, size: int, algorithm: str, checksum: str) -> dict[str, float]:
    """Return seconds and memory above the imports of a download in a separate process."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", CHILD, url, str(destination), str(size), algorithm, checksum]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def hash_speed(algorithm: str) -> float:
    """Return MB/s of the hash alone, the upper bound of a verified download in one pass."""
    block = bytes(1 << 20)
    digest = hashlib.new(algorithm)
    begin = time.perf_counter()
    for _ in range(256):
        digest.update(block)
    return 256 * len(block) / 1e6 / (time.perf_counter() - begin)


def main() -> None:
    """Run the rounds and print the figures."""
    parser = command_line(__doc__)
    parser.add_argument("--size", type=int, default=400, metavar="MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--algorithm", choices=("sha384", "sha256"), default="sha384")
    parser.add_argument("--folder", help="where to write (default: the folder for temporary files)")
    arguments = parser.parse_args()
    if shutil.which("curl") is None:
        sys.exit("curl is not installed")
    size = arguments.size * 1_000_000
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        served = Path(folder) / "served"
        digest = hashlib.new(arguments.algorithm)
        with served.open("wb") as file:
            for start in range(0, size, 1 << 20):
                block = os.urandom(min(1 << 20, size - start))
                digest.update(block)
                file.write(block)
        port: multiprocessing.Queue = multiprocessing.Queue()
        server = multiprocessing.Process(target=serve, args=(str(served), port), daemon=True)
        server.start()
        url = f"http://127.0.0.1:{port.get()}/file"
        curl, ours, memory = [], [], []
        for number in range(arguments.rounds):
            for who in ("curl", "ours") if number % 2 else ("ours", "curl"):
                destination = Path(folder) / f"out-{who}"
                destination.unlink(missing_ok=True)
                os.sync()
                if who == "curl":
                    curl.append(size / 1e6 / by_curl(url, destination, size))
                else:
                    result = by_us(url, destination, size, arguments.algorithm, digest.hexdigest())
                    ours.append(size / 1e6 / result["seconds"])
                    memory.append(result["memory_mb"])
        server.terminate()
    figures = {
        "size_mb": arguments.size,
        "algorithm": arguments.algorithm,
        "curl_mb_per_s": [round(speed) for speed in curl],
        "ours_mb_per_s": [round(speed) for speed in ours],
        "median_ratio": round(statistics.median(a / b for a, b in zip(ours, curl, strict=True)), 3),
        "memory_above_import_mb": round(max(memory), 1),
        "hash_alone_mb_per_s": round(hash_speed(arguments.algorithm)),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
