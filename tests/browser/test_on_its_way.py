"""A text on its way to an answer and back: long ones, links, reloads, lost connections, hasty visitors."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LETTER, SENTENCE, marks, open_tab, plain_text, recognize, unfold

pytestmark = pytest.mark.browser
LINES = 80
LONG = f"{LETTER}\n" * LINES

# Clicks, and notes what the status line says beside how many marks; looks often, for the text is short.
WATCH = """() => {
  Object.assign(NerPage, {PATIENCE: 0, LOOK: 20});
  window.seen = []; const status = document.querySelector('#text-status');
  const marks = document.getElementsByTagName("mark");
  new MutationObserver(() => seen.push([status.textContent, marks.length]))
    .observe(status, {childList: true, characterData: true, subtree: true});
  document.querySelector('#recognize').click(); }"""
KIND = {"label": "PER", "one": "person", "many": "people", "color": "#99ddff", "line": 0}
ABOUT = dict.fromkeys(("pieces", "windows", "tokenization", "inference", "decoding", "total"), 1)
PART = {"kinds": [KIND], "entities": [[0, 15, 0, 0.9]], "about": ABOUT, "notes": [], "start": 0, "end": 102}


@pytest.fixture
def impatient(page):
    before = page.evaluate("({PATIENCE: NerPage.PATIENCE, LOOK: NerPage.LOOK})")
    assert before["PATIENCE"] <= 150  # then it says that it reads; the promise is 300
    yield
    page.evaluate("before => Object.assign(NerPage, before)", before)


@pytest.mark.usefixtures("impatient")
def test_a_long_text_is_answered_part_by_part(page):
    page.locator("#text-box").fill(LONG)
    page.evaluate(WATCH)
    expect(page.locator("#text-status")).to_contain_text(", in ")
    seen = page.evaluate("window.seen")
    assert "Reading" in seen[0][0]
    # How often it can look depends on the machine; the next test is beside a server that waits.
    for said, count in [(said, count) for said, count in seen if said.startswith("Reading: ")]:
        assert re.match(rf"Reading: {count:,} mentions in the first [\d,]+ of {len(LONG):,} characters", said)
    assert plain_text(page) == LONG
    assert len(marks(page)) == page.locator("#text-tab mark").count() == 8 * LINES
    assert page.locator("#text-tab .line").count() == LINES


def test_only_a_few_rows_of_a_long_text_are_laid_out_at_once(page):
    """However its lines are: many short ones share a block, a very long one has several."""
    page.locator("#text-model").select_option("rampart-pii", force=True)  # looks words up, in no time
    for text in (
        "\n".join(["Mary met Bob."] * 200),
        "Mary met Bob. " * 400,
        "マリアは来た。" * 800,
        "we met Mary and " * 400,
    ):
        recognize(page, text)
        assert plain_text(page) == text
        lengths = page.locator("#text-tab .block").evaluate_all("all => all.map(e => e.textContent.length)")
        assert len(lengths) > 1
        assert max(lengths) < 5_000, text[:20]
        assert page.locator("#text-tab .line").count() == text.count("\n") + 1
        page.locator("#text-tab .marked").evaluate("e => getSelection().selectAllChildren(e)")
        page.keyboard.press("Control+c")
        assert page.evaluate("navigator.clipboard.readText()") == text, "it is copied as it was given"
    page.evaluate("getSelection().removeAllRanges()")


def read_slowly(page, parts, share):
    """Stand in for a server that has read these parts of the text and goes on until it is told to stop."""
    held = []

    def slowly(route):
        sent = route.request.post_data_json
        if sent["fn_name"] == "recognize":
            held.append(route)
        elif sent["fn_name"] == "progress":
            route.fulfill(json={"share": share, "parts": parts[sent["data"]["have"] :]})
        elif sent["fn_name"] == "cancel":
            route.fulfill(json=None)
            held.pop().fulfill(json={"cancelled": True} | ({**parts[0], "groups": []} if parts else {}))
        else:
            route.continue_()

    page.route(re.compile("component_server"), slowly)


@pytest.mark.usefixtures("impatient")
def test_a_long_text_that_is_stopped_keeps_what_was_read(page):
    read_slowly(page, [PART], 0.4)
    page.locator("#text-box").fill(LONG)
    page.evaluate(WATCH)
    status = page.locator("#text-status")
    expect(status).to_have_text(f"Reading: 1 mention in the first 102 of {len(LONG):,} characters …")
    expect(page.locator("#text-progress")).to_have_attribute("value", "0.4")
    expect(page.locator("#exports")).to_be_hidden()
    page.locator("#text-tab mark").click()
    expect(page.locator("#text-tab .bar")).to_contain_text("Katarzyna Nowak person")
    expect(page.locator("#text-tab .bar .correct")).to_have_count(0)
    page.locator("#cancel-text").click()
    expect(status).to_contain_text(f"in the first 102 of {len(LONG):,} characters, in ")
    expect(page.locator("#text-message")).to_contain_text("Only the beginning was read")
    expect(page.locator("#exports")).to_be_visible()
    assert plain_text(page) == f"{LETTER}\n"
    page.unroute(re.compile("component_server"))


def test_a_text_that_is_stopped_at_once_leaves_the_answer_before(page):
    read_slowly(page, [], 0.0)
    page.locator("#text-box").fill(LONG)
    page.locator("#recognize").click()
    page.locator("#cancel-text").click()
    expect(page.locator("#text-status")).to_contain_text("The text has changed since")
    expect(page.locator("#text-busy")).to_be_hidden()
    assert plain_text(page) == SENTENCE
    page.unroute(re.compile("component_server"))


def as_new_visitor(page, url, address):
    """Open an address in a browser that has kept nothing."""
    page.goto(f"{url}/healthz")  # elsewhere, so that nothing is kept when the storage is emptied
    page.evaluate("sessionStorage.clear()")
    page.goto(address)


def test_a_link_brings_text_and_settings_back(page, visitor, url):
    page.locator('#text-tab .legend [data-label="ORG"]').click()
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#text=Mary"))
    as_new_visitor(page, url, page.url)
    expect(page.locator("#text-tab mark:not(.off)")).to_have_count(2)
    assert page.locator("#text-box").input_value() == SENTENCE
    assert "without ORG" in page.locator("#options summary").inner_text()
    page.evaluate("history.replaceState(null, '', location.pathname + location.search)")
    visitor.errors.clear()  # Gradio says that its streams were cut off


def test_a_link_that_names_what_is_not_here_falls_back_and_says_so(page, visitor, url):
    answers = []
    page.on("response", note := lambda response: answers.append(response.status))
    as_new_visitor(
        page,
        url,
        f"{url}/?__theme=light#text=Mary+sings.&model=nothing&device=kserve://127.0.0.1:9/x&aggregation=bogus&threshold=7&precision=FP7",
    )
    expect(page.locator("#text-tab mark")).to_have_count(1)
    message = page.locator("#text-message")
    for named in ("nothing", "kserve", "bogus", "minimum score"):
        expect(message).to_contain_text(named)
    assert "auto: by language · AUTO" in page.locator("#options summary").inner_text()
    assert max(answers) < 400
    page.remove_listener("response", note)
    visitor.errors.clear()  # Gradio says that its streams were cut off


def test_a_reload_brings_everything_back(page):
    recognize(page, LETTER)
    page.locator("#text-tab mark").first.click()
    page.locator("#text-tab .bar").get_by_role("button", name="Remove").click()
    page.locator('#text-tab .legend [data-label="LOC"]').click()
    page.locator("#text-box").fill(f"{LETTER} And more.")
    before = marks(page)
    page.reload()
    expect(page.locator("#text-status")).to_contain_text("text has changed")
    assert page.locator("#text-box").input_value() == f"{LETTER} And more."
    assert marks(page) == before
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#text-tab mark:not(.off)")).to_have_count(len(before) + 1)


def test_a_lost_connection_is_said_and_loses_nothing(page, visitor):
    page.context.set_offline(True)
    page.locator("#text-box").fill("Rotterdam is old.")
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_contain_text("What you entered is kept")
    assert page.locator("#text-box").input_value() == "Rotterdam is old."
    unfold(page, "#redaction")
    expect(page.locator("#redaction-message")).to_contain_text("does not answer")
    expect(page.locator("#copy-redacted")).to_be_disabled()
    assert page.locator("#redacted").input_value() == ""
    page.context.set_offline(False)
    recognize(page, page.locator("#text-box").input_value())
    assert [name for name, *_ in marks(page)] == ["Rotterdam"]
    expect(page.locator("#copy-redacted")).to_be_enabled()
    assert page.locator("#redacted").input_value() == "LOC_1 is old."
    page.locator("#redaction").evaluate("e => { e.open = false }")
    visitor.errors[:] = [
        one
        for one in visitor.errors
        if "ERR_INTERNET_DISCONNECTED" not in one and "Failed to fetch" not in one
    ]


# Types into a text box in the moment in which it is drawn, as no person and no test from outside can.
TYPE_WHEN_DRAWN = """([selector, text]) => new MutationObserver((_, seen) => {
  const box = document.querySelector(selector);
  if (!box) return;
  seen.disconnect();
  if (sessionStorage.typed) return;
  sessionStorage.typed = "once";
  box.focus();
  document.execCommand("selectAll");
  document.execCommand("insertText", false, text);
}).observe(document, {childList: true, subtree: true})"""


def test_a_hasty_visitor_loses_nothing_and_is_answered_before_the_menus_come(page, url):
    asked = []

    def without_menus(route):
        asked.append(route.request.post_data_json["fn_name"])
        if asked[-1] != "menus":
            route.continue_()

    other = page.context.new_page()
    other.add_init_script(f"({TYPE_WHEN_DRAWN})(['#text-box', 'Rotterdam is old.'])")
    other.route(re.compile("component_server"), without_menus)
    other.goto(url)
    box, answer = other.locator("#text-box"), other.locator("#text-tab mark")
    expect(box).to_have_value("Rotterdam is old.")
    asked.clear()
    box.focus()
    other.keyboard.down("Control")
    for _ in range(9):
        other.keyboard.down("Enter")  # held down: the key repeats
    other.keyboard.up("Control")
    expect(answer).to_have_count(1)
    expect(other.locator("#text-message")).to_be_empty()
    assert asked.count("recognize") == 1
    for _ in range(2):
        other.reload()
        expect(box).to_have_value("Rotterdam is old.")
    expect(answer).to_have_count(1)
    open_tab(other, "Compare")
    other.close()


def test_what_was_cleared_comes_back_however_often_one_clears(page):
    undo = page.locator("#undo-clear")
    page.evaluate("""() => {
        document.querySelector("#threshold").dispatchEvent(new Event("input"));
        document.querySelector("#clear").click();  // before the slider rests
        return new Promise(resolve => setTimeout(resolve, NerPage.REST + 20));
    }""")
    page.locator("#clear").click()
    expect(page.locator("#text-result")).to_be_hidden()
    expect(page.locator("#text-status")).to_have_text("Cleared.")
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_contain_text("There is no text yet")
    page.locator("#text-box").fill("Bob")
    undo.click()
    expect(page.locator("#text-message")).to_have_text("")
    expect(page.locator("#text-box")).to_have_value(SENTENCE)
    assert len(marks(page)) == 3
    undo.click()
    expect(page.locator("#text-box")).to_have_value("Bob")


def test_an_example_or_a_link_loses_no_text_of_ones_own(page):
    undo, box = page.locator("#undo-clear"), page.locator("#text-box")
    for replace in (
        lambda: page.locator("[data-sample]").first.click(),
        lambda: page.evaluate("location.hash = '#text=Bob'"),
    ):
        recognize(page, "Priya left.")
        replace()
        expect(undo).to_be_visible()
        page.locator("[data-sample]").nth(1).click()
        expect(box).to_have_value(SENTENCE)
        expect(page.locator("#answer[aria-busy]")).to_have_count(0)
        undo.click()
        expect(box).to_have_value("Priya left.")
        assert "Bob" not in page.url


def test_corrections_come_back_where_the_same_text_is_read_anew(page):
    page.locator("#text-tab mark").first.click()
    page.locator("#text-tab .bar").get_by_role("button", name="Remove").click()
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_contain_text("Undo brings your corrections back")
    assert len(marks(page)) == 3
    page.get_by_role("button", name="Undo", exact=True).click()
    assert len(marks(page)) == 2
    expect(page.locator("#text-message")).to_be_empty()
    recognize(page, "Mary met Bob.")
    expect(page.locator("#text-message")).to_be_empty()


def test_the_address_says_no_other_text_than_the_one_shown(page):
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#text=Mary"))
    recognize(page, "Bob lives in Oslo.")
    assert page.evaluate("location.hash") == ""
    page.evaluate("location.hash = '#text=Ann+met+Bob.&model=minilm-ner'")
    expect(page.locator("#text-box")).to_have_value("Ann met Bob.")
    expect(page.locator("#text-tab mark")).to_have_count(2)
    page.evaluate("history.replaceState(null, '', location.pathname + location.search)")


def test_a_choice_that_fails_is_not_said_to_be_still_in_use(page):
    def refuse(route):
        if route.request.post_data_json["fn_name"] == "recognize":
            route.fulfill(json={"error": "It is not here.", "choice": True})
        else:
            route.continue_()

    page.route(re.compile("component_server"), refuse)
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_have_text("It is not here.")
    unfold(page, "#options")
    page.locator("#text-compute").select_option("exact")
    expect(page.locator("#text-message")).to_contain_text("It is not here.\nStill using minilm-ner")
    assert page.locator("#text-compute").input_value() == ""
    page.locator("#aggregation").select_option("first")
    expect(page.locator("#options summary")).not_to_contain_text("first")
    assert page.locator("#aggregation").input_value() == ""
    page.unroute(re.compile("component_server"))
    page.locator("#options").evaluate("e => { e.open = false }")


def test_a_browser_that_forbids_storage_gets_answers_too(page, url):
    """And once they are there, nothing is drawn while nobody does anything."""
    with page.context.new_page() as other:
        other.add_init_script(
            "for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name,"
            "{get() { throw new DOMException('forbidden', 'SecurityError'); }});"
            "window.drawn = 0; const ask = requestAnimationFrame.bind(window);"
            "window.requestAnimationFrame = draw => { drawn++; return ask(draw); }"
        )
        other.goto(url)
        expect(other.locator("#text-status")).to_contain_text(", in ")
        other.wait_for_function("() => { const before = drawn; drawn = 0; return !before }", polling=300)
