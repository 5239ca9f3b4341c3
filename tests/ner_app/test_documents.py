import csv
import io
import json
import re
import threading
import time
import zipfile

import gradio as gr
import psutil
import pytest

from ner_app.batch import _HINTS, Step, read_sources, recognize_documents, work_through
from ner_app.documents import _progress, build_documents_tab, table_menu
from ner_app.findings import Findings
from ner_app.jobs import Cancelled, in_background
from ner_app.limits import Limits
from ner_app.redaction import redacted_files
from ner_app.service import Choice, Service, filtered
from ner_app.table_preview import previews, table_view
from ner_documents.document import Document, Hint, Problem
from ner_documents.fetching import FetchError


def doc(name, text):
    return Document(name, None, text, {"text": text})


def test_a_long_document_in_parts_gives_what_the_plain_call_gives(service):
    text = "Mary lives in Santa Clara.\n\n" * 1_500 + "Mary met Mary in Santa Clara " * 1_000
    seen = list(recognize_documents(service, [doc("a.txt", text)], Choice("lookup", "CPU")))
    assert len(seen) > 2
    assert [found for _, found, _ in seen[:-1]] == [None] * (len(seen) - 1)
    assert seen[-1][2] == 1.0
    found, plain = seen[-1][1], service.checked(Choice("lookup", "CPU"))(text)
    assert found.text == text
    assert found.pieces == plain.pieces
    assert [(e.start, e.end, e.label) for e in found.entities] == [
        (e.start, e.end, e.label) for e in plain.entities
    ]


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


def test_cancelled_before_it_began_nothing_is_done(service):
    documents = [doc("a.txt", "Mary"), doc("b.txt", "Rotterdam")]
    cancelled = threading.Event()
    cancelled.set()
    assert list(recognize_documents(service, documents, Choice("lookup", "CPU"), cancelled)) == []


def test_a_long_paragraph_shows_how_far_it_is(service, monkeypatch):
    monkeypatch.setattr("ner_app.jobs._TICK", 0.001)
    text = "Mary lives in Santa Clara " * 8_000
    seen = list(recognize_documents(service, [doc("a.txt", text)], Choice("lookup", "CPU")))
    assert any(0 < share < 1 for _, _, share in seen)
    assert len(seen[-1][1].entities) == 16_000


@pytest.fixture(scope="module")
def handlers(lookup_models):
    """What the buttons of the tab call; what a step shows comes by the element's id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NER_MODELS_DIR", str(lookup_models))
        with gr.Blocks() as demo:
            build_documents_tab(Service("lookup"))
        yield buttons(demo)


def test_strangers_are_not_asked_to_type_a_device(lookup_models, monkeypatch):
    monkeypatch.setenv("NER_MODELS_DIR", str(lookup_models))
    with gr.Blocks() as demo:
        build_documents_tab(Service("lookup", Limits(public=True)))
    device = next(one for one in demo.blocks.values() if one.elem_id == "documents-device")
    assert (device.allow_custom_value, device.info) == (False, None)


def buttons(demo):

    def read(paths, visitor=None, *, least=0.0, column="", naming=None, visit=""):
        function = next(one.fn for one in demo.fns.values() if one.name == "recognize_all")
        given, options = [str(path) for path in paths], ("lookup", "CPU", "", least, column, naming, visit)
        for step in function(visitor or request("one"), given, "", *options):
            shown = {component.elem_id: value for component, value in step.items()}
            if "download-zip" in shown:  # its folder goes with the end of the work
                with zipfile.ZipFile(shown["download-zip"]["value"]) as archive:
                    shown["files"] = {name: archive.read(name) for name in archive.namelist()}
            yield shown

    others = [
        next(one.fn for one in demo.fns.values() if one.name == name) for name in ("cancel", "bring_back")
    ]
    return read, *others


def request(session):
    made = gr.Request()
    made.session_hash = session
    made.client = None  # a call from inside
    return made


def test_cancel_ends_with_what_is_finished(handlers, tmp_path):
    (tmp_path / "a.txt").write_text("Mary")
    (tmp_path / "b.txt").write_text("Mary lives in Santa Clara.\n" * 40_000)
    (read, cancel, _), visitor, other = handlers, request("one"), request("two")
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    shown = read(paths, visitor)
    assert "Loading" in next(shown)["documents-status"]
    assert "Nothing is running" in cancel(other)
    while "Reading b.txt (2 of 2)" not in next(shown)["documents-status"]:
        pass
    cancel(visitor)
    (*_, last) = shown
    assert "results are partial: 1 of 2 sources" in last["documents-status"]
    assert last["documents-view"]["documents"][0]["name"] == "a.txt"
    assert "Nothing is running" in cancel(visitor)
    shown = read(paths, visitor)
    next(shown)
    cancel(visitor)
    (*_, last) = shown
    assert "Cancelled: 0 of 2 sources" in last["documents-status"]
    assert "Nothing was read" in last["documents-status"]


def test_every_source_is_announced_however_quick_it_is(handlers, tmp_path, monkeypatch):
    monkeypatch.setattr("ner_app.documents._SECONDS_BETWEEN_UPDATES", 1_000)
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for path in paths:
        path.write_text("Mary lives in Santa Clara.")
    read, *_ = handlers
    shown = read(paths)
    said = " ".join(step["documents-status"] for step in shown)
    assert re.findall(r"Reading (\S+) \((\d) of 3\)", said) == [
        ("a.txt", "1"),
        ("b.txt", "2"),
        ("c.txt", "3"),
    ]


@pytest.mark.parametrize(("text", "least"), [("nothing here", 0.0), ("Mary in Rotterdam", 1.0)])
def test_documents_without_any_name_are_an_empty_result(handlers, tmp_path, text, least):
    (tmp_path / "a.txt").write_text(text)
    read, *_ = handlers
    (*_, last) = read([tmp_path / "a.txt"], least=least)
    assert "0 names" in last["documents-status"]
    assert last["documents-view"]["names"] == []
    assert "documents.jsonl" in last["files"]


@pytest.mark.parametrize(
    ("name", "content", "remark"),
    [
        ("a.pdf", b"%PDF nonsense", "a.pdf: the file is damaged"),
        ("a.csv", b"id,text\n", "a.csv: holds no rows"),
        ("a.csv", b"", "a.csv: holds no rows"),
        ("a.csv", b"text,entities\nMary,1\n", "already has a column &#39;entities&#39;; rename it"),
        ("a.json", b'[{"body": 5}]', "found body; choose it in the list of columns"),
        ("a.csv", b"\xef\xbb\xbftext\nMary\xff\n", "byte 0xff at byte 5; save the file as UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_and_leaves_the_earlier_results(
    handlers, tmp_path, name, content, remark
):
    (tmp_path / name).write_bytes(content)
    read, *_ = handlers
    (first, *_, last) = read([tmp_path / name])
    assert "Nothing could be read" in last["documents-status"]
    assert remark in last["documents-problems"]
    assert "documents-view" not in last
    (refused,) = read([])
    assert first["documents-problems"] == refused["documents-problems"] == ""  # that was of the run before


def test_a_reload_brings_files_and_results_back_for_an_hour(handlers, tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("Mary in Rotterdam")

    def back(visit):
        return {one.elem_id: value for one, value in bring_back(visit).items()}

    read, _, bring_back = handlers
    steps = read([path], visit="mine")
    next(steps)
    assert "left before everything was read" in back("mine")["documents-status"]
    (*_, last) = steps
    for _ in range(2):
        again = back("mine")
        assert again["files"] == [str(path)]
        assert again["documents-view"] == last["documents-view"]
        assert again["download-zip"]["value"] == last["download-zip"]["value"]
    assert "no longer on the server" in back("another")["documents-status"]  # such as one of before a restart
    path.unlink()
    assert back("mine")["files"] is None
    monkeypatch.setattr("ner_app.visits._HOUR", -1.0)
    assert list(back("mine")) == ["documents-status"]


def test_a_model_that_fails_is_a_sentence(handlers, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError("the logits are not numbers")

    (tmp_path / "a.txt").write_text("Mary")
    read, cancel, _ = handlers
    monkeypatch.setattr("ner_app.batch.stream_with_share", failing)
    (*_, last) = read([tmp_path / "a.txt"])
    assert "The model could not answer: the logits are not numbers" in last["documents-status"]
    assert "Nothing is running" in cancel(request("one"))


def test_the_page_has_its_own_words_for_every_hint():
    assert _HINTS.keys() == set(Hint)
    assert not any("--" in words for words in _HINTS.values())


def test_files_of_one_name_are_told_apart(service, handlers, tmp_path):
    paths = [tmp_path / folder / name for folder, name in (("a", "rows.csv"), ("b", "Rows.csv"))]
    for path in paths:
        path.parent.mkdir()
        path.write_text("text\nMary in Rotterdam\n")
    read, *_ = handlers
    (*_, last) = read(paths)
    assert [one["name"] for one in last["documents-view"]["documents"]] == ["rows.csv:2", "Rows (2).csv:2"]
    assert {"tables/rows.csv.csv", "tables/Rows (2).csv.csv"} < last["files"].keys()
    target = tmp_path / "out.zip"
    redacted_files(service, Choice("lookup", "CPU"), paths, "number", target, threading.Event())
    assert zipfile.ZipFile(target).namelist() == ["rows.csv", "Rows (2).csv"]


def test_a_table_without_the_chosen_column_is_read_as_its_preview_says(handlers, tmp_path):
    read, *_ = handlers
    (tmp_path / "a.csv").write_text("name,city\nMary Jones,Rotterdam\n")
    (tmp_path / "b.csv").write_text("who,body\nnobody,Mary met NVIDIA\n")
    (tmp_path / "c.csv").write_text("id,n\n1,2\n")
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    assert [table.text for table in previews(paths, "body")] == ["name", "body"]
    (*_, last) = read(paths, column="body")
    texts = [json.loads(line)["text"] for line in last["files"]["documents.jsonl"].splitlines()]
    assert texts == ["Mary Jones", "Mary met NVIDIA"]
    assert "c.csv: expected a column &#39;text&#39;, found id, n" in last["documents-problems"]


def test_a_table_comes_back_with_its_columns_and_its_rows_are_named_by_their_id(handlers, tmp_path):
    rows = "".join(f"T{number},Mary met Acme in Rotterdam.,open\n" for number in range(30))
    (tmp_path / "tickets.csv").write_text(f"id,Body,state\n{rows}")
    texts, names, shown = table_menu([tmp_path / "tickets.csv", tmp_path / "note.txt"])
    assert texts is not names  # Gradio empties the updates that it gets
    for menu in (texts, names):
        assert [value for _, value in menu["choices"]] == ["", "id", "Body", "state"]
        assert menu["visible"]
    assert shown.count("<tr>") == 1 + 5
    assert shown.count("names are looked for in “Body”") == 1
    assert '<th scope="col" class="read">Body' in shown
    chosen = table_view(previews([tmp_path / "tickets.csv"], "state"))
    assert '<th scope="col" class="read">state' in chosen
    assert [menu["visible"] for menu in table_menu([tmp_path / "note.txt"])[:2]] == [False, False]
    read, *_ = handlers
    steps = list(read([tmp_path / "tickets.csv"], column="Body"))
    view = steps[-1]["documents-view"]
    assert view["documents"][7]["name"] == "tickets.csv · T7"
    (*_, last) = read([tmp_path / "tickets.csv"], column="Body", naming="state")
    assert last["documents-view"]["documents"][7]["name"] == "tickets.csv · open"
    mary = next(name for name in view["names"] if name["name"] == "Mary")
    assert (mary["count"], len(mary["documents"])) == (30, 30)
    table = steps[-1]["files"]["tables/tickets.csv.csv"].decode("utf-8-sig")
    annotated = list(csv.DictReader(io.StringIO(table)))
    assert [row["id"] for row in annotated] == [f"T{number}" for number in range(30)]
    assert (annotated[3]["Body"], annotated[3]["state"]) == ("Mary met Acme in Rotterdam.", "open")
    assert (annotated[3]["PER"], annotated[3]["ORG"], annotated[3]["LOC"]) == ("Mary", "Acme", "Rotterdam")


def test_progress_names_the_row_and_the_seconds_left(tmp_path):
    step = Step(0, "tickets.csv:419", 0.25, 418, 5_000)
    shown = _progress(step, [7], Findings(tmp_path), 20.0)
    assert "Reading tickets.csv:419 (1 of 1), row 418 of 5,000" in shown
    assert "60 s left" in shown
    assert "left" not in _progress(Step(0, "tickets.csv:2", 0.001, 1, 5_000), [7], Findings(tmp_path), 3.0)
    small, large = Step(0, "a.txt", 1), Step(1, "b.txt")
    assert 'value="0.100"' in _progress(small, [10, 90], Findings(tmp_path), 1.0)
    assert 'value="0.100"' in _progress(large, [10, 90], Findings(tmp_path), 1.0)


def test_files_are_redacted_whatever_the_minimum_score(service, tmp_path):
    (tmp_path / "a.txt").write_text("Mary met Priya in Rotterdam. MARY left.")
    (tmp_path / "b.csv").write_text("id,text\n1,Mary sings.\n")
    (tmp_path / "c.zip").write_bytes(b"PK")
    paths = sorted(tmp_path.glob("*"))
    written, notes = redacted_files(
        service, Choice("lookup", "CPU"), paths, "number", tmp_path / "out.zip", threading.Event()
    )
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    assert written == 2
    assert files["a.txt"] == "PER_1 met PER_2 in LOC_1. PER_1 left."
    assert files["b.csv"].splitlines()[1] == "1,PER_1 sings."
    assert any("c.zip" in note for note in notes)


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
    labels = ["PER", "ORG", "LOC", "MISC"]
    first, second = "Mary met Mary in Rotterdam.", "Acme"
    findings.add(doc(name, first), service.recognize(first, Choice("lookup", "CPU")), labels)
    findings.add(
        doc("b.txt", second), filtered(service.recognize(second, Choice("lookup", "CPU")), 1.1), labels
    )
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
    assert list(csv.reader(io.StringIO(files["counts.csv"], newline="")))[1] == ["PER", "Mary", "2", "1"]
    assert "c.pdf" in files["problems.txt"]
    assert files["partial.txt"] == "Cancelled: 2 of 4 sources were read to the end.\n"


def test_a_visitor_who_leaves_while_a_file_is_read_ends_the_reading(service, tmp_path):
    path = tmp_path / "deep.html"
    path.write_bytes(b"<i>" * 100_000 + b"<hr>" * 100_000)  # a minute of reading, then a problem
    cancelled = threading.Event()
    findings = Findings(tmp_path / "out")
    work = work_through(service, Choice("lookup", "CPU"), findings, [path], "", 0.0, "", cancelled)
    for _ in range(3):
        assert next(work).name == "deep.html"
    processes = readers()
    began = time.monotonic()
    work.close()  # what Gradio does when nobody listens any more
    assert cancelled.is_set()
    assert processes
    while readers() >= processes:
        assert time.monotonic() - began < 30  # half the time that reading takes where nothing else runs
        time.sleep(0.05)


def readers():
    """The reading processes that this one has started and not ended."""
    return {
        child.pid
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "bounded" in " ".join(child.cmdline())
    }


def test_redaction_ends_when_it_is_cancelled(service, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Mary met Priya. " * 20_000)
    cancelled = threading.Event()
    target = tmp_path / "out.zip"
    work = in_background(
        lambda: redacted_files(service, Choice("lookup", "CPU"), [path] * 50, "mask", target, cancelled),
        lambda: "step",
        cancelled,
    )
    assert next(work) == "step"
    cancelled.set()
    with pytest.raises(Cancelled):
        list(work)
