"""Conversions on the terminal: a line for each step and each result."""

from __future__ import annotations

from typing import Any

from model_zoo.catalog.events import write_line

__all__ = ["TextReporter"]

#: Reasons of `model_zoo.convert.job` for skipping models that are IR already.
_AS_IR = ("comes with the package, ready to run", "is IR already")


class TextReporter:
    """Writes events of a conversion to standard output as sentences, whole lines from any thread.

    Parameters
    ----------
    omz : bool
        Say what was skipped in the words of Open Model Zoo's converter.
    """

    def __init__(self, *, omz: bool = False) -> None:
        self._omz = omz

    def __call__(self, event: dict[str, Any]) -> None:
        """Write the event as a line, if it has one."""
        line = _sentence(event)
        if self._omz and event["$type"] == "model_conversion_skipped":
            reason = "no conversions defined" if event["reason"] in _AS_IR else event["reason"]
            line = f"{'=' * 10} Skipping {event['model']} ({reason})"
        if line:
            write_line(line)


def _sentence(event: dict[str, Any]) -> str:
    """Return an event as a sentence; empty for events that are not shown."""
    name = event["model"]
    kind = event["$type"].removeprefix("model_conversion_")
    if kind == "progress":
        precision = f" to {event['precision']}" if "precision" in event else ""
        return f"{name}: {event['stage']}{precision}"
    if kind == "skipped":
        ready = "; nothing to convert" if event["reason"] in _AS_IR else ""
        return f"{name}: {event['reason']}{ready}"
    if kind == "result":
        notes = "".join(f"; {note}" for note in event["notes"])
        return (
            f"{name}: {event['precision']}: {event['size'] / 1e6:.1f} MB in {event['seconds']:.1f} s; "
            f"largest difference to the source {event['parity']:.2g}, where logits reach {event['scale']:.3g}"
            f"{notes}"
        )
    if kind == "end" and "folder" in event:
        also = ", ".join(event["outdated"])
        return f"{name}: in {event['folder']}" + (f"; {also} there: of another checkpoint" if also else "")
    return ""
