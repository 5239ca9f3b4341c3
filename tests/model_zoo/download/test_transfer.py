"""Transfers that go well, the caches of this machine, and what is wrong with disks and folders."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from model_zoo.catalog.sources import FileSource, HttpSource, HubSource
from model_zoo.download.cache import FileCache
from model_zoo.download.transfer import Transfer, TransferError
from tests.model_zoo.file_server import status
from tests.model_zoo.transfers import CONTENT, OTHER, QUICK, fetch, nothing_else, sha384

ROOT = Path(__file__).resolve().parents[3]


def test_a_file_is_downloaded_and_then_already_there(server, tmp_path):
    destination = tmp_path / "deep" / "er" / "file"
    done = fetch(server, destination)
    assert (done.action, done.size, done.checksum) == ("downloaded", 5000, sha384(CONTENT))
    assert destination.read_bytes() == CONTENT
    assert nothing_else(tmp_path, "file")
    assert fetch(server, destination).action == "already there"
    (headers,) = server.asked("/file")
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"] == "ner-zoo"


def test_a_full_disk_is_noticed_before_anything_is_written(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10, 10, 0))
    server.files["/mirror"] = CONTENT
    with pytest.raises(TransferError, match="MiB free"):
        fetch(server, tmp_path / "file", paths=("/file", "/mirror"))
    assert nothing_else(tmp_path)
    assert not server.asked("/mirror")


def test_a_destination_that_is_a_folder_is_an_error(server, tmp_path):
    with pytest.raises(TransferError, match="found a folder"):
        fetch(server, tmp_path)


def test_the_cache_is_filled_used_and_not_trusted(server, tmp_path):
    cache = FileCache(tmp_path / "cache")
    fetch(server, tmp_path / "one" / "file", cache=cache)
    digest = sha384(CONTENT).value
    entry = tmp_path / "cache" / "1" / digest[:2] / digest[2:]  # as Open Model Zoo lays it out
    assert entry.read_bytes() == CONTENT
    assert fetch(server, tmp_path / "two" / "file", cache=cache).action == "from the cache"
    assert len(server.requests) == 1
    for damage in (OTHER, CONTENT[:100], b""):
        entry.write_bytes(damage)
        assert (
            fetch(server, tmp_path / f"three{len(damage)}{damage[:1].hex()}" / "file", cache=cache).action
            == "downloaded"
        )
        assert entry.read_bytes() == CONTENT
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [entry]


def test_a_cache_that_cannot_be_written_is_only_a_warning(server, tmp_path, caplog):
    (tmp_path / "cache").write_text("a file")
    assert fetch(server, tmp_path / "file", cache=FileCache(tmp_path / "cache")).action == "downloaded"
    assert "can't store" in caplog.text


def hub_cache(folder: Path, content: bytes) -> None:
    """Lay a file out as huggingface_hub does."""
    repo = folder / "models--owner--name"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("0123abcd")
    (repo / "snapshots" / "0123abcd").mkdir(parents=True)
    (repo / "snapshots" / "0123abcd" / "file").write_bytes(content)


@pytest.mark.parametrize("content", [CONTENT, OTHER])
def test_the_hugging_face_cache_is_looked_at_first(server, tmp_path, monkeypatch, content):
    hub_cache(tmp_path / "hub", content)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    monkeypatch.setenv("HF_TOKEN", "secret")
    server.files["/owner/name/resolve/main/file"] = CONTENT
    sources = [HttpSource(url=server.url("/file")), HubSource(repo="owner/name", file="file")]
    done = Transfer(patience=QUICK).fetch(tmp_path / "file", sources, size=5000, checksum=sha384(CONTENT))
    assert done.action == ("from the Hugging Face cache" if content == CONTENT else "downloaded")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_the_hub_gets_the_token_and_explains_gated_repositories(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    monkeypatch.setenv("HF_TOKEN", "secret")
    path = "/owner/name/resolve/main/file"
    server.files[path] = CONTENT
    source = HubSource(repo="owner/name", file="file")
    Transfer(patience=QUICK).fetch(tmp_path / "file", [source], size=5000, checksum=sha384(CONTENT))
    assert server.asked(path)[0]["Authorization"] == "Bearer secret"
    server.faults[path] = [status(403)]
    with pytest.raises(TransferError, match="gated, private or not there; accept its terms"):
        Transfer(patience=QUICK).fetch(tmp_path / "two", [source])


def test_offline_uses_only_this_machine(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    offline = Transfer(offline=True)
    with pytest.raises(TransferError, match="network may not be used"):
        offline.fetch(tmp_path / "file", [HttpSource(url=server.url("/file"))])
    (tmp_path / "local").write_bytes(CONTENT)
    done = offline.fetch(
        tmp_path / "file", [FileSource(path="local")], base=tmp_path, checksum=sha384(CONTENT)
    )
    assert done.action == "downloaded"
    assert not server.requests


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_local_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TransferError, match="expected a file, found something else"):
        Transfer().fetch(tmp_path / "file", [FileSource(path="pipe")])


def test_a_local_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(TransferError, match="No such file"):
        Transfer().fetch(tmp_path / "file", [FileSource(path="missing")], base=tmp_path)
