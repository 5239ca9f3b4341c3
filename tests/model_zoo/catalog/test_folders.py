"""The models folder: what is there, what state it is in, and removing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from model_zoo.catalog import folders
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.layout import MODELS_ROOT
from model_zoo.catalog.zoo import load_catalog, load_model
from tests.model_zoo.catalog.test_catalog import PLAIN, zoo


def ir(folder: Path, precision: str, name: str | None = None) -> Path:
    xml = folder / precision / f"{name or folder.name}.xml"
    xml.parent.mkdir(parents=True, exist_ok=True)
    xml.write_text("<net/>")
    xml.with_suffix(".bin").write_bytes(b"1234")
    return xml


def test_the_models_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("NER_MODELS_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folders.models_dir() == tmp_path / "ner-zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folders.models_dir() == Path.home() / ".cache" / "ner-zoo"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert folders.models_dir() == Path.home() / "Library" / "Caches" / "ner-zoo"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert folders.models_dir() == tmp_path / "local" / "ner-zoo"
    monkeypatch.setenv("NER_MODELS_DIR", "/models")
    assert folders.models_dir() == Path("/models")
    assert folders.models_dir("given") == Path("given")
    monkeypatch.setenv("NER_MODELS_DIR", "~/models")  # as an environment file leaves it
    assert folders.models_dir() == Path.home() / "models"


def test_states_follow_what_is_on_disk(tmp_path):
    out = tmp_path / "out"
    files = [{**PLAIN["files"][0], "name": name} for name in ("a.bin", "b/c.bin")]
    model = load_model(zoo(tmp_path / "zoo", files=files))
    folder = out / "public" / "some-model"
    assert folders.model_folder(model, out) == folder
    assert folders.state(model, out) == "absent"
    (folder / "b").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"123")
    assert folders.state(model, out) == "partial"
    (folder / "b" / "c.bin").write_bytes(b"12")  # too short
    assert folders.state(model, out) == "partial"
    (folder / "b" / "c.bin").write_bytes(b"123")
    assert folders.state(model, out) == "downloaded"
    assert folders.size_on_disk(model, out) == 6
    ir(folder, "FP16")
    assert folders.state(model, out) == "ready"
    assert folders.remove(model, out) == 16
    assert not folder.exists()
    assert folders.state(model, out) == "absent"
    assert folders.remove(model, out) == 0


def test_embedded_models_are_found_and_never_removed(tmp_path):
    root, out = tmp_path / "zoo", tmp_path / "out"
    model = load_model(zoo(root))
    embedded = ir(model.config.parent, "INT8")
    assert folders.state(model, out) == "embedded"
    assert folders.installed("some-model", out, root) == {"INT8": embedded}
    own = ir(out / "public" / "some-model", "INT8")
    other = ir(out / "public" / "some-model", "FP32")
    assert folders.installed("some-model", out, root) == {"FP32": other, "INT8": own}
    assert folders.remove(model, out) > 0
    assert folders.installed("some-model", out, root) == {"INT8": embedded}
    with pytest.raises(CatalogError, match="nothing was deleted"):
        folders.remove(model, root)  # the zoo itself as models folder
    assert embedded.is_file()


def test_nothing_outside_the_models_folder_is_removed(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "public").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (out / "public" / "some-model").symlink_to(elsewhere)
    model = load_model(zoo(tmp_path / "zoo"))
    with pytest.raises(CatalogError, match="nothing was deleted"):
        folders.remove(model, out)
    assert (elsewhere / "precious").exists()


def test_half_an_ir_is_none(tmp_path):
    xml = ir(tmp_path / "public" / "own", "FP16")
    assert folders.installed("own", tmp_path) == {"FP16": xml}
    xml.with_suffix(".bin").unlink()
    assert folders.installed("own", tmp_path) == {}


def test_variants_of_one_shape_come_last(tmp_path):
    folder = tmp_path / "public" / "own"
    names = ("INT8-2x64", "FP16-1x128", "FP32-1x128", "INT8", "FP16", "FP16-INT8-1x8", "FP16-x8", "tokenizer")
    paths = {name: ir(folder, name) for name in names}
    found = folders.installed("own", tmp_path)
    assert list(found) == ["FP16", "INT8", "FP16-INT8-1x8", "FP32-1x128", "FP16-1x128", "INT8-2x64"]
    assert all(found[name] == paths[name] for name in found)


def test_hub_names(tmp_path):
    assert folders.hub_subdirectory("hf:owner/name") == "public/hf--owner--name"
    assert folders.hub_subdirectory("hf:owner/name@refs/pr/1") == "public/hf--owner--name--refs--pr--1"
    assert folders.hub_subdirectory("hf:bert-base") == "public/hf--bert-base"
    xml = ir(tmp_path / "public" / "hf--owner--name", "FP32")
    assert folders.installed("hf:owner/name", tmp_path) == {"FP32": xml}
    for wrong in (
        "hf:",
        "hf:a/b/c",
        "hf:../b",
        "hf:a/..",
        "hf:a/b@..",
        "hf:a b",
        "owner/name",
        "hf:a/b@x/../y",
    ):
        with pytest.raises(CatalogError, match="expected hf:OWNER/NAME"):
            folders.hub_subdirectory(wrong)


def test_find_model_reads_one_file_only(tmp_path):
    zoo(tmp_path)
    zoo(tmp_path, folder="broken").write_text("[")
    assert folders.find_model("some-model", tmp_path).name == "some-model"
    assert folders.find_model("missing", tmp_path) is None


def test_states_of_the_package_s_models(tmp_path):
    for model in load_catalog():
        assert folders.state(model, tmp_path) in ("absent", "embedded")
        assert model.config.is_relative_to(MODELS_ROOT)
