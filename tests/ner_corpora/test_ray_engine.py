"""Ray on this machine: one cluster of two processors for the whole module."""

import io
import json
import signal
import socketserver
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import cli
from ner_corpora.chunks import CHUNK_DOCUMENTS
from ner_corpora.engines.local import annotate_locally
from ner_corpora.engines.ray import _LOCAL, Model, RayOptions, annotate_on_ray
from ner_corpora.progress import Progress
from ner_documents.document import CorpusError
from ner_documents.sources import total_size
from tests.conftest import free_port, wait_until
from tests.ner_core.test_mapping import documented
from tests.ner_corpora.test_run import Stopping, corpus, make_run


@pytest.fixture(scope="module")
def cluster():
    import ray

    ray.init("local", num_cpus=2, log_to_driver=False, **_LOCAL)
    yield
    ray.shutdown()


@pytest.fixture
def annotate(cluster, tiny_ir):
    """A function: run to progress, annotated on Ray by two actors."""
    xml = tiny_ir / "tiny.xml"
    model = Model(str(xml), {"device": "CPU", "threads": 1}, (xml,))

    def call(run, *, resume=False, workers=2, cpus=1):
        assert run.prepare(resume=resume, overwrite=False)
        progress = Progress(io.StringIO(), total_size(run.sources))
        options = RayOptions(workers=(workers, workers), cpus=cpus)
        run.annotate(partial(annotate_on_ray, model=model, options=options), progress)
        return progress

    return call


def locally(run, recognizer, resume=False):
    assert run.prepare(resume=resume, overwrite=False)
    run.annotate(partial(annotate_locally, recognizer=recognizer), Progress(io.StringIO(), None))


def test_an_address_where_nothing_listens_fails_at_once(tmp_path, tiny_ir, capsys):
    (tmp_path / "a.txt").write_text("Mary")
    output = str(tmp_path / "a.jsonl")
    where = ["--model", str(tiny_ir), "--engine", "ray", "--address", f"127.0.0.1:{free_port()}"]
    assert cli.main(["annotate", str(tmp_path / "a.txt"), "-o", output, *where]) == 1
    assert "Connection refused" in capsys.readouterr().err


def test_a_server_that_is_no_ray_is_told_at_once_and_leaves_no_unfinished_run(tmp_path, tiny_ir, capsys):
    (tmp_path / "a.txt").write_text("Mary")
    command = ["annotate", str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.jsonl"), "--model", str(tiny_ir)]
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.StreamRequestHandler) as server:
        threading.Thread(target=server.handle_request).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        assert cli.main([*command, "--engine", "ray", "--address", address]) == 1
    assert "cannot join Ray: the server there is not Ray" in capsys.readouterr().err
    assert cli.main([*command, "--threshold", "0.5"]) == 0


def test_ray_gives_what_the_local_engine_gives_and_finishes_what_it_began(
    tmp_path, annotate, tiny_ner, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # relative paths have to mean the same to the workers
    inputs = corpus(Path("in"), documents=20)
    # A group of its own, of two chunks.
    parquet.write_table(pyarrow.table({"text": ["Mary"] * (CHUNK_DOCUMENTS + 10)}), inputs / "z.parquet")
    local = make_run(Path(), inputs, output="local.jsonl")
    locally(local, tiny_ner)
    run = make_run(Path(), inputs)
    with pytest.raises(OSError, match="no more"):
        locally(run, Stopping(tiny_ner, 1))
    assert run.workspace.keys() == {(0, 0)}
    progress = annotate(run, resume=True)
    assert Path(run.output).read_bytes() == Path(local.output).read_bytes()
    assert Path(run.errors).read_bytes() == Path(local.errors).read_bytes()
    assert (progress.totals.documents, progress.totals.errors) == (1092, 4)
    assert not Path(run.work_folder).exists()


def test_strict_stops_ray_too_and_names_file_and_line(tmp_path, annotate):
    run = make_run(tmp_path, corpus(tmp_path / "in"))
    with pytest.raises(CorpusError, match=r"0\.jsonl:6: expected a JSON object.*--strict"):
        annotate(replace(run, strict=True), workers=1)
    assert not Path(run.output).exists()


def test_workers_that_fit_on_no_machine_are_not_waited_for(tmp_path, annotate):
    with pytest.raises(CorpusError, match="--num-cpus-per-worker 64: this machine has 2 processors"):
        annotate(make_run(tmp_path, corpus(tmp_path / "in")), cpus=64)


@pytest.mark.nightly  # starts Ray once more
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(tmp_path, tiny_ir, number):
    (tmp_path / "in.txt").write_text("Mary lives in Santa Clara.\n" * 30 * CHUNK_DOCUMENTS)
    out = tmp_path / "out.jsonl"
    command = [sys.executable, cli.__file__, "annotate", tmp_path / "in.txt", "-o", out, "--lines"]
    more = ["--model", tiny_ir, "--engine", "ray", "--num-workers", "1"]
    with subprocess.Popen([*command, *more], stderr=subprocess.PIPE) as process:
        wait_until(lambda: list(tmp_path.glob("out.jsonl.partial/*.chunk")))
        process.send_signal(number)
        said = process.communicate()[1].decode()
    assert process.returncode == 130
    assert "ner: interrupted; continue with the same command and --resume" in said


@pytest.mark.nightly  # starts Ray Data's own processes
def test_documented_lines_for_ray(cluster, tiny_ir, tiny_ner):
    (row,) = documented("Ray Data", tiny_ir)
    found = tiny_ner(row["text"])
    assert [entity["text"] for entity in json.loads(row["entities"])] == [
        entity.text for entity in found.entities
    ]
