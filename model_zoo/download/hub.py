"""The Hugging Face hub: addresses, token, the local hub cache, and models looked up by ``hf:owner/name``.

Routes as the hub and its mirrors serve them: ``/api/models/<repo>/revision/<revision>?blobs=true`` and
``/<repo>/resolve/<revision>/<file>`` (https://huggingface.co/docs/hub/api). ``HF_ENDPOINT``, ``HF_TOKEN``,
``HF_HOME``, ``HF_HUB_CACHE`` and ``HF_HUB_OFFLINE`` mean what they mean to huggingface_hub.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from model_zoo.catalog.folders import hub_subdirectory, split_hub_name
from model_zoo.catalog.sources import HubSource
from model_zoo.catalog.zoo import CatalogError, model_from
from model_zoo.download.web import new_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_zoo.catalog.zoo import Model

__all__ = ["cached_file", "endpoint", "file_address", "is_offline", "resolve", "token"]

_LARGEST_ANSWER = (
    8 << 20
)  # bytes of JSON; a config.json has a few kB, a listing of a big repository some hundred
_INDEX = ".index.json"  # names the files (shards) of weights that come in several
_WEIGHTS = tuple(
    name + kind for name in ("model.safetensors", "pytorch_model.bin") for kind in ("", _INDEX)
)  # best first
_TOKENIZERS = ("tokenizer.json", "vocab.txt")  # one of them must be there
_COMPANIONS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def endpoint() -> str:
    """Return ``$HF_ENDPOINT``, or the public hub."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def is_offline() -> bool:
    """Say whether ``HF_HUB_OFFLINE`` forbids the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def token() -> str | None:
    """Return ``$HF_TOKEN``, or the token that ``hf auth login`` stored, or None."""
    if os.environ.get("HF_TOKEN"):
        return os.environ["HF_TOKEN"].strip()
    import huggingface_hub

    return huggingface_hub.get_token()


def file_address(source: HubSource) -> str:
    """Return the address of a file.

    Examples
    --------
    >>> file_address(HubSource(repo="owner/name", file="a b.txt")).removeprefix(endpoint())
    '/owner/name/resolve/main/a%20b.txt'
    """
    return f"{endpoint()}/{source.repo}/resolve/{quote(source.revision, safe='')}/{quote(source.file)}"


def cached_file(source: HubSource) -> Path | None:
    """Find a file in the local hub cache, where Spaces' ``preload_from_hub`` puts it, or return None."""
    import huggingface_hub

    try:
        found = huggingface_hub.try_to_load_from_cache(
            source.repo, source.file, revision=source.revision, cache_dir=_cache_folder()
        )
    except ValueError:  # a name that the hub does not allow
        return None
    return Path(found) if isinstance(found, str) else None


def _cache_folder() -> str | None:
    """Read the environment now: huggingface_hub reads it once, when it is imported."""
    if os.environ.get("HF_HUB_CACHE"):
        return os.environ["HF_HUB_CACHE"]
    return str(Path(os.environ["HF_HOME"]) / "hub") if os.environ.get("HF_HOME") else None


def resolve(name: str, *, encoder: bool = False, offline: bool = False, timeout: float = 30.0) -> Model:
    """Make a model out of a token classification repository of the hub, without a model.yml.

    Parameters
    ----------
    name : str
        ``hf:owner/name`` or ``hf:owner/name@revision``.
    encoder : bool
        It is a start for fine-tuning: it need not be a token classifier nor have labels.
    offline : bool
        Look only into the local hub cache.
    timeout : float
        Seconds without an answer.

    Returns
    -------
    Model
        Its sources name the commit that the revision stands for, so that all files belong together.

    Raises
    ------
    CatalogError
        No such repository, no access, or not a token classifier with labels of its own.

    Examples
    --------
    >>> resolve("hf:dslim/bert-base-NER").labels[:3]  # doctest: +SKIP
    ['O', 'B-MISC', 'I-MISC']
    """
    repo, revision = split_hub_name(name)
    card: dict[str, Any] = {}
    if offline or is_offline():
        commit, listing = revision or "main", _cached_listing(repo, revision or "main")
        if not listing:
            msg = f"{name}: not in the local Hugging Face cache, and the network may not be used"
            raise CatalogError(msg)
        read: Callable[[str], Any] = partial(_cached_json, name, repo, commit)
    else:
        answer = _get_json(
            name,
            f"{endpoint()}/api/models/{repo}/revision/{quote(revision or 'main', safe='')}?blobs=true",
            timeout,
        )
        commit = str(answer.get("sha") or revision or "main")
        listing = {
            entry["rfilename"]: entry for entry in answer.get("siblings") or [] if "rfilename" in entry
        }
        card = answer.get("cardData") or {}
        read = partial(_remote_json, name, repo, commit, timeout)
    labels = None if encoder else _labels(name, read("config.json") if "config.json" in listing else None)
    kind = "Encoder" if encoder else "Token classifier"
    return model_from(
        name,
        {
            "name": hub_subdirectory(name).split("/")[1],
            "subdirectory": hub_subdirectory(name),
            "description": f"{kind} {repo} of the Hugging Face hub, revision {commit}.",
            "task_type": "named_entity_recognition",
            "framework": "pytorch",
            "license": _license(repo, card),
            "files": [
                _file_entry(repo, commit, file, listing.get(file, {}))
                for file in _needed(name, listing, read)
            ],
            "labels": labels,
        },
    )


def _needed(name: str, listing: dict[str, Any], read: Callable[[str], Any]) -> list[str]:
    weights = [file for file in _WEIGHTS if file in listing]
    if not weights:
        kinds = " or ".join(file for file in _WEIGHTS if not file.endswith(_INDEX))
        msg = f"{name}: expected {kinds}, whole or in shards, in the repository, found {_some(listing)}"
        raise CatalogError(msg)
    if not any(file in listing for file in _TOKENIZERS):
        msg = f"{name}: expected {' or '.join(_TOKENIZERS)} in the repository, found {_some(listing)}"
        raise CatalogError(msg)
    needed = ["config.json", *(file for file in _COMPANIONS if file in listing), weights[0]]
    return needed + _shards(name, weights[0], read(weights[0])) if weights[0].endswith(_INDEX) else needed


def _shards(name: str, file: str, index: Any) -> list[str]:
    """Return the files that an index of weights names, which lie beside it."""
    by_weight = index.get("weight_map") if isinstance(index, dict) else None
    shards = sorted({str(shard) for shard in by_weight.values()}) if isinstance(by_weight, dict) else []
    if not shards or any("/" in shard or "\\" in shard for shard in shards):
        found = ", ".join(shards[:3]) or "none"
        msg = f"{name}: expected the names of files beside it in the weight_map of {file}, found {found}"
        raise CatalogError(msg)
    return shards


def _some(listing: dict[str, Any]) -> str:
    return ", ".join(sorted(listing)[:12]) or "no files"


def _file_entry(repo: str, commit: str, file: str, listed: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": file,
        "source": {"$type": "hf_hub", "repo": repo, "file": file, "revision": commit},
    }
    if isinstance(listed.get("size"), int):
        entry["size"] = listed["size"]
    large = listed.get("lfs") or {}
    if large.get("sha256"):
        entry["checksum"] = {"$type": "sha256", "value": large["sha256"]}
    return entry


def _labels(name: str, config: Any) -> list[str]:
    """Return the labels in id order; refuse what is not a token classifier or was never given labels."""
    if not isinstance(config, dict):
        msg = f"{name}: expected a config.json in the repository, found none"
        raise CatalogError(msg)
    architectures = [str(architecture) for architecture in config.get("architectures") or []]
    if not any(architecture.endswith("ForTokenClassification") for architecture in architectures):
        found = ", ".join(architectures) or "no architecture"
        msg = (
            f"{name}: expected a token classifier (an architecture ...ForTokenClassification), found {found}"
        )
        raise CatalogError(msg)
    by_id = config.get("id2label")
    try:
        labels = [str(by_id[key]) for key in sorted(by_id, key=int)] if isinstance(by_id, dict) else []
    except ValueError:
        labels = []
    if not labels or all(label.startswith("LABEL_") for label in labels):
        found = f"{', '.join(labels[:3])}, ..." if labels else "no id2label"
        msg = (
            f"{name}: expected labels such as B-PER in config.json's id2label, found {found}: "
            "the entities would have no names"
        )
        raise CatalogError(msg)
    return labels


def _license(repo: str, card: dict[str, Any]) -> str:
    license_name = card.get("license") if isinstance(card, dict) else None
    address = f"https://huggingface.co/{repo}"
    return f"{license_name} ({address})" if isinstance(license_name, str) else address


def _cached_listing(repo: str, revision: str) -> dict[str, Any]:
    wanted = {"config.json", *_WEIGHTS, *_COMPANIONS}
    return {
        file: {"size": path.stat().st_size}
        for file in wanted
        if (path := cached_file(HubSource(repo=repo, file=file, revision=revision))) is not None
    }


def _cached_json(name: str, repo: str, revision: str, file: str) -> Any:
    path = cached_file(HubSource(repo=repo, file=file, revision=revision))
    try:
        return json.loads(path.read_bytes()) if path is not None else None
    except (OSError, ValueError) as error:
        msg = f"{name}: {path} can't be read: {error}"
        raise CatalogError(msg) from None


def _remote_json(name: str, repo: str, revision: str, timeout: float, file: str) -> Any:
    return _get_json(name, file_address(HubSource(repo=repo, file=file, revision=revision)), timeout)


def _get_json(name: str, address: str, timeout: float) -> Any:
    import requests

    headers = {"Authorization": f"Bearer {token()}"} if token() else {}
    try:
        with (
            new_session() as session,
            session.get(address, headers=headers, timeout=timeout, stream=True) as response,
        ):
            if response.status_code in (401, 403, 404):
                raise CatalogError(_refused(name, response.status_code))
            response.raise_for_status()
            text = response.raw.read(_LARGEST_ANSWER + 1, decode_content=True)
    except requests.RequestException as error:
        msg = f"{name}: the hub at {endpoint()} gave no answer ({error}); HF_ENDPOINT names another one"
        raise CatalogError(msg) from None
    if len(text) > _LARGEST_ANSWER:
        msg = f"{name}: expected at most {_LARGEST_ANSWER} bytes of JSON from the hub, found more"
        raise CatalogError(msg)
    try:
        return json.loads(text)
    except ValueError:
        msg = f"{name}: expected JSON from the hub at {endpoint()}, found {text[:40]!r}"
        raise CatalogError(msg) from None


def _refused(name: str, status: int) -> str:
    repo, revision = split_hub_name(name)
    if status == 404:
        return f"{name}: the hub has no repository {repo}" + (
            f" with a revision {revision}" if revision else ""
        )
    remedy = "accept its terms on its page" if token() else "set HF_TOKEN to a token that may read it"
    why = "the repository is gated, private or not there"
    return f"{name}: the hub refuses access (HTTP {status}): {why}; {remedy}"
