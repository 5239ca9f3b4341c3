"""Measure ``ner annotate``: throughput, memory, equal output of both engines, and resuming after kill -9.

::

    python -m benchmarks.corpora speed --documents 200000        # local and Ray: rates, memory, equal output
    python -m benchmarks.corpora kill --documents 20000          # kill -9 at random moments, resume, compare
    python -m benchmarks.corpora hostile --megabytes 1024     # a 50 MB line, wrong encoding, unreadable files

``--model nothing`` (the default of the last two) is an IR that looks up labels in a table. It takes almost no
time, so that reading, writing and memory are measured. Memory is the sum of all processes of a run, in MB of
2**20 bytes; shared pages count in each process.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import command_line
from ner_corpora.chunks import CHUNK_DOCUMENTS
from tests.ner_app.conftest import save_lookup_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMES = ["Mary", "John", "Angela", "Santa", "Clara", "NVIDIA", "Intel", "Berlin", "Paris", "Tokyo", "Kenya"]
WORDS = "lives works in at the of and for sings sold a new city yesterday".split()  # noqa: SIM905
CLI = Path(__file__).parents[1] / "cli.py"


def sentences(count: int) -> Iterator[str]:
    """Generate short documents of 4 to 40 words, a fifth of them names."""
    chance = random.Random(0)
    for _ in range(count):
        length = chance.randint(4, 40)
        yield " ".join(chance.choice(NAMES if chance.random() < 0.2 else WORDS) for _ in range(length)) + "."


class Memory:
    """Resident memory of a process and its descendants, in MB."""

    def __init__(self, pid: int) -> None:
        self._samples: list[float] = []
        self._pid, self._done = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """Return the peak of the first quarter of the time, and of all of it."""
        self._done.set()
        self._thread.join()
        return max(self._samples[: len(self._samples) // 4 + 1]), max(self._samples)

    def _watch(self) -> None:
        while True:
            self._samples.append(sum(map(resident, family(self._pid))))
            if self._done.wait(0.25):
                return


def family(pid: int) -> list[psutil.Process]:
    """List a process and its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def resident(process: psutil.Process) -> float:
    """Return the resident memory of a process in MB, 0 when it has ended."""
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


def command(model: str, sources: Sequence[Path], output: Path, *more: str) -> list[str]:
    """Return the command line of one run."""
    options = ["-o", str(output), "--model", model, "--device", "CPU", *more]
    return [sys.executable, str(CLI), "annotate", *map(str, sources), *options]


def annotate(*arguments: Any) -> dict[str, Any]:
    """Run to the end; return seconds, memory and the text of standard error."""
    begin = time.perf_counter()
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True)
    memory = Memory(process.pid)
    said = process.communicate()[1]
    seconds = time.perf_counter() - begin
    early, peak = memory.stop()
    if process.returncode:
        raise SystemExit(said)
    return {"seconds": seconds, "early_mb": early, "peak_mb": peak, "said": said}


def write_corpus(path: Path, documents: int) -> Path:
    """Write generated documents as JSON lines."""
    with path.open("w") as file:
        file.writelines(
            json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(sentences(documents))
        )
    return path


def speed(model: str, documents: int, folder: Path, workers: int) -> None:
    """Compare the recognizer alone, the local engine and Ray: first their start, then all documents.

    The recognizer alone reads a twentieth of the documents, before, between and after, because the speed of a
    machine changes in a quarter of an hour.
    """
    corpus = write_corpus(folder / "corpus.jsonl", documents)
    one = write_corpus(folder / "one.jsonl", 1)
    engines = {"local": (), "ray": ("--engine", "ray", "--num-workers", str(workers))}
    alone = Alone(model, documents // 20)
    core_rates = [alone.rate()]
    for engine, more in engines.items():
        start = annotate(model, [one], folder / f"{engine}-one.jsonl", *more)["seconds"]
        found = annotate(model, [corpus], folder / f"{engine}.jsonl", *more)
        core_rates.append(alone.rate())
        core = sum(core_rates[-2:]) / 2
        rate, steady = documents / found["seconds"], documents / (found["seconds"] - start)
        print(
            f"{engine}: {documents:,} documents in {found['seconds']:.1f} s, {start:.1f} s of them start and "
            f"end; {rate:.0f} documents/s, {rate / core:.1%} of the recognizer alone; without the start "
            f"{steady:.0f} documents/s, {steady / core:.1%}; memory {found['early_mb']:.0f} MB in the first "
            f"quarter of the time, {found['peak_mb']:.0f} MB in all",
            flush=True,
        )
    print(f"recognizer alone: {', '.join(f'{rate:.0f}' for rate in core_rates)} documents/s")
    print(f"outputs are {equal(folder / 'local.jsonl', folder / 'ray.jsonl')}")


class Alone:
    """`EntityRecognizer.stream` without files."""

    def __init__(self, model: str, documents: int) -> None:
        import model_zoo

        self._recognizer = model_zoo.load(model, device="CPU", hint="THROUGHPUT")
        self._texts = list(sentences(documents))

    def rate(self) -> float:
        """Return documents a second, warmed up."""
        self._recognizer.batch(self._texts[:500])
        begin = time.perf_counter()
        for _ in self._recognizer.stream(self._texts):
            pass
        return len(self._texts) / (time.perf_counter() - begin)


def equal(one: Path, other: Path) -> str:
    """Compare two files byte for byte."""
    if not (one.exists() and other.exists()):
        return "MISSING"
    return "equal" if one.read_bytes() == other.read_bytes() else "DIFFERENT"


def kill(model: str, documents: int, folder: Path, moments: int, *, ray: bool) -> None:
    """Kill runs at random moments, resume, and compare with a run that was never stopped.

    The moments lie between the start of a command and its fourth chunk, so that some runs die while they
    start, and some with chunks stored and others in flight.
    """
    corpus = write_corpus(folder / "corpus.jsonl", documents)
    one = write_corpus(folder / "one.jsonl", 1)
    whole, output = folder / "whole.jsonl", folder / "out.jsonl"
    seconds = annotate(model, [corpus], whole)["seconds"]
    print(f"never stopped, local engine: {seconds:.1f} s", flush=True)
    more = ("--engine", "ray", "--num-workers", "2") if ray else ()
    start = annotate(model, [one], folder / "one-out.jsonl", *more)["seconds"]
    chance = random.Random(1)
    for number in range(1, moments + 1):
        process = subprocess.Popen(
            command(model, [corpus], output, "--resume", "--quiet", *more), stderr=subprocess.DEVNULL
        )
        moment = chance.uniform(0, start + 4 * seconds * CHUNK_DOCUMENTS / documents)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
            msg = f"finished before kill {number}; give more --documents"
            raise SystemExit(msg)
        everybody = family(process.pid)
        process.kill()
        process.wait()
        end_all(everybody[1:])  # processes of Ray that nothing else ends
        print(f"kill {number} after {moment:.2f} s, {chunks(folder)} chunks stored", flush=True)
    found = annotate(model, [corpus], output, "--resume", *more)
    print(f"resumed to the end in {found['seconds']:.1f} s; the output is {equal(output, whole)}", flush=True)
    if ray:
        kill_worker(model, corpus, folder)


def chunks(folder: Path) -> int:
    """Count stored chunks."""
    return len(list((folder / "out.jsonl.partial").glob("*.chunk")))


def end_all(processes: Sequence[psutil.Process]) -> None:
    """Kill processes that still run."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def kill_worker(model: str, corpus: Path, folder: Path) -> None:
    """Kill one of Ray's actors in the middle of a run."""
    output = folder / "out.jsonl"
    arguments = command(model, [corpus], output, "--overwrite", "--engine", "ray", "--num-workers", "2")
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and chunks(folder) < 2:
        time.sleep(0.01)
    actors = [one for one in family(process.pid) if "MapWorker" in title(one)]
    end_all(actors[:1])
    print(f"{len(actors)} actors, one killed with {chunks(folder)} chunks stored")
    process.communicate()
    print(f"exit {process.returncode}, the output is {equal(output, folder / 'whole.jsonl')}")


def title(process: psutil.Process) -> str:
    """Return the command line of a process; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def hostile(model: str, megabytes: int, folder: Path) -> None:
    """Annotate a large input with a very long line, a wrong encoding and files that cannot be read."""
    source = folder / "large.jsonl"
    ballast = "x" * 20_000
    long_line = " ".join(sentences(50_000_000 // 110))
    with source.open("w") as file:
        written = 0
        for number, text in enumerate(sentences(10**9), 1):
            line = json.dumps({"id": number, "ballast": ballast, "text": text}) + "\n"
            written += file.write(line)
            if number == 1000:
                written += file.write(json.dumps({"id": "long", "text": long_line}) + "\n")
            if written >= megabytes << 20:
                break
    (folder / "latin1.txt").write_bytes("José lives in Berlin.".encode("latin-1"))
    (folder / "broken.jsonl.gz").write_bytes(b"\x1f\x8b" + os.urandom(100))
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    inputs = [source, folder / "latin1.txt", folder / "broken.jsonl.gz", folder / "gone.txt"]
    output = folder / "out.jsonl"
    found = annotate(model, inputs, output)
    print(f"{source.stat().st_size / 2**20:.0f} MB in, {output.stat().st_size / 2**20:.0f} MB out, ", end="")
    print(
        f"{len(long_line) / 1e6:.0f} MB in one line, {found['seconds']:.0f} s, peak {found['peak_mb']:.0f} MB"
    )
    print(found["said"], flush=True)
    for line in Path(f"{output}.errors.jsonl").read_text("utf-8").splitlines():
        error = json.loads(line)
        print(f"{Path(error['source']).name}: {error['problem']}")


def main() -> int:
    """Run one of the measurements."""
    parser = command_line(__doc__)
    parser.add_argument("what", choices=("speed", "kill", "hostile"))
    parser.add_argument("--model", default=None, help="name, path, or nothing")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ray", action="store_true", help="kill Ray's driver and one of its actors")
    args = parser.parse_args()
    model = args.model or ("minilm-ner" if args.what == "speed" else "nothing")
    with tempfile.TemporaryDirectory(prefix="ner-corpora-") as name:
        folder = Path(name)
        if model == "nothing":
            labels = dict(zip(NAMES, cycle(("B-PER", "B-ORG", "B-LOC"))))
            model = str(save_lookup_model(folder, "nothing", labels, max_length="512"))
        if args.what == "speed":
            speed(model, args.documents, folder, args.workers)
        elif args.what == "kill":
            kill(model, args.documents, folder, args.moments, ray=args.ray)
        else:
            hostile(model, args.megabytes, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
