import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.rendering import encodable, guarded
from ner_core.segments import find_segments
from ner_corpora.annotation import Settings, annotate_chunk
from ner_corpora.chunks import Chunk
from ner_documents.document import Document, Problem
from ner_documents.parts import parts_of
from ner_documents.writing.formats import assemble
from ner_documents.writing.parts import Part

TEXTS = st.text() | st.text(alphabet="Ab \n\t\r,;\"'=😀é\ud800\0<&", max_size=20)
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)


def document(text, line=1, **fields):
    if isinstance(text, tuple):
        return Document("a.jsonl", line, " ".join(text), {"text": list(text), **fields}, words=text)
    return Document("a.jsonl", line, text, {"text": text, **fields})


def annotated(recognizer, format_name, *chunks, labels=("PER", "LOC"), into="entities", **options):
    """The output file of chunks of documents."""
    stored = []
    for index, items in enumerate(chunks):
        chunk = Chunk(0, index, index == len(chunks) - 1, tuple(items))
        content = annotate_chunk(chunk, recognizer, Settings(format_name, into, **options))
        header, _, payload = content.partition(b"\n")
        stored.append((json.loads(header), payload))
    target = io.BytesIO()
    assemble(
        lambda: [Part(header, lambda payload=payload: io.BytesIO(payload)) for header, payload in stored],
        target,
        format_name,
        into,
        labels,
    )
    return target.getvalue()


def json_lines(content):
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


@given(st.text(alphabet="Ab \n\t.é"), st.integers(1, 50))
def test_parts_are_the_text_cut_between_segments(text, size):
    parts = parts_of(document(text), size)
    assert "".join(part.text for part in parts) == text
    assert all(text[part.start :].startswith(part.text) for part in parts)
    if len(parts) > 1:
        spans = [(part.start + a, part.start + b) for part in parts for a, b in part.segments]
        assert spans == find_segments(text)


@pytest.mark.parametrize("words", [False, True])
def test_long_texts_are_recognized_in_parts_with_the_same_result(capital_recognizer, monkeypatch, words):
    text = "Mary sings in Berlin and John\ndances. " * 50
    given = tuple(text.split()) if words else text
    whole = annotated(capital_recognizer, "jsonl", [document(given)])
    monkeypatch.setattr("ner_corpora.annotation.PART_CHARACTERS", 100)
    monkeypatch.setattr("ner_documents.writing.formats._ENTITIES_AT_ONCE", 7)
    assert annotated(capital_recognizer, "jsonl", [document(given)]) == whole
    (row,) = json_lines(whole)
    joined = " ".join(given) if words else text
    assert len(row["entities"]) == 150
    assert all(joined[e["start"] : e["end"]] == e["text"] for e in row["entities"])
    if words:
        assert all(given[e["word_start"]] == e["text"] for e in row["entities"])


def test_json_lines_keep_fields_and_round_scores(capital_recognizer):
    (row,) = json_lines(annotated(capital_recognizer, "jsonl", [document("Mary sings.", id=7)], into="found"))
    mary = {"start": 0, "end": 4, "label": "PER", "score": 0.8765, "text": "Mary"}
    group = {"name": "Mary", "label": "PER", "count": 1, "first": 0, "mentions": [[0, 4]], "aliases": []}
    assert row == {"text": "Mary sings.", "id": 7, "found": [mary], "groups": [group]}


def test_options_reach_the_recognizer(capital_recognizer):
    (row,) = json_lines(annotated(capital_recognizer, "jsonl", [document("Mary, Berlin")], labels=("LOC",)))
    assert len(row["entities"]) == 2
    chunk = [document("Mary, Berlin")]
    content = annotate_chunk(
        Chunk(0, 0, True, tuple(chunk)), capital_recognizer, Settings("jsonl", labels=("LOC",))
    )
    assert json.loads(content.split(b"\n")[0])["labels"] == {"LOC": 1}


def test_bad_documents_stand_in_the_header_and_not_in_the_output(capital_recognizer):
    bad = Problem("a.jsonl", 2, "broken", b"{\xff")
    content = annotate_chunk(
        Chunk(0, 0, True, (document("Mary"), bad)), capital_recognizer, Settings("jsonl")
    )
    header = json.loads(content.split(b"\n")[0])
    assert header["errors"] == [bad.to_dict()]
    assert (header["documents"], header["pieces"], header["labels"]) == (1, 1, {"PER": 1})


@given(
    st.lists(
        st.lists(st.tuples(TEXTS, st.dictionaries(st.text(min_size=1), VALUES, max_size=2)), max_size=3),
        max_size=3,
    )
)
def test_any_documents_can_be_written_in_every_format(capital_recognizer_session, rows):
    kept = [
        {k: v for k, v in fields.items() if k not in ("text", "entities")}
        for row in rows
        for _, fields in row
    ]
    fields = iter(kept)
    chunks = [[document(text, **next(fields)) for text, _ in row] for row in rows]
    flat = [one for chunk in chunks for one in chunk]
    written = {
        name: annotated(capital_recognizer_session, name, *chunks)
        for name in ("jsonl", "csv", "conll", "html", "parquet")
    }
    lines = json_lines(written["jsonl"])
    assert [line["text"] for line in lines] == [one.text for one in flat]
    assert [{k: line[k] for k in fields} for line, fields in zip(lines, kept, strict=True)] == kept
    table = list(csv.reader(io.StringIO(written["csv"].decode("utf-8-sig"), newline="")))
    assert len(table) == len(flat) + 1
    assert all(len(row) == len(table[0]) for row in table)
    column = table[0].index("text") if flat else 0
    assert [row[column] for row in table[1:]] == [guarded(encodable(one.text), numbers=True) for one in flat]
    assert [json.loads(row[table[0].index("entities")]) for row in table[1:]] == [
        line["entities"] for line in lines
    ]
    import pyarrow.parquet as parquet

    stored = parquet.read_table(io.BytesIO(written["parquet"])).to_pylist()
    assert len(stored) == len(flat)
    assert [[e["text"] for e in row["entities"]] for row in stored] == [
        [e["text"] for e in line["entities"]] for line in lines
    ]


@pytest.fixture(scope="module")
def capital_recognizer_session():
    from tests.ner_corpora.conftest import CapitalRecognizer

    return CapitalRecognizer()


def test_csv_has_a_column_a_label_for_people(capital_recognizer):
    rows = [document("Mary and Amy in Berlin", PER="taken"), document("none", more=[1, 2])]
    written = annotated(capital_recognizer, "csv", rows[:1], rows[1:])
    table = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert list(table[0]) == ["text", "PER", "more", "entities", "PER_2", "LOC"]
    assert (table[0]["PER_2"], table[0]["LOC"], table[0]["PER"], table[0]["more"]) == (
        "Mary; Amy",
        "Berlin",
        "taken",
        "",
    )
    assert (table[1]["PER_2"], table[1]["more"]) == ("", "[1, 2]")


def test_tsv_has_tabs(capital_recognizer):
    written = annotated(capital_recognizer, "tsv", [document("Mary")]).decode()
    assert written.startswith("text\tentities\tPER\tLOC\r\nMary\t")


def test_conll_adds_a_column(capital_recognizer):
    lines = ("-DOCSTART- -X- O", "", "# a = 1", "Mary NNP O", "lives VBZ O", "Berlin\tNNP")
    first = Document("a.conll", 3, "Mary lives Berlin", {"words": []}, lines, ("Mary", "lives", "Berlin"))
    written = annotated(capital_recognizer, "conll", [first, document("John sings.\nYes")]).decode()
    assert written == (
        "-DOCSTART- -X- O O\n\n# a = 1\nMary NNP O B-PER\nlives VBZ O O\nBerlin\tNNP\tB-LOC\n\n"
        "John B-LOC\nsings O\n. O\n\nYes B-LOC\n\n"
    )


def test_html_is_one_page(capital_recognizer):
    chunks = [[document("Mary <b>")], [document("Berlin")]]
    page = annotated(capital_recognizer, "html", *chunks).decode()
    assert page.count("<section>") == 2
    assert page.count("<!DOCTYPE html>") == page.count("</html>") == 1
    assert "Mary</mark> &lt;b&gt;" in page
    assert 'data-label="LOC">1</mark>' in page


def test_parquet_keeps_types_of_the_source_and_unites_those_of_chunks(capital_recognizer):
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    source = arrow.schema({"text": arrow.large_string(), "small": arrow.int8(), "day": arrow.date32()})
    import datetime

    fields = {"small": 1, "day": datetime.date(2026, 1, 2)}
    chunk = Chunk(0, 0, True, (document("Mary", **fields),), schema=bytes(source.serialize()))
    content = annotate_chunk(chunk, capital_recognizer, Settings("parquet"))
    header, _, payload = content.partition(b"\n")
    target = io.BytesIO()
    assemble(
        lambda: [Part(json.loads(header), lambda: io.BytesIO(payload))], target, "parquet", "entities", ()
    )
    table = parquet.read_table(target)
    assert [table.schema.field(name).type for name in source.names] == source.types
    assert table.to_pylist()[0]["entities"][0]["text"] == "Mary"

    mixed = [[document("a", n=1, m=1)], [document("b", n=1.5, m="x")], [document("c", m=[1])], []]
    table = parquet.read_table(io.BytesIO(annotated(capital_recognizer, "parquet", *mixed)))
    assert table.column("n").to_pylist() == [1.0, 1.5, None]
    assert table.column("m").to_pylist() == ["1", "x", "[1]"]
    both = parquet.read_table(
        io.BytesIO(annotated(capital_recognizer, "parquet", [document("a", m=1), document("b", m="x")]))
    )
    assert both.column("m").to_pylist() == ["1", "x"]


def test_values_that_json_does_not_know_become_text(capital_recognizer):
    import datetime

    (row,) = json_lines(
        annotated(capital_recognizer, "jsonl", [document("a", day=datetime.date(2026, 1, 2), raw=b"\xff")])
    )
    assert (row["day"], row["raw"]) == ("2026-01-02", "\\xff")
