"""Archives, model.yml, tokenizers, IR and checkpoints of strangers, and of disks that forget."""

from __future__ import annotations

import functools
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attacks.attack import CANARY, DAMAGES, Kind, sentence

if TYPE_CHECKING:
    from random import Random

TEXT = "Mary Raman of Acme lives in Santa Clara, Rotterdam and works at NVIDIA."


# Archives


def tar_of(*members: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 1) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size if kind == tarfile.REGTYPE else 0
    return info


def zip_of(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def zipped_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "../outside.txt")
    return out.getvalue()


def giant_header(kind: bytes) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 64 << 20
    import gzip

    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(8 << 20), 1)


OUTSIDE = ("../outside.txt", "/outside.txt", "a/../../outside.txt", "..\\outside.txt", "./../outside.txt")
ARCHIVES = {
    ("gztar", "names that lead outside"): lambda chance: tar_of(member(chance.choice(OUTSIDE))),
    ("gztar", "a link to outside, and a file through it"): lambda chance: tar_of(
        member("l", tarfile.SYMTYPE, ".."), member("l/outside.txt")
    ),
    ("gztar", "a hard link to outside"): lambda chance: tar_of(
        member("a", tarfile.LNKTYPE, chance.choice(OUTSIDE)), member("a")
    ),
    ("gztar", "devices and pipes"): lambda chance: tar_of(
        member("d", chance.choice((tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)))
    ),
    ("gztar", "a giant long-name header"): lambda chance: giant_header(tarfile.GNUTYPE_LONGNAME),
    ("gztar", "a giant PAX header"): lambda chance: giant_header(tarfile.XHDTYPE),
    ("gztar", "the same name as file and folder"): lambda chance: tar_of(member("a"), member("a/b")),
    ("zip", "names that lead outside"): lambda chance: zip_of(**{chance.choice(OUTSIDE): b"x"}),
    ("zip", "a link"): lambda chance: zipped_link(),
    ("zip", "unpacks to hundreds of times its size"): lambda chance: zip_of(bomb=bytes(70 << 20)),
}


def unpacked(kind: str, make):
    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.catalog.archives import Limits
        from model_zoo.download.postprocessing import PostprocessingError, unpack

        inner = folder / "inner"
        inner.mkdir()
        (folder / "outside.txt").write_bytes(CANARY)
        archive = inner / "in"
        archive.write_bytes(make(chance))
        try:
            unpack(archive, kind, inner, Limits(size=20 << 20))
        except PostprocessingError as error:
            assert [path.name for path in inner.rglob("*") if path.is_file()] == ["in"], "half an archive"
            outcome = sentence(error)
        else:
            outcome = "unpacked"
        assert (folder / "outside.txt").read_bytes() == CANARY
        assert len(list(folder.iterdir())) == 2
        return outcome

    return attempt


# model.yml

YML = b"""description: A model
task_type: named_entity_recognition
files:
  - name: a/model.bin
    size: 10
    checksum: %s
    source: https://example.org/model.bin
framework: pytorch
license: https://example.org/license
labels: [O, B-PER, I-PER]
""" % (b"0" * 96)
YMLS = {
    "aliases that expand": lambda chance: (
        b"a: &a [x]\n"
        + b"".join(
            b"b%d: &b%d [*%s, *%s]\n" % (n, n, name, name)
            for n in range(1, 30)
            for name in [b"b%d" % (n - 1) if n > 1 else b"a"]
        )
    ),
    "tags that run code": lambda chance: (
        b"description: !!python/object/apply:os.system ['touch outside.txt']\n"
    ),
    "nested deeply": lambda chance: b"[" * chance.randrange(50, 100_000),
    "names that lead outside": lambda chance: YML.replace(
        b"a/model.bin", chance.choice((b"../../x", b"/etc/x", b"a/../../x", b"..\\\\x"))
    ),
    "other types than expected": lambda chance: YML.replace(
        chance.choice((b"10", b"A model", b"pytorch", b"[O, B-PER, I-PER]")),
        chance.choice((b"{a: 1}", b"[[]]", b"null", b"1e999", b"-1", b"2026-11-28", b"9" * 5000, b".nan")),
    ),
}


def yml(make):
    def attempt(chance: Random, folder: Path) -> str:
        from model_zoo.catalog.errors import ZooError
        from model_zoo.catalog.zoo import load_model

        path = folder / "public" / "some" / "model.yml"
        path.parent.mkdir(parents=True)
        path.write_bytes(make(chance))
        try:
            model = load_model(path)
        except ZooError as error:
            return sentence(error)
        for file in model.files:
            assert (folder / str(file.name)).resolve().is_relative_to(folder.resolve())
        return "read"

    return attempt


# Tokenizers


@functools.cache
def lookup() -> Path:
    """The folder of an IR that looks words up, made once."""
    import tempfile

    from tests.ner_app.conftest import save_lookup_model

    return save_lookup_model(Path(tempfile.mkdtemp(prefix="attacks-")))


def tokenizer_json(**changes) -> bytes:
    plain = json.loads((lookup() / "tokenizer.json").read_bytes())
    return json.dumps(plain | changes).encode()


def pattern(regex: str) -> bytes:
    return tokenizer_json(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    )


TOKENIZERS = {
    "patterns that never end": lambda chance: pattern(
        chance.choice((r"(a+)+$", r"(a|aa)+$", r"(.*a){20}$", r"(\w+\s?)+$"))
    ),
    "ids that are none": lambda chance: tokenizer_json(
        model={
            "type": "WordPiece",
            "vocab": {"a": chance.choice((-1, 2**31, 2**40)), "[UNK]": 0},
            "unk_token": "[UNK]",
        }
    ),
    "no unknown token": lambda chance: tokenizer_json(
        model={"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "?"}
    ),
    "nested deeply": lambda chance: b'{"a":' * chance.randrange(100, 50_000),
    "nulls instead of parts": lambda chance: tokenizer_json(
        **{
            chance.choice(("model", "normalizer", "pre_tokenizer", "added_tokens", "version")): chance.choice(
                (None, 5, [], {}, "x")
            )
        }
    ),
    "added tokens that overlap all text": lambda chance: tokenizer_json(
        added_tokens=[
            {
                "id": 5,
                "content": " ",
                "single_word": False,
                "lstrip": True,
                "rstrip": True,
                "normalized": False,
                "special": True,
            }
        ]
    ),
    "normalizers that eat the text": lambda chance: tokenizer_json(
        normalizer={"type": "Replace", "pattern": {"Regex": "."}, "content": chance.choice(("", "x" * 1000))}
    ),
}


def tokenizer(make, name: str = "tokenizer.json"):
    def attempt(chance: Random, folder: Path) -> str:
        from ner_core.tokenizer import Tokenizer

        path = folder / name
        path.write_bytes(make(chance))
        try:
            found = Tokenizer.from_file(path)
            texts = [TEXT, "a" * 200 + "!", "", "\u0301\ud800"]
            encoded = found.encode_texts(texts)
        except (ValueError, OSError) as error:
            return sentence(error)
        assert len(encoded) == len(texts)
        for text, one in zip(texts, encoded, strict=True):
            assert all(0 <= start <= end <= len(text) for start, end in one.offsets)
        return "read"

    return attempt


# IR


def ir(change, *, sealed: bool = True):
    """A damaged IR is refused or gives the same answer; a stranger's without a seal may give another."""

    def attempt(chance: Random, folder: Path) -> str:
        from ner_core import EntityRecognizer
        from ner_core.seal import seal

        model = shutil.copytree(lookup(), folder / "FP32")
        if sealed:
            seal(next(model.glob("*.xml")))
        change(model, chance)
        try:
            recognizer = EntityRecognizer.from_ir(model, device="CPU")
            found = recognizer(TEXT)
        except (ValueError, OSError) as error:
            return sentence(error)
        assert all(TEXT[one.start : one.end] == one.text for one in found.entities)
        same = [(one.text, one.label) for one in found.entities] == expected()
        assert same or not sealed, "another answer"
        return "the same answer" if same else "another answer"

    return attempt


@functools.cache
def expected() -> list[tuple[str, str]]:
    from ner_core import EntityRecognizer

    return [(one.text, one.label) for one in EntityRecognizer.from_ir(lookup(), device="CPU")(TEXT).entities]


def changed(suffix: str, damage):
    def change(model: Path, chance: Random) -> None:
        [path] = model.glob(f"*{suffix}")
        path.write_bytes(damage(path.read_bytes(), chance))

    return change


def weights_elsewhere(model: Path, chance: Random) -> None:
    [path] = model.glob("*.xml")
    text = path.read_text()
    path.write_text(text.replace('offset="0"', f'offset="{chance.choice((-1, 10**9, 2**63, 7))}"', 1))


# The cache of compiled models


def cache(damage):
    def attempt(chance: Random, folder: Path) -> str:
        from ner_core import EntityRecognizer

        shutil.copytree(compiled(), folder / "cache")
        blobs = sorted(path for path in (folder / "cache").rglob("*") if path.is_file())
        path = chance.choice(blobs)
        path.write_bytes(damage(path.read_bytes(), chance))
        recognizer = EntityRecognizer.from_ir(lookup(), device="CPU", cache_dir=folder / "cache")
        found = recognizer(TEXT)
        assert [(one.text, one.label) for one in found.entities] == expected(), found.entities
        return "the same answer"

    return attempt


@functools.cache
def compiled() -> Path:
    import tempfile

    from ner_core import EntityRecognizer

    folder = Path(tempfile.mkdtemp(prefix="attacks-")) / "cache"
    EntityRecognizer.from_ir(lookup(), device="CPU", cache_dir=folder)(TEXT)
    assert list(folder.iterdir())
    return folder


def kinds() -> list[Kind]:
    found = [
        Kind("archive", f"{kind}: {called}", unpacked(kind, make))
        for (kind, called), make in ARCHIVES.items()
    ]
    honest = {
        "zip": zip_of(a=b"x" * 100, b=b"y" * 5000),
        "gztar": tar_of(member("a", size=100), member("b/c", size=5000)),
    }
    for kind, content in honest.items():
        for called, damage in DAMAGES.items():
            found.append(Kind("archive", f"{kind}: {called}", unpacked(kind, _of(damage, content))))
    found += [Kind("model.yml", called, yml(make)) for called, make in YMLS.items()]
    found += [Kind("model.yml", called, yml(_of(damage, YML))) for called, damage in DAMAGES.items()]
    found += [Kind("tokenizer.json", called, tokenizer(make)) for called, make in TOKENIZERS.items()]
    for called, damage in DAMAGES.items():
        found.append(
            Kind("tokenizer.json", called, tokenizer(lambda chance, d=damage: d(tokenizer_json(), chance)))
        )
        words = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefg", "##a", "Mary"]).encode()
        found.append(Kind("vocab.txt", called, tokenizer(_of(damage, words), "vocab.txt")))
        found.append(Kind("IR", f".xml: {called}", ir(changed(".xml", damage))))
        found.append(Kind("IR", f".bin: {called}", ir(changed(".bin", damage))))
        found.append(Kind("IR", f"tokenizer.json: {called}", ir(changed("tokenizer.json", damage))))
        found.append(Kind("compiled cache", called, cache(damage)))
    found.append(
        Kind("vocab.txt", "one line of megabytes", tokenizer(lambda chance: b"x" * 20_000_000, "vocab.txt"))
    )
    found.append(Kind("IR", "weights that lie elsewhere", ir(weights_elsewhere, sealed=False)))
    found.append(Kind("compiled cache", "empty", cache(lambda content, chance: b"")))
    return found


def _of(damage, content: bytes):
    return lambda chance: damage(content, chance)
