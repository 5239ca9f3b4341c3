"""The Documents tab in a real Chromium: files and addresses in, names over all of them and files out."""

import gzip
import json
import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SENTENCE, open_documents, open_tab, wait_for_text

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(page):
    """The tab with nothing given; results of the test before may be there."""
    open_documents(page)
    return page


def give(page, folder):
    paths = sorted(folder.iterdir())
    page.locator("#files input[type=file]").set_input_files([str(path) for path in paths])
    expect(page.locator("#files")).to_contain_text(paths[-1].stem)


def reload(page, visitor):
    page.reload()
    visitor.errors.clear()  # Gradio says that its streams were cut off


def zipped(page, button):
    with page.expect_download() as download:
        page.locator(button).click()
    return zipfile.ZipFile(download.value.path())


def test_a_mixed_batch_with_a_broken_file(tab, tmp_path):
    (tmp_path / "note.txt").write_text(SENTENCE)
    page = f"<p>{SENTENCE}</p><script>alert(1)</script>"
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(page.encode()))
    (tmp_path / "rows.csv").write_text(f'id,Body\nR1,"{SENTENCE}"\nR2,nothing here\n')
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of a PDF")
    give(tab, tmp_path)
    expect(tab.locator("#column input")).to_be_visible()
    expect(tab.locator("#documents-tables tbody tr")).to_have_count(2)
    expect(tab.locator("#documents-tables th.read")).to_be_visible()
    expect(tab.locator("#documents-tables th.read")).to_contain_text("Body")
    tab.locator("#naming input").click()
    tab.get_by_role("option", name='"Body"', exact=True).click()
    tab.locator("#run-documents").click()
    wait_for_text(tab, "#documents-status", "3 names, mentioned 9 times, in 4 documents")
    wait_for_text(tab, "#documents-problems", "broken.pdf")
    view = tab.locator("#documents-view")
    mary = view.locator(".groups .name", has_text="Mary").first
    expect(mary).to_contain_text("Mary 3× in 3")
    expect(view.locator('.groups [data-label="PER"] h3').first).to_have_text(
        "People 1"
    )  # names, as on the Text tab
    listed = view.locator(".listed li")
    expect(listed).to_have_count(4)
    mary.click()
    expect(mary).to_be_focused()
    expect(listed).to_have_count(4)  # three that have her, and the way back to all
    expect(view.locator("mark.outlined")).to_have_text("Mary")
    listed.filter(has_text=f"rows.csv · {SENTENCE}").locator("button").click()
    expect(view.locator("h2.section", has_text="rows.csv · Mary")).to_be_visible()
    listed.get_by_role("button", name="All documents").click()
    expect(listed.locator("button").first).to_be_focused()
    with zipped(tab, "#download-zip") as archive:
        documents = [json.loads(line) for line in archive.read("documents.jsonl").decode().splitlines()]
        assert "broken.pdf" in archive.read("problems.txt").decode()
        assert "R1" in archive.read("tables/rows.csv.csv").decode()
    assert sum(len(document["entities"]) for document in documents) == 9
    tab.locator("#redact-files").click()
    wait_for_text(tab, "#redaction-status", "Redacted 2 of 4 files")
    with zipped(tab, "#download-redacted") as archive:
        assert archive.read("note.txt").decode() == "PER_1 lives in LOC_1 and works at ORG_1."
        assert "PER_1 lives in LOC_1" in archive.read("rows.csv").decode()


def test_a_press_is_answered_before_the_server_speaks_and_can_be_taken_back(tab, tmp_path, visitor):
    """The server takes no request until the visitor has cancelled: busy state and wish are the page's own."""
    (tmp_path / "a.txt").write_text(SENTENCE)
    (tmp_path / "b.txt").write_text(f"{SENTENCE}\n" * 10_000)
    give(tab, tmp_path)
    held = []
    tab.route(re.compile("queue/join"), lambda route: held.append(route))
    cancel = tab.locator("#cancel-documents")
    expect(cancel).to_be_hidden()
    tab.evaluate("NerPage.STILL = 50")
    tab.locator("#run-documents").click()
    begun = tab.locator("#documents-begun")
    expect(begun.locator("progress")).to_be_visible()
    expect(begun).to_contain_text("Waiting: the server is serving others first")
    cancel.press("Enter")
    for route in held:
        route.continue_()
    tab.unroute(re.compile("queue/join"))
    wait_for_text(tab, "#documents-status", "of 2 sources were read to the end")
    expect(begun.locator("progress")).to_be_hidden()
    expect(cancel).to_be_hidden()
    expect(tab.locator("#documents-status")).to_be_focused()
    tab.route(re.compile("readyz"), lambda route: route.abort())
    tab.locator("#run-documents").click()
    wait_for_text(tab, "#documents-status", "Reading b.txt")
    expect(begun).to_contain_text("The page's server does not answer")
    tab.unroute(re.compile("readyz"))
    expect(begun).to_be_hidden()
    cancel.click()
    wait_for_text(tab, "#documents-status", "of 2 sources were read to the end")
    visitor.errors[:] = [one for one in visitor.errors if "ERR_FAILED" not in one]


DROP = """(place, name) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["Mary met Bob."], name));
    return ["dragover", "drop"].map(kind => !place.dispatchEvent(
        new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true})));
}"""


def test_a_file_that_is_dropped_anywhere_goes_into_the_box_for_files(tab):
    open_tab(tab, "Text")
    assert tab.locator("#text-box").evaluate(DROP, "first.txt") == [True, True], "the browser left the page"
    expect(tab.locator("#files")).to_contain_text("first")
    tab.locator("#address").evaluate(DROP, "second.txt")
    expect(tab.locator("#files")).to_contain_text("second")
    expect(tab.locator("#files")).to_contain_text("first")
    tab.locator("#run-documents").click()
    wait_for_text(tab, "#documents-status", "2 names, mentioned 4 times, in 2 documents")


def test_results_of_other_documents_say_so(tab, visitor, tmp_path):
    (tmp_path / "100% note; a#1.txt").write_text(SENTENCE)
    give(tab, tmp_path)
    tab.locator("#run-documents").click()
    marked, old = tab.locator("#documents-view .documents"), tab.locator("#documents-old")
    expect(marked).not_to_have_class(re.compile("stale"))
    tab.locator("#address input").fill("http://127.0.0.1/")
    expect(old).to_contain_text("Press Recognize all to update them")
    expect(marked).to_have_class(re.compile("stale"))
    tab.locator("#run-documents").click()
    wait_for_text(tab, "#documents-problems", "not on the public internet")
    expect(old).to_have_text("")
    reload(tab, visitor)
    expect(tab.locator("#files")).to_contain_text("note")
    expect(old).to_have_text("")
    tab.locator("#files").get_by_role("button", name="Clear").click()
    expect(old).to_contain_text("other documents")
    tab.locator("#redact-files").click()
    wait_for_text(tab, "#redaction-status", "Choose files to redact")


def test_results_of_files_that_were_on_their_way_are_of_these_files(tab, tmp_path):
    (tmp_path / "note.txt").write_text(SENTENCE)
    held, uploads = [], re.compile("/upload(?!_progress)")
    tab.route(uploads, lambda route: held.append(route))
    give(tab, tmp_path)
    tab.locator("#run-documents").click()
    expect(tab.locator("#files")).to_contain_text("Uploading")
    held.pop().continue_()
    expect(tab.locator("#documents-view .documents")).to_be_visible()
    expect(tab.locator("#documents-old")).to_have_text("")
    tab.unroute(uploads)


def test_on_a_phone_work_and_result_are_in_view_and_a_reload_keeps_them(tab, visitor, tmp_path):
    tab.set_viewport_size({"width": 320, "height": 568})
    (tmp_path / "note.txt").write_text(f"{SENTENCE} Mary")
    give(tab, tmp_path)
    held = []
    tab.route(re.compile("queue/join"), lambda route: held.append(route))
    tab.locator("#run-documents").click()
    expect(tab.locator("#documents-begun progress")).to_be_in_viewport()
    expect(tab.locator("#documents-begun")).to_contain_text("Starting")
    held.pop().continue_()
    tab.unroute(re.compile("queue/join"))
    said = "3 names, mentioned 4 times, in 1 document"
    wait_for_text(tab, "#documents-status", said)
    groups = tab.locator("#documents-view .groups")
    expect(groups).to_be_in_viewport()
    reload(tab, visitor)
    expect(tab.get_by_role("tab", name="Documents")).to_have_attribute("aria-selected", "true")
    wait_for_text(tab, "#documents-status", said)
    expect(groups).to_have_count(1)
    expect(tab.locator("#documents-view .listed")).to_have_count(0)
    tab.locator("#redact-files").click()
    wait_for_text(tab, "#redaction-status", "Redacted 1 of 1 files")
    tab.evaluate("location.hash = '#text=Mary'")
    expect(tab.get_by_role("tab", name="Text")).to_have_attribute("aria-selected", "true")


def test_nothing_to_read_is_said_each_time_and_private_addresses_are_not_fetched(new_page):
    tab = new_page
    open_documents(tab)
    for _ in range(2):
        tab.locator("#run-documents").click()
        wait_for_text(tab, "#documents-status", "Nothing to read yet")
        expect(tab.locator("#documents-begun")).to_be_hidden()
    tab.locator("#address input, #address textarea").first.fill("http://127.0.0.1/")
    tab.locator("#run-documents").click()
    wait_for_text(tab, "#documents-problems", "not on the public internet")
    status = tab.locator("#documents-status .said")
    expect(status).to_have_text("Nothing could be read.", use_inner_text=True)  # and nothing stays below


def test_of_many_names_the_first_are_shown_and_all_when_asked_for(tab, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(
            "\n\n".join(f"Mary{number} lives here." for number in range(12))
        )
    give(tab, tmp_path)
    tab.locator("#run-documents").click()
    people = tab.locator('#documents-view .groups [data-label="PER"]').first
    expect(people.locator(".name")).to_have_count(8)
    people.get_by_role("button", name="Show all 12").click()
    expect(people.locator(".name")).to_have_count(12)
    expect(people.locator(".name").nth(8)).to_be_focused()
