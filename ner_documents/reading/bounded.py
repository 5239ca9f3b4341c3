"""Reading in a separate process: an untrusted file may hang or crash a library, or exhaust the memory."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ner_documents.bounded import MEGABYTES, Answers, BoundedError, borrowed
from ner_documents.document import Block, Document, Hint, Problem
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.registry import UNTRUSTED, read
from ner_documents.sources import Meter, Source, identified, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

__all__ = ["SECONDS", "UNTRUSTED", "answer", "read_bounded", "read_safely"]

SECONDS = 60.0


def read_bounded(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    content: bytes | None = None,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[Document | Problem, None, None]:
    """Read as `read` does, in a separate process that is killed when it exceeds a limit.

    Parameters
    ----------
    source, options, content
        As for `read`; field values that JSON cannot express become strings.
    seconds : float
        Time limit of the process; the caller's own time between items does not count.
    megabytes : int
        Memory limit (address space, where the system can limit it).
    cancelled : callable, optional
        Called ten times a second; reading stops once it returns True.

    Yields
    ------
    Document or Problem
        As `read`; a file that exceeds a limit or crashes the process ends with a problem.
    """
    found = source_of(source, content)
    question = {
        "source": dataclasses.asdict(dataclasses.replace(found, content=None)),
        "options": dataclasses.asdict(options or ReadOptions()),
    }
    with borrowed(megabytes) as process:
        process.ask(__name__, question, found.content, seconds, "reader")
        try:
            while (frame := process.frame(cancelled)) is not None:
                if "end" in frame:
                    process.whole = True
                    return
                yield _item(frame)
        except BoundedError as error:
            yield Problem(found.path, None, str(error))


def read_safely(
    source: Source, options: ReadOptions, *, seconds: float = SECONDS, meter: Meter | None = None
) -> Iterator[Document | Problem]:
    """Read as `read` does, in a separate process if a library reads the file that may crash or hang.

    Parameters
    ----------
    source, options, meter
        As for `read`.
    seconds : float
        Time limit of the process.
    """
    meter = meter or Meter()
    source = identified(source)
    piped = source.path == "-" and source.content is None
    if piped or source.format not in UNTRUSTED:
        yield from read(source, options, meter=meter)
    else:
        yield from read_bounded(source, options, seconds=seconds)
        meter.bytes = source.size or 0


def answer(question: dict[str, Any], content: bytes | None, answers: Answers) -> None:
    """Read a file; runs in the separate process."""
    source = Source(**{**question["source"], "content": content})
    for item in read(source, ReadOptions(**question["options"])):
        answers.write(_frame_of(item))
    answers.write({"end": True})


def _frame_of(item: Document | Problem) -> dict[str, Any]:
    if isinstance(item, Problem):
        return {"problem": {**dataclasses.asdict(item), "raw": item.raw.decode("latin-1")}}
    blocks = [[one.kind, one.start, one.end, one.row, one.column, one.place] for one in item.blocks]
    fields = {key: None if value is item.text else value for key, value in item.fields.items()}
    same = [key for key, value in item.fields.items() if value is item.text]
    return {
        "document": [item.source, item.line, item.text, fields, item.lines, item.words, blocks, item.place],
        "same": same,
    }


def _item(frame: dict[str, Any]) -> Document | Problem:
    if "problem" in frame:
        plain = frame["problem"]
        hint = plain["hint"] and Hint(plain["hint"])
        return Problem(**{**plain, "raw": plain["raw"].encode("latin-1"), "hint": hint})
    source, line, text, fields, lines, words, blocks, place = frame["document"]
    fields |= dict.fromkeys(frame["same"], text)
    made = tuple(Block(*block) for block in blocks)
    return Document(
        source, line, text, fields, tuple(lines), None if words is None else tuple(words), made, place
    )
