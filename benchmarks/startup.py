"""Measure from the start of the process to the first entity: ``python -m benchmarks.startup CHECKPOINT XML``.

Ours and transformers' take turns; the first start of each, which warms the file cache, does not count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
TEXT = "Mary lives in Santa Clara and works at NVIDIA."

# A user's program; NER_MODEL is the file or folder.
OURS = f"""
import os, model_zoo
ner = model_zoo.load(os.environ["NER_MODEL"], device="CPU")
assert ner({TEXT!r}).pieces > 5
"""
TRANSFORMERS = f"""
import os
from transformers import pipeline
model = os.environ["NER_MODEL"]
ner = pipeline("token-classification", model=model, aggregation_strategy="first", device="cpu")
ner({TEXT!r})
"""
COMMAND = [sys.executable, "cli.py", "recognize", TEXT, "--format", "json"]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="Hugging Face folder, for transformers")
    parser.add_argument("xml", type=Path, help="IR of the same model")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    programs = {
        "ner-zoo": ([sys.executable, "-c", OURS], arguments.xml),
        "ner recognize": ([*COMMAND, "--model", str(arguments.xml)], arguments.xml),
        "ner recognize, embedded model": (COMMAND, arguments.xml),
        "transformers": ([sys.executable, "-c", TRANSFORMERS], arguments.checkpoint),
        "python alone": ([sys.executable, "-c", "pass"], arguments.xml),
    }
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(arguments.runs + 1):
        for name, (command, model) in programs.items():
            taken[name].append(_run(command, model))
    medians = {name: median(times[1:]) for name, times in taken.items()}
    for name, seconds in medians.items():
        low, high = min(taken[name][1:]), max(taken[name][1:])
        print(f"{name}: {seconds:.2f} s ({low:.2f}-{high:.2f}), {seconds / medians['ner-zoo']:.1f} x ner-zoo")
    return 0


def _run(command: list[str], model: Path) -> float:
    environment = os.environ | {"NER_MODEL": str(model.resolve()), "HF_HUB_OFFLINE": "1"}
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
