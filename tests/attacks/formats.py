"""Models of strangers in the formats that came last: .nemo, ONNX, sentencepiece, encoder files."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks.attack import CANARY, DAMAGES, Kind, sentence
from tests.attacks.models import OUTSIDE, member, tar_of

if TYPE_CHECKING:
    from random import Random

# Checkpoints


def loaded(make, name: str):
    """A file beside a canary is refused with a sentence, or loads; nothing in it runs."""

    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.convert.checkpoints.checkpoint import CheckpointError
        from model_zoo.convert.checkpoints.loading import load_checkpoint
        from ner_core.tokenizer_files import TokenizerFileError

        model = folder / "model"
        model.mkdir()
        (folder / "outside.txt").write_bytes(CANARY)
        make(model / name, chance)
        try:
            load_checkpoint(model / name)
            outcome = "read"
        except (CheckpointError, TokenizerFileError) as error:
            outcome = sentence(error)
        assert (folder / "outside.txt").read_bytes() == CANARY
        assert sorted(path.name for path in folder.iterdir()) == ["model", "outside.txt"], "something ran"
        return outcome

    return attempt


@functools.cache
def nemo() -> dict[str, bytes]:
    """The members of an archive of NeMo's."""
    import tarfile

    from tests.model_zoo.convert.test_nemo import make_archive, make_model

    path = Path(tempfile.mkdtemp(prefix="attacks-")) / "a.nemo"
    make_archive(path, make_model())
    with tarfile.open(path) as archive:
        return {one.name[2:]: archive.extractfile(one).read() for one in archive if one.isfile()}  # type: ignore[union-attr]


def nemo_of(change):
    def make(path: Path, chance: Random) -> None:
        from tests.model_zoo.convert.test_nemo import write_tar

        members = dict(nemo())
        extra = change(members, chance)
        write_tar(path, members, zipped=chance.random() < 0.3)
        if extra is not None:
            path.write_bytes(extra)

    return make


def nemo_member(damage):
    def change(members: dict[str, bytes], chance: Random) -> None:
        name = chance.choice([name for name, content in members.items() if content])
        members[name] = damage(members[name], chance)

    return change


def nemo_config(members: dict[str, bytes], chance: Random) -> None:
    """The configuration names files outside, code, and sizes that nobody has."""
    import yaml

    plain = yaml.safe_load(members["model_config.yaml"])
    wild = chance.choice(
        (
            "nemo:../../outside.txt",
            "/etc/passwd",
            10**12,
            -1,
            {"_target_": "os.system"},
            [],
            None,
            "x" * 10_000,
        )
    )
    key = chance.choice(("language_model", "tokenizer", "head", "label_ids", "class_labels", "target"))
    if isinstance(plain.get(key), dict) and chance.random() < 0.8 and plain[key]:
        plain[key][chance.choice(list(plain[key]))] = wild
    else:
        plain[key] = wild
    members["model_config.yaml"] = yaml.safe_dump(plain).encode()


def nemo_pickle(members: dict[str, bytes], chance: Random) -> None:
    import pickle

    from tests.attacks.checkpoints import Evil

    members["model_weights.ckpt"] = pickle.dumps(Evil(Path("taken.txt").absolute()))


@functools.cache
def onnx() -> Path:
    """A repository with ONNX alone."""
    import warnings

    from tests.attacks.checkpoints import honest
    from tests.model_zoo.convert.test_onnx import make_onnx

    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    from model_zoo.convert.tokenization import read_tokenizer

    source = folder / "source"
    shutil.copytree(honest(), source)
    (source / "tokenizer.json").write_text(read_tokenizer(source).to_str())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_onnx(source, folder / "onnx")
    return folder / "onnx"


def onnx_of(change):
    def make(path: Path, chance: Random) -> None:
        for file in ("config.json", "tokenizer.json"):
            shutil.copyfile(onnx() / file, path.parent / file)
        path.write_bytes((onnx() / "model.onnx").read_bytes())
        change(path, chance)

    return make


def onnx_damaged(damage):
    return lambda path, chance: path.write_bytes(damage(path.read_bytes(), chance))


def onnx_outside(path: Path, chance: Random) -> None:
    """A tensor lies in somebody else's file, in a device, or beyond the end of one."""
    import onnx as library

    graph = library.load(path)
    tensor = max(graph.graph.initializer, key=lambda one: len(one.raw_data))
    length = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = library.TensorProto.EXTERNAL
    where = chance.choice(
        ("../outside.txt", "/etc/passwd", "/dev/zero", "weights", "../../../../etc/hostname")
    )
    told = {"location": where, "offset": chance.choice(("0", "-8", str(2**62))), "length": str(length)}
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    (path.parent / "weights").write_bytes(b"few")
    library.save(graph, path)


def onnx_shapes(path: Path, chance: Random) -> None:
    import onnx as library

    graph = library.load(path)
    tensor = chance.choice(list(graph.graph.initializer))
    if tensor.dims:
        tensor.dims[0] = chance.choice((2**40, -1, 0, 1))
    else:
        tensor.dims.append(2**40)
    library.save(graph, path)


# Files of pieces and of weights


@functools.cache
def pieces() -> tuple[bytes, dict[str, Any]]:
    """A sentencepiece model, and the small files beside it."""
    from benchmarks.hub_models.checkpoints import make_tokenizer
    from benchmarks.hub_models.families import FAMILIES

    family = next(one for one in FAMILIES if one.name == "xlm-roberta")
    folder = Path(tempfile.mkdtemp(prefix="attacks-")) / "tokenizer"
    make_tokenizer(family, folder)
    return (folder / family.tokenizer).read_bytes(), {"name": family.tokenizer, "type": family.model_type}


def proto(change):
    """Read a sentencepiece model, change what it says, and write it."""

    def make(content: bytes, chance: Random) -> bytes:
        from sentencepiece import sentencepiece_model_pb2 as format_

        model = format_.ModelProto()
        model.ParseFromString(content)
        change(model, chance)
        return model.SerializeToString()

    return make


def giant_piece(model: Any, chance: Random) -> None:
    chance.choice(model.pieces).piece = chance.choice(("a", "▁", "\u0301")) * chance.choice(
        (100_000, 5_000_000)
    )


def piece_types(model: Any, chance: Random) -> None:
    for one in model.pieces[:: chance.randrange(1, 5)]:
        one.type = chance.choice((1, 2, 3, 4, 5, 6))


def scores(model: Any, chance: Random) -> None:
    for one in model.pieces:
        one.score = chance.choice((float("nan"), float("inf"), -float("inf"), 1e38, -1e38))


def sizes(model: Any, chance: Random) -> None:
    model.trainer_spec.vocab_size = chance.choice((2**31 - 1, -1, 0))
    for key in ("unk_id", "bos_id", "pad_id"):
        setattr(model.trainer_spec, key, chance.choice((2**31 - 1, -5, 0)))


def character_map(model: Any, chance: Random) -> None:
    model.normalizer_spec.precompiled_charsmap = chance.choice(
        (b"\xff" * 400, b"", b"\xff\xff\xff\xff", chance.randbytes(5000))
    )


PROTOS = {
    "giant pieces": giant_piece,
    "the same piece again and again": lambda model, chance: [
        setattr(one, "piece", "a") for one in model.pieces[5:]
    ],
    "types of pieces that lie": piece_types,
    "scores that are none": scores,
    "sizes that lie": sizes,
    "a map of characters that lies": character_map,
    "no pieces": lambda model, chance: model.ClearField("pieces"),
}


def sentencepiece(change):
    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.convert.tokenization import read_tokenizer
        from ner_core.tokenizer_files import TokenizerFileError

        content, told = pieces()
        (folder / told["name"]).write_bytes(change(content, chance))
        (folder / "config.json").write_text(json.dumps({"model_type": told["type"]}))
        try:
            found = read_tokenizer(folder)
            found.encode("Mary lives in Santa Clara.")
        except TokenizerFileError as error:
            return sentence(error)
        return "read"

    return attempt


@functools.cache
def encoder() -> bytes:
    from tests.model_zoo.train.test_multilingual_start import make_file

    path = Path(tempfile.mkdtemp(prefix="attacks-")) / "e.bin"
    make_file(path)
    return path.read_bytes()


def encoder_sizes(content: bytes, chance: Random) -> bytes:
    """One of the seven sizes, of the blocks, or of the pieces is another number."""
    import struct

    place = 8 + 4 * chance.randrange(15)
    wild = struct.pack("<I", chance.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 10**6)))
    return content[:place] + wild + content[place + 4 :]


def encoder_file(change):
    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.convert.checkpoints.checkpoint import CheckpointError
        from model_zoo.convert.checkpoints.e5s1 import read_e5s1

        path = folder / "e.bin"
        path.write_bytes(change(encoder(), chance))
        try:
            read_e5s1(path)
        except CheckpointError as error:
            return sentence(error)
        return "read"

    return attempt


def kinds() -> list[Kind]:
    archives = {
        "configuration that lies": nemo_of(nemo_config),
        "weights that run code": nemo_of(nemo_pickle),
        "members that lead outside": nemo_of(
            lambda members, chance: tar_of(member(chance.choice(OUTSIDE)), mode="w")
        ),
        **{name: nemo_of(nemo_member(damage)) for name, damage in DAMAGES.items()},
    }
    found = [Kind(".nemo", name, loaded(make, "a.nemo"), costly=True) for name, make in archives.items()]
    graphs = {
        "tensors in files elsewhere": onnx_of(onnx_outside),
        "shapes that lie": onnx_of(onnx_shapes),
        **{name: onnx_of(onnx_damaged(damage)) for name, damage in DAMAGES.items()},
    }
    found += [Kind("ONNX", name, loaded(make, "model.onnx"), costly=True) for name, make in graphs.items()]
    models = {name: proto(change) for name, change in PROTOS.items()} | DAMAGES
    found += [Kind("sentencepiece", name, sentencepiece(make), costly=True) for name, make in models.items()]
    files = {"sizes that lie": encoder_sizes} | DAMAGES
    found += [Kind("encoder file", name, encoder_file(make)) for name, make in files.items()]
    return found
