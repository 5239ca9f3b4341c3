"""Office files redacted and restored: nothing found is left in any member, and the formatting stays."""

import functools
import io
import re
import zipfile

import docx
import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName
from PIL import Image

from ner_documents.redaction import FormatError, restore_file
from tests.ner_documents.packing import packed, unpacked
from tests.ner_documents.redacting import redacted


@functools.cache
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


@functools.cache
def small_word_file():
    """The same without its styles, which are nine tenths of it and are all gone through."""
    parts = unpacked(word_file()).items()
    return packed({name: part for name, part in parts if "styles" not in name and "theme" not in name})


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
    assert notes == ("all text is restored; previews and metafile pictures are lost",)
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
    return packed(unpacked(content) | members, zipfile.ZIP_STORED)


def test_names_of_parts_are_read_also_where_nothing_else_holds_the_name():
    text = (
        '<w:p><w:bookmarkStart w:name="{0}" w:id="0"/><w:hyperlink w:anchor="{0}"/>'
        "<w:instrText> REF {0} </w:instrText></w:p>"
        "<w:p><w:moveFrom><w:t>Bob</w:t></w:moveFrom></w:p></w:body>"
    )
    body = unpacked(small_word_file())["word/document.xml"].decode().partition("<w:body>")[0] + "<w:body>"
    for name, new in {"Mary_Jones": "PER_1", "_Toc123": "_Toc123"}.items():
        document = (body + text.format(name)).encode()
        content = with_members(small_word_file(), **{"word/document.xml": document})
        left = unpacked(redacted("a.docx", content, "label")[0].content)["word/document.xml"].decode()
        assert re.findall('(?:name|anchor)="([^"]*)"', left) == [new, new]
        assert [found for found in re.split("<[^>]*>", left) if found.strip()] == [f" REF {new} ", "[PER]"]
    sheet = b'<table:table table:name="Mary Jones"/><a xlink:href="#Mary Jones.A1"/>'
    parts = unpacked(redacted("a.ods", packed({"content.xml": sheet}))[0].content)
    assert parts["content.xml"] == b'<table:table table:name="PER_1"/><a xlink:href="#PER_1.A1"/>'


def test_pictures_that_hold_text_are_empty():
    members = {"word/media/image1.emf": b"M\0a\0r\0y\0", "word/media/image2.png": b"x"}
    result, _ = redacted("a.docx", with_members(small_word_file(), **members))
    parts = unpacked(result.content)
    assert Image.open(io.BytesIO(parts["word/media/image1.emf"])).size == (1, 1)
    assert parts["word/media/image2.png"] == b"x"
    assert result.notes[1:] == (
        "pictures that hold text (such as .emf and .wmf) were emptied: 1",
        "text in pictures is not read; pictures that are kept: 1",
    )
    result, key = redacted("a.rtf", rb"{\rtf1 Bob{\pict{\*\picprop}\wmetafile8 4d61}{\pict\pngblip 89}}")
    assert result.content == rb"{\rtf1 PER_1{\pict{\*\picprop}\wmetafile8 }{\pict\pngblip 89}}"
    assert restore_file("a.rtf", result.content, key)[0].endswith(rb"4d61}{\pict\pngblip 89}}")


def test_workbooks_in_a_file_share_its_limit_when_unpacked(monkeypatch):
    monkeypatch.setattr("ner_documents.reading.packages.UNPACKED", 1_000_000)
    books = {f"word/embeddings/Sheet{n}.xlsx": packed({"a.xml": b"<a/>" + bytes(400_000)}) for n in range(3)}
    with pytest.raises(FormatError, match="unpacks to 0 MB, more than 0"):
        redacted("a.docx", with_members(small_word_file(), **books))


def test_what_cannot_be_looked_into_is_refused():
    for member in ("word/embeddings/oleObject1.bin", "word/vbaProject.bin"):
        with pytest.raises(FormatError, match=f"holds {member}, an embedded file"):
            redacted("a.docx", with_members(small_word_file(), **{member: b"x"}))
    for member in ("word/afchunk.htm", "word/afchunk1.docx", "customXml/item.data"):
        with pytest.raises(FormatError, match=f"holds {member}, an embedded file"):
            redacted("a.docx", with_members(small_word_file(), **{member: b"Bob"}))
    entities = {"word/footer9.xml": b'<!DOCTYPE x [<!ENTITY m "Bob">]><x>&m;</x>'}
    with pytest.raises(FormatError, match="declares entities"):
        redacted("a.docx", with_members(small_word_file(), **entities))
    with pytest.raises(FormatError, match="picture or recording whose file name"):
        redacted("a.docx", with_members(small_word_file(), **{"word/media/Bob.png": b"x"}))
    kept = {"word/media/image1.png": b"x", "word/fonts/font1.odttf": b"x", "mimetype": b"x"}
    assert (
        unpacked(redacted("a.docx", with_members(small_word_file(), **kept))[0].content).keys() >= kept.keys()
    )


def test_workbooks_of_charts_are_redacted_and_come_back():
    book = openpyxl.Workbook()
    book.active.append(["Mary Jones", 5])
    file = io.BytesIO()
    book.save(file)
    member = "word/embeddings/Microsoft_Excel_Sheet1.xlsx"
    content = with_members(small_word_file(), **{member: file.getvalue()})
    result, key = redacted("a.docx", content)
    for made, name in (
        (result.content, "PER_1"),
        (restore_file("a.docx", result.content, key)[0], "Mary Jones"),
    ):
        inner = openpyxl.load_workbook(io.BytesIO(unpacked(made)[member]))
        assert [cell.value for cell in inner.active[1]] == [name, 5]
    nested = with_members(file.getvalue(), **{"xl/embeddings/Sheet1.xlsx": b"x"})
    with pytest.raises(FormatError, match=r"holds xl/embeddings/Sheet1\.xlsx, an embedded file"):
        redacted("a.docx", with_members(small_word_file(), **{member: nested}))


def test_charts_and_previews_of_open_document_files():
    content = with_members(small_word_file(), **{"content.xml": b"<text:p>Mary Jones</text:p>"})
    members = {
        "Object 1/content.xml": b'<x xmlns:text="t"><text:p>Bob</text:p></x>',
        "ObjectReplacements/Object 1": b"Bob",
        "Pictures/TablePreview1.svm": b"Bob",
    }
    parts = unpacked(redacted("a.odt", with_members(content, **members))[0].content)
    assert parts["Object 1/content.xml"] == b'<x xmlns:text="t"><text:p>PER_2</text:p></x>'
    assert not parts.keys() & {"ObjectReplacements/Object 1", "Pictures/TablePreview1.svm"}
    with pytest.raises(FormatError, match="holds Object 2, an embedded file"):
        redacted("a.odt", with_members(content, **{"Object 2": b"Bob"}))


def test_hidden_places_of_word_files():
    content = small_word_file()
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


def test_who_wrote_and_where_it_was_written_goes():
    names = {
        "ppt/authors.xml": b'<p188:author name="Zed" initials="Z"/>',
        "ppt/commentAuthors.xml": b'<p:cmAuthor name="Zed"/>',
        "word/document.xml": b'<w:p><w:permStart w:ed="X/Zed" w:id="1"/></w:p>',
        "xl/users.xml": b'<userInfo name="Zed"/><pivotCacheDefinition refreshedBy="Zed"/>',
    }
    result, key = redacted("a.pptx", with_members(small_word_file(), **names))
    assert not any(b"Zed" in part for part in unpacked(result.content).values())
    restored = unpacked(restore_file("a.pptx", result.content, key)[0])
    assert {name: restored[name] for name in names} == names
    open_document = {
        "content.xml": b'<text:a xlink:href="../../zed/a.odt"/><text:a xlink:href="#zoe"/>',
        "meta.xml": b'<meta:template xlink:href="/home/zed/a.ott"/>',
        "settings.xml": b'<config:config-item config:name="PrinterName">Zed 2</config:config-item>',
    }
    parts = unpacked(redacted("a.odt", with_members(small_word_file(), **open_document))[0].content)
    assert not any(b"zed" in parts[name].lower() for name in open_document)
    assert b"#zoe" in parts["content.xml"]


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


@pytest.mark.parametrize("operator", ["number", "label", "mask"])
def test_names_of_sheets_and_ranges_stay_names_of_their_own(operator):
    book = openpyxl.Workbook()
    book.active.title = "Mary Jones"
    book.create_sheet("Bob")
    book.active["A1"] = "='Mary Jones'!A2"
    book.defined_names["Mary_Jones"] = DefinedName("Mary_Jones", attr_text="'Mary Jones'!$A$2")
    out = io.BytesIO()
    book.save(out)
    result, key = redacted("a.xlsx", out.getvalue(), operator)
    again = openpyxl.load_workbook(io.BytesIO(result.content))
    assert again.sheetnames == ["PER_1", "PER_2"]
    assert again["PER_1"]["A1"].value == "='PER_1'!A2"
    assert again.defined_names["PER_1"].attr_text == "'PER_1'!$A$2"
    assert restore_file("a.xlsx", result.content, key)[0] is not None


def test_drawings_in_office_files_are_redacted_and_restored():
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg"><text>Mary <tspan>Jones</tspan></text><text>Bob</text></svg>'
    )
    name = "word/media/image1.svg"
    result, key = redacted("a.docx", with_members(small_word_file(), **{name: drawing}))
    left = unpacked(result.content)[name].decode()
    assert [text for text in re.split("<[^>]*>", left) if text] == ["PER_1", "PER_2"]
    restored, _ = restore_file("a.docx", result.content, key)
    assert unpacked(restored)[name].decode() == drawing


def test_of_two_parts_with_one_name_only_the_redacted_one_is_left():
    content = io.BytesIO()
    docx.Document().save(content)
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("docProps/custom.xml", b"<p><t>Mary Jones</t></p>")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("docProps/custom.xml", b"<p><t>No name</t></p>")
    with pytest.warns(UserWarning, match="Duplicate"):
        result, _ = redacted("a.docx", content.getvalue())
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        assert not any(b"Mary" in archive.read(member) for member in archive.infolist())
