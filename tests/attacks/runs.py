"""The folder of an unfinished `ner annotate`, damaged in any way, and its outputs."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ner_corpora import chunks
from ner_documents.document import CorpusError
from tests.attacks.attack import DAMAGES, Kind, sentence
from tests.ner_corpora.conftest import CapitalRecognizer
from tests.ner_corpora.test_run import annotate, make_run

if TYPE_CHECKING:
    from random import Random

    from ner_corpora.run import Run


class StoppedError(Exception):
    pass


class Stopping(CapitalRecognizer):
    """Ends the run after some chunks."""

    def __init__(self, left: int) -> None:
        self.left = left

    def stream(self, texts, **options):
        self.left -= 1
        if self.left < 0:
            raise StoppedError
        return super().stream(texts, **options)


def run_in(folder: Path) -> Run:
    inputs = folder / "in"
    if not inputs.exists():
        inputs.mkdir()
        for name in "abc":
            rows = [json.dumps({"id": n, "text": f"Mary {n} met Bob in Berlin."}) for n in range(40)]
            (inputs / f"{name}.jsonl").write_text("\n".join(rows))
    return make_run(folder, inputs)


def damaged(change):
    """A run that was stopped and whose folder is damaged gives the right output, or says what is wrong."""

    def attempt(chance: Random, folder: Path) -> str:
        before, chunks.CHUNK_DOCUMENTS = chunks.CHUNK_DOCUMENTS, 16
        try:
            for part in ("whole", "stopped"):
                (folder / part).mkdir()
            annotate(run_in(folder / "whole"), CapitalRecognizer())
            right = (folder / "whole" / "out.jsonl").read_text().replace("/whole/", "/stopped/")
            run = run_in(folder / "stopped")
            with contextlib.suppress(StoppedError):
                annotate(run, Stopping(chance.randrange(2, 7)))
            work = Path(run.work_folder)
            change(work, chance)
            foreign = {path: path.read_bytes() for path in work.glob("*.mine")}
            try:
                annotate(run_in(folder / "stopped"), CapitalRecognizer(), resume=True)
            except CorpusError as error:
                outcome = sentence(error)
                assert not (folder / "stopped" / "out.jsonl").exists()
            else:
                outcome = "the same bytes"
                assert (folder / "stopped" / "out.jsonl").read_text() == right
            assert all(path.read_bytes() == content for path, content in foreign.items())
            return outcome
        finally:
            chunks.CHUNK_DOCUMENTS = before

    return attempt


def plan(damage):
    return lambda work, chance: (work / "plan.json").write_bytes(
        damage((work / "plan.json").read_bytes(), chance)
    )


def chunk(damage):
    def change(work: Path, chance: Random) -> None:
        paths = sorted(work.glob("*.chunk"))
        if paths:
            path = chance.choice(paths)
            path.write_bytes(damage(path.read_bytes(), chance))

    return change


def removed(work: Path, chance: Random) -> None:
    for path in sorted(work.glob("*.chunk")):
        if chance.random() < 0.5:
            path.unlink()


def swapped(work: Path, chance: Random) -> None:
    paths = sorted(work.glob("*.chunk"))
    if len(paths) > 1:
        one, other = chance.sample(paths, 2)
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)


def foreign(work: Path, chance: Random) -> None:
    (work / "notes.mine").write_text("keep me")
    (work / ".plan.json.99.tmp").write_bytes(b"{")
    (work / ".000000-000001.chunk.7.tmp").write_bytes(b"half")


def link(work: Path, chance: Random) -> None:
    for path in sorted(work.glob("*.chunk"))[:1]:
        path.unlink()
        path.symlink_to("/dev/zero")


def input_changed(work: Path, chance: Random) -> None:
    path = work.parent / "in" / "b.jsonl"
    path.write_text(path.read_text().replace("Mary", "Anna"))


OTHER = {
    "chunks removed": removed,
    "chunks in each other's place": swapped,
    "files of somebody else": foreign,
    "a chunk that is a link to a device": link,
    "an input that was changed": input_changed,
}


def kinds() -> list[Kind]:
    found = [Kind("run folder", called, damaged(change)) for called, change in OTHER.items()]
    for called, damage in DAMAGES.items():
        found.append(Kind("run folder", f"plan: {called}", damaged(plan(damage))))
        found.append(Kind("run folder", f"chunk: {called}", damaged(chunk(damage))))
    return found
