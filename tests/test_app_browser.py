"""The page in a real headless Chromium, with the embedded model: what people do, see and save.

Screenshots of every tab, light and dark, wide and phone, are left in ``test-output/``.
"""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.conftest import wait_until_ready

pytestmark = pytest.mark.browser
PATIENCE = 240_000  # milliseconds; a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE)

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "test-output"
SENTENCE = "Mary lives in Santa Clara and works at NVIDIA."
NAMES = [("Mary", "PER", 0, 4), ("Santa Clara", "LOC", 14, 25), ("NVIDIA", "ORG", 39, 45)]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser itself must stay silent too, or its own requests would hide those of the page.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A page started as anybody starts it."""
    folder = tmp_path_factory.mktemp("page")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "gradio")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(30)
    said = log.read_text()
    assert "Santa Clara" not in said, "the log holds a visitor's text"
    assert "Traceback" not in said, said


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path, f"none of {', '.join(CHROMIUM)} is installed; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, url):
    """A fresh visitor; at the end, nothing was asked of any other host and nothing broke in the page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"a dialog opened: {dialog.message}") or dialog.dismiss())
    page.goto(url)
    expect(page.locator("#recognize")).to_be_visible()
    yield page
    context.close()
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    assert errors == []


def recognize(page, text=SENTENCE):
    page.locator("#text-input textarea").fill(text)
    page.locator("#recognize").click()
    expect(page.locator("#highlighted .marked")).to_be_visible()


def marks(page):
    """Return what is highlighted: text, label, start, end."""
    return [
        (text.removesuffix(label), label, int(start), int(end))
        for text, label, start, end in page.locator("#highlighted mark").evaluate_all(
            "all => all.map(m => [m.textContent, m.dataset.label, m.dataset.start, m.dataset.end])"
        )
    ]


def open_tab(page, name):
    """Click on a tab; on a narrow page it may be in the menu behind the dots."""
    tab = page.get_by_role("tab", name=name)
    if not tab.first.is_visible():
        page.locator(".overflow-menu > button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text=name)
    tab.first.click()


def choose(page, box, value):
    """Type into a drop-down and leave it."""
    field = page.locator(f"{box} input")
    field.fill(value)
    field.press("Enter")
    field.press("Tab")


def saved(page, name):
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_a_sentence_is_highlighted_listed_and_redacted(page):
    recognize(page)
    assert marks(page) == NAMES
    shown = page.locator("#highlighted .marked").evaluate(
        "e => [...e.childNodes].map(n => n.nodeName === 'MARK' ? n.firstChild.data : n.data).join('')"
    )
    assert shown == SENTENCE
    table = page.locator("#entity-table")
    expect(table.get_by_text("Santa Clara").locator("visible=true")).to_have_count(1)
    assert re.search(
        r"3 entities.*word pieces.*tokenize.*infer.*decode.*total", page.locator("#text-facts").inner_text()
    )
    page.locator("#redaction button", has_text="Redacted text").first.click()
    expect(page.locator("#redacted textarea")).to_have_value("[PER] lives in [LOC] and works at [ORG].")


def test_the_table_is_sorted_and_copied(page, url):
    recognize(page)
    names = page.locator("#entity-table tbody td:first-child")
    assert names.all_inner_texts() == ["Mary", "Santa Clara", "NVIDIA"]
    heads = page.locator("#entity-table th")
    heads.get_by_role("button", name="Text").click()
    assert names.all_inner_texts() == ["Mary", "NVIDIA", "Santa Clara"]
    assert heads.first.get_attribute("aria-sort") == "ascending"
    heads.get_by_role("button", name="Start").click()
    heads.get_by_role("button", name="Start").click()
    assert names.all_inner_texts() == ["NVIDIA", "Santa Clara", "Mary"]
    assert [head.get_attribute("aria-sort") for head in heads.all()] == [None, None, None, "descending", None]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    page.locator("#copy-table").click()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].split("\t") == ["Text", "Label", "Score", "Start", "End"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["NVIDIA", "Santa Clara", "Mary"]


def test_ctrl_enter_and_examples_work_from_the_keyboard(page):
    page.locator("#text-input textarea").focus()
    page.keyboard.type(SENTENCE)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#highlighted mark")).to_have_count(3)
    page.locator("#clear").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#text-result")).to_be_hidden()
    page.get_by_role("button", name="A sentence").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#highlighted mark")).to_have_count(3)


def test_all_text_is_data(page):
    text = 'Mary <script>alert(1)</script>\n\n<img src=x onerror="alert(2)"> met  Mary & <b>NVIDIA</b>.'
    recognize(page, text)
    shown = page.locator("#highlighted .marked").evaluate(
        "e => [...e.childNodes].map(n => n.nodeName === 'MARK' ? n.firstChild.data : n.data).join('')"
    )
    assert shown == text
    assert page.locator("#highlighted img, #highlighted script, #highlighted .marked > b").count() == 0
    html = saved(page, "Save HTML").decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    page.wait_for_timeout(300)  # an alert would have come by now; the fixture fails for any


def test_threshold_labels_and_device(page):
    recognize(page)
    slider = page.locator("#threshold input[type=number]")
    slider.fill("1")
    slider.press("Tab")
    expect(page.locator("#highlighted mark")).to_have_count(0)
    expect(page.locator("#text-facts")).to_contain_text("3 hidden")
    slider.fill("0")
    slider.press("Tab")
    expect(page.locator("#highlighted mark")).to_have_count(3)
    choose(page, "#labels", "LOC")
    expect(page.locator("#highlighted mark")).to_have_count(1)
    assert marks(page) == NAMES[1:2]
    choose(page, "#text-device", "CPU")
    expect(page.locator("#text-facts")).to_contain_text("on CPU")
    assert marks(page) == NAMES[1:2]


def test_a_device_that_is_not_there_is_a_message_and_the_last_good_one_stays(page):
    recognize(page)
    choose(page, "#text-device", "CPU")
    expect(page.locator("#text-device input")).to_have_value(re.compile("^CPU"))
    choose(page, "#text-device", "GPU.9")
    message = page.locator("#text-message")
    expect(message).to_contain_text("GPU.9")
    expect(message).to_contain_text("CPU")
    expect(message).to_contain_text("Still using")
    expect(page.locator("#text-device input")).to_have_value(re.compile("^CPU"))
    assert marks(page) == NAMES
    page.locator("#recognize").click()
    expect(message).not_to_contain_text("GPU.9")
    assert marks(page) == NAMES


def test_each_export_can_be_read_again(page):
    recognize(page)
    found = json.loads(saved(page, "Save JSON"))
    assert found["text"] == SENTENCE
    assert [(e["text"], e["label"], e["start"], e["end"]) for e in found["entities"]] == NAMES
    rows = list(csv.DictReader(saved(page, "Save CSV").decode().splitlines()))
    assert [(r["text"], r["label"], int(r["start"]), int(r["end"])) for r in rows] == NAMES
    lines = [line.split() for line in saved(page, "Save CoNLL").decode().splitlines() if line.strip()]
    assert [word for word, _ in lines] == SENTENCE.replace(".", " .").split()
    assert [tag for _, tag in lines if tag != "O"] == ["B-PER", "B-LOC", "I-LOC", "B-ORG"]
    html = saved(page, "Save HTML").decode()
    fresh = page.context.new_page()
    fresh.set_content(html)
    assert fresh.locator("main mark").all_inner_texts() == [text for text, *_ in NAMES]
    fresh.close()


def test_a_link_brings_text_and_settings_back(page, url):
    recognize(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#text=Mary"))
    shared = page.url
    other = page.context.new_page()
    other.goto(shared)
    expect(other.locator("#highlighted mark")).to_have_count(3)
    expect(other.locator("#text-input textarea")).to_have_value(SENTENCE)
    other.close()


# Types into a text box in the moment in which it is drawn, as no person and no test from outside can.
TYPE_WHEN_DRAWN = """([selector, text]) => new MutationObserver((_, seen) => {
  const box = document.querySelector(selector);
  if (!box) return;
  seen.disconnect();
  box.focus();
  document.execCommand("selectAll");
  document.execCommand("insertText", false, text);
}).observe(document.body, {childList: true, subtree: true})"""


@pytest.mark.parametrize(
    ("tab", "selector"),
    [
        ("Compare", "#compare-text textarea"),
        ("Documents", "#address :is(input, textarea)"),
        ("Documents", "#column :is(input, textarea)"),
    ],
)
def test_what_is_typed_while_a_tab_is_drawn_stays(page, tab, selector):
    page.evaluate(TYPE_WHEN_DRAWN, [selector, SENTENCE])
    open_tab(page, tab)
    page.wait_for_timeout(1_500)  # what would undo it comes a few frames later
    assert page.locator(selector).input_value() == SENTENCE


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
    open_tab(page, "Documents")
    page.locator("#address input, #address textarea").first.fill("http://127.0.0.1/")
    page.locator("#run-documents").click()
    expect(page.locator("#documents-problems")).to_contain_text("not on the public internet")


def test_the_zoo_is_listed_with_cards(page):
    open_tab(page, "Models")
    table = page.locator("#zoo-table table")
    expect(table).to_contain_text("bert-base-ner")
    expect(table).to_contain_text("minilm-ner")
    choose(page, "#zoo-model", "bert-base-ner")
    expect(page.locator("#model-card")).to_contain_text("bert-base-ner")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "width"), [("wide", 1440), ("phone", 375)])
def test_every_tab_is_readable_and_reachable(browser, url, tmp_path, scheme, size, width):
    axe = Path(os.environ.get("AXE_PATH", ""))
    assert axe.is_file(), "AXE_PATH must name axe.min.js: npm install axe-core, then AXE_PATH=.../axe.min.js"
    OUTPUT.mkdir(exist_ok=True)
    (tmp_path / "note.txt").write_text(SENTENCE)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of a PDF")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{url}/?__theme={scheme}")
    expect(page.locator("#recognize")).to_be_visible()
    recognize(page)
    findings = look(page, axe, f"text-{size}-{scheme}")
    open_tab(page, "Compare")
    page.locator("#compare").click()
    expect(page.locator("#compare-cards .card")).to_have_count(2)
    findings += look(page, axe, f"compare-{size}-{scheme}")
    open_tab(page, "Documents")
    page.locator("#files input[type=file]").set_input_files(
        [str(path) for path in sorted(tmp_path.iterdir())]
    )
    expect(page.locator("#files")).to_contain_text("note")
    page.locator("#run-documents").click()
    expect(page.locator("#documents-status")).to_contain_text("3 entities")
    findings += look(page, axe, f"documents-{size}-{scheme}")
    open_tab(page, "Models")
    expect(page.locator("#zoo-table table")).to_be_visible()
    findings += look(page, axe, f"models-{size}-{scheme}")
    context.close()
    assert findings == []


def look(page, axe, name):
    """Take a screenshot; return axe's serious findings and whether the page is wider than the screen."""
    page.wait_for_timeout(600)  # plots and transitions settle
    page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)
    page.evaluate(axe.read_text(encoding="utf-8") + ";0")
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    findings = [
        f"{name}: {violation['id']}: {node['html'][:120]}"
        for violation in result["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        findings.append(f"{name}: the page is wider than the screen")
    return findings
