"""PDF in reading order: columns, running heads, broken words, pages without text."""

import io

import pytest

from ner_documents.document import Document, Problem
from ner_documents.reading import read

HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def pdf(*pages, password="", image=False):
    """Write pages by hand: each a list of (x, y, text) or (x, y, text, size)."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", HELVETICA]
    kids = []
    for page in pages:
        stream = b""
        for x, y, text, *size in page:
            escaped = text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
            stream += b"BT /F1 %d Tf %d %d Td (%s) Tj ET\n" % (size[0] if size else 10, x, y, escaped)
        resources = b"/Font << /F1 3 0 R >>"
        if image:
            stream += b"q 100 0 0 100 72 72 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI Q\n"
        number = len(objects) + 1
        kids.append(b"%d 0 R" % number)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << %s >> >>"
            % (number + 1, resources),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\n" % (size, table, size)
    body += b"startxref\n%d\n%%%%EOF" % start
    if not password:
        return body
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(body)))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def lines(x, y, *texts):
    return [(x, y - 12 * number, text) for number, text in enumerate(texts)]


def text_of(*pages):
    (document,) = read("a.pdf", content=pdf(*pages))
    return document.text


def test_words_that_a_line_end_broke_are_whole():
    page = lines(
        72, 700,
        "In spring the engineer was hired by Sie-",
        "mens in Cape Town, and a well-known firm of",
        "Jean-",
        "Paul took over the well-",
        "known works.",
    )  # fmt: skip
    assert text_of(page) == (
        "In spring the engineer was hired by Siemens in Cape Town, and a well-known firm of Jean-Paul took "
        "over the well-known works."
    )


def test_paragraphs_headings_and_lists_are_told_apart():
    page = [
        (72, 720, "Annual report", 18),
        *lines(
            72,
            690,
            "Mary Jones lives in Rome and works",
            "in the city hall since the last year.",
            "Bob sings.",
        ),
        *lines(72, 630, "1. first item", "2. second item"),
    ]
    (document,) = read("a.pdf", content=pdf(page))
    assert [(b.kind, document.text[b.start : b.end]) for b in document.blocks] == [
        ("heading", "Annual report"),
        ("paragraph", "Mary Jones lives in Rome and works in the city hall since the last year. Bob sings."),
        ("list item", "1. first item"),
        ("list item", "2. second item"),
    ]


def test_a_sentence_goes_on_behind_a_footnote():
    first = [*lines(72, 700, "In spring the engineer Mary Jones moved", "to Rome"), (72, 60, "1 See Bob.", 7)]
    text = text_of(first, lines(72, 700, "and worked for Acme there."))
    assert text == "In spring the engineer Mary Jones moved to Rome and worked for Acme there.\n1 See Bob."


def test_columns_are_read_one_after_the_other():
    left = [f"left words of line number {n} go on" for n in range(8)]
    right = [f"right words of line number {n} go on" for n in range(8)]
    title = [(72, 720, "A long title over both of the columns of this page, as papers have it", 14)]
    both = [
        piece for pair in zip(lines(72, 690, *left), lines(320, 690, *right), strict=True) for piece in pair
    ]
    text = text_of([*title, *both])
    assert text.split("\n")[0].startswith("A long title")
    assert text.split("\n")[1:] == [" ".join([*left, *right])]


def test_tables_are_read_row_by_row():
    rows = [("Name", "City"), ("Peter Smith", "Bonn"), ("Mary Jones", "Rome")]
    page = [cell for n, (a, b) in enumerate(rows) for cell in ((72, 700 - 14 * n, a), (300, 700 - 14 * n, b))]
    (document,) = read("a.pdf", content=pdf(page))
    assert document.text == "Name\tCity\nPeter Smith\tBonn\nMary Jones\tRome"
    assert [(b.row, b.column) for b in document.blocks] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]


def cells_on(*page):
    [document] = read("a.pdf", content=pdf(page))
    return [(block.row, block.column, document.text[block.start : block.end]) for block in document.blocks]


@pytest.mark.parametrize("down", [0, 6])  # other cells of the row are at its top, or in its middle
def test_cells_of_several_lines_are_whole(down):
    assert cells_on(
        *((72, 720, "No"), (100, 720, "Work"), (300, 720, "For"), (420, 720, "Sum")),
        *((72, 696 - down, "1"), (300, 696 - down, "Mary Jones, Rome"), (420, 696 - down, "100.00")),
        *((100, 696, "A report on the new office of the Acme"), (100, 684, "Corporation in Paris")),
        *((72, 660, "2"), (100, 660, "Travel"), (300, 660, "Ann Lee"), (420, 660, "50.00")),
        (300, 648, "Bob Roe"),  # another paragraph: it had room in the line before
        *((72, 624, "Total of the year"), (420, 624, "150.00")),
    ) == [
        *((1, 1, "No"), (1, 2, "Work"), (1, 3, "For"), (1, 4, "Sum")),
        *((2, 1, "1"), (2, 2, "A report on the new office of the Acme Corporation in Paris")),
        *((2, 3, "Mary Jones, Rome"), (2, 4, "100.00")),
        *((3, 1, "2"), (3, 2, "Travel"), (3, 3, "Ann Lee"), (3, 3, "Bob Roe"), (3, 4, "50.00")),
        *((4, 1, "Total of the year"), (4, 4, "150.00")),
    ]


def test_items_with_a_wide_gap_after_their_marks_are_no_table():
    assert text_of(
        [
            *((72, 720, "(a)"), (110, 720, "The Client hires Mary"), (110, 708, "Jones as a manager.")),
            *((72, 684, "(b)"), (110, 684, "Payment goes to Bob"), (110, 672, "Roe in Rome.")),
        ]
    ).split("\n") == ["(a) The Client hires Mary Jones as a manager.", "(b) Payment goes to Bob Roe in Rome."]


def test_titles_of_several_lines_are_whole():
    """As on slides: large letters, centred, and few words in a line."""
    assert text_of(
        [
            *((77, 600, "Meeting with Katarzyna", 44), (239, 547, "Nowak", 44)),
            *((132, 475, "Bodymann Holdings Ltd,", 32), (248, 437, "Warsaw", 32)),
        ]
    ).split("\n") == ["Meeting with Katarzyna Nowak", "Bodymann Holdings Ltd, Warsaw"]
    authors = [(265, 475, "Ann Lee", 24), (262, 446, "Bob Roe", 24)]
    title = [(77, 600, "Meeting with Katarzyna", 44), (239, 547, "Nowak", 44)]
    assert text_of([*title, *authors]).split("\n") == ["Meeting with Katarzyna Nowak", "Ann Lee", "Bob Roe"]
    heading = [(100, 700, "Minutes of the board of Bodymann", 20), (180, 676, "Holdings Ltd in May", 20)]
    body = lines(72, 640, *["Mary Jones opened the meeting at ten and all of the guests sat down"] * 5)
    assert text_of([*heading, *body]).split("\n")[0] == "Minutes of the board of Bodymann Holdings Ltd in May"


def test_running_heads_and_page_numbers_do_not_cut_sentences():
    pages = [
        [
            (72, 760, "Journal of Names, volume 7"),
            *lines(72, 700, f"page {n} begins with words that", "fill the line and then goes on to the"),
            (300, 30, str(n)),
        ]
        for n in range(1, 5)
    ]
    (document,) = read("a.pdf", content=pdf(*pages))
    head, body = document.text.split("\n")
    assert head == "Journal of Names, volume 7"
    assert body == " ".join(
        f"page {n} begins with words that fill the line and then goes on to the" for n in range(1, 5)
    )
    assert [(b.kind, b.place) for b in document.blocks] == [("header", "page 1"), ("paragraph", "page 1")]


def test_pages_that_are_images_are_named():
    found = list(read("a.pdf", content=pdf([], [(72, 700, "Mary")], image=True)))
    (problem,) = (item for item in found if isinstance(item, Problem))
    (document,) = (item for item in found if isinstance(item, Document))
    assert (problem.where, document.text) == ("a.pdf:page 1", "Mary")
    assert "OCR" in problem.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.4 nonsense", "damaged"),
        (pdf([(72, 700, "Mary")], password="secret"), "locked with a password"),
        (pdf([]), "OCR"),
    ],
)
def test_files_that_cannot_be_read_say_why(content, reason):
    (problem,) = read("a.pdf", content=content)
    assert reason in problem.reason


UPWARDS, DOWN, OVER = "0 1 -1 0", "0 -1 1 0", "-1 0 0 -1"


@pytest.mark.parametrize(("matrix", "step"), [(UPWARDS, (1, 0)), (DOWN, (-1, 0)), (OVER, (0, 1))])
def test_pages_that_are_written_sideways(matrix, step):
    lines = ["Mary Jones lives in New York and", "works at Acme Corp, where Bob is", "the head of all."]
    content = pdf([(72, 700 - number, text) for number, text in enumerate(lines)])
    for number in range(3):
        place = f"{matrix} {300 + 12 * number * step[0]} {400 + 12 * number * step[1]} Tm"
        content = content.replace(b"72 %d Td" % (700 - number), place.encode())
    (document,) = read("a.pdf", content=content)
    assert document.text == " ".join(lines)


def test_a_label_at_the_side_of_a_page_comes_last():
    content = pdf([(72, 700, "Mary Jones lives in"), (72, 688, "Santa Clara."), (72, 676, "Appendix Zoe")])
    content = content.replace(b"72 676 Td", f"{UPWARDS} 50 300 Tm".encode())
    (document,) = read("a.pdf", content=content)
    assert document.text == "Mary Jones lives in Santa Clara.\nAppendix Zoe"


def test_notes_beside_a_page_and_attached_files_are_said():
    from pypdf import PdfReader, PdfWriter
    from pypdf.annotations import FreeText, Text

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([(72, 700, "Mary sings.")]))))
    writer.add_annotation(0, Text(rect=(50, 550, 100, 600), text="Ask Bob"))
    writer.add_annotation(0, FreeText(rect=(50, 450, 200, 500), text="in a box"))
    writer.add_attachment("a.txt", b"Ann")
    out = io.BytesIO()
    writer.write(out)
    *notes, document = read("a.pdf", content=out.getvalue())
    assert document.text.startswith("Mary sings.")
    assert [(note.reason.partition(",")[0].partition(";")[0], note.lost) for note in notes] == [
        ("holds 1 attached file", False),
        ("holds 1 comment", False),
    ]


def test_pages_of_drawn_letters_are_said():
    page = pdf([(72, 700, "Mary")])
    text = page[page.index(b"BT") : page.index(b"ET") + 2]
    for shapes, said in ((20, ["holds drawings and no text"]), (2, [])):
        drawn = page.replace(text, b"0 0 m 9 9 l S\n" * shapes)
        reasons = [one.reason.partition(";")[0] for one in read("a.pdf", content=drawn)]
        assert [reason for reason in reasons if "drawings" in reason] == said
