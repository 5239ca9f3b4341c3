"""Compare with what people use instead: same machine, weights and texts, in turns.

``python -m benchmarks.peers --corpus dev.conll --spacy-python spacy-env/bin/python``; see README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import checkpoints, report, texts
from benchmarks.lineup import OPTIONS, VARIANTS, Worker, start
from model_zoo.convert.conversion import convert_checkpoint
from ner_commands.benchmark.measurement import Work, count_work, matmul_rate
from ner_core.batching import stack
from ner_core.hardware import processors
from ner_core.ir import read_model
from ner_core.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = ROOT / "model_zoo" / "models" / "public" / "minilm-ner" / "INT8" / "tokenizer.json"

# Contenders that need weights in 8 bits.
_INT8 = {name for name, (_, changes) in VARIANTS.items() if changes.get("xml") == "INT8"}

# Longest row of the padded contender without special tokens; all contenders get the same texts.
_LONGEST = 126

# Longer texts that would take more than this many seconds are left out.
_PATIENCE = 150

# Seconds of matrix multiplication before each measurement.
_RATE_SECONDS = 0.3

# A page takes milliseconds, so it is repeated for this many seconds.
_PAGES_SECONDS = 2.0

# Texts in the first, uncounted run, which warms up and gives the number of texts for the time of a round.
_PILOT = 32


@dataclass
class Row:
    """One contender with one setting, and its numbers of all rounds."""

    contender: str
    option: int | None
    count: int = 0
    pieces: int = 0
    work: float = 0.0
    seconds: list[float] = field(default_factory=list)
    matmul_gflops: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    overhead: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Sentences per second, median of the rounds."""
        return self.count / median(self.seconds)

    @property
    def shares(self) -> list[float]:
        """Useful work as a share of the machine's matrix multiplication just before, for every round."""
        pairs = zip(self.seconds, self.matmul_gflops, strict=True)
        return [self.work / seconds / 1e9 / rate for seconds, rate in pairs]


def main() -> int:
    """Measure, and print the tables."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        document = {"machine": _machine(arguments.threads), "models": {}}
        for name in arguments.models:
            document["models"][name] = compare(name, arguments, Path(scratch) / name)
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    sys.stdout.write(report.to_markdown(document))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--models", nargs="+", default=list(checkpoints.SHAPES), choices=list(checkpoints.SHAPES)
    )
    parser.add_argument(
        "--checkpoint",
        nargs=2,
        action="append",
        default=[],
        metavar=("MODEL", "FOLDER"),
        help="weights of a model as a Hugging Face folder; random ones otherwise",
    )
    parser.add_argument("--tokenizer", type=Path, default=EMBEDDED, help="tokenizer.json for random weights")
    parser.add_argument(
        "--corpus", type=Path, help="CoNLL-2003 dev; built-in text of the same lengths otherwise"
    )
    standard = [name for name in OPTIONS if name not in VARIANTS or name == "ner-zoo-throughput"]
    parser.add_argument("--contenders", nargs="+", default=standard, choices=list(OPTIONS))
    parser.add_argument(
        "--quantized",
        nargs=2,
        action="append",
        default=[],
        metavar=("MODEL", "XML"),
        help="FP16-INT8 of a model, as model_zoo/quantizer.py makes it, for ner-zoo-int8",
    )
    parser.add_argument("--spacy-python", default=sys.executable, help="Python that has spaCy and its model")
    parser.add_argument("--spacy-model", default="en_core_web_sm")
    parser.add_argument("--sentences", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one contender in one round, about")
    parser.add_argument("--pages", nargs="*", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--threads", type=int, default=processors())
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count processor seconds instead of wall time, for a machine that others use too",
    )
    parser.add_argument("--json", type=Path, help="write all numbers there")
    return parser


def compare(name: str, arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Measure all contenders with one model; returns plain values for `report`."""
    corpus = texts.sentences(arguments.corpus, arguments.sentences)
    _tell(f"{name}: preparing")
    settings = _prepare(name, arguments, scratch, corpus)
    tokenizer = Tokenizer.from_file(settings["tokenizer"], token_type_ids=settings["token_type_ids"])
    work = count_work(read_model(settings["xml"]))
    lengths = [len(one) for one in tokenizer.encode_texts(corpus)]
    corpus = [text for text, length in zip(corpus, lengths, strict=True) if length <= _LONGEST]
    lengths = [length for length in lengths if length <= _LONGEST]
    workers, failures = start(arguments, settings, _sample(tokenizer, corpus[:_PILOT]))
    rows = [Row(worker.name, option) for worker in workers for option in OPTIONS[worker.name]]
    by_name = {worker.name: worker for worker in workers}
    single = texts.messages(corpus)
    for row in rows:
        _warm_up(row, by_name[row.contender], corpus, lengths, work, single, arguments.seconds)
    rates = []
    clock = "processor" if arguments.processor_time else "seconds"
    for number in range(arguments.rounds):
        rates.append(_numpy_rate(arguments.threads))
        for row in rows:
            worker = by_name[row.contender]
            row.matmul_gflops.append(matmul_rate("CPU", threads=arguments.threads, seconds=_RATE_SECONDS))
            answer = worker.ask("many", texts=corpus[: row.count], option=row.option)
            row.seconds.append(answer[clock])
            if row.option == OPTIONS[row.contender][0]:
                answer = worker.ask("one", texts=single)
                row.latency.append(median(answer[clock]))
                row.overhead += answer["overheads"]
        _tell(f"{name}: round {number + 1}: " + ", ".join(_brief(row) for row in rows))
    result = {
        "random_weights": settings["random"],
        "sentences": len(corpus),
        "pieces": sum(lengths),
        "work": {"per_piece": work.per_piece, "per_pair": work.per_pair},
        "matmul_gflops": {
            "openvino": median(rate for row in rows for rate in row.matmul_gflops),
            "numpy": median(rates),
        },
        "rows": [_plain(row) for row in rows],
        "differences": _differences(by_name, corpus[:256]),
        "pages": _pages(by_name["ner-zoo"], arguments.pages, clock),
        "pages_default": _pages(by_name["ner-zoo-default"], arguments.pages, clock)
        if "ner-zoo-default" in by_name
        else [],
        "failures": failures,
    }
    for worker in workers:
        worker.close()
    return result


def _pages(worker: Worker, counts: list[int], clock: str) -> list[dict[str, Any]]:
    """Recognize longer and longer texts, up to `_PATIENCE` seconds each."""
    found: list[dict[str, Any]] = []
    for streamed in (True, False):  # memory only grows, so the one that must not grow comes first
        worker.ask("pages", pages=1, streamed=streamed)
        for count in counts:
            last = found[-1] if found else {"seconds": 0.0, "count": 1}
            if last["seconds"] / last["count"] * count <= _PATIENCE:
                answer = worker.ask("pages", pages=count, streamed=streamed, seconds=_PAGES_SECONDS)
                found.append({"count": count, **answer, "seconds": answer[clock]})
    return found


def _prepare(name: str, arguments: argparse.Namespace, scratch: Path, corpus: list[str]) -> dict[str, Any]:
    """Write the files of the contenders."""
    given = dict(arguments.checkpoint)
    scratch.mkdir(parents=True)
    if name in given:
        checkpoint = Path(given[name])
    else:
        checkpoint = checkpoints.make_random(
            name, scratch / "checkpoint", arguments.tokenizer, corpus[:_PILOT]
        )
    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    precisions = ["FP32", *(["INT8"] if _INT8 & set(arguments.contenders) else [])]
    made = convert_checkpoint(checkpoint, scratch / "ir", name, precisions=precisions)
    irs = {one.precision: one.xml for one in made}
    quantized = dict(arguments.quantized).get(name)
    onnx = checkpoints.export_onnx(checkpoint, scratch / "model.onnx")
    tags = config["id2label"]
    return {
        "checkpoint": str(checkpoint),
        "random": name not in given,
        "xml": str(irs["FP32"]),
        "irs": {precision: str(xml) for precision, xml in irs.items()}
        | ({"FP16-INT8": quantized} if quantized else {}),
        "onnx": str(onnx),
        "tokenizer": str(irs["FP32"].parent / "tokenizer.json"),
        "token_type_ids": config.get("token_type_ids", "segments"),
        "tags": [tags[str(index)] for index in range(len(tags))],
        "threads": arguments.threads,
        "spacy_model": arguments.spacy_model,
    }


def _sample(tokenizer: Tokenizer, corpus: list[str]) -> list[dict[str, np.ndarray]]:
    """Return the inputs of texts, one by one, for the quantizer of activations."""
    encoded = tokenizer.encode_texts(corpus)
    prefix, suffix, pad = tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id or 0
    return [
        stack([(one.ids, one.type_ids)], prefix=prefix, suffix=suffix, pad_id=pad).inputs for one in encoded
    ]


def _warm_up(
    row: Row,
    worker: Worker,
    corpus: list[str],
    lengths: list[int],
    work: Work,
    single: list[str],
    seconds: float,
) -> None:
    """Run once uncounted, and choose the number of texts for the time of a round."""
    worker.ask("many", texts=corpus[:_PILOT], option=row.option)
    worker.ask("one", texts=single)
    pilot = worker.ask("many", texts=corpus[:_PILOT], option=row.option)["seconds"]
    row.count = min(max(int(_PILOT * seconds / pilot), _PILOT), len(corpus))
    row.pieces = sum(lengths[: row.count])
    worker.ask("many", texts=corpus[: row.count], option=row.option)
    row.work = sum(work.of(length + 2) for length in lengths[: row.count])


def _numpy_rate(threads: int) -> float:
    """Measure numpy's matrix multiplication in a separate process, in GFLOP/s."""
    code = (
        "import time, numpy as np\n"
        "a = np.random.rand(2048, 2048).astype('f'); taken = []\n"
        "for _ in range(8):\n"
        "    began = time.perf_counter(); a @ a; taken.append(time.perf_counter() - began)\n"
        "print(2 * 2048**3 / min(taken) / 1e9)\n"
    )
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def _differences(workers: dict[str, Worker], corpus: list[str]) -> dict[str, dict[str, int]]:
    """Compare the entities of contenders with the same weights with ours."""
    ours = workers["ner-zoo"].ask("entities", texts=corpus)["entities"]
    found = {}
    for name, worker in workers.items():
        if name == "ner-zoo" or name.startswith("spacy"):
            continue
        answer = worker.ask("entities", texts=corpus, option=OPTIONS[name][0])
        if "error" in answer:  # keep the measurements
            _tell(f"{name}: entities were not compared: {answer['error']}")
            continue
        theirs = answer["entities"]
        different = sum(mine != other for mine, other in zip(ours, theirs, strict=True))
        found[name] = {
            "sentences": len(corpus),
            "entities": sum(map(len, ours)),
            "different_sentences": different,
        }
    return found


def _plain(row: Row) -> dict[str, Any]:
    return {
        "contender": row.contender,
        "option": row.option,
        "sentences": row.count,
        "sentences_per_second": row.rate,
        "pieces_per_second": row.pieces / median(row.seconds),
        "gflops": row.work / median(row.seconds) / 1e9,
        "matmul_shares": row.shares,
        "rounds": [row.count / seconds for seconds in row.seconds],
        "latency_ms": 1000 * median(row.latency) if row.latency else None,
        "latency_rounds_ms": [1000 * seconds for seconds in row.latency],
        "overhead": median(row.overhead) if row.overhead else None,
    }


def _brief(row: Row) -> str:
    option = "" if row.option is None else f" {row.option}"
    return f"{row.contender}{option} {row.count / row.seconds[-1]:.0f}/s"


def _machine(threads: int) -> dict[str, Any]:
    from importlib.metadata import version

    from ner_core import devices

    names = ("openvino", "torch", "transformers", "onnxruntime", "tokenizers", "numpy")
    return {
        "cpu": next((device.full_name for device in devices() if device.name == "CPU"), platform.processor()),
        "capabilities": next((device.capabilities for device in devices() if device.name == "CPU"), ()),
        "processors": processors(),
        "threads": threads,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
    }


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
