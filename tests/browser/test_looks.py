"""Every tab and state at three sizes, light and dark: reachable for all (axe), no wider than the screen.

One page is opened once for each colour scheme; its size changes while it stays open. Screenshots are left in
``test-output/``.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, ROOT, SENTENCE, open_tab, recognize, unfold

pytestmark = pytest.mark.browser
OUTPUT = ROOT / "test-output"
SIZES = {"wide": (1440, 900), "laptop": (1280, 720), "phone": (375, 667)}


@pytest.fixture(scope="module")
def axe():
    path = Path(os.environ.get("AXE_PATH", ""))
    assert path.is_file(), "AXE_PATH must name axe.min.js: npm install axe-core, then AXE_PATH=.../axe.min.js"
    OUTPUT.mkdir(exist_ok=True)
    return path.read_text(encoding="utf-8") + ";0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_is_readable_and_reachable(chromium, url, tmp_path, axe, scheme):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{url}/?__theme={scheme}")
    page.evaluate(axe)
    findings = []
    for name, prepare in STATES.items():
        prepare(page, tmp_path)
        page.wait_for_timeout(150)  # transitions settle
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=OUTPUT / f"{name}-{size}-{scheme}.png", full_page=size != "laptop")
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
                findings.append(f"{name} {size}: the page is wider than the screen")
            # The laptop has the layout of the wide page: what axe would find there, it finds here.
            if size != "laptop":
                findings += [f"{name} {size} {scheme}: {one}" for one in found_by_axe(page)]
        page.set_viewport_size({"width": 1440, "height": 900})
    context.close()
    assert findings == []


def found_by_axe(page):
    """Return what axe finds, but for what it calls minor: empty cells in the heads of model cards' tables."""
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in result["violations"]
        if violation["impact"] != "minor"
        for node in violation["nodes"]
    ]


def answered(page, _):
    expect(page.locator("#text-status")).to_contain_text("names")


def chosen(page, _):
    page.locator(".groups .name").first.click()
    for fold in ("#options", "#entity-table", "#redaction", "#details"):
        unfold(page, fold)
    expect(page.locator("#redacted")).to_have_value(re.compile("PER_1"))


def refused(page, _):
    page.locator("#text-box").fill(" ")
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_contain_text("no text yet")


def cleared(page, _):
    page.locator("#clear").click()
    expect(page.locator("#undo-clear")).to_be_visible()


def not_compared(page, _):
    recognize(page, SENTENCE)
    open_tab(page, "Compare")
    expect(page.locator("#compare-choices input:checked")).to_have_count(2)


def compared(page, _):
    page.locator("#compare").click()
    expect(page.locator("#compare-cards .card")).to_have_count(2)


def no_files(page, _):
    open_tab(page, "Documents")
    expect(page.locator("#files button[aria-dropeffect]")).to_be_visible()


def read(page, folder):
    (folder / "note.txt").write_text(SENTENCE)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of a PDF")
    page.locator("#files input[type=file]").set_input_files([str(path) for path in sorted(folder.iterdir())])
    expect(page.locator("#files")).to_contain_text("note")
    page.locator("#run-documents").click()
    expect(page.locator("#documents-status")).to_contain_text("3 names")


def models(page, _):
    open_tab(page, "Models")
    expect(page.locator('#zoo-table .card[data-model="minilm-ner"]')).to_be_visible()


def card(page, _):
    page.locator('#zoo-table .card[data-model="minilm-ner"] summary').click()


STATES = {
    "text": answered, "text-open": chosen, "text-refused": refused, "text-cleared": cleared,
    "compare-begun": not_compared, "compare": compared, "documents-begun": no_files, "documents": read,
    "models": models, "models-card": card,
}  # fmt: skip
