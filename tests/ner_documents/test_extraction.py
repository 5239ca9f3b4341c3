import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_documents.reading.extraction import SUFFIXES, Document, ExtractionError, extract


def pdf(text: str, password: str = "") -> bytes:
    """A one-page PDF, written by hand, in a standard font."""
    from pypdf import PdfReader, PdfWriter

    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(body)
    body += b"xref\n0 5\n0000000000 65535 f \n" + table
    body += b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % start
    if not password:
        return body
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(body)))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(*paragraphs: str) -> bytes:
    import docx

    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Clara", "Rome"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_each_type_gives_its_text():
    assert extract("a.txt", "Zoë\n".encode()) == [Document("a.txt", "Zoë")]
    assert extract("a.TXT", "Zoë".encode("utf-16")) == [Document("a.TXT", "Zoë")]
    assert extract("a.txt", "Zoë".encode("cp1252")) == [Document("a.txt", "Zoë")]
    assert extract("a.md", b"\xef\xbb\xbf# Mary") == [Document("a.md", "# Mary")]
    assert extract("a.pdf", pdf("Mary lives in Rome.")) == [Document("a.pdf", "Mary lives in Rome.")]
    assert extract("a.docx", docx("Mary sings.", "Zoë too.")) == [
        Document("a.docx", "Mary sings.\nZoë too.\nClara\tRome")
    ]


def test_html_keeps_blocks_apart_and_scripts_out():
    page = (
        b"<html><head><title>no</title><style>p{}</style></head><body><h1>Mary</h1><p>in <b>Santa</b> Clara"
        b"<br>now &lt;script&gt;</p><script>alert(1)</script><ul><li>one<li>two</ul></body></html>"
    )
    assert extract("a.html", page)[0].text == "Mary\nin Santa Clara\nnow <script>\none\ntwo"


def test_tables_give_a_text_for_each_row():
    table = b'id;note;text\n1;short;Mary, of Rome\n2;x;\n3;y;"two\nlines"\n'
    assert extract("a.csv", table) == [
        Document("a.csv:2", "Mary, of Rome"),
        Document("a.csv:5", "two\nlines"),
    ]
    assert [document.text for document in extract("a.csv", table, column="note")] == ["short", "x", "y"]
    assert extract("b.csv", b"a,b\nx,longer text\n")[0].text == "longer text"
    lines = '{"text": "Mary\u2028x", "n": 1}\n\n"Rome"\n'.encode()
    assert extract("a.jsonl", lines) == [Document("a.jsonl:1", "Mary\u2028x"), Document("a.jsonl:3", "Rome")]
    assert extract("a.jsonl", b'{"body": "Mary"}\n', column="body")[0].text == "Mary"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"  \n", "empty"),
        ("a.exe", b"MZ", "not read; .txt"),
        ("noname", b"x", "not read"),
        ("a.txt", b"a\0b", "NUL"),
        ("a.html", b"<script>x</script>", "no text"),
        ("a.pdf", b"%PDF-1.4 nonsense", "damaged"),
        ("a.pdf", pdf("Mary")[:200], "damaged|no text"),
        ("a.pdf", pdf(""), "OCR"),
        ("a.pdf", pdf("Mary", "secret"), "password"),
        ("a.docx", b"PK\x03\x04 nonsense", "damaged"),
        ("a.docx", docx("Mary")[:300], "damaged"),
        ("a.jsonl", b'{"text": "a"}\n{broken\n', "line 2 is not JSON"),
        ("a.jsonl", b"[1]\n", "line 1 holds list"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"n": 1}\n', "no text"),
    ],
)
def test_what_cannot_be_read_is_named(name, content, reason):
    with pytest.raises(ExtractionError, match=reason) as caught:
        extract(name, content)
    assert str(caught.value).startswith(f"{name}: ")


def test_a_wrong_column_lists_those_there_are():
    with pytest.raises(ExtractionError, match="no column 'body'; it has id, text"):
        extract("a.csv", b"id,text\n1,x\n", column="body")


def test_too_much_text_is_refused():
    with pytest.raises(ExtractionError, match="11 characters; up to 10"):
        extract("a.txt", b"x" * 11, max_characters=10)


def test_a_document_that_unpacks_to_much_is_refused_before_it_is_unpacked():
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w") as member,
    ):
        for _ in range(201):
            member.write(bytes(1_000_000))
    with pytest.raises(ExtractionError, match="unpacks to more than 200 MB"):
        extract("bomb.docx", out.getvalue())


def test_entities_of_a_word_file_are_not_followed():
    source = zipfile.ZipFile(io.BytesIO(docx("Mary")))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for member in source.namelist():
            content = source.read(member)
            if member == "word/document.xml":
                head, _, rest = content.partition(b"?>")
                content = head + b'?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + rest
                content = content.replace(b"Mary", b"Mary &e;")
            archive.writestr(member, content)
    try:
        text = extract("a.docx", out.getvalue())[0].text
    except ExtractionError:
        return
    assert "root:" not in text


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from(["a" + suffix for suffix in SUFFIXES]), content=st.binary(max_size=300))
def test_any_bytes_give_documents_or_an_error_for_people(name, content):
    try:
        documents = extract(name, content)
    except ExtractionError as error:
        documents, message = [], str(error)
    else:
        message = ""
    assert all(document.text.strip() for document in documents)
    assert documents or message.startswith(f"{name}: ")
