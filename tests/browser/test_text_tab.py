"""The Text tab in a real Chromium, with the embedded model: what people do, see, correct and save."""

import codecs
import csv
import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    LETTER,
    NAMES,
    SENTENCE,
    marks,
    plain_text,
    recognize,
    saved,
    set_threshold,
    unfold,
)

pytestmark = pytest.mark.browser
GERMAN = "Mary wohnt mit ihrer Mutter in Rotterdam."
ARABIC = "تعمل Mary في Rotterdam مع أختها منذ سنوات."


def test_the_answer_comes_first_and_says_what_it_found(page):
    status = page.locator("#text-status")
    assert re.fullmatch(r"3 names: 1 person, 1 organisation, 1 place, in [\d.]+ m?s", status.inner_text())
    assert status.get_attribute("role") == "status"
    assert marks(page) == NAMES
    assert plain_text(page) == SENTENCE
    assert not page.locator("#text-model").is_visible()
    assert "minilm-ner · AUTO · best precision" in page.locator("#options summary").inner_text()
    headings = page.locator("#text-tab .groups h3").all_inner_texts()
    assert [heading.split()[0] for heading in headings] == ["People", "Organisations", "Places"]
    unfold(page, "#entity-table")
    expect(page.locator("#entity-table tbody tr")).to_have_count(3)
    unfold(page, "#details")
    assert re.search(
        r"word pieces.*tokenize.*infer.*decode.*total", page.locator("#text-facts").inner_text(), re.DOTALL
    )


@pytest.mark.parametrize(("width", "height"), [(375, 667), (1280, 720)])
def test_the_answer_is_in_view_on_a_phone_and_a_small_laptop(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("window.scrollTo(0, 0)")
    recognize(page, LETTER)
    for place in ("#text-status", ".groups"):
        expect(page.locator(f"#text-tab {place}").first).to_be_in_viewport(
            ratio=0.9 if place == "#text-status" else 0.3
        )


def test_names_of_one_kind_are_counted_together_whatever_their_tags(page):
    unfold(page, "#options")
    page.locator("#aggregation").select_option("none")
    recognize(page, "Mary Jones met Bob Smith.")
    assert {label for _, label, *_ in marks(page)} == {"B-PER", "I-PER"}
    assert re.search(r": \d people, in", page.locator("#text-status").inner_text())
    page.locator("#aggregation").select_option(index=0)


def test_a_name_is_found_wherever_it_stands(page):
    recognize(page, "\n".join([LETTER, *["Nothing here."] * 60, LETTER]))
    warsaw = page.locator("#text-tab .groups .name", has_text="Warsaw")
    assert "6×" in warsaw.inner_text()
    warsaw.click()
    expect(page.locator("#text-tab mark.outlined")).to_have_count(6)
    said = page.locator("#text-tab .bar .said")
    expect(said).to_contain_text("1 of 6")
    for _ in range(5):
        page.get_by_role("button", name="Next", exact=True).press("Enter")
    expect(said).to_contain_text("6 of 6")
    current = page.locator("#text-tab mark.current")
    expect(current).to_be_in_viewport()
    width, offset = current.evaluate(
        "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineOffset]"
    )
    assert float(width[:-2]) + float(offset[:-2]) == 0  # it covers no comma right behind the name
    page.locator("#text-tab .marked").press("Escape")
    expect(page.locator("#text-tab mark.outlined")).to_have_count(0)
    page.locator("#text-tab .marked").press("ArrowRight")
    expect(said).to_contain_text("Katarzyna Nowak person, score")
    assert page.locator("#text-tab .groups .aliases").first.inner_text() == "Nowak, NOWAK"


def test_labels_and_scores_filter_what_is_shown_and_nothing_else(page):
    page.locator('#text-tab .legend [data-label="LOC"]').click()
    assert marks(page) == [NAMES[0], NAMES[2]]
    expect(page.locator("#text-status")).to_contain_text("(1 hidden)")
    assert plain_text(page) == SENTENCE
    assert "without LOC" in page.locator("#options summary").inner_text()
    set_threshold(page, 1)
    assert marks(page) == []
    expect(page.locator("#text-status")).to_contain_text("No names found (3 hidden)")
    unfold(page, "#redaction")
    expect(page.locator("#redacted")).to_have_value("PER_1 lives in LOC_1 and works at ORG_1.")
    assert json.loads(saved(page, "Save JSON"))["entities"] == []
    assert "Santa B-LOC" in saved(page, "Save training data").decode()
    page.locator('#text-tab .legend [data-label="LOC"]').click()
    set_threshold(page, 0)
    assert marks(page) == NAMES
    late = []
    page.route(
        re.compile("component_server"),
        lambda route: late.append(route) if '"mask"' in route.request.post_data else route.continue_(),
    )
    page.locator("#redaction").get_by_label("Blocks").check()
    page.locator("#redaction").get_by_label("Labels: [PER]").check()
    expect(page.locator("#redacted")).to_have_value("[PER] lives in [LOC] and works at [ORG].")
    with page.expect_response(re.compile("component_server")):
        late.pop().continue_()  # an answer that is overtaken must not replace the one to the last choice
    page.unroute(re.compile("component_server"))
    expect(page.locator("#redacted")).to_have_value("[PER] lives in [LOC] and works at [ORG].")
    page.locator("#redaction").get_by_label("Numbered").check()


def test_the_table_is_sorted_and_copied(page):
    unfold(page, "#entity-table")
    names = page.locator("#entity-table tbody td:first-child")
    expect(names).to_have_count(3)
    assert names.all_inner_texts() == ["Mary", "Santa Clara", "NVIDIA"]
    heads = page.locator("#entity-table th")
    heads.get_by_role("button", name="Text").click()
    assert names.all_inner_texts() == ["Mary", "NVIDIA", "Santa Clara"]
    heads.get_by_role("button", name="Start").click()
    heads.get_by_role("button", name="Start").click()
    assert names.all_inner_texts() == ["NVIDIA", "Santa Clara", "Mary"]
    assert [head.get_attribute("aria-sort") for head in heads.all()] == [None, None, None, "descending", None]
    name = page.locator("#copy-table").inner_text()
    page.locator("#copy-table").click()
    expect(page.locator("#copy-table")).to_have_text("Copied")
    expect(page.locator("#told")).to_have_text("Copied")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].split("\t") == ["Text", "Label", "Score", "Start", "End"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["Mary", "Santa Clara", "NVIDIA"]
    before = page.evaluate("[NerPage.MOMENT, NerPage.MOMENT = 0][0]")
    page.locator("#copy-table").click()
    expect(page.locator("#copy-table")).to_have_text(name)  # it says so for a moment
    page.evaluate("before => { NerPage.MOMENT = before }", before)


def test_one_long_word_leaves_the_other_columns_in_view(page):
    page.set_viewport_size({"width": 375, "height": 667})
    recognize(page, f"Mary met Priya. Santa {'Claraschifffahrtsgesellschaft' * 6} met Mary.")
    assert max(len(name) for name, *_ in marks(page)) > 100
    unfold(page, "#entity-table")
    cell = page.locator("#entity-table tbody tr").first.locator("td").nth(2)
    expect(cell).to_have_text(re.compile(r"0\.\d+"))
    assert cell.evaluate("e => e.getBoundingClientRect().right") <= 375


def test_copying_works_where_browsers_have_no_clipboard_interface(page):
    page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false, configurable: true})")
    page.locator("#share").click()
    expect(page.locator("#share")).to_have_text("Copied")
    page.evaluate("delete window.isSecureContext")
    assert "#text=Mary" in page.evaluate("navigator.clipboard.readText()")


def test_all_text_is_data(page):
    text = 'Mary <script>alert(1)</script>\n\n<img src=x onerror="alert(2)"> met 😀  Mary & <b>Acme</b> ${1}'
    recognize(page, text)
    assert plain_text(page) == text
    assert page.locator("#text-tab .marked :is(img, script)").count() == 0
    for shown, _, start, end in marks(page):
        assert text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == shown
    html = saved(page, "Save HTML").decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_each_export_can_be_read_again(page):
    found = json.loads(saved(page, "Save JSON"))
    assert found["text"] == SENTENCE
    assert [(e["text"], e["label"], e["start"], e["end"]) for e in found["entities"]] == NAMES
    table = saved(page, "Save CSV")
    assert table.startswith(codecs.BOM_UTF8)  # else spreadsheet programs garble letters beyond ASCII
    rows = list(csv.DictReader(table.decode("utf-8-sig").splitlines()))
    assert [(r["text"], r["label"], int(r["start"]), int(r["end"])) for r in rows] == NAMES
    lines = [line.split() for line in saved(page, "Save CoNLL").decode().splitlines() if line.strip()]
    assert [word for word, _ in lines] == SENTENCE.replace(".", " .").split()
    assert [tag for _, tag in lines if tag != "O"] == ["B-PER", "B-LOC", "I-LOC", "B-ORG"]
    fresh = page.context.new_page()
    fresh.set_content(saved(page, "Save HTML").decode())
    assert fresh.locator("main mark").all_inner_texts() == [text for text, *_ in NAMES]
    fresh.close()


def test_a_changed_text_marks_the_answer_as_old_and_is_saved_anew(page):
    page.locator("#text-box").fill("Priya met Mary in Rotterdam.")
    expect(page.locator("#text-status")).to_contain_text("text has changed since this answer")
    expect(page.locator("#text-result")).to_have_class(re.compile("stale"))
    found = json.loads(saved(page, "Save JSON"))
    assert found["text"] == "Priya met Mary in Rotterdam."
    assert "Rotterdam" in [entity["text"] for entity in found["entities"]]
    expect(page.locator("#text-result")).not_to_have_class(re.compile("stale"))


def test_an_error_does_not_ask_for_what_led_to_it_and_is_in_view(page):
    page.set_viewport_size({"width": 320, "height": 480})
    page.locator("#text-box").fill("x" * 100_001)
    page.locator("#recognize").click()
    expect(page.locator("#text-message")).to_contain_text("this page takes 100,000 at once")
    expect(page.locator("#text-message")).to_be_in_viewport(ratio=0.9)
    expect(page.locator("#text-status")).to_have_text("This answer is of the text before.")


def give_device(page, name):
    page.locator("#text-device").fill(name)
    page.locator("#text-device").press("Tab")


def test_a_device_that_is_not_there_is_a_message_and_the_last_good_one_stays(page):
    unfold(page, "#options")
    give_device(page, "CPU")
    expect(page.locator("#options summary")).to_contain_text("CPU")
    expect(page.locator("#answer[aria-busy]")).to_have_count(0)
    give_device(page, "GPU.9")
    message = page.locator("#text-message")
    expect(message).to_contain_text("GPU.9")
    expect(message).to_contain_text("Still using minilm-ner · CPU")
    assert page.locator("#text-device").input_value() == "CPU"
    assert marks(page) == NAMES
    page.locator("#recognize").click()
    expect(message).not_to_contain_text("GPU.9")
    give_device(page, "")
    expect(page.locator("#options summary")).to_contain_text("AUTO")
    expect(page.locator("#answer[aria-busy]")).to_have_count(0)
    give_device(page, "GPU.9")
    expect(message).to_contain_text("Still using minilm-ner · AUTO")
    assert page.locator("#text-device").input_value() == "AUTO"
    give_device(page, "AUTO")
    expect(page.locator("#options summary")).to_contain_text("AUTO")


def test_a_model_with_many_labels_has_as_many_colours(page):
    unfold(page, "#options")
    page.locator("#text-model").select_option("rampart-pii")
    recognize(page, "Mary Raman Rotterdam Clara NVIDIA Acme Dutch Priya Santa")
    expect(page.locator("#text-status")).to_have_text(
        re.compile(r"^9 names of 9 kinds, in ")
    )  # which, the boxes say
    shown = page.locator("#text-tab mark:not(.off)").evaluate_all(
        """all => all.map(m =>
            [m.dataset.label, getComputedStyle(m).backgroundColor, getComputedStyle(m, '::after').content])"""
    )
    assert len(shown) == 9
    assert len({color for _, color, _ in shown}) == 9
    assert all(label in written or "attr(data-label)" in written for label, _, written in shown)
    assert "Given names" in page.locator("#text-tab .groups h3").first.inner_text()
    page.locator("#text-model").select_option("minilm-ner")
    expect(page.locator("#options summary")).to_contain_text("minilm-ner")


def test_corrections_hold_for_the_exports_and_can_be_undone(page):
    recognize(page, "Mary met Mary in Santa Clara. They sat by the old oak.")
    page.locator("#text-tab mark").first.click()
    bar = page.locator("#text-tab .bar")
    bar.get_by_label("all 2 like this").check()
    bar.get_by_label("Label").select_option(label="ORG organisation")
    expect(page.locator('#text-tab mark[data-label="ORG"]')).to_have_count(2)
    expect(page.locator("#text-status")).to_contain_text("1 organisation")
    page.locator("#text-tab mark", has_text="Santa Clara").click()
    bar.get_by_role("button", name="Cut on the left").click()
    expect(page.locator("#text-tab mark", has_text="Clara")).to_have_attribute("data-start", "23")
    bar.get_by_role("button", name="Extend to the left").click()
    bar.get_by_role("button", name="Remove").click()
    expect(page.locator("#text-tab mark")).to_have_count(2)
    page.locator("#text-tab .marked").evaluate("""e => {
      const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
      while (!walk.nextNode().data.includes('old oak'));
      const at = walk.currentNode.data.indexOf('old oak');
      getSelection().setBaseAndExtent(walk.currentNode, at, walk.currentNode, at + 7);
      e.dispatchEvent(new PointerEvent('pointerup', {bubbles: true})); }""")
    bar.get_by_label("Label").select_option(label="LOC place")
    bar.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#text-tab mark")).to_have_count(3)
    found = json.loads(saved(page, "Save JSON"))["entities"]
    assert [(e["text"], e["label"]) for e in found] == [
        ("Mary", "ORG"),
        ("Mary", "ORG"),
        ("old oak", "LOC"),
    ]
    unfold(page, "#redaction")
    expect(page.locator("#redacted")).to_have_value("ORG_1 met ORG_1 in Santa Clara. They sat by the LOC_1.")
    for left in (2, 3, 3, 3, 3):
        page.locator("#text-tab .marked").press("Control+z")
        expect(page.locator("#text-tab mark")).to_have_count(left)
    assert [label for _, label, *_ in marks(page)] == ["PER", "PER", "LOC"]
    for redo in ("Control+Shift+z", "Control+y"):
        page.locator("#text-tab .marked").press(redo)
        expect(page.locator('#text-tab mark[data-label="ORG"]')).to_have_count(2)
        page.locator("#text-tab .marked").press("Control+z")
        expect(page.locator('#text-tab mark[data-label="ORG"]')).to_have_count(0)
    page.locator("#text-tab .marked").press("Control+y")
    expect(page.locator('#text-tab mark[data-label="ORG"]')).to_have_count(2)
    page.locator('#text-tab .legend [data-label="LOC"]').click()
    page.locator("#text-tab mark", has_text="Mary").first.click()
    bar.get_by_label("Label").select_option(label="LOC place")
    expect(bar).to_be_hidden()  # what it is now is hidden
    expect(page.locator("#text-tab mark:not(.off)")).to_have_count(1)


def test_the_language_chooses_the_model_and_the_details_say_so(page):
    page.locator("#text-model").select_option("auto", force=True)
    expect(page.locator("#options summary")).to_contain_text("auto: by language · AUTO")
    recognize(page, f"{SENTENCE}\n\n{GERMAN}\n{ARABIC}")
    assert ("Rotterdam", "LOC", 79, 88) in marks(page)
    unfold(page, "#details")
    facts = page.locator("#text-facts")
    expect(facts).to_contain_text("Chosen by language: minilm-ner: \u2068Mary lives in Santa Clara")
    expect(facts).to_contain_text("multilingual-ner: \u2068Mary wohnt mit ihrer Mutter")
    parts = json.loads(saved(page, "Save JSON"))["parts"]
    assert [part["model"] for part in parts] == ["minilm-ner", "multilingual-ner"]


def test_each_line_has_its_own_direction(page):
    recognize(page, f"{ARABIC}\n{SENTENCE}\n東京のRotterdam社")
    assert plain_text(page).replace("\n", "") == f"{ARABIC}{SENTENCE}東京のRotterdam社"
    assert page.locator("#text-box").evaluate("e => getComputedStyle(e).direction") == "rtl"
    lines = page.locator("#text-tab .marked .line")
    directions = lines.evaluate_all("all => all.map(line => getComputedStyle(line).direction)")
    assert directions[:3] == ["rtl", "ltr", "ltr"]


def test_arithmetic_is_a_choice_that_the_page_says_and_keeps(page):
    unfold(page, "#options")
    page.locator("#text-compute").select_option("exact")
    expect(page.locator("#options summary")).to_contain_text("exact arithmetic")
    expect(page.locator("#answer[aria-busy]")).to_have_count(0)
    unfold(page, "#details")
    expect(page.locator("#text-facts")).to_contain_text("computed in f32")
    page.locator("#share").click()
    expect(page.locator("#share")).to_have_text("Copied")
    assert "compute=exact" in page.evaluate("location.hash")
    page.locator("#text-compute").select_option("")
    expect(page.locator("#options summary")).not_to_contain_text("exact arithmetic")
    page.evaluate("history.replaceState(null, '', location.pathname + location.search)")


def test_corrected_texts_are_collected_and_too_few_are_no_lesson(page):
    recognize(page, "Mary met Priya.\nPriya met Bob in Oslo.")
    unfold(page, "#teach")
    page.locator("#collect").click()
    expect(page.locator("#teach-summary")).to_have_text("1 text collected")
    expect(page.locator("#teach-plan")).to_contain_text(
        "0 of the 5 corrected passages that a lesson needs: 5 more."
    )
    assert page.locator("#taught-name").input_value().startswith("my-")
    page.locator("#teach-start").click()
    expect(page.locator("#teach-status")).to_contain_text("of the 5 corrected passages that a lesson needs")
    expect(page.locator("#teach-start")).to_be_enabled()
    page.locator("#forget-texts").click()
    expect(page.locator("#teach-summary")).to_have_text("")
    page.locator("#teach").evaluate("e => { e.open = false }")


def test_a_screen_reader_meets_the_answer_in_order(page):
    tree = page.locator("#text-tab").aria_snapshot()
    expected = [
        'textbox "Text"',
        'button "Recognize"',
        'group "Examples"',
        "- status: /",
        'heading "People 1" [level=3]',
        'button "Mary"',
        'group "Labels: press to hide or show"',
        'button "PER 1" [pressed]',
        'group "Text with its names marked',
        'group "Export"',
        'button "Save JSON"',
    ]
    at = 0
    for line in expected:
        wanted = line.removesuffix(": /").removeprefix("- ")
        assert wanted in tree[at:], f"{wanted} is not after what comes before it:\n{tree}"
        at = tree.index(wanted, at)


def test_the_score_of_a_name_over_two_lines_is_written_on_one(page):
    recognize(page, f"{'and ' * 20}Mary Jones met Bob.")
    mark = page.locator("#text-tab mark").first
    for width in range(900, 1300, 10):
        page.set_viewport_size({"width": width, "height": 900})
        if mark.evaluate("e => e.getClientRects().length") > 1:
            break
    mark.click()
    said = mark.evaluate(
        "e => { const s = getComputedStyle(e, '::before'); return [s.width, s.height].map(parseFloat) }"
    )
    assert said[0] > said[1], "its digits stand below each other"


def test_what_is_printed_is_the_whole_result(page):
    recognize(page, "Mary met Bob.\n" * 200)
    page.emulate_media(media="print")
    height, shown = page.locator("#text-tab .marked").evaluate("e => [e.scrollHeight, e.clientHeight]")
    frame = page.locator(".gradio-container").evaluate("e => getComputedStyle(e).overflow")
    hidden = [page.locator(one).is_visible() for one in ("#text-box", "#exports", "#teach", "#redaction")]
    page.emulate_media(media="screen")
    assert height == shown > 200 * 14
    assert frame == "visible", "the last pages are cut off"
    assert hidden == [False] * 4
