"""Five tasks as a new visitor does them, and the clicks that they take: the figures of docs/page.md."""

import csv
import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LETTER, NAMES, marks, open_documents, open_tab

pytestmark = pytest.mark.browser


class Hand:
    """Does what a visitor does with a mouse, and counts: a click, a file that is dropped."""

    def __init__(self, page):
        self.page = page
        self.clicks = 0

    def click(self, place):
        self.clicks += 1
        place.click()

    def choose(self, menu, title):
        self.clicks += 2  # the menu, and the line in it
        menu.select_option(label=title)

    def drop(self, path):
        self.clicks += 1
        self.page.locator("#files input[type=file]").set_input_files(str(path))
        expect(self.page.locator("#files")).to_contain_text(path.stem)

    def saves(self, place):
        with self.page.expect_download() as download:
            self.click(place)
        return download.value.path()


@pytest.fixture
def hand(page):
    return Hand(page)


def test_all_people_of_an_article_take_one_click(page, hand):
    page.evaluate("text => navigator.clipboard.writeText(text)", LETTER)
    hand.click(page.locator("#text-box"))
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")
    people = page.locator('#text-tab .groups [data-label="PER"] .name > span:first-child')
    expect(people).to_have_text(["Katarzyna Nowak", "Mary Jones"])
    assert hand.clicks == 1


def test_two_corrections_and_an_export_take_six_clicks(page, hand):
    assert marks(page) == NAMES
    hand.click(page.locator("#text-tab mark", has_text="Mary"))
    hand.choose(page.locator("#text-tab .bar").get_by_label("Label"), "MISC other name")
    hand.click(page.locator("#text-tab mark", has_text="Santa Clara"))
    hand.click(page.locator("#text-tab .bar").get_by_role("button", name="Remove"))
    path = hand.saves(page.get_by_role("button", name="Save JSON"))
    found = [(e["text"], e["label"]) for e in json.loads(path.read_text())["entities"]]
    assert found == [("Mary", "MISC"), ("NVIDIA", "ORG")]
    assert hand.clicks == 6


@pytest.mark.usefixtures("new_page")  # without files to save of the tests before
def test_a_redacted_contract_takes_five_clicks(page, hand, tmp_path):
    import docx

    contract = docx.Document()
    contract.add_paragraph("This agreement is made between Mary Jones of Warsaw and NVIDIA.")
    contract.save(tmp_path / "contract.docx")
    open_documents(page)
    hand.clicks += 1
    hand.drop(tmp_path / "contract.docx")
    hand.click(page.locator("#run-documents"))
    hand.click(page.locator("#redact-files"))
    path = hand.saves(page.locator("#download-redacted"))
    with zipfile.ZipFile(path) as archive:
        redacted = docx.Document(io.BytesIO(archive.read("contract.docx"))).paragraphs[0].text
    assert redacted == "This agreement is made between PER_1 of LOC_1 and ORG_1."
    assert hand.clicks == 5


@pytest.mark.usefixtures("new_page")  # without files to save of the tests before
def test_an_annotated_table_takes_four_clicks(page, hand, tmp_path):
    (tmp_path / "tickets.csv").write_text("id,Body\nT1,Mary Jones lives in Warsaw.\nT2,nothing\n")
    open_documents(page)
    hand.clicks += 1
    hand.drop(tmp_path / "tickets.csv")
    hand.click(page.locator("#run-documents"))
    path = hand.saves(page.locator("#download-zip"))
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.DictReader(archive.read("tables/tickets.csv.csv").decode("utf-8-sig").splitlines()))
    assert [row["id"] for row in rows] == ["T1", "T2"]
    assert "Mary Jones" in " ".join(rows[0].values()).replace(rows[0]["Body"], "")
    assert hand.clicks == 4


def test_another_model_takes_three_clicks(page, hand):
    open_tab(page, "Models")
    hand.clicks += 1

    def without_network(route):
        if route.request.post_data_json["fn_name"] == "install":
            route.fulfill(json={"error": "There is no network."})
        else:
            route.continue_()

    # It does not come, and says so: what is used then is one that is here.
    page.route(re.compile("component_server"), without_network)
    hand.click(page.get_by_role("button", name="Get ner-en-bert"))
    expect(page.locator("#zoo-status .notice")).to_contain_text("no network")
    page.unroute(re.compile("component_server"))
    hand.click(page.get_by_role("button", name="Use rampart-pii"))
    expect(page.locator("#text-tab mark").first).to_have_attribute("data-label", "GIVEN_NAME")
    assert hand.clicks == 3
