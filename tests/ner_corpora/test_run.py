import io
import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ner_corpora import chunks
from ner_corpora.annotation import Settings
from ner_corpora.chunks import group_sources, read_chunks
from ner_corpora.engines.local import annotate_locally
from ner_corpora.progress import Progress
from ner_corpora.run import Run
from ner_corpora.workspace import write_atomically
from ner_documents.document import CorpusError
from ner_documents.reading.records import ReadOptions
from ner_documents.sources import Source, find_sources, total_size
from ner_documents.writing.formats import OUTPUT_FORMATS
from tests.conftest import PATIENCE, wait_until
from tests.ner_corpora.conftest import CapitalRecognizer


def corpus(folder, documents=200, files=3):
    """JSON lines files with a broken line each, and two text files."""
    folder.mkdir()
    for name in range(files):
        rows = [json.dumps({"id": i, "text": f"Mary {i} lives in Berlin."}) for i in range(documents)]
        rows[5] = '{"broken'
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    (folder / "a.txt").write_text("John sings.")
    (folder / "b.txt").write_bytes(b"no\0text\0")
    return folder


def make_run(tmp_path, inputs, *, output="out.jsonl", **read_options):
    sources, _ = find_sources([str(inputs)])
    out = tmp_path / output
    return Run(
        tuple(sources),
        ReadOptions(**read_options),
        Settings(out.suffix[1:]),
        {"name": "capitals"},
        ("PER", "LOC"),
        str(out),
        f"{out}.errors.jsonl",
        f"{out}.partial",
    )


def annotate(run, recognizer, *, resume=False, overwrite=False):
    progress = Progress(io.StringIO(), total_size(run.sources))
    if run.prepare(resume=resume, overwrite=overwrite):
        run.annotate(partial(annotate_locally, recognizer=recognizer), progress)
    return progress


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_DOCUMENTS", 16)


class Stopping:
    """A recognizer that fails after some calls, as a full disk or a lost device would make it."""

    labels = ("PER", "LOC")

    def __init__(self, recognizer, calls):
        self.recognizer, self.calls = recognizer, calls

    def stream(self, texts, **options):
        self.calls -= 1
        if self.calls < 0:
            raise OSError("no more")
        return self.recognizer.stream(texts, **options)


def stop(run, calls, **options):
    """Begin or continue a run, which fails after some calls."""
    with pytest.raises(OSError, match="no more"):
        annotate(run, Stopping(CapitalRecognizer(), calls), **options)


def test_order_is_kept_and_errors_are_reported(tmp_path, capital_recognizer):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    progress = annotate(run, capital_recognizer)
    rows = [json.loads(line) for line in Path(run.output).read_text().splitlines()]
    assert [row["id"] for row in rows if "id" in row] == [i for i in range(200) if i != 5] * 3
    errors = [json.loads(line) for line in Path(run.errors).read_text().splitlines()]
    assert [(Path(error["source"]).name, error["line"]) for error in errors] == [
        ("0.jsonl", 6),
        ("1.jsonl", 6),
        ("2.jsonl", 6),
        ("b.txt", None),
    ]
    totals = progress.totals
    assert (totals.documents, totals.errors, totals.labels["PER"]) == (598, 4, 597)
    assert totals.stored_bytes == total_size(run.sources)
    assert not Path(run.work_folder).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.jsonl", "out.jsonl.errors.jsonl"]


def test_progress_fits_into_one_line_of_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr("ner_corpora.progress._TERMINAL_SECONDS", 0)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    progress = Progress(terminal, None)
    progress.add({"documents": 1, "pieces": 1, "errors": [], "stored_bytes": 1, "labels": {}})
    assert terminal.getvalue().startswith("\r\x1b[K1 documents")
    assert len(terminal.getvalue()) == len("\r\x1b[K") + 29


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet", "out.html", "out.conll"])
def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path, capital_recognizer, output):
    inputs = corpus(tmp_path / "in")
    whole = make_run(tmp_path, inputs, output=f"whole-{output}")
    annotate(whole, capital_recognizer)
    run = make_run(tmp_path, inputs, output=output)
    calls = 0
    for calls in (1, 7, 3):
        stop(run, calls, resume=True)
        assert not Path(run.output).exists()
    assert len(run.workspace.keys()) > calls
    progress = annotate(run, capital_recognizer, resume=True)
    assert Path(run.output).read_bytes() == Path(whole.output).read_bytes()
    assert Path(run.errors).read_bytes() == Path(whole.errors).read_bytes()
    assert progress.totals.documents == 598


def test_strict_stops_and_names_file_and_line(tmp_path, capital_recognizer):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    with pytest.raises(CorpusError, match=r"0\.jsonl:6: expected a JSON object"):
        annotate(replace(run, strict=True), capital_recognizer)
    assert not Path(run.output).exists()
    annotate(run, capital_recognizer, resume=True)
    assert len(Path(run.output).read_text().splitlines()) == 598


class Endless(CapitalRecognizer):
    """A recognizer that takes longer than anybody waits."""

    def stream(self, texts, *, progress, **options):
        while True:
            progress(0, 1)
            time.sleep(0.01)


def test_a_run_that_ends_does_not_wait_for_chunks_under_way(tmp_path):
    rows = [json.dumps({"text": "Mary"})] * 17 + ["{"]
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    with pytest.raises(CorpusError, match=r"in\.jsonl:18"):
        annotate(replace(make_run(tmp_path, tmp_path / "in.jsonl"), strict=True), Endless())


def test_nothing_is_overwritten_unless_asked(tmp_path, capital_recognizer):
    inputs = corpus(tmp_path / "in")
    run = make_run(tmp_path, inputs)
    annotate(run, capital_recognizer)
    with pytest.raises(CorpusError, match="--overwrite"):
        run.prepare(resume=False, overwrite=False)
    assert run.prepare(resume=True, overwrite=False) is False
    Path(run.output).write_text("old")
    stop(run, 2, overwrite=True)
    assert Path(run.output).read_text() == "old"
    with pytest.raises(CorpusError, match="--resume"):
        run.prepare(resume=False, overwrite=False)
    annotate(run, capital_recognizer, overwrite=True)
    assert len(Path(run.output).read_text().splitlines()) == 598


def test_a_run_goes_on_only_with_the_same_inputs_and_settings(tmp_path, capital_recognizer):
    inputs = corpus(tmp_path / "in")
    run = make_run(tmp_path, inputs)
    stop(run, 5)
    with pytest.raises(CorpusError, match=r"differs in reading \(\w+: .* then, .* now\)"):
        make_run(tmp_path, inputs, into="found").prepare(resume=True, overwrite=False)
    (inputs / "new.txt").write_text("x")
    with pytest.raises(CorpusError, match=r"differs in inputs \(files were added, removed or changed\)"):
        make_run(tmp_path, inputs).prepare(resume=True, overwrite=False)


def test_an_input_that_changed_behind_the_back_is_noticed(tmp_path, capital_recognizer):
    inputs = corpus(tmp_path / "in", files=1)
    run = make_run(tmp_path, inputs)
    stop(run, 5)
    stamp = (inputs / "0.jsonl").stat()
    changed = (inputs / "0.jsonl").read_text().replace("Mary 1 ", "Anna 1 ")
    (inputs / "0.jsonl").write_text(changed)
    os.utime(inputs / "0.jsonl", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(CorpusError, match=r"0\.jsonl: changed since"):
        annotate(make_run(tmp_path, inputs), capital_recognizer, resume=True)


def test_a_chunk_that_a_crash_cut_is_done_again(tmp_path, capital_recognizer):
    inputs = corpus(tmp_path / "in")
    whole = make_run(tmp_path, inputs, output="whole.jsonl")
    annotate(whole, capital_recognizer)
    run = make_run(tmp_path, inputs)
    stop(run, 6)
    stored = sorted(Path(run.work_folder).glob("*.chunk"))
    stored[0].write_bytes(stored[0].read_bytes()[:-10])
    stored[1].write_bytes(b"")
    annotate(run, capital_recognizer, resume=True)
    assert Path(run.output).read_bytes() == Path(whole.output).read_bytes()


def test_output_and_work_folder_may_be_urls(tmp_path, capital_recognizer):
    import fsspec

    inputs = corpus(tmp_path / "in")
    local = make_run(tmp_path, inputs)
    annotate(local, capital_recognizer)
    there = "memory://there"
    run = replace(local, output=f"{there}/out.jsonl", errors=f"{there}/errors", work_folder=f"{there}/work")
    stop(run, 6)
    annotate(run, capital_recognizer, resume=True)
    memory = fsspec.filesystem("memory")
    assert memory.cat("/there/out.jsonl") == Path(local.output).read_bytes()
    assert memory.cat("/there/errors") == Path(local.errors).read_bytes()
    assert not memory.exists("/there/work")


def test_chunks_are_bounded_by_documents_and_by_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 100)
    path = tmp_path / "a.txt"
    path.write_text("\n".join(["short"] * 20 + ["x" * 90, "y" * 90, "z"]))
    source = Source(str(path), "lines", size=path.stat().st_size)
    (group,) = group_sources([source])
    read = list(read_chunks(group, ReadOptions()))
    assert [len(chunk.items) for chunk in read] == [16, 5, 2]
    assert [chunk.last for chunk in read] == [False, False, True]
    assert sum(chunk.stored_bytes for chunk in read) == source.size


def test_sources_without_documents_make_an_empty_output(tmp_path, capital_recognizer):
    (tmp_path / "a.jsonl").write_text("")
    for output in ("out.jsonl", "out.csv", "out.parquet"):
        annotate(make_run(tmp_path, tmp_path / "a.jsonl", output=output), capital_recognizer)
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert (tmp_path / "out.csv").read_bytes() == b"\xef\xbb\xbfentities,PER,LOC\r\n"


def test_atomic_files_leave_nothing_behind_on_failure(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(TypeError), write_atomically(str(tmp_path / "a")) as file:
        file.write("no bytes")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("content", [None, "{", "[1]", '{"version": 2}'])
def test_a_folder_that_holds_no_run_keeps_all_its_files(tmp_path, capital_recognizer, content, overwrite):
    run = replace(make_run(tmp_path, corpus(tmp_path / "in")), work_folder=str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ("novel.txt" if content is None else "plan.json")).write_text(content or "once")
    with pytest.raises(CorpusError, match="--work-dir"):
        annotate(run, capital_recognizer, overwrite=overwrite)
    assert [path.read_text() for path in (tmp_path / "mine").iterdir()] == [content or "once"]
    assert not Path(run.output).exists()


def test_files_that_somebody_put_beside_the_chunks_stay(tmp_path, capital_recognizer):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    stop(run, 2)
    Path(run.work_folder, "notes.txt").write_text("mine")
    Path(run.work_folder, ".000000-000007.chunk.99-1.new").write_text("left by a kill")
    annotate(run, capital_recognizer, overwrite=True)
    assert [path.name for path in Path(run.work_folder).iterdir()] == ["notes.txt"]


def test_locks_errors_and_outputs_that_are_something_else_stay(tmp_path, capital_recognizer):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    Path(f"{run.work_folder}.lock").write_text("of a package manager")
    with pytest.raises(CorpusError, match="is a file of another program"), run.alone():
        pass
    assert Path(f"{run.work_folder}.lock").read_text() == "of a package manager"
    if Path("/proc").is_dir():
        with pytest.raises(OSError, match="No such file"), replace(run, work_folder="/proc/x").alone():
            pass  # where no lock can be made, no other run can have it
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(CorpusError, match="notes: already exists"):
        annotate(replace(run, errors=str(tmp_path / "notes")), capital_recognizer)
    assert (tmp_path / "notes").read_text() == "mine"
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/null", str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(CorpusError, match="not a file"):
            annotate(replace(run, output=name), capital_recognizer, overwrite=True)
    assert not Path("/dev/null").is_file()


def test_an_output_that_is_a_link_stays_one(tmp_path, capital_recognizer):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    (tmp_path / "there").mkdir()
    Path(run.output).symlink_to(tmp_path / "there" / "out.jsonl")
    annotate(run, capital_recognizer)
    assert Path(run.output).is_symlink()
    assert (tmp_path / "there" / "out.jsonl").is_file()


class Slow(CapitalRecognizer):
    def stream(self, texts, **options):
        time.sleep(0.01)
        return super().stream(texts, **options)


def work(ready, tmp_path, output, recognizer, size):
    chunks.CHUNK_DOCUMENTS = size
    ready.send(True)
    annotate(make_run(tmp_path, tmp_path / "in", output=output), recognizer, resume=True)


def start(tmp_path, output, *, recognizer=Slow, size=8):
    """Annotate in a process that is forked from one without threads; Python starts once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    told, ready = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(ready, tmp_path, output, recognizer(), size))
    process.start()
    assert told.recv()
    return process


def finish(process):
    process.join(PATIENCE)
    assert process.exitcode == 0


def test_kill_at_random_moments_and_resume(tmp_path):
    corpus(tmp_path / "in", documents=400)
    finish(start(tmp_path, "whole.jsonl", recognizer=CapitalRecognizer))

    def stored():
        return len(list(tmp_path.glob("out.jsonl.partial/*.chunk")))

    killed = 0
    for more in random.Random(7).choices(range(20), k=2):  # of 150 chunks
        goal = stored() + more
        process = start(tmp_path, "out.jsonl")
        wait_until(lambda goal=goal: stored() >= goal)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed == 2
    finish(start(tmp_path, "out.jsonl", recognizer=CapitalRecognizer))
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    ids = [json.loads(line).get("id") for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ids == [i for i in range(400) if i != 5] * 3 + [None]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".partial", ".new"))]


@pytest.mark.nightly  # eighty kills
@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_killed_over_all_formats_and_resumed_to_the_same_bytes(tmp_path, form):
    from tests.attacks.documents import files

    (tmp_path / "in").mkdir()
    for number in range(12):
        for name, content in files().items():
            (tmp_path / "in" / f"{number:02d}-{name}").write_bytes(content)
    began = time.monotonic()
    finish(start(tmp_path, f"whole.{form}", size=16))
    lasts = time.monotonic() - began
    moments, killed = random.Random(form), 0
    for _ in range(20):
        process = start(tmp_path, f"out.{form}", size=16)
        time.sleep(moments.uniform(0, 0.4 * lasts))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            killed += 1
        else:  # it was done before: sooner next time, and from the beginning
            lasts /= 2
            (tmp_path / f"out.{form}").unlink()
        if killed == 5:
            break
    assert killed == 5
    finish(start(tmp_path, f"out.{form}", size=16))
    assert (tmp_path / f"out.{form}").read_bytes() == (tmp_path / f"whole.{form}").read_bytes()
    errors = [(tmp_path / f"{name}.{form}.errors.jsonl") for name in ("out", "whole")]
    assert errors[0].exists() == errors[1].exists()
    assert not errors[0].exists() or errors[0].read_bytes() == errors[1].read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".partial", ".lock"))]
