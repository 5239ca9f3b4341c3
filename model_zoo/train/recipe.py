"""The recipe of a training run: one validated YAML file that reproduces a model.

A recipe names the start, the corpora with the meaning of their labels, and the stages of training.
Each error names the file, the key, what was expected and what was found.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model_zoo.catalog.errors import ZooError
from model_zoo.catalog.messages import sentences
from model_zoo.catalog.yaml_file import read_yaml

#: What one label of a corpus may mean: a type of the model, nothing ("O"), or one of several.
Meaning = str | Annotated[list[str], Field(min_length=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

#: Names that the catalog accepts for the folder of a model.
_FOLDER_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


class RecipeError(ZooError, ValueError):
    """An invalid recipe; the message says where and why."""


class Strict(BaseModel):
    """Refuse unknown keys: a misspelt option must not be ignored for three hours."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Corpus(Strict):
    """One labelled corpus.

    Attributes
    ----------
    train, dev : str
        Files below the data folder, see `ner_core.dataset.open_dataset`.
    column : str
        Key of the text in JSON files, if it is not ``text``.
    labels : dict of str to (str or list of str)
        Type in the corpus to type of the model; ``O`` drops it; a list is "one of these, nobody knows which".
        Empty: types keep their names.
    unannotated : list of str
        Types of the model that this corpus does not annotate: its ``O`` counts as "O or one of these", and
        its dev part is scored without them.
    outside : dict of str to list of str
        Leading words of a mention of that corpus type that belong outside it (``per: [President, Mr.]``).
    unsure : list of str
        Words whose ``O`` is ignored because the corpus labels them inconsistently; a trailing ``*`` matches
        any ending.
    held_out : int
        Every n-th train sentence becomes part of the dev part instead; 0: none. For corpora without a dev
        file.
    teaching : float
        Weight of the teachers' answers in the loss; the labels of the corpus have the rest.
    unspaced : float
        Share of training units shown without spaces between words, for languages written that way.
    licence : str
        For the model card.
    """

    train: str | None = None
    dev: str | None = None
    column: str | None = None
    labels: dict[str, Meaning] = {}
    unannotated: list[str] = []
    outside: dict[str, list[str]] = {}
    unsure: list[str] = []
    held_out: Annotated[int, Field(ge=0)] = 0
    teaching: Share = 0.0
    unspaced: Share = 0.0
    licence: str = ""


class Stage(Strict):
    """One part of the run, with its own mix of corpora and learning rate.

    `corpora` says how often each is seen in an epoch. The learning rate rises during the share `warmup` of
    the stage, then falls linearly to `final` times its peak. `lower`, `upper`, `title` are the shares of
    training units shown in that casing; `join` is the chance that a unit continues with the next sentences of
    its corpus (up to `max_length` pieces); `swap` the chance that a mention is replaced by another of its
    type. `alone` is the chance that an excerpt follows as a unit of its own, like the cell of a table or the
    item of a list: a mention, or one to three words outside mentions.
    """

    corpora: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
    epochs: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)]
    warmup: Share = 0.0
    final: Share = 0.0
    lower: Share = 0.0
    upper: Share = 0.0
    title: Share = 0.0
    join: Share = 0.0
    swap: Share = 0.0
    alone: Share = 0.0

    @model_validator(mode="after")
    def _shares_fit(self) -> Stage:
        if self.lower + self.upper + self.title > 1:
            msg = "lower, upper and title are more than 1 together"
            raise ValueError(msg)
        return self


class Teachers(Strict):
    """Models that are trained first; the run learns from the mean of their answers.

    They use the settings of the recipe except those given here, and its seed plus 1, 2, ... A teacher may be
    a larger encoder with another vocabulary: it answers for words, not for pieces.
    Distillation after Hinton, Vinyals and Dean 2015 (https://arxiv.org/abs/1503.02531).
    """

    start: str | None = None  # as in the recipe; default: the recipe's own
    count: Annotated[int, Field(ge=1)] = 1
    stages: list[Stage] = []  # none: they answer as they are
    batch_tokens: Annotated[int, Field(ge=32)] = 768
    dropout: Share = 0.1


class Recipe(Strict):
    """All settings of a training run; see the comments on the fields."""

    name: str  # of the model that is made, and of its folder
    description: str = ""
    license: str = ""  # address or SPDX name of the licence of the result
    start: str  # zoo name, hf:owner/name, folder or .nemo
    types: Annotated[list[str], Field(min_length=1)]  # entity types of the model, in the order of its labels
    corpora: Annotated[dict[str, Corpus], Field(min_length=1)]
    stages: Annotated[list[Stage], Field(min_length=1)]
    teachers: Teachers | None = None
    token_type_ids: Literal["word_casing"] | None = None  # give an uncased model the casing of each word
    vocabulary: Annotated[int, Field(ge=16)] | None = None  # pieces to keep, chosen by the training text
    frozen_words: bool = False  # do not train the word embeddings
    max_length: Annotated[int, Field(ge=16)] = 256  # pieces of the longest unit, [CLS] and [SEP] included
    batch_tokens: Annotated[int, Field(ge=32)] = 768  # pieces in a batch, padding included
    head_rate: Annotated[float, Field(gt=0)] = 10.0  # learning rate of new layers, a multiple of the stage's
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    dropout: Share = 0.1
    attention_dropout: Share = 0.0
    average: Share = 0.0  # decay per ten steps of the moving average of the weights; 0: none
    mean_epochs: Annotated[int, Field(ge=0)] = 0  # result: mean of the last n epochs; 0: the best epoch
    start_share: Share = 0.0  # weight of the start in the result, against forgetting (WiSE-FT)
    patience: Annotated[int, Field(ge=0)] = 0  # epochs of the last stage without gain; 0: never stops
    save_minutes: Annotated[float, Field(ge=0)] = 5.0  # time between resumable checkpoints
    seed: Annotated[int, Field(ge=0)] = 1
    bf16: bool = True  # mixed precision where the device computes in bfloat16

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not _FOLDER_NAME.fullmatch(name):
            msg = f"expected letters, digits and ._-, a letter or digit first, found {name!r}"
            raise ValueError(msg)
        return name

    @field_validator("types")
    @classmethod
    def _no_outside(cls, types: list[str]) -> list[str]:
        if "O" in types or len(set(types)) != len(types) or not all(kind.strip() for kind in types):
            msg = "entity types must differ and not be empty, and O is not one of them"
            raise ValueError(msg)
        if tags := [kind for kind in types if re.match("[BI]-", kind)]:
            msg = f"expected entity types, found the tag {tags[0]}; write {tags[0][2:]}"
            raise ValueError(msg)
        return types

    @model_validator(mode="after")
    def _names_exist(self) -> Recipe:
        for name, corpus in self.corpora.items():
            if corpus.held_out and (corpus.dev or not corpus.train):
                msg = f"corpora.{name}.held_out: needs a train file and no dev file"
                raise ValueError(msg)
            if corpus.held_out == 1:
                msg = f"corpora.{name}.held_out: expected 0 or at least 2, found 1: no sentence would be left"
                raise ValueError(msg)
            meanings = [
                m for value in corpus.labels.values() for m in ([value] if isinstance(value, str) else value)
            ]
            for kind in [*meanings, *corpus.unannotated]:
                if kind not in (*self.types, "O"):
                    msg = f"corpora.{name}: {kind!r} is not one of the types {self.types} (or O)"
                    raise ValueError(msg)
            if corpus.teaching and self.teachers is None:
                msg = f"corpora.{name}.teaching: there are no teachers in this recipe"
                raise ValueError(msg)
        self._stages_have_files("stages", self.stages)
        if self.teachers:
            self._stages_have_files("teachers.stages", self.teachers.stages)
        return self

    def _stages_have_files(self, key: str, stages: list[Stage]) -> None:
        for number, stage in enumerate(stages):
            for name in stage.corpora:
                if name not in self.corpora or self.corpora[name].train is None:
                    msg = f"{key}[{number}].corpora: {name!r} is not a corpus with a train file"
                    raise ValueError(msg)

    @property
    def labels(self) -> list[str]:
        """Labels of the model: O, then B- and I- of each type."""
        return ["O", *(f"{prefix}-{kind}" for kind in self.types for prefix in "BI")]


def load_recipe(path: Path | str) -> Recipe:
    """Read and check a recipe.

    Parameters
    ----------
    path : Path or str
        A YAML file.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        The file cannot be read, is not YAML, or does not follow the schema.
    """
    return check_recipe(read_yaml(Path(path), RecipeError, aliases=True), str(path))


def check_recipe(data: dict[str, Any], origin: str) -> Recipe:
    """Validate the content of a recipe.

    Parameters
    ----------
    data : dict
        Content of the YAML.
    origin : str
        Its source, for messages.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        One line for each wrong key.

    Examples
    --------
    >>> check_recipe({"name": "x"}, "x.yml")
    Traceback (most recent call last):
    ...
    model_zoo.train.recipe.RecipeError: x.yml: start: expected a value, found nothing
    x.yml: types: expected a value, found nothing
    x.yml: corpora: expected a value, found nothing
    x.yml: stages: expected a value, found nothing
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError("\n".join(f"{origin}: {line}" for line in sentences(error))) from error
