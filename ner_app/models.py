"""The Models tab: what the zoo has, and getting it onto this machine."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator  # noqa: TC003 - Gradio reads these hints
from typing import TYPE_CHECKING, Any

import gradio as gr

from model_zoo.catalog import folders, zoo
from ner_app.choosing import notice, precision_choices
from ner_app.compare import combinations
from ner_app.installation import Installation, InstallationError, Progress, hub_names
from ner_core.labels import entity_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner_app.choosing import ChoiceControls
    from ner_app.service import Service

__all__ = ["build_models_tab", "card", "progress_view", "zoo_table"]

_HUB_HINT = "Or type hf:OWNER/NAME for a token classifier of the Hugging Face hub"
_HEADERS = ["Name", "Task", "Labels", "Download", "Licence", "State"]
_STATES = {
    "embedded": "ready (comes with the page)",
    "ready": "ready",
    "downloaded": "downloaded, not converted",
    "partial": "partly downloaded",
    "absent": "not on this machine",
}


def build_models_tab(
    demo: gr.Blocks, service: Service, menus: Sequence[ChoiceControls], combined: gr.Dropdown
) -> None:
    """Build the tab inside the page that is being built.

    Parameters
    ----------
    demo : gradio.Blocks
        The page; the table is made anew each time it is opened.
    service : Service
        Is told which models came and went.
    menus : sequence of ChoiceControls
        The other tabs' drop-downs of models and precisions.
    combined : gradio.Dropdown
        The Compare tab's drop-down of combinations.
    """
    allowed = service.limits.allow_downloads
    hub_allowed = allowed and service.limits.allow_hub
    names = [model.name for model in zoo.load_catalog()]
    first = service.default if service.default in names else (names[0] if names else None)
    built = (zoo_table(), service.models())
    table = gr.HTML(built[0], padding=False, elem_id="zoo-table")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            name = gr.Dropdown(
                [*names, *hub_names()],
                value=first,
                label="Model",
                info=_HUB_HINT if hub_allowed else None,
                allow_custom_value=hub_allowed,
                elem_id="zoo-model",
            )
            if not allowed:
                gr.Markdown(
                    "Downloads are switched off on this page (`NER_ALLOW_DOWNLOADS`). "
                    "On your own machine they are on."
                )
            with gr.Row(visible=allowed):
                install = gr.Button("Download and convert", variant="primary", elem_id="install")
                cancel = gr.Button("Cancel", min_width=90, elem_id="cancel-install")
            remove = gr.Button(
                "Delete the downloaded files", variant="stop", visible=allowed, elem_id="remove"
            )
            status = gr.HTML(elem_id="zoo-status", elem_classes="quiet", apply_default_css=False)
        with gr.Column(scale=3, min_width=320):
            readme = gr.Markdown(card(first or ""), sanitize_html=True, container=True, elem_id="model-card")

    models_chosen = [controls.model for controls in menus]
    outputs = [
        *(status, readme, table, name, combined),
        *(menu for controls in menus for menu in (controls.model, controls.precision)),
    ]
    unchanged = [gr.skip()] * (len(outputs) - 1)

    def listed(*chosen: str) -> list[Any]:
        """Show what is on this machine now, here and in the other tabs."""
        models = gr.update(choices=list(service.models()))
        precisions = [gr.update(choices=precision_choices(service, one)) for one in chosen]
        return [
            zoo_table(),
            gr.update(choices=[*names, *hub_names()]),
            gr.update(choices=combinations(service)),
            *(menu for precision in precisions for menu in (models, precision)),
        ]

    def listed_since(*chosen: str) -> list[Any]:
        """Leave a page alone that shows all this already: it may be in use by now."""
        if (zoo_table(), service.models()) == built:
            return unchanged[1:]
        return listed(*chosen)

    def permitted(chosen: str) -> bool:
        return chosen in names or (hub_allowed and _is_hub_name(chosen))

    running: dict[str, Installation] = {}
    guard = threading.Lock()

    def install_model(request: gr.Request, chosen: str, *others: str) -> Iterator[list[Any]]:
        chosen = chosen.strip()
        if not allowed or not permitted(chosen):
            yield [notice(_refusal(chosen, hub_allowed=hub_allowed)), *unchanged]
            return
        installation = Installation(chosen, folders.models_dir())
        owner = request.session_hash or ""
        with guard:
            if running:
                busy = next(iter(running.values())).name
                message = f"{busy} is being downloaded or converted. Wait for it to finish, or cancel it."
            else:
                running[owner] = installation
                message = ""
        if message:
            yield [notice(message), *unchanged]
            return
        try:
            for progress in installation.run():
                yield [progress_view(chosen, progress), *unchanged]
            done = (
                "Cancelled. What was downloaded is kept; the next attempt goes on from there."
                if installation.cancelled
                else f"{chosen} is ready. It is now among the models of the other tabs."
            )
            service.refresh()
            yield [f'<p class="said" role="status">{html.escape(done)}</p>', card(chosen), *listed(*others)]
        except InstallationError as error:
            yield [notice(str(error)), gr.skip(), *listed(*others)]
        finally:
            with guard:
                running.pop(owner, None)

    def cancel_install(request: gr.Request) -> str:
        with guard:
            installation = running.get(request.session_hash or "")
        if installation is None:
            return '<p class="said" role="status">Nothing of yours is being downloaded.</p>'
        installation.cancel()
        return '<p class="said" role="status">Cancelling …</p>'

    def remove_model(chosen: str, *others: str) -> list[Any]:
        if not chosen:  # the visitor thought better of it
            return [gr.skip(), *unchanged]
        model = folders.find_model(chosen) if allowed and permitted(chosen) else None
        if model is None:
            return [notice("There is nothing of this model that could be deleted here."), *unchanged]
        if any(installation.name == chosen for installation in list(running.values())):
            return [notice(f"{chosen} is being downloaded or converted. Cancel that first."), *unchanged]
        service.forget(chosen)
        try:
            freed = folders.remove(model)
        except (zoo.CatalogError, OSError) as error:
            return [notice(str(error)), gr.skip(), *listed(*others)]
        service.refresh()
        said = (
            f"Deleted {freed / 1e6:,.1f} MB of {chosen}."
            if freed
            else f"{chosen} has no downloaded files here."
        )
        return [f'<p class="said" role="status">{html.escape(said)}</p>', card(chosen), *listed(*others)]

    install.click(
        install_model,
        [name, *models_chosen],
        outputs,
        api_visibility="private",
        concurrency_limit=2,
        show_progress="hidden",
    )
    cancel.click(cancel_install, None, status, api_visibility="private", queue=False)
    remove.click(
        remove_model,
        [name, *models_chosen],
        outputs,
        js="(name, ...rest) => [confirm(`Delete the downloaded files of ${name}?`) ? name : '', ...rest]",
        api_visibility="private",
        show_progress="hidden",
    )
    name.change(card, name, readme, api_visibility="private", show_progress="hidden")
    demo.load(
        listed_since,
        models_chosen,
        outputs[2:],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )


def zoo_table() -> str:
    """Return the zoo as an HTML table."""
    head = "".join(f'<th scope="col">{title}</th>' for title in _HEADERS)
    of_the_hub = ((name, folders.find_model(name)) for name in hub_names())
    models = [*((model.name, model) for model in zoo.load_catalog()), *of_the_hub]
    body = "".join(_row(name, model) for name, model in models if model is not None)
    return (
        '<div class="scroll panel" tabindex="0" role="group" aria-label="The zoo">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _is_hub_name(name: str) -> bool:
    try:
        return name.startswith("hf:") and bool(folders.hub_subdirectory(name))
    except zoo.CatalogError:
        return False


def _refusal(name: str, *, hub_allowed: bool) -> str:
    if hub_allowed:
        return f"{name!r} cannot be downloaded. Choose a model of the list, or type hf:OWNER/NAME."
    return "Only the models of the list can be downloaded here, and only where downloads are switched on."


def _row(name: str, model: zoo.Model) -> str:
    labels = ", ".join(entity_types(model.labels)) if model.labels else "as its own files say"
    licence = html.escape(model.license)
    if model.license.startswith("https://"):
        licence = f'<a href="{licence}" target="_blank" rel="noopener noreferrer">licence</a>'
    cells = [
        html.escape(model.task_type.replace("_", " ")),
        html.escape(labels).replace("_", "_<wbr>"),
        f"{model.size / 1e6:,.1f} MB" if model.size else "not known yet",
        licence,
        _STATES[folders.state(model)],
    ]
    return (
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def card(name: str) -> str:
    """Return a model's card as Markdown: its README, else its description."""
    model = folders.find_model(name)
    if model is None:
        return ""
    readme = model.config.parent / "README.md" if model.config else None
    if readme is not None and readme.is_file():
        return readme.read_text(encoding="utf-8")
    return f"# {name}\n\n{model.description}\n\nLicence: {model.license}"


def progress_view(name: str, progress: Progress) -> str:
    """Return the progress of a download as HTML.

    Examples
    --------
    >>> "Starting m" in progress_view("m", Progress())
    True
    """
    parts = [f"{html.escape(progress.step)} {html.escape(name)}"]
    bar = '<progress aria-label="Progress"></progress>'
    if progress.step == "Downloading" and progress.sizes:
        done, total = sum(progress.done.values()), sum(progress.sizes.values())
        parts.append(html.escape(progress.file))
        parts.append(f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB")
        parts.append(f"{progress.speed / 1e6:,.1f} MB/s")
        if progress.seconds_left is not None:
            parts.append(f"{progress.seconds_left:,.0f} s left")
        bar = f'<progress value="{progress.share:.3f}" max="1" aria-label="Progress"></progress>'
    if progress.step == "Converting" and progress.detail:
        parts.append(html.escape(progress.detail))
    return f'<p class="said facts" role="status">{" · ".join(parts)}</p>{bar}'
