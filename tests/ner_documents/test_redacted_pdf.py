"""A redacted PDF has no text left in it: two libraries find none, and the names are painted over."""

import io
import re
import zlib

import pypdf
import pypdfium2
import pytest

from ner_core.entity import Entity, Recognition
from ner_documents.redaction import FormatError, Redactor, redact_file
from tests.ner_documents.test_pdf import lines
from tests.ner_documents.test_pdf import pdf as pages_of
from tests.ner_documents.test_pdf_letters import HEBREW, in_font

NAMES = {"Mary Jones": "PER", "Siemens": "ORG", "\u05de\u05e8\u05d9 \u05db\u05d4\u05df": "PER"}


def recognize(texts):
    for text in texts:
        found = [
            Entity(match.start(), match.end(), label, 0.9, match[0])
            for name, label in NAMES.items()
            for match in re.finditer(name.replace(" ", r"\s"), text)
        ]
        yield Recognition(text, tuple(sorted(found, key=lambda entity: entity.start)))


def pdf(*lines, rotate=0, annotation="", author="Zed", form=""):
    """A one-page PDF, written by hand: text in Helvetica, 24 points, from the top."""
    stream = (
        b"BT /F1 24 Tf 72 720 Td 40 TL " + b" ".join(f"({line}) Tj T*".encode() for line in lines) + b" ET"
    )
    packed = zlib.compress(stream)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate %d /Contents 4 0 R /Annots [5 0 R] "
        b"/Resources << /Font << /F1 7 0 R >> >> >>" % rotate,
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<< /Type /Annot /Subtype /FreeText /Rect [72 72 500 110] /Contents (%s) /DA (/F1 24 Tf 0 g) "
        b"/F 4 /AP << /N 8 0 R >> >>" % annotation.encode(),
        b"<< /Author (%s) /Title (%s) >>" % (author.encode(), author.encode()),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    drawn = b"BT /F1 24 Tf 4 8 Td (%s) Tj ET" % annotation.encode()
    objects.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 428 38] /Resources << /Font << /F1 7 0 R >> >> "
        b"/Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn)
    )
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 9\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"trailer << /Size 9 /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF" % start


def text_of_pages(content):
    document = pypdfium2.PdfDocument(content)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


def drawn(content, page=0):
    document = pypdfium2.PdfDocument(content)
    image = document[page].render(scale=1).to_pil().convert("L")
    document.close()
    return image


def share_of_ink(image, box):
    part = image.crop(box)
    return sum(part.histogram()[:128]) / (part.width * part.height)


@pytest.mark.parametrize("rotate", [0, 90])
def test_no_text_is_left(rotate):
    content = pdf(
        "Mary Jones works for Sie-", "mens. Mary", "Jones left.", rotate=rotate, annotation="ask Mary Jones"
    )
    result = redact_file("a.pdf", content, recognize, Redactor())
    assert [(one.text, one.placeholder) for one in result.found] == [
        ("Mary Jones", "PER_1"),
        ("Siemens", "ORG_1"),
        ("Mary Jones", "PER_1"),
        ("Mary Jones", "PER_1"),
    ]
    reader = pypdf.PdfReader(io.BytesIO(result.content))
    assert [page.extract_text() for page in reader.pages] == [""]
    assert not any("/Annots" in page or "/Font" in page["/Resources"] for page in reader.pages)
    assert (reader.metadata.author, reader.metadata.title) == (None, None)
    assert reader.pages[0].rotation == rotate
    assert text_of_pages(result.content) == ""
    for number in range(1, len(reader.xref[0]) + 1):
        part = reader.get_object(number)
        data = part.get_data() if hasattr(part, "get_data") and "/Image" not in str(part) else b""
        for name in (b"Mary", b"Jones", b"mens", b"Zed"):
            assert name not in data
            assert name.decode() not in str(part)


def test_names_are_painted_over_and_the_rest_stays():
    content = pdf("Mary Jones works", "for Siemens.", annotation="Mary Jones")
    before, after = drawn(content), drawn(redact_file("a.pdf", content, recognize, Redactor()).content)
    assert before.size == after.size == (612, 792)
    # Points of PDF count from below: the first line stands at 720, so 72 from above.
    name, rest = (74, 52, 190, 76), (205, 50, 280, 78)
    assert share_of_ink(before, name) < 0.4 < 0.7 < share_of_ink(after, name)
    assert abs(share_of_ink(before, rest) - share_of_ink(after, rest)) < 0.05
    assert share_of_ink(after, rest) > 0.02
    annotation = (78, 685, 190, 712)
    assert share_of_ink(before, annotation) < 0.4 < 0.7 < share_of_ink(after, annotation)


def locked():
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(pdf("Mary Jones"))))
    writer.encrypt("secret", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pdf(""), r"holds no text that can be read: .*OCR"),
        (locked(), "locked with a password"),
        (b"%PDF-1.4 nonsense", "damaged or does not match its suffix"),
        (b"", "damaged or does not match its suffix"),
    ],
)
def test_what_cannot_be_redacted_is_refused(content, problem):
    with pytest.raises(FormatError, match=problem):
        redact_file("a.pdf", content, recognize, Redactor())


def spaced(x, y, word):
    return [(x + 10 * number, y, letter) for number, letter in enumerate(word)]


def names_at(before, after, *places):
    """Return whether the text at each place (page, left, baseline, right) was painted over."""
    for page, left, base, right in places:
        box = (left, 792 - base - 7, right, 792 - base + 1)
        assert share_of_ink(drawn(before, page), box) < 0.5
        yield share_of_ink(drawn(after, page), box) > 0.65


PROSE = [
    "left words of the line go on and",
    "on and so does this line of it and",
    "it ends with the words of",
]
HEBREW_NAMES = [f"uni{ord(letter):04X}" for letter in HEBREW]
HEBREW_NAME = "".join(chr(65 + HEBREW.index(one)) if one in HEBREW else one for one in reversed([*NAMES][2]))


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (pages_of([*spaced(72, 700, "Mary"), *spaced(130, 700, "Jones")]), [(0, 72, 700, 176)]),
        (in_font(pages_of([(72, 700, HEBREW_NAME)]), HEBREW_NAMES), [(0, 72, 700, 91)]),
        (  # from the end of one column to the next
            pages_of(
                [*lines(72, 700, *PROSE, "so on Mary"), *lines(330, 700, "Jones it is and so on", *PROSE)]
            ),
            [(0, 98, 664, 120), (0, 330, 700, 355)],
        ),
        (  # from one page to the next
            pages_of(lines(72, 700, *PROSE, "so on and on Siem-"), lines(72, 700, "ens and so on", *PROSE)),
            [(0, 126, 664, 148), (1, 72, 700, 85)],
        ),
        (pages_of([(72, 700, "Mary"), (98, 702, "Jones", 8)]), [(0, 72, 700, 118)]),  # two sizes
        (pages_of(*[[(72, 760, "By Mary Jones"), *lines(72, 700, *PROSE)]] * 4), [(3, 87, 760, 136)]),
        (pages_of([(72, 700, "a Mary Jones")] * 2), [(0, 80, 700, 129)]),  # twice at one place
    ],
)
def test_names_are_found_in_reading_order(content, places):
    result = redact_file("a.pdf", content, recognize, Redactor())
    assert all(names_at(content, result.content, *places)), [one.text for one in result.found]
    assert text_of_pages(result.content) == ""
