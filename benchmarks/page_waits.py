"""Measure how long a visitor of the page waits: for first paint, an answer, and a sign of progress.

    python -m benchmarks.page_waits --runs 40

Starts the page in a separate process, opens it in Chromium, and takes all times by the clock of the page. An
answer is timed from the click to the frame that shows it, and compared with the same text in the core. The
sign of progress (a visible progress bar) is timed with requests that are never answered, so that the time is
the page's own.
"""

from __future__ import annotations

import json
import os
import re
import statistics
from typing import TYPE_CHECKING, Any

import model_zoo
from benchmarks import command_line
from benchmarks.page_load import running_browser, running_page
from ner_commands.benchmark.measurement import measure_latency

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

_TEXT_200 = (
    "Mary Watson of Acme Logistics flew from Santa Clara to Rotterdam on Monday to meet engineers of NVIDIA "
    "and Siemens; Priya Raman, who leads the Dutch office, showed them the new laboratory in Delft. ok"
)
#: Two texts alternate, so that a new answer is recognized by its change.
_NAMES = ("Mary Watson", "Anna Watson")
_ANSWER = """(name) => new Promise((done) => {
  const shown = () => document.querySelector("#text-tab mark")?.textContent === name
    && /, in [0-9.,]+ m?s$/.test(document.querySelector("#text-status").textContent);
  const begin = performance.now();
  const end = () => done(performance.now() - begin);
  const look = () => requestAnimationFrame(shown() ? end : look);
  document.querySelector("#recognize").click();
  requestAnimationFrame(look);
})"""
_BEGUN = """([button, bar]) => new Promise((done) => {
  const shown = () => [...document.querySelectorAll(bar)].some((one) => one.checkVisibility());
  const begin = performance.now();
  const end = () => done(performance.now() - begin);
  const look = () => requestAnimationFrame(shown() ? end : look);
  document.querySelector(button).click();
  requestAnimationFrame(look);
})"""
_LOADED = """() => {
  const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return [performance.getEntriesByName("first-contentful-paint")[0].startTime,
    files.reduce((sum, file) => sum + file.transferSize, 0), files.length]; }"""
#: Tab, button and progress bar of each action.
_ACTIONS = {
    "Recognize": ("Text", "#recognize", "#text-busy progress"),
    "Teach": ("Text", "#teach-start", "#teach-status progress"),
    "Compare": ("Compare", "#compare", "#compare-busy progress"),
    "Get": ("Models", "[data-get]", "#zoo-status progress"),
    "Recognize all": ("Documents", "#run-documents", "#documents-begun progress"),
    "Redact the files": ("Documents", "#redact-files", "#documents-begun progress"),
}


def _open(chromium: Browser, url: str) -> Page:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    page.wait_for_function("/, in /.test(document.querySelector('#text-status')?.textContent)")
    return page


def _hold(page: Page) -> list[Route]:
    """Block requests of the page's functions; return the list of blocked ones."""
    held: list[Route] = []
    page.route(re.compile("component_server|queue/join"), lambda route: held.append(route))
    return held


def loading(chromium: Browser, url: str, runs: int) -> dict[str, Any]:
    """Time loading the page with an empty cache."""
    found = []
    for _ in range(runs):
        page = _open(chromium, url)
        found.append(page.evaluate(_LOADED))
        page.context.close()
    paints, sizes, files = zip(*found, strict=True)
    return {
        "first_paint_ms": round(statistics.median(paints), 1),
        "first_paint_longest_ms": round(max(paints), 1),
        "bytes": max(sizes),
        "files": max(files),
    }


def answering(chromium: Browser, url: str, runs: int) -> dict[str, float]:
    """Time the same text from click to painted answer, and in the core alone."""
    core = model_zoo.load("minilm-ner")
    page = _open(chromium, url)
    page.locator("#text-model").select_option("minilm-ner", force=True)
    times = []
    for run in range(runs + 5):
        name = _NAMES[run % 2]
        page.locator("#text-box").fill(_TEXT_200.replace(_NAMES[0], name))
        page.wait_for_timeout(50)
        times.append(page.evaluate(_ANSWER, name))
    page.context.close()
    bare = measure_latency(lambda: core(_TEXT_200), seconds=0, least=runs).p50
    shown = statistics.median(times[5:])
    return {"answer_ms": round(shown, 1), "core_ms": round(bare, 1), "page_adds_ms": round(shown - bare, 1)}


def beginning(chromium: Browser, url: str, runs: int) -> dict[str, dict[str, float]]:
    """Time each long action from click to the frame with its progress bar, without any response."""
    times: dict[str, list[float]] = {name: [] for name in _ACTIONS}
    for _ in range(runs):
        page = _open(chromium, url)
        page.get_by_role("tab", name="Documents", exact=True).click()
        page.locator("#files input[type=file]").set_input_files(
            {"name": "note.txt", "mimeType": "text/plain", "buffer": _TEXT_200.encode()}
        )
        page.wait_for_function("document.querySelector('#files').textContent.includes('note')")
        page.locator("#run-documents").click()
        page.locator("#redact-files").wait_for()
        page.get_by_role("tab", name="Models", exact=True).click()
        page.locator("[data-get]").first.wait_for()
        page.get_by_role("tab", name="Text", exact=True).click()
        page.locator("#teach").evaluate("e => { e.open = true }")
        held = _hold(page)
        for name, (tab, button, bar) in _ACTIONS.items():
            page.get_by_role("tab", name=tab, exact=True).click()
            times[name].append(page.evaluate(_BEGUN, [button, bar]))
        for route in held:
            route.abort()
        page.context.close()
    return {
        name: {"median_ms": round(statistics.median(one), 1), "longest_ms": round(max(one), 1)}
        for name, one in times.items()
    }


def main() -> None:
    """Run the measurement and print JSON."""
    parser = command_line(__doc__)
    parser.add_argument("--runs", type=int, default=40, help="answers; a fifth as many loads and actions")
    options = parser.parse_args()
    few = max(1, options.runs // 5)
    with running_page() as (_, url), running_browser() as chromium:
        report: dict[str, Any] = {"cpus": os.cpu_count(), "load_average": os.getloadavg()[0]}
        report |= loading(chromium, url, few) | answering(chromium, url, options.runs)
        report["begun"] = beginning(chromium, url, few)
        report["load_average_after"] = os.getloadavg()[0]
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
