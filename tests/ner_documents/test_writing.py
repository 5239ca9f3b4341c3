"""What is written opens right where it goes: spreadsheets, annotation tools, viewers."""

import csv
import errno
import gc
import io
import json
import re
import sys
import zipfile

import openpyxl
import pytest

from ner_core.entity import Answered, Entity
from ner_core.rendering import guarded, to_json
from ner_documents.document import CorpusError, Document
from ner_documents.writing.formats import OUTPUT_FORMATS, assemble, encode_documents, format_of
from ner_documents.writing.parts import Part
from ner_documents.writing.tools import TOOL_FORMATS

TEXT = "\U0001f600 Mary Jones\nmet Ann in New\r\nYork."


def entity(name, label, text=TEXT):
    start = text.index(name)
    return Entity(start, start + len(name), label, 0.9, name)


ENTITIES = (entity("Mary Jones", "PER"), entity("Ann", "PER"), entity("New\r\nYork", "LOC"))
DOCUMENTS = [
    (Document("a/b c.txt", None, TEXT, {"text": TEXT}), ENTITIES),
    (Document("a.csv", 2, "nobody", {"text": "nobody", "id": 7}), ()),
]


def written(format_name, *documents):
    """Write documents, each as a chunk of its own."""
    parts = []
    for document, entities, *rest in documents:
        parts_of_text = rest[0] if rest else ()
        payload = encode_documents([(document, entities, parts_of_text)], format_name, "entities")
        labels = {one.label: 1 for one in entities}
        header = {"documents": 1, "labels": labels}
        parts.append(Part(header, lambda payload=payload: io.BytesIO(payload)))
    target = io.BytesIO()
    assemble(lambda: parts, target, format_name, "entities", ["PER", "LOC"])
    return target.getvalue()


def rows(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


FORMULAS = [
    "=1+1", "\uff1d1+1", "\n=1+1", " =1+1", "+a", "-a", "@SUM(1)", "\t=1", "\ufeff=1",
    '=HYPERLINK("x")',
]  # fmt: skip


@pytest.mark.parametrize("format_name", ["csv", "tsv", "csv-long"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(format_name, formula):
    """D14, S17"""
    found = [Entity(0, len(formula), "PER", 0.5, formula)]
    content = written(
        format_name, (Document("a", 1, formula, {"text": formula, formula: formula, "id": formula}), found)
    )
    cells = csv.reader(
        io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter="\t" if format_name == "tsv" else ","
    )
    cells = [cell for row in cells for cell in row]
    assert guarded(formula) == f"'{formula}" in cells
    assert not any(re.match(r"[\s\ufeff]*[=+\-@\uff1d]", cell) for cell in cells)


def test_numbers_of_the_source_stay_numbers():
    values = ["-5", "+1,50", "-1e5", "-", -5, "-5 apples", "--5"]
    fields = {"text": "x", **dict(zip("abcdefg", values, strict=True))}
    header, row = rows(written("csv", (Document("a", 1, "x", fields), ())))
    kept = dict(zip(header, row, strict=True))
    assert [kept[name] for name in "abcdefg"] == ["-5", "+1,50", "-1e5", "-", "-5", "'-5 apples", "'--5"]


def test_csv_opens_right_in_spreadsheets():
    assert written("csv", *DOCUMENTS).startswith(b"\xef\xbb\xbftext,")
    assert written("tsv", *DOCUMENTS).startswith(b"text\t")


def test_a_row_an_entity():
    assert rows(written("csv-long", *DOCUMENTS, (DOCUMENTS[1][0], [Entity(0, 6, "PER", 0.5, "nobody")]))) == [
        ["record", "start", "end", "label", "score", "text"],
        ["a/b c.txt", "2", "12", "PER", "0.9", "Mary Jones"],
        ["a/b c.txt", "17", "20", "PER", "0.9", "Ann"],
        ["a/b c.txt", "24", "33", "LOC", "0.9", "New\r\nYork"],
        ["7", "0", "6", "PER", "0.5", "nobody"],
    ]


def test_workbook():
    long = "x" * 40_000
    found = [Entity(0, 2, "PER", 0.5, "=1")]
    content = written("xlsx", *DOCUMENTS, (Document("c", 1, "=1", {"text": "=1", "more": long}), found))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["documents", "entities"]
    wide = list(book["documents"].values)
    assert wide[0] == ("text", "id", "more", "entities", "PER", "LOC")
    assert wide[1][4:] == ("Mary Jones; Ann", "New York")
    assert wide[2][:2] == ("nobody", "7")
    assert wide[3][0] == "=1"
    assert book["documents"]["A4"].data_type == "s"
    assert len(wide[3][2]) == 32_767
    assert wide[3][2].endswith("[cut: 40,000 characters; a cell holds 32,767]")
    assert [row[0] for row in book["entities"].values] == ["record", *["a/b c.txt"] * 3, "c:1"]
    assert [row[3] for row in book["entities"].values] == ["label", "PER", "PER", "LOC", "PER"]


def test_a_full_sheet_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr("ner_documents.writing.tables._SHEET_ROWS", 3)
    documents = [(Document("a", number, "x", {"text": str(number)}), ()) for number in range(5)]
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", *documents)))
    assert book.sheetnames == ["documents", "documents 2", "documents 3", "entities"]
    values = [[row[0] for row in book[name].values] for name in book.sheetnames[:3]]
    assert values == [["text", "0", "1"], ["text", "2", "3"], ["text", "4"]]


def test_json_is_valid():
    """S17: readers of JSON make infinity of 1e999, and JSON has no word for it."""
    value = {"a": [float("inf"), -float("inf"), float("nan"), 1.5], "b": 'Infinity "NaN" \\', "NaN": 1}
    text = to_json(value)
    assert text == '{"a": [1e999, -1e999, null, 1.5], "b": "Infinity \\"NaN\\" \\\\", "NaN": 1}'
    for format_name in ("jsonl", "csv"):
        fields = json.loads('{"text": "x", "n": 1e999}')
        assert b"1e999" in written(format_name, (Document("a", 1, "x", fields), ()))


def test_conll_with_tabs():
    words = ("New York", "calls")
    document = Document("a", 1, "New York calls", {}, words=words)
    found = (Entity(0, 8, "LOC", 0.9, "New York", 0, 1),)
    assert written("conll-tabs", (document, found)) == b"New York\tB-LOC\ncalls\tO\n\n"
    lines = Document("a.conll", 1, "Mary sings", {}, ("Mary NNP", "sings VBZ"), ("Mary", "sings"))
    found = (Entity(0, 4, "PER", 0.9, "Mary", 0, 1),)
    assert written("conll-tabs", (lines, found)) == b"Mary\tNNP\tB-PER\nsings\tVBZ\tO\n\n"


def test_conllu_keeps_the_lines_between_the_words():
    lines = ("# x = 1", "1\tVa", "2-3\tal", "2\ta", "3\tel", "3.1\tx", "4\tPrado")
    words = ("Va", "a", "el", "Prado")
    found = (Entity(8, 13, "LOC", 0.9, "Prado", 3, 4),)
    assert written("conll", (Document("a", 2, "Va a el Prado", {}, lines, words), found)).decode() == (
        "# x = 1\n1\tVa\tO\n2-3\tal\t_\n2\ta\tO\n3\tel\tO\n3.1\tx\t_\n4\tPrado\tB-LOC\n\n"
    )


def test_doccano_and_prodigy():
    one, two = map(json.loads, written("doccano", *DOCUMENTS).splitlines())
    assert [one["text"][start:end] for start, end, _ in one["label"]] == ["Mary Jones", "Ann", "New\r\nYork"]
    assert two == {"text": "nobody", "label": [], "name": "a.csv:2"}
    one, _ = map(json.loads, written("prodigy", *DOCUMENTS).splitlines())
    assert one["spans"][1] == {"start": 17, "end": 20, "label": "PER"}


def test_label_studio():
    """Its page counts code points: charsToCodePoints in web/libs/editor/src/utils/selection-tools.js."""
    one, two = json.loads(written("label-studio", *DOCUMENTS))
    values = [each["value"] for each in one["predictions"][0]["result"]]
    assert [TEXT[value["start"] : value["end"]] for value in values] == ["Mary Jones", "Ann", "New\r\nYork"]
    assert one["data"] == {"text": TEXT, "name": "a/b c.txt"}
    assert two["predictions"][0]["result"] == []
    assert json.loads(written("label-studio")) == []


def test_displacy_and_gradio():
    import gradio

    one, _ = json.loads(written("displacy", *DOCUMENTS))
    assert one["ents"] == [{"start": each.start, "end": each.end, "label": each.label} for each in ENTITIES]
    one, _ = json.loads(written("highlighted", *DOCUMENTS))
    shown = gradio.HighlightedText().postprocess(one).model_dump()
    assert [(part["token"], part["class_or_confidence"]) for part in shown][1:4] == [
        ("Mary Jones", "PER"),
        ("\nmet ", None),
        ("Ann", "PER"),
    ]


def test_brat():
    with zipfile.ZipFile(io.BytesIO(written("brat", *DOCUMENTS))) as archive:
        assert archive.namelist() == [
            *("000001-b_c.txt.txt", "000001-b_c.txt.ann", "000002-a.csv_2.txt", "000002-a.csv_2.ann"),
            "annotation.conf",
        ]
        text = archive.read("000001-b_c.txt.txt").decode()
        lines = archive.read("000001-b_c.txt.ann").decode().split("\n")
        assert "PER" in archive.read("annotation.conf").decode()
    assert text == TEXT.replace("\r\n", " \n")
    assert lines == [*("T1\tPER 2 12\tMary Jones", "T2\tPER 17 20\tAnn", "T3\tLOC 24 27;29 33\tNew York", "")]


def test_formats_by_suffix():
    assert [format_of(f"a.{kind}") for kind in ("xlsx", "tsv", "spacy", "doccano", "iob2")] == [
        *("xlsx", "tsv", "spacy", None, "conll")
    ]
    assert len(set(OUTPUT_FORMATS)) == len(OUTPUT_FORMATS)
    assert set(TOOL_FORMATS) < set(OUTPUT_FORMATS)


def test_spacy_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy.tokens", None)
    with pytest.raises(CorpusError, match=r"needs spacy.*pip install 'ner-zoo\[spacy\]'"):
        written("spacy", *DOCUMENTS)


def test_which_model_answered_which_part():
    parts = [Answered(0, 13, "minilm-ner"), Answered(13, 34, "multilingual-ner")]
    document = Document("a", 1, TEXT, {"text": TEXT, "id": 7})
    row = json.loads(written("jsonl", (document, ENTITIES, parts)))
    assert list(row) == ["text", "id", "entities", "groups", "parts"]
    assert row["parts"][1] == {"start": 13, "end": 34, "model": "multilingual-ner"}
    assert "parts" not in json.loads(written("jsonl", (document, ENTITIES)))
    taken = Document("a", 1, TEXT, {"text": TEXT, "parts": "theirs"})
    assert json.loads(written("jsonl", (taken, ENTITIES, parts)))["parts"] == "theirs"

    import pyarrow.parquet as parquet

    content = written("parquet", (DOCUMENTS[1][0], ()), (document, ENTITIES, parts))
    rows = parquet.read_table(io.BytesIO(content)).to_pylist()
    assert [row["parts"] for row in rows] == [None, [part.to_dict() for part in parts]]
    content = written("parquet", (taken, ENTITIES, parts), (document, ENTITIES, parts))
    assert len(parquet.read_table(io.BytesIO(content)).to_pylist()) == 2


def test_json_lines_have_groups():
    one, two = map(json.loads, written("jsonl", *DOCUMENTS).splitlines())
    assert list(one) == ["text", "entities", "groups"]
    assert [(group["name"], group["mentions"]) for group in one["groups"]] == [
        *(("Mary Jones", [[2, 12]]), ("Ann", [[17, 20]]), ("New York", [[24, 33]]))
    ]
    assert two["groups"] == []
    taken = Document("a", 1, "x", {"text": "x", "groups": 1})
    assert json.loads(written("jsonl", (taken, ()))) == {"text": "x", "groups": 1, "entities": []}


@pytest.mark.parametrize("room", [0, 500, 1500, 3000])
def test_a_workbook_on_a_full_disk_fails_once(monkeypatch, room):
    class Full(io.BytesIO):
        def write(self, content):
            if self.tell() + len(content) > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    later = []
    monkeypatch.setattr(sys, "unraisablehook", later.append)
    document = Document("a.txt", 1, "Mary", {"text": "Mary"})
    part = Part({}, lambda: io.BytesIO(encode_documents([(document, (), ())], "xlsx", "entities")))
    with pytest.raises(OSError, match="No space left"):
        assemble(lambda: [part], Full(), "xlsx", "entities", ["PER"])
    gc.collect()
    assert not later
