"""A batch of documents, read and recognized in steps that show progress and can be cancelled."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from ner_app.file_names import distinct
from ner_app.jobs import Cancelled, in_background
from ner_app.limits import LimitError
from ner_app.long_texts import PART, stream_with_share
from ner_app.service import filtered
from ner_core.entity import joined
from ner_documents.document import Document, Hint, Problem
from ner_documents.fetching import FetchError, fetch_page
from ner_documents.parts import Part, parts_of
from ner_documents.reading import ReadOptions, read_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ner_app.findings import Findings
    from ner_app.service import Choice, Service
    from ner_core import Recognition

__all__ = ["Step", "read_sources", "recognize_documents", "work_through"]

# Progress and cancelling wait for a round of texts: two seconds of bert-base on two processors.
_LOOK_AHEAD = 2 * PART
_HINTS = {
    Hint.COLUMN: "choose it in the list of columns, or rename it in the file",
    Hint.OTHER_COLUMN: "another can be chosen in the list of columns",
    Hint.ENCODING: "save the file as UTF-8",
    Hint.OTHER_ENCODING: "if letters look wrong, save the file as UTF-8",
    Hint.INTO: "rename it in the file",
    Hint.LIMIT: "split it",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Progress of the work.

    Attributes
    ----------
    finished : int
        Sources read to the end.
    name : str
        What is being read.
    share : float
        How much of the current source is done, 0 to 1.
    row, rows : int
        Documents of the current source that are done, and all of them; 0 while unknown.
    """

    finished: int
    name: str
    share: float = 0.0
    row: int = 0
    rows: int = 0


def work_through(
    service: Service,
    choice: Choice,
    findings: Findings,
    paths: Sequence[Path],
    url: str,
    threshold: float,
    column: str,
    cancelled: threading.Event,
) -> Iterator[Step]:
    """Read and recognize everything; what cannot be read becomes a problem and the rest goes on.

    Parameters
    ----------
    service, choice
        What answers.
    findings : Findings
        Takes the results.
    paths, url, column, cancelled
        As for `read_sources`.
    threshold : float
        Minimum score.

    Yields
    ------
    Step
        At each source, a few times a second while it is read, and after each part of it.
    """
    sources = list(read_sources(service, paths, url, column, cancelled))
    try:
        for number, (name, read) in enumerate(sources):
            share = 0.0
            try:
                begun = partial(Step, number, name)
                yield begun()
                items = yield from in_background(read, begun, cancelled)
            except (FetchError, LimitError) as error:
                findings.problems.append(str(error))
                continue
            except Cancelled:
                items = []
            for item in items:
                if isinstance(item, Problem):  # of the page, the preview says which column was taken
                    remarks = findings.choices if item.hint is Hint.OTHER_COLUMN else findings.problems
                    remarks.append(f"{item.where}: {item.told(_HINTS)}")
            documents = [item for item in items if isinstance(item, Document)]
            row = 0
            for document, found, share in recognize_documents(service, documents, choice, cancelled):
                if found is not None:
                    findings.add(document, filtered(found, threshold), service.recognizer(choice).labels)
                    row += 1
                yield Step(number, document.where, share, row, len(documents))
            finished = number + (share == 1)
            if cancelled.is_set() and finished < len(sources):
                findings.partial = f"{finished} of {len(sources)} sources were read to the end"
                return
    finally:
        cancelled.set()  # also when the visitor has left: what is being read ends


def read_sources(
    service: Service, paths: Sequence[Path], url: str, column: str, cancelled: threading.Event
) -> Iterator[tuple[str, Callable[[], list[Document | Problem]]]]:
    """Yield the name of every source and a function that reads it.

    Parameters
    ----------
    service : Service
        Has the limits.
    paths : sequence of Path
        Uploaded files.
    url : str
        Web address, or empty.
    column : str
        Column of tables that holds the text; empty, or in a table without it, to have it chosen.
    cancelled : threading.Event
        Once it is set, reading ends.
    """
    limits = service.limits

    def read_file(name: str, path: Path) -> list[Document | Problem]:
        limits.check_file(name, path.stat().st_size)
        return read(name, path.read_bytes(), None)

    def read_page() -> list[Document | Problem]:
        page = fetch_page(url, max_bytes=limits.page_bytes, seconds=limits.fetch_seconds)
        found = read(f"page{page.suffix}", page.content, page.charset)
        return [dataclasses.replace(one, source=page.url) for one in found]

    def read(
        name: str, content: bytes, encoding: str | None, column: str | None = column.strip() or None
    ) -> list[Document | Problem]:
        options = ReadOptions(column=column, encoding=encoding)
        items: list[Document | Problem] = []
        characters = 0
        for item in read_bounded(name, options, content=content, cancelled=cancelled.is_set):
            characters += item.characters if isinstance(item, Document) else 0
            if characters > limits.document_characters:
                msg = f"{name}: holds more than {limits.document_characters:,} characters. Split the file."
                raise LimitError(msg)
            items.append(item)
        # The column is chosen for all tables: in one that lacks it, the text is found as its preview says.
        lacking = all(isinstance(item, Problem) and item.hint is Hint.COLUMN for item in items)
        return read(name, content, encoding, None) if column and items and lacking else items

    for name, path in zip(distinct(path.name for path in paths), paths, strict=True):
        yield name, partial(read_file, name, path)
    if url.strip():
        yield url.strip(), read_page


def recognize_documents(
    service: Service,
    documents: Sequence[Document],
    choice: Choice,
    cancelled: threading.Event | None = None,
) -> Iterator[tuple[Document, Recognition | None, float]]:
    """Recognize documents as one stream, so that many short ones run in batches and a long one in parts.

    Parameters
    ----------
    service : Service
        Answers.
    documents : sequence of Document
        Of any length.
    choice : Choice
        What runs.
    cancelled : threading.Event or None
        Once it is set, the work ends with the current batch. An unfinished document is cut to its finished
        parts, and its name says so.

    Yields
    ------
    tuple of (Document, Recognition or None, float)
        The current document, its result once complete, and the share of all characters that is done.
    """
    ready: deque[tuple[Document, Recognition | None, float]] = deque()
    ended, left = cancelled or threading.Event(), threading.Event()
    total = max(sum(document.characters for document in documents), 1)
    # Characters of the parts that are done, those of the part at work, and its share that is done.
    done, length, share = 0, 0, 0.0
    collected: list[tuple[int, Recognition]] = []
    document = documents[0] if documents else None

    def parts() -> Iterator[tuple[Document, Part, bool]]:
        for one in documents:
            cut = parts_of(one, PART)
            yield from ((one, part, part is cut[-1]) for part in cut)

    def watch(reached: float) -> None:
        nonlocal share
        share = reached
        if ended.is_set() or left.is_set():
            raise Cancelled

    def work() -> None:
        nonlocal document, done, length, share
        texts, spans, places = itertools.tee(parts(), 3)
        answers = stream_with_share(
            service.checked(choice),
            (part.text for _, part, _ in texts),
            watch,
            look_ahead=_LOOK_AHEAD,
            segments=(part.segments for _, part, _ in spans),
        )
        for document, part, last in places:
            length, share = len(part.text), 0.0
            collected.append((part.start, next(answers)))
            done, length = done + length, 0
            ready.append((document, joined(document.text, collected) if last else None, done / total))
            if last:
                collected.clear()

    def arrived() -> Iterator[tuple[Document, Recognition | None, float]]:
        while ready:
            yield ready.popleft()

    try:
        if not ended.is_set():
            with contextlib.suppress(Cancelled):
                for _ in in_background(work, lambda: None, threading.Event()):
                    yield from arrived()
                    if document is not None and length:
                        yield document, None, (done + share * length) / total
            yield from arrived()
        if collected and document is not None:
            end = collected[-1][0] + len(collected[-1][1].text)
            name = f"{document.where} (first {end:,} of {document.characters:,} characters)"
            cut = Document(name, None, document.text[:end], {})
            yield cut, joined(cut.text, collected), done / total
    finally:
        left.set()
