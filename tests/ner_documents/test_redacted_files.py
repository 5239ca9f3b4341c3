"""Files redacted and restored: nothing found is left anywhere in them, and all else stays."""

import io
import json
import re
import zipfile

import docx
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.workbook.defined_name import DefinedName

from ner_core.entity import Entity, Recognition
from ner_documents.redaction import (
    FormatError,
    Key,
    KeyProblem,
    Placeholders,
    Redactor,
    redact_file,
    restore_file,
)

NAMES = {
    "Mary Jones": "PER",
    "Acme Corp": "ORG",
    "Jos\u00e9 \u00c1lvarez": "PER",
    "O'Neill & Sons": "ORG",
    "Bob": "PER",
}


def recognize(texts):
    """A model that knows `NAMES` alone."""
    for text in texts:
        found = [
            Entity(match.start(), match.end(), label, 0.9, name)
            for name, label in NAMES.items()
            for match in re.finditer(re.escape(name), text)
        ]
        yield Recognition(text, tuple(sorted(found, key=lambda entity: entity.start)))


def redacted(name, content, operator="number"):
    key = Key()
    redactor = Redactor(Placeholders(operator, secret=key.secret))
    result = redact_file(name, content, recognize, redactor)
    key.identities = redactor.placeholders.identities
    if result.document:
        key.add(result.document)
    return result, Key.from_json(key.to_json(), "key")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Mary Jones\r\nmet Bob; JONES left.\r", "PER_1\r\nmet PER_2; PER_1 left.\r"),
        ("a.md", "# Mary Jones\n", "# PER_1\n"),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nMary Jones\n",
            "1\n00:00:01,000 --> 00:00:02,000\nPER_1\n",
        ),
        ("a.csv", "id,who\r\n1,Mary Jones\r\n", "id,who\r\n1,PER_1\r\n"),
        (
            "a.csv",
            'id;"who ""x"""\n7;"said ""Mary Jones"" of\nAcme Corp"\n',
            'id;"who ""x"""\n7;"said ""PER_1"" of\nORG_1"\n',
        ),
        ("a.csv", 'a,b\n"Mary Jones\n', 'a,b\n"PER_1\n'),
        ("a.csv", 'a,b\nMary Jones,"Bob",\n\n', 'a,b\nPER_1,"PER_2",\n\n'),
        ("a.tsv", "who\tn\nMary Jones\t1,5\n", "who\tn\nPER_1\t1,5\n"),
        (
            "a.json",
            '{"Mary Jones": ["Bob\\n", 4111111111111111, 1e999], "n": 12}',
            '{"PER_1": ["PER_2\\n", "CARD_1", 1e999], "n": 12}',
        ),
        ("a.json", '"Jos\\u00e9 \\u00c1lvarez \\ud83d\\ude00"', '"PER_1 \\ud83d\\ude00"'),
        ("a.jsonl", '{"t": "Bob"}\n\n{"t": "O\'Neill & Sons"}\n', '{"t": "PER_1"}\n\n{"t": "ORG_1"}\n'),
        ("a.html", "<p>Mary\n   <b>Jones</b> of O&#39;Neill &amp; Sons<br>Bob</p>", None),
        (
            "a.html",
            "<a title='Bob &quot;' href=\"mailto:b@x.example\">Bob</a><!--Bob--><script>'Bob'</script>",
            "<a title='PER_1 &quot;' href=\"mailto:EMAIL_1\">PER_1</a><!--PER_1--><script>'PER_1'</script>",
        ),
        ("a.html", "<p>Bob < b <Bob", "<p>PER_1 < b <Bob"),
        ("a.txt", "", ""),
        ("a.csv", '# by A, B\nid;who\n1;"Mary Jones; Bob"\n', '# by A, B\nid;who\n1;"PER_1; PER_2"\n'),
        ("a.csv", "", ""),
        ("a.html", "<!-- Bob", "<!-- PER_1"),
        (
            "a.html",
            "<p>Bob, <a href='mailto:x?subject=Jos%C3%A9%20%C3%81lvarez'>Jos\u00e9 \u00c1lvarez",
            "<p>PER_1, <a href='mailto:x?subject=PER_2'>PER_2",
        ),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bob>I, <i>Mary</i> <00:01.5>Jones, am <Acme Corp>\n",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v PER_2>I, <i>PER_1</i><00:01.5>, am <ORG_1>\n",
        ),
    ],
)
def test_text_files(name, content, expected):
    result, key = redacted(name, content.encode())
    if expected is not None:
        assert result.content.decode() == expected
    assert restore_file(name, result.content, key) == (content.encode(), ())


def test_markup_inside_of_a_name():
    result, _ = redacted("a.html", b"<p>Mary <b>Jones</b>, O&#39;Neill &amp; Sons</p>")
    assert result.content == b"<p>PER_1<b></b>, ORG_1</p>"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
@pytest.mark.parametrize("operator", ["label", "number", "mask", "hash"])
def test_encodings_are_kept(encoding, operator):
    content = "Jos\u00e9 \u00c1lvarez d\u00eene\r\n".encode(encoding)
    result, key = redacted("a.txt", content, operator)
    assert "\u00c1lvarez" not in result.content.decode(encoding)
    assert result.content.decode(encoding).endswith(" d\u00eene\r\n")
    assert restore_file("a.txt", result.content, key)[0] == content


def test_wrong_bytes_are_kept():
    content = b"\xef\xbb\xbfBob \xff Bob"
    result, key = redacted("a.txt", content)
    assert result.content == b"\xef\xbb\xbfPER_1 \xff PER_1"
    assert restore_file("a.txt", result.content, key)[0] == content


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.xyz", b"Bob", r"files of this type are not redacted; \.txt, .* are"),
        ("a.jsonl", b'{"a": 1}\n{"a": Bob}\n', "line 2 is not JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.txt", b"Bob\0", "holds NUL bytes"),
        ("a.docx", b"Bob", "is damaged or not what its name says"),
        ("a.docx", b"\xd0\xcf\x11\xe0 Bob", "locked with a password"),
    ],
)
def test_what_cannot_be_read_is_refused(name, content, problem):
    with pytest.raises(FormatError, match=problem):
        redacted(name, content)


def test_an_edited_file_gets_its_names_back():
    result, key = redacted("a.txt", b"Mary Jones met JONES and Bob.")
    assert result.content == b"PER_1 met PER_1 and PER_2."
    edited = b"<p>PER_2 traf PER_1 &amp; PER_9.</p>"
    assert restore_file("a.html", edited, key) == (
        b"<p>Bob traf Mary Jones &amp; PER_9.</p>",
        ("was changed after it was redacted: 2 placeholders became the longest form of the name",),
    )
    with pytest.raises(KeyProblem, match="holds none of its placeholders"):
        restore_file("a.txt", b"nothing", key)
    with pytest.raises(FormatError, match="keep the original"):
        restore_file("a.pdf", b"%PDF", key)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "ner-zoo redaction key", "version": 1}', "[" * 100_000]
)
def test_other_files_are_no_keys(text):
    with pytest.raises(KeyProblem, match=r"^k\.json: "):
        Key.from_json(text, "k.json")


def word_file():
    document = docx.Document()
    document.core_properties.author = "Zed Author"
    paragraph = document.add_paragraph("Signed: Ma")
    paragraph.add_run("ry Jo").bold = True
    paragraph.add_run("nes, Acme Corp")
    document.add_paragraph("Bob", style="Heading 1")
    document.sections[0].header.paragraphs[0].text = "for Acme Corp"
    document.add_table(1, 2).cell(0, 1).text = "JONES"
    document.add_comment(paragraph.runs, "ask Bob", author="Zed Author", initials="ZA")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_word_files_keep_their_formatting():
    content = word_file()
    result, key = redacted("a.docx", content)
    document = docx.Document(io.BytesIO(result.content))
    first, second = document.paragraphs
    assert first.text == "Signed: PER_1, ORG_1"
    assert [(run.text, run.bold) for run in first.runs if run.text] == [
        ("Signed: PER_1", None),
        (", ORG_1", None),
    ]
    assert (second.text, second.style.name) == ("PER_2", "Heading 1")
    assert document.sections[0].header.paragraphs[0].text == "for ORG_1"
    assert document.tables[0].cell(0, 1).text == "PER_1"
    assert document.core_properties.author == ""
    for name, part in unpacked(result.content).items():
        for secret in (b"Jones", b"JONES", b"Acme", b"Bob", b"Zed", b'"ZA"'):
            assert secret not in part, name
    restored, notes = restore_file("a.docx", result.content, key)
    assert notes == ("all text is as it was; the preview picture is gone",)
    before, after = unpacked(content), unpacked(restored)
    assert set(before) - set(after) == {"docProps/thumbnail.jpeg"}
    assert {name for name in after if after[name] != before[name]} == {"_rels/.rels"}
    assert docx.Document(io.BytesIO(restored)).paragraphs[1].text == "Bob"


def test_settings_of_printers_leave_no_links_behind():
    workbook = openpyxl.Workbook()
    workbook.active.append(["Mary Jones"])
    file = io.BytesIO()
    workbook.save(file)
    sheet = "xl/worksheets/sheet1.xml"
    printed = b'<pageSetup orientation="portrait" r:id="rId1"/></worksheet>'
    link = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId1" Type="x/printerSettings" Target="../printerSettings/printerSettings1.bin"/>'
        b"</Relationships>"
    )
    content = with_members(
        file.getvalue(),
        **{
            sheet: unpacked(file.getvalue())[sheet].replace(b"</worksheet>", printed),
            "xl/worksheets/_rels/sheet1.xml.rels": link,
            "xl/printerSettings/printerSettings1.bin": b"Mary",
        },
    )
    result, key = redacted("a.xlsx", content)
    for made in (result.content, restore_file("a.xlsx", result.content, key)[0]):
        parts = unpacked(made)
        assert "xl/printerSettings/printerSettings1.bin" not in parts
        assert b"printerSettings" not in parts["xl/worksheets/_rels/sheet1.xml.rels"]
        assert b"r:id" not in parts[sheet]


def with_members(content, **members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, part in (unpacked(content) | members).items():
            archive.writestr(name, part)
    return target.getvalue()


def test_what_cannot_be_looked_into_is_refused():
    for member in ("word/embeddings/oleObject1.bin", "word/vbaProject.bin"):
        with pytest.raises(FormatError, match=f"holds {member}, a file of its own"):
            redacted("a.docx", with_members(word_file(), **{member: b"x"}))


def test_hidden_places_of_word_files():
    content = word_file()
    parts = unpacked(content)
    body = parts["word/document.xml"].decode()
    hidden = (
        '<w:p><w:del w:author="Zed" w:id="7"><w:r><w:delText>Bob</w:delText></w:r></w:del>'
        '<w:r><w:instrText>HYPERLINK "mailto:bob@x.example"</w:instrText></w:r>'
        "<w:r><w:t>Mary</w:t><w:tab/><w:t>Jones &amp; O'Neill &amp; Sons</w:t></w:r></w:p></w:body>"
    )
    rels = parts["word/_rels/document.xml.rels"].decode()
    link = (
        '<Relationship Id="rId99" Type="x/hyperlink" Target="https://bob.example" TargetMode="External"/>'
        "</Relationships>"
    )
    content = with_members(
        content,
        **{
            "word/document.xml": body.replace("</w:body>", hidden).encode(),
            "word/_rels/document.xml.rels": rels.replace("</Relationships>", link).encode(),
        },
    )
    result, key = redacted("a.docx", content)
    text = unpacked(result.content)
    document = text["word/document.xml"].decode()
    assert "Bob" not in document
    assert "bob" not in document + text["word/_rels/document.xml.rels"].decode()
    assert "Zed" not in document
    assert "<w:t>PER_1</w:t><w:tab/><w:t> &amp; ORG_" in document
    assert unpacked(restore_file("a.docx", result.content, key)[0])[
        "word/document.xml"
    ].decode() == body.replace("</w:body>", hidden)


FRAGMENTS = [
    "Mary Jones",
    "Bob",
    "JONES",
    "PER_1",
    "[PER]",
    "TEXT_1",
    "\u2588",
    "a@b.example",
    "x",
    " ",
    "\n",
    "\r\n",
    '"',
    '""',
    ",",
    ";",
    "\t",
    "<b>",
    "</p>",
    "&amp;",
    "&",
    "<",
    ">",
    "\\",
    "\u00e9",
    "\U0001f600",
    "'",
]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.html", "a.json", "a.jsonl", "a.vtt"]),
    st.sampled_from(["label", "number", "mask", "hash"]),
)
def test_every_text_comes_back(text, name, operator):
    if "json" in name:
        text = json.dumps({"t": [text], text: 1}, ensure_ascii=len(text) % 2 == 0)
    result, key = redacted(name, text.encode(), operator)
    assert restore_file(name, result.content, key)[0] == text.encode()
    if name == "a.txt":
        assert not re.search(r"(?<!\w)(Mary Jones|Bob|a@b\.example)(?!\w)", result.content.decode())


def test_workbooks_keep_their_other_cells():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Mary Jones"
    sheet.append(["who", "n", "when"])
    sheet.append(["Mary Jones of Acme Corp", 4111111111111111, "=A2"])
    sheet.append(["JONES", 1.5, "='Mary Jones'!A2"])
    sheet["A3"].hyperlink = "mailto:mary@acme.example"
    sheet["A2"].comment = openpyxl.comments.Comment("ask Bob", "Zed Author")
    book.properties.creator = "Zed Author"
    file = io.BytesIO()
    book.save(file)
    result, key = redacted("a.xlsx", file.getvalue())
    back = openpyxl.load_workbook(io.BytesIO(result.content))
    assert back.sheetnames == ["PER_1"]
    assert [[cell.value for cell in row] for row in back["PER_1"].rows] == [
        ["who", "n", "when"],
        ["PER_1 of ORG_1", 4111111111111111, "=A2"],
        ["PER_1", 1.5, "='PER_1'!A2"],
    ]
    for name, part in unpacked(result.content).items():
        for secret in (b"Mary", b"mary@", b"JONES", b"Acme", b"Bob", b"Zed"):
            assert secret not in part, name
    restored = unpacked(restore_file("a.xlsx", result.content, key)[0])
    assert restored == {name: unpacked(file.getvalue())[name] for name in restored}


@pytest.mark.parametrize(
    ("operator", "first", "second"),
    [("number", "PER_1", "PER_2"), ("label", "PER_1", "PER_2"), ("mask", "PER_1", "PER_2")],
)
def test_names_of_sheets_and_ranges_stay_names_of_their_own(operator, first, second):
    book = openpyxl.Workbook()
    book.active.title = "Mary Jones"
    book.create_sheet("Bob")
    book.active["A1"] = "='Mary Jones'!A2"
    book.defined_names["Mary_Jones"] = DefinedName("Mary_Jones", attr_text="'Mary Jones'!$A$2")
    out = io.BytesIO()
    book.save(out)
    result, key = redacted("a.xlsx", out.getvalue(), operator)
    again = openpyxl.load_workbook(io.BytesIO(result.content))
    assert again.sheetnames == [first, second]
    assert again[first]["A1"].value == f"='{first}'!A2"
    assert again.defined_names[first].attr_text == f"'{first}'!$A$2"
    assert restore_file("a.xlsx", result.content, key)[0] is not None


def test_other_encodings_are_those_of_the_readers():
    content = "Привет, это Bob и Мария Иванова из Москвы.\n".encode("cp1251") * 3
    result, key = redacted("a.txt", content)
    assert result.content.decode("cp1251").startswith("Привет, это PER_1 и")
    assert "cp1251" in result.notes[0]
    assert restore_file("a.txt", result.content, key)[0] == content


def test_drawings_in_office_files_are_redacted_and_restored():
    made = docx.Document()
    made.add_paragraph("Mary Jones left.")
    content = io.BytesIO()
    made.save(content)
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg"><text>Mary <tspan>Jones</tspan></text><text>Bob</text></svg>'
    )
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("word/media/image1.svg", drawing)
    result, key = redacted("a.docx", content.getvalue())
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        left = archive.read("word/media/image1.svg").decode()
    assert [name for name in re.split("<[^>]*>", left) if name] == ["PER_1", "PER_2"]
    restored, _ = restore_file("a.docx", result.content, key)
    with zipfile.ZipFile(io.BytesIO(restored)) as archive:
        assert archive.read("word/media/image1.svg").decode() == drawing
