"""Annotate on Ray Data: tasks read chunks, actors with the model annotate them, tasks write them.

Ray provides scheduling, retries of lost tasks and actors, backpressure and the object store. Writing is
idempotent: a chunk is stored atomically under its own name, so a retry changes nothing, and a run whose
driver was killed resumes with the missing chunks.

https://docs.ray.io/en/latest/data/data.html
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pickle
import re
import shutil
import signal
import socket
import tempfile
import threading
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from model_zoo.catalog.layout import AUTO
from ner_corpora.annotation import Settings, annotate_chunk
from ner_corpora.engines.local import missing_chunks, stored_chunks
from ner_documents.document import CorpusError
from ner_documents.sources import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from ner_corpora.chunks import Group
    from ner_corpora.engines.local import Stored
    from ner_corpora.progress import Progress
    from ner_corpora.run import Run
    from ner_corpora.workspace import Workspace
    from ner_documents.reading.records import ReadOptions

__all__ = ["Model", "RayOptions", "annotate_on_ray"]

_POLL_SECONDS = 2.0
_CONNECT_SECONDS = 10.0
# The first frame of either side of HTTP/2, on which gRPC is built.
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS
_PACKAGES = ("ner_core", "ner_documents", "ner_corpora", "model_zoo")
# Tasks that only move data request no processor, since actors may occupy all of them. This number then limits
# how many Ray starts at once.
_MOVERS_AT_ONCE = 4
# When actors occupy all processors, Ray ends other processes after one idle second and starts a new one for
# the next chunk to be written, which takes 1.5 s of processor time, half of what annotating the chunk takes.
_LOCAL = {
    "include_dashboard": False,
    "_system_config": {"idle_worker_killing_time_threshold_ms": 3_600_000},
}


@dataclass(frozen=True)
class RayOptions:
    """Cluster and parallelism of a run.

    Attributes
    ----------
    address : str or None
        Cluster to join; None starts Ray on this machine for the run.
    workers : (int, int) or None
        Minimum and maximum number of actors; None for as many as the processors of the cluster allow.
    cpus : float
        Processors, and so threads, per actor.
    ship : bool
        Whether to send this package and the model to the workers.
    """

    address: str | None = None
    workers: tuple[int, int] | None = None
    cpus: float = 1.0
    ship: bool = False


@dataclass(frozen=True)
class Model:
    """Arguments with which an actor calls `model_zoo.load`.

    Attributes
    ----------
    name : str
        Name of the zoo or path.
    options : dict
        Keyword arguments.
    irs : tuple of Path
        The IR on this machine, to ship it; several for ``auto``.
    """

    name: str
    options: dict[str, Any]
    irs: tuple[Path, ...]


class Annotator:
    """Actor that loads the model once and annotates chunks."""

    def __init__(self, model: Model, settings: Settings) -> None:
        import model_zoo

        self._recognizer = model_zoo.load(model.name, **model.options)
        self._settings = settings

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """Annotate a batch of chunks, one per row."""
        chunks = [pickle.loads(content) for content in batch["content"]]  # noqa: S301 - made by our read tasks
        content = [annotate_chunk(chunk, self._recognizer, self._settings) for chunk in chunks]
        return {"group": batch["group"], "index": batch["index"], "content": content}


def annotate_on_ray(run: Run, progress: Progress, model: Model, options: RayOptions) -> None:
    """Annotate all chunks of a run that are missing in its workspace, on Ray.

    Parameters
    ----------
    run : Run
        What to read, recognize and write. Each group is read by one task; chunks are stored in a folder that
        all workers share, or below a URL.
    progress : Progress
        Counts chunks as they are stored.
    model : Model
        What each actor loads.
    options : RayOptions
        Cluster and parallelism.

    Raises
    ------
    CorpusError
        If Ray is not installed or cannot be joined, and as `annotate_locally`.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    require("ray.data", "ray", "--engine ray")
    stored = stored_chunks(run.workspace, progress)
    folder = Path.cwd()
    reads = [
        functools.partial(
            _read_group, group, run.read_options, stored.get(group.index, {}), run.strict, folder
        )
        for group in run.groups
    ]
    with _cluster(options, model) as model_there, _watching(run.workspace, progress, stored):
        try:
            _run(reads, run.settings, model_there, run.workspace, options, folder)
        except Exception as error:  # noqa: BLE001 - Ray wraps whatever happens on its workers
            raise _cause(error) from None


def _run(
    reads: Sequence[functools.partial[Iterator[Any]]],
    settings: Settings,
    model: Model,
    workspace: Workspace,
    options: RayOptions,
    folder: Path,
) -> None:
    import ray.data

    processors = ray.cluster_resources().get("CPU", 1)
    if options.cpus > processors and options.address is None:  # Ray would wait for a larger node
        msg = f"--num-cpus-per-worker {options.cpus:g}: this machine has {processors:g} processors"
        raise CorpusError(msg)
    fit = max(1, int(processors // options.cpus))
    fewest, most = options.workers or (fit, fit)
    context = ray.data.DataContext.get_current()
    before = context.target_max_block_size, context.enable_progress_bars
    context.target_max_block_size = 1  # one chunk per block, so that the chunks of a file reach all actors
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="ray.data")  # about fewer chunks than parallel tasks
    try:
        chunks = ray.data.read_datasource(
            _datasource(reads),
            override_num_blocks=len(reads),
            concurrency=min(_MOVERS_AT_ONCE, len(reads)),
            num_cpus=0,
        )
        annotated = chunks.map_batches(
            Annotator,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=most),
            num_cpus=options.cpus,
            fn_constructor_args=(model, settings),
        )
        annotated.write_datasink(
            _datasink(workspace, folder), concurrency=_MOVERS_AT_ONCE, ray_remote_args={"num_cpus": 0}
        )
    finally:
        context.target_max_block_size, context.enable_progress_bars = before


def _read_group(
    group: Group, read_options: ReadOptions, stored: Stored, strict: bool, folder: Path
) -> Iterator[Any]:
    """Yield the missing chunks of a group as tables of one row."""
    import pyarrow

    _enter(folder)
    for chunk in missing_chunks(group, read_options, stored, strict=strict):
        content = pyarrow.array([pickle.dumps(chunk)], pyarrow.large_binary())
        yield pyarrow.table({"group": [chunk.group], "index": [chunk.index], "content": content})


def _enter(folder: Path) -> None:
    """Change to the driver's working folder, if it is shared, to resolve relative paths."""
    with contextlib.suppress(OSError):
        os.chdir(folder)


def _datasource(reads: Sequence[functools.partial[Iterator[Any]]]) -> Any:
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    class Chunks(Datasource):
        """Data source with a read task per group."""

        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[ReadTask]:
            unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
            return [ReadTask(read, unknown) for read in reads]

    return Chunks()


def _datasink(workspace: Workspace, folder: Path) -> Any:
    from ray.data import Datasink

    class StoredChunks(Datasink[None]):
        """Data sink that stores each chunk in the workspace."""

        def write(self, blocks: Iterable[Any], *_: Any) -> None:
            _enter(folder)
            for block in blocks:
                for row in block.to_pylist():
                    workspace.write((row["group"], row["index"]), row["content"])

    return StoredChunks()


@contextlib.contextmanager
def _cluster(options: RayOptions, model: Model) -> Iterator[Model]:
    """Join or start Ray; yield the model under its name on the workers."""
    import ray

    address = options.address
    with contextlib.ExitStack() as stack:
        runtime: dict[str, Any] = {}
        if options.ship:
            staging = stack.enter_context(tempfile.TemporaryDirectory(prefix="ner-ship-"))
            model = _ship(model, Path(staging))
            runtime = {"working_dir": staging}
        if not ray.is_initialized():
            local: dict[str, Any] = {} if address else _LOCAL
            try:
                _check_answers(address or "")
                terminated = signal.getsignal(signal.SIGTERM)
                ray.init(
                    address or "local",  # None would join the cluster that was started last
                    runtime_env=runtime,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **local,
                )
                with contextlib.suppress(ValueError):  # not in the main thread
                    signal.signal(signal.SIGTERM, terminated)  # Ray's handler aborts this process
            except Exception as error:
                where = f"--address {address}: cannot join Ray" if address else "Ray does not start"
                msg = f"{where}: {error}"
                raise CorpusError(msg) from error
            stack.callback(ray.shutdown)
        yield model


def _check_answers(address: str) -> None:
    """Raise OSError if no server speaks gRPC at an address with a port; Ray would try for minutes."""
    place = urlsplit(f"//{address.partition('://')[2] or address}")
    if not place.hostname or not place.port:
        return
    with socket.create_connection((place.hostname, place.port), _CONNECT_SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "0") == "0":
            connection.sendall(_HTTP2_GREETING)
            if connection.makefile("rb").read(len(_SETTINGS))[3:4] != _SETTINGS[3:4]:
                msg = "the server there is not Ray"
                raise ConnectionError(msg)


def _ship(model: Model, staging: Path) -> Model:
    """Copy packages and model to a folder that becomes the working folder of the workers."""
    import importlib

    unwanted = shutil.ignore_patterns("__pycache__", "*.bin", "*.safetensors")
    for package in _PACKAGES:
        (source,) = importlib.import_module(package).__path__
        shutil.copytree(source, staging / package, ignore=unwanted)
    options = {**model.options, "models_dir": "./models"}
    copies = [Path("models", "public", xml.stem, xml.parent.name, xml.name) for xml in model.irs]
    for xml, copy in zip(model.irs, copies, strict=True):
        shutil.copytree(xml.parent, staging / copy.parent)
    if "tokenizer" in options:
        name = Path(shutil.copy(options["tokenizer"], staging)).name
        options["tokenizer"] = f"./{name}"
    return replace(model, name=AUTO if model.name == AUTO else f"./{copies[0]}", options=options)


@contextlib.contextmanager
def _watching(workspace: Workspace, progress: Progress, stored: dict[int, Stored]) -> Iterator[None]:
    """Report chunks as the workers store them."""
    known = {(group, index) for group, indices in stored.items() for index in indices}
    done = threading.Event()

    def look() -> None:
        for key in sorted(workspace.keys() - known):
            part = workspace.part(key)
            if part is not None:
                known.add(key)
                progress.add(part.header)

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            look()

    watcher = threading.Thread(target=watch, name="watch chunks", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        look()


def _cause(error: Exception) -> Exception:
    """Return our own error if Ray's error wraps one, else a short form of Ray's."""
    ours = re.search(rf"{CorpusError.__module__}\.{CorpusError.__qualname__}: (.+)", str(error))
    if ours:
        return CorpusError(ours[1])
    if not type(error).__module__.startswith("ray"):
        return error
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return CorpusError(f"Ray: {lines[-1].strip()}; continue with --resume")
