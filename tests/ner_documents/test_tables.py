"""CSV as spreadsheet programs read it, JSON, workbooks: the right value of each case, and bounds."""

import time
from io import BytesIO

import pytest

from ner_documents.document import Document, Problem
from ner_documents.reading import ReadOptions, read, table_columns
from tests.ner_documents.packing import OFFICE, OPEN, OPEN_SPACES, packed, relations


def items(name, content, **options):
    content = content if isinstance(content, bytes) else content.encode()
    return list(read(name, ReadOptions(**options), content=content))


def rows(name, content, **options):
    return [(item.line, item.input) for item in items(name, content, **options) if isinstance(item, Document)]


def problems(found, *, lost=True):
    return [(item.line, item.reason) for item in found if isinstance(item, Problem) and item.lost is lost]


def test_a_doubled_quote_behind_much_text_cuts_nothing():
    table = (
        "id,text\n" + "".join(f"{n},plain row number {n}\n" for n in range(4000)) + '9,"so ""Anna"" said"\n'
    )
    assert rows("a.csv", table)[-1] == (4002, 'so "Anna" said')


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.tsv", "id\ttext\n"), ("a.json", "[]"), ("a.jsonl", "")]
)
def test_a_table_without_rows_says_so(name, content):
    assert problems(items(name, content), lost=False) == [(None, "holds no rows")]


def test_a_header_that_cannot_be_read_is_reported_with_all_rows_behind_it():
    found = items("a.csv", '\n"id,text\n' * 300)
    assert [reason for _, reason in problems(found)] == [
        "expected a row of a table, found a quote that is not closed",
        "the header cannot be read, so neither can the rows",
    ]


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ("id;text;n\n1;['a', 'b'];3\n2;['c'];4\n", ["['a', 'b']", "['c']"]),
        ("text\nMary, of Rome, sang\nBob\nx, y\n", ["Mary, of Rome, sang", "Bob", "x, y"]),
        ("id,text\n1,'Mary' met 'Bob'\n2,it's\n", ["'Mary' met 'Bob'", "it's"]),
        ("\n\r\nid,text\n1,a\n", ["a"]),
        ("id,text\n1," + "x" * 140_000 + "\n2,b\n", ["x" * 140_000, "b"]),
        ("sep=;\nid;text\n1;a, b\n", ["a, b"]),
        ("id|text\n1|a\n", ["a"]),
        ('id, text\n1, "a, b"\n2, "c"\n', ["a, b", "c"]),
        ('id,text\n1,"x" y\n2,5" pipe\n', ["x y", '5" pipe']),
        ("id,text\n1\n2,b,,\n", ["", "b"]),
        ("text\n", []),
        ("1,Mary sings in Rome.\n2,Bob dances.\n", ["Mary sings in Rome.", "Bob dances."]),
        ("Mary Jones,Paris\nBob Lee,Rome\nAnn,Paris\n", ["Mary Jones", "Bob Lee", "Ann"]),
        ("Mary Jones,A-101\nBob Lee,B-202\n", ["Mary Jones", "Bob Lee"]),
        ("When?,What is your full name?\n2024,Mary Jones\n2025,Bob\n", ["Mary Jones", "Bob"]),
        ("who,Paris\nMary Jones,Paris\nBob,\n", ["Mary Jones", "Bob"]),
        ("who,at\nMary Jones,Rome\nwho,at\nBob,Rome\n", ["Mary Jones", "who", "Bob"]),
        (
            "I met Mary, Bob and Jo.\nParis, the city.\nx\n",
            ["I met Mary, Bob and Jo.", "Paris, the city.", "x"],
        ),
    ],
)
def test_tables_are_read_as_spreadsheet_programs_read_them(table, texts):
    found = items("a.csv", table)
    assert [item.text for item in found if isinstance(item, Document)] == texts
    assert problems(found) == []


@pytest.mark.parametrize(
    ("table", "above", "texts"),
    [
        ("# made by A, B on 2024\nid,text\n1,Mary sings\n", [1], ["Mary sings"]),
        ("sep=;\n# a\n# b\nid;name\n1;Mary Jones sings\n", [2, 3], ["Mary Jones sings"]),
        ("# made\ntext\nMary, Bob\nJohn, Ann\n", [1], ["Mary, Bob", "John, Ann"]),
        ("Report\n\nid;name\n1;Mary Jones sings\n", [1], ["Mary Jones sings"]),
        ("Report of May;;\nid;name;n\n1;Mary Jones sings;2\n", [1], ["Mary Jones sings"]),
        ("# made\n\nReport\n\nid;name\n1;Mary Jones sings\n", [1, 3], ["Mary Jones sings"]),
        ("sep=|\n\nReport\n\nid|name\n1|Mary Jones sings\n", [3], ["Mary Jones sings"]),
        ("List of all people;\ntext;name\nMary, Bob;x\nAnn;y\n", [1], ["Mary, Bob", "Ann"]),
        ('Report of May,,\n,,\nid,text,n\n1,Mary,2\n , ,\n2,"Bob\nLee",3\n', [1], ["Mary", "Bob\nLee"]),
        ("Report, of Acme\n\nid;text\n1;Mary\n", [1], ["Mary"]),
        ("Report\nid;text\n1;Mary\n", [1], ["Mary"]),
        ("#id,text\n1,Mary\n", [], ["Mary"]),
        ("# id,text\n# x,y\n1,Mary\n", [], ["y", "Mary"]),
        (
            "#1,Mary sings well now.\n#2,Bob sings well also.\n",
            [],
            ["Mary sings well now.", "Bob sings well also."],
        ),
        ("text\n\nMary,Bob\nJohn,Ann\n", [], ["Mary,Bob", "John,Ann"]),
    ],
)
def test_comments_and_a_title_above_a_table_are_said(table, above, texts):
    found = items("a.csv", table)
    assert [item.text for item in found if isinstance(item, Document)] == texts
    assert [line for line, reason in problems(found, lost=False) if "above the table" in reason] == above


def test_a_quote_that_is_not_closed_costs_its_row_alone():
    found = items("a.csv", 'id,text\n1,"open\n2,Mary\n3,"Bob, x"\n4,"two\nlines"\n')
    assert [(i.line, i.text) for i in found if isinstance(i, Document)] == [
        (3, "Mary"),
        (4, "Bob, x"),
        (5, "two\nlines"),
    ]
    assert problems(found) == [(2, "expected a row of a table, found a quote that is not closed")]


@pytest.mark.parametrize(
    "content", ['text\n;"\n' + ';"\n' * 21_300, "text\n" + 'a,"b\n' * 20_000, 'text\n"' + '""\n' * 15_000]
)
def test_quotes_without_end_are_read_in_linear_time(content):
    began = time.process_time()
    items("a.csv", content)
    assert time.process_time() - began < 20


def test_columns_are_chosen_and_said():
    table = "id,body\n7,Mary lives in Rome\n"
    note, document = items("a.csv", table)
    assert (document.text, document.fields) == (
        "Mary lives in Rome",
        {"id": "7", "body": "Mary lives in Rome"},
    )
    assert (note.lost, "taken from 'body'" in note.reason) == (False, True)
    assert rows("a.csv", table, column="BODY") == [(2, "Mary lives in Rome")]
    assert problems(items("a.csv", table, column="x")) == [(None, "expected a column 'x', found id, body")]


def test_too_many_columns_are_refused(tmp_path):
    assert "10,000 columns" in problems(items("a.csv", ",".join(["x"] * 200_000) + "\n1,2\n"))[0][1]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('[{"text":"a"},{"text":"b"}]', ["a", "b"]),
        ('[\n {"text":"a"},\n {"text":"b"}\n]', ["a", "b"]),
        ('{\n "text":"a"\n}\n{\n "text":"b"\n}\n', ["a", "b"]),
        ('["a", "b"]\n["c"]', [("a", "b"), ("c",)]),
        (' ["Mary sings.", "Bob"]', ["Mary sings.", "Bob"]),
        ('{"count":1,"rows":[{"id":1,"body":"Mary x"}]}', ["Mary x"]),
        ('{"text":"one"}', ["one"]),
        ('{"text":"one"}\n{"text":"two"}', ["one", "two"]),
        ('\ufeff["a","b"]', [("a", "b")]),
        ('{"id":{"0":1,"5":2},"text":{"0":"a","5":"b"}}', ["a", "b"]),
        ('{"columns":["id","text"],"index":[0,1],"data":[[1,"a"],[2,"b"]]}', ["a", "b"]),
        ('{"0":{"id":1,"text":"a"},"1":{"id":2,"text":"b"}}', ["a", "b"]),
        ('{"x":{"text":"a"},"y":{"text":"b"}}', ["a", "b"]),
        ('{"a":{"id":1,"body":"Mary x"},"b":{"id":2,"body":"Bob"}}', ["Mary x", "Bob"]),
        ('{"kind":"x","data":{"n":1,"children":[{"data":{"body":"Mary x"}}]}}', ["Mary x"]),
        ('{"type":"F","features":[{"type":"x","properties":{"note":"Ann x"}}]}', ["Ann x"]),
        ('{"id":[1,2],"text":["a b","c"]}', ["a b", "c"]),
        ('{"tags":["O","O"],"text":["a","b"]}', [("a", "b")]),
        ('[["id","text"],[1,"a"],[2,"b"]]', ["a", "b"]),
    ],
)
def test_json_files(content, texts):
    assert [text for _, text in rows("a.json", content)] == texts
    if content.startswith(("[", "{\n")):  # other programs name such files so
        for encoding in ("utf-8", "utf-16"):
            assert [text for _, text in rows("a.jsonl", content.encode(encoding))] == texts


@pytest.mark.parametrize("depth", [900, 100_000])
def test_deep_json_is_a_problem_of_its_file(depth):
    deep = '{"text": "x", "a": ' + "[" * depth + "]" * depth + "}"
    assert len(problems(items("a.json", deep))) == len(problems(items("a.jsonl", deep))) == 1


def workbook(sheets, types=None):
    """Write an .xlsx by hand, with inline strings and numbers."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    listed = "".join(f'<sheet name="{n}" sheetId="{i + 1}" r:id="r{i}"/>' for i, n in enumerate(sheets))
    book = f'<workbook xmlns="{main}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
    related = relations(*(("worksheet", f"worksheets/s{i}.xml") for i in range(len(sheets))))
    parts = {
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": related,
    }
    for index, rows in enumerate(sheets.values()):
        body = ""
        for number, cells in enumerate(rows, 1):
            body += f'<row r="{number}">'
            for letter, cell in zip("ABCDEFG", cells, strict=False):
                if isinstance(cell, str):
                    body += f'<c r="{letter}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
                else:
                    body += f'<c r="{letter}{number}"><v>{cell}</v></c>'
            body += "</row>"
        sheet = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        parts[f"xl/worksheets/s{index}.xml"] = sheet
    return packed(parts)


def test_rows_of_a_workbook_are_counted_from_its_top():
    import xlsxwriter

    out = BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet().write_column(4, 2, ["text", "Mary", None, "Bob"])
    found = items("a.xlsx", out.getvalue())
    assert [(item.line, item.text) for item in found if isinstance(item, Document)] == [
        (6, "Mary"),
        (8, "Bob"),
    ]


def test_what_stands_beside_the_cells_of_a_workbook_is_said():
    import xlsxwriter

    for beside in ((), ("comment",), ("comment", "box")):
        out = BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            sheet.write_column(0, 0, ["text", "Mary sings"])
            if "comment" in beside:
                sheet.write_comment(1, 0, "by Ann")
            if "box" in beside:
                sheet.insert_textbox(5, 5, "by Bob")
        reasons = [reason for _, reason in problems(items("a.xlsx", out.getvalue()), lost=False)]
        said = " and ".join({"comment": "comments", "box": "text boxes"}[one] for one in beside)
        assert reasons == ([f"holds {said}, which are not read"] if said else [])


def test_formulas_that_nobody_computed_are_said():
    import openpyxl

    book, out = openpyxl.Workbook(), BytesIO()
    for row in (["text"], ["Mary"], ['=HYPERLINK("https://x.example", "Bob")']):
        book.active.append(row)
    book.save(out)
    found = items("a.xlsx", out.getvalue())
    assert problems(found, lost=False) == [(None, "holds formulas without values, which are not read")]


def test_what_stands_beside_the_cells_of_an_open_document_workbook_is_said():
    comment = "<office:annotation><text:p>by Ann</text:p></office:annotation>"
    framed = "<draw:frame><draw:text-box><text:p>by Bob</text:p></draw:text-box></draw:frame>"
    box = f"<table:shapes>{framed}</table:shapes>"
    empty = "<table:shapes><draw:custom-shape draw:name='a'><text:p/></draw:custom-shape></table:shapes>"
    for note, shapes, said in (
        ("", "", ""),
        ("", empty, ""),
        (comment, "", "comments"),
        ("", box, "text boxes"),
        (comment, box, "comments and text boxes"),
        (f"\n  {comment}\n", "", "comments"),
    ):
        rows = "".join(
            f"<table:table-row>\n <table:table-cell office:value-type='string'>{beside}"
            f"<text:p>{text}</text:p>"
            "</table:table-cell>\n</table:table-row>\n"
            for beside, text in (("", "text"), (note, "Mary<text:tab/>sings<text:line-break/>now"))
        )
        table = f"<table:table table:name='S'>{shapes}{rows}</table:table>"
        body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
        parts = {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{OPEN}manifest:1.0"/>',
            "content.xml": f"<office:document-content {OPEN_SPACES}>{body}</office:document-content>",
        }
        found = items("a.ods", packed(parts))
        assert [item.text for item in found if isinstance(item, Document)] == ["Mary\tsings\nnow"]
        reasons = [reason for _, reason in problems(found, lost=False)]
        assert reasons == ([f"holds {said}, which are not read"] if said else [])


def record(kind, body=b""):
    number = bytes((kind,)) if kind < 128 else bytes((kind & 127 | 128, kind >> 7))
    return number + bytes((len(body),)) + body


def wide(text):
    return len(text).to_bytes(4, "little") + text.encode("utf-16-le")


def test_cells_of_a_binary_workbook_that_do_not_name_their_column():
    style = bytes(4)
    sheet = [
        (131, b""),
        (143, b""),
        (156, bytes(4) + b"\1\0\0\0" + wide("r0") + wide("S")),
        (144, b""),
        (132, b""),
    ]
    first = [
        (0, bytes(25)),
        (6, bytes(4) + style + wide("text")),
        (17, style + wide("n")),
        (17, style + wide("m")),
    ]
    second = [
        (0, b"\1" + bytes(24)),
        (6, bytes(4) + style + wide("Mary sings")),
        (13, style + b"\6\0\0\0"),
        (15, style + b"\1"),
    ]
    size = (148, bytes(4) + b"\1\0\0\0" + bytes(4) + b"\2\0\0\0")
    cells = [(129, b""), size, (145, b""), *first, *second, (146, b""), (130, b"")]
    parts = {
        "xl/workbook.bin": b"".join(record(*one) for one in sheet),
        "xl/worksheets/sheet1.bin": b"".join(record(*one) for one in cells),
        "xl/_rels/workbook.bin.rels": relations(("worksheet", "worksheets/sheet1.bin")),
    }
    [document] = items("a.xlsb", packed(parts))
    assert document.fields == {"text": "Mary sings", "n": 1, "m": True}


def test_workbooks_give_a_table_a_sheet():
    content = workbook(
        {"One": [["id", "Text"], [7, "Mary sings"], [8, 2024]], "Two": [["who"], ["Bob"], [5]]}
    )
    found = items("a.xlsx", content)
    assert [(i.where, i.text, i.fields.get("id")) for i in found if isinstance(i, Document)] == [
        ("a.xlsx:One:2", "Mary sings", 7),
        ("a.xlsx:One:3", "2024", 8),
        ("a.xlsx:Two:2", "Bob", None),
        ("a.xlsx:Two:3", "5", None),
    ]
    assert "damaged" in problems(items("a.xlsx", content[:200]))[0][1]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.ods"])
def test_workbooks_that_are_text(name):
    page = (
        "<meta charset=utf-8><h1>Staff</h1><table><tr><td colspan=2>Of May<tr><th>who<th>text<th>n"
        "<tr><td>Zoë<td>a<br>b</table><table><tr><td>text<tr><td>Bob</table>"
    )
    excel = (
        '<?xml version="1.0"?><Workbook xmlns="{0}" xmlns:ss="{0}"><Worksheet ss:Name="S"><Table>'
        "<Row><Cell><Data>who</Data></Cell><Cell/><Cell><Data>text</Data></Cell></Row>"
        '<Row><Cell ss:Index="3"><Data ss:Type="String">Mary <B>&amp;</B> Bob</Data></Cell></Row>'
        "</Table></Worksheet></Workbook>"
    ).format("urn:schemas-microsoft-com:office:spreadsheet")
    assert [(i.where, i.fields) for i in items(name, page) if isinstance(i, Document)] == [
        (f"{name}:table 1:3", {"who": "Zoë", "text": "a\nb", "n": ""}),
        (f"{name}:table 2:2", {"text": "Bob"}),
    ]
    assert [reason.rpartition(": ")[2] for _, reason in problems(items(name, page), lost=False)] == [
        *("Staff", "Of May")
    ]
    assert [text for _, text in rows(name, excel)] == ["Mary & Bob"]
    assert rows(name, "id\ttext\n1\tZoë\n".encode("utf-16")) == [(2, "Zoë")]
    assert [text for _, text in rows(name, "<html><p>Not found, Mary")] == ["Not found, Mary"]
    assert [text for _, text in rows(name, "<table><tr><td><table><tr><td>Mary")] == ["Mary"]


def test_a_title_above_the_header_of_a_sheet_is_said():
    sheet = [["Invoice 7 of Acme"], ["who", "n"], ["Mary Jones", 1]]
    found = items("a.xlsx", workbook({"One": sheet}))
    assert [i.fields for i in found if isinstance(i, Document)] == [{"who": "Mary Jones", "n": 1}]
    assert (1, "is above the table and not read: Invoice 7 of Acme") in problems(found, lost=False)


def test_columns_of_a_table_are_listed(tmp_path):
    (tmp_path / "a.csv").write_text("id;Body\n1;x\n")
    (tmp_path / "a.jsonl").write_text('{"a": "x"}\n{"b": "y", "a": "z"}\n')
    (tmp_path / "a.txt").write_text("id;Body\n")
    found = [table_columns(tmp_path / name) for name in ("a.csv", "a.jsonl", "a.txt", "none.csv")]
    assert found == [["id", "Body"], ["a", "b"], [], []]


def test_text_that_is_not_utf8_in_parquet_is_a_problem_of_its_row(tmp_path):
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    raw = arrow.array([b"Mary", b"Jos\xe9", b"Bob"], arrow.binary())
    text = arrow.Array.from_buffers(arrow.string(), 3, raw.buffers())
    parquet.write_table(arrow.table({"text": text}), tmp_path / "a.parquet")
    found = list(read(tmp_path / "a.parquet"))
    assert [i.text for i in found if isinstance(i, Document)] == ["Mary", "Bob"]
    assert problems(found) == [(2, "holds text that is not UTF-8; write the file again")]


def test_what_stands_above_an_empty_row_of_a_sheet_is_said():
    rows = [["Client", "Mary"], ["Account", 7], [], ["id", "name", "n"], [1, "Ann Lee sings", 2]]
    found = list(read("a.xlsx", content=workbook({"one": rows})))
    assert [item.text for item in found if isinstance(item, Document)] == ["Ann Lee sings"]
    assert [item.line for item in found if "above the table" in getattr(item, "reason", "")] == [1, 2]
