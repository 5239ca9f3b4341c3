"""Tables of redacted files: the model reads their short cells side by side, and what it finds is theirs."""

import json

import pytest

from ner_core.entity import Entity, Recognition
from ner_documents.redaction.dialects import HTML
from ner_documents.redaction.files import redact_file
from ner_documents.redaction.redactor import Redactor
from ner_documents.redaction.segments import verbatim
from ner_documents.redaction.tables import cells_of_markup, recognitions_of
from ner_documents.redaction.text_formats import TEXT_FORMATS
from tests.ner_documents.packing import OPEN_SPACES, packed, relations, unpacked

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
ROWS = [("Name", "City"), ("Paris Young", "Derby"), ("Bob", "Bath & Wells")]
READ = ["| Name | City |", "| Paris Young | Derby |", "| Bob | Bath & Wells |"]


class Reader:
    """A model that takes everything below ``City`` for a town, and keeps what it was given."""

    def __init__(self):
        self.texts = []

    def __call__(self, texts):
        for text in texts:
            self.texts.append(text)
            found, position = [], 0
            for line in text.splitlines(keepends=True):
                cell = line.split("|")[-2].strip() if "|" in line else ""
                if "City" in text and cell and cell != "City":
                    start = position + line.rindex(cell)
                    found.append(Entity(start, start + len(cell), "LOC", 0.9, cell))
                position += len(line)
            yield Recognition(text, tuple(found))


def html(rows):
    lines = ["".join(f"<td><b>{cell.replace('&', '&amp;')}</b>" for cell in row) for row in rows]
    return f"<p>Hello</p><table><tr>{'<tr>'.join(lines)}</table>".encode()


def words(rows):
    cells = [
        "".join(f"<w:tc><w:p><w:r><w:t>{cell}</w:t></w:r></w:p></w:tc>" for cell in row)
        for row in escaped(rows)
    ]
    table = f"<w:tbl><w:tr>{'</w:tr><w:tr>'.join(cells)}</w:tr></w:tbl>"
    return packed(
        {"word/document.xml": f'<w:document xmlns:w="{WORDS}"><w:body>{table}</w:body></w:document>'}
    )


def slides(rows):
    cells = [
        "".join(f"<a:tc><a:p><a:r><a:t>{cell}</a:t></a:r></a:p></a:tc>" for cell in row)
        for row in escaped(rows)
    ]
    table = f"<a:tbl><a:tr>{'</a:tr><a:tr>'.join(cells)}</a:tr></a:tbl>"
    return packed({"ppt/slides/slide1.xml": f'<p:sld xmlns:p="p" xmlns:a="{DRAWING}">{table}</p:sld>'})


def open_table(rows):
    empty = '<table:table-cell table:number-columns-repeated="2"/>'
    cells = [
        empty + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        for row in escaped(rows)
    ]
    lines = "</table:table-row><table:table-row>".join(cells)
    table = f"<table:table><table:table-row>{lines}</table:table-row></table:table>"
    content = f"<office:document-content {OPEN_SPACES}>{table}</office:document-content>"
    return packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def workbook(rows, *, shared):
    """Write a workbook; its shared strings are in another order than its cells."""
    cells = [cell for row in escaped(rows) for cell in row]
    strings = sorted(cells)

    def written(row, column, cell):
        place = f'r="{"BC"[column]}{row + 3}"'
        if shared:
            return f'<c {place} t="s"><v>{strings.index(cell)}</v></c>'
        return f'<c {place} t="inlineStr"><is><t>{cell}</t></is></c>'

    lines = "".join(
        f"<row>{''.join(written(number, column, cell) for column, cell in enumerate(row))}</row>"
        for number, row in enumerate(escaped(rows))
    )
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}"/>',
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{lines}</sheetData></worksheet>',
    }
    if shared:
        items = "".join(f"<si><t>{text}</t></si>" for text in strings)
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{SHEET}">{items}</sst>'
    return packed(parts)


def escaped(rows):
    return [[cell.replace("&", "&amp;") for cell in row] for row in rows]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"Name,City\nParis Young,Derby\nBob,Bath & Wells\n"),
        ("a.csv", b'Name;City\r\n"Paris Young";"Derby"\r\nBob;Bath & Wells'),
        ("a.tsv", b"Name\tCity\nParis Young\tDerby\nBob\tBath & Wells\n"),
        ("a.html", html(ROWS)),
        ("a.docx", words(ROWS)),
        ("a.pptx", slides(ROWS)),
        ("a.ods", open_table(ROWS)),
        ("a.xlsx", workbook(ROWS, shared=True)),
        ("a.xlsx", workbook(ROWS, shared=False)),
        ("a.json", json.dumps([dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]).encode()),
        ("a.jsonl", "\n".join(json.dumps(dict(zip(ROWS[0], row, strict=True))) for row in ROWS[1:]).encode()),
    ],
)
def test_cells_are_read_below_their_headings(name, content):
    reader = Reader()
    result = redact_file(name, content, reader, Redactor())
    assert "\n".join([*READ, ""]) in reader.texts
    found = [(one.text, one.label) for one in result.found]
    assert sorted(found) == [("Bath & Wells", "LOC"), ("Derby", "LOC")]
    zipped = result.content.startswith(b"PK")
    written = b"".join(unpacked(result.content).values()) if zipped else result.content
    for left in (b"Name", b"City", b"Paris Young", b"Bob"):
        assert left in written
    assert b"Derby" not in written


def test_long_cells_are_read_alone():
    sentence = "The tenant pays the rent in advance on the first working day of each month."
    reader = Reader()
    redact_file("a.csv", f"Name,Note\nBob,{sentence}\nAnn,none\n".encode(), reader, Redactor())
    assert reader.texts == ["| Name | Note |\n| Bob | |\n| Ann | none |\n", sentence]


def test_long_tables_are_read_in_parts_below_their_first_row():
    rows = "".join(f"{number} Main Street,Town {number}\n" for number in range(120))
    reader = Reader()
    result = redact_file("a.csv", f"Street,City\n{rows}".encode(), reader, Redactor())
    assert len(reader.texts) > 2
    assert all(text.startswith("| Street | City |\n") for text in reader.texts)
    assert all(text.count("\n") <= 49 for text in reader.texts)
    assert [one.text for one in result.found] == [f"Town {number}" for number in range(120)]


def test_cells_of_too_many_columns_are_read_alone():
    reader = Reader()
    redact_file("a.csv", ",".join(f"x{number}" for number in range(102)).encode(), reader, Redactor())
    assert reader.texts[1:] == ["x100", "x101"]
    assert reader.texts[0].endswith(" x99 |\n")


def test_a_single_cell_is_read_as_it_is():
    reader = Reader()
    redact_file("a.csv", b"Mary Jones\n", reader, Redactor())
    assert reader.texts == ["Mary Jones"]


def test_signs_within_cells_divide_nothing():
    reader = Reader()
    redact_file("a.csv", b'"a|b","c\nd"\ne,f\n', reader, Redactor())
    assert reader.texts == ["| a b | c d |\n| e | f |\n"]


def test_inner_tables_are_tables_of_their_own():
    page = "<table><tr><td>A<td><table><tr><td>B<td>C</table>D<td>E<tr><td>F</table>G"
    reader = Reader()
    recognitions_of(TEXT_FORMATS[".html"](page), reader)
    assert reader.texts == ["| A | D | E |\n| F | | |\n", "| B | C |\n", "G"]


def test_what_is_found_across_texts_of_a_cell_belongs_to_each():
    raw = "<table><tr><td><p>Mary</p><p>Jones</p><td>Rome</table>"
    segments = TEXT_FORMATS[".html"](raw)

    def recognize(texts):
        assert texts == ["| Mary Jones | Rome |\n"]
        return [Recognition(texts[0], (Entity(2, 12, "PER", 0.9, "Mary Jones"),))]

    found = recognitions_of(segments, recognize)
    assert [[(one.start, one.end, one.text) for one in text.entities] for text in found] == [
        [(0, 4, "Mary")],
        [(0, 5, "Jones")],
        [],
    ]


@pytest.mark.parametrize(
    "page", ["<td>A", "</table><td>A", "<table><td>A</table>", "<table/><tr><td>A", "<table"]
)
def test_cells_without_a_table_are_none(page):
    assert not any(cells_of_markup(page, HTML)[1])


def test_other_texts_are_read_one_by_one():
    reader = Reader()
    found = recognitions_of([verbatim("Mary", 0, 4), verbatim("xBob", 1, 4, searched=False)], reader)
    assert reader.texts == ["Mary"]
    assert [one.text for one in found] == ["Mary", "Bob"]
