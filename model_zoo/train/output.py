"""The result of a training run: a zoo folder with checkpoint, model.yml, recipe and model card."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import yaml
from torch.nn import Sequential

from model_zoo.catalog.checksum import checksum_of
from model_zoo.convert.checkpoints.nemo_archive import write_archive
from model_zoo.convert.tokenization import TOKENIZER_FILES, lowers_case
from ner_core.files import write_whole
from ner_core.tokenizer_files import read_json_object

if TYPE_CHECKING:
    from pathlib import Path

    from model_zoo.train.recipe import Recipe
    from model_zoo.train.rows import SentenceEncoder

#: Folder of the checkpoint below the model's folder; model.yml names it for the converter.
CHECKPOINT = "checkpoint"

#: Packages whose versions the card lists.
TOOLS = ("torch", "transformers", "accelerate", "tokenizers")

_KEPT = "**No epoch did better on the dev parts than the start, so these are the start's weights.** "

Scores = dict[str, dict[str, float]]


@dataclass
class TrainingResult:
    """Figures of one run.

    Attributes
    ----------
    history : list of dict
        As `model_zoo.train.loop.train` returns it.
    scores : dict of str to Scores
        Of the weights that were kept, by casing of the text: ``""`` as it is, ``lower``, ``upper``.
    sentences : dict of str to (int, int)
        Train and dev sentences by corpus.
    seconds : float
        Wall time of the last process of the run.
    steps, parameters : int
    """

    history: list[dict[str, Any]]
    scores: dict[str, Scores]
    sentences: dict[str, tuple[int, int]]
    seconds: float
    steps: int
    parameters: int


def write_checkpoint(model: Any, encoder: SentenceEncoder, start: Path, folder: Path) -> str:
    """Write a Hugging Face folder with the start's tokenizer files, or a NeMo archive if the head needs it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    encoder : SentenceEncoder
    start : Path
        Folder or .nemo archive that training began with.
    folder : Path
        Of the model; the checkpoint is made in it.

    Returns
    -------
    str
        The checkpoint's name in the folder: ``checkpoint``, or ``checkpoint/<name>.nemo`` for an archive
        whose classifier has several layers, which transformers' classes do not have.
    """
    target = folder / CHECKPOINT
    target.mkdir(parents=True, exist_ok=True)
    layers = getattr(model, "classifier", None)
    if start.suffix == ".nemo" and isinstance(layers, Sequential):
        file = target / f"{folder.name}.nemo"
        labels = [model.config.id2label[number] for number in range(model.config.num_labels)]
        write_archive(start, file, model.base_model.state_dict(), layers.state_dict(), labels)
        return file.relative_to(folder).as_posix()
    model.save_pretrained(target)
    if start.is_dir():
        _copy_tokenizer(start, target)
    backend = encoder.tokenizer.backend
    lower_case = lowers_case(backend)
    made = {"tokenizer.json": backend.to_str()}
    if lower_case is not None:
        settings = {"do_lower_case": lower_case, "tokenizer_class": "BertTokenizer"}
        vocabulary = backend.get_vocab()
        made["tokenizer_config.json"] = json.dumps(settings, indent=2) + "\n"
        made["vocab.txt"] = "".join(f"{piece}\n" for piece in sorted(vocabulary, key=vocabulary.__getitem__))
    for name, text in made.items():
        if not (target / name).is_file():
            (target / name).write_text(text, encoding="utf-8")
    return CHECKPOINT


def _copy_tokenizer(start: Path, target: Path) -> None:
    """Copy the files of the start's tokenizer; code that they name is not part of it."""
    for name in TOKENIZER_FILES:
        if (start / name).is_file():
            shutil.copyfile(start / name, target / name)
    settings = read_json_object(target / "tokenizer_config.json")
    if "auto_map" in settings:
        del settings["auto_map"]
        text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
        (target / "tokenizer_config.json").write_text(text, encoding="utf-8")


def write_model_yml(recipe: Recipe, encoder: SentenceEncoder, checkpoint: str, folder: Path) -> None:
    """Write the model.yml that makes the folder a model of a zoo.

    Parameters
    ----------
    recipe : Recipe
    encoder : SentenceEncoder
    checkpoint : str
        As `write_checkpoint` returned it.
    folder : Path
        Holds the checkpoint; gets model.yml.
    """
    files = [
        {
            "name": f"{CHECKPOINT}/{path.name}",
            "size": path.stat().st_size,
            "checksum": checksum_of(path).value,
            "source": {"$type": "file", "path": f"{CHECKPOINT}/{path.name}"},
        }
        for path in sorted((folder / CHECKPOINT).iterdir())
    ]
    lower_case = lowers_case(encoder.tokenizer.backend)
    content = {
        "description": recipe.description or f"{recipe.name}: fine-tuned token classifier",
        "task_type": "named_entity_recognition",
        "files": files,
        "framework": "pytorch",
        "license": recipe.license or "unknown",
        "labels": recipe.labels,
        **({} if lower_case is None else {"lower_case": lower_case}),
        "max_length": encoder.max_length,
        "token_type_ids": recipe.token_type_ids or "segments",
        "checkpoint": checkpoint,
    }
    text = yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True)
    (folder / "model.yml").write_text(text, encoding="utf-8")


def write_card(recipe: Recipe, result: TrainingResult, folder: Path) -> None:
    """Write README.md: what the model finds, its scores, the data and how to reproduce it.

    Parameters
    ----------
    recipe : Recipe
    result : TrainingResult
    folder : Path
    """
    blocks = [
        f"# {recipe.name}",
        recipe.description or "A token classifier for named entities.",
        f"Types: {', '.join(recipe.types)}. Labels: {', '.join(f'`{label}`' for label in recipe.labels)}.",
        "## Measured",
        _scores(recipe, result),
        "## Data",
        _data_table(recipe, result),
        "## Training",
        _training(recipe, result),
    ]
    write_whole(folder / "README.md", "\n\n".join(blocks) + "\n")


def _scores(recipe: Recipe, result: TrainingResult) -> str:
    plain = result.scores[""]
    if not plain:
        return "Not measured: no corpus has a dev part."
    head = ["corpus", "micro F1", "macro F1", *recipe.types, "micro F1, lower case", "micro F1, upper case"]
    lines = [head, ["---"] * len(head)]
    for name, scores in plain.items():
        by_type = [f"{scores[kind]:.4f}" if kind in scores else "" for kind in recipe.types]
        cased = [f"{result.scores[casing][name]['micro_f1']:.4f}" for casing in ("lower", "upper")]
        lines.append([name, f"{scores['micro_f1']:.4f}", f"{scores['macro_f1']:.4f}", *by_type, *cased])
    return (
        "Span scores on the dev part of each corpus, sentence by sentence, with the checkpoint in float32; "
        f"types that a corpus does not annotate are left out there.\n\n{_table(lines)}"
    )


def _data_table(recipe: Recipe, result: TrainingResult) -> str:
    lines = [["corpus", "train sentences", "dev sentences", "licence"], ["---"] * 4]
    for name, corpus in recipe.corpora.items():
        train, dev = result.sentences[name]
        lines.append([name, f"{train}", f"{dev}", corpus.licence or "not stated"])
    return _table(lines)


def _training(recipe: Recipe, result: TrainingResult) -> str:
    versions = ", ".join(f"{tool} {version(tool)}" for tool in TOOLS)
    kept = _KEPT if any(entry.get("kept") for entry in result.history) else ""
    return (
        f"{kept}Started from `{recipe.start}`; {result.steps} steps (stages: {len(recipe.stages)}), "
        f"{result.parameters / 1e6:.1f} M parameters, seed {recipe.seed}, {result.seconds / 60:.1f} minutes "
        f"in the last process. Python {platform.python_version()}, {versions}. "
        "To reproduce it: `python -m model_zoo.finetuner recipe.yml`, with the recipe beside this card."
    )


def _table(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
