import csv
import io
import json
import re
import threading
import zipfile

import gradio as gr
import pytest

from ner_app.documents import build_documents_tab, read_sources, recognize_documents
from ner_app.findings import Findings
from ner_app.service import Choice, filtered
from ner_documents.document import Document, Problem
from ner_documents.fetching import FetchError


def doc(name, text):
    return Document(name, None, text, {"text": text})


def test_a_long_document_is_recognized_with_offsets_in_the_whole(service):
    text = "Mary lives in Santa Clara.\n" * 1_000
    seen = list(recognize_documents(service, [doc("a.txt", text)], Choice("lookup", "CPU")))
    assert len(seen) > 2
    assert [found for _, found, _ in seen[:-1]] == [None] * (len(seen) - 1)
    assert seen[-1][2] == 1.0
    found = seen[-1][1]
    assert len(found.entities) == 2_000
    assert found.pieces == 6_000
    assert all(text[e.start : e.end] == e.text for e in found.entities)
    assert found.text == text


def test_many_short_documents_keep_their_names_and_order(service):
    documents = [doc(f"{n}", "Mary " * (n % 5 + 1) + f"{n}.") for n in range(300)]
    documents[7] = doc("7", "Mary in Rotterdam.\n" * 2_000)
    done = [
        (document.where, found)
        for document, found, _ in recognize_documents(service, documents, Choice("lookup", "CPU"))
        if found is not None
    ]
    assert [name for name, _ in done] == [document.where for document in documents]
    assert [found.text for _, found in done] == [document.text for document in documents]
    assert len(done[7][1].entities) == 4_000
    assert len(done[9][1].entities) == 5


def test_a_cancelled_document_is_cut_where_the_work_stopped(service):
    text = "Mary lives in Santa Clara.\n" * 4_000
    documents = [doc("a.txt", "Mary"), doc("b.txt", text), doc("c.txt", "Mary")]
    cancelled = threading.Event()
    seen = []
    for document, found, share in recognize_documents(service, documents, Choice("lookup", "CPU"), cancelled):
        seen.append((document, found, share))
        if document.where == "b.txt":
            cancelled.set()
    (first, *_), (cut, found, share) = seen[0], seen[-1]
    assert first.where == "a.txt"
    assert cut.where == f"b.txt (first {len(cut.text):,} of {len(text):,} characters)"
    assert text.startswith(cut.text)
    assert found.text == cut.text
    assert 0 < share < 1
    assert len(found.entities) == 2 * cut.text.count("\n")


def test_cancelled_between_documents_nothing_is_lost(service):
    documents = [doc("a.txt", "Mary"), doc("b.txt", "Rotterdam")]
    cancelled = threading.Event()
    cancelled.set()
    seen = list(recognize_documents(service, documents, Choice("lookup", "CPU"), cancelled))
    assert [(document.where, len(found.entities)) for document, found, _ in seen] == [("a.txt", 1)]


def handlers(service):
    """Give what the buttons of the tab call."""
    with gr.Blocks() as demo:
        build_documents_tab(service)
    return {block.name: block.fn for block in demo.fns.values()}


def request(session):
    made = gr.Request()
    made.session_hash = session
    made.client = None  # a call from inside
    return made


def test_cancel_ends_with_what_is_finished(service, tmp_path):
    (tmp_path / "a.txt").write_text("Mary")
    (tmp_path / "b.txt").write_text("Mary lives in Santa Clara.\n" * 40_000)
    functions, visitor, other = handlers(service), request("one"), request("two")
    paths = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    shown = functions["recognize_all"](visitor, paths, "", "lookup", "CPU", "best", 0.0, "")
    assert "Loading" in next(shown)[0]
    assert "Nothing of yours" in functions["cancel"](other)
    while "Reading b.txt (2 of 2)" not in next(shown)[0]:
        pass
    assert "Cancelling" in functions["cancel"](visitor)
    (*_, last) = shown
    assert "results are partial: 1 of 2 sources" in last[0]
    assert last[2]["visible"] is True
    assert "Nothing of yours" in functions["cancel"](visitor)


def test_every_source_is_announced_however_quick_it_is(service, tmp_path, monkeypatch):
    monkeypatch.setattr("ner_app.documents._SECONDS_BETWEEN_UPDATES", 1_000)
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for path in paths:
        path.write_text("Mary lives in Santa Clara.")
    given = [str(path) for path in paths]
    read = handlers(service)["recognize_all"]
    shown = read(request("one"), given, "", "lookup", "CPU", "best", 0.0, "")
    names = re.findall(r"Reading (\S+) \((\d) of 3\)", " ".join(update[0] for update in shown))
    assert names == [("a.txt", "1"), ("b.txt", "2"), ("c.txt", "3")]


def test_sources_are_named_and_a_bad_one_stops_nobody(service, tmp_path):
    (tmp_path / "a.txt").write_text("Mary")
    (tmp_path / "b.pdf").write_bytes(b"%PDF nonsense")
    (tmp_path / "c.csv").write_text("text\nRotterdam\nNVIDIA\n")
    paths = [tmp_path / name for name in ("a.txt", "b.pdf", "c.csv")]
    sources = dict(read_sources(service, paths, "http://127.0.0.1/", "", threading.Event()))
    documents = [*sources["a.txt"](), *sources["c.csv"]()]
    assert [(document.where, document.text) for document in documents] == [
        ("a.txt", "Mary"),
        ("c.csv:2", "Rotterdam"),
        ("c.csv:3", "NVIDIA"),
    ]
    (problem,) = sources["b.pdf"]()
    assert isinstance(problem, Problem)
    assert str(problem).startswith("b.pdf: the file is damaged")
    with pytest.raises(FetchError, match="public internet"):
        sources["http://127.0.0.1/"]()


def test_the_zip_holds_what_was_found(service, tmp_path):
    findings = Findings(tmp_path)
    name = "=evil<script>.txt"
    findings.add(name, service.recognize("Mary met Mary in Rotterdam.", Choice("lookup", "CPU")))
    findings.add("b.txt", filtered(service.recognize("Acme", Choice("lookup", "CPU")), 1.1))
    findings.problems.append("c.pdf: the file is empty.")
    findings.partial = "2 of 4 sources were read to the end"
    with zipfile.ZipFile(findings.zip_file()) as archive:
        files = {member: archive.read(member).decode("utf-8-sig") for member in archive.namelist()}
    documents = [json.loads(line) for line in files["documents.jsonl"].splitlines()]
    assert [document["document"] for document in documents] == [name, "b.txt"]
    rows = list(csv.DictReader(io.StringIO(files["entities.csv"], newline="")))
    assert [(row["document"], row["label"], row["text"]) for row in rows] == [
        (f"'{name}", "PER", "Mary"),
        (f"'{name}", "PER", "Mary"),
        (f"'{name}", "LOC", "Rotterdam"),
    ]
    for row in rows:
        assert documents[0]["text"][int(row["start"]) : int(row["end"])] == row["text"]
    assert list(csv.reader(io.StringIO(files["counts.csv"], newline="")))[1] == ["PER", "Mary", "2"]
    assert "c.pdf" in files["problems.txt"]
    assert files["partial.txt"] == "Cancelled: 2 of 4 sources were read to the end.\n"
