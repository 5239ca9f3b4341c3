"""Download and convert a model in separate processes, with live progress.

The zoo's own commands run. So PyTorch, which only the converter needs, never enters the page's process, and
stopping is safe: a later download continues where it stopped.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import model_zoo
from model_zoo.catalog import folders, zoo
from model_zoo.catalog.hub_names import hub_name
from ner_app.commands import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Installation", "Progress", "hub_name", "hub_names", "model_of", "own_names"]


@dataclass
class Progress:
    """Progress of a download, from the downloader's JSON events.

    Attributes
    ----------
    step : str
        Current step, for people.
    file : str
        The file being fetched.
    detail : str
        What the converter is doing.
    sizes, done : dict of str to int
        Bytes of each file: announced, and arrived.
    """

    step: str = "Starting"
    file: str = ""
    detail: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    _begun: float = field(default_factory=time.monotonic)
    _already: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """Read one event, as the downloader's ``--progress_format json`` writes them.

        Examples
        --------
        >>> progress = Progress()
        >>> progress.take({"$type": "model_file_download_begin", "model_file": "a.bin", "size": 10})
        >>> progress.take({"$type": "model_file_download_progress", "model_file": "a.bin", "size": 5})
        >>> progress.share
        0.5
        """
        kind = event.get("$type", "")
        name = str(event.get("model_file") or self.file)
        if kind == "model_file_download_begin":
            self.step, self.file = "Downloading", name
            self.sizes[name] = int(event.get("size") or 0)
        elif kind == "model_file_download_progress":
            self._arrived(name, int(event.get("size") or 0))
        elif kind == "model_file_download_end" and event.get("successful"):
            self.sizes[name] = int(event.get("size") or self.sizes.get(name, 0))
            self._arrived(name, self.sizes[name])
        elif kind == "model_postprocessing_begin":
            self.step = "Unpacking"
        elif kind == "model_conversion_progress":
            self.detail = " ".join(str(event[key]) for key in ("stage", "precision") if event.get(key))

    def _arrived(self, name: str, size: int) -> None:
        if name not in self.done:  # what an earlier run left says nothing about today's speed
            self._already += size
        self.done[name], self.file = size, name

    @property
    def share(self) -> float:
        """Share of the announced bytes that has arrived, 0 to 1."""
        total = sum(self.sizes.values())
        return min(1.0, sum(self.done.values()) / total) if total else 0.0

    @property
    def speed(self) -> float:
        """Bytes a second since the beginning."""
        seconds = time.monotonic() - self._begun
        return max(0, sum(self.done.values()) - self._already) / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the announced bytes will take; None while unknown."""
        left = sum(self.sizes.values()) - sum(self.done.values())
        return left / self.speed if self.speed > 0 and left > 0 else None


def hub_names() -> list[str]:
    """Return the names of the Hugging Face hub's models in the models folder."""
    return [
        hub_name(path.parent.name) for path in sorted(folders.models_dir().glob("public/hf--*/model.yml"))
    ]


def own_names() -> list[str]:
    """Return the names of models that were made here: a model.yml in the models folder, and no zoo has it."""
    known = {model.name for model in zoo.load_catalog()}
    found = sorted(path.parent.name for path in folders.models_dir().glob("public/*/model.yml"))
    return [name for name in found if name not in known and not name.startswith("hf--")]


def model_of(name: str) -> zoo.Model | None:
    """Return what the zoo says of a model, or the model.yml of one that was made here."""
    return folders.find_model(name, folders.models_dir() if name in own_names() else None)


class Installation(Commands):
    """The download and conversion of a model; after a cancelled one, the next continues where it stopped."""

    def __init__(self, name: str, output_dir: Path) -> None:
        super().__init__(name)
        self.progress = Progress()
        self._output_dir = output_dir

    def run(self) -> Iterator[Progress]:
        """Download and convert; yield the progress a few times a second.

        Raises
        ------
        CommandError
            A command failed.
        """
        scripts = Path(model_zoo.__file__).parent
        folder = str(self._output_dir)
        options = ["--name", self.name, "--output_dir", folder, "--progress_format", "json"]
        converting = [*options, "--download_dir", folder]
        steps = {"Downloading": ["downloader.py", *options], "Converting": ["converter.py", *converting]}
        for step, (script, *arguments) in steps.items():
            if self.cancelled:
                return
            self.progress.step = step
            yield self.progress
            for _ in self._do(step, [str(scripts / script), *arguments], self._take):
                yield self.progress

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if isinstance(event, dict):
            self.progress.take(event)
