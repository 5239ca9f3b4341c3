"""Work in a separate process, ``python -m model_zoo.<module>``, whose failure is reported as one sentence.

torch, transformers and nncf take hundreds of megabytes that a process never frees, print freely, and read
untrusted files. In a process of their own they cannot harm the caller (a terminal, the page, a service).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.catalog.errors import ZooError, told_by_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["INSTALL", "WorkerError", "report_failure", "run_worker", "workers_ended"]

INSTALL = 'pip install "ner-zoo[convert]" (in a clone of the repository: pip install ".[convert]")'

#: What begins the line on standard error that holds the reason of a failure, as JSON.
_REASON = "failed because of "
_INTERRUPTED = "interrupted"

_running: set[subprocess.Popen[str]] = set()
_starting = threading.Lock()  # held until a process that was started is in the set
_ended = threading.Event()


class WorkerError(ZooError, ValueError):
    """The error message of a worker, or how its process ended."""


def run_worker(module: str, arguments: Sequence[str], folder: Path, python: str = sys.executable) -> None:
    """Run a module of this package and wait for it.

    Parameters
    ----------
    module : str
        Such as ``model_zoo.convert.tracing``.
    arguments : sequence of str
    folder : pathlib.Path
        Its temporary files go there: ``/tmp`` may be small, or in memory.
    python : str
        The interpreter.

    Raises
    ------
    WorkerError
        With the reason that the worker gives, or else the last line on standard error.
    """
    root = str(Path(__file__).resolve().parents[2])
    places = {
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
        "TMPDIR": str(folder.resolve()),
        "HF_HUB_OFFLINE": "1",  # checkpoints are local
        "TRANSFORMERS_VERBOSITY": "error",
    }
    try:
        with _starting:
            if _ended.is_set():
                raise WorkerError(_INTERRUPTED)
            process = subprocess.Popen(
                [python, "-m", module, *arguments],
                env=os.environ | places,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            _running.add(process)
    except OSError as error:
        msg = f"--python {python}: cannot be run: {error.strerror or error}"
        raise WorkerError(msg) from error
    with process:
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    if process.returncode == 0:
        return
    if _ended.is_set():
        raise WorkerError(_INTERRUPTED)
    lines = said.strip().splitlines() or ["no message"]
    for line in lines:
        if line.startswith(_REASON):
            raise WorkerError(json.loads(line.removeprefix(_REASON)))
    how = (
        "was killed, perhaps because memory ran out"
        if process.returncode < 0
        else f"ended with {process.returncode}"
    )
    lack = lines[-1].startswith("ModuleNotFoundError")
    remedy = f"; {python} needs its packages: {INSTALL}" if lack else ""
    msg = f"{module} {how}: {lines[-1]}{remedy}"
    raise WorkerError(msg)


@contextlib.contextmanager
def workers_ended() -> Iterator[None]:
    """End the running workers, and start none meanwhile; their callers get `WorkerError`."""
    _ended.set()
    with _starting:
        running = list(_running)
    for process in running:
        process.terminate()
    try:
        yield
    finally:
        _ended.clear()


def report_failure(folder: Path, work: Callable[[], None], expected: type[Exception]) -> int:
    """Do the work of a worker, which writes to a folder, and return its exit status; tell `run_worker` why.

    `expected` are exceptions with a message for users; others are bugs and keep their traceback.
    """
    try:
        work()
    except ModuleNotFoundError as error:
        message = f"This needs {error.name}, which is not installed. Run: {INSTALL}"
    except OSError as error:
        message = told_by_system(error, folder)
    except expected as error:
        message = str(error)
    else:
        return 0
    sys.stderr.write(f"\n{_REASON}{json.dumps(message)}\n")
    return 1
