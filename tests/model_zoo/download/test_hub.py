"""hf: names against a server that answers as the hub does; adding such a model to a zoo."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from model_zoo import __main__ as commands
from model_zoo.catalog import folders, manifest
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.sources import HubSource
from model_zoo.catalog.zoo import load_catalog
from model_zoo.download import answers, hub
from model_zoo.download.job import DownloadError, download
from model_zoo.download.transfer import Patience, Transfer
from tests.model_zoo.file_server import cut, status
from tests.model_zoo.hub_server import COMMIT, FILES

if TYPE_CHECKING:
    from pathlib import Path


def test_a_repository_becomes_a_model_pinned_to_a_commit(repository):
    model = hub.resolve("hf:owner/name")
    assert model.name == "hf--owner--name"
    assert model.labels == ["O", "B-PER", "I-ORG"]
    assert model.license == "mit (https://huggingface.co/owner/name)"
    assert [file.name for file in model.files] == [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "model.safetensors",
    ]
    assert {file.source[0].revision for file in model.files} == {COMMIT}
    weights = model.files[-1]
    assert weights.size == 700
    assert weights.checksum.algorithm == "sha256"
    assert all(headers["Authorization"] == "Bearer secret" for _, headers in repository.requests)


def test_download_leaves_all_that_is_needed_without_the_network(repository, tmp_path, monkeypatch):
    model = hub.resolve("hf:owner/name")
    download(model, tmp_path)
    folder = tmp_path / "public" / "hf--owner--name"
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        assert (folder / name).read_bytes() == FILES[name]
    assert not (folder / "pytorch_model.bin").exists()
    found = folders.find_without_network("hf:owner/name", tmp_path)
    assert found.labels == model.labels
    assert found.checkpoint_path == "."
    assert folders.state(found, tmp_path) == "downloaded"
    again = download(found, tmp_path, transfer=Transfer(offline=True))
    assert {fetched.action for fetched in again} == {"already there"}
    monkeypatch.setattr(manifest, "write_whole", None)  # the folder may be read-only
    download(model, tmp_path)
    assert folders.remove(found, tmp_path) > 0
    assert not folder.exists()


def test_small_files_are_verified_by_their_id_in_git(repository, tmp_path, caplog):
    """A file that broke off is gone on with, one that was changed is refused, and nobody is warned."""
    model = hub.resolve("hf:owner/name")
    assert {file.name: file.checksum.algorithm for file in model.files}["config.json"] == "git_blob"
    address = f"/owner/name/resolve/{COMMIT}/config.json"
    repository.faults[address] = [cut(20)]
    quick = Transfer(Patience(first_wait=0.0))
    with caplog.at_level("WARNING"):
        download(model, tmp_path / "out", transfer=quick)
    assert (tmp_path / "out" / model.subdirectory / "config.json").read_bytes() == FILES["config.json"]
    assert "checksums" not in caplog.text
    repository.files[address] = FILES["config.json"].replace(b"PER", b"LOC")
    with pytest.raises(DownloadError, match=r"config\.json.*\n.*the content is wrong: expected git_blob:"):
        download(model, tmp_path / "again", transfer=quick)
    assert not (tmp_path / "again" / model.subdirectory / "config.json").exists()


def test_an_encoder_without_labels_is_a_start_for_fine_tuning(repository, tmp_path, capsys):
    from model_zoo.train.run import resolve_start

    config = json.dumps({"architectures": ["MPNetForMaskedLM"], "model_type": "mpnet"}).encode()
    repository.publish({**FILES, "config.json": config})
    with pytest.raises(CatalogError, match="expected a token classifier"):
        hub.resolve("hf:owner/name")
    folder = resolve_start("hf:owner/name", None, tmp_path, progress=False)
    assert not capsys.readouterr().out
    assert (folder / "config.json").read_bytes() == config
    repository.close()
    assert resolve_start("hf:owner/name", None, tmp_path) == folder  # all there: no network


def test_the_command_takes_hub_names(repository, tmp_path, capsys, caplog, monkeypatch):
    arguments = ["--name", "hf:owner/name", "-o", str(tmp_path)]
    assert commands.main(["download", *arguments, "--dry_run"]) == 0
    assert "model.safetensors: 700 B from hf:owner/name@" in capsys.readouterr().out
    assert commands.main(["download", *arguments]) == 0
    repository.close()
    monkeypatch.setattr(answers, "_NOBODY_THERE", 0)
    for more in (["--verify"], ["--offline"]):
        assert commands.main(["download", *arguments, *more]) == 0
    assert commands.main(["info", *arguments]) == 0
    assert commands.main(["download", *arguments]) == 0
    assert "hf:owner/name: the hub can't be used: no answer (Connection refused); using what" in caplog.text
    assert commands.main(["download", "--name", "hf:owner/other", "-o", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "can't be used" in said
    assert "Traceback" not in said
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert commands.main(["download", *arguments]) == 0


def test_a_new_commit_is_fetched_although_sizes_are_the_same(repository, tmp_path):
    download(hub.resolve("hf:owner/name"), tmp_path)
    changed = {**FILES, "vocab.txt": b"[CLS]\n"}
    repository.publish(changed, commit="f" * 40)
    download(hub.resolve("hf:owner/name"), tmp_path)
    assert (tmp_path / "public" / "hf--owner--name" / "vocab.txt").read_bytes() == b"[CLS]\n"


def test_a_revision_and_an_older_kind_of_weights(repository):
    files = {name: FILES[name] for name in ("config.json", "vocab.txt", "pytorch_model.bin")}
    repository.publish(files, commit="a" * 40, revision="v1")
    model = hub.resolve("hf:owner/name@v1")
    assert model.name == "hf--owner--name--v1"
    assert [file.name for file in model.files] == ["config.json", "vocab.txt", "pytorch_model.bin"]


def sharded(weight_map: object) -> dict[str, bytes]:
    index = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    whole = {name: content for name, content in FILES.items() if name != "model.safetensors"}
    return {**whole, "model.safetensors.index.json": index}


SHARDS = {f"model-0000{number}-of-00002.safetensors": b"shard" * number for number in (1, 2)}


def test_weights_in_shards_are_fetched_whole(repository, tmp_path, monkeypatch):
    one, two = SHARDS
    files = {**sharded({"a": one, "b": two, "c": one}), **SHARDS}
    repository.publish(files)
    model = hub.resolve("hf:owner/name")
    assert [file.name for file in model.files][-3:] == ["model.safetensors.index.json", one, two]
    assert [file.checksum.algorithm for file in model.files[-2:]] == ["sha256", "sha256"]
    download(model, tmp_path / "out")
    folder = tmp_path / "out" / "public" / "hf--owner--name"
    assert {name: (folder / name).read_bytes() for name in SHARDS} == SHARDS
    assert not (folder / "pytorch_model.bin").exists()
    cached_in(tmp_path / "hub cache", files)
    assert [file.name for file in hub.resolve("hf:owner/name", offline=True).files] == [
        file.name for file in model.files
    ]


@pytest.mark.parametrize(
    "weight_map",
    [None, {}, [], {"a": "../outside"}, {"a": "deeper/shard"}, {"a": ".."}, {"a": 1}, {"a": "x.py"}],
)
def test_an_index_of_shards_that_makes_no_sense_is_refused(repository, weight_map):
    repository.publish(sharded(weight_map))
    with pytest.raises(
        CatalogError,
        match=r"safetensors\.index\.json: expected the names of .* beside it .* save the model again",
    ):
        hub.resolve("hf:owner/name")


def test_a_shard_that_was_not_uploaded_is_missed_before_a_byte_of_weights(repository):
    one, two = SHARDS
    files = {**sharded({"a": one, "b": two}), **SHARDS}
    del files[two]
    repository.publish(files)
    with pytest.raises(CatalogError, match=f"expected all shards that it lists, found no {two}; some were"):
        hub.resolve("hf:owner/name")


def test_what_is_to_be_converted_is_named_as_the_commands_take_it(repository, tmp_path, capsys):
    for name in ("hf:owner/name", "hf:owner/name@refs/pr/1", "hf:name@v1"):
        repo, _, revision = name.removeprefix("hf:").partition("@")
        repository.publish(FILES, repo, revision=(revision or "main").replace("/", "%2F"))
        model = hub.resolve(name)
        assert folders.selectable_name(model) == name
        download(model, tmp_path)
        assert commands.main(["info", "--measure", "--name", name, "-o", str(tmp_path)]) == 1
        assert f"model_zoo.converter --name {name} --download_dir {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["secret\n", '"secret"', "\u201csecret\u201d"])
def test_a_token_is_taken_as_people_copy_it(repository, monkeypatch, written):
    monkeypatch.setenv("HF_TOKEN", written)
    hub.resolve("hf:owner/name")
    assert repository.requests[0][1]["Authorization"] == "Bearer secret"


def test_a_token_that_cannot_be_one_is_not_repeated(repository, tmp_path, monkeypatch):
    model = hub.resolve("hf:owner/name")
    monkeypatch.setenv("HF_TOKEN", "sec\nret\u2026")
    with pytest.raises(CatalogError, match="copy it again") as refused:
        hub.resolve("hf:owner/name")
    assert "ret" not in str(refused.value)
    with pytest.raises(DownloadError, match="HF_TOKEN: expected a token"):
        download(model, tmp_path)


@pytest.mark.parametrize(
    ("code", "token", "message"),
    [
        (404, "x", "the hub has no repository owner/name"),
        (401, "", "HTTP 401.*set HF_TOKEN to a token that may read it"),
        (401, "x", "HTTP 401.*the token is not valid"),
        (403, "x", "gated, private or not there; accept its terms"),
        (500, "x", "can't be used: .*HF_ENDPOINT names another one"),
    ],
)
def test_refusals_are_explained(repository, monkeypatch, code, token, message):
    monkeypatch.setattr(hub, "token", lambda: token or None)
    monkeypatch.setattr(answers, "_LONGEST_WAIT", 0.01)
    repository.faults["/api/models/owner/name/revision/main?blobs=true"] = [status(code)] * 4
    with pytest.raises(CatalogError, match=message):
        hub.resolve("hf:owner/name")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"siblings": 5}, "siblings: expected a list, found 5"),
        (
            {"siblings": [{"name": "config.json"}]},
            r"siblings\[0\].rfilename: expected a value, found nothing",
        ),
        (
            {"siblings": [{"rfilename": "config.json", "lfs": [1]}]},
            r"siblings\[0\].lfs: expected keys and values",
        ),
        ({"tags": [[1]]}, r"tags\[0\]: expected a string, found \[1\]"),
        ({"sha": {"a": 1}}, "sha: expected a string, found"),
        ({"siblings": []}, "found none; it has no files"),
    ],
)
def test_an_answer_of_another_shape_is_a_sentence(repository, changes, message):
    repository.publish(FILES, **changes)
    with pytest.raises(CatalogError, match=message):
        hub.resolve("hf:owner/name")


def test_an_answer_that_breaks_off_is_a_sentence(repository, monkeypatch):
    monkeypatch.setattr(answers, "_ATTEMPTS", 1)
    repository.publish(FILES)
    repository.faults["/api/models/owner/name/revision/main?blobs=true"] = [cut(40)]
    with pytest.raises(
        hub.NoAnswerError, match=r"the connection broke \(IncompleteRead\(40 bytes read, \d+ m"
    ):
        hub.resolve("hf:owner/name")


def test_a_busy_hub_is_asked_again_when_it_says(repository, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(answers.time, "sleep", waits.append)
    address = "/api/models/owner/name/revision/main?blobs=true"
    repository.faults[address] = [status(429, Retry_After="7"), status(503), status(429, Retry_After="9999")]
    assert hub.resolve("hf:owner/name").labels == ["O", "B-PER", "I-ORG"]
    assert waits == [7.0, 2.0, 60.0]


@pytest.mark.parametrize(
    "name", ["owner/name", "hf--owner--name", "https://hf.co/owner/name/tree/main?x=1#y"]
)
def test_a_name_or_an_address_as_people_paste_it(repository, tmp_path, capsys, name):
    assert commands.main(["download", "--name", name, "-o", str(tmp_path), "--dry_run"]) == 0
    assert "model.safetensors: 700 B from hf:owner/name@" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://huggingface.co/owner/name/blob/main/config.json", "hf:owner/name"),
        ("https://huggingface.co/owner/name/tree/refs%2Fpr%2F1", "hf:owner/name@refs/pr/1"),
        ("https://huggingface.co/owner/name/tree/main/onnx", "hf:owner/name"),
        ("huggingface.co/owner/name/commits/v1?x=1", "hf:owner/name@v1"),
        ("HTTPS://HuggingFace.co/owner/name/tree/main/", "hf:owner/name"),
        ("https://huggingface.co/owner/name/discussions/3", "hf:owner/name"),
        ("https://huggingface.co/owner/name@v1", "hf:owner/name@v1"),
        ("https://huggingface.co/owner/name.git", "hf:owner/name"),
        ("git@hf.co:owner/name.git", "hf:owner/name"),
        ("https://hf-mirror.com/owner/name", "hf:owner/name"),
        ("https://huggingface.co/bert-base-uncased", "hf:bert-base-uncased"),
        ("https://hub.example.org/owner/name/blob/main/config.json", "hf:owner/name"),
        ("owner/name/tree/main", "hf:owner/name"),
        ("owner/name@main", "hf:owner/name@main"),
        ("owner/name@refs/pr/1", "hf:owner/name@refs/pr/1"),
        (" <owner/name> ", "hf:owner/name"),
        ("'owner/name/'", "hf:owner/name"),
        ("HF: owner/name/", "hf:owner/name"),
        ("hf://owner/name", "hf:owner/name"),
        ("hf:https://huggingface.co/owner/name", "hf:owner/name"),
        ("hf:owner/name/tree/v1", "hf:owner/name@v1"),
        ("hf:owner/name@refs/pr/1", "hf:owner/name@refs/pr/1"),
        ("hf:owner/name?library=transformers#x", "hf:owner/name"),
        (
            "https://huggingface.co/owner/name/resolve/refs/pr/1/a.bin?download=true",
            "hf:owner/name@refs/pr/1",
        ),
        ("https://somebody:hf_secret@huggingface.co:443/owner/name.git", "hf:owner/name"),
        ("\u201cowner/name\u201d", "hf:owner/name"),
        ("\u200bhttps://huggingface.co/owner/name).", "hf:owner/name"),
    ],
)
def test_pages_of_a_repository_name_their_revision(address, name, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org/")
    assert folders.canonical_name(address) == name


def test_a_folder_of_a_repository_is_not_taken_for_its_top():
    for page in ("tree/main/checkpoint-500", "blob/main/checkpoint-500/config.json"):
        with pytest.raises(CatalogError, match="found that of its folder checkpoint-500"):
            folders.canonical_name(f"https://huggingface.co/owner/name/{page}")


def test_a_name_longer_than_any_file_is_only_unknown():
    for name in ("a/" * 3000 + "b", "a\0/b"):
        assert folders.canonical_name(name) == name
    assert folders.canonical_name("a/" + "b" * 5000) == "hf:a/" + "b" * 5000


def test_other_addresses_are_told_apart(tmp_path, monkeypatch):
    for address in ("datasets/conll2003", "models?search=ner", "", "spaces/owner/name", "a/b/c/d"):
        with pytest.raises(CatalogError, match="expected a model of the hub"):
            folders.canonical_name(f"https://huggingface.co/{address}")
    with pytest.raises(CatalogError, match="expected a model of the hub"):
        folders.canonical_name("hf:datasets/name")
    for name in ("hf:datasets/owner/name", "hf:a b", "hf:a/b/c", "hf:owner/name@"):
        with pytest.raises(CatalogError, match="expected hf:OWNER/NAME"):
            folders.hub_subdirectory(folders.canonical_name(name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    for name in ("owner/name", "./name", "a/b/c", "https://example.org/a/b", "x/y.xml", "models/x", ".."):
        assert folders.canonical_name(name) == name


def cached_in(folder: Path, files: dict[str, bytes]) -> Path:
    """Lay the repository out as huggingface_hub does."""
    cached = folder / "models--owner--name"
    snapshot = cached / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    for name, content in files.items():
        (snapshot / name).write_bytes(content)
    return snapshot


def test_the_local_cache_serves_offline(repository, tmp_path, monkeypatch):
    with pytest.raises(CatalogError, match="not in the local Hugging Face cache"):
        hub.resolve("hf:owner/name", offline=True)
    snapshot = cached_in(tmp_path / "hub cache", FILES)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    repository.requests.clear()
    model = hub.resolve("hf:owner/name")
    fetched = download(model, tmp_path / "out")
    assert {one.action for one in fetched} == {"from the Hugging Face cache"}
    assert not repository.requests
    monkeypatch.delenv("HF_HUB_OFFLINE")
    repository.close()
    assert commands.main(["download", "--name", "hf:owner/name", "-o", str(tmp_path / "other")]) == 0
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (snapshot / "config.json").write_bytes(b"{")
    with pytest.raises(CatalogError, match=r"config\.json can't be read"):
        hub.resolve("hf:owner/name")


def test_a_name_that_the_hub_does_not_allow_is_not_cached():
    assert hub.cached_file(HubSource(repo="owner/na--me", file="x")) is None


def test_the_home_of_the_hub_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert hub._cache_folder() == str(tmp_path / "hub")
    monkeypatch.delenv("HF_HOME")
    assert hub._cache_folder() is None


def test_add_writes_a_model_yml_with_sizes_and_hashes(repository, tmp_path, capsys):
    root = tmp_path / "zoo"
    assert commands.main(["add", "hf:owner/name", "--models_dir", str(root)]) == 0
    path = root / "public" / "name" / "model.yml"
    assert capsys.readouterr().out == f"{path}\n"
    (model,) = load_catalog(root)
    for file in model.files:
        assert file.size == len(FILES[file.name])
        assert file.checksum.value == hashlib.new(file.checksum.algorithm, FILES[file.name]).hexdigest()
    download(model, tmp_path / "out")
    assert (tmp_path / "out" / "public" / "name" / "vocab.txt").read_bytes() == FILES["vocab.txt"]
    assert commands.main(["add", "hf:owner/name", "--models_dir", str(root)]) == 1
    assert "give another name with --as" in capsys.readouterr().err
    assert commands.main(["add", "hf:owner/name", "--models_dir", str(root), "--as", "other"]) == 0
    before = sorted(root.rglob("*"))
    for name in ("../x", "a b", "a/b", "..", "."):
        assert commands.main(["add", "hf:owner/name", "--models_dir", str(root), "--as", name]) == 1
        assert "expected a folder name of letters" in capsys.readouterr().err
    assert sorted(root.rglob("*")) == before
    assert commands.main(["add", "name with spaces"]) == 1
    assert "expected hf:OWNER/NAME" in capsys.readouterr().err


def test_commands_of_the_zoo(capsys):
    assert commands.main(["--help"]) == 0
    assert "download" in capsys.readouterr().out
    assert commands.main([]) == 2
    assert commands.main(["dance"]) == 2
    assert "no command 'dance'" in capsys.readouterr().err
    assert commands.main(["info", "--print_all"]) == 0
    assert "bert-base-ner" in capsys.readouterr().out.splitlines()
