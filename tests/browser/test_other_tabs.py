"""The tabs Compare and Models in a real Chromium."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SENTENCE, open_tab, recognize

pytestmark = pytest.mark.browser


def test_compare_takes_over_the_text_and_says_first_what_differs(new_page):
    page = new_page
    recognize(page, "Mary met Priya at U.S. Steel.")
    open_tab(page, "Compare")
    expect(page.locator("#compare-box")).to_have_value("Mary met Priya at U.S. Steel.")
    expect(page.locator("#compare-choices input:checked")).to_have_count(2)
    titles = page.locator("#compare-choices label:has(input:checked)").all_inner_texts()
    assert "minilm-ner" in titles[0]
    assert "minilm-ner" not in titles[1], "it starts with two models where there are two"
    page.locator("#compare-choices input:checked").nth(1).uncheck()
    page.get_by_label("rampart-pii · AUTO · FP32", exact=True).check()
    page.locator("#compare").click()
    cards = page.locator("#compare-cards .card")
    expect(cards).to_have_count(2)
    expect(cards.first.locator("mark.differs").first).to_have_text("Mary")
    assert cards.first.locator(".marked").text_content() == "Mary met Priya at U.S. Steel."
    cards.first.locator("mark").first.hover()
    expect(cards.first.locator("mark").first).to_have_attribute("title", re.compile(r"^person, score 0\.\d+"))
    verdict = page.locator("#compare-verdict").inner_text()
    assert verdict.startswith("They differ in")
    assert "minilm-ner · AUTO · INT8 alone has labels for LOC, MISC, ORG, PER." in verdict
    assert re.search(r"is [\d.]+ times as fast as", verdict)
    assert page.locator("#compare-result > :first-child").get_attribute("id") == "compare-verdict"
    expect(page.locator("#compare-chart dd")).to_have_count(2)
    page.emulate_media(forced_colors="active")  # takes backgrounds away, and bars are nothing else
    paper, bar = page.locator("#compare-chart, #compare-chart i").evaluate_all(
        "all => all.slice(0, 2).map(one => getComputedStyle(one).backgroundColor)"
    )
    page.emulate_media(forced_colors="none")
    assert bar != paper
    expect(page.locator("#compare-status")).to_contain_text("They differ in")
    page.locator("#compare-box").fill("Mary met Priya.")
    expect(page.locator("#compare-status")).to_have_text(re.compile("text has changed since this comparison"))
    expect(page.locator("#compare-result")).to_have_class("stale")
    page.locator("#compare-box").fill("Mary met Priya at U.S. Steel.")
    expect(page.locator("#compare-status")).to_contain_text("They differ in")
    expect(page.locator("#compare-result")).not_to_have_class("stale")
    page.locator("#compare-choices input:checked").first.uncheck()
    page.locator("#compare").click()
    expect(page.locator("#compare-message")).to_contain_text("Choose 2 to 6 combinations; 1 chosen.")
    chosen = page.locator("#compare-choices label:has(input:checked)").all_inner_texts()
    page.reload()
    expect(page.locator("#compare-box")).to_have_value("Mary met Priya at U.S. Steel.")
    expect(page.locator("#compare-choices label:has(input:checked)")).to_have_text(chosen)
    page.evaluate("sessionStorage.removeItem('ner-compare')")


def test_each_model_has_a_card_and_one_can_be_used(page):
    open_tab(page, "Models")
    card = page.locator('[data-model="minilm-ner"]')
    expect(card).to_contain_text("people, organisations, places, other names")
    expect(page.locator('[data-model="bert-base-ner"]')).to_contain_text("not on this machine")
    expect(card.locator("[data-measured]")).to_contain_text(re.compile(r"[\d.,]+ ms for a text of \d+"))
    page.locator('[data-model="bert-base-ner"] summary').click()
    expect(page.locator('[data-model="bert-base-ner"] .scroll table').first).to_be_visible()
    page.get_by_role("button", name="Use rampart-pii").click()
    expect(page.get_by_role("tab", name="Text")).to_be_focused()
    expect(page.locator("#options summary")).to_contain_text("rampart-pii")
    expect(page.locator("#text-tab mark").first).to_have_attribute("data-label", "GIVEN_NAME")
    open_tab(page, "Models")
    page.get_by_role("button", name="Use minilm-ner").click()
    expect(page.locator("#options summary")).to_contain_text("minilm-ner")
    recognize(page, SENTENCE)


def test_a_download_without_network_ends_in_a_sentence_with_what_to_do(page):
    open_tab(page, "Models")
    began = time.monotonic()
    page.get_by_role("button", name="Get ner-en-bert").click()
    problem = page.locator("#zoo-status .notice")
    expect(problem).to_contain_text("no network: none of its hosts can be reached. Connect this machine")
    expect(problem).to_contain_text("copy the models folder")
    expect(problem).to_contain_text("HF_ENDPOINT")
    assert time.monotonic() - began < 240  # 3 s where nothing else runs
    expect(page.locator('[data-get="ner-en-bert"]')).to_be_focused()  # of the cards drawn anew
    expect(problem.locator("pre")).to_be_hidden()
    problem.locator("summary").click()
    expect(problem.locator("pre")).to_contain_text("NERModel.nemo")


def test_work_is_followed_while_the_server_is_away_and_forgotten_work_is_said(page, visitor):
    now = {"html": "<p>10 %</p>"}
    asked = []

    def look(route):
        """Stand in for a server that is away for a while and then knows of no such download."""
        if route.request.post_data_json["fn_name"] != "look":
            route.continue_()
            return
        asked.append(now)
        route.fulfill(json=now) if now else route.abort()

    page.evaluate("sessionStorage.setItem('ner-installing', JSON.stringify('token'))")
    page.route(re.compile("component_server"), look)
    page.reload()
    open_tab(page, "Models")
    status = page.locator("#zoo-status")
    expect(status).to_contain_text("10 %")
    page.evaluate("NerPage.LOOK = 20")
    other = page.get_by_role("button", name="Get ner-en-bert")
    other.click()
    expect(page.locator('[data-get="ner-en-bert"]')).to_have_text("Already running")
    expect(page.locator("#cancel-install")).to_be_visible()
    now = {}
    expect(status).to_contain_text("does not answer. This page keeps asking")
    status.locator(".notice").evaluate("e => { e.id = 'same' }")
    before = len(asked)
    while len(asked) < before + 2:
        page.wait_for_timeout(50)
    expect(status.locator("#same")).to_be_visible()  # not drawn again: it would be spoken again
    now = {"html": "", "ended": True}
    expect(status).to_contain_text("was restarted, which ended this")
    assert not page.evaluate("NerPage.kept('ner-installing')")
    page.unroute(re.compile("component_server"))
    visitor.errors[:] = [one for one in visitor.errors if "ERR_FAILED" not in one]


def test_screen_readers_are_told_what_the_other_tabs_hold(page):
    for name, wanted in {
        "Compare": (
            'textbox "Text"',
            'group "Combinations to compare (2 to 6)"',
            "checkbox",
            'button "Compare"',
        ),
        "Models": ("heading", 'button "Use minilm-ner"', 'button "Get bert-base-ner"'),
        "Documents": ('textbox "Or a web address', 'button "Recognize all"', 'Click to Upload"'),
    }.items():
        open_tab(page, name)
        if name == "Compare":  # its choices come after the tab
            expect(page.locator("#compare-choices input").first).to_be_visible()
        tree = page.locator('[role="tabpanel"]:visible').first.aria_snapshot()
        assert [one for one in wanted if one not in tree] == [], f"{name}:\n{tree}"
    # What changes while one looks elsewhere is spoken; these are there before it changes, or it would not be.
    for place in ("#text-status", "#teach-plan", "#compare-status", "#documents-begun p", "#told"):
        assert page.locator(place).get_attribute("role") == "status", place
