"""Work in a separate process, ``python -m model_zoo.<module>``, whose failure is reported as one sentence.

torch, transformers and nncf take hundreds of megabytes that a process never frees, print freely, and read
untrusted files. In a process of their own they cannot harm the caller (a terminal, the page, a service).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.catalog.errors import ZooError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["INSTALL", "WorkerError", "report_failure", "run_worker", "workers_ended"]

INSTALL = 'pip install "ner-zoo[convert]" (in a clone of the repository: pip install ".[convert]")'

#: A worker writes the reason of its failure to this file in the shared folder.
ERROR_FILE = "error.txt"
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
        Its temporary files go there (``/tmp`` may be small, or in memory), and so does `ERROR_FILE`.
    python : str
        The interpreter.

    Raises
    ------
    WorkerError
        With the message in `ERROR_FILE`, or else the last line on standard error.
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
    told = folder / ERROR_FILE
    if told.is_file():
        raise WorkerError(told.read_text(encoding="utf-8"))
    how = (
        "was killed, perhaps because memory ran out"
        if process.returncode < 0
        else f"ended with {process.returncode}"
    )
    last = (said.strip().splitlines() or ["no message"])[-1]
    remedy = f"; {python} needs its packages: {INSTALL}" if last.startswith("ModuleNotFoundError") else ""
    msg = f"{module} {how}: {last}{remedy}"
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
    """Do the work of a worker and return its exit status; write an error message where `run_worker` looks.

    `expected` are exceptions with a message for users; others are bugs and keep their traceback.
    """
    try:
        work()
    except ModuleNotFoundError as error:
        message = f"This needs {error.name}, which is not installed. Run: {INSTALL}"
    except (expected, OSError) as error:
        message = str(error)
    else:
        return 0
    try:
        (folder / ERROR_FILE).write_text(message, encoding="utf-8")
    except OSError:  # a full disk: the message is the last line instead
        sys.stderr.write(f"{message}\n")
    return 1
