"""The archive of a NeMo model, read member by member, never unpacked.

A tar (gzip before NeMo 1.7) whose members lie under ``./``:
https://github.com/NVIDIA/NeMo/blob/v1.23.0/nemo/core/connectors/save_restore_connector.py. Whatever is not a
plain file below the archive's root is refused, and so is an archive that unpacks to far more than a model.
"""

from __future__ import annotations

import io
import posixpath
import re
import shutil
import tarfile
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from model_zoo.catalog.archives import DAMAGED, ArchiveError, Limits, open_archive
from model_zoo.catalog.messages import few
from model_zoo.catalog.yaml_file import parse_yaml
from model_zoo.convert.checkpoints.checkpoint import CheckpointError, first_line

if TYPE_CHECKING:
    import torch

    from model_zoo.catalog.archives import Member

__all__ = ["CONFIG", "WEIGHTS", "NemoArchive", "read_archive", "write_archive"]

CONFIG = "model_config.yaml"
WEIGHTS = "model_weights.ckpt"

# Bounds: BERT large has 1.3 GB; configurations and vocabularies are far below these.
TEXT_LIMIT = 16 * 2**20
WEIGHTS_LIMIT = 8 * 2**30
#: Weights hardly compress; zeros compress a thousand times.
LIMITS = Limits(members=1000, size=2 * WEIGHTS_LIMIT, ratio=100)


@dataclass(frozen=True)
class NemoArchive:
    """The text members of an archive, by base name."""

    path: Path
    texts: dict[str, bytes]

    def artifact(self, value: Any, suffix: str) -> bytes | None:
        """Return the member that the configuration names, or else the only one with the suffix."""
        if isinstance(value, str) and value:
            name = posixpath.basename(value.removeprefix("nemo:"))
            if name in self.texts:
                return self.texts[name]
            found = [text for member, text in self.texts.items() if _plain(member) == _plain(name)]
            if len(found) == 1:
                return found[0]
        found = [text for member, text in self.texts.items() if member.endswith(suffix)]
        return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    """Drop the hash that NeMo puts before an artifact's name."""
    return re.sub(r"^[0-9a-f]{32}_", "", name)


def read_archive(path: Path, weights_file: Path) -> NemoArchive:
    """Read the members once: texts into memory, the weights into a file."""
    texts: dict[str, bytes] = {}
    with path.open("rb") as raw:
        kind = "gztar" if raw.read(2) == b"\x1f\x8b" else "tar"
    try:
        with open_archive(path, kind, LIMITS) as members:
            for member in members:
                name = posixpath.basename(member.name)
                if member.stream is None:
                    continue
                if (name == WEIGHTS and weights_file.exists()) or (name == CONFIG and name in texts):
                    msg = (
                        f"{path}: expected one {name}, found several: a model that was trained in parts "
                        "(tensor parallel) has to be merged by NeMo first."
                    )
                    raise CheckpointError(msg)
                if name == WEIGHTS:
                    _write_weights(path, member, weights_file)
                elif member.size <= TEXT_LIMIT:
                    texts[name] = member.stream.read(TEXT_LIMIT)
    except ArchiveError as error:
        msg = f"{error}. This is not what a NeMo archive has; get it from its publisher."
        raise CheckpointError(msg) from None
    except DAMAGED as error:
        msg = f"{path}: not a NeMo archive, or damaged: {first_line(error)}. Download it again."
        raise CheckpointError(msg) from error
    missing = [
        name for name, there in ((CONFIG, CONFIG in texts), (WEIGHTS, weights_file.exists())) if not there
    ]
    if missing:
        found = few(sorted(texts)) or "nothing"
        msg = f"{path}: no {' and no '.join(missing)} in it (found: {found}). Not a NeMo model."
        raise CheckpointError(msg)
    return NemoArchive(path, texts)


def _write_weights(path: Path, member: Member, file: Path) -> None:
    if member.size > WEIGHTS_LIMIT or member.stream is None:
        msg = f"{path}: member {member.name!r} claims {member.size} bytes, expected at most {WEIGHTS_LIMIT}"
        raise ArchiveError(msg)
    with file.open("wb") as target:
        shutil.copyfileobj(member.stream, target, 1 << 20)


def write_archive(
    source: Path,
    target: Path,
    encoder: dict[str, torch.Tensor],
    head: dict[str, torch.Tensor],
    labels: list[str],
) -> None:
    """Copy an archive with other weights and labels (in id order), as NeMo's own plain tar.

    `source` has the vocabulary and configurations; `encoder` and `head` are the states of the transformers
    encoder, and of the linear layers by their position.
    """
    import torch

    with tempfile.TemporaryDirectory(prefix="nemo-", dir=target.parent) as folder:
        file = Path(folder) / "weights"
        archive = read_archive(source, file)
        before = torch.load(file, map_location="cpu", weights_only=True)
        state = {
            name: tensor for name, tensor in before.items() if name.startswith("bert_model.pooler.")
        }  # NeMo's encoder has a pooler, though the classifier does not use it
        state |= {f"bert_model.{name}": tensor for name, tensor in encoder.items()}
        state |= {f"classifier.mlp.layer{name}": tensor for name, tensor in head.items()}
        torch.save(OrderedDict(state), file)
        texts = dict(archive.texts)
        config = parse_yaml(
            texts[CONFIG].decode("utf-8"), f"{source}: {CONFIG}", CheckpointError, aliases=True
        )
        model = config["model"] if isinstance(config.get("model"), dict) else config
        model["label_ids"] = {label: number for number, label in enumerate(labels)}
        texts[CONFIG] = yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()
        for name in texts:
            if name.endswith("label_ids.csv"):
                texts[name] = "".join(f"{label}\n" for label in labels).encode()
        draft = Path(folder) / "draft.nemo"
        with tarfile.open(draft, "w") as tar:
            for name, text in texts.items():
                member = tarfile.TarInfo(f"./{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text))
            member = tarfile.TarInfo(f"./{WEIGHTS}")
            member.size = file.stat().st_size
            with file.open("rb") as stream:
                tar.addfile(member, stream)
        draft.replace(target)
