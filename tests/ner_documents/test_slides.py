"""Slides (.pptx, .odp) in order and as they are shown; e-books (.epub) in the order of their spine."""

import pytest

from ner_documents.document import Document
from ner_documents.reading import read
from ner_documents.redaction import Redactor, redact_file
from tests.ner_documents.packing import OFFICE, OPEN_SPACES, packed, relations
from tests.ner_documents.test_office import MC, document_of
from tests.ner_documents.test_redacted_pdf import recognize

TRANSITIONAL = "http://schemas.openxmlformats.org"
STRICT = "http://purl.oclc.org/ooxml"


def paragraphs(*texts):
    return "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in texts)


def shape(*texts, role=None, hidden=False):
    hides = ' hidden="1"' if hidden else ""
    placeholder = "" if role is None else f'<p:ph type="{role}"/>' if role else "<p:ph idx='1'/>"
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"{hides}/>'
        f"<p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{paragraphs(*texts)}</p:txBody></p:sp>"
    )


def table(*rows):
    cells = ["".join(f"<a:tc><a:txBody>{paragraphs(one)}</a:txBody></a:tc>" for one in row) for row in rows]
    made = "".join(f"<a:tr>{row}</a:tr>" for row in cells)
    data = f"<a:graphicData><a:tbl>{made}</a:tbl></a:graphicData>"
    return f"<p:graphicFrame><a:graphic>{data}</a:graphic></p:graphicFrame>"


def pptx(*slides, shown=None, notes=None, namespace=TRANSITIONAL, **more):
    """Write slides, which are XML of shapes each; `shown` is their order, `notes` belong to the first."""
    space = f'xmlns:p="{namespace}/presentationml/2006/main" xmlns:a="{namespace}/drawingml/2006/main" {MC}'
    if namespace == STRICT:
        space = space.replace("/2006", "")
    order = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in shown or range(len(slides)))
    parts = {
        "_rels/.rels": relations(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<p:show {space} xmlns:r="{OFFICE}"><p:list>{order}</p:list></p:show>',
        "ppt/_rels/presentation.xml.rels": relations(
            *(("slide", f"slides/slide{n}.xml") for n in range(len(slides)))
        ),
    }
    for number, slide in enumerate(slides):
        show = ' show="0"' if slide.startswith("HIDDEN") else ""
        tree = f"<p:cSld><p:spTree>{slide.removeprefix('HIDDEN')}</p:spTree></p:cSld>"
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {space}{show}>{tree}</p:sld>"
    if notes:
        parts["ppt/slides/_rels/slide0.xml.rels"] = relations(
            ("notesSlide", "../notesSlides/notesSlide1.xml"), ("comments", "../comments/comment1.xml")
        )
        parts["ppt/notesSlides/notesSlide1.xml"] = f"<p:notes {space}><p:cSld>{notes}</p:cSld></p:notes>"
        parts["ppt/comments/comment1.xml"] = f"<p:cmLst {space}><p:cm/><p:cm/></p:cmLst>"
    return packed(parts | more)


@pytest.mark.parametrize("namespace", [TRANSITIONAL, STRICT])
def test_slides_are_read_in_order_with_titles_first_and_notes_last(namespace):
    group = f"<p:grpSp><p:nvGrpSpPr/><p:grpSp>{shape('in a group')}</p:grpSp></p:grpSp>"
    first = (
        shape("Mary Jones leads", "Bob helps", role="")
        + shape("Acme in Rome", role="title")
        + table(("Name", "City"), ("Ann", "Oslo"))
        + group
        + shape("7", role="sldNum")
        + shape("Acme Corp", role="ftr")
    )
    second = shape("The second", role="ctrTitle") + shape("Acme Corp", role="ftr")
    content = pptx(
        second,
        first,
        shown=(1, 0),
        namespace=namespace,
        notes=shape("1", role="sldNum") + shape("Ask Zoe", role="body"),
    )
    document, notes = document_of("a.pptx", content)
    assert document.text == (
        "Acme in Rome\nMary Jones leads\nBob helps\nName\tCity\nAnn\tOslo\nin a group\nAcme Corp\n"
        "The second\nAsk Zoe"
    )
    kinds = [(block.kind, block.place) for block in document.blocks]
    assert kinds[:3] == [("heading", "slide 1"), ("list item", "slide 1"), ("list item", "slide 1")]
    assert kinds[-3:] == [("footer", "slide 1"), ("heading", "slide 2"), ("list item", "slide 2 notes")]
    assert notes == ["holds 2 comments, not shown in the text and not read"]


def test_hidden_slides_and_shapes_are_left_out_and_counted():
    group = f'<p:grpSp><p:nvGrpSpPr><p:cNvPr hidden="1"/></p:nvGrpSpPr>{shape("grouped")}</p:grpSp>'
    content = pptx(
        shape("Mary") + shape("secret", hidden=True) + group,
        f"HIDDEN{shape('Bob')}",
        **parts_of_slide(1, ("diagramData", "../diagrams/data1.xml")),
        **{"ppt/diagrams/data1.xml": diagram("Zoe")},
    )
    document, notes = document_of("a.pptx", content)
    assert document.text == "Mary"
    assert notes == ["holds 3 pieces of hidden text, not shown in the text and not read"]


def parts_of_slide(number, *links):
    return {f"ppt/slides/_rels/slide{number}.xml.rels": relations(*links)}


def diagram(*texts):
    space = f'xmlns:a="{TRANSITIONAL}/drawingml/2006/main"'
    return f"<dgm:x xmlns:dgm='urn:d' {space}>{paragraphs(*texts)}</dgm:x>"


def test_diagrams_stand_on_their_slide_and_backgrounds_are_read_once():
    layout = shape("Click to edit", role="title") + shape("Acme in confidence")
    space = f'xmlns:p="{TRANSITIONAL}/presentationml/2006/main" xmlns:a="{TRANSITIONAL}/drawingml/2006/main"'
    behind = ("slideLayout", "../slideLayouts/slideLayout1.xml")
    content = pptx(
        shape("Mary", role="title"),
        shape("Bob", role="title"),
        **parts_of_slide(0, behind, ("diagramData", "../diagrams/data1.xml")),
        **parts_of_slide(1, behind),
        **{
            "ppt/diagrams/data1.xml": diagram("CEO Zoe", "CFO Max"),
            "ppt/slideLayouts/slideLayout1.xml": f"<p:l {space}>{layout}</p:l>",
            "ppt/slideLayouts/_rels/slideLayout1.xml.rels": relations(("slideMaster", "../m.xml")),
            "ppt/m.xml": f"<p:m {space}>{shape('Globex')}</p:m>",
        },
    )
    document, _ = document_of("a.pptx", content)
    assert document.text == "Mary\nCEO Zoe\nCFO Max\nAcme in confidence\nGlobex\nBob"
    assert [block.place for block in document.blocks][:2] == ["slide 1", "slide 1"]


def test_one_form_of_a_shape_and_line_breaks_are_read():
    forms = f"<mc:Choice>{shape('Mary')}</mc:Choice><mc:Fallback>{shape('Mary')}</mc:Fallback>"
    both = f"<mc:AlternateContent>{forms}</mc:AlternateContent>"
    broken = shape("New<a:x/>").replace("<a:x/></a:t>", "</a:t></a:r><a:br/><a:r><a:t>York</a:t>")
    assert document_of("a.pptx", pptx(both + broken))[0].text == "Mary\nNew\nYork"
    raised = shape("Ann<a:x/>").replace(
        "<a:x/></a:t>", '</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>1</a:t>'
    )
    assert document_of("a.pptx", pptx(raised))[0].text == "Ann 1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pptx(), "holds no text"),
        (b"PK nonsense", "damaged"),
        (packed({"a.txt": "Mary"}), "ppt/presentation.xml is damaged"),
        (pptx("<p:sp>"), "is not XML"),
    ],
)
def test_presentations_that_cannot_be_read_say_why(content, reason):
    (problem,) = read("a.pptx", content=content)
    assert reason in problem.reason


def test_what_redaction_leaves_is_read():
    content = pptx(shape("Mary Jones sings.", role="title"), notes=shape("Mary Jones", role="body"))
    result = redact_file("a.pptx", content, recognize, Redactor())
    assert document_of("a.pptx", result.content)[0].text == "PER_1 sings.\nPER_1"


def odp(*pages, master=""):
    style = '<style:style style:name="dp2"><style:x presentation:visibility="hidden"/></style:style>'
    body = "".join(
        f'<draw:page draw:style-name="dp{number}">{page}</draw:page>' for number, page in enumerate(pages, 1)
    )
    master = f"<office:x {OPEN_SPACES}><style:master-page>{master}</style:master-page></office:x>"
    content = f"<office:x {OPEN_SPACES}>{style}<office:body>{body}</office:body></office:x>"
    return packed({"content.xml": content, "styles.xml": master})


def test_slides_of_opendocument():
    box = "<draw:text-box><text:p>Mary</text:p></draw:text-box>"
    title = f'<draw:frame presentation:class="title">{box}</draw:frame>'
    notes = "<presentation:notes><draw:frame><text:p>Ask Zoe</text:p></draw:frame></presentation:notes>"
    foot = "<presentation:footer-decl>Acme</presentation:footer-decl>"
    master = (
        title.replace("Mary", "Click to edit") + f"<draw:frame>{box.replace('Mary', 'Globex')}</draw:frame>"
    )
    document, said = document_of("a.odp", odp(title + notes + foot, "<text:p>Bob</text:p>", master=master))
    assert (document.text, document.blocks[0].kind) == ("Mary\nAsk Zoe\nAcme\nGlobex", "heading")
    assert [block.kind for block in document.blocks[2:]] == ["footer", "footer"]
    assert said == ["holds 1 piece of hidden text, not shown in the text and not read"]


def epub(encryption=None, doctype="", **pages):
    items = '<item id="css" href="a.css" media-type="text/css"/>'
    items += "".join(f'<item id="{name}" href="text/{name}%20x.xhtml"/>' for name in sorted(pages))
    order = "".join(f'<itemref idref="{name}"/>' for name in pages)
    parts = {
        "META-INF/container.xml": '<c xmlns="urn:x"><rootfile full-path="OEBPS/book.opf"/></c>',
        "OEBPS/book.opf": f'{doctype}<p xmlns="urn:y"><manifest>{items}</manifest><spine>{order}</spine></p>',
        "OEBPS/a.css": ".off { display: none }",
        **{f"OEBPS/text/{name} x.xhtml": page for name, page in pages.items()},
    }
    if encryption:
        parts["META-INF/encryption.xml"] = f'<e><CipherReference URI="{encryption}"/></e>'
    return packed(parts)


def test_books_are_read_in_the_order_of_the_spine():
    doctype = '<!DOCTYPE package PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN" "x.dtd">'
    content = epub(
        doctype=doctype,
        b="<h1>Mary</h1>",
        a="<html><body><p>Zoë\n sings<p class='off'>no</p></body></html>".encode(),
    )
    _, document = read("a.epub", content=content)
    assert document.text == "Mary\nZoë sings"
    assert [block.place for block in document.blocks] == [
        "OEBPS/text/b x.xhtml block 1",
        "OEBPS/text/a x.xhtml block 1",
    ]


def test_pages_of_books_that_cannot_be_read_are_named():
    found = list(read("a.epub", content=epub("OEBPS/text/b x.xhtml", b="<p>x", a="<p>Mary")))
    assert [item.text if isinstance(item, Document) else item.reason for item in found] == [
        "is locked (DRM)",
        "Mary",
    ]
    (problem,) = read("a.epub", content=packed({"a": "b"}))
    assert "META-INF/container.xml is damaged" in problem.reason
