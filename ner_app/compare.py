"""The Compare tab: the same text through several models, devices, precisions and aggregations."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from model_zoo.catalog.layout import AUTO
from ner_app.answers import answer
from ner_app.jobs import Cancelled, Jobs, word
from ner_app.limits import LimitError
from ner_app.service import EXACTLY, Choice, ChoiceError
from ner_app.templating import render
from ner_core import Recognition
from ner_core.hardware import fast_arithmetic
from ner_core.labels import normalize_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ner_app.service import Service

__all__ = ["Combination", "Measured", "build_compare_tab", "combinations", "compare_functions", "verdict"]

_MOST = 6
_RUNS = 5
_SECONDS = 2.0
_CHARACTERS = 20_000
#: Of the aggregations, the one that differs most from the default on running text.
_OTHER_AGGREGATION = "first"
_MANY_PLACES = 200
_WAITING = 8
_LOOK_SECONDS = 0.3


class Combination(NamedTuple):
    """What runs, and how its word pieces become names."""

    choice: Choice
    aggregation: str = ""  # the model's own

    def __str__(self) -> str:
        """Return a short name for titles."""
        return f"{self.choice} · {self.aggregation}" if self.aggregation else str(self.choice)

    @property
    def key(self) -> str:
        """Identifier in the browser."""
        return "|".join((*self.choice, self.aggregation))


class Measured(NamedTuple):
    """The outcome of a combination: a result and its median milliseconds, or a problem."""

    combination: Combination
    found: Recognition = Recognition("", ())
    milliseconds: float = 0.0
    labels: tuple[str, ...] = ()
    problem: str = ""

    @property
    def types(self) -> frozenset[str]:
        """The labels; those that mean the same have one name."""
        return frozenset(map(normalize_label, self.labels))

    @property
    def entities(self) -> dict[tuple[int, int], tuple[str, float]]:
        """Label and score of each place; labels that mean the same have one name."""
        return {(one.start, one.end): (normalize_label(one.label), one.score) for one in self.found.entities}


def build_compare_tab(service: Service) -> None:
    """Build the tab inside the page that is being built."""
    gr.HTML(
        render("compare.html", limit=_CHARACTERS, most=_MOST),
        elem_id="compare-tab",
        apply_default_css=False,
        js_on_load="new NerPage.CompareTab(element, server).start()",
        server_functions=list(compare_functions(service).values()),
    )


def compare_functions(service: Service) -> dict[str, Callable[..., Any]]:
    """Return the functions that the tab's script calls, by name; what is refused comes back as ``error``."""
    jobs = Jobs()
    measuring = threading.Lock()  # measurements at the same time would slow each other down
    waiting = threading.BoundedSemaphore(_WAITING)

    def choices(_: dict[str, Any]) -> list[list[Any]]:
        known = combinations(service)
        first = differing(known)
        return [[one.key, str(one), one in first] for one in known]

    def compare(sent: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        text = word(sent, "text")
        known = {one.key: one for one in combinations(service)}
        wanted = [known[key] for key in sent.get("chosen") or [] if key in known]
        try:
            _check(text, wanted)
            with (
                service.visitors.slot(request),
                jobs.running(word(sent, "job")) as job,
                _turn(waiting, measuring, lambda: job(0, 1)),
            ):
                measured = []
                for number, one in enumerate(wanted):
                    job(number, len(wanted))
                    measured.append(measure(service, text, one, lambda *_: job(0, 1)))
            return _result(measured)
        except LimitError as error:
            return {"error": str(error)}
        except Cancelled:
            return {"cancelled": True}

    def progress(sent: dict[str, Any]) -> float:
        job = jobs.get(word(sent, "job"))
        return job.share if job else 0.0

    def cancel(sent: dict[str, Any]) -> None:
        jobs.cancel(word(sent, "job"))

    return {function.__name__: function for function in (choices, compare, progress, cancel)}


@contextmanager
def _turn(
    waiting: threading.BoundedSemaphore, measuring: threading.Lock, look: Callable[[], None]
) -> Iterator[None]:
    """Wait for the others, unless too many wait already; `look` raises once the visitor cancels."""
    if not waiting.acquire(blocking=False):
        msg = "Too many comparisons are waiting already. Try again in a few seconds."
        raise LimitError(msg)
    try:
        while not measuring.acquire(timeout=_LOOK_SECONDS):
            look()
        try:
            yield
        finally:
            measuring.release()
    finally:
        waiting.release()


def _check(text: str, wanted: Sequence[Combination]) -> None:
    if not text.strip():
        msg = "There is no text yet. Type or paste one."
        raise LimitError(msg)
    if not 2 <= len(wanted) <= _MOST:
        msg = f"Choose 2 to {_MOST} combinations; {len(wanted)} chosen."
        raise LimitError(msg)
    if len(text) > _CHARACTERS:
        msg = f"This text has {len(text):,} characters; up to {_CHARACTERS:,} are compared. Shorten it."
        raise LimitError(msg)


def combinations(service: Service) -> list[Combination]:
    """Return every combination of this machine, and those of exact arithmetic and of another aggregation."""
    found = [
        Combination(Choice(model, device, precision))
        for model, precisions in service.models().items()
        if model != AUTO
        for precision in precisions or [""]
        for device in service.devices()
    ]
    plain = [one for one in found if one.choice.device == "AUTO"]
    exact = [one._replace(choice=one.choice._replace(compute=EXACTLY)) for one in plain]
    others = [one._replace(aggregation=_OTHER_AGGREGATION) for one in plain]
    return [*found, *exact, *others]


def differing(known: Sequence[Combination]) -> list[Combination]:
    """Return two combinations that are worth comparing.

    Two models; else fastest and exact arithmetic, where this processor has a fastest one; else two ways to
    join word pieces.
    """
    first = known[0]
    same = [one for one in known if one.choice._replace(compute="") == first.choice]
    models = [one for one in known if one.choice.model != first.choice.model]
    exact = [one for one in same if one.choice.compute] if fast_arithmetic() else []
    ways = [one for one in same if one.aggregation]
    return [first, *(models or exact or ways)[:1]]


def measure(
    service: Service, text: str, combination: Combination, look: Callable[..., None] | None = None
) -> Measured:
    """Time a text over a few runs, after a warm-up; a model that cannot be loaded is a problem.

    `look` is called now and then; an exception that it raises ends the work.
    """
    choice, aggregation = combination
    try:
        recognizer = service.checked(choice, aggregation)
        found = recognizer(text, aggregation=aggregation, progress=look)
    except (ChoiceError, RuntimeError) as error:
        return Measured(combination, problem=str(error) or type(error).__name__)
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < _RUNS and (not times or time.perf_counter() - begin < _SECONDS):
        start = time.perf_counter()
        recognizer(text, aggregation=aggregation, progress=look)
        times.append((time.perf_counter() - start) * 1000)
    return Measured(combination, found, statistics.median(times), tuple(recognizer.labels))


def _differing_places(tables: Sequence[dict[tuple[int, int], tuple[str, float]]]) -> list[tuple[int, int]]:
    places = sorted(set().union(*tables))
    return [place for place in places if len({table.get(place, ("",))[0] for table in tables}) > 1]


def verdict(runs: Sequence[Measured]) -> list[str]:
    """Describe in sentences how the results differ: in names, in labels that one lacks, in time.

    Examples
    --------
    >>> from ner_core import Recognition
    >>> found = Recognition("Hi", ())
    >>> runs = [Measured(Combination(Choice(name)), found, time) for name, time in (("a", 2), ("b", 3))]
    >>> verdict(runs)
    ['Both found the same 0 mentions.', 'a · AUTO is 1.5 times as fast as b · AUTO (2.0 ms against 3.0 ms).']
    """
    answered = [run for run in runs if not run.problem]
    if len(answered) < 2:
        return ["Nothing to compare: " + "; ".join(run.problem for run in runs if run.problem)]
    tables = [run.entities for run in answered]
    count = len(set().union(*tables))
    places = _differing_places(tables)
    both = "Both" if len(answered) == 2 else f"All {len(answered)}"
    same = f"{both} found the same {count:,} {'mention' if count == 1 else 'mentions'}."
    said = [f"They differ in {len(places):,} of {count:,} mentions." if places else same]
    for run in answered:
        others = frozenset().union(*(other.types for other in answered if other is not run))
        if own := sorted(run.types - others):
            said.append(f"{run.combination} alone has labels for {', '.join(own)}.")
    fast, *_, slow = sorted(answered, key=lambda run: run.milliseconds)
    ratio = slow.milliseconds / fast.milliseconds if fast.milliseconds else 1.0
    said.append(
        f"{fast.combination} is {ratio:.1f} times as fast as {slow.combination} "
        f"({fast.milliseconds:,.1f} ms against {slow.milliseconds:,.1f} ms)."
    )
    return said


def _result(runs: Sequence[Measured]) -> dict[str, Any]:
    """Return the result as HTML, and the answers and their differing entities for its marked texts."""
    answered = [run for run in runs if not run.problem]
    tables = [run.entities for run in answered]
    places = _differing_places(tables)
    longest = max((run.milliseconds for run in answered), default=0.0) or 1.0
    html = render(
        "compared.html",
        verdict=verdict(runs),
        runs=runs,
        longest=longest,
        places=[
            (
                answered[0].found.text[slice(*place)],
                ["{} {:.3f}".format(*table[place]) if place in table else "–" for table in tables],
            )
            for place in places[:_MANY_PLACES]
        ],
        titles=[run.combination for run in answered],
        most_runs=_RUNS,
    )
    answers = [answer(run.found, run.labels) for run in answered]
    differ = set(places)
    differing = [
        [number for number, (start, end, *_) in enumerate(one["entities"]) if (start, end) in differ]
        for one in answers
    ]
    return {"html": html, "answers": answers, "differing": differing}
