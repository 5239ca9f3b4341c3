"""Annotate in this process; reading, recognizing and writing overlap in bounded memory."""

from __future__ import annotations

import json
import threading
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ner_corpora.annotation import annotate_chunk
from ner_corpora.chunks import Chunk, Group, read_chunks
from ner_documents.document import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_core import EntityRecognizer
    from ner_corpora.progress import Progress
    from ner_corpora.run import Run
    from ner_corpora.workspace import Key, Workspace
    from ner_documents.reading.records import ReadOptions

__all__ = ["Stored", "annotate_locally", "missing_chunks", "stored_chunks"]

#: Stored chunks of a group: index to checksum and whether it is the last.
Stored = dict[int, tuple[int, bool]]

# Two, so that the last batches of a chunk overlap with the first of the next and the processor is never idle.
_CHUNKS_AT_ONCE = 2


def annotate_locally(run: Run, progress: Progress, recognizer: EntityRecognizer) -> None:
    """Annotate all chunks of a run that are missing in its workspace.

    Parameters
    ----------
    run : Run
        What to read, recognize and write.
    progress : Progress
        Counts the chunks.
    recognizer : EntityRecognizer
        Called by two threads.

    Raises
    ------
    CorpusError
        For an unreadable document if the run is strict, naming file and line; or if an input changed since
        the run began.
    """
    workspace = run.workspace
    stopped = threading.Event()

    def end_if_stopped(*_: int) -> None:
        if stopped.is_set():
            raise CancelledError

    pending: deque[tuple[Key, Future[bytes]]] = deque()

    def store_oldest() -> None:
        key, future = pending.popleft()
        content = future.result()
        workspace.write(key, content)
        progress.add(json.loads(content[: content.index(b"\n")]))

    with ThreadPoolExecutor(_CHUNKS_AT_ONCE, thread_name_prefix="annotate") as pool:
        try:
            stored = stored_chunks(workspace, progress)
            for group in run.groups:
                known = stored.get(group.index, {})
                for chunk in missing_chunks(group, run.read_options, known, strict=run.strict):
                    annotated = pool.submit(annotate_chunk, chunk, recognizer, run.settings, end_if_stopped)
                    pending.append(((chunk.group, chunk.index), annotated))
                    if len(pending) > _CHUNKS_AT_ONCE:
                        store_oldest()
            while pending:
                store_oldest()
        except BaseException:
            stopped.set()  # leaving this block waits for running chunks, which may take minutes
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def stored_chunks(workspace: Workspace, progress: Progress) -> dict[int, Stored]:
    """Return the chunks that an interrupted run annotated, by group."""
    stored: dict[int, Stored] = {}
    for group, index in sorted(workspace.keys()):
        part = workspace.part((group, index))
        if part is not None:
            stored.setdefault(group, {})[index] = (part.header["checksum"], part.header["last"])
            progress.add_earlier(part.header)
    return stored


def missing_chunks(
    group: Group, read_options: ReadOptions, stored: Stored, *, strict: bool = False
) -> Iterator[Chunk]:
    """Read the missing chunks of a group; a complete group is not read again.

    Raises
    ------
    CorpusError
        If the content of a stored chunk has changed, or for an unreadable document if `strict`.
    """
    if any(last and len(stored) == index + 1 for index, (_, last) in stored.items()):
        return
    for chunk in read_chunks(group, read_options):
        if chunk.index not in stored:
            problem = next((one for one in chunk.problems if one.lost), None)
            if strict and problem is not None:
                msg = f"{problem} (stopped by --strict; --resume without it continues)"
                raise CorpusError(msg)
            yield chunk
        elif stored[chunk.index] != (chunk.checksum, chunk.last):
            msg = f"{group.sources[0].path}: changed since the run began; start again with --overwrite"
            raise CorpusError(msg)
