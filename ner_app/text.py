"""The Text tab: type or paste a text, see its names, correct them, export them.

The tab is one HTML component: the browser keeps text, answer and corrections (``browser/text.js``), and asks
the functions below. So nothing of a visitor is kept on the server, and a reload loses nothing.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from model_zoo.catalog.layout import AUTO
from ner_app.answers import answer, group_list, recognition_of
from ner_app.jobs import Cancelled, Job, Jobs, word
from ner_app.lessons import FEWEST
from ner_app.limits import LimitError
from ner_app.long_texts import PART, answers_by_part
from ner_app.replayed import REPLAYED
from ner_app.samples import samples_for
from ner_app.service import BY_LANGUAGE, EXACTLY, Choice, ChoiceError
from ner_app.teaching import teach_functions
from ner_app.templating import render
from ner_core.aggregation import AGGREGATIONS
from ner_core.entity import joined
from ner_core.rendering import encodable, to_conll, to_csv, to_html, to_json
from ner_documents import redaction
from ner_documents.groups import with_groups
from ner_documents.writing.tables import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Callable

    from ner_app.service import Service
    from ner_core import EntityRecognizer, Recognition

__all__ = ["EXPORTS", "REDACTIONS", "TRAINING", "build_text_tab", "text_functions"]

_LOG = logging.getLogger(__name__)

_AGGREGATION_NAMES = {
    "": "The model's own",
    "word": "word: names as people write them",
    "whitespace": "whitespace: words between spaces, as NeMo does",
    "first": "first: as transformers does",
    "none": "none: each word piece",
}
#: How names are replaced in redacted texts and files, and what that is called.
REDACTIONS = (("number", "Numbered: PER_1"), ("label", "Labels: [PER]"), ("mask", "Blocks: ████"))


#: Exports all names, hidden ones too: input of the fine-tuner.
TRAINING = "training data"
# Button: file name, MIME type, writer.
EXPORTS: dict[str, tuple[str, str, Callable[[Recognition], str]]] = {
    "JSON": ("entities.json", "application/json", lambda found: to_json(with_groups(found), indent=2)),
    "CSV": ("entities.csv", "text/csv", lambda found: BYTE_ORDER_MARK + to_csv(found)),
    "CoNLL": ("entities.conll", "text/plain", to_conll),
    "HTML": ("entities.html", "text/html", to_html),
    TRAINING: ("training.conll", "text/plain", to_conll),
}


def build_text_tab(service: Service) -> None:
    """Build the tab inside the page that is being built."""
    samples = samples_for(service.models())
    teaching = teach_functions(service, [*(sample.text for sample in samples), *REPLAYED])
    shell = render(
        "text.html",
        limit=service.limits.text_characters,
        samples=samples,
        public=service.limits.public,
        aggregations=[(name, _AGGREGATION_NAMES.get(name, name)) for name in ("", *AGGREGATIONS)],
        exact=EXACTLY,
        exports=list(EXPORTS),
        redactions=REDACTIONS,
        teaching=bool(teaching),
        fewest=FEWEST,
    )
    settings = {
        "names": {AUTO: BY_LANGUAGE},
        "samples": [sample.text for sample in samples],
        "exports": {
            name: {"name": file, "kind": kind, "all": name == TRAINING}
            for name, (file, kind, _) in EXPORTS.items()
        },
    }
    gr.HTML(
        shell,
        elem_id="text-tab",
        apply_default_css=False,
        js_on_load=f"new NerPage.TextTab(element, server, {json.dumps(settings)}).start()",
        server_functions=[*text_functions(service).values(), *teaching.values()],
    )


def text_functions(service: Service) -> dict[str, Callable[..., Any]]:
    """Return the functions that the tab's script calls, by name; what is refused comes back as ``error``.

    Parameters
    ----------
    service : Service
        Answers.
    """
    jobs = Jobs()
    most = service.limits.text_characters

    def recognize(sent: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        text, aggregation = word(sent, "text"), word(sent, "aggregation")
        try:
            model, *others = (word(sent, part) for part in Choice._fields)
            choice = service.allowed(Choice(model or service.first, *others))
            with service.visitors.slot(request), jobs.running(word(sent, "job")) as job:
                if len(text) > PART:
                    return _by_part(service, text, choice, aggregation, job)
                found = service.recognize(text, choice, aggregation, progress=job, everything=True)
                return _divided(found, service.recognizer(choice), aggregation)
        except LimitError as error:
            return {"error": str(error)}
        except ChoiceError as error:
            return {"error": str(error), "choice": True}
        except Cancelled:
            return {"cancelled": True}
        except RuntimeError as error:
            _LOG.warning("An answer failed: %s", type(error).__name__)
            return {"error": f"The model could not answer: {error}"}

    def progress(sent: dict[str, Any]) -> dict[str, Any] | None:
        """Return a job's progress, and the parts that the browser does not have yet."""
        job = jobs.get(word(sent, "job"))
        have = sent.get("have")
        if job is None:
            return None
        return {"share": job.share, "parts": job.news[have if isinstance(have, int) and have > 0 else 0 :]}

    def cancel(sent: dict[str, Any]) -> None:
        jobs.cancel(word(sent, "job"))

    def menus(_: dict[str, Any]) -> dict[str, Any]:
        return {"default": service.first, "models": service.models(), "devices": service.device_menu()}

    def linked(sent: dict[str, Any]) -> dict[str, Any]:
        choice, said = service.linked(*(word(sent, part) for part in Choice._fields))
        aggregation = word(sent, "aggregation")
        if aggregation and aggregation not in AGGREGATIONS:
            said = f"{said} Aggregation {aggregation[:60]!r} is not known; the model's own is used."
            aggregation = ""
        least = _share(word(sent, "threshold"))
        if least is None:
            said = f"{said} The minimum score is not a number from 0 to 1; 0 is used."
        return {
            **choice._asdict(),
            "aggregation": aggregation,
            "threshold": least or 0.0,
            "said": said.strip(),
        }

    def regroup(sent: dict[str, Any]) -> Any:
        return _with_answer(sent, most, group_list)

    def redact(sent: dict[str, Any]) -> Any:
        style = word(sent, "style") or "label"
        if style not in dict(REDACTIONS):
            return {"error": f"Expected a style of {', '.join(dict(REDACTIONS))}."}
        return _with_answer(
            sent,
            most,
            lambda found, _: {"text": encodable(redaction.redact(_with_unlikely(found, sent, most), style))},
        )

    def export(sent: dict[str, Any]) -> Any:
        if (name := word(sent, "format")) not in EXPORTS:
            return {"error": f"Expected a format of {', '.join(EXPORTS)}."}
        return _with_answer(sent, most, lambda found, _: {"content": EXPORTS[name][2](found)})

    functions = (recognize, progress, cancel, menus, linked, regroup, redact, export)
    return {function.__name__: function for function in functions}


def _by_part(service: Service, text: str, choice: Choice, aggregation: str, job: Job) -> dict[str, Any]:
    """Answer a long text; if cancelled, its finished part and ``end``, the offset where that ends."""
    done: list[tuple[int, Recognition]] = []
    try:
        for start, found in answers_by_part(service, text, choice, aggregation, job):
            done.append((start, found))
            part = _divided(found, service.recognizer(choice), aggregation)
            del part["groups"]
            job.news = (*job.news, {**part, "start": start, "end": start + len(found.text)})
    except Cancelled:
        if not done:
            raise
    end = done[-1][0] + len(done[-1][1].text)
    whole = _divided(joined(text[:end], done), service.recognizer(choice), aggregation)
    return whole if end == len(text) else {**whole, "cancelled": True, "end": end}


def _divided(found: Recognition, recognizer: EntityRecognizer, aggregation: str) -> dict[str, Any]:
    """Answer with the likely entities; the unlikely ones serve redaction alone."""
    shown = recognizer.likely(found, aggregation=aggregation)
    likely = set(shown.entities)
    return answer(shown, recognizer.labels, [one for one in found.entities if one not in likely])


def _with_unlikely(found: Recognition, sent: dict[str, Any], most: int) -> Recognition:
    """Add the unlikely entities of a returned answer where they overlap no other."""
    others, _ = recognition_of({**sent, "entities": sent.get("unlikely") or []}, most_characters=most)
    taken = {place for one in found.entities for place in range(one.start, one.end)}
    free = [one for one in others.entities if taken.isdisjoint(range(one.start, one.end))]
    return replace(found, entities=tuple(sorted([*found.entities, *free], key=lambda one: one.start)))


def _with_answer(sent: Any, most: int, use: Callable[[Recognition, list[str]], Any]) -> Any:
    try:
        return use(*recognition_of(sent, most_characters=most))
    except ValueError as error:
        return {"error": str(error)}


def _share(written: str) -> float | None:
    try:
        value = float(written or 0)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
