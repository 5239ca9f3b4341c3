"""Texts of several visitors in one batch."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ner_core import Recognition

__all__ = ["Gathering"]

_MOST_TEXTS = 8


class Gathering:
    """Run the texts of several callers together, without making a lone caller wait.

    The first caller runs at once. Texts that arrive meanwhile are queued, and the next waiting caller runs
    them as one batch. For short texts this saves a quarter of the processor time with 4 callers and 40 %
    with 16 (minilm-ner, two processors).

    Parameters
    ----------
    run : callable
        Maps a list of texts, eight at most, to their results, in order.

    Examples
    --------
    >>> Gathering(lambda texts: [text.upper() for text in texts])("mary")
    'MARY'
    """

    def __init__(self, run: Callable[[list[str]], list[Recognition]]) -> None:
        self._run = run
        self._turn = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._busy = False

    def __call__(self, text: str, progress: Callable[[int, int], None] | None = None) -> Recognition:
        """Return the result of one text.

        Parameters
        ----------
        text : str
            A text.
        progress : callable, optional
            Called before the text runs; an exception it raises is raised here, and the text is skipped.
        """
        mine = _Waiting(text, progress, Future())
        with self._turn:
            self._waiting.append(mine)
            while self._busy and not mine.answer.done():
                self._turn.wait()
            if mine.answer.done():
                return mine.answer.result()
            self._busy = True
            self._waiting.remove(mine)
            batch = [mine, *self._waiting[: _MOST_TEXTS - 1]]
            del self._waiting[: _MOST_TEXTS - 1]
        try:
            self._answer([waiting for waiting in batch if waiting.wanted()])
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()
        return mine.answer.result()

    def _answer(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        try:
            found = self._run([waiting.text for waiting in batch])
        except Exception as error:  # noqa: BLE001 - handed to the callers, whose error it is
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            # One text must not spoil the others' answers.
            for waiting in batch:
                self._answer([waiting])
        else:
            for waiting, one in zip(batch, found, strict=True):
                waiting.answer.set_result(one)


class _Waiting(NamedTuple):
    """A text, and its answer once there is one."""

    text: str
    progress: Callable[[int, int], None] | None
    answer: Future[Recognition]

    def wanted(self) -> bool:
        """Return whether somebody still waits for it."""
        try:
            if self.progress is not None:
                self.progress(0, 1)
        except Exception as error:  # noqa: BLE001 - raised where the text was given
            self.answer.set_exception(error)
        return not self.answer.done()
