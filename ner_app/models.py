"""The Models tab: a card for each model of the zoo, and getting it onto this machine."""

from __future__ import annotations

import shutil
import statistics
import threading
from typing import TYPE_CHECKING, Any

import gradio as gr
from markdown_it import MarkdownIt

from model_zoo.catalog import folders, zoo
from model_zoo.catalog.layout import AUTO
from ner_app.commands import CommandError
from ner_app.installation import Installation, Progress, hub_names, model_of, own_names
from ner_app.jobs import word
from ner_app.kinds import kinds
from ner_app.limits import LimitError
from ner_app.samples import SAMPLES
from ner_app.service import Choice, ChoiceError
from ner_app.templating import render
from ner_app.works import Works
from ner_core.labels import entity_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from ner_app.service import Service
    from ner_core import EntityRecognizer

__all__ = ["build_models_tab", "card_text", "models_functions", "problem_view", "progress_view"]

_STATES = {
    "embedded": "ready, comes with the page",
    "ready": "ready",
    "downloaded": "downloaded, not converted",
    "partial": "partly downloaded",
    "absent": "not on this machine",
}
_RUNS = 5
_MEASURED = SAMPLES[0]
_WAYS_OUT = "A mirror of the hub can be named with HF_ENDPOINT."
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _link(renderer: Any, tokens: Any, number: int, options: Any, environment: Any) -> str:
    """Return the beginning of a link that opens beside the page."""
    tokens[number].attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
    return str(renderer.renderToken(tokens, number, options, environment))


_MARKDOWN.add_render_rule("link_open", _link)


class _Getting(Installation):
    """An installation as the page tells of it."""

    def view(self) -> str:
        """Return the progress."""
        return progress_view(self.name, self.progress)

    def end(self) -> dict[str, Any]:
        """Return how it ended."""
        said = (
            "Cancelled. What was downloaded is kept; the next attempt continues from there."
            if self.cancelled
            else f"{self.name} is ready. It is now among the models of the other tabs."
        )
        return {"html": render("said.html", said=said)}

    def failure(self, error: Exception) -> dict[str, Any]:
        """Return why there is no model."""
        known = isinstance(error, CommandError)
        said = str(error) if known else f"{self.name} could not be installed: {error}"
        return {"html": problem_view(said, self.name)}


def build_models_tab(service: Service) -> None:
    """Build the tab inside the page that is being built."""
    allowed = service.limits.allow_downloads
    gr.HTML(
        render("models.html", allowed=allowed, hub_allowed=allowed and service.limits.allow_hub),
        elem_id="models-tab",
        apply_default_css=False,
        js_on_load="new NerPage.ModelsTab(element, server)",
        server_functions=list(models_functions(service).values()),
    )


def models_functions(service: Service) -> dict[str, Callable[..., Any]]:
    """Return the functions that the tab's script calls, by name; what is refused comes back as ``error``."""
    allowed = service.limits.allow_downloads
    hub_allowed = allowed and service.limits.allow_hub
    installations = Works(service.refresh, "downloaded or converted")

    times: dict[str, float] = {}
    measuring = threading.Lock()

    def permitted(name: str) -> bool:
        in_catalog = any(model.name == name for model in zoo.load_catalog())
        return allowed and (in_catalog or (hub_allowed and _is_hub_name(name)))

    def zoo_cards(_: dict[str, Any]) -> dict[str, Any]:
        here = ((name, model_of(name)) for name in (*hub_names(), *own_names()))
        models = [*((model.name, model) for model in zoo.load_catalog()), *here]
        cards = [_card(service, name, model) for name, model in models if model is not None]
        return {"html": render("zoo.html", cards=cards, allowed=allowed)}

    def measured(sent: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        name = word(sent, "name")
        if name == AUTO or name not in service.models():
            return {"error": "This model is not on this machine."}
        try:
            with service.visitors.slot(request), measuring:
                if name not in times:
                    times[name] = _milliseconds(service.recognizer(Choice(name)))
        except (LimitError, ChoiceError, RuntimeError) as error:
            return {"error": str(error)}
        return {"said": f"{times[name]:,.1f} ms for a text of {len(_MEASURED.text)} characters"}

    def install(sent: dict[str, Any]) -> dict[str, Any]:
        name = word(sent, "name").strip()
        try:
            name = folders.canonical_name(name) if hub_allowed else name
        except zoo.CatalogError as error:
            return {"error": str(error)}
        if not permitted(name):
            return {"error": _refusal(name, hub_allowed=hub_allowed)}
        return installations.start(_Getting(name, folders.models_dir()))

    def look(sent: dict[str, Any]) -> dict[str, Any]:
        return installations.look(word(sent, "token"))

    def cancel(sent: dict[str, Any]) -> None:
        installations.cancel(word(sent, "token"))

    def remove(sent: dict[str, Any]) -> dict[str, Any]:
        name = word(sent, "name")
        own = name in own_names()
        model = model_of(name) if own or permitted(name) else None
        if model is None or not allowed:
            return {"error": "This model has no files here that can be deleted."}
        if installations.is_busy_with(name):
            return {"error": f"{name} is being downloaded or converted. Cancel that first."}
        service.forget(name)
        times.pop(name, None)
        try:
            freed = _delete_own(model) if own else folders.remove(model)
        except (zoo.CatalogError, OSError) as error:
            return {"error": str(error)}
        service.refresh()
        gone = f"Deleted {freed / 1e6:,.1f} MB of {name}."
        return {"said": gone if freed else f"{name} has no downloaded files here."}

    return {function.__name__: function for function in (zoo_cards, measured, install, look, cancel, remove)}


def _size_here(name: str) -> int:
    """Return the bytes of the IR that is here, the first of several; 0 where there is none."""
    for xml in folders.installed(name).values():
        return xml.stat().st_size + xml.with_suffix(".bin").stat().st_size
    return 0


def _milliseconds(recognizer: EntityRecognizer) -> float:
    """Return the median time of a few answers, after a warm-up."""
    found = [recognizer(_MEASURED.text).timings.total for _ in range(_RUNS + 1)]
    return statistics.median(found[1:])


def _delete_own(model: zoo.Model) -> int:
    """Delete a model that was made here: its model.yml is among its files, so this is final."""
    freed = folders.size_on_disk(model)
    shutil.rmtree(folders.model_folder(model))
    return freed


def _card(service: Service, name: str, model: zoo.Model) -> dict[str, Any]:
    state = folders.state(model)
    return {
        "name": name,
        "description": _MARKDOWN.renderInline(model.description),
        "finds": [kind.many for kind in kinds(entity_types(model.labels))] if model.labels else [],
        "languages": model.languages,
        "accuracy": model.accuracy,
        "size": _size_here(name) or model.size,
        "license": model.license,
        "state": state,
        "said": _STATES[state],
        "precisions": service.models().get(name, []),
        "card": _MARKDOWN.render(card_text(model)),
    }


def card_text(model: zoo.Model) -> str:
    """Return a model's card as Markdown: its README, else its description."""
    readme = model.config.parent / "README.md" if model.config else None
    if readme is not None and readme.is_file():
        return readme.read_text(encoding="utf-8").replace("# ", "### ", 1)
    return f"{model.description}\n\nLicence: {model.license}"


def _is_hub_name(name: str) -> bool:
    try:
        return name.startswith("hf:") and bool(folders.hub_subdirectory(name))
    except zoo.CatalogError:
        return False


def _refusal(name: str, *, hub_allowed: bool) -> str:
    if hub_allowed and not name:
        return "Type the name of a model first, as OWNER/NAME, or paste the address of its page."
    if hub_allowed:
        return f"{name!r} cannot be downloaded. Choose a model from the list, or type OWNER/NAME of the hub."
    return "Only the models of the list can be downloaded here, and only where downloads are switched on."


def problem_view(message: str, name: str = "") -> str:
    r"""Return a failure as HTML: one sentence with what to do, everything else folded away.

    Examples
    --------
    >>> problem_view("Downloading m failed.\nm: no network. Connect. In detail:\n a: b").count("<summary>")
    1
    """
    lines = [line for line in message.splitlines() if line.strip() and not line.startswith(("FAILED", " "))]
    telling = next((line for line in lines if "In detail:" in line), lines[-1] if lines else message)
    sentence = telling.partition(" In detail:")[0]
    if name and name not in sentence:
        sentence = f"{name} was not installed. {sentence}"
    if "no network" in sentence:
        sentence = f"{sentence} {_WAYS_OUT}"
    return render("problem.html", sentence=sentence, details=message)


def progress_view(name: str, progress: Progress) -> str:
    """Return the progress of a download as HTML.

    Examples
    --------
    >>> "Starting m" in progress_view("m", Progress())
    True
    """
    parts = [f"{progress.step} {name}"]
    share = None
    if progress.step == "Downloading" and progress.sizes:
        done, total = sum(progress.done.values()), sum(progress.sizes.values())
        parts += [
            progress.file,
            f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB",
            f"{progress.speed / 1e6:,.1f} MB/s",
        ]
        if progress.seconds_left is not None:
            parts.append(f"{progress.seconds_left:,.0f} s left")
        share = progress.share
    if progress.step == "Converting" and progress.detail:
        parts.append(progress.detail)
    return render("progress.html", parts=parts, share=share)
