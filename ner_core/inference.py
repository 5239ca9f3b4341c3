"""The interface of engines, which run a model here or on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from ner_core.batching import Batch

__all__ = ["InferenceEngine"]


class InferenceEngine(Protocol):
    """Token ids in, logits out: `ner_core.engine.Engine` and `ner_core.remote.RemoteEngine`."""

    @property
    def device(self) -> str:
        """The device that actually runs the model, or the address of its server."""

    @property
    def compute(self) -> str:
        """The arithmetic of the device, see `ner_core.compute`; empty if unknown."""

    @property
    def description(self) -> str:
        """The model, where it runs, and the runtime's version, for messages."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Messages for the user, such as a fallback to another device."""

    @property
    def label_count(self) -> int:
        """Number of labels; 0 if unknown."""

    @property
    def max_length(self) -> int | None:
        """Longest row, special tokens included; None without limit."""

    def shape(self, length: int) -> tuple[int, int] | None:
        """Return the fixed shape for rows of this length; None if shapes are dynamic."""

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """Run batches, several at once.

        Parameters
        ----------
        batches : iterable of Batch
            Drawn while earlier batches run.

        Yields
        ------
        ndarray of float32, shape (rows, length, labels)
            Logits in the order of the batches; valid until the next one is drawn.
        """
