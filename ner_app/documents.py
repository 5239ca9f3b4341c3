"""The Documents tab: files or a web page in; tables, plots and a zip out."""

from __future__ import annotations

import dataclasses
import html
import itertools
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator  # noqa: TC003 - Gradio reads these hints
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pandas as pd

from ner_app.choosing import ChoiceControls, choice_controls, choice_of, notice, precision_choices
from ner_app.findings import Findings
from ner_app.limits import LimitError
from ner_app.service import ChoiceError, filtered
from ner_core import Recognition, Timings
from ner_core.labels import color
from ner_documents.document import Document, Problem
from ner_documents.fetching import FetchError, fetch_page
from ner_documents.parts import Part, parts_of
from ner_documents.reading import SUFFIXES, ReadOptions, read_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ner_app.service import Choice, Service

__all__ = ["build_documents_tab", "read_sources", "recognize_documents"]

_PART = 10_000
# Progress and cancelling wait for a round of texts: two seconds of bert-base on two processors.
_LOOK_AHEAD = 2 * _PART
_TABLE_ROWS = 500
_PLOT_BARS = 20
_SECONDS_BETWEEN_UPDATES = 0.5


def build_documents_tab(service: Service) -> ChoiceControls:
    """Build the tab inside the page that is being built; return its drop-downs."""
    limits = service.limits
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            files = gr.File(
                file_count="multiple",
                file_types=list(SUFFIXES),
                label="Files",
                height=220,
                elem_id="files",
            )
            address = gr.Textbox(
                label="Web address",
                info="Of a public page; fetched by this server",
                placeholder="https://en.wikipedia.org/wiki/Santa_Clara,_California",
                max_lines=1,
                elem_id="address",
            )
            with gr.Row():
                run = gr.Button("Recognize all", variant="primary", scale=2, elem_id="run-documents")
                stop = gr.Button("Cancel", elem_id="cancel-documents", min_width=100)
        with gr.Column(scale=2, min_width=320):
            controls = choice_controls(service, "documents")
            least = gr.Slider(0, 1, 0, step=0.01, label="Least score")
            column = gr.Textbox(
                label="Column with the text",
                info="Of CSV and JSON lines; empty: the column named text, or the longest",
                max_lines=1,
                elem_id="column",
            )
    gr.Markdown(
        f"{', '.join(SUFFIXES)}: up to {limits.files} files of {limits.file_bytes / 1e6:.0f} MB and "
        f"{limits.document_characters:,} characters each. Uploads and results are deleted after an hour.",
        elem_classes="facts",
    )
    status = gr.HTML(elem_id="documents-status", elem_classes="quiet", apply_default_css=False)
    problems = gr.HTML(elem_id="documents-problems", elem_classes="quiet", apply_default_css=False)
    outputs = [status, problems, *_build_results()]
    running: dict[str, threading.Event] = {}

    def recognize_all(
        request: gr.Request,
        paths: list[str] | None,
        url: str,
        model: str,
        device: str,
        precision: str,
        threshold: float,
        text_column: str,
    ) -> Iterator[list[Any]]:
        choice = choice_of(model, device, precision)
        given = [Path(path) for path in paths or []]
        sources = len(given) + bool(url.strip())
        nothing = [gr.skip()] * (len(outputs) - 1)
        session = request.session_hash or ""
        cancelled = running[session] = threading.Event()
        try:
            limits.check_files(sources)
            with service.visitors.slot(request), tempfile.TemporaryDirectory(prefix="ner-") as folder:
                yield ['<p class="said" role="status">Loading the model …</p>', *nothing]
                service.checked(choice)
                findings = Findings(Path(folder))
                shown, at = -1, 0.0
                for step in _work(service, choice, findings, given, url, threshold, text_column, cancelled):
                    now = time.monotonic()
                    due = step.finished != shown or now - at > _SECONDS_BETWEEN_UPDATES
                    if due and not cancelled.is_set():
                        shown, at = step.finished, now
                        yield [_progress(step, sources, findings), *nothing]
                yield [_summary(findings), _problem_list(findings.problems), *_views(findings)]
        except (LimitError, ChoiceError) as error:
            yield [notice(str(error)), *nothing]
        finally:
            if running.get(session) is cancelled:
                del running[session]

    def cancel(request: gr.Request) -> str:
        event = running.get(request.session_hash or "")
        if event is None:
            return '<p class="said" role="status">Nothing of yours is being read.</p>'
        event.set()
        return '<p class="said" role="status">Cancelling; what is finished will be shown …</p>'

    run.click(
        recognize_all,
        [files, address, *controls, least, column],
        outputs,
        api_visibility="private",
        concurrency_limit=2,
        show_progress="hidden",
    )
    stop.click(cancel, None, status, api_visibility="private", queue=False, show_progress="hidden")
    controls.model.input(
        lambda name: gr.update(choices=precision_choices(service, name), value="best"),
        controls.model,
        controls.precision,
        api_visibility="private",
        queue=False,
    )
    return controls


def _build_results() -> list[gr.Column | gr.DownloadButton | gr.BarPlot | gr.Dataframe]:
    """Lay out what is shown once documents were read, in the order of `_views`."""
    with gr.Column(visible=False) as result:
        download = gr.DownloadButton("Save all as a zip", elem_id="download-zip", interactive=False)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                label_plot = gr.BarPlot(
                    x="label",
                    y="count",
                    title="Entities by label",
                    x_title=" ",
                    y_title="count",
                    height=280,
                    show_label=False,
                    sort="-y",
                )
                label_table = gr.Dataframe(
                    headers=["Label", "Count"],
                    datatype=["str", "number"],
                    label="By label",
                    interactive=False,
                    max_height=420,
                    buttons=["copy"],
                    elem_id="label-table",
                )
            with gr.Column(min_width=320):
                name_plot = gr.BarPlot(
                    x="name",
                    y="count",
                    title=f"The {_PLOT_BARS} most frequent",
                    x_title=" ",
                    y_title="count",
                    height=280,
                    show_label=False,
                    sort="-y",
                    x_label_angle=-40,
                )
                name_table = gr.Dataframe(
                    headers=["Entity", "Label", "Count"],
                    datatype=["str", "str", "number"],
                    label="By entity",
                    interactive=False,
                    max_height=420,
                    wrap=True,
                    buttons=["copy"],
                    elem_id="name-table",
                )
    return [result, download, label_plot, name_plot, label_table, name_table]


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """How far the work is: sources finished, what is read now, and how much of it."""

    finished: int
    name: str
    share: float = 0.0


def _work(
    service: Service,
    choice: Choice,
    findings: Findings,
    paths: Sequence[Path],
    url: str,
    threshold: float,
    column: str,
    cancelled: threading.Event,
) -> Iterator[_Step]:
    """Read and recognize everything; what cannot be read becomes a problem and the rest goes on."""
    sources = list(read_sources(service, paths, url, column, cancelled))
    for number, (name, read) in enumerate(sources):
        yield _Step(number, name)
        share = 0.0
        if not cancelled.is_set():
            try:
                items = read()
            except (FetchError, LimitError) as error:
                findings.problems.append(str(error))
                continue
            findings.problems += [str(item) for item in items if isinstance(item, Problem)]
            documents = [item for item in items if isinstance(item, Document)]
            for document, found, share in recognize_documents(service, documents, choice, cancelled):
                if found is not None:
                    findings.add(document.where, filtered(found, threshold))
                yield _Step(number, document.where, share)
        finished = number + (share == 1)
        if cancelled.is_set() and finished < len(sources):
            findings.partial = f"{finished} of {len(sources)} sources were read to the end"
            return


def read_sources(
    service: Service, paths: Sequence[Path], url: str, column: str, cancelled: threading.Event
) -> Iterator[tuple[str, Callable[[], list[Document | Problem]]]]:
    """Yield the name of every source and a function that reads it.

    Parameters
    ----------
    service : Service
        Has the limits.
    paths : sequence of Path
        Uploaded files.
    url : str
        Web address, or empty.
    column : str
        Column of tables that holds the text; empty to have it chosen.
    cancelled : threading.Event
        Once it is set, reading ends.
    """
    limits = service.limits

    def read_file(path: Path) -> list[Document | Problem]:
        limits.check_file(path.name, path.stat().st_size)
        return read(path.name, path.read_bytes(), None)

    def read_page() -> list[Document | Problem]:
        page = fetch_page(url, max_bytes=limits.page_bytes, seconds=limits.fetch_seconds)
        found = read(f"page{page.suffix}", page.content, page.charset)
        return [dataclasses.replace(one, source=page.url) for one in found]

    def read(name: str, content: bytes, encoding: str | None) -> list[Document | Problem]:
        options = ReadOptions(column=column.strip() or None, encoding=encoding)
        items: list[Document | Problem] = []
        characters = 0
        for item in read_bounded(name, options, content=content, cancelled=cancelled.is_set):
            characters += item.characters if isinstance(item, Document) else 0
            if characters > limits.document_characters:
                msg = f"{name}: holds more than {limits.document_characters:,} characters. Split the file."
                raise LimitError(msg)
            items.append(item)
        return items

    for path in paths:
        yield path.name, lambda path=path: read_file(path)  # type: ignore[misc]
    if url.strip():
        yield url.strip(), read_page


def recognize_documents(
    service: Service,
    documents: Sequence[Document],
    choice: Choice,
    cancelled: threading.Event | None = None,
) -> Iterator[tuple[Document, Recognition | None, float]]:
    """Recognize documents as one stream, so that many short ones run in batches and a long one in parts.

    Parameters
    ----------
    service : Service
        Answers.
    documents : sequence of Document
        Of any length.
    choice : Choice
        What runs.
    cancelled : threading.Event or None
        Once it is set, the document at hand is the last, cut where the work stopped; its name says so.

    Yields
    ------
    tuple of (Document, Recognition or None, float)
        The document at hand, its result once it is complete, and the share of all characters that is done.
    """
    places: deque[tuple[Document, Part, bool]] = deque()

    def parts() -> Iterator[Part]:
        for document in documents:
            cut = parts_of(document, _PART)
            for number, part in enumerate(cut, 1):
                places.append((document, part, number == len(cut)))
                yield part

    texts, spans = itertools.tee(parts())
    total = max(sum(document.characters for document in documents), 1)
    done = 0
    collected: list[tuple[int, Recognition]] = []
    for found in service.recognize_stream(
        (part.text for part in texts),
        choice,
        look_ahead=_LOOK_AHEAD,
        segments=(part.segments for part in spans),
    ):
        document, part, last = places.popleft()
        collected.append((part.start, found))
        done += len(found.text)
        if cancelled is not None and cancelled.is_set() and not last:
            end = part.start + len(found.text)
            name = f"{document.where} (first {end:,} of {document.characters:,} characters)"
            yield (
                Document(name, None, document.text[:end], {}),
                _joined(document.text[:end], collected),
                done / total,
            )
            return
        yield document, _joined(document.text, collected) if last else None, done / total
        if last:
            collected = []
            if cancelled is not None and cancelled.is_set():
                return


def _joined(text: str, parts: Sequence[tuple[int, Recognition]]) -> Recognition:
    """Put the results of the parts of a text together, with offsets in the whole."""
    times = [part.timings for _, part in parts]
    return dataclasses.replace(
        parts[0][1],
        text=text,
        entities=tuple(
            dataclasses.replace(entity, start=entity.start + begin, end=entity.end + begin)
            for begin, part in parts
            for entity in part.entities
        ),
        timings=Timings(
            sum(time.tokenization for time in times),
            sum(time.inference for time in times),
            sum(time.decoding for time in times),
        ),
        pieces=sum(part.pieces for _, part in parts),
        windows=sum(part.windows for _, part in parts),
    )


def _progress(step: _Step, sources: int, findings: Findings) -> str:
    done = (step.finished + step.share) / max(sources, 1)
    return (
        f'<p class="said" role="status">Reading {html.escape(step.name)} ({step.finished + 1} of {sources}); '
        f"{sum(findings.labels.values()):,} entities so far</p>"
        f'<progress value="{done:.3f}" max="1" aria-label="Documents read">{done:.0%}</progress>'
    )


def _summary(findings: Findings) -> str:
    entities = sum(findings.labels.values())
    partial = notice(f"Cancelled; the results are partial: {findings.partial}.") if findings.partial else ""
    return (
        f'{partial}<p class="facts said" role="status"><strong>{entities:,} entities</strong> in '
        f"{findings.documents:,} {'document' if findings.documents == 1 else 'documents'} of "
        f"{findings.characters:,} characters; {len(findings.names):,} different</p>"
    )


def _problem_list(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    items = "".join(f"<li>{html.escape(problem)}</li>" for problem in problems)
    count = f"{len(problems)} remarks on what was given; what could be read is below."
    return f'<div class="notice said" role="alert">{count}<ul>{items}</ul></div>'


def _views(findings: Findings) -> list[Any]:
    if not findings.documents:
        return [gr.update(visible=False), *[gr.skip()] * 5]
    labels = findings.labels.most_common()
    names = findings.names.most_common(_TABLE_ROWS)
    bars = [[f"{name[:40]} ({label})", count] for (label, name), count in names[:_PLOT_BARS]]
    return [
        gr.update(visible=True),
        gr.update(value=str(findings.zip_file()), interactive=True),
        gr.update(
            value=pd.DataFrame(labels, columns=["label", "count"]),
            color="label",
            color_map={label: color(label) for label, _ in labels},
            y_lim=_from_zero([count for _, count in labels]),
        ),
        gr.update(
            value=pd.DataFrame(bars, columns=["name", "count"]),
            y_lim=_from_zero([count for _, count in names[:_PLOT_BARS]]),
        ),
        [list(row) for row in labels],
        [[name, label, count] for (label, name), count in names],
    ]


def _from_zero(counts: Sequence[int]) -> list[float]:
    """Return the limits of an axis that begins at zero, as bars must."""
    # With less room than this, the axis would count in fractions.
    return [0, max([5, *counts]) * 1.05]
