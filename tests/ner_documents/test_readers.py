import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_documents.document import CorpusError, Document, Problem
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.registry import read as read_source
from ner_documents.sources import find_sources
from tests.ner_documents.packing import OPEN_SPACES, packed

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCUMENT = f'<document xmlns="{WORD}"><body><p><r><t>Mary</t></r></p></body></document>'
OPEN_TEXT = "application/vnd.oasis.opendocument.text"
OPEN_DOCUMENT = f"<office:text {OPEN_SPACES}><text:p>Mary</text:p></office:text>"


def read(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (source,), _ = find_sources([str(path)])
    return list(read_source(source, ReadOptions(**options)))


def texts(items):
    return [item.input for item in items if isinstance(item, Document)]


def problems(items):
    return [(item.line, item.reason) for item in items if isinstance(item, Problem)]


def test_a_text_file_is_a_document_and_with_lines_each_line_is(tmp_path):
    content = "\ufeffMary sings.\r\n\nJohn.\n"
    (whole,) = read(tmp_path, "a.txt", content)
    assert whole.text == "Mary sings.\r\n\nJohn.\n"
    assert whole.fields == {"source": whole.source, "text": whole.text}
    lines = read(tmp_path, "a.txt", content, lines=True)
    assert [(line.line, line.text) for line in lines] == [(1, "Mary sings."), (2, ""), (3, "John.")]


def test_a_wrong_byte_is_named_with_file_and_line(tmp_path):
    content = "Mary\nJosé\nZoë\n".encode() + b"Jos\xe9\n"
    problem, whole = read(tmp_path, "a.txt", content)
    assert (problem.line, problem.lost, whole.text) == (4, True, "Mary\nJosé\nZoë\nJos\ufffd\n")
    assert "0xe9 at byte 20" in problem.reason
    lines = read(tmp_path, "a.txt", content, lines=True)
    assert texts(lines) == ["Mary", "José", "Zoë"]
    assert lines[3].where.endswith("a.txt:4")
    assert lines[3].to_dict()["raw"] == "Jos\\xe9"
    (given,) = read(tmp_path, "a.txt", content, encoding="utf-8")
    assert (given.line, given.lost) == (4, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_unicode_in_other_forms_is_read_line_by_line(tmp_path, encoding):
    items = read(tmp_path, "a.jsonl", '{"text": "Mary"}\n{"text": "Jose"}\n'.encode(encoding))
    assert texts(items) == ["Mary", "Jose"]


PAGE = b"<!DOCTYPE html><p>Mary"
MESSAGE = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n\nMary\n--b--"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.docx", PAGE, "html"),
        ("a.csv", PAGE, "html"),
        ("a.pdf", b"\xef\xbb\xbf\n" + PAGE, "html"),
        ("a.doc", PAGE, ""),
        ("a", PAGE, ""),
        ("a.doc", MESSAGE, ""),
        ("a.xls", MESSAGE, "eml"),
        ("a.docx", rb"{\rtf1 Mary}", "rtf"),
        ("a.txt", rb"{\rtf1 Mary}", "rtf"),
        ("a.txt", packed({"a/b.txt": "Mary"}), "zip"),
        ("a.csv", packed({"[Content_Types].xml": "", "word/document.xml": DOCUMENT}), "docx"),
        ("a", packed({"[Content_Types].xml": "", "word/document.xml": DOCUMENT}), ""),
        ("a.pptx", packed({"mimetype": OPEN_TEXT, "content.xml": OPEN_DOCUMENT}, 0), "odt"),
    ],
)
def test_files_under_a_wrong_name_are_read_as_what_they_are(tmp_path, name, content, kind):
    *notes, document = [item for item in read(tmp_path, name, content) if not getattr(item, "lost", False)]
    assert document.text.strip() == "Mary"
    assert [note.reason for note in notes] == [f"is not what its name says and was read as {kind}"] * bool(
        kind
    )


def test_what_is_no_text_is_said(tmp_path):
    assert problems(read(tmp_path, "a.txt", b"a\0b")) == [(None, "is not a text file: it holds binary data")]
    note, empty = read(tmp_path, "a.txt", b"")
    assert (empty.text, note.reason, note.lost) == ("", "the file holds no text", False)
    assert [item.text for item in read(tmp_path, "a.txt", b"old\rmac\r", lines=True)] == ["old", "mac"]


def test_encodings_that_cannot_be_are_refused():
    with pytest.raises(CorpusError, match="nonsense"):
        ReadOptions(encoding="nonsense")


@pytest.mark.parametrize("options", [{}, {"lines": True}])
def test_documents_over_the_limit_are_reported(tmp_path, options):
    items = read(tmp_path, "a.txt", "x" * 101, limit=100, **options)
    assert "limit of 100 bytes" in problems(items)[0][1]
    assert texts(read(tmp_path, "a.txt", "x" * 100, limit=100, **options)) == ["x" * 100]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_number_that_python_cannot_hold_loses_nothing(tmp_path, name):
    number = 5_000 * "7"
    items = read(tmp_path, name, f'{{"text": "Mary", "n": {number}}}\n')
    assert [(item.text, item.fields["n"]) for item in items] == [("Mary", number)]


def test_json_lines_that_are_broken_are_reported_and_the_others_read(tmp_path):
    lines = [
        '{"id": 1, "text": "Mary"}',
        '{"id": 2, "text": "broken',
        "",
        "[1, 2]",
        '{"body": "no text"}',
        '{"text": 5}',
        '{"text": ["Mary", "sings"]}',
        '["b", "c"]',
        '"d"',
        '{"text": "x", "entities": []}',
        "[" * 100_000,
        '{"text": "\\ud800 half"}',
    ]
    items = read(tmp_path, "a.jsonl", "\n".join(lines))
    assert texts(items) == ["Mary", ("Mary", "sings"), ("b", "c"), "d", "\ud800 half"]
    assert items[0].fields == {"id": 1, "text": "Mary"}
    found = dict(problems(items))
    assert list(found) == [2, 4, 5, 6, 10, 11]
    assert "found list" in found[4]
    assert "expected 'text', found body" in found[5]
    assert "--into" in str(next(one for one in items if one.line == 10))
    assert texts(read(tmp_path, "a.jsonl", '{"data":{"text":"n"}}', column="data.text")) == ["n"]


@given(
    st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), min_size=1, max_size=5),
    st.data(),
)
def test_any_json_object_keeps_its_fields(tmp_path_factory, objects, data):
    for fields in objects:
        fields["text"] = data.draw(st.text() | st.lists(st.text(), max_size=4))
        fields.pop("entities", None)
    content = "\n".join(json.dumps(fields) for fields in objects)
    items = read(tmp_path_factory.mktemp("any"), "a.jsonl", content)
    assert [item.fields for item in items] == objects


@given(
    st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=6),
    st.sampled_from([("csv", ","), ("tsv", "\t")]),
)
def test_any_table_that_the_csv_module_writes_is_read_back(tmp_path_factory, rows, kind):
    suffix, delimiter = kind
    rows = [[cell.replace("\r", "").encode("utf-8", "replace").decode() for cell in row] for row in rows]
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["text", "more"], *rows])
    items = read(tmp_path_factory.mktemp("any"), f"a.{suffix}", written.getvalue())
    assert [[item.fields["text"], item.fields["more"]] for item in items] == rows


def test_tables_report_bad_rows_with_the_line_where_they_begin(tmp_path):
    content = b'id;text\n1;"Mary\nsings"\n2;John;extra\n3;Jos\xe9\n4;Anna\n'
    items = read(tmp_path, "a.csv", content, encoding="utf-8")
    assert [(item.line, item.fields) for item in items if isinstance(item, Document)] == [
        (2, {"id": "1", "text": "Mary\nsings"}),
        (6, {"id": "4", "text": "Anna"}),
    ]
    (fields, encoding) = problems(items)
    assert fields == (4, "expected 2 fields as in the header, found 3")
    assert encoding[0] == 5


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,body", "expected a column 'text', found id, body"),
        ("text,text", "twice"),
        ("text,entities", "--into"),
    ],
)
def test_headers_that_do_not_do_are_reported_once(tmp_path, header, expected):
    items = read(tmp_path, "a.csv", f"{header}\n1,2\n3,4\n")
    assert len(items) == 1
    assert expected in str(items[0])


def test_conll_keeps_its_lines(tmp_path):
    content = (
        "-DOCSTART- -X- O\n\n# id = 1\nMary NNP O\nsings VBZ O\n\n\nJohn NNP O\n-DOCSTART- -X- O\nAnna NNP O"
    )
    first, second, third = read(tmp_path, "a.conll", content)
    assert first.words == ("Mary", "sings")
    assert first.lines == ("-DOCSTART- -X- O", "", "# id = 1", "Mary NNP O", "sings VBZ O")
    assert (first.line, second.line, third.line) == (4, 8, 10)
    assert third.lines == ("-DOCSTART- -X- O", "Anna NNP O")
    words = read(tmp_path, "a.conll", "1\tMary\n2\tsings\n", word_column=1)
    assert words[0].words == ("Mary", "sings")


def test_conll_with_index_tags_and_annotators_as_published(tmp_path):
    uner = "# sent_id = 1\n# text = Mary sings\n1\tMary\tB-PER\t-\tannA\n2\tsings\tO\t-\tannA\n\n"
    assert texts(read(tmp_path, "a.iob2", uner)) == [("Mary", "sings")]
    multiconer = "# id 7a\tdomain=en\nMary _ _ B-PER\nsings _ _ O\n\n"
    (sentence,) = read(tmp_path, "a.conll", multiconer)
    assert (sentence.words, sentence.lines[0]) == (("Mary", "sings"), "# id 7a\tdomain=en")
    assert texts(read(tmp_path, "a.conll", "# O\n1 O\n")) == [("#", "1")]
    ontonotes = "#begin document (a); part 000\na 0 0 Mary NNP\n\n#end document\n"
    assert texts(read(tmp_path, "a.conll", ontonotes, word_column=3)) == [("Mary",)]


CONLLU = (
    "# sent_id = 1\n# text = Va al Prado.\n1\tVa\tir\n2-3\tal\t_\n2\ta\ta\n3\tel\tel\n3.1\tmuseo\t_\n"
    "4\tPrado\tPrado\n5\t.\t.\n"
)


def test_conllu_with_words_that_are_written_as_one(tmp_path):
    (sentence,) = read(tmp_path, "a.conllu", CONLLU + "\n")
    assert sentence.words == ("Va", "a", "el", "Prado", ".")
    assert "\n".join(sentence.lines) + "\n" == CONLLU
    assert texts(read(tmp_path, "a.conll", "3.1\tO\n2-3\tO\n\n")) == [("3.1", "2-3")]


def test_comments_of_any_kind_before_a_sentence(tmp_path):
    assert texts(read(tmp_path, "a.conll", "# any thing\n\nMary O\nsings O\n")) == [("Mary", "sings")]
    assert texts(read(tmp_path, "a.conll", "# a b c\n\n# d e f\nMary B-PER x\n")) == [("Mary",)]
    assert texts(read(tmp_path, "a.conll", "# # B-NP O\nMary NNP B-NP O\n")) == [("#", "Mary")]


def test_an_empty_archive_is_said(tmp_path):
    assert problems(read(tmp_path, "a.zip", b"PK\5\6" + bytes(18))) == [(None, "the archive holds no files")]


def test_conll_reports_a_sentence_with_a_bad_line(tmp_path):
    items = read(tmp_path, "a.conll", b"Mary O\nJos\xe9 O\n\nJohn O\n\nword\nO\n\n", encoding="utf-8")
    assert texts(items) == [("John",), ("word", "O")]
    assert problems(items)[0][0] == 2
    items = read(tmp_path, "a.conll", "a b\nc\n\nd e\n", word_column=1)
    assert texts(items) == [("e",)]
    assert problems(items) == [(2, "expected a word in column 2, found 'c'")]
    items = read(tmp_path, "a.conll", "a O\n" * 100 + "\nb O\n", limit=50)
    assert texts(items) == [("b",)]
    assert "limit" in problems(items)[0][1]


def test_parquet_keeps_columns_and_reports_what_it_cannot_read(tmp_path):
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    rows = [{"id": 1, "text": "Mary"}, {"id": 2, "text": None}, {"id": 3, "text": "John"}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "made.parquet")
    content = (tmp_path / "made.parquet").read_bytes()
    items = read(tmp_path, "a.parquet", content)
    assert [item.fields for item in items if isinstance(item, Document)] == [rows[0], rows[2]]
    assert problems(items) == [(2, "expected a string or a list of words in 'text', found NoneType")]
    assert "cannot be read" in problems(read(tmp_path, "b.parquet", content[:-30]))[0][1]
    assert "expected a column 'body'" in problems(read(tmp_path, "a.parquet", content, column="body"))[0][1]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_that_breaks_off_is_reported_behind_what_could_be_read(tmp_path, compressed, name):
    content = b"".join(b'{"text": "Mary %d"}\n' % number for number in range(120_000))
    packed = compressed(content, "gzip" if name.endswith("gz") else "zstd")
    items = read(tmp_path, name, packed[: len(packed) // 2])
    assert len(items) > 1000
    assert all(isinstance(item, Document) for item in items[:-1])
    assert f"cannot be read after line {items[-2].line}: " in items[-1].reason
    (broken,) = read(tmp_path, name, b"neither of them")
    assert "cannot be read: " in broken.reason


def test_a_file_that_is_gone_is_one_bad_document(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "nothing")
    (source,), _ = find_sources([str(tmp_path)])
    (item,) = read_source(source, ReadOptions())
    assert item.reason == "the file cannot be read: No such file or directory"
