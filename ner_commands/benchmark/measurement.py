"""Measure the speed of a model: latency, throughput, and share of the rate of matrix multiplication.

A benchmark warms up, repeats for a given time and reports medians. The rate of the machine is measured just
before and after on the same device, because clock speeds and other load change.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, cycle, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13

from ner_core.hardware import core
from ner_core.operations import count_operations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ner_commands.benchmark.sample_text import TextSample
    from ner_core.recognizer import EntityRecognizer

__all__ = [
    "Latency",
    "Measurement",
    "Throughput",
    "Work",
    "count_work",
    "matmul_rate",
    "measure",
    "measure_latency",
    "measure_throughput",
    "recommend",
]

# Size of the matrices: large enough to be efficient, small enough for the caches.
_MATMUL_SIZE = 1024

# Configurations within this share of the best count as equally fast.
_TIE = 0.05


@dataclass(frozen=True)
class Latency:
    """Milliseconds from text to entities: median, 95th percentile, and number of runs."""

    p50: float
    p95: float
    runs: int


@dataclass(frozen=True)
class Throughput:
    """Rates per second for many texts at once.

    Attributes
    ----------
    texts_per_second, pieces_per_second : float
        Pieces are word pieces of the texts, without special tokens and padding.
    gflops : float
        Useful work, without padding, in 10^9 floating point operations per second.
    """

    texts_per_second: float
    pieces_per_second: float
    gflops: float


@dataclass(frozen=True)
class Work:
    """Floating point operations of the matrix multiplications of a model, for one row of n pieces.

    Attributes
    ----------
    per_piece, per_pair : float
        The row takes ``per_piece * n + per_pair * n ** 2``.
    """

    per_piece: float
    per_pair: float

    def of(self, pieces: int) -> float:
        """Return the number of operations for one row of `pieces` word pieces.

        Examples
        --------
        >>> Work(10.0, 1.0).of(4)
        56.0
        """
        return self.per_piece * pieces + self.per_pair * pieces**2


@dataclass(frozen=True)
class Measurement:
    """Results for one configuration of a model.

    Attributes
    ----------
    device : str
        The requested device expression.
    precision, hint, compute : str
        Precision of the IR, performance hint, and requested arithmetic.
    computed_in : str
        Arithmetic that was used, see `ner_core.compute`.
    size : int
        Bytes of the .xml and the .bin.
    load_seconds : float
        Until the recognizer accepts text.
    sentence, paragraph, page : Latency
        One text at a time.
    throughput : Throughput
        Many sentences at once.
    matmul_gflops : float
        Rate of a large float32 multiplication on this device, measured just before and after.
    """

    device: str
    precision: str
    hint: str
    compute: str
    computed_in: str
    size: int
    load_seconds: float
    sentence: Latency
    paragraph: Latency
    page: Latency
    throughput: Throughput
    matmul_gflops: float

    @property
    def matmul_share(self) -> float:
        """Useful work as a share of the rate of float32 matrix multiplication."""
        return self.throughput.gflops / self.matmul_gflops

    @property
    def title(self) -> str:
        """The configuration, such as ``CPU INT8 auto LATENCY``."""
        return f"{self.device} {self.precision} {self.compute} {self.hint}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "matmul_share": self.matmul_share}


def measure(
    load: Callable[[], EntityRecognizer],
    path: Path,
    sample: TextSample,
    *,
    device: str,
    precision: str,
    hint: str,
    compute: str = "auto",
    seconds: float = 1.0,
) -> Measurement:
    """Load a model and measure it.

    Parameters
    ----------
    load : callable
        Loads the recognizer with these settings.
    path : Path
        Its .xml.
    sample : TextSample
        Texts to measure with.
    device, precision, hint, compute : str
        The settings, for the report and for the matrix multiplication.
    seconds : float
        Time per latency; throughput takes three times as long.

    Returns
    -------
    Measurement
    """
    began = time.perf_counter()
    ner = load()
    load_seconds = time.perf_counter() - began
    work = count_work(core().read_model(path))
    sentence, paragraph, page = (
        measure_latency(partial(ner, text), seconds=seconds)
        for text in (sample.sentence, sample.paragraph, sample.page)
    )
    before = matmul_rate(device, seconds=seconds / 2)
    throughput = measure_throughput(ner, sample.sentences, work, seconds=3 * seconds)
    after = matmul_rate(device, seconds=seconds / 2)
    size = sum(file.stat().st_size for file in (path, path.with_suffix(".bin")))
    return Measurement(
        device,
        precision,
        hint,
        compute,
        ner.compute,
        size,
        load_seconds,
        sentence,
        paragraph,
        page,
        throughput,
        (before + after) / 2,
    )


def measure_latency(call: Callable[[], object], *, seconds: float = 1.0, least: int = 10) -> Latency:
    """Measure the percentiles of repeated calls.

    Parameters
    ----------
    call : callable
        What to measure, after three calls to warm up.
    seconds : float
        Minimum time.
    least : int
        Minimum number of calls.

    Returns
    -------
    Latency

    Examples
    --------
    >>> measure_latency(lambda: None, seconds=0, least=5).runs
    5
    """
    for _ in range(3):
        call()
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < least or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    p50, p95 = np.percentile(taken, [50, 95]).tolist()
    return Latency(p50, p95, len(taken))


def measure_throughput(
    ner: EntityRecognizer, texts: Sequence[str], work: Work, *, seconds: float = 3.0
) -> Throughput:
    """Measure the rates of a recognizer on a repeated stream of texts.

    Parameters
    ----------
    ner : EntityRecognizer
        Its `stream` is measured.
    texts : sequence of str
        At least one.
    work : Work
        Result of `count_work`.
    seconds : float
        Minimum time.

    Returns
    -------
    Throughput
    """
    special = ner.tokenizer.special_count
    for _ in ner.stream(texts):  # warm up, including compilation on demand
        pass
    count = pieces = 0
    operations = 0.0
    began = time.perf_counter()
    again = takewhile(lambda _: time.perf_counter() < began + seconds, cycle(texts))
    for result in ner.stream(chain(texts, again)):
        count += 1
        pieces += result.pieces
        windows = max(result.windows, 1)
        operations += windows * work.of(-(-result.pieces // windows) + special)
    taken = time.perf_counter() - began
    return Throughput(count / taken, pieces / taken, operations / taken / 1e9)


def count_work(model: ov.Model) -> Work:
    """Count the floating point operations of the matrix multiplications in a model.

    The work for a row of n pieces is a polynomial of degree two without constant term: two lengths suffice.

    Parameters
    ----------
    model : openvino.Model
        Inputs [rows, length]; not changed.

    Returns
    -------
    Work
    """
    shape = model.inputs[0].partial_shape
    if not shape.is_dynamic:  # one length cannot separate the linear from the quadratic part
        rows, length = shape.to_shape()
        return Work(count_operations(model) / (rows * length), 0.0)
    short, long = 16, 32
    counts = []
    for length in (short, long):
        fixed = model.clone()
        fixed.reshape({port: [1, length] for port in fixed.inputs})
        counts.append(count_operations(fixed))
    per_pair = (counts[1] / long - counts[0] / short) / (long - short)
    return Work(counts[0] / short - per_pair * short, per_pair)


def matmul_rate(device: str = "CPU", *, threads: int | None = None, seconds: float = 0.5) -> float:
    """Measure the rate of a large float32 matrix multiplication in OpenVINO.

    Parameters
    ----------
    device : str
        Device expression.
    threads : int, optional
        Threads on a CPU; by default OpenVINO's choice.
    seconds : float
        Minimum time.

    Returns
    -------
    float
        10^9 floating point operations per second of elapsed time: other load on the machine lowers this as it
        slows the model.
    """
    size = _MATMUL_SIZE
    numbers = np.random.default_rng(0)
    left = opset13.parameter([size, size], np.float32)
    right = opset13.constant(numbers.standard_normal((size, size), np.float32))
    model = ov.Model([opset13.matmul(left, right, transpose_a=False, transpose_b=False)], [left], "matmul")
    config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        config["INFERENCE_NUM_THREADS"] = threads
    request = core().compile_model(model, device, config).create_infer_request()
    request.set_input_tensor(ov.Tensor(numbers.standard_normal((size, size), np.float32)))
    for _ in range(3):
        request.infer()
    count = 0
    began = time.perf_counter()
    while count < 10 or time.perf_counter() < began + seconds:
        request.infer()
        count += 1
    return count * 2 * size**3 / (time.perf_counter() - began) / 1e9


def recommend(measurements: Sequence[Measurement]) -> list[str]:
    """Return advice on which configuration to use, and why.

    Parameters
    ----------
    measurements : sequence of Measurement
        Of one model.

    Returns
    -------
    list of str
        Sentences; empty without measurements.
    """
    if not measurements:
        return []
    fastest = min(measurements, key=lambda one: one.sentence.p50)
    highest = max(measurements, key=lambda one: one.throughput.texts_per_second)
    both = [
        one
        for one in measurements
        if one.sentence.p50 <= fastest.sentence.p50 * (1 + _TIE)
        and one.throughput.texts_per_second >= highest.throughput.texts_per_second * (1 - _TIE)
    ]
    if both:
        one = min(both, key=lambda one: (one.size, one.sentence.p50))
        advice = [
            f"Use {one.title}: {one.sentence.p50:.1f} ms for one sentence and "
            f"{one.throughput.texts_per_second:.0f} sentences/s; nothing else is more than {_TIE:.0%} better."
        ]
    else:
        advice = [
            f"For one text at a time use {fastest.title}: {fastest.sentence.p50:.1f} ms for a sentence, "
            f"against {highest.sentence.p50:.1f} ms with {highest.title}.",
            f"For many texts use {highest.title}: {highest.throughput.texts_per_second:.0f} sentences/s, "
            f"against {fastest.throughput.texts_per_second:.0f} with {fastest.title}.",
        ]
        small = min(measurements, key=lambda one: one.size)
        if small.size < min(fastest.size, highest.size):
            advice.append(f"{small.precision} is the smallest, {small.size / 1e6:.0f} MB.")
    if any(one.precision.endswith("INT8") or one.computed_in != "f32" for one in (fastest, highest)):
        advice.append("Lower precision changes scores slightly: check the accuracy with ner evaluate.")
    return advice
