"""A Hugging Face hub on the loopback: repositories of bytes, with sizes and hashes as the hub states them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.model_zoo.file_server import FileServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: A repository that is downloaded and converted as it is.
CONFIG = {
    "architectures": ["BertForTokenClassification"],
    "model_type": "bert",
    "id2label": {"0": "O", "2": "I-ORG", "1": "B-PER"},
}
FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b'{"tokenizer": 1}',
    "tokenizer_config.json": b"{}",
    "vocab.txt": b"[PAD]\n",
    "model.safetensors": b"weights" * 100,
    "pytorch_model.bin": b"older weights",
    "README.md": b"card",
}


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def files_in(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder, by the names that they have in a repository."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class HubServer(FileServer):
    def publish(
        self,
        files: Mapping[str, bytes],
        repo: str = "owner/name",
        *,
        commit: str = COMMIT,
        revision: str = "main",
        **more: object,
    ) -> None:
        """Serve files as a repository; ``more`` is what else the hub says of it."""
        siblings = []
        for name, content in files.items():
            self.files[f"/{repo}/resolve/{commit}/{quote(name)}"] = content
            entry: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
            if name.endswith((".safetensors", ".bin", ".onnx", "_data")):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                entry["blobId"] = git_blob(b"version https://git-lfs.github.com/spec/v1")
            siblings.append(entry)
        answer = {"id": repo, "sha": commit, "siblings": siblings, "cardData": {"license": "mit"}, **more}
        self.files[f"/api/models/{repo}/revision/{revision}?blobs=true"] = json.dumps(answer).encode()
