"""One started page and one browser page for all tests of this folder: starting is what costs.

A test finds the Text tab open, wide and light, with the sentence recognized; what it changes and the next
test could see, the fixture puts back. At its end nothing was asked of any other host, nothing was said on the
console as an error, and nothing broke in the page.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.conftest import free_port, wait_until_ready
from tests.ner_app.conftest import save_lookup_model

PATIENCE = int(os.environ.get("PATIENCE", 240_000))  # milliseconds; a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE)

ROOT = Path(__file__).parents[2]
SENTENCE = "Mary lives in Santa Clara and works at NVIDIA."
LETTER = (
    "Katarzyna Nowak lives in Warsaw. Ms. Nowak met Mary Jones in Warsaw. NOWAK signed; Jones left Warsaw."
)
#: A button that has saved something says so for two seconds; the next test does not wait for that.
NAMED_AGAIN = """() => document.querySelectorAll("#exports button").forEach(button => {
    clearTimeout(button.telling);
    button.textContent = button.dataset.name ?? button.textContent;
})"""
#: What filters is set back, the sentence is sent, its answer awaited: one step for Playwright; each costs.
ASKED_AGAIN = """async sentence => {
    const at = selector => document.querySelector(selector);
    const put = (selector, value) => {
        if (at(selector).value === value) return;
        at(selector).value = value;
        at(selector).dispatchEvent(new Event("input", {bubbles: true}));
    };
    put("#threshold", "0");
    document.querySelectorAll('#text-tab .legend [aria-pressed="false"]').forEach(chip => chip.click());
    put("#text-box", sentence);
    at("#text-status").textContent = "";
    at("#recognize").click();
    while (!at("#text-status").textContent.includes(", in ")) await new Promise(requestAnimationFrame);
}"""
WIDE = {"width": 1440, "height": 900}
NAMES = [("Mary", "PER", 0, 4), ("Santa Clara", "LOC", 14, 25), ("NVIDIA", "ORG", 39, 45)]
# The shell is the same browser without windows; it needs a quarter less of the processor.
CHROMIUM = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip
# The browser itself must stay silent too, or its own requests would hide those of the page.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: As many labels as a model of personal data has.
PII = {
    "Mary": "B-GIVEN_NAME", "Raman": "B-SURNAME", "Rotterdam": "B-CITY", "Clara": "B-STREET",
    "NVIDIA": "B-ZIP",    "Acme": "B-TAX_ID", "Dutch": "B-EMAIL", "Priya": "B-PHONE", "Santa": "B-IBAN",
}  # fmt: skip


def start_app(folder, **environment):
    """Start the page as anybody starts it; give its address, its process and its log."""
    port = free_port()
    log = folder / "log.txt"
    given = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "gradio")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            env=os.environ | given | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return f"http://127.0.0.1:{port}", process, log


@pytest.fixture(scope="package")
def started(tmp_path_factory):
    """The page, which begins to load its models; beside the embedded ones it has one with many labels.

    It ends with the tests of this folder: a page that nobody asks still takes a hundredth of a processor.
    """
    folder = tmp_path_factory.mktemp("page")
    save_lookup_model(folder / "models", "rampart-pii", PII)
    others = save_lookup_model(folder / "models", "multilingual-ner")
    others.rename(others.with_name("INT8"))  # goes before the embedded one
    address, process, log = start_app(folder, NER_MODELS_DIR=str(folder / "models"))
    yield address, process, log
    process.terminate()
    process.wait(600)
    said = log.read_text()
    assert "Santa Clara" not in said, "the log holds a visitor's text"
    assert "Traceback" not in said, said


# Not for the session: while Playwright runs, other tests cannot run an event loop in this thread.
@pytest.fixture(scope="package")
def chromium(started):
    """The browser, which begins while the page does."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path, (
        f"none of {', '.join(CHROMIUM)} is installed; on Debian: apt-get install chromium-headless-shell"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def url(started, chromium):
    """The address of the page, once it is ready."""
    wait_until_ready(*started)
    return started[0]


@pytest.fixture(scope="package")
def visitor(chromium, url):
    """A visitor who stays for all tests: what the browser has loaded once it need not compile again."""
    context = chromium.new_context(viewport=WIDE, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    made = SimpleNamespace(page=context.new_page(), asked=[], errors=[])
    watch(made)
    made.page.goto(f"{url}/?__theme=light")
    expect(made.page.locator("#text-status")).to_contain_text("names")
    yield made
    context.close()


def watch(visitor):
    page = visitor.page
    page.on("request", lambda request: visitor.asked.append(request.url))
    page.on("pageerror", lambda error: visitor.errors.append(str(error)))
    page.on("console", lambda said: visitor.errors.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: visitor.errors.append(f"a dialog: {dialog.message}") or dialog.dismiss())


@pytest.fixture
def page(visitor, url):
    page = visitor.page
    if page.url.partition("#")[0].rstrip("/") != f"{url}/?__theme=light".rstrip("/"):
        page.goto(f"{url}/?__theme=light")
    if page.viewport_size != WIDE:
        page.set_viewport_size(WIDE)
    if not page.locator("#text-box").is_visible():
        open_tab(page, "Text")
    if page.locator("#text-model").input_value() != "minilm-ner":
        page.locator("#text-model").select_option("minilm-ner", force=True)
    page.evaluate(ASKED_AGAIN, SENTENCE)
    page.evaluate(NAMED_AGAIN)
    visitor.asked.clear()
    visitor.errors.clear()
    yield page
    others = [one for one in visitor.asked if not one.startswith((url, "data:", "blob:"))]
    assert others == []
    assert visitor.errors == []


@pytest.fixture
def new_page(page, visitor):
    """The page as a new visitor finds it, on the other tabs too."""
    page.evaluate("['ner-visit', 'ner-compare'].forEach(key => sessionStorage.removeItem(key))")
    page.reload()
    expect(page.locator("#text-status")).to_contain_text(", in ")
    visitor.errors.clear()  # Gradio says that its streams were cut off
    return page


def recognize(page, text=SENTENCE):
    """Put a text in and wait for its answer."""
    page.locator("#text-box").fill(text)
    # The status of the answer before would do as well, and does until the page is busy.
    page.locator("#text-status").evaluate("e => { e.textContent = '' }")
    page.locator("#recognize").click()
    wait_for_text(page, "#text-status", ", in ")


def wait_for_text(page, selector, text):
    """Wait as `expect` does, but look in every frame: `expect` looks ever less often."""
    page.wait_for_function(
        """([selector, text]) =>
            document.querySelector(selector)?.textContent.replace(/\\s+/g, " ").includes(text)""",
        arg=[selector, text],
    )


def marks(page):
    """Return what is highlighted: text, label, start, end."""
    return [
        (text, label, int(start), int(end))
        for text, label, start, end in page.locator("#text-tab mark:not(.off)").evaluate_all(
            "all => all.map(m => [m.textContent, m.dataset.label, m.dataset.start, m.dataset.end])"
        )
    ]


def plain_text(page):
    """Return the text that is shown; the style sheet adds the labels."""
    return page.locator("#text-tab .marked").text_content()


def open_tab(page, name):
    """Click on a tab; on a narrow page it may be in the menu behind the dots."""
    tab = page.get_by_role("tab", name=name, exact=True).first
    if page.viewport_size["width"] < 640 and not tab.is_visible():
        page.locator(".overflow-menu > button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text=name).first
    tab.click()


def open_documents(page):
    """Open the tab and take back what was given there before."""
    open_tab(page, "Documents")
    expect(page.locator("#files button[aria-dropeffect]").first).to_be_attached()
    given = page.locator("#files a[download]")
    if given.count():
        page.locator("#files").get_by_role("button", name="Clear").click()
        expect(given).to_have_count(0)
    page.locator("#address input").fill("")


def set_threshold(page, value):
    page.locator("#threshold").evaluate(
        "(e, v) => { if (e.value !== String(v)) { e.value = v; e.dispatchEvent(new Event('input')) } }", value
    )


def unfold(page, selector):
    """Open what is folded away."""
    page.locator(selector).evaluate("e => { e.open = true }")


def saved(page, name):
    """Press a button and return the file that it saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()
