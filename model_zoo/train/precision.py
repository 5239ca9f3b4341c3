"""Which precision training computes in: bfloat16 where that is faster, else float32."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch.nn import functional

#: Rows and widths of the layer that is timed: those of a small encoder and a batch.
_ROWS, _WIDTH, _INNER = 1024, 384, 1536
_REPEATS = 4


@cache
def bf16_is_faster() -> bool:
    """Return whether the device trains faster in bfloat16 than in float32.

    A processor that has the instructions may still be slower with them, so both are timed, once in a
    process. Measured: an EPYC trains 2.5 times as fast in bfloat16, a Xeon without AMX 0.55 times as fast.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    if not getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        return False  # emulated
    return layer_seconds(bf16=True) < layer_seconds(bf16=False)


def layer_seconds(*, bf16: bool) -> float:
    """Return the wall time of a feed-forward layer on the CPU, forward and backward.

    Parameters
    ----------
    bf16 : bool
        Compute in bfloat16 (autocast).

    Returns
    -------
    float
        Seconds of the fastest of four runs.
    """
    # Constants: random numbers would change those of the training.
    rows = torch.ones(_ROWS, _WIDTH)
    widen = torch.full((_INNER, _WIDTH), 0.01, requires_grad=True)
    narrow = torch.full((_WIDTH, _INNER), 0.01, requires_grad=True)
    seconds = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            output = functional.linear(functional.gelu(functional.linear(rows, widen)), narrow)
        output.float().sum().backward()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
