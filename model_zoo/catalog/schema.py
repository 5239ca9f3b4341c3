"""Schema of a model.yml.

The format is Open Model Zoo's (https://github.com/openvinotoolkit/open_model_zoo/tree/master/models,
``tools/model_tools/src/omz_tools/_configuration.py``) with this project's additions: further source types,
several ``source`` entries or ``mirrors`` tried in order, SHA-256, unknown sizes, ``labels``, ``lower_case``,
``max_length``, ``token_type_ids``, ``checkpoint``, ``languages`` and ``accuracy``. Keys that Open Model Zoo
does not know it ignores, and so does this module.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from model_zoo.catalog.archives import FORMATS
from model_zoo.catalog.checksum import GIT_BLOB, Checksum
from model_zoo.catalog.layout import PRECISIONS
from model_zoo.catalog.sources import RelativePath, Source

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["InputInfo", "Model", "ModelFile", "RegexReplace", "UnpackArchive"]


def _one_of(*known: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in known:
            msg = f"expected one of {', '.join(known)}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


_Framework = Annotated[str, _one_of("dldt", "onnx", "pytorch", "tf")]
_TASK_TYPES = """
    action_recognition background_matting classification colorization detection face_recognition
    feature_extraction head_pose_estimation human_pose_estimation image_inpainting image_processing
    image_translation instance_segmentation machine_translation monocular_depth_estimation
    named_entity_recognition noise_suppression object_attributes optical_character_recognition
    place_recognition question_answering salient_object_detection semantic_segmentation
    sound_classification speech_recognition style_transfer text_prediction text_to_speech time_series
    token_recognition
"""
_TaskType = Annotated[str, _one_of(*_TASK_TYPES.split())]


class RegexReplace(BaseModel):
    """Replace text in a downloaded file; ``count`` 0 means every occurrence."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    kind: Literal["regex_replace"] = Field(alias="$type", default="regex_replace")
    file: RelativePath
    pattern: str
    replacement: str
    count: Annotated[StrictInt, Field(ge=0)] = 0

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            msg = f"expected a regular expression ({error})"
            raise ValueError(msg) from None
        return pattern

    @model_validator(mode="after")
    def _check_replacement(self) -> RegexReplace:
        try:
            re.sub(self.pattern, self.replacement, "")
        except (re.error, IndexError) as error:
            msg = f"replacement: expected groups of the pattern only, found {self.replacement!r} ({error})"
            raise ValueError(msg) from None
        return self


class UnpackArchive(BaseModel):
    """Unpack a downloaded archive into the folder it lies in."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    kind: Literal["unpack_archive"] = Field(alias="$type", default="unpack_archive")
    file: RelativePath
    format: Annotated[str, _one_of(*FORMATS)]


class InputInfo(BaseModel):
    """Name, shape and layout of one input, for the tools that convert."""

    name: str
    shape: list[Any] = []
    layout: str = ""


class ModelFile(BaseModel):
    """One file to download.

    Attributes
    ----------
    name : str
        Path below the model's folder, with forward slashes.
    size : int or None
        Bytes; None if not published.
    checksum : Checksum or None
        None if not published: then recorded on the first download and checked from then on.
    sources : list of Source
        Tried in this order: ``source`` (one or a list), ``mirrors``, ``original_source``.
    """

    name: RelativePath
    size: Annotated[StrictInt, Field(ge=0)] | None = None
    checksum: Checksum | None = None
    source: Annotated[
        list[Source], Field(min_length=1), BeforeValidator(lambda v: v if isinstance(v, list) else [v])
    ]
    mirrors: list[Source] = []
    original_source: Source | None = None

    @model_validator(mode="after")
    def _check_size(self) -> ModelFile:
        if self.checksum is not None and self.checksum.algorithm == GIT_BLOB and self.size is None:
            msg = "expected a size beside a checksum of the kind git_blob, which counts it in"
            raise ValueError(msg)
        return self

    @property
    def sources(self) -> list[Source]:
        """All places to try, best first, without repeats."""
        listed = [*self.source, *self.mirrors]
        if self.original_source is not None and self.checksum is not None:
            # Open Model Zoo keeps it as documentation; the checksum makes it safe as a last resort.
            listed.append(self.original_source)
        return list(dict.fromkeys(listed))


def _folder(name: str) -> str:
    """Return the folder of a file exactly one level down, else an empty string."""
    parts = PurePosixPath(name).parts
    return parts[0] if len(parts) == 2 else ""


class Model(BaseModel):
    """Content of one model.yml, and where it was found.

    Attributes
    ----------
    name, subdirectory : str
        Name of the folder, and its path below the zoo and below the output folder (forward slashes).
    config : Path or None
        The model.yml; None for a model that was looked up on the Hugging Face hub or is given by its path.
    path : Path or None
        The checkpoint of a model that is given by its path.
    stages : list of Model
        Parts of a composite model in order; empty for a plain model.
    languages : list of str
        Supported languages by their English names; empty if not stated.
    accuracy : str
        One published or measured figure and the data it was measured on.
    checkpoint : str or None
        Input of the converter, relative to the model's folder; see ``checkpoint_path``.
    """

    model_config = ConfigDict(protected_namespaces=())

    name: str
    subdirectory: str
    config: Path | None = None
    path: Path | None = None
    description: str
    task_type: _TaskType
    framework: _Framework
    license: str
    files: list[ModelFile] = []
    postprocessing: list[Annotated[RegexReplace | UnpackArchive, Field(discriminator="kind")]] = []
    conversion_to_onnx_args: list[str] | None = None
    model_optimizer_args: list[str] | None = None
    input_info: list[InputInfo] = []
    model_info: dict[str, Any] = {}
    composite_model_name: str | None = None
    stages: list[Model] = []

    labels: (
        Annotated[
            list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]], Field(min_length=1)
        ]
        | None
    ) = None
    lower_case: StrictBool | None = None
    max_length: Annotated[StrictInt, Field(gt=2)] | None = None
    token_type_ids: Literal["segments", "word_casing", "absent"] | None = None
    languages: list[str] = []
    accuracy: str = ""
    checkpoint: RelativePath | None = None

    @field_validator("files")
    @classmethod
    def _check_files(cls, files: list[ModelFile]) -> list[ModelFile]:
        seen: dict[str, str] = {}
        for file in files:
            plain = file.name.casefold()  # some systems have one file for names that differ in case
            if plain in seen:
                twice = "twice" if seen[plain] == file.name else f"and {seen[plain]}"
                msg = f"expected each file once, found {file.name} {twice}"
                raise ValueError(msg)
            seen[plain] = file.name
        for file in files:
            for folder in PurePosixPath(file.name.casefold()).parents:
                if str(folder) in seen:
                    msg = f"expected a file or a folder, found both: {seen[str(folder)]} and {file.name}"
                    raise ValueError(msg)
        return files

    @model_validator(mode="after")
    def _check_precisions(self) -> Model:
        if self.framework == "dldt" and self.model_optimizer_args is None:
            names = {file.name for file in self.files}
            for precision in self.precisions:
                for suffix in ("xml", "bin"):
                    if f"{precision}/{self.name}.{suffix}" not in names:
                        msg = f"expected files {precision}/{self.name}.xml and .bin, found no .{suffix}"
                        raise ValueError(msg)
        return self

    @property
    def is_of_hub(self) -> bool:
        """Whether it is of the Hugging Face hub and in no zoo: its model.yml is in its folder."""
        return self.name.startswith("hf--")

    @property
    def precisions(self) -> list[str]:
        """Precisions of the IR, sorted: those of the files, or FP16 and FP32 if it has to be converted."""
        if self.stages:
            return self.stages[0].precisions
        if self.framework != "dldt" or self.model_optimizer_args is not None:
            return ["FP16", "FP32"]
        return sorted({_folder(file.name) for file in self.files} & set(PRECISIONS))

    def wanted_files(self, precisions: Collection[str] | None) -> list[ModelFile]:
        """Return the files without those of unwanted precisions; all files for None.

        A file belongs to a precision if it lies in a folder of that name, as in Open Model Zoo.
        """
        if precisions is None:
            return list(self.files)
        unwanted = set(PRECISIONS) - set(precisions)
        return [file for file in self.files if _folder(file.name) not in unwanted]

    @property
    def size(self) -> int | None:
        """Bytes of all files to download, or None if a size is unknown."""
        sizes = [file.size for part in (self.stages or [self]) for file in part.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def checkpoint_path(self) -> str:
        """Input of the converter below the model's folder: a .nemo, an .onnx, or a folder with config.json.

        The key ``checkpoint`` if given, else the first file that fits.
        """
        if self.checkpoint is not None:
            return self.checkpoint
        for file in self.files:
            path = PurePosixPath(file.name)
            if path.suffix in (".nemo", ".onnx"):
                return file.name
            if path.name == "config.json":
                return str(path.parent)
        return "."
