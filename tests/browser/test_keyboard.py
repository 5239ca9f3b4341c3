"""All of the page with keys alone: whatever has the focus can be seen to have it, and nothing keeps it."""

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NAMES, SENTENCE, marks, open_documents, open_tab, wait_for_text

pytestmark = pytest.mark.browser

# What has the focus, and whether it can be seen and has an outline.
FOCUSED = """() => {
  let e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), place = e.getBoundingClientRect();
  return {
    told: e.outerHTML.slice(0, 120),
    seen: place.width > 0 && place.height > 0 && e.checkVisibility({visibilityProperty: true}),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
  }; }"""


def press(page, key="Tab"):
    """Press a key; what has the focus then must show it."""
    page.keyboard.press(key)
    focused = page.evaluate(FOCUSED)
    assert focused is None or focused["seen"], f"has the focus and cannot be seen: {focused['told']}"
    assert focused is None or focused["outlined"], f"has the focus and does not show it: {focused['told']}"
    return focused


def go_to(page, selector, key="Tab"):
    """Press Tab until the focus is there."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        press(page, key)
    pytest.fail(f"{selector} cannot be reached with {key}")


def test_a_text_is_recognized_corrected_redacted_and_saved_with_keys_alone(page):
    page.evaluate("document.activeElement.blur()")
    go_to(page, "#text-box")
    press(page, "Control+a")
    page.keyboard.type("Mary met Bob. Then Mary met old Priya Acme.")
    press(page, "Control+Enter")
    expect(page.locator("#text-tab mark")).to_have_count(4)
    go_to(page, '#text-tab .groups .name[data-name="Mary"]')
    press(page, "Enter")
    expect(page.locator("#text-tab .bar")).to_contain_text("Mary person, score")
    go_to(page, '[data-does="next"]')
    press(page, "Enter")
    expect(page.locator("#text-tab .bar")).to_contain_text("2 of 2")
    go_to(page, "#text-tab .marked")
    press(page, "ArrowRight")
    expect(page.locator("#text-tab .bar")).to_contain_text("Priya")
    press(page, "Enter")
    assert page.evaluate("document.activeElement.dataset.does") == "label"
    press(page, "ArrowDown")
    expect(page.locator("#text-tab mark.edited")).to_have_count(1)
    expect(page.locator("#text-tab .bar")).to_contain_text("corrected")
    go_to(page, "#text-tab .marked")
    press(page, "Control+z")
    expect(page.locator("#text-tab mark.edited")).to_have_count(0)
    press(page, "Escape")
    for key in ("Shift+ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"):
        press(page, key)
    assert page.evaluate("getSelection().toString()") == "met Bob"
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowLeft", "ArrowRight"):
        press(page, key)
    assert page.evaluate("getSelection().toString()") == "Then"
    press(page, "Enter")
    press(page, "End")
    go_to(page, '[data-does="add"]')
    press(page, "Enter")
    assert ("Then", "MISC", 14, 18) in marks(page)
    press(page, "Delete")
    expect(page.locator("#text-tab mark")).to_have_count(4)
    go_to(page, "#redaction summary")
    press(page, "Enter")
    go_to(page, '[name="redaction-style"]')
    press(page, "ArrowRight")
    expect(page.locator("#redacted")).to_have_value("[PER] met [PER]. Then [PER] met old [PER].")
    go_to(page, '[data-export="JSON"]', "Shift+Tab")
    with page.expect_download() as download:
        press(page, "Enter")
    assert len(json.loads(Path(download.value.path()).read_text())["entities"]) == 4
    go_to(page, "#options summary", "Shift+Tab")
    press(page, "Enter")
    go_to(page, "#text-compute")
    press(page, "ArrowDown")
    expect(page.locator("#options summary")).to_contain_text("exact arithmetic")
    press(page, "ArrowUp")
    expect(page.locator("#options summary")).not_to_contain_text("exact arithmetic")


def test_documents_are_read_and_redacted_with_keys_alone(page, tmp_path):
    (tmp_path / "note.txt").write_text(SENTENCE)
    (tmp_path / "other.txt").write_text("nothing here")
    open_documents(page)
    open_tab(page, "Text")
    page.evaluate("document.activeElement.blur()")
    go_to(page, '[role="tab"][aria-selected="true"]')
    open_with_keys(page, "Documents")
    with page.expect_file_chooser() as chooser:  # before the way there: Playwright takes a moment to listen
        go_to(page, "#files button")
        page.keyboard.press("Enter")
    chooser.value.set_files([str(tmp_path / "note.txt"), str(tmp_path / "other.txt")])
    expect(page.locator("#files")).to_contain_text("other")
    go_to(page, "#run-documents")
    press(page, "Enter")
    wait_for_text(page, "#documents-status", "3 names in 2 documents")
    go_to(page, "#documents-view .groups .name")
    press(page, "Enter")
    expect(page.locator("#documents-view mark.outlined")).to_have_text("Mary")
    go_to(page, "#documents-view .listed button")
    press(page, "Enter")
    go_to(page, "#redact-files", "Shift+Tab")
    press(page, "Enter")
    wait_for_text(page, "#redaction-status", "Redacted 2 of 2 files")
    go_to(page, "#download-redacted")
    with page.expect_download() as download:
        press(page, "Enter")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.read("note.txt").decode() == "PER_1 lives in LOC_1 and works at ORG_1."


def open_with_keys(page, name):
    """Go along the row of tabs."""
    tab = page.get_by_role("tab", name=name, exact=True).first
    for _ in range(8):
        if tab.evaluate("e => e === document.activeElement"):
            break
        press(page)
    press(page, "Enter")
    expect(tab).to_have_attribute("aria-selected", "true")


#: What of each tab comes last.
LANDMARKS = {
    "Text": "#text-tab mark",
    "Compare": "#compare-choices input",
    "Models": "#zoo-table .card",
    "Documents": "#run-documents",
}


def test_no_tab_of_the_page_keeps_the_focus(page):
    assert marks(page) == NAMES
    for name in LANDMARKS:
        page.evaluate("document.activeElement.blur()")
        go_to(page, '[role="tab"]')
        open_with_keys(page, name)
        expect(page.locator(LANDMARKS[name]).first).to_be_visible()
        seen = 0
        while press(page) is not None:
            seen += 1
            assert seen < 150, f"{name}: the focus does not get out"
        assert seen > 5, name
