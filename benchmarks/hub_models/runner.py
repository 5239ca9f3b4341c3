"""Publish a family's checkpoints, fetch them, convert them, and compare the entities with transformers'."""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.hub_models.checkpoints import ROUNDED, TEXTS, layouts_of, make_model, make_tokenizer, publish
from benchmarks.hub_models.comparison import compare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.hub_models.families import Family
    from model_zoo.convert.checkpoints.checkpoint import Checkpoint

__all__ = ["Result", "convert_here", "local_hub", "run_family"]


@dataclass
class Result:
    """The result of one family.

    Attributes
    ----------
    family : Family
        Which.
    fetched, read : list of str
        Layouts.
    converted : bool
        Whether an IR was made.
    texts : dict
        Strategy to verdict to number of texts, see `benchmarks.hub_models.comparison.VERDICTS`.
    problem : str
        Why it ended early; empty if it did not.
    """

    family: Family
    fetched: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    converted: bool = False
    texts: dict[str, dict[str, int]] = field(default_factory=dict)
    problem: str = ""


@contextlib.contextmanager
def local_hub() -> Iterator[Any]:
    """Serve repositories on this machine, and direct look-ups there."""
    server = importlib.import_module("tests.model_zoo.hub_server").HubServer()
    before = {name: os.environ.pop(name, None) for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE")}
    os.environ["HF_ENDPOINT"] = server.base
    try:
        yield server
    finally:
        server.close()
        os.environ.pop("HF_ENDPOINT")
        os.environ.update({name: value for name, value in before.items() if value is not None})


def run_family(family: Family, work: Path, hub: Any) -> Result:
    """Publish, fetch, convert and compare one family."""
    from tokenizers import Tokenizer

    from model_zoo.convert.checkpoints.loading import load_checkpoint

    result = Result(family)
    try:
        make_tokenizer(family, work / "tokenizer")
        backend = Tokenizer.from_file(str(work / "tokenizer" / "tokenizer.json"))
        pad = next(
            (index for piece in ("[PAD]", "<pad>") if (index := backend.token_to_id(piece)) is not None), 0
        )
        model = make_model(family, backend.get_vocab_size() + 3, pad)
        folders = {}
        for layout in layouts_of(family):
            source = work / layout
            publish(model, work / "tokenizer", layout, source)
            folders[layout] = _fetch(family, layout, source, work / "models", hub)
            result.fetched.append(layout)
        expected = load_checkpoint(folders["tokenizer.json"])
        for layout in layouts_of(family):
            _check_layout(layout, load_checkpoint(folders[layout]), expected)
            result.read.append(layout)
        xml = convert_here(folders["tokenizer.json"], work / "ir", family.name)
        result.converted = True
        result.texts = compare(xml, folders["tokenizer.json"])
    except Exception as error:
        result.problem = " ".join(str(error).split()).replace(str(work), "")[:200] or type(error).__name__
        logging.getLogger(__name__).debug("%s", family.name, exc_info=True)
    return result


def _fetch(family: Family, layout: str, source: Path, models: Path, hub: Any) -> Path:
    from model_zoo.catalog import folders
    from model_zoo.download.hub import resolve
    from model_zoo.download.job import download

    repo = f"owner/{family.name}-{layout.replace(' ', '-')}"
    files = importlib.import_module("tests.model_zoo.hub_server").files_in(source)
    hub.publish(files, repo)
    model = resolve(folders.canonical_name(repo))
    download(model, models)
    return folders.model_folder(model, models)


def _check_layout(layout: str, found: Checkpoint, expected: Checkpoint) -> None:
    """Raise unless a layout gives the model and the tokenizer of the first one."""
    import torch

    from ner_core.tokenizer_files import parse_tokenizer

    one, other = (parse_tokenizer(checkpoint.tokenizer_json) for checkpoint in (expected, found))
    for text in TEXTS:
        if one.encode(text).ids != other.encode(text).ids:
            pieces = f"{other.encode(text).tokens} not {one.encode(text).tokens}"
            msg = f"{layout}: {text!r} has other pieces: {pieces}"
            raise ValueError(msg)
    module: Any = copy.deepcopy(expected.module)
    if layout in ROUNDED:
        for weight in module.parameters():  # buffers, such as rotary frequencies, are not stored
            weight.data = weight.data.to(getattr(torch, ROUNDED[layout])).float()
    ids = torch.tensor([one.encode(TEXTS[0]).ids])
    with torch.no_grad():
        modules: tuple[Any, ...] = (module, found.module)
        logits = [model(ids, torch.ones_like(ids)) for model in modules]
    if not float((logits[0] - logits[1]).abs().max()) <= 1e-5 * float(logits[0].abs().max()):
        msg = f"{layout}: other logits"
        raise ValueError(msg)


def convert_here(folder: Path, target: Path, name: str, overrides: dict[str, Any] | None = None) -> Path:
    """Convert to FP32 in this process, which has torch already."""
    from unittest import mock

    from model_zoo.convert import conversion, tracing

    def trace(
        source: Path,
        staging: Path,
        shape: tuple[int, int] | None,
        overrides: dict[str, Any],
        python: str,  # noqa: ARG001 - no other process is started
    ) -> None:
        tracing.trace(source, staging, shape, overrides)

    with mock.patch.object(conversion, "_trace", trace):
        [made] = conversion.convert_checkpoint(folder, target, name, precisions=["FP32"], overrides=overrides)
    return made.xml
