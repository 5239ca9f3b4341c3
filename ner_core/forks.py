"""Models in processes forked after OpenVINO was used: a fresh helper process runs them.

OpenVINO's threads do not survive a fork, so a call in the child would mostly hang. This happens with
``multiprocessing``'s default on Linux up to Python 3.13, ``datasets``' ``map(num_proc=…)`` and servers that
load a model before they fork. Text stays in the forked process; token ids go out and logits come back through
a pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import weakref
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any

from ner_core.compute import borne_ways
from ner_core.engine import Engine
from ner_core.hardware import DeviceError, ForkedProcessError, forked
from ner_core.ir import model_info, read_model
from ner_core.kserve import is_remote
from ner_core.remote import RemoteEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np

    from ner_core.batching import Batch
    from ner_core.inference import InferenceEngine
    from ner_core.settings import EngineSettings

__all__ = ["OpenModel", "open_model", "serve"]

# Batches sent together, so that the helper process can run several at once.
_TOGETHER = 8


class OpenModel:
    """A model file that was read in this process.

    Attributes
    ----------
    info : dict of str to str
        The section ``model_info`` of its rt_info.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = read_model(path)
        self.info = model_info(self._model)

    def start(self, device: str, settings: EngineSettings, longest: int) -> InferenceEngine:
        """Return an engine for a device of this machine or for a server; raises as they do."""
        if is_remote(device):
            return RemoteEngine(device)
        return Engine(self._model, self._path, device, settings, borne=borne_ways(self.info), longest=longest)


def open_model(path: Path) -> OpenModel | _ModelElsewhere:
    """Read a model file here, or in a helper process if this one was forked; raises as `read_model`."""
    return _ModelElsewhere(path) if forked() else OpenModel(path)


class _ModelElsewhere:
    """A model file read by the helper process, with the interface of `OpenModel`."""

    def __init__(self, path: Path) -> None:
        if not sys.executable:
            msg = (
                "OpenVINO was used before this process was forked, so a new Python process must run the "
                "model, but sys.executable is empty. Use multiprocessing's method 'spawn'."
            )
            raise ForkedProcessError(msg)
        # The tokenizer's threads are missing too; without this it prints a long warning.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._process = _Process()
        self.info: dict[str, str] = self._process.ask("read", path)

    def start(self, device: str, settings: EngineSettings, longest: int) -> InferenceEngine:
        return _EngineElsewhere(self._process, device, settings, longest)


class _EngineElsewhere:
    """An `InferenceEngine` that runs in the helper process."""

    def __init__(self, process: _Process, device: str, settings: EngineSettings, longest: int) -> None:
        self._process = process
        facts, shapes = process.ask("start", device, settings, longest)
        self._told(facts)
        self._shapes: list[tuple[int, int]] = shapes
        self.max_length = shapes[-1][1] if shapes else None

    def _told(self, facts: dict[str, Any]) -> None:
        self.device: str = facts["device"]
        self.compute: str = facts["compute"]
        self.description: str = facts["description"]
        self.notes: tuple[str, ...] = facts["notes"]
        self.label_count: int = facts["label_count"]

    def shape(self, length: int) -> tuple[int, int] | None:
        return next((fixed for fixed in self._shapes if fixed[1] >= length), None)

    def run(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        together: list[Batch] = []
        for batch in batches:
            together.append(batch)
            if len(together) == _TOGETHER or not batch.following:
                yield from self._ask(together)
                together = []
        if together:
            yield from self._ask(together)

    def _ask(self, batches: list[Batch]) -> list[np.ndarray]:
        logits, facts = self._process.ask("run", batches)
        self._told(facts)
        return list(logits)


class _Process:
    """The helper process and the pipe to it; it ends when the pipe closes, at latest with this process."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        number = theirs.fileno()
        code = f"import sys; sys.path[:] = {sys.path!r}; import ner_core.forks as f; f.serve({number})"
        command = [sys.executable, "-c", code]
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number])
        theirs.close()
        self._asking = threading.Lock()
        weakref.finalize(self, _end, self._pipe, started)

    def ask(self, question: str, *given: Any) -> Any:
        """Return the answer to one request; an error of the helper process is raised here."""
        with self._asking:
            try:
                self._pipe.send((question, given))
                answer = self._pipe.recv()
            except (EOFError, OSError):
                msg = "The helper process that runs the model has ended unexpectedly; load the model again."
                raise DeviceError(msg) from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _end(pipe: Connection, started: subprocess.Popen[bytes]) -> None:
    pipe.close()
    started.wait()


def serve(number: int) -> None:
    """Answer the requests of a forked process until it closes the pipe.

    Parameters
    ----------
    number : int
        File descriptor of the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = _Answers()
    with Connection(number) as pipe:
        while True:
            try:
                question, given = pipe.recv()
            except (EOFError, OSError):
                return
            try:
                answer = getattr(answers, question)(*given)
            except Exception as error:  # noqa: BLE001 - raised again by `_Process.ask`
                answer = error
            pipe.send(answer)


class _Answers:
    """The requests that the helper process answers: read, start and run a model."""

    def read(self, path: Path) -> dict[str, str]:
        self._model = OpenModel(path)
        return self._model.info

    def start(self, device: str, settings: EngineSettings, longest: int) -> tuple[dict[str, Any], list[Any]]:
        self._engine = self._model.start(device, settings, longest)
        lengths = range(1, (self._engine.max_length or 0) + 1)
        shapes = list(dict.fromkeys(self._engine.shape(length) for length in lengths))
        return self._facts(), shapes

    def run(self, batches: list[Batch]) -> tuple[list[np.ndarray], dict[str, Any]]:
        logits = [one.copy() for one in self._engine.run(batches)]
        return logits, self._facts()

    def _facts(self) -> dict[str, Any]:
        names = ("device", "compute", "description", "notes", "label_count")
        return {name: getattr(self._engine, name) for name in names}
