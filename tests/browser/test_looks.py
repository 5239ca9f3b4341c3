"""Every tab and state at three sizes, light and dark: reachable for all (axe), no wider than the screen.

One page is opened once; its size and its colours change while it stays open. What is on its way is held, so
that busy states can be looked at. SCREENSHOTS=1 leaves a picture of each in ``test-output/``.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ner_app.models import problem_view
from tests.browser.conftest import ROOT, SENTENCE, WIDE, open_tab, recognize, unfold, wait_for_text

pytestmark = pytest.mark.browser
OUTPUT = ROOT / "test-output"
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a quarter of what this test costs
SIZES = {"wide": (1440, 900), "laptop": (1280, 720), "phone": (375, 667)}
SCHEMES = ("light", "dark")
#: What axe knows about colours is half of what it costs.
COLOURS = ["color-contrast", "link-in-text-block"]
#: Which of its rules axe is asked. A page in the dark has the elements of one in the light, and one on a
#: phone those of a wide one; whether what scrolls can be scrolled with keys depends on the size.
RULES = {
    ("wide", "light"): {"preload": False},  # sheets of styles, a second time, for a rule about turned phones
    ("phone", "light"): {"runOnly": {"type": "rule", "values": ["scrollable-region-focusable"]}},
    ("wide", "dark"): {"runOnly": {"type": "rule", "values": COLOURS}},
}
#: States that show a tab or an answer for the first time: axe looks at the whole page. In the others it looks
#: at what has changed since the state before, with all that is in it.
WHOLE = {"text", "text-open", "compare-begun", "compare", "documents-begun", "documents", "models"}
WATCH = """() => {
    window.changed = new Set();
    new MutationObserver(all => all.forEach(one => changed.add(one.target)))
        .observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""
OUTERMOST = """() => {
    const all = new Set([...changed].map(one => one.nodeType === Node.TEXT_NODE ? one.parentElement : one));
    const inside = ({parentElement}) => parentElement && (all.has(parentElement) || inside(parentElement));
    window.news = [...all].filter(one => one?.isConnected && !inside(one));
}"""
#: Transitions at their end; what goes round for ever, such as a progress bar, goes on.
SETTLE = """document.getAnimations().forEach(one => {
    if (one.effect.getComputedTiming().endTime < Infinity) one.finish()
})"""


@pytest.fixture(scope="module")
def axe():
    path = Path(os.environ.get("AXE_PATH", ""))
    assert path.is_file(), "AXE_PATH must name axe.min.js: npm install axe-core, then AXE_PATH=.../axe.min.js"
    OUTPUT.mkdir(exist_ok=True)
    return path.read_text(encoding="utf-8") + ";0"


def test_every_tab_is_readable_and_reachable(new_page, tmp_path, axe):
    page = new_page
    page.route(HOLDABLE, hold)
    page.evaluate(axe)
    page.evaluate(WATCH)
    findings = []
    for name, prepare in STATES.items():
        page.evaluate("changed.clear()")
        prepare(page, tmp_path)
        page.evaluate(OUTERMOST)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
            page.evaluate(SETTLE)
            for size, (width, height) in SIZES.items():
                # What is where depends on the size alone, colours on the scheme alone.
                if scheme == "dark" and size != "wide" and not SCREENSHOTS:
                    continue
                page.set_viewport_size({"width": width, "height": height})
                if SCREENSHOTS:
                    file = OUTPUT / f"{name}-{size}-{scheme}.png"
                    page.screenshot(path=file, full_page=size != "laptop")
                if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
                    findings.append(f"{name} {size}: the page is wider than the screen")
                # The laptop has the layout of the wide page: what axe would find there, it finds here.
                if (size, scheme) in RULES:
                    # What only the phone has, it has in each state: the menu of tabs.
                    rules = {} if (name, size) == ("text", "phone") else RULES[size, scheme]
                    found = found_by_axe(page, rules, whole=name in WHOLE)
                    findings += [f"{name} {size} {scheme}: {one}" for one in found]
        page.set_viewport_size(WIDE)
    page.unroute(HOLDABLE)
    page.emulate_media(color_scheme="null")
    assert findings == []


HOLDABLE = re.compile("component_server|queue/join")
#: Names of the functions whose requests are held ("queue": of the Documents tab), and what is held.
HELD: dict[str, list] = {}


def hold(route):
    sent = route.request.post_data_json
    name = "queue" if "queue/join" in route.request.url else sent["fn_name"]
    if name in HELD:
        HELD[name].append(route)
    else:
        route.continue_()


def let_go():
    for route in [route for routes in HELD.values() for route in routes]:
        route.continue_()
    HELD.clear()


def busy(page, name, button, progress):
    """Press a button whose request does not get through; expect progress that is told."""
    HELD[name] = []
    page.locator(button).first.click()
    bar = page.locator(progress).get_by_role("progressbar").first
    expect(bar).to_be_visible()
    assert (
        bar.evaluate("e => getComputedStyle(e).borderWidth") == "1px"
    )  # else it is not seen before it grows


def found_by_axe(page, rules, *, whole):
    """Return what axe finds, but for what it calls minor: empty cells in the heads of model cards' tables."""
    options = {"resultTypes": ["violations"], "selectors": False, **rules}
    violations = page.evaluate(
        "([place, options]) => axe.run(eval(place), options).then(found => found.violations)",
        ["document" if whole else "({include: news})", options],
    )
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in violations
        if violation["impact"] != "minor"
        for node in violation["nodes"]
    ]


def answered(page, _):
    expect(page.locator("#text-status")).to_contain_text("names")


def chosen(page, _):
    page.locator("#text-tab .groups .name").first.click()
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


def stale(page, _):
    recognize(page, SENTENCE)
    page.locator("#text-tab mark").first.click()
    page.locator("#text-tab .bar").get_by_label("Label").select_option(label="ORG organisation")
    page.locator("#text-box").fill(f"{SENTENCE} And more.")
    expect(page.locator("#text-result")).to_have_class(re.compile("stale"))


def reading(page, _):
    HELD["progress"] = []
    busy(page, "recognize", "#recognize", "#text-busy")


def taught_too_little(page, _):
    page.locator("#cancel-text").click()
    let_go()
    recognize(page, SENTENCE)
    for fold in ("#options", "#entity-table", "#redaction", "#details"):
        page.locator(fold).evaluate("e => { e.open = false }")
    unfold(page, "#teach")
    page.locator("#collect").click()
    page.locator("#teach-start").click()
    expect(page.locator("#teach-status")).to_contain_text("of the 5 corrected passages that a lesson needs")


def teaching(page, _):
    busy(page, "teach", "#teach-start", "#teach-status")


def not_compared(page, _):
    let_go()
    page.locator("#forget-texts").click()
    open_tab(page, "Compare")
    expect(page.locator("#compare-choices input:checked")).to_have_count(2)


def comparing(page, _):
    HELD["progress"] = []
    busy(page, "compare", "#compare", "#compare-busy")


def compared(page, _):
    page.locator("#cancel-compare").focus()
    let_go()
    expect(page.locator("#compare-cards .card")).to_have_count(2)
    expect(page.locator("#compare")).to_be_focused()


def not_comparable(page, _):
    page.locator("#compare-choices input:checked").first.uncheck()
    page.locator("#compare").click()
    expect(page.locator("#compare-message")).to_contain_text("1 chosen")


def no_files(page, _):
    open_tab(page, "Documents")
    expect(page.locator("#files button[aria-dropeffect]")).to_be_visible()


def beginning(page, folder):
    (folder / "note.txt").write_text(SENTENCE)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of a PDF")
    (folder / "rows.csv").write_text(f'id,created,subject,Body\nR1,2026-01-02,A question,"{SENTENCE}"\n')
    page.locator("#files input[type=file]").set_input_files([str(path) for path in sorted(folder.iterdir())])
    expect(page.locator("#documents-tables tbody tr")).to_have_count(1)
    busy(page, "queue", "#run-documents", "#documents-begun")


def read(page, _):
    let_go()
    wait_for_text(page, "#documents-status", "3 names, mentioned 6 times, in 2 documents")


def redacting(page, _):
    busy(page, "queue", "#redact-files", "#documents-begun")


def redacted(page, _):
    let_go()
    wait_for_text(page, "#redaction-status", "Redacted 2 of 3")


def models(page, _):
    open_tab(page, "Models")
    expect(page.locator('#zoo-table .card[data-model="minilm-ner"]')).to_be_visible()


def card(page, _):
    page.locator('#zoo-table .card[data-model="minilm-ner"] summary').click()


def getting(page, _):
    busy(page, "install", '[data-get="ner-en-bert"]', "#zoo-status")


def not_got(page, _):
    """Stand in for a download that has failed; another test has one that does."""
    html = problem_view("Downloading m failed.\nm: no network. Connect. In detail:\n a: b", "m")
    HELD["look"] = []
    HELD.pop("install").pop().fulfill(json={"token": "token"})
    while not HELD["look"]:
        page.wait_for_timeout(10)
    HELD.pop("look").pop().fulfill(json={"html": html, "ended": True})
    expect(page.locator("#zoo-status .notice")).to_contain_text("no network")


STATES = {
    "text": answered, "text-open": chosen, "text-refused": refused, "text-cleared": cleared,
    "text-stale": stale, "text-busy": reading, "teach-little": taught_too_little, "teach-busy": teaching,
    "compare-begun": not_compared, "compare-busy": comparing, "compare": compared,
    "compare-refused": not_comparable,
    "documents-begun": no_files, "documents-busy": beginning, "documents": read,
    "redact-busy": redacting, "redacted": redacted,
    "models": models, "models-card": card, "models-busy": getting, "models-failed": not_got,
}  # fmt: skip
