"""A run, from inputs to output file: plan, annotate with an engine, assemble."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.locks import alone
from ner_corpora.chunks import CHUNK_CHARACTERS, CHUNK_DOCUMENTS, Group, group_sources
from ner_corpora.progress import Progress
from ner_corpora.workspace import Workspace, write_atomically
from ner_documents.document import CorpusError
from ner_documents.sources import Source, filesystem_of, is_url
from ner_documents.writing.formats import assemble

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ner_corpora.annotation import Settings
    from ner_documents.reading.records import ReadOptions
    from ner_documents.writing.parts import Part

__all__ = ["Run", "errors_of"]

logger = logging.getLogger(__name__)

_VERSION = 2

Engine = Callable[["Run", Progress], None]


@dataclass(frozen=True)
class Run:
    """The inputs, settings and outputs of a run.

    Attributes
    ----------
    sources : tuple of Source
        Inputs in order.
    read_options : ReadOptions
        How they are read.
    settings : Settings
        What is recognized and written.
    model : dict
        Identity of the model; a run resumes only with the same.
    labels : tuple of str
        Entity types of the model, in order.
    output : str
        Path or URL.
    errors : str
        Path or URL of the errors file, which is written only if there are errors or notes.
    work_folder : str
        Folder for chunks until the run is finished.
    strict : bool
        Stop at the first document that cannot be read.
    """

    sources: tuple[Source, ...]
    read_options: ReadOptions
    settings: Settings
    model: dict[str, Any]
    labels: tuple[str, ...]
    output: str
    errors: str
    work_folder: str
    strict: bool = False

    @property
    def workspace(self) -> Workspace:
        """The chunks of this run."""
        return Workspace(self.work_folder)

    @cached_property
    def groups(self) -> list[Group]:
        """The sources, in groups that are read in order."""
        return group_sources(self.sources)

    @property
    def plan(self) -> dict[str, Any]:
        """Everything that the output depends on."""
        listing = json.dumps([asdict(source) for source in self.sources])
        return {
            "version": _VERSION,
            "inputs": f"{len(self.sources)} files, sha256 {hashlib.sha256(listing.encode()).hexdigest()}",
            "reading": asdict(self.read_options),
            "writing": json.loads(json.dumps(asdict(self.settings))),
            "model": self.model,
            "chunks": [CHUNK_DOCUMENTS, CHUNK_CHARACTERS],
        }

    def alone(self) -> AbstractContextManager[None]:
        """Lock a local work folder for a block; `CorpusError` if another run uses it."""
        if is_url(self.work_folder):
            return nullcontext()
        folder = Path(self.work_folder).resolve()  # never a lock inside, as for "run/" and "."
        return alone(Path(f"{folder}.lock"), self.work_folder, "write elsewhere", CorpusError)

    def prepare(self, *, resume: bool, overwrite: bool) -> bool:
        """Prepare the work folder.

        Returns
        -------
        bool
            False if the run to be resumed is finished, so that nothing is left to do.

        Raises
        ------
        CorpusError
            If there is an output or an unfinished run and neither `resume` nor `overwrite` applies, if
            inputs or settings differ from those of the unfinished run, or if an input is newer than the
            output of the finished run. A run without any chunk is not unfinished: it begins again.
        """
        for path in (self.output, self.errors):
            _check_replaceable(path)
        known = self.workspace.read_plan()
        if known is None or overwrite or not self.workspace.keys():
            if _exists(self.output) and not overwrite:
                if not resume:
                    msg = f"{self.output}: already exists; replace it with --overwrite"
                    raise CorpusError(msg)
                if newer := self._newer_input():
                    msg = f"{self.output}: is complete, but older than {newer}; replace it with --overwrite"
                    raise CorpusError(msg)
                return False
            if _exists(self.errors) and not overwrite and self.errors != errors_of(self.output):
                msg = f"{self.errors}: already exists; replace it with --overwrite"
                raise CorpusError(msg)
            self.workspace.begin(self.plan)
            return True
        if not resume:
            msg = f"{self.work_folder}: unfinished run; continue it with --resume or drop it with --overwrite"
            raise CorpusError(msg)
        if change := _difference(known, self.plan):
            msg = (
                f"{self.work_folder}: the unfinished run differs in {change}; "
                "repeat its command with --resume, or start again with --overwrite"
            )
            raise CorpusError(msg)
        return True

    def _newer_input(self) -> str | None:
        """Return a local input that was changed after the local output was written."""
        if is_url(self.output):
            return None
        written = Path(self.output).stat().st_mtime_ns
        local = (source for source in self.sources if source.modified and not is_url(source.path))
        return next((source.path for source in local if int(source.modified) > written), None)

    def annotate(self, engine: Engine, progress: Progress) -> None:
        """Annotate the missing chunks, write errors file and output, and remove the work folder."""
        engine(self, progress)

        def parts() -> Iterator[Part]:
            return self.workspace.parts(len(self.groups))

        self._write_errors(parts)
        with write_atomically(self.output) as target:
            assemble(parts, target, self.settings.format, self.settings.into, self.labels)
        self.workspace.remove()

    def _write_errors(self, parts: Callable[[], Iterator[Part]]) -> None:
        lines = (json.dumps(error, ensure_ascii=True) for part in parts() for error in part.header["errors"])
        first = next(lines, None)
        if first is None:
            if not is_url(self.errors):
                Path(self.errors).unlink(missing_ok=True)
            return
        with write_atomically(self.errors) as target:
            target.writelines(f"{line}\n".encode() for line in chain([first], lines))


def errors_of(output: str) -> str:
    """Return the default name of the errors file."""
    return f"{output}.errors.jsonl"


def _difference(known: dict[str, Any], plan: dict[str, Any]) -> str:
    """Return the first difference between two plans, empty if there is none."""
    for name, now in plan.items():
        then = known.get(name)
        if name == "inputs" and then != now:  # their value is a checksum
            return "inputs (files were added, removed or changed)"
        if not (isinstance(then, dict) and isinstance(now, dict)):
            then, now = {name: then}, {name: now}
        for key in {**then, **now}:
            if then.get(key) != now.get(key):
                return f"{name} ({key}: {then.get(key)!s:.200} then, {now.get(key)!s:.200} now)"
    return ""


def _check_replaceable(path: str) -> None:
    """Refuse devices, pipes and folders, which an atomic write would replace by a file."""
    if not is_url(path) and Path(path).exists() and not Path(path).is_file():
        kind = "a folder" if Path(path).is_dir() else "a device or pipe"
        msg = f"{path}: is {kind}, not a file; give another name, or - for standard output"
        raise CorpusError(msg)


def _exists(path: str) -> bool:
    if not is_url(path):
        return Path(path).exists()
    filesystem, name = filesystem_of(path)
    return bool(filesystem.exists(name))
