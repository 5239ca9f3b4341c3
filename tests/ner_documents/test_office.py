"""Word and OpenDocument files: the final view in full, in reading order."""

import io
import time

import pytest

from ner_documents.document import Document, Problem
from ner_documents.reading import read
from tests.ner_documents.packing import OPEN_SPACES, packed, relations, unpacked

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def p(*runs, properties=""):
    return f"<w:p>{properties}{''.join(runs)}</w:p>"


def r(text):
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def docx(body, **parts):
    """Write a Word file; parts are header, footer, footnotes, comments or styles by name."""
    related = relations(*((name, f"{name}1.xml") for name in parts if name != "styles"))
    files = {
        "_rels/.rels": relations(("officeDocument", "word/document.xml")),
        "word/_rels/document.xml.rels": related,
        "word/document.xml": f"<w:document {W} {MC}><w:body>{body}</w:body></w:document>",
    }
    for name, content in parts.items():
        file = "word/styles.xml" if name == "styles" else f"word/{name}1.xml"
        files[file] = f"<w:{name} {W}>{content}</w:{name}>"
    return packed(files)


def document_of(name, content):
    found = list(read(name, content=content))
    (document,) = (item for item in found if isinstance(item, Document))
    return document, [item.reason for item in found if isinstance(item, Problem)]


def text_of(body, **parts):
    return document_of("a.docx", docx(body, **parts))[0].text


def wrap(name, content):
    return f"<w:{name}>{content}</w:{name}>"


INNER = wrap("txbxContent", p(r("In a box")))
BOX = (
    f"<w:r><mc:AlternateContent><mc:Choice>{INNER}</mc:Choice><mc:Fallback>{INNER}</mc:Fallback>"
    "</mc:AlternateContent></w:r>"
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            p(r("Mary "), wrap("ins", r("Jones")), "<w:del><w:r><w:delText>x</w:delText></w:r></w:del>"),
            "Mary Jones",
        ),
        (
            p(wrap("moveFrom", r("Moved"))) + p(r("First")) + p(wrap("moveTo", r("Moved"))),
            "First\nMoved",
        ),
        ("<w:sdt><w:sdtContent>" + p(r("Control")) + "</w:sdtContent></w:sdt>", "Control"),
        (p(r("By "), "<w:sdt><w:sdtContent>" + r("Anna") + "</w:sdtContent></w:sdt>"), "By Anna"),
        (p('<w:fldSimple w:instr="AUTHOR">' + r("Anna") + "</w:fldSimple>", r(" wrote")), "Anna wrote"),
        (
            p('<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
              '<w:r><w:fldChar w:fldCharType="separate"/></w:r>', r("7")),
            "7",
        ),
        (
            p(wrap("hyperlink", r("Acme")), "<w:r><w:tab/></w:r>", r("x"), "<w:r><w:br/></w:r>", r("y")),
            "Acme\tx\ny",
        ),
        (p(r("Anchor"), BOX), "Anchor\nIn a box"),
        (p(r("Sie"), properties="<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>") + p(r("mens")), "Siemens"),
        (
            p('<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>'
              '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>',
              r("tested"), '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
              '<w:r><w:fldChar w:fldCharType="separate"/></w:r>', r("shown"),
              '<w:r><w:fldChar w:fldCharType="end"/></w:r>', r(" end")),
            "shown end",
        ),
        (p("<w:ruby><w:rt>" + r("no") + "</w:rt><w:rubyBase>" + r("yes") + "</w:rubyBase></w:ruby>"), "yes"),
    ],
)  # fmt: skip
def test_the_final_view_is_read_in_full(body, text):
    assert text_of(body) == text


def test_headers_notes_and_footers_have_their_place():
    document, notes = document_of(
        "a.docx",
        docx(
            p(r("Title"), properties='<w:pPr><w:pStyle w:val="T"/></w:pPr>') + p(r("Body Mary")),
            styles='<w:style w:styleId="T"><w:name w:val="heading 1"/></w:style>',
            footer=p(r("Foot")),
            header=p(r("Head")),
            footnotes="<w:footnote w:type='separator'>"
            + p(r("no"))
            + "</w:footnote><w:footnote>"
            + p(r("Note Bob"))
            + "</w:footnote>",
            comments="<w:comment>" + p(r("no")) + "</w:comment>",
        ),
    )
    assert document.text == "Head\nTitle\nBody Mary\nNote Bob\nFoot"
    assert [b.kind for b in document.blocks] == ["header", "heading", "paragraph", "paragraph", "footer"]
    assert document.blocks[2].place == "word/document.xml p 2"
    assert notes == ["holds 1 comment, not shown in the text and not read"]


def test_a_header_that_sections_repeat_is_read_once():
    from docx import Document as WordDocument

    made, out = WordDocument(), io.BytesIO()
    for text in ("Acme Corp", "Acme Corp", "Globex"):
        made.add_paragraph("Mary")
        header = made.add_section().header
        header.is_linked_to_previous = False
        header.paragraphs[0].text = text
    made.save(out)
    assert document_of("a.docx", out.getvalue())[0].text == "Acme Corp\nGlobex\nMary\nMary\nMary"


def test_merged_cells_and_nested_tables():
    def cell(*content, properties=""):
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(content)}</w:tc>"

    inner = "<w:tbl><w:tr>" + cell(p(r("n1"))) + cell(p(r("n2"))) + "</w:tr></w:tbl>"
    wide, begin, goes_on = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    table = (
        "<w:tbl><w:tr>" + cell(p(r("wide")), properties=wide) + cell(p(r("c"))) + "</w:tr>"
        "<w:tr>" + cell(p(r("tall")), properties=begin) + cell(p(r("Mary")), inner) + "</w:tr>"
        "<w:tr>" + cell(p(r("tall")), properties=goes_on) + cell(p(r("Bob"))) + "</w:tr>"
        '<w:tr><w:trPr><w:gridBefore w:val="2"/></w:trPr>' + cell(p(r("Rome"))) + "</w:tr></w:tbl>"
    )
    document, _ = document_of("a.docx", docx(table))
    assert document.text == "wide\tc\ntall\tMary\nn1\tn2\nBob\nRome"
    assert [(b.row, b.column) for b in document.blocks] == [
        (1, 1), (1, 3), (2, 1), (2, 2), (1, 1), (1, 2), (3, 2), (4, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        f"<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2000000000'/></w:tcPr>"
        f"{p(r('x'))}</w:tc></w:tr></w:tbl>",
        wrap("tbl", f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>{p(r('x'))}</w:tc></w:tr>" * 3_000) + p(r("y")),
        "<w:p/>" * 30_000 + p(r("x")),
    ],
)  # fmt: skip
def test_files_made_to_cost_much_cost_little(body):
    began = time.process_time()
    assert text_of(body) in ("x", "y")
    assert time.process_time() - began < 20


def test_entities_are_not_followed():
    parts = unpacked(docx(p(r("Mary &e;"))))
    declared = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    parts["word/document.xml"] = declared + parts["word/document.xml"]
    (problem,) = read("a.docx", content=packed(parts))
    assert "declares entities" in problem.reason


MARK_IS_GONE = "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"


def test_a_paragraph_whose_end_is_deleted_stays_where_none_follows():
    last = p(r("Mary"), properties=MARK_IS_GONE)
    cells = "".join(f"<w:tc>{content}</w:tc>" for content in (last, p(r("Bob"))))
    assert text_of(last + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" + last) == "Mary\nMary\tBob\nMary"
    assert text_of(p(r("Body")), header=last, footnotes=f"<w:footnote>{last}</w:footnote>") == (
        "Mary\nBody\nMary"
    )
    boxed = f"<w:r><w:txbxContent>{last}</w:txbxContent></w:r>"
    assert text_of(p(r("An"), boxed, properties=MARK_IS_GONE) + p(r("chor"))) == "Mary\nAnchor"


def test_text_that_a_style_hides_is_left_out_and_counted():
    styles = "".join(
        f'<w:style w:styleId="{name}"><w:name w:val="{name}"/><w:rPr>{look}</w:rPr></w:style>'
        for name, look in (("Hid", "<w:vanish/>"), ("Seen", '<w:vanish w:val="0"/>'))
    )
    runs = [
        f'<w:r><w:rPr><w:rStyle w:val="{style}"/></w:rPr><w:t>{style}</w:t></w:r>'
        for style in ("Hid", "Seen")
    ]
    shown = "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>Mary</w:t></w:r>"
    body = p(*runs) + p(r("no"), shown, properties='<w:pPr><w:pStyle w:val="Hid"/></w:pPr>')
    document, notes = document_of("a.docx", docx(body, styles=styles))
    assert document.text == "Seen\nMary"
    assert notes == ["holds 2 pieces of hidden text, not shown in the text and not read"]


def test_files_inserted_whole_are_told():
    document, notes = document_of("a.docx", docx(p(r("Mary")) + "<w:altChunk/>"))
    assert document.text == "Mary"
    assert "altChunk" in notes[0]


def test_old_and_locked_files_are_named():
    (problem,) = read("a.docx", content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    assert "locked with a password, or older than Office 2007" in problem.reason


def odt(body, styles=""):
    body = f"<office:body><office:text>{body}</office:text></office:body>"
    content = f"<office:document-content {OPEN_SPACES}>{body}</office:document-content>"
    styles = f"<office:document-styles {OPEN_SPACES}>{styles}</office:document-styles>"
    return packed({"content.xml": content, "styles.xml": styles})


def test_open_document_text():
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h>Title</text:h>"
        "<text:p>Mary \n  <text:span>Jones</text:span><text:s text:c='2'/>x<text:tab/>y<text:note>"
        "<text:note-citation>1"
        "</text:note-citation><text:note-body>"
        "<text:p>Note Bob</text:p></text:note-body></text:note> end</text:p>"
        "<text:list><text:list-item><text:p>Item</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell table:number-columns-spanned='2'><text:p>A</text:p>"
        "</table:table-cell><table:covered-table-cell/><table:table-cell><text:p>B</text:p></table:table-cell>"
        "</table:table-row></table:table><text:p><office:annotation><text:p>no</text:p></office:annotation>"
        "<draw:frame><draw:text-box><text:p>Boxed</text:p></draw:text-box></draw:frame></text:p>"
    )
    styles = "<style:master-page><style:header><text:p>Head</text:p></style:header></style:master-page>"
    document, notes = document_of("a.odt", odt(body, 2 * styles))
    assert document.text == "Head\nTitle\nMary Jones  x\ty end\nNote Bob\nItem\nA\tB\nBoxed"
    assert [(b.kind, b.column) for b in document.blocks] == [
        ("header", None), ("heading", None), ("paragraph", None), ("paragraph", None), ("list item", None),
        ("cell", 1), ("cell", 3), ("paragraph", None),
    ]  # fmt: skip
    assert notes == ["holds 1 comment, not shown in the text and not read"]


def test_hidden_text_of_open_documents_is_left_out_and_counted():
    styles = (
        "<style:style style:name='h'><style:text-properties text:display='none'/></style:style>"
        "<style:style style:name='s'><style:text-properties/></style:style>"
    )
    body = (
        "<text:p>Mary <text:span text:style-name='h'>hidden</text:span><text:span text:style-name='s'>sings"
        "</text:span></text:p><text:p text:style-name='h'>gone</text:p>"
        "<text:section text:display='none'><text:p>away</text:p></text:section>"
        "<text:section text:display='condition' text:is-hidden='true'><text:p>off</text:p></text:section>"
        "<text:p>out<text:hidden-paragraph text:is-hidden='true'/></text:p><text:script>no()</text:script>"
    )
    document, notes = document_of("a.odt", odt(body, styles))
    assert document.text == "Mary sings"
    assert notes == ["holds 5 pieces of hidden text, not shown in the text and not read"]


def test_line_breaks_and_tabs_of_a_paragraph_divide_as_in_plain_text():
    lines = p("<w:r><w:t>Mary Jones</w:t><w:br/><w:t>Acme Corp</w:t><w:tab/><w:t>Rome</w:t></w:r>")
    document, _ = document_of("a.docx", docx(lines + p(r("Bob sings."))))
    assert document.text == "Mary Jones\nAcme Corp\tRome\nBob sings."
    assert [document.text[start:end] for start, end in document.segments or ()] == [
        *("Mary Jones", "Acme Corp", "Rome", "Bob sings.")
    ]
    assert len(document.blocks) == 2


def test_raised_digits_are_no_part_of_a_name():
    raised = "<w:r><w:rPr><w:{}/></w:rPr><w:t>{}</w:t></w:r>".format
    word = p(
        r("Ann"), raised('vertAlign w:val="superscript"', 1), r(" Bob"), raised('position w:val="7"', 2),
        r(" 5"), raised('vertAlign w:val="superscript"', "th"), r(" H"), raised('position w:val="-7"', 2),
    )  # fmt: skip
    style = (
        "<style:style style:name='{}'><style:text-properties style:text-position='{}'/></style:style>".format
    )
    span = "<text:span text:style-name='{}'>{}</text:span>".format
    styles = style("s", "super 58%") + style("u", "33% 58%") + style("b", "sub 58%")
    open_text = f"<text:p>Ann{span('s', 1)} Bob{span('u', 2)} 5{span('s', 'th')} H{span('b', 2)}</text:p>"
    rtf = rb"{\rtf1 Ann{\super 1} Bob{\up6 2} 5{\super th} H{\dn6 2}\super\nosupersub\par}"
    for name, content in (("a.docx", docx(word)), ("a.odt", odt(open_text, styles)), ("a.rtf", rtf)):
        assert document_of(name, content)[0].text == "Ann 1 Bob 2 5th H2", name


@pytest.mark.parametrize("name", ["a.docx", "a.odt"])
def test_words_in_drawings_are_read(name):
    parts = unpacked(docx(p(r("Body"))) if name == "a.docx" else odt("<text:p>Body</text:p>"))
    parts["media/image1.svg"] = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><title>no</title>'
        "<text>Mary <tspan>Jones</tspan></text><text>Zoë</text></svg>"
    )
    parts["media/image2.svg"] = b"\xff\xfe\x00damaged"
    document, _ = document_of(name, packed(parts))
    assert document.text == "Body\nMary Jones\nZoë"


def test_words_in_diagrams_and_charts_are_read_once():
    drawing = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    chart = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    names = "<c:strCache><c:pt><c:v>Mary Jones</c:v></c:pt><c:pt><c:v>Bob</c:v></c:pt></c:strCache>"
    parts = {
        "word/diagrams/data1.xml": f"<d {drawing}><a:p><a:t>Head of </a:t><a:t>Acme</a:t></a:p></d>",
        "word/diagrams/drawing1.xml": f"<d {drawing}><a:p><a:t>Head of Acme</a:t></a:p></d>",
        "word/charts/chart1.xml": (
            f"<c:chart {drawing} {chart}><c:title><a:p><a:t>Sales</a:t></a:p></c:title>{names}{names}"
            "<c:numCache><c:pt><c:v>5</c:v></c:pt></c:numCache></c:chart>"
        ),
    }
    document, _ = document_of("a.docx", packed(unpacked(docx(p(r("Body")))) | parts))
    assert document.text == "Body\nHead of Acme\nSales\nMary Jones\nBob"
