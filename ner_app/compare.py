"""The Compare tab: the same text through several models, devices and precisions."""

from __future__ import annotations

import html
import statistics
import time
from collections.abc import Iterator  # noqa: TC003 - Gradio reads these hints
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from ner_app.choosing import notice
from ner_app.highlighting import marked
from ner_app.limits import LimitError
from ner_app.service import Choice, ChoiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_app.service import Service
    from ner_core import Recognition

__all__ = ["Run", "bars", "build_compare_tab", "cards", "combinations", "differences", "measure"]

_MOST = 6
_RUNS = 5
_SECONDS = 2.0
_CHARACTERS = 20_000
_EXAMPLE = (
    "Mary Watson of Acme Logistics flew from Santa Clara to Rotterdam to meet NVIDIA and the Dutch Red Cross."
)


class Run(NamedTuple):
    """What a choice made of the text: a result and its median milliseconds, or a problem."""

    choice: Choice
    found: Recognition | None = None
    milliseconds: float = 0.0
    problem: str = ""


def build_compare_tab(service: Service) -> gr.Dropdown:
    """Build the tab inside the page that is being built; return the drop-down of combinations."""
    choices = combinations(service)
    with gr.Row(equal_height=False, elem_classes="ctrl-enter"):
        with gr.Column(scale=3, min_width=320):
            # The example is no value: Gradio would set it again a moment after it drew the tab, over what was
            # typed by then; on a busy machine that moment takes seconds.
            text = gr.Textbox(
                placeholder=_EXAMPLE,
                label="Text",
                info=f"Up to {_CHARACTERS:,} characters; empty: the example. Ctrl-Enter compares.",
                lines=4,
                max_lines=14,
                elem_id="compare-text",
            )
        with gr.Column(scale=2, min_width=320):
            chosen = gr.Dropdown(
                choices,
                value=[value for _, value in choices[:2]],
                multiselect=True,
                max_choices=_MOST,
                label="What to compare",
                info=f"Model, device and precision; two to {_MOST} of them",
                elem_id="compare-choices",
            )
            run = gr.Button("Compare", variant="primary", elem_id="compare", elem_classes="ctrl-enter-target")
    message = gr.HTML(elem_id="compare-message", elem_classes="quiet", apply_default_css=False)
    with gr.Column(visible=False) as result:
        side_by_side = gr.HTML(elem_id="compare-cards", apply_default_css=False)
        chart = gr.HTML(elem_id="compare-chart", apply_default_css=False)
        table = gr.HTML(elem_id="compare-differences", apply_default_css=False)

    def compare(request: gr.Request, value: str, wanted: list[str]) -> Iterator[list[Any]]:
        known = {key: choice for choice, key in _keys(service)}
        value = value if value.strip() else _EXAMPLE
        try:
            _check(value, wanted)
            with service.visitors.slot(request):
                runs: list[Run] = []
                for number, key in enumerate(wanted, start=1):
                    yield [
                        f'<p class="said" role="status">Running {number} of {len(wanted)} …</p>',
                        *[gr.skip()] * 4,
                    ]
                    if key in known:  # a model may have been deleted since the page was opened
                        runs.append(measure(service, value, known[key]))
        except LimitError as error:
            yield [notice(str(error)), *[gr.skip()] * 4]
            return
        yield ["", gr.update(visible=True), cards(runs), differences(runs), bars(runs)]

    run.click(
        compare,
        [text, chosen],
        [message, result, side_by_side, table, chart],
        api_visibility="private",
        concurrency_limit=1,
        show_progress="hidden",
    )
    return chosen


def _check(text: str, wanted: Sequence[str]) -> None:
    if not 2 <= len(wanted) <= _MOST:
        msg = f"Choose two to {_MOST} combinations; {len(wanted)} chosen."
        raise LimitError(msg)
    if len(text) > _CHARACTERS:
        msg = f"This text has {len(text):,} characters; up to {_CHARACTERS:,} are compared. Shorten it."
        raise LimitError(msg)


def _keys(service: Service) -> list[tuple[Choice, str]]:
    """Return every combination of this machine, and the text that stands for it in the page."""
    choices = [
        Choice(model, device, precision)
        for model, precisions in service.models().items()
        for precision in precisions or [""]
        for _, device in service.devices()
    ]
    return [(choice, "|".join(choice)) for choice in choices]


def combinations(service: Service) -> list[tuple[str, str]]:
    """Return the combinations of this machine: what people read, and what stands for it."""
    return [(str(choice), key) for choice, key in _keys(service)]


def measure(service: Service, text: str, choice: Choice) -> Run:
    """Run a text a few times on one choice, after a run that warms up.

    Parameters
    ----------
    service : Service
        Loads the model.
    text : str
        The text.
    choice : Choice
        What runs.

    Returns
    -------
    Run
        With the problem instead of a result, if the choice cannot be loaded.
    """
    try:
        recognizer = service.checked(choice)
        found = recognizer(text)
    except (ChoiceError, RuntimeError) as error:
        return Run(choice, problem=str(error))
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < _RUNS and (not times or time.perf_counter() - begin < _SECONDS):
        start = time.perf_counter()
        recognizer(text)
        times.append((time.perf_counter() - start) * 1000)
    return Run(choice, found, statistics.median(times))


def _entities(found: Recognition) -> set[tuple[int, int, str]]:
    return {(entity.start, entity.end, entity.label) for entity in found.entities}


def _differing(runs: Iterable[Run]) -> set[tuple[int, int, str]]:
    """Return the entities that some found and others did not."""
    sets = [_entities(run.found) for run in runs if run.found is not None]
    return {entity for entity in set().union(*sets) if not all(entity in found for found in sets)}


def cards(runs: Sequence[Run]) -> str:
    """Return the results side by side as HTML, what differs outlined."""
    differing = _differing(runs)
    return f'<div class="cards">{"".join(_card(run, differing) for run in runs)}</div>'


def _card(run: Run, differing: set[tuple[int, int, str]]) -> str:
    title = html.escape(str(run.choice))
    if run.found is None:
        return f'<section class="card"><h2>{title}</h2>{notice(run.problem)}</section>'
    found = run.found
    return (
        f'<section class="card"><h2>{title}</h2>'
        f'<p class="facts">ran on <strong>{html.escape(found.device)}</strong> '
        f"({html.escape(found.precision)}) · "
        f"{len(found.entities):,} entities · <strong>{run.milliseconds:.1f} ms</strong></p>"
        f"{marked(found, differing)}</section>"
    )


def differences(runs: Sequence[Run]) -> str:
    """Return a table, as HTML, of the places where the results differ.

    Examples
    --------
    >>> differences([])
    '<p>All results are the same.</p>'
    """
    answered = [run for run in runs if run.found is not None]
    places = sorted({(start, end) for start, end, _ in _differing(answered)})
    if not places:
        return "<p>All results are the same.</p>"
    columns = [
        {(entity.start, entity.end): entity for entity in run.found.entities} for run in answered if run.found
    ]
    text = answered[0].found.text if answered[0].found else ""
    head = "".join(f'<th scope="col">{html.escape(str(run.choice))}</th>' for run in answered)
    body = "".join(
        f'<tr><th scope="row">{html.escape(text[start:end])}</th><td>{start}–{end}</td>'
        + "".join(_cell(column.get((start, end))) for column in columns)
        + "</tr>"
        for start, end in places
    )
    return (
        '<h2 class="section">Differences</h2>'
        '<div class="scroll" tabindex="0" role="group" aria-label="Differences"><table>'
        f'<thead><tr><th scope="col">Text</th><th scope="col">Place</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(entity: Any) -> str:
    return f"<td>{html.escape(entity.label)} {entity.score:.3f}</td>" if entity else "<td>–</td>"


def bars(runs: Sequence[Run]) -> str:
    """Return a bar chart of the median times as HTML; it reads as a list to a screen reader."""
    measured = [run for run in runs if run.found is not None]
    longest = max((run.milliseconds for run in measured), default=0.0) or 1.0
    rows = "".join(
        f"<dt>{html.escape(str(run.choice))}</dt>"
        f'<dd><i style="--share:{run.milliseconds / longest:.4f}"></i>{run.milliseconds:,.1f} ms</dd>'
        for run in measured
    )
    title = f"Median time of up to {_RUNS} runs; shorter is better"
    return f'<div class="panel"><h2 class="section">{title}</h2><dl class="bars">{rows}</dl></div>'
