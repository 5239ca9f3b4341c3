"""EngineSettings: how a model is run, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ner_core.arguments import check_count, check_path
from ner_core.compute import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["HINTS", "EngineSettings"]

HINTS = ("AUTO", "LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a model is run.

    Attributes
    ----------
    compute : str
        Arithmetic of a CPU, one of `ner_core.compute.COMPUTE`. ``auto``: the fastest that the processor
        supports and the model is known to tolerate. ``exact``: float32, the same on every processor. Or an
        arithmetic by its name. With ``auto``, other devices use their default.
    hint : str
        ``LATENCY``, ``THROUGHPUT``, or ``AUTO``: latency, and on a CPU throughput for long runs, once they
        are worth compiling (and a copy of the weights) a second time.
    streams, threads : int, optional
        Parallel streams and threads of the CPU; OpenVINO's choice when not given.
    cache_dir : str or Path, optional
        Folder for compiled models, for devices that compile slowly; see `ner_core.compiled_cache`.
    fallback : bool
        Use the CPU, with a message in `notes`, if the device is missing or fails.
    static_shapes : sequence of (int, int), optional
        Shapes (rows, length) to compile for instead of any shape; by default only on an NPU, or where the
        model itself has fixed inputs.

    Raises
    ------
    TypeError
        If a count is not a whole number, or the folder is not a path.
    ValueError
        If the hint or the arithmetic is unknown, or a count is below 1.
    """

    compute: str = "auto"
    hint: str = "AUTO"
    streams: int | None = None
    threads: int | None = None
    cache_dir: str | Path | None = None
    fallback: bool = False
    static_shapes: Sequence[tuple[int, int]] | None = None

    def __post_init__(self) -> None:
        if self.hint not in HINTS:
            msg = f"Unknown performance hint {self.hint!r}: expected {', '.join(HINTS[:3])}."
            raise ValueError(msg)
        if self.compute not in COMPUTE:
            msg = f"Unknown compute {self.compute!r}: expected {', '.join(COMPUTE)}."
            raise ValueError(msg)
        check_count("streams", self.streams)
        check_count("threads", self.threads)
        if self.cache_dir is not None:
            check_path("cache_dir", self.cache_dir, "a folder")

    def changed(self, **changes: Any) -> EngineSettings:
        """Return a copy with changed settings; raise `TypeError` for an unknown name."""
        known = [field.name for field in fields(self)]
        if unknown := [name for name in changes if name not in known]:
            msg = f"Unknown option {', '.join(unknown)}; engine settings are {', '.join(known)}."
            raise TypeError(msg)
        return replace(self, **changes)

    @property
    def properties(self) -> dict[str, Any]:
        """OpenVINO properties that do not depend on the device."""
        given = {"NUM_STREAMS": self.streams, "INFERENCE_NUM_THREADS": self.threads}
        return {name: value for name, value in given.items() if value is not None}
