"""The Documents tab in a real Chromium: files and addresses in, results out."""

import json
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SENTENCE, open_tab

pytestmark = pytest.mark.browser


def test_a_mixed_batch_with_a_broken_file(page, tmp_path):
    import docx

    document = docx.Document()
    document.add_paragraph(SENTENCE)
    document.save(tmp_path / "letter.docx")
    (tmp_path / "note.txt").write_text(SENTENCE)
    (tmp_path / "page.html").write_text(f"<p>{SENTENCE}</p><script>alert(1)</script>")
    (tmp_path / "rows.csv").write_text(f'id,text\n1,"{SENTENCE}"\n2,nothing here\n')
    (tmp_path / "lines.jsonl").write_text(json.dumps({"text": SENTENCE}) + "\n")
    (tmp_path / "good.pdf").write_bytes(pdf(SENTENCE))
    (tmp_path / "broken.pdf").write_bytes(pdf(SENTENCE)[:150])
    (tmp_path / "empty.md").write_text(" ")
    page.reload()
    open_tab(page, "Documents")
    page.locator("#files input[type=file]").set_input_files(
        [str(path) for path in sorted(tmp_path.iterdir())]
    )
    expect(page.locator("#files")).to_contain_text("note")
    page.locator("#run-documents").click()
    expect(page.locator("#documents-status")).to_contain_text("18 entities in 7 documents")
    problems = page.locator("#documents-problems")
    expect(problems).to_contain_text("broken.pdf")
    expect(problems).to_contain_text("empty.md")
    expect(page.locator("#name-table").get_by_text("Santa Clara").locator("visible=true")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#download-zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        documents = [json.loads(line) for line in archive.read("documents.jsonl").decode().splitlines()]
        assert "broken.pdf" in archive.read("problems.txt").decode()
    assert len(documents) == 7
    assert sum(len(document["entities"]) for document in documents) == 18


def test_cancelled_documents_show_what_was_finished(page, tmp_path):
    (tmp_path / "a.txt").write_text(SENTENCE)
    (tmp_path / "b.txt").write_text(f"{SENTENCE}\n" * 40_000)
    page.reload()
    open_tab(page, "Documents")
    page.locator("#files input[type=file]").set_input_files(
        [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    )
    expect(page.locator("#files")).to_contain_text("1.8 MB")
    page.locator("#run-documents").click()
    status = page.locator("#documents-status")
    expect(status).to_contain_text("Reading b.txt (2 of 2)")
    page.locator("#cancel-documents").click()
    expect(status).to_contain_text("results are partial: 1 of 2 sources were read to the end")
    expect(page.locator("#name-table").get_by_text("Santa Clara").locator("visible=true")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#download-zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        documents = [json.loads(line) for line in archive.read("documents.jsonl").decode().splitlines()]
        assert "1 of 2" in archive.read("partial.txt").decode()
    assert [document["document"].partition(" (first ")[0] for document in documents] == ["a.txt", "b.txt"]
    assert len(documents[0]["entities"]) == 3
    assert 0 < len(documents[1]["text"]) < 40_000 * len(SENTENCE)


def pdf(text):
    """A one-page PDF written by hand; readers look up the objects themselves where the index is missing."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    )
    body = "".join(f"{number} 0 obj\n{content}\nendobj\n" for number, content in enumerate(objects, start=1))
    return f"%PDF-1.4\n{body}trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF".encode()


def test_private_addresses_are_not_fetched(page):
    page.reload()
    open_tab(page, "Documents")
    page.locator("#address input, #address textarea").first.fill("http://127.0.0.1/")
    page.locator("#run-documents").click()
    expect(page.locator("#documents-problems")).to_contain_text("not on the public internet")
