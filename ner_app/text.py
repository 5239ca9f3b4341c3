"""The Text tab: type or paste a text, see its entities, take them away."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from ner_app.choosing import (
    BEST,
    ChoiceControls,
    choice_controls,
    choice_of,
    choice_updates,
    known_choice,
    notice,
)
from ner_app.highlighting import legend, marked
from ner_app.limits import LimitError
from ner_app.service import ChoiceError, filtered
from ner_core.aggregation import AGGREGATIONS, DEFAULT_AGGREGATION
from ner_core.rendering import to_conll, to_csv, to_html, to_json
from ner_documents.groups import with_groups
from ner_documents.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ner_app.service import Choice, Service
    from ner_core import Recognition

__all__ = ["EXAMPLES", "EXPORTS", "build_text_tab", "facts", "table"]

EXAMPLES = {
    "A sentence": "Mary lives in Santa Clara and works at NVIDIA.",
    "News": (
        "Berlin, 4 May - Siemens and the Technical University of Munich opened a laboratory on Tuesday.\n"
        'Chancellor Olaf Scholz called it "a good day for Bavaria"; Ursula von der Leyen sent a video '
        "message from Brussels."
    ),
    "Sports": (
        "Roger Federer beat Rafael Nadal 6-4 7-6 at Wimbledon on Sunday. The Swiss champion thanked his "
        "coach, Ivan Ljubicic, and the All England Club."
    ),
    "A support ticket": (
        "Hi, this is Priya Raman from Acme Logistics in Rotterdam.\n\n"
        "Since Monday our Oracle export fails. Could José Álvarez or Zoë O'Connor call me back?\n\n"
        "Thanks, Priya"
    ),
}
_AGGREGATION_NAMES = {
    "word": "word - names as people write them",
    "whitespace": "whitespace - words between spaces, as NeMo does",
    "first": "first - as transformers does",
    "none": "none - each word piece",
}
_TABLE_ROWS = 1_000
_GONE = "This answer is no longer kept here. Press Recognize again."
_HEADERS = ["Text", "Label", "Score", "Start", "End"]


def _json(found: Recognition) -> str:
    return to_json(with_groups(found), indent=2)


# Button, file name, type, writer.
EXPORTS: tuple[tuple[str, str, str, Callable[[Recognition], str]], ...] = (
    ("JSON", "entities.json", "application/json", _json),
    ("CSV", "entities.csv", "text/csv", to_csv),
    ("CoNLL", "entities.conll", "text/plain", to_conll),
    ("HTML", "entities.html", "text/html", to_html),
)

# The browser makes the file itself: nothing of a visitor's text is written on the host's disk.
_SAVE = """(content) => {{
  if (!content) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {{type: "{kind};charset=utf-8"}}));
  link.download = "{name}";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}}"""

# Cells apart by tabs, as spreadsheets take them.
_COPY_TABLE = """() => {
  const rows = [...document.querySelectorAll("#entity-table tr")];
  const text = rows.map(row => [...row.cells].map(cell => cell.textContent).join("\\t")).join("\\n");
  if (navigator.clipboard) navigator.clipboard.writeText(text);
}"""

# The part of an address behind "#" is never sent to a server, so a shared text stays between the two people.
_SHARE = """(text, model, device, precision, aggregation, threshold) => {
  const state = new URLSearchParams({text, model, device, precision, aggregation, threshold});
  history.replaceState(null, "", "#" + state);
  if (navigator.clipboard) navigator.clipboard.writeText(location.href);
}"""
_RESTORE = """(...now) => {
  const state = new URLSearchParams(location.hash.slice(1));
  const names = ["text", "model", "device", "precision", "aggregation", "threshold"];
  const values = names.map((name, index) => state.has(name) ? state.get(name) : now[index]);
  values[5] = Math.min(1, Math.max(0, Number(values[5]) || 0));
  return values;
}"""


class _Form(NamedTuple):
    """What the page sends, in the order of the inputs."""

    text: str
    model: str
    device: str
    precision: str
    aggregation: str
    good: Choice
    found: Recognition | None
    known: list[str]
    threshold: float
    labels: list[str]
    style: str


def build_text_tab(demo: gr.Blocks, service: Service) -> ChoiceControls:
    """Build the tab inside the page that is being built; return its drop-downs.

    Parameters
    ----------
    demo : gradio.Blocks
        The page; its load event restores a shared state.
    service : Service
        Answers.
    """
    with gr.Row(equal_height=False, elem_classes="ctrl-enter"):
        with gr.Column(scale=3, min_width=320):
            text = gr.Textbox(
                label="Text",
                info=f"Up to {service.limits.text_characters:,} characters. Ctrl-Enter recognizes.",
                placeholder="Type or paste a text, or pick an example below.",
                lines=7,
                max_lines=18,
                autofocus=True,
                elem_id="text-input",
            )
            with gr.Row():
                run = gr.Button(
                    "Recognize",
                    variant="primary",
                    scale=2,
                    elem_id="recognize",
                    elem_classes="ctrl-enter-target",
                )
                clear = gr.Button("Clear", elem_id="clear", min_width=100)
            examples = gr.Examples(
                [[example] for example in EXAMPLES.values()],
                text,
                example_labels=list(EXAMPLES),
                label="Examples",
                api_visibility="private",
            )
        with gr.Column(scale=2, min_width=320):
            controls = choice_controls(service, "text")

    message = gr.HTML(elem_id="text-message", elem_classes="quiet", padding=False)
    found = gr.State(None, time_to_live=3600)
    known = gr.State([])
    good = gr.State(choice_of(service.default, "AUTO", BEST))
    view = _build_results()
    highlighted, threshold, labels, aggregation = (
        view.highlighted,
        view.threshold,
        view.labels,
        view.aggregation,
    )

    views = [view.result, view.summary, highlighted, view.table, view.redacted]
    settings = [threshold, labels, view.style]

    def show(
        found: Recognition | None, kinds: list[str], least: float, wanted: list[str], style: str
    ) -> list[Any]:
        """Show an answer anew where one is shown; made visible again, the browser would go through it all."""
        if found is None:
            return [gr.skip()] * len(views)
        shown = filtered(found, least, wanted)
        return [
            gr.skip(),
            facts(found, shown),
            f'<div class="panel">{legend(kinds, shown)}{marked(shown)}</div>',
            table(shown),
            redact(found, style),
        ]

    def answer(request: gr.Request, *values: Any) -> list[Any]:
        """Recognize; what fails leaves the last good choice and its result in place."""
        form = _Form(*values)
        if not form.text.strip():
            return refused("There is no text yet. Type or paste one, or pick an example.")
        choice = known_choice(service, form.model, form.device, form.precision)
        try:
            with service.visitors.slot(request):
                found = service.recognize(form.text, choice, form.aggregation)
                kinds = _kinds(found, service.recognizer(choice).labels)
        except LimitError as error:
            return refused(str(error))
        except ChoiceError as error:
            return refused(f"{error}\nStill using {form.good}.", form.good)
        wanted = [kind for kind in form.labels if kind in kinds]
        result, *rest = show(found, kinds, form.threshold, wanted, form.style)
        # What stays as it is is not sent: every update costs the browser time.
        return [
            notice("\n".join(found.notes)),
            *([gr.skip()] * 3 if choice == form.good else choice_updates(service, choice)),
            choice,
            found,
            gr.skip() if (kinds, wanted) == (form.known, form.labels) else _menu(kinds, wanted),
            kinds,
            gr.update(visible=True) if form.found is None else result,
            *rest,
        ]

    def choose(request: gr.Request, *values: Any) -> list[Any]:
        """Load what was chosen, and answer anew if there is an answer already."""
        form = _Form(*values)
        choice = known_choice(service, form.model, form.device, form.precision)
        if choice == form.good:
            # Gradio's drop-downs report an input when they are merely left; a message must stay then.
            return [gr.skip()] * len(outputs)
        if form.found is not None and form.text.strip():
            return answer(request, *values)
        try:
            with service.visitors.slot(request):
                kinds = service.checked(choice).labels
        except LimitError as error:
            return refused(str(error))
        except ChoiceError as error:
            return refused(f"{error}\nStill using {form.good}.", form.good)
        wanted = [kind for kind in form.labels if kind in kinds]
        return [
            "",
            *choice_updates(service, choice),
            choice,
            None,
            _menu(kinds, wanted),
            kinds,
            *[gr.skip()] * len(views),
        ]

    def refine(request: gr.Request, *values: Any) -> list[Any]:
        """Show the answer under other settings; one that is no longer kept is made again."""
        form = _Form(*values)
        if form.found is None:
            return rerun(request, *values)
        kept = [gr.skip()] * (len(outputs) - len(views))
        return [*kept, *show(form.found, form.known, form.threshold, form.labels, form.style)]

    def rerun(request: gr.Request, *values: Any) -> list[Any]:
        return answer(request, *values) if _Form(*values).text.strip() else [gr.skip()] * len(outputs)

    def refused(message: str, good: Choice | None = None) -> list[Any]:
        kept = choice_updates(service, good, chosen=False) if good else [gr.skip()] * 3
        return [notice(message), *kept, *[gr.skip()] * (4 + len(views))]

    inputs = [text, *controls, aggregation, good, found, known, *settings]
    outputs = [message, *controls, good, found, labels, known, *views]
    # Not through the queue, whose round trips take longer than the answer; visitors.slot is the limit.
    fast: dict[str, Any] = {
        "api_visibility": "private",
        "queue": False,
        "show_progress": "minimal",
        "show_progress_on": [highlighted],
    }
    run.click(answer, inputs, outputs, **fast)
    examples.load_input_event.then(answer, inputs, outputs, **fast)
    # What was chosen last counts, also while an earlier choice is still being loaded.
    latest: dict[str, Any] = {"trigger_mode": "always_last"}
    for control in controls:
        control.input(choose, inputs, outputs, **fast, **latest)
    aggregation.input(rerun, inputs, outputs, **fast, **latest)
    for changed in (threshold.release, labels.input, view.style.input):
        changed(refine, inputs, outputs, **fast | latest | {"show_progress": "hidden"})
    clear.click(
        lambda: ["", "", gr.update(visible=False), None],
        None,
        [text, message, view.result, found],
        api_visibility="private",
        queue=False,
    )

    _wire_exports(view, found)
    view.copy.click(None, None, None, js=_COPY_TABLE)
    shared = [text, *controls, aggregation, threshold]
    _wire_sharing(view.share, shared)
    demo.load(None, shared, shared, js=_RESTORE).then(rerun, inputs, outputs, **fast)
    return controls


class _Results(NamedTuple):
    """The components below the text box."""

    result: gr.Column
    summary: gr.HTML
    threshold: gr.Slider
    labels: gr.Dropdown
    aggregation: gr.Dropdown
    highlighted: gr.HTML
    table: gr.HTML
    copy: gr.Button
    savers: list[gr.Button]
    share: gr.Button
    style: gr.Radio
    redacted: gr.Textbox
    export: gr.Textbox


def _build_results() -> _Results:
    """Lay out what is shown once there is an answer."""
    with gr.Column(visible=False, elem_id="text-result") as result:
        summary = gr.HTML(elem_classes="facts", elem_id="text-facts", padding=False)
        with gr.Row():
            threshold = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label="Least score",
                info="Hides what is less sure",
                min_width=260,
                elem_id="threshold",
            )
            labels = gr.Dropdown(
                [], value=[], multiselect=True, label="Labels", info="None: all are shown", elem_id="labels"
            )
            aggregation = gr.Dropdown(
                [(_AGGREGATION_NAMES.get(name, name), name) for name in AGGREGATIONS],
                value=DEFAULT_AGGREGATION,
                label="Aggregation",
                info="How word pieces become entities",
                elem_id="aggregation",
            )
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                highlighted = gr.HTML(label="Entities", elem_id="highlighted", padding=False)
            with gr.Column(scale=2, min_width=320):
                table = gr.HTML(label="Table", elem_id="entity-table", padding=False)
        with gr.Row(elem_id="exports"):
            savers = [gr.Button(f"Save {name}", size="sm") for name, *_ in EXPORTS]
            copy = gr.Button("Copy table", size="sm", elem_id="copy-table")
            share = gr.Button("Copy link", size="sm", elem_id="share")
        with gr.Accordion("Redacted text", open=False, elem_id="redaction"):
            style = gr.Radio(
                [("Labels: [PER]", "label"), ("Numbered: PER_1", "number")],
                value="label",
                label="Names are replaced by",
            )
            redacted = gr.Textbox(
                label="Redacted",
                info="Only what the model found is replaced; read it before you pass it on.",
                lines=4,
                max_lines=18,
                buttons=["copy"],
                interactive=False,
                elem_id="redacted",
            )
    export = gr.Textbox(visible="hidden", label="Export", container=False)
    return _Results(
        result,
        summary,
        threshold,
        labels,
        aggregation,
        highlighted,
        table,
        copy,
        savers,
        share,
        style,
        redacted,
        export,
    )


def _wire_exports(view: _Results, found: gr.State) -> None:
    """Let each button write the file's content, and the browser save it."""
    for button, (_, name, kind, write) in zip(view.savers, EXPORTS, strict=True):

        def save(
            answered: Recognition | None,
            least: float,
            wanted: list[str],
            write: Callable[[Recognition], str] = write,
        ) -> str:
            if answered is None:
                raise gr.Error(_GONE, print_exception=False)
            return write(filtered(answered, least, wanted))

        button.click(
            save,
            [found, view.threshold, view.labels],
            view.export,
            api_visibility="private",
            show_progress="hidden",
        ).then(None, view.export, None, js=_SAVE.format(name=name, kind=kind))


def _wire_sharing(button: gr.Button, shared: list[Any]) -> None:
    """Let the button put text and settings into the address of the page."""
    button.click(None, shared, None, js=_SHARE)
    button.click(
        lambda: gr.Info("The link is copied; it holds the text and the settings."),
        None,
        None,
        api_visibility="private",
        queue=False,
    )


def facts(answered: Recognition, shown: Recognition) -> str:
    """Return what was run, where, and how long it took, as HTML.

    Examples
    --------
    >>> from ner_core import Recognition
    >>> found = Recognition("Hi", (), model="m", device="CPU", precision="INT8", pieces=1, windows=1)
    >>> facts(found, found)[:60]
    '<strong>0 entities</strong> · <strong>m</strong> on <strong>'
    """
    count = len(shown.entities)
    hidden = len(answered.entities) - count
    times = answered.timings
    parts = [
        f"<strong>{count:,} {'entity' if count == 1 else 'entities'}</strong>"
        + (f" ({hidden:,} hidden)" if hidden else ""),
        f"<strong>{html.escape(answered.model)}</strong> on <strong>{html.escape(answered.device)}</strong>"
        f" ({html.escape(answered.precision)})",
        f"{answered.pieces:,} word {'piece' if answered.pieces == 1 else 'pieces'}"
        + (f" in {answered.windows:,} windows" if answered.windows > 1 else ""),
        f"tokenize {times.tokenization:.1f} ms",
        f"infer {times.inference:.1f} ms",
        f"decode {times.decoding:.1f} ms",
        f"total <strong>{times.total:.1f} ms</strong>",
    ]
    if count > _TABLE_ROWS:
        parts.append(f"the table shows the first {_TABLE_ROWS:,}")
    return " · ".join(parts)


def table(found: Recognition) -> str:
    """Return the first entities as an HTML table, which the page's script sorts by the column clicked on.

    Gradio's own table takes the browser several milliseconds more for every answer.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("<Mary>", (Entity(1, 5, "PER", 0.5, "Mary"),))
    >>> table(found).partition("<tbody>")[2]
    '<tr><td>Mary</td><td>PER</td><td>0.5000</td><td>1</td><td>5</td></tr></tbody></table></div>'
    """
    head = "".join(f'<th scope="col"><button type="button">{title}</button></th>' for title in _HEADERS)
    body = "".join(
        f"<tr><td>{html.escape(' '.join(entity.text.split()))}</td><td>{html.escape(entity.label)}</td>"
        f"<td>{entity.score:.4f}</td><td>{entity.start}</td><td>{entity.end}</td></tr>"
        for entity in found.entities[:_TABLE_ROWS]
    )
    return (
        '<div class="scroll panel sortable" tabindex="0" role="group" aria-label="Table of the entities">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _menu(kinds: list[str], wanted: list[str]) -> Any:
    return gr.update(choices=kinds, value=wanted)


def _kinds(found: Recognition, known: Sequence[str]) -> list[str]:
    """Return the labels that the model knows, or under aggregation ``none`` the tags that were found."""
    present = {entity.label for entity in found.entities}
    return list(known) if present <= set(known) else sorted(present)
