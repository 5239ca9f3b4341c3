"""Redaction finds names wherever a file keeps text: beside pictures, above letters, in properties."""

import base64
import unicodedata

import pytest

from ner_documents.folding import fold_text
from ner_documents.redaction import restore_file
from ner_documents.redaction.dialects import HTML, ODF, OOXML
from ner_documents.redaction.lists import NameList
from ner_documents.redaction.markup import markup_segments
from ner_documents.redaction.rtf import rtf_segments
from tests.ner_documents.packing import packed, unpacked
from tests.ner_documents.redacting import redacted


@pytest.mark.parametrize(
    ("dialect", "markup", "texts"),
    [
        (ODF, "<m><dc:title>Bob</dc:title><dc:subject>Ann</dc:subject><meta:keyword>Zoe</meta:keyword></m>",
         ["Bob", "Ann", "Zoe"]),
        (ODF, "<text:p>In <draw:frame><svg:title>Bob</svg:title><svg:desc>Ann</svg:desc></draw:frame>"
         "</text:p>", ["In ", "Bob", "Ann"]),
        (ODF, "<text:p>a<text:ruby><text:ruby-base>Bob</text:ruby-base><text:ruby-text>bɒb</text:ruby-text>"
         "</text:ruby> z</text:p>", ["bɒb", "aBob z"]),
        (OOXML, "<w:p><w:r><w:t>a</w:t></w:r><w:ruby><w:rt><w:r><w:t>bɒb</w:t></w:r></w:rt><w:rubyBase><w:r>"
         "<w:t>Bob</w:t></w:r></w:rubyBase></w:ruby></w:p>", ["bɒb", "aBob"]),
        (OOXML, "<si><t>田中</t><rPh><t>タナカ</t></rPh></si>", ["タナカ", "田中"]),
        (ODF, "<text:p>Mary <office:annotation><text:p>see Ann</text:p></office:annotation>Jones<text:note>"
         "<text:note-citation>1</text:note-citation><text:note-body><text:p>Bob</text:p></text:note-body>"
         "</text:note> left</text:p>", ["see Ann", "1", "Bob", "Mary Jones left"]),
        (OOXML, "<w:p><w:t>Mary </w:t><w:txbxContent><w:p><w:t>Ann</w:t></w:p></w:txbxContent><w:t>Jones"
         "</w:t></w:p>", ["Ann", "Mary Jones"]),
        (OOXML, "<w:p><w:delText>Mary </w:delText><w:delText>Jones</w:delText></w:p><w:p><w:delText>Bob"
         "</w:delText></w:p>", ["Mary Jones", "Bob"]),
        (OOXML, "<w:p><w:t>Mary </w:t><w:moveFrom><w:t>Ann</w:t></w:moveFrom><w:t>Jones</w:t></w:p>",
         ["Ann", "Mary Jones"]),
        (ODF, "<text:p>Mary <text:hidden-text>Ann</text:hidden-text>Jones</text:p>", ["Ann", "Mary Jones"]),
        (OOXML, "<c t='str'><v>Mary</v></c><c t='str'><v>Bob</v></c><c><v>5</v></c>"
         "<cell t='str'><v>Ann</v></cell>",
         ["Mary", "Bob", "Ann", "str\nstr\nstr\n"]),
        (OOXML, "<c:strCache><c:pt><c:v>Mary</c:v></c:pt><c:pt><c:v>Bob</c:v></c:pt></c:strCache><c:numCache>"
         "<c:v>5</c:v></c:numCache>", ["Mary", "Bob"]),
        (OOXML, "<dc:title>Mary</dc:title><cp:keywords>Ann</cp:keywords><vt:lpwstr>Bob</vt:lpwstr>",
         ["Mary", "Ann", "Bob"]),
        (OOXML, "<threadedComment><text>ask Bob</text></threadedComment><p:cm><p:text>Ann</p:text></p:cm>",
         ["ask Bob", "Ann"]),
        (OOXML, '<oddHeader>&amp;L&amp;"Arial,Bold"&amp;12Mary &amp;&amp; Co&amp;RBob &amp;P</oddHeader>',
         ["\nMary & Co\nBob "]),
        (OOXML, '<formula1>"Mary,Bob"</formula1><s v="Ann"/><w:docVar val="Zoe"/>',
         ['"Mary,Bob"', "Ann", "Zoe"]),
        (OOXML, '<w:hyperlink w:tooltip="Mary"/><w:helpText w:val="Ann"/><pic:cNvPr name="Bob.jpg" id="x"/>'
         '<wp:docPr name="Shape 5"/>',
         ["Mary", "Ann", "Bob.jpg", "x\nShape 5\n"]),
        (OOXML, '<sheet name="Bob1"/><w:bookmarkStart w:name="Mary_Jones"/>'
         '<c:numFmt formatCode="0 &quot;Ann&quot;"/>',
         ["Mary Jones", "Ann", 'Bob1\n0 "Ann"\n']),
        (ODF, '<text:index-mark text:string-value="Mary" text:key1="Ann"/><text:mark text:author="Bob"/>'
         '<c table:formula="of:=IF([.A1];&quot;Zoe&quot;;2)"/>',
         ["Mary", "Ann", "Bob", "Zoe", 'of:=IF([.A1];"Zoe";2)\n']),
        (HTML, "<p>a</p><p title='Mary>b</p> Bob", ["a", "<p title='Mary>b</p> Bob"]),
        (HTML, "<p>a <Mary Jones> b</p><?php Bob ?>", ["a  b", "Mary Jones\nphp Bob ?\n"]),
        (HTML, "<p><ruby>田中<rt>tanaka</rt></ruby>さん</p>", ["tanaka", "田中さん"]),
        (HTML, "<p><ruby>田<rp>(</rp><rt>ta<rp>)</rp>中</ruby>さん", ["田中さん", "(", "ta", ")"]),
    ],
)  # fmt: skip
def test_what_stands_beside_a_text_is_a_text_of_its_own(dialect, markup, texts):
    found = [one.text for one in markup_segments(markup, dialect)[0] if one.text.strip()]
    assert sorted(found) == sorted(texts)


@pytest.mark.parametrize("where", ["<img src='{}'>", "<a href={}>x</a>", "<style>a {{b: url({})}}</style>"])
def test_texts_in_addresses(where):
    for text in ("<svg><text>Bob</text></svg>", "<svg><text>Bob"):
        coded = base64.b64encode(text.encode()).decode().rstrip("=")
        page = "<p>Bob</p>" + where.format(f"data:image/svg+xml;charset=utf-8;base64,{coded}")
        result, key = redacted("a.html", page.encode())
        assert result.content.decode() == page.replace("Bob", "PER_1").replace(coded, "PER_1")
        assert restore_file("a.html", result.content, key)[0] == page.encode()
    picture = "<p>Bob, " + where.format("data:image/png;base64,Qm9i")
    assert redacted("a.html", picture.encode())[0].content.endswith(picture[6:].encode())


def test_drawings_of_a_spreadsheet_without_a_suffix():
    drawing = "<?xml version='1.0'?><svg><text>Mary</text><text>Bob</text></svg>"
    result, key = redacted("a.ods", packed({"content.xml": "<p>Bob</p>", "Pictures/Graph1": drawing}))
    written = unpacked(result.content)["Pictures/Graph1"].decode()
    assert written == drawing.replace("Bob", "PER_1")
    assert unpacked(restore_file("a.ods", result.content, key)[0])["Pictures/Graph1"] == drawing.encode()


def test_binary_data_of_rtf_that_holds_text_is_removed():
    png, metafile = rb"{\pict\pngblip\bin5 }{Bob}", rb"{\pict\wmetafile8\bin7 Mary}{\}"
    content = rb"{\rtf1 Bob" + png + metafile + rb"{\*\x\bin4 Mary}}"
    result, key = redacted("a.rtf", content)
    assert result.content == rb"{\rtf1 PER_1" + png + rb"{\pict\wmetafile8 }{\*\x }}"
    assert restore_file("a.rtf", result.content, key)[0] == content


def test_descriptions_of_pictures_and_fields_of_rtf():
    rtf = (
        r"{\rtf1 {\pict{\*\picprop{\sp{\sn wzDescription}{\sv Bob}}{\sp{\sn fFlip}{\sv 0}}}\pngblip 8950}"
        r"{\*\shppict{\sp{\sn gtextUNICODE}{\sv Ann}}}end}"
    )
    segments = [(one.text, one.searched) for one in rtf_segments(rtf)[0] if one.text.strip()]
    assert ("Bob", True) in segments
    assert ("Ann", True) in segments
    assert ("0", False) in segments
    fields = r"{\rtf1 a{\xe Bob}{\field{\*\fldinst SET x Ann}{\fldrslt }}}"
    found = {(one.text.strip(), one.searched) for one in rtf_segments(fields)[0]}
    assert found == {("a", True), ("Bob", True), ("SET x Ann", True)}


def test_the_number_of_a_footnote_does_not_hide_a_name():
    names = NameList(["Smith", "Mary Jones", "Area 51"])
    text = "Smith1 and 12Mary Jones3, Area 51 or Area51, Smithson, Smith²"
    found = {text[start:end] for start, end in names.find(fold_text(text))}
    assert found == {"Smith", "Mary Jones", "Area 51", "Area51"}
    assert len(list(names.find(fold_text(text)))) == 5


def test_names_are_found_in_every_composition_and_as_identifiers():
    text = "김민수, 山田, Zoë Li and mary_jones"
    names = NameList(["김민수", "Zoë Li", "Mary Jones"])
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        found = [unicodedata.normalize("NFC", written[a:b]) for a, b in names.find(fold_text(written))]
        assert found == ["김민수", "Zoë Li", "mary_jones"]


def test_names_go_on_in_the_next_line_of_a_quotation():
    result, _ = redacted("a.txt", b"Mary Jones, > 5\n>> said Mary\n>> Jones.\n> Mary Jo-\n> nes")
    assert result.content == b"PER_1, > 5\n>> said PER_1.\n> PER_1"
