"""Open Model Zoo's selection flags."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.folders import find_without_network
from model_zoo.catalog.selection import (
    add_selection_arguments,
    patterns_in_file,
    select,
    selected,
    selected_models,
)
from tests.model_zoo.catalog.test_catalog import composite, zoo

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model


@pytest.fixture
def root(tmp_path):
    for name in ("bert-base", "bert-large", "roberta"):
        zoo(tmp_path, folder=name)
    composite(tmp_path)
    return tmp_path


def names(models):
    return [model.name for model in models]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["roberta", "bert-*"], ["roberta", "bert-base", "bert-large"]),
        (["bert-*", "bert-base"], ["bert-base", "bert-large"]),
        (["*bert?"], ["roberta"]),
        (["[br]*ert-[bl]*"], ["bert-base", "bert-large"]),
        (["tts"], ["tts"]),
        (["tts-*"], ["tts-first", "tts-second"]),
        (["BERT-*"], []),
    ],
)
def test_patterns(root, patterns, expected):
    if expected:
        assert names(select(patterns, root)) == expected
    else:
        with pytest.raises(CatalogError, match="No matching models"):
            select(patterns, root)


def test_a_list_file(tmp_path):
    path = tmp_path / "models.lst"
    path.write_text("# a comment\nroberta  # why\n\n'bert-*' FP16 ignored\n")
    assert patterns_in_file(path) == ["roberta", "bert-*"]
    path.write_bytes(b"\xef\xbb\xbfroberta\r\n")  # as Notepad saves it
    assert patterns_in_file(path) == ["roberta"]
    path.write_bytes("roberta\r\n".encode("utf-16"))  # as PowerShell 5 redirects
    assert patterns_in_file(path) == ["roberta"]
    path.write_text("'open")
    with pytest.raises(CatalogError, match="line 1: expected a model name"):
        patterns_in_file(path)
    with pytest.raises(CatalogError, match="missing: No such file"):
        patterns_in_file(tmp_path / "missing")


def parsed(*arguments: str) -> list[Model] | None:
    parser = argparse.ArgumentParser()
    add_selection_arguments(parser)
    return selected_models(parser, parser.parse_args(arguments))


def test_nothing_chosen_is_said(root, tmp_path, capsys):
    (tmp_path / "empty.lst").write_text("# none\n")
    assert parsed("--list", str(tmp_path / "empty.lst"), "--zoo", str(root)) == []
    assert "empty.lst names no models, so nothing is done" in capsys.readouterr().err
    with pytest.raises(CatalogError, match="separated by commas, found an empty one"):
        parsed("--name", "roberta,", "--zoo", str(root))


def test_exactly_one_way_to_choose(root, capsys):
    for arguments in ([], ["--all", "--name", "x"], ["--print_all", "--all"], ["--list", "x", "--name", "y"]):
        with pytest.raises(SystemExit) as left:
            parsed(*arguments, "--models_dir", str(root))
        assert left.value.code == 2
        assert "must be specified" in (error := capsys.readouterr().err) or "at most one" in error


def test_each_way_to_choose(root, tmp_path):
    where = ("--models_dir", str(root))
    assert names(parsed("--all", *where)) == ["bert-base", "bert-large", "roberta", "tts"]
    assert names(parsed("--name", "roberta, tts", *where)) == ["roberta", "tts"]
    (tmp_path / "list").write_text("roberta\n")
    assert names(parsed("--list", str(tmp_path / "list"), *where)) == ["roberta"]
    assert parsed("--print_all", *where) is None


def test_hub_names_go_to_the_lookup(root):
    asked = []
    (model,) = select(["roberta"], root)
    assert select(["hf:owner/name@main"], root, lambda name: asked.append(name) or model) == [model]
    assert asked == ["hf:owner/name@main"]


def test_hub_models_are_found_again_without_the_network(tmp_path, monkeypatch):
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    with pytest.raises(CatalogError, match=r"run: python -m model_zoo.downloader --name hf:owner/name"):
        select(["hf:owner/name"])
    zoo(tmp_path, folder="hf--owner--name")
    assert names(select(["hf:owner/name"])) == ["hf--owner--name"]
    with pytest.raises(CatalogError, match="expected hf:OWNER/NAME"):
        select(["hf:../name"])


def precisions(root, given, *, omz, printing=False):
    chosen = {"all": not printing, "print_all": printing, "name": None, "list": None, "zoo": root}
    arguments = argparse.Namespace(**chosen, precisions=given, omz=omz)
    return selected(argparse.ArgumentParser(), arguments, find_without_network, ["FP16"])[1]


def test_precisions(root, capsys):
    for omz in (True, False):
        assert precisions(root, None, omz=omz) is None
        assert precisions(root, "FP16, fp16", omz=omz) == ["FP16"]
    with pytest.raises(SystemExit):
        precisions(root, "FP16,FP8", omz=False)
    assert "--precisions: expected some of FP32, FP16," in capsys.readouterr().err
    with pytest.raises(CatalogError, match=r"Unknown precisions specified: FP8\."):
        precisions(root, "FP16,FP8", omz=True)
    assert precisions(root, "FP8", omz=True, printing=True) == ["FP8"]
