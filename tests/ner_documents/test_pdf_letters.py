"""Letters of a PDF by their places: footnotes, spaced words, right to left, no Unicode values; columns."""

import io
import re
import time

import pytest
from pypdf import PdfReader

from ner_core.entity import Entity, Recognition
from ner_documents.document import Document
from ner_documents.reading import read
from ner_documents.redaction import FormatError, Redactor, redact_file
from tests.ner_documents.test_pdf import HELVETICA, lines, pdf, text_of

COURIER, WIDTH = b"/Courier", 6  # points of each letter in size 10

HEBREW = "".join(map(chr, range(0x5D0, 0x5EB)))


def encoded(names):
    """Return a font in which A, B, … are glyphs of these names."""
    differences = " ".join(f"/{name}" for name in names).encode()
    return HELVETICA.replace(b"/WinAnsiEncoding", b"<< /Differences [65 %s] >>" % differences)


def in_font(content, names):
    """Replace Helvetica; the table of places is then wrong, and PDFium makes a new one."""
    return content.replace(HELVETICA, encoded(names))


def test_the_mark_of_a_footnote_stays_in_its_line_and_no_word_takes_it():
    page = [
        *((72, 700, "The office of Griffin"), (165, 704, "1", 6), (170, 700, "was moved to Sheffield.")),
        *((72, 660, "Mary Jones"), (126, 664, "a", 6), (131, 660, "and Peter Smith")),
    ]
    assert text_of(page).split("\n") == [
        "The office of Griffin 1 was moved to Sheffield.",
        "Mary Jones a and Peter Smith",
    ]


def test_words_whose_letters_stand_apart_are_closed_up():
    def spaced(text, x):
        return [(x + 10 * number, 700, letter) for number, letter in enumerate(text) if letter != " "]

    assert text_of([*spaced("MARY JONES", 72), (72, 650, "A B is short")]) == "MARY JONES\nA B is short"


def test_a_large_first_letter_belongs_to_its_word():
    page = [(72, 688, "T", 36), (94, 700, "he paper of London is"), (94, 688, "read by Mary Jones.")]
    (document,) = read("a.pdf", content=pdf(page))
    assert (document.text, document.blocks[0].kind) == (
        "The paper of London is read by Mary Jones.",
        "paragraph",
    )


def test_scripts_from_right_to_left_are_read_from_the_right():
    names = [f"uni{ord(letter):04X}" for letter in HEBREW]

    def drawn(y, text):
        visual = "".join(chr(65 + HEBREW.index(one)) if one in HEBREW else one for one in reversed(text))
        return (72, y, visual.replace("1202", "2021"))

    first, second = "שלום 2021 ירושלים", "אנגלה"
    (document,) = read("a.pdf", content=in_font(pdf([drawn(700, first), drawn(650, second)]), names))
    assert document.text == f"{first}\n{second}"


def test_text_beyond_the_edges_of_a_page_is_left_out_and_said():
    page = [(72, 700, "Mary sings."), (72, 830, "proof 3 by Zed"), (700, 300, "cut here")]
    note, document = read("a.pdf", content=pdf(page))
    assert document.text == "Mary sings."
    assert note.reason == "holds 2 pieces of hidden text, not shown in the text and not read"


def test_letters_whose_font_does_not_name_them_are_said_and_not_guessed():
    content = in_font(pdf([(72, 700, "ABCDE FG")], [(72, 700, "AB"), (72, 600, "xyz")]), ["C0_1"] * 7)
    problem, document = read("a.pdf", content=content)
    assert document.text == "xyz"
    assert (problem.place, problem.lost) == ("page 1, 2", True)
    assert "9 letters cannot be read" in problem.reason


def test_a_bullet_without_unicode_value_is_no_word():
    content = in_font(pdf([(72, 700, "A xyz")]), ["C0_1"])
    (document,) = read("a.pdf", content=content)
    assert isinstance(document, Document)


def recognize(texts):
    for text in texts:
        found = [Entity(one.start(), one.end(), "PER", 0.9, one[0]) for one in re.finditer("xyz", text)]
        yield Recognition(text, tuple(found))


def test_redaction_says_what_it_cannot_read():
    content = in_font(pdf([(72, 700, "AB")], [(72, 600, "xyz ABC")], [(72, 500, "xyz")]), ["C0_1"] * 3)
    result = redact_file("a.pdf", content, recognize, Redactor())
    assert len(PdfReader(io.BytesIO(result.content)).pages) == 3
    assert "no text could be read on page 1: check it" in result.notes
    assert "fonts without a mapping to Unicode hide some letters on page 2: check it" in result.notes
    with pytest.raises(FormatError, match="no text that can be read"):
        redact_file("a.pdf", in_font(pdf([(72, 700, "AB CC")]), ["C0_1"] * 3), recognize, Redactor())


def test_redaction_reads_characters_beyond_the_first_plane():
    seen = []

    def look(texts):
        seen.extend(texts := list(texts))
        yield from recognize(texts)

    redact_file("a.pdf", in_font(pdf([(72, 700, "A xyz")]), ["u1F600"]), look, Redactor())
    assert set(seen) == {"\U0001f600 xyz"}


def words(x, y, width, *texts):
    """Place the words of lines so that each line is about as wide as the column."""
    out = []
    for number, text in enumerate(texts):
        gap = (width - WIDTH * len(text.replace(" ", ""))) / text.count(" ")
        place = x
        for word in text.split():
            out.append((place, y - 12 * number, word))
            place += WIDTH * len(word) + gap
    return out


def test_justified_columns_are_prose_and_no_table():
    left = ["Mary went to Paris", "with Bob who", "is in the old town", "and the Acme group", "near Rome."]
    right = ["Later they met Anna", "from Oslo who", "sold us an old car", "which is not far", "from Como."]
    page = [*words(72, 700, 150, *left), *words(330, 700, 150, *right)]
    (document,) = read("a.pdf", content=pdf(page).replace(b"/Helvetica", COURIER))
    assert document.text == f"{' '.join(left)}\n{' '.join(right)}"


def test_columns_with_lines_at_other_heights_are_no_table():
    side = lines(72, 700, "Python", "Kubernetes", "Java", "Polish", "German")
    main = [(200, 706 - 17 * n, f"Worked in city {n} with Mary Jones and others") for n in range(4)]
    assert text_of([*side, *main]).split("\n")[:5] == ["Python", "Kubernetes", "Java", "Polish", "German"]


def test_lines_above_and_below_columns_stay_there():
    left = [f"left words of line number {n} go on" for n in range(5)]
    right = [f"right words of line number {n} go on" for n in range(5)]
    whole = "A sentence over both of the columns of this page, as it stands in papers and in journals too."
    page = [
        *((72, 720, whole), *lines(72, 690, *left), *lines(320, 690, *right), (72, 600, whole)),
        *(*lines(72, 570, *left), *lines(320, 570, *right)),
    ]
    assert text_of(page).split("\n") == [whole, " ".join([*left, *right])] * 2


def test_the_lines_of_a_list_are_apart_and_a_centred_title_is():
    page = [
        (161, 740, "IN THE COURT OF SANTA CLARA", 10),
        *lines(
            72,
            728,
            "Mary Jones sued the firm of Bob Smith in the city of Rome for the sum of ten",
            "and won.",
        ),
        *lines(72, 660, "Mary Jones, Acme", "Peter Smith, Globex", "Hank Brown, Globex"),
    ]
    assert text_of(page).split("\n") == [
        "IN THE COURT OF SANTA CLARA",
        "Mary Jones sued the firm of Bob Smith in the city of Rome for the sum of ten and won.",
        "Mary Jones, Acme",
        "Peter Smith, Globex",
        "Hank Brown, Globex",
    ]


def test_a_table_with_equal_gaps_is_a_table_and_a_tall_one_takes_linear_time():
    rows = [(72 + 100 * column, 780 - row / 2, f"cell {column}") for row in range(2) for column in range(3)]
    rows = [(x, y - 20 * (y < 780), text) for x, y, text in rows]
    assert text_of(rows) == "cell 0\tcell 1\tcell 2\ncell 0\tcell 1\tcell 2"
    tall = [(72 + 200 * column, 14 * row + 20, "a b") for row in range(800) for column in range(3)]
    content = pdf(tall).replace(b"[0 0 612 792]", b"[0 0 900 11300]")
    began = time.process_time()
    (document,) = read("a.pdf", content=content)
    assert len(document.blocks) == 2_400
    assert time.process_time() - began < 20
