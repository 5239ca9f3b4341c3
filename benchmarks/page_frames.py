"""Measure how smoothly a long text scrolls and filters: the time from frame to frame.

    python -m benchmarks.page_frames --characters 100000 --rounds 3

Starts the page in a separate process, recognizes a text of that length in Chromium, and measures each frame:
on an empty page, while the text is scrolled from beginning to end, while a label is switched off and on five
times a second, and while the minimum score is dragged. The text has three layouts: short lines, paragraphs,
one line. All times are in milliseconds; ``busy`` is the time that the page works for one step,
``p90_to_empty`` the ratio to the empty page.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from typing import TYPE_CHECKING

from benchmarks.page_load import SENTENCES, running_browser, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FRAMES = 180
_TOGGLED = 12
# Performs an action every `every` frames, and returns the time from each frame to the next.
_WATCH = """async ([frames, every, does]) => {
  const text = document.querySelector("#text-tab .marked"), slider = document.querySelector("#threshold");
  const all = text ? text.scrollHeight - text.clientHeight : 0;
  const step = {
    nothing: () => {},
    scroll: (number) => { text.scrollTop = all * number / (frames / every); },
    toggle: () => document.querySelector('#text-tab .legend [data-label="PER"]').click(),
    drag: (number) => { slider.value = (number % 60) / 60; slider.dispatchEvent(new Event("input")); },
  }[does];
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < frames; frame += 1) {
    if (frame % every === 0) step(frame / every);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""


def layouts(characters: int) -> dict[str, str]:
    """Return a text of that length in three layouts."""
    chance = random.Random(7)
    sentences: list[str] = []
    while sum(map(len, sentences)) + len(sentences) < characters:
        sentences.append(chance.choice(SENTENCES))
    paragraphs = (" ".join(sentences[at : at + 12]) for at in range(0, len(sentences), 12))
    made = {
        "lines": "\n".join(sentences),
        "paragraphs": "\n\n".join(paragraphs),
        "one line": " ".join(sentences),
    }
    return {name: text[:characters] for name, text in made.items()}


def frames(page: Page, does: str, every: int = 1) -> dict[str, float]:
    """Return times from frame to frame, and how long the page's thread is busy for a step, in ms."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration") * 1000

    before = busy()
    in_order = page.evaluate(_WATCH, [_FRAMES, every, does])
    spent = busy() - before
    session.detach()
    times = sorted(in_order)
    slowest = sorted(max(in_order[at : at + every]) for at in range(0, _FRAMES, every))
    return {
        "p50": times[len(times) // 2],
        "p90": times[int(0.9 * len(times))],
        "max": times[-1],
        "slowest_of_step": slowest[len(slowest) // 2],
        "busy": spent / (_FRAMES // every),
    }


def measure(url: str, characters: int, rounds: int) -> None:
    """Print a line for each layout and action, from the round with the lowest p90."""
    with running_browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(600_000)
        page.goto(url)
        page.locator("#text-tab mark").first.wait_for()
        empty = chromium.new_page(viewport={"width": 1440, "height": 900})
        empty.goto("about:blank")
        for name, text in layouts(characters).items():
            page.locator("#text-box").fill(text)
            page.locator("#recognize").click()
            page.wait_for_function("!document.querySelector('#answer').hasAttribute('aria-busy')")
            page.wait_for_timeout(2_000)
            marks = page.locator("#text-tab mark").count()
            best: dict[str, dict[str, float]] = {}
            for _ in range(rounds):
                empty.bring_to_front()
                runs = {"nothing": frames(empty, "nothing")}
                page.bring_to_front()
                page.wait_for_timeout(500)
                runs |= {does: frames(page, does) for does in ("scroll", "drag")}
                runs["toggle"] = frames(page, "toggle", _TOGGLED)
                page.wait_for_timeout(500)
                for does, found in runs.items():
                    if does not in best or found["p90"] < best[does]["p90"]:
                        best[does] = found
            for does, found in best.items():
                told = {key: round(value, 1) for key, value in found.items()}
                ratio = round(found["p90"] / best["nothing"]["p90"], 2)
                print(
                    json.dumps({"layout": name, "marks": marks, "does": does, **told, "p90_to_empty": ratio})
                )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with running_page() as (_, url):
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        measure(url, given.characters, given.rounds)
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
