"""The Documents tab: files or a web page in; their names, marked texts, tables and redacted files out."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator  # noqa: TC003 - Gradio reads these hints
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from model_zoo.catalog.layout import AUTO
from ner_app.batch import Step, work_through
from ner_app.findings import Findings
from ner_app.jobs import Cancelled, in_background
from ner_app.limits import LimitError
from ner_app.redaction import redacted_files
from ner_app.service import BY_LANGUAGE, Choice, ChoiceError
from ner_app.table_preview import previews, table_view
from ner_app.templating import render
from ner_app.text import REDACTIONS
from ner_app.visits import Visits
from ner_documents.formats import COMPRESSIONS
from ner_documents.reading import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ner_app.service import Service

__all__ = ["build_documents_tab", "model_choices", "table_menu"]

_SECONDS_BETWEEN_UPDATES = 0.5
#: Share of the work after which its speed tells when it ends; the beginning is slower.
_TELLING = 0.02
_AUTOMATIC = ("Automatic", "")
_CANCELLING = "Cancelling; what is finished will be shown …"
_LEFT = "The page was left before everything was read. Press Recognize all to start again."
_GONE = "The files and results from before are no longer on the server. Choose the files again."
#: Characters of a web address that come back after a reload.
_LONGEST_ADDRESS = 2_000


def build_documents_tab(service: Service) -> None:
    """Build the tab inside the page that is being built."""
    limits = service.limits
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            files = gr.File(
                file_count="multiple",
                file_types=[*SUFFIXES, *COMPRESSIONS],
                label="Files",
                height=180,
                elem_id="files",
            )
            address = gr.Textbox(
                label="Or a web address",
                info="A public page; this server fetches it",
                placeholder="https://en.wikipedia.org/wiki/Santa_Clara,_California",
                max_lines=1,
                elem_id="address",
            )
        with gr.Column(scale=2, min_width=300):
            with gr.Row():
                # Beside each other on a wide page, below each other on a phone.
                column = _column_list(
                    "Column with the text", "text, or the one with the longest texts", "column"
                )
                naming = _column_list("Column that names the rows", "id, or the line in the file", "naming")
            with gr.Row():
                run = gr.Button("Recognize all", variant="primary", scale=2, elem_id="run-documents")
                stop = gr.Button("Cancel", elem_id="cancel-documents", min_width=100)
            # Where the press is: results may come below the fold.
            gr.HTML(
                render("documents_busy.html"),
                elem_classes="quiet",
                apply_default_css=False,
                js_on_load="NerPage.startDocuments(element)",
            )
            status = gr.HTML(elem_id="documents-status", elem_classes="quiet", apply_default_css=False)
            with gr.Accordion("Options", open=False) as options:
                model = gr.Dropdown(
                    model_choices(service), value=service.first, label="Model", elem_id="documents-model"
                )
                device = gr.Dropdown(
                    service.device_menu(),
                    value="AUTO",
                    label="Device",
                    info=None if limits.public else "Or as OpenVINO names it, such as HETERO:GPU,CPU",
                    allow_custom_value=not limits.public,
                    elem_id="documents-device",
                )
                precision = gr.Dropdown(
                    _precisions(service, service.first),
                    value="",
                    label="Precision",
                    elem_id="documents-precision",
                )
                least = gr.Slider(0, 1, 0, step=0.01, label="Minimum score")
            gr.HTML(
                render("documents_hint.html", limits=limits, titles=" ".join((*SUFFIXES, *COMPRESSIONS))),
                apply_default_css=False,
                js_on_load="NerPage.nameUpload()",
            )
    tables = gr.HTML(elem_id="documents-tables", elem_classes="quiet", apply_default_css=False)
    problems = gr.HTML(elem_id="documents-problems", elem_classes="quiet", apply_default_css=False)
    with gr.Column(visible=False, elem_id="documents-result") as result:
        with gr.Row(equal_height=False, elem_classes="take-away"):
            download = gr.DownloadButton("Save all as a zip", elem_id="download-zip", interactive=False)
            style = gr.Dropdown(
                [(title, operator) for operator, title in REDACTIONS],
                value="number",
                label="Names are replaced by",
                elem_id="redaction-style",
            )
            redact = gr.Button("Redact the files", elem_id="redact-files")
            redacted = gr.DownloadButton("Save redacted files", elem_id="download-redacted", visible=False)
        told = gr.HTML(elem_id="redaction-status", elem_classes="quiet", apply_default_css=False)
        view = gr.HTML(
            None,
            html_template='<div class="own documents"></div>',
            elem_id="documents-view",
            apply_default_css=False,
            # The value may be there before the component is: it is drawn when the results are shown first.
            js_on_load="const show = () => NerPage.showDocuments(element, props.value);"
            " watch('value', show); show();",
        )
    # A name that the browser keeps over a reload; its script presses the button to have back what is kept.
    visiting, again = gr.Textbox(visible=False), gr.Button(visible="hidden", elem_id="documents-again")
    outputs = [status, problems, result, download, redacted, told, view]
    running: set[tuple[str, threading.Event]] = set()
    visits = Visits()

    def allowed(*named: str | None) -> Choice:
        return service.allowed(Choice(*(name or "" for name in named)))

    def attempted(
        request: gr.Request, place: gr.HTML, work: Callable[[threading.Event], Iterator[dict[Any, Any]]]
    ) -> Iterator[dict[Any, Any]]:
        """Do work that its visitor can cancel; an error becomes a notice at its place."""
        cancelled = threading.Event()
        mine = request.session_hash or "", cancelled
        running.add(mine)
        try:
            yield from work(cancelled)
        except Cancelled:
            yield {place: render("said.html", said="Cancelled; no file was redacted.")}
        except (LimitError, ChoiceError, OSError, RuntimeError) as error:
            clear = {problems: ""} if place is status else {}
            # A comment makes it another one than before: the script waits for a change of the place.
            anew = f"<!-- {time.monotonic()} -->"
            said = render("problem.html", sentence=_reason(error), details="") + anew
            yield {place: said, **clear}
        finally:
            cancelled.set()
            running.discard(mine)

    def recognize_all(
        request: gr.Request,
        paths: list[str] | None,
        url: str,
        model: str,
        device: str,
        precision: str,
        threshold: float,
        text_column: str | None,
        name_column: str | None = None,
        visit: str = "",
    ) -> Iterator[dict[Any, Any]]:
        given = [Path(path) for path in paths or []]
        sources = len(given) + bool(url.strip())
        input_as_given = {files: paths, address: url[:_LONGEST_ADDRESS]}
        visits.keep(visit, {**input_as_given, status: render("said.html", said=_LEFT)})

        def work(cancelled: threading.Event) -> Iterator[dict[Any, Any]]:
            limits.check_files(sources)
            choice = allowed(model, device, precision)
            with service.visitors.slot(request), tempfile.TemporaryDirectory(prefix="ner-") as folder:
                begun = render("progress.html", parts=["Loading the model …"], share=None)
                yield {status: begun, problems: ""}
                service.checked(choice)
                findings = Findings(Path(folder), name_column or "id")
                began, at = time.monotonic(), 0.0
                sizes = [path.stat().st_size + 1 for path in given]
                if sources > len(sizes):  # a web page is taken to be as long as the files are
                    sizes.append(sum(sizes) // max(len(sizes), 1) + 1)
                shown = (-1, False)
                for step in work_through(
                    service, choice, findings, given, url, threshold, text_column or "", cancelled
                ):
                    reached, now = (step.finished, cancelled.is_set()), time.monotonic()
                    if reached == shown and now - at < _SECONDS_BETWEEN_UPDATES:
                        continue
                    shown, at = reached, now
                    reading = _progress(step, sizes, findings, now - began)
                    yield {status: render("said.html", said=_CANCELLING) if cancelled.is_set() else reading}
                ended: dict[Any, Any] = {
                    status: render("documents_summary.html", findings=findings),
                    problems: render("problems.html", problems=findings.problems),
                }
                if findings.documents:
                    drawn = findings.folder / "view.json"
                    read = {"files": [str(path) for path in given], "address": url.strip()}
                    drawn.write_text(json.dumps({**findings.view(), "given": read}), encoding="utf-8")
                    ended |= {
                        result: gr.update(visible=True),
                        download: gr.update(value=_kept(download, findings.zip_file()), interactive=True),
                        redacted: gr.update(visible=False),
                        told: "",
                        view: _kept(download, drawn),
                    }
                visits.keep(visit, {**input_as_given, **ended})
                yield with_view(ended)

        yield from attempted(request, status, work)

    def with_view(shown: dict[Any, Any]) -> dict[Any, Any]:
        """Read what the browser shows from its file; Gradio empties the updates that it gets."""
        copied = {one: dict(value) if isinstance(value, dict) else value for one, value in shown.items()}
        return copied | ({view: json.loads(Path(shown[view]).read_text("utf-8"))} if view in shown else {})

    def bring_back(visit: str) -> dict[Any, Any]:
        try:
            shown = with_view(visits.latest(visit))
        except OSError:  # its files are gone
            shown = {}
        if not shown:
            return {status: render("said.html", said=_GONE)}
        there = [path for path in shown.get(files) or [] if Path(path).exists()]
        return {status: "", **shown, files: there or None}

    def cancel(request: gr.Request) -> Any:
        mine = [event for session, event in list(running) if session == request.session_hash]
        for event in mine:
            event.set()
        # The cancelled work itself reports how it ended.
        return gr.skip() if mine else render("said.html", said="Nothing is running.")

    def redact_files(
        request: gr.Request, paths: list[str] | None, model: str, device: str, precision: str, operator: str
    ) -> Iterator[dict[Any, Any]]:
        given = [Path(path) for path in paths or []]
        finished: list[str] = []

        def step() -> dict[Any, Any]:
            parts = [f"Redacting {len(finished) + 1} of {len(given)} files"]
            share = len(finished) / len(given)
            return {told: render("progress.html", parts=parts, share=share or None)}

        def work(cancelled: threading.Event) -> Iterator[dict[Any, Any]]:
            yield {redacted: gr.update(visible=False)}
            limits.check_files(len(given), "Choose files to redact; web pages are not redacted.")
            choice = allowed(model, device, precision)
            with tempfile.TemporaryDirectory(prefix="ner-") as folder:
                yield step()
                service.checked(choice)
                target = Path(folder) / "redacted.zip"

                def redacting() -> tuple[int, list[str]]:
                    with service.visitors.slot(request):  # until it ends, whether somebody waits or not
                        return redacted_files(
                            service, choice, given, operator, target, cancelled, finished.append
                        )

                names, notes = yield from in_background(redacting, step, cancelled)
                done = f"Redacted {names} of {len(given)} files. Read them before you pass them on."
                ready = gr.update(value=_kept(redacted, target), visible=True) if names else gr.skip()
                said = render("said.html", said=done) + render("problems.html", problems=notes)
                yield {told: said, redacted: ready}

        yield from attempted(request, told, work)

    looks: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    quick, long = looks | {"queue": False}, looks | {"concurrency_limit": 2}
    run.click(
        recognize_all,
        [files, address, model, device, precision, least, column, naming, visiting],
        outputs,
        js="(...values) => [...values.slice(0, -1), NerPage.newVisit(...values)]",
        **long,
    )
    redact.click(redact_files, [files, model, device, precision, style], [told, redacted], **long)
    stop.click(cancel, None, status, **quick)
    again.click(
        bring_back, visiting, [files, address, *outputs], js="() => NerPage.kept('ner-visit')", **quick
    )
    files.change(lambda paths: table_menu(map(Path, paths or [])), files, [column, naming, tables], **looks)
    column.input(
        lambda paths, name: table_view(previews(map(Path, paths or []), name or "")),
        [files, column],
        tables,
        **looks,
    )
    options.expand(lambda: gr.update(choices=model_choices(service)), None, model, **quick)
    model.input(
        lambda name: gr.update(choices=_precisions(service, name), value=""), model, precision, **quick
    )


def model_choices(service: Service) -> list[tuple[str, str]]:
    """Return names for people and names of the models on this machine."""
    return [(BY_LANGUAGE if name == AUTO else name, name) for name in service.models()]


def _precisions(service: Service, model: str) -> list[tuple[str, str]]:
    """Return the precisions of a model, the automatic choice first."""
    return [("Best for the device", ""), *((name, name) for name in service.models().get(model, []))]


def _column_list(label: str, automatic: str, elem_id: str) -> gr.Dropdown:
    """Return a list of columns, hidden until there is a table; its info names the automatic choice."""
    return gr.Dropdown(
        [_AUTOMATIC],
        value="",
        label=label,
        info=f"Automatic: {automatic}",
        visible=False,
        elem_id=elem_id,
        min_width=200,
    )


def table_menu(paths: Iterable[Path]) -> tuple[Any, Any, str]:
    """Return the updates of the lists of columns, hidden without tables, and the first rows of the tables."""
    found = previews(paths)
    columns = dict.fromkeys(name for table in found for name in table.columns)
    # In quotes, for Gradio takes a bare "status" for the name of one of its own messages.
    named = [(f'"{name}"', name) for name in columns]
    menu: dict[str, Any] = {"choices": [_AUTOMATIC, *named], "value": "", "visible": bool(columns)}
    return gr.update(**menu), gr.update(**menu), table_view(found)  # Gradio empties the updates that it gets


def _kept(button: gr.DownloadButton, path: Path) -> str:
    """Copy a result to where Gradio serves it from, for Gradio's own copying fails silently."""
    return str(button.move_resource_to_block_cache(path))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The results cannot be written on this server ({reason}). Try again when there is room."
    return f"The model could not answer: {error}" if isinstance(error, RuntimeError) else str(error)


def _progress(step: Step, sizes: Sequence[int], findings: Findings, seconds: float) -> str:
    done = (sum(sizes[: step.finished]) + step.share * sizes[step.finished]) / sum(sizes)
    left = seconds / done - seconds if done > _TELLING and seconds > 1 else None
    return render(
        "reading.html",
        step=step,
        sources=len(sizes),
        found=sum(findings.labels.values()),
        done=done,
        left=left,
    )
