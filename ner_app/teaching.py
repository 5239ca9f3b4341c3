"""Teach: fine-tune a model on a visitor's corrections, at home only; the result is a new model.

The fine-tuner and the converter run in separate processes. They work in a folder beside the models, which is
deleted at the end with the texts in it; the model is moved to its place when it is complete.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import model_zoo
from model_zoo.catalog import folders
from model_zoo.catalog.layout import AUTO, ENGLISH_MODEL, OTHER_LANGUAGES_MODEL
from ner_app.answers import recognition_of
from ner_app.commands import Commands
from ner_app.installation import model_of
from ner_app.jobs import word
from ner_app.lessons import FEWEST, HELD_OUT, Lesson, LessonError, make_lesson, passages_so_far
from ner_app.service import Choice, ChoiceError
from ner_app.templating import render
from ner_app.works import Works
from ner_core.language import is_english

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ner_app.service import Service
    from ner_core import EntityRecognizer, Recognition

__all__ = ["Teaching", "start_of", "teach_functions"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_MOST_TEXTS = 500
_PRECISION = "FP16"
#: Between 3e-5, which learned little in a few dozen steps, and 1e-4, which forgot more than it should.
_RATE, _PASSES = 5e-5, 10
#: Share of the start's weights in the new model. After a lesson of 20 corrections, an earlier minilm-ner, at
#: 0.944 before on CoNLL-2003 dev, had 0.936 without it and `ner_app.replayed`, 0.942 with both.
_START_SHARE = 0.25
_BAR = re.compile(r"(\d+)/(\d+) \[")


class Teaching(Commands):
    """One lesson; cancelled, it leaves nothing.

    Parameters
    ----------
    name : str
        Of the model that is made.
    service : Service
        Knows the model that is taught.
    choice : Choice
        The model that is taught.
    texts : sequence of Recognition
        What the visitor says is right.
    examples : sequence of str
        Texts that are replayed as the model reads them.
    """

    def __init__(
        self,
        name: str,
        service: Service,
        choice: Choice,
        texts: Sequence[Recognition],
        examples: Sequence[str],
    ) -> None:
        super().__init__(name)
        self._service, self._choice = service, choice
        self._texts, self._examples = texts, examples
        self._step, self._share = f"Comparing the corrections with {choice.model}", 0.0
        self._begun = time.monotonic()
        self._result: dict[str, Any] = {}

    def run(self) -> Iterator[None]:
        """Learn, convert, measure; yield a few times a second.

        Raises
        ------
        LessonError, CommandError, ChoiceError
            There is nothing to learn from, the model cannot be trained on, or a command failed.
        """
        start = start_of(self._choice.model)
        taught = self._service.checked(self._choice)
        lesson = make_lesson(taught, self._texts, self._examples)
        yield
        root = folders.models_dir()
        root.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".teaching-", dir=root))
        try:
            lesson.write(work)
            (work / "recipe.yml").write_text(self._recipe(taught, lesson), encoding="utf-8")
            yield from self._learn(work, start)
            if not self.cancelled:
                made = work / "public" / self.name
                self._measure(taught, lesson, made / _PRECISION / f"{self.name}.xml")
                shutil.rmtree(made / ".training", ignore_errors=True)
                (root / "public").mkdir(exist_ok=True)
                made.rename(root / "public" / self.name)
        finally:
            self._stop()
            shutil.rmtree(work, ignore_errors=True)

    def _recipe(self, taught: EntityRecognizer, lesson: Lesson) -> str:
        casing = taught.model_info.get("token_type_ids") == "word_casing"
        content = {
            "name": self.name,
            "description": f"{self._choice.model}, taught by hand with {len(lesson.corrected)} corrections.",
            "start": self._choice.model,
            **({"license": parent.license} if (parent := model_of(self._choice.model)) else {}),
            "types": lesson.types,
            **({"token_type_ids": "word_casing"} if casing else {}),
            "head_rate": 1,  # nothing is new
            "mean_epochs": 1,  # the last weights: what is held out does not choose
            "start_share": _START_SHARE,
            "corpora": {name: {"train": f"{name}.conll"} for name in ("corrected", "kept")},
            "stages": [
                {
                    "corpora": dict.fromkeys(("corrected", "kept"), _PASSES),
                    "epochs": 1,
                    "learning_rate": _RATE,
                    "warmup": 0.1,
                }
            ],
        }
        return yaml.safe_dump(content, sort_keys=False)

    def _learn(self, work: Path, start: Path) -> Iterator[None]:
        where = ["--output_dir", str(work)]
        recipe = str(work / "recipe.yml")
        # The zoo of this name is the folder that the fine-tuner wrote.
        zoo_here = ["--zoo", str(work), "--download_dir", str(work)]
        rounded = ["--name", self.name, "--precisions", _PRECISION]
        for step, arguments in {
            "Teaching": ["model_zoo.finetuner", recipe, "--start", str(start), *where],
            "Converting": ["model_zoo.converter", *rounded, *where, *zoo_here],
        }.items():
            if self.cancelled:
                return
            self._step, self._share = f"{step} {self.name}", 0.0
            yield from self._do(step, ["-m", *arguments], self._take)

    def _take(self, line: str) -> None:
        if (bar := _BAR.search(line)) and int(bar[2]):
            self._share = int(bar[1]) / int(bar[2])

    def _measure(self, taught: EntityRecognizer, lesson: Lesson, xml: Path) -> None:
        self._step = f"Measuring {self.name}"
        made = model_zoo.load(xml, device=self._choice.device)
        before, after = lesson.score(taught), lesson.score(made)
        held = len(lesson.held_corrected)
        told = (
            f"F1 {after[0]:.3f} on {held} {'correction' if held == 1 else 'corrections'} held out, "
            f"{before[0]:.3f} before"
        )
        parent = model_of(self._choice.model)
        more = {"accuracy": told, "languages": parent.languages if parent else []}
        with (xml.parent.parent / "model.yml").open("a", encoding="utf-8") as file:
            yaml.safe_dump(more, file, allow_unicode=True)
        self._result = {
            "learned": (len(lesson.corrected), len(lesson.kept)),
            "rows": [
                ("Corrections held out", len(lesson.held_corrected), before[0], after[0]),
                ("Left as they were, held out", len(lesson.held_kept), before[1], after[1]),
            ],
        }

    def view(self) -> str:
        """Return the progress as HTML."""
        parts = [self._step, f"{time.monotonic() - self._begun:,.0f} s"]
        return render("progress.html", parts=parts, share=self._share or None)

    def end(self) -> dict[str, Any]:
        """Return the result of the lesson."""
        if self.cancelled:
            return {"html": render("said.html", said="Cancelled; no model was made.")}
        seconds = time.monotonic() - self._begun
        html = render("taught.html", name=self.name, old=self._choice.model, seconds=seconds, **self._result)
        return {"html": html, "made": self.name}

    def failure(self, error: Exception) -> dict[str, Any]:
        """Return why there is no model."""
        known = isinstance(error, LessonError | ChoiceError)
        return {
            "html": render(
                "problem.html",
                sentence=str(error) if known else f"{self.name} was not made: learning failed.",
                details="" if known else str(error),
            )
        }


def start_of(name: str) -> Path:
    """Find what training starts from: the model's checkpoint, else its IR.

    Raises
    ------
    LessonError
        There is neither here.
    """
    model = model_of(name)
    if model is not None:
        checkpoint = folders.model_folder(model) / model.checkpoint_path
        weights = [*checkpoint.glob("*.safetensors"), *checkpoint.glob("*.bin")]
        if (checkpoint.is_file() and checkpoint.suffix == ".nemo") or weights:
            return checkpoint
    irs = folders.installed(name)
    for precision in ("FP32", "FP16", "INT8"):
        if precision in irs:
            return irs[precision]
    msg = (
        f"{name} cannot be taught here: it has neither a checkpoint nor an IR to train from on this machine."
    )
    raise LessonError(msg)


def teach_functions(service: Service, examples: Sequence[str]) -> dict[str, Callable[..., Any]]:
    """Return the functions that the script calls, by name; none on a page that strangers reach.

    Parameters
    ----------
    service : Service
        Knows the models.
    examples : sequence of str
        Texts that are replayed as the model reads them, where their language is that of the corrections.
    """
    if service.limits.public:
        return {}
    works = Works(service.refresh, "made")

    def given(sent: dict[str, Any]) -> tuple[Choice, list[Recognition]]:
        choice = service.allowed(Choice(word(sent, "model"), word(sent, "device")))
        texts = _texts(sent.get("texts"), service.limits.batch_characters)
        if choice.model == AUTO:
            name = ENGLISH_MODEL if _in_english(texts) else OTHER_LANGUAGES_MODEL
            choice = choice._replace(model=name)
        return choice, texts

    def lesson_so_far(sent: dict[str, Any]) -> dict[str, Any]:
        """Describe what is collected, what is missing, and what a lesson would do."""
        try:
            choice, texts = given(sent)
            corrected, kept = passages_so_far(service.checked(choice), texts)
        except (ValueError, RuntimeError) as error:
            return {"error": str(error)}
        return {"said": _plan(choice.model, corrected, kept)}

    def teach(sent: dict[str, Any]) -> dict[str, Any]:
        name = word(sent, "name").strip()
        try:
            _check_name(name)
            choice, texts = given(sent)
        except ValueError as error:
            return {"error": str(error)}
        if not texts:
            return {"error": _plan(choice.model, 0, 0)}
        english = _in_english(texts)
        replayed = [text for text in examples if is_english(text) == english]
        return works.start(Teaching(name, service, choice, texts, replayed))

    def look_taught(sent: dict[str, Any]) -> dict[str, Any]:
        return works.look(word(sent, "token"))

    def cancel_teaching(sent: dict[str, Any]) -> None:
        works.cancel(word(sent, "token"))

    return {function.__name__: function for function in (lesson_so_far, teach, look_taught, cancel_teaching)}


def _in_english(texts: Sequence[Recognition]) -> bool:
    return is_english("\n".join(one.text for one in texts))


def _plan(model: str, corrected: int, kept: int) -> str:
    """Describe what a lesson still lacks, and what it would do.

    Examples
    --------
    >>> _plan("m", 1, 1)
    '1 of the 5 corrected passages that a lesson needs: 4 more. 1 passage was right as it was.'
    >>> _plan("m", 20, 0).partition(".")[0]
    '20 corrected passages: m learns from 16 and is measured on the other 4'
    """
    were = "passage was right as it was" if kept == 1 else "passages were right as they were"
    right = f" {kept:,} {were}." if kept else ""
    if corrected < FEWEST:
        missing = FEWEST - corrected
        return f"{corrected} of the {FEWEST} corrected passages that a lesson needs: {missing} more.{right}"
    held = corrected // HELD_OUT
    return (
        f"{corrected:,} corrected passages: {model} learns from {corrected - held:,} and is measured on the "
        f"other {held:,}.{right} A lesson takes up to a few minutes and makes a new model; {model} stays."
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        msg = "Name the model with letters, digits, - and _, up to 50 of them."
        raise ValueError(msg)
    if folders.find_model(name) or (folders.models_dir() / "public" / name).exists():
        msg = f"There is a model {name} already; choose another name, or delete that one under Models."
        raise ValueError(msg)


def _texts(sent: Any, most: int) -> list[Recognition]:
    if not isinstance(sent, list) or len(sent) > _MOST_TEXTS:
        msg = f"Expected corrected texts, up to {_MOST_TEXTS}."
        raise ValueError(msg)
    texts = [recognition_of(one, most_characters=most)[0] for one in sent]
    if sum(len(one.text) for one in texts) > most:
        msg = f"The corrected texts have more than {most:,} characters together; forget some of them."
        raise ValueError(msg)
    return texts
