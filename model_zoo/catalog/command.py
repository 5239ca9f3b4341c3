"""Run a command of the zoo: errors become messages, and an interrupt shuts it down cleanly."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from model_zoo.catalog.errors import ZooError, told_by_system

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "FAILED",
    "FINE",
    "INTERRUPTED",
    "USAGE",
    "entry_points",
    "program",
    "report_failed",
    "run_command",
]

#: Exit statuses; the last is the one that shells give SIGINT.
FINE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def entry_points(
    parser: Callable[[bool], argparse.ArgumentParser],
    run: Callable[[argparse.ArgumentParser, argparse.Namespace], int],
) -> tuple[Callable[..., int], Callable[..., int]]:
    """Return the two functions that start a command: ``main`` and ``omz``.

    Parameters
    ----------
    parser : callable
        Builds the parser; given True, with the defaults and wording of Open Model Zoo's tool.
    run : callable
        Does the work and returns the exit status; ``arguments.omz`` is what ``parser`` was given.

    Returns
    -------
    (callable, callable)
        Each takes the arguments, by default those of the process, and returns the exit status: 0 for success,
        1 for a failure. Wrong usage exits with 2.
    """

    def start(omz: bool, argv: Sequence[str] | None = None) -> int:
        def work() -> int:
            built = parser(omz)
            built.prog = program(f"omz_{run.__module__.rpartition('.')[2]}" if omz else "") or built.prog
            arguments = built.parse_args(argv)
            arguments.omz = omz
            return run(built, arguments)

        return run_command(work)

    return partial(start, False), partial(start, True)


def program(omz: str = "") -> str | None:
    """Return what usage lines call this program: what the user typed, or Open Model Zoo's name where given.

    None leaves it to argparse, which takes the name of the script.
    """
    module = getattr(sys.modules["__main__"], "__spec__", None)
    if omz or module is None:
        return omz or None
    name = module.name.removesuffix(".__main__")
    return f"python -m {name} {sys.argv[1]}" if name == "model_zoo" else f"python -m {name}"


def run_command(
    work: Callable[[], int],
    *,
    interrupted: str = "Interrupted; unfinished work left nothing behind.\n",
    unread: int = FAILED,
) -> int:
    """Run the work of a command and turn its errors into messages.

    Parameters
    ----------
    work : callable
        Returns the exit status. Ctrl-C and SIGTERM reach it as KeyboardInterrupt.
    interrupted : str
        What is printed to standard error after an interrupt that the work did not handle.
    unread : int
        Exit status if the reader of the output left before its end.

    Returns
    -------
    int
        Exit status of the work; 1 after an error, which is printed to standard error; 130 after an interrupt
        that the work did not handle.
    """
    _open_streams()
    try:
        with _terminated_as_interrupted():
            try:
                return work()
            finally:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output is gone: keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return unread
    except (ZooError, OSError) as error:
        from ner_core.rendering import visible  # names of files may contain control characters

        message = told_by_system(error) if isinstance(error, OSError) else str(error)
        sys.stderr.write(f"{visible(message)}\n")
        return FAILED
    except (KeyboardInterrupt, ImportError) as error:
        # An interrupt while an extension is initialized comes as the cause of an ImportError.
        if not isinstance(error, KeyboardInterrupt) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.stderr.write(interrupted)
        return INTERRUPTED


def _open_streams() -> None:
    """Open standard streams that the caller closed, and escape characters that a stream cannot encode.

    Closed input is empty and closed messages are dropped; a result must not be lost unnoticed, so writing to
    closed output is an error.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(_Closed(), "utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Closed(io.RawIOBase):
    """Standard output that is closed."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> NoReturn:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")


def report_failed(names: Iterable[str], *, to_output: bool = False) -> int:
    """Print the names of models that failed, to standard error or output, and return the exit status."""
    lines = [f"{name}\n" for name in names]
    if lines:
        (sys.stdout if to_output else sys.stderr).write("FAILED:\n" + "".join(lines))
    return FAILED if lines else FINE


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C; only the main thread can set signal handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
