"""Checkpoints of strangers: safetensors that lie, pickles that run code, config.json that names code."""

from __future__ import annotations

import functools
import json
import pickle
import shutil
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attacks.attack import DAMAGES, Kind, sentence

if TYPE_CHECKING:
    from random import Random

LABELS = ("O", "B-PER", "I-PER")


@functools.cache
def honest() -> Path:
    """A Hugging Face folder of a very small BERT."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    folder = Path(tempfile.mkdtemp(prefix="attacks-")) / "checkpoint"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", "Mary"]
    names = dict(enumerate(LABELS))
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
        num_labels=3,
        id2label=names,
        label2id={label: number for number, label in names.items()},
    )
    torch.manual_seed(0)
    BertForTokenClassification(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return folder


@functools.cache
def pickled() -> bytes:
    import io

    import torch
    from safetensors.torch import load_file

    out = io.BytesIO()
    torch.save(load_file(honest() / "model.safetensors"), out)
    return out.getvalue()


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.write_text, (self.target, "taken over"))


def loaded(change):
    """A changed folder is refused with a sentence, or loads; nothing in it runs."""

    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.convert.checkpoints.checkpoint import CheckpointError
        from model_zoo.convert.checkpoints.loading import load_checkpoint

        model = folder / "model"
        shutil.copytree(honest(), model)
        change(model, chance)
        try:
            load_checkpoint(model)
            outcome = "read"
        except CheckpointError as error:
            outcome = sentence(error)
        assert [path.name for path in folder.iterdir()] == ["model"], "something ran"
        return outcome

    return attempt


def file(name: str, damage):
    return lambda model, chance: (model / name).write_bytes(damage((model / name).read_bytes(), chance))


def as_pickle(damage=lambda content, chance: content):
    def change(model: Path, chance: Random) -> None:
        (model / "model.safetensors").unlink()
        (model / "pytorch_model.bin").write_bytes(damage(pickled(), chance))

    return change


def evil_pickle(model: Path, chance: Random) -> None:
    import torch

    (model / "model.safetensors").unlink()
    target = model.parent / "taken.txt"
    if chance.random() < 0.5:
        torch.save({"bert.embeddings.word_embeddings.weight": Evil(target)}, model / "pytorch_model.bin")
    else:
        (model / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(target)))


def header(change):
    """Write another header before the same tensors."""

    def changed(model: Path, chance: Random) -> None:
        path = model / "model.safetensors"
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        plain = json.loads(content[8 : 8 + length])
        claimed = change(plain, chance)
        text = json.dumps(plain).encode()
        path.write_bytes(
            struct.pack("<Q", len(text) if claimed is None else claimed) + text + content[8 + length :]
        )

    return changed


def a_tensor(plain: dict, chance: Random) -> dict:
    return plain[chance.choice([name for name in plain if name != "__metadata__"])]


def offsets(plain, chance):
    a_tensor(plain, chance)["data_offsets"] = chance.choice(([0, 2**62], [-8, 0], [40, 8], [0, 1], "x", None))


def shape(plain, chance):
    a_tensor(plain, chance)["shape"] = chance.choice(([2**40, 2**40], [-1, 8], [0], [], "x", [1e9]))


def dtype(plain, chance):
    a_tensor(plain, chance)["dtype"] = chance.choice(("F128", "", None, 5, "I64", "F16", "BOOL"))


def overlapping(plain, chance):
    one, other = a_tensor(plain, chance), a_tensor(plain, chance)
    one["data_offsets"] = other["data_offsets"]


def renamed(plain, chance):
    name = chance.choice([name for name in plain if name != "__metadata__"])
    plain[chance.choice(("../../x", "", "__metadata__", "a" * 100_000))] = plain.pop(name)


HEADERS = {
    "offsets that lie": offsets,
    "shapes that lie": shape,
    "types that nobody knows": dtype,
    "tensors that overlap": overlapping,
    "names that are none": renamed,
    "a length that lies": lambda plain, chance: chance.choice((2**63, 2**40, 0, 1, 10**8)),
}


def config(**changes):
    def change(model: Path, chance: Random) -> None:
        path = model / "config.json"
        plain = json.loads(path.read_text())
        for key, values in changes.items():
            plain[key] = chance.choice(values)
        path.write_text(json.dumps(plain))

    return change


WILD = (None, -1, 0, 2**40, "x", [], {}, 1.5, True)
CONFIGS = {
    "an attention of a hub repository": config(
        _attn_implementation=["owner/repo", "kernels-community/x:y"], attn_implementation=["owner/repo"]
    ),
    "code of its own": config(
        auto_map=[{"AutoModelForTokenClassification": "owner/repo--code.Model"}, "x", 5]
    ),
    "a quantizer that imports": config(
        quantization_config=[
            {"quant_method": "gptq"},
            {"quant_method": "bitsandbytes", "load_in_4bit": True},
            5,
        ]
    ),
    "sizes that are none": config(hidden_size=WILD, vocab_size=WILD),
    "heads that do not divide": config(num_attention_heads=[3, 0, -1, 10**9]),
    "layers by the thousand million": config(num_hidden_layers=[10**9, -1, "x", None]),
    "labels that are none": config(
        id2label=[None, [], {"0": None}, {"x": "O"}, {"0": "O", "7": "B-PER"}, {"0": ["O"]}, "O"]
    ),
    "another family": config(
        model_type=["gpt2", "", None, 5, "../x", "layoutlm"], architectures=[["Evil"], None, "x"]
    ),
    "paths instead of names": config(_name_or_path=["/etc/passwd", "../../x", 5]),
    "types of tensors that nobody knows": config(
        torch_dtype=["os.system", 5, {}, "float128"], dtype=["int8", "x"]
    ),
}


def kinds() -> list[Kind]:
    changes = [("config.json", called, change) for called, change in CONFIGS.items()]
    changes += [("safetensors", called, header(change)) for called, change in HEADERS.items()]
    for called, damage in DAMAGES.items():
        changes.append(("config.json", called, file("config.json", damage)))
        changes.append(("safetensors", called, file("model.safetensors", damage)))
        changes.append(("pickle", called, as_pickle(damage)))
    changes.append(("pickle", "runs code", evil_pickle))
    return [Kind(group, called, loaded(change), costly=True) for group, called, change in changes]
