"""How every command of the zoo runs: its errors are sentences, and an interrupt ends it in order."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from model_zoo.catalog.errors import ZooError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["FAILED", "FINE", "INTERRUPTED", "USAGE", "entry_points", "report_failed", "run_command"]

#: Exit statuses; the last as a shell says it.
FINE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def entry_points(
    parser: Callable[[bool], argparse.ArgumentParser],
    run: Callable[[argparse.ArgumentParser, argparse.Namespace], int],
) -> tuple[Callable[..., int], Callable[..., int]]:
    """Return the two functions that start a command: ``main`` and ``omz``.

    Parameters
    ----------
    parser : callable
        Makes the parser; of True, one with the defaults and words of the tool of Open Model Zoo.
    run : callable
        Does the work and returns the exit status. The arguments carry ``omz``, what the parser was made of.

    Returns
    -------
    (callable, callable)
        Each takes the arguments, by default those of the process, and returns the exit status: 0 fine, 1
        something failed. Wrong usage leaves with 2.
    """

    def start(argv: Sequence[str] | None, omz: bool) -> int:
        made = parser(omz)
        arguments = made.parse_args(argv)
        arguments.omz = omz
        return run_command(lambda: run(made, arguments))

    def main(argv: Sequence[str] | None = None) -> int:
        """Run the command."""
        return start(argv, omz=False)

    def omz(argv: Sequence[str] | None = None) -> int:
        """Run the command as Open Model Zoo's tool: from and into the current folder, with its statuses."""
        return start(argv, omz=True)

    return main, omz


def run_command(work: Callable[[], int]) -> int:
    """Do the work of a command.

    Parameters
    ----------
    work : callable
        Returns the exit status. Ctrl-C and SIGTERM reach it as KeyboardInterrupt.

    Returns
    -------
    int
        Exit status: that of the work; 1 after an error for people, which is on standard error; 130 after an
        interrupt that the work let through.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal can't show is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        with _terminated_as_interrupted():
            return work()
    except ZooError as error:
        _complain(str(error))
        return FAILED
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read the output has left; let the interpreter find nothing more to write there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        where = f"{error.filename}: " if error.filename is not None else ""
        _complain(f"{where}{error.strerror or error}")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; unfinished work left nothing behind.\n")
        return INTERRUPTED


def _complain(message: str) -> None:
    """Print a message for people; names of files in it may hold what a terminal would obey."""
    from ner_core.rendering import visible

    sys.stderr.write(f"{visible(message)}\n")


def report_failed(names: Iterable[str], *, to_output: bool = False) -> int:
    """List the models that failed, on standard error or output; return the exit status."""
    lines = [f"{name}\n" for name in names]
    if lines:
        (sys.stdout if to_output else sys.stderr).write("FAILED:\n" + "".join(lines))
    return FAILED if lines else FINE


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
