"""The tabs Compare and Models in a real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SENTENCE, open_tab

pytestmark = pytest.mark.browser


def choose(page, box, value):
    """Type into a drop-down and leave it."""
    field = page.locator(f"{box} input")
    field.fill(value)
    field.press("Enter")
    field.press("Tab")


def test_two_choices_are_compared(page):
    open_tab(page, "Compare")
    page.locator("#compare-text textarea").fill(SENTENCE)
    page.locator("#compare").click()
    cards = page.locator("#compare-cards .card")
    expect(cards).to_have_count(2)
    for card in cards.all():
        assert card.locator("mark").count() == 3
    expect(page.locator("#compare-chart dd")).to_have_count(2)
    expect(page.locator("#compare-chart")).to_contain_text("ms")
    expect(page.locator("#compare-text textarea")).to_have_value(SENTENCE)


def test_the_zoo_is_listed_with_cards(page):
    open_tab(page, "Models")
    table = page.locator("#zoo-table table")
    expect(table).to_contain_text("bert-base-ner")
    expect(table).to_contain_text("minilm-ner")
    choose(page, "#zoo-model", "bert-base-ner")
    expect(page.locator("#model-card")).to_contain_text("bert-base-ner")
