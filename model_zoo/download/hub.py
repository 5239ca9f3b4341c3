"""The Hugging Face hub: addresses, token, local cache, and lookup of models by ``hf:owner/name``.

Routes of the hub and its mirrors: ``/api/models/<repo>/revision/<revision>?blobs=true`` and
``/<repo>/resolve/<revision>/<file>`` (https://huggingface.co/docs/hub/api). ``HF_ENDPOINT``, ``HF_TOKEN``,
``HF_HOME``, ``HF_HUB_CACHE`` and ``HF_HUB_OFFLINE`` have the same meaning as for huggingface_hub.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, Field, StrictInt, ValidationError

from model_zoo.catalog.checksum import GIT_BLOB
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.folders import find_model
from model_zoo.catalog.hub_names import hub_subdirectory, split_hub_name
from model_zoo.catalog.messages import sentences
from model_zoo.catalog.sources import HubSource, without_login
from model_zoo.catalog.suitability.families import check_architecture, with_family
from model_zoo.catalog.suitability.labels import check_label_count, named_labels
from model_zoo.catalog.suitability.libraries import LIBRARIES, check_kind
from model_zoo.catalog.suitability.tokenizers import TOKENIZER_FILES, check_tokenizer
from model_zoo.catalog.suitability.weights import INDEX, shards_of, tensors_beside, weights_in
from model_zoo.catalog.zoo import model_from
from model_zoo.download.answers import AnswerError, ContentError, get_json
from model_zoo.download.causes import NO_NETWORK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_zoo.catalog.schema import Model

__all__ = [
    "NoAnswerError",
    "authorization",
    "cached_file",
    "endpoint",
    "file_address",
    "is_offline",
    "look_up",
    "resolve",
    "token",
    "why_refused",
]

log = logging.getLogger(__name__)

_AROUND = " \t\r\n'\"\u201c\u201d"  # that is copied along with a token
TIMEOUT = 30.0  # seconds to wait for an answer


class NoAnswerError(CatalogError):
    """The hub gives no answer, so that it neither knows nor refuses the model."""


def endpoint() -> str:
    """Return ``$HF_ENDPOINT``, or the public hub."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def is_offline() -> bool:
    """Return whether ``HF_HUB_OFFLINE`` forbids the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def token() -> str | None:
    """Return ``$HF_TOKEN``, or the token that ``hf auth login`` stored, or None.

    Raises
    ------
    CatalogError
        It has characters that no token has; the message does not repeat it.
    """
    import huggingface_hub

    found = (huggingface_hub.get_token() or "").strip(_AROUND)
    if not re.fullmatch(r"[!-~]*", found):
        msg = "HF_TOKEN: expected a token of the hub, found one with other characters in it; copy it again"
        raise CatalogError(msg)
    return found or None


def authorization() -> dict[str, str]:
    """Return the headers of requests to the hub."""
    secret = token()
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def file_address(source: HubSource) -> str:
    """Return the address of a file.

    Examples
    --------
    >>> file_address(HubSource(repo="owner/name", file="a b.txt")).removeprefix(endpoint())
    '/owner/name/resolve/main/a%20b.txt'
    """
    return f"{endpoint()}/{source.repo}/resolve/{quote(source.revision, safe='')}/{quote(source.file)}"


def cached_file(source: HubSource) -> Path | None:
    """Return a file of the local hub cache, which Spaces' ``preload_from_hub`` fills, or None."""
    import huggingface_hub

    try:
        found = huggingface_hub.try_to_load_from_cache(
            source.repo, source.file, revision=source.revision, cache_dir=_cache_folder()
        )
    except ValueError:  # a name that the hub does not allow
        return None
    return Path(found) if isinstance(found, str) else None


def _cache_folder() -> str | None:
    """Read the environment now: huggingface_hub reads it only when it is imported."""
    if os.environ.get("HF_HUB_CACHE"):
        return os.environ["HF_HUB_CACHE"]
    return str(Path(os.environ["HF_HOME"]) / "hub") if os.environ.get("HF_HOME") else None


def look_up(
    name: str, output_dir: str | Path | None = None, *, encoder: bool = False, offline: bool = False
) -> Model:
    """Return the model that the hub has now or, where it gives no answer, what is on this machine.

    Parameters
    ----------
    name, encoder, offline : optional
        As for `resolve`.
    output_dir : path or None
        Models folder: what was downloaded to it comes before the local hub cache.

    Raises
    ------
    CatalogError
        As of `resolve`; without an answer, there is nothing on this machine either.
    """

    def on_this_machine() -> Model:
        return find_model(name, output_dir=output_dir) or resolve(name, encoder=encoder, offline=True)

    if offline or is_offline():
        return on_this_machine()
    try:
        return resolve(name, encoder=encoder)
    except NoAnswerError as error:
        try:
            found = on_this_machine()
        except CatalogError:
            raise error from None
        log.warning("%s: the hub can't be used: %s; using what is on this machine", name, error.__cause__)
        return found


def resolve(
    name: str,
    *,
    encoder: bool = False,
    labels: Sequence[str] | None = None,
    offline: bool = False,
) -> Model:
    """Build a model from a token classification repository of the hub, without a model.yml.

    Parameters
    ----------
    name : str
        ``hf:owner/name`` or ``hf:owner/name@revision``.
    encoder : bool
        Accept a start for fine-tuning, which need not be a token classifier or have labels.
    labels : sequence of str, optional
        In id order, for a repository that does not name them.
    offline : bool
        Use only the local hub cache.

    Returns
    -------
    Model
        Its sources name the commit of the revision, so that all files belong together.

    Raises
    ------
    CatalogError
        No such repository, no access, or not a token classifier that runs here (see
        `model_zoo.catalog.suitability`). Only small files were fetched.

    Examples
    --------
    >>> resolve("hf:dslim/bert-base-NER").labels[:3]  # doctest: +SKIP
    ['O', 'B-MISC', 'I-MISC']
    """
    repository = _look_up(name, offline=offline or is_offline())
    files = repository.files
    config = repository.read("config.json")
    settings = repository.read("tokenizer_config.json") or {}
    check_kind(name, files, config, repository.library)
    config = with_family(config)
    check_architecture(name, config, encoder=encoder)
    check_tokenizer(name, files, config, settings)
    if labels is None and not encoder:
        labels = named_labels(name, config)
    elif labels is not None:
        check_label_count(name, config, labels)
    kind = "Encoder" if encoder else "Token classifier"
    weights = weights_in(name, files)
    graph = weights if weights.endswith(".onnx") else None
    if encoder and graph:
        msg = f"{name}: expected model.safetensors or pytorch_model.bin to train from, found {graph} alone"
        raise CatalogError(msg)
    return model_from(
        name,
        {
            "name": hub_subdirectory(name).split("/")[1],
            "subdirectory": hub_subdirectory(name),
            "description": f"{kind} {repository.name} of the Hugging Face hub, revision {repository.commit}.",
            "task_type": "named_entity_recognition",
            "framework": "onnx" if graph else "pytorch",
            "license": _license(repository.name, repository.card),
            "files": [_file_entry(repository, file) for file in _needed(name, repository, weights)],
            "labels": list(labels) if labels is not None else None,
            "checkpoint": graph,
        },
    )


class _LargeFile(BaseModel):
    """The hub's facts about a file in Git LFS."""

    sha256: str | None = None


class _ListedFile(BaseModel):
    """The hub's facts about a file."""

    rfilename: str
    size: StrictInt | None = None
    blobId: str | None = None  # noqa: N815 (the hub's name)
    lfs: _LargeFile | None = None


class _Answer(BaseModel):
    """The hub's facts about a repository, as far as they are used here."""

    sha: Annotated[str, Field(pattern=r"^[\w./-]+$")] | None = None
    siblings: list[_ListedFile] | None = None
    tags: list[str] | None = None
    library_name: str | None = None
    cardData: Any = None  # noqa: N815


@dataclass(frozen=True)
class _Repository:
    """What is known about a repository before its files are fetched."""

    name: str
    commit: str
    files: dict[str, _ListedFile]
    read_file: Callable[[str], Any]
    card: Any = None
    library: str = ""

    def read(self, file: str) -> Any:
        """Return the object in a small JSON file, or None if there is no such file."""
        if file not in self.files:
            return None
        found = self.read_file(file)
        if not isinstance(found, dict):
            msg = f"hf:{self.name}: {file}: expected a JSON object, found {type(found).__name__}"
            raise CatalogError(msg)
        return found


def _look_up(name: str, *, offline: bool) -> _Repository:
    repo, revision = split_hub_name(name)
    if offline:
        commit = revision or "main"
        listing = _cached_listing(repo, commit)
        if not listing:
            msg = f"{name}: not in the local Hugging Face cache, and the network may not be used"
            raise CatalogError(msg)
        return _Repository(repo, commit, listing, partial(_cached_json, name, repo, commit))
    address = f"{endpoint()}/api/models/{repo}/revision/{quote(revision or 'main', safe='')}?blobs=true"
    try:
        answer = _Answer.model_validate(_get_json(name, address))
    except ValidationError as error:
        raise CatalogError(_no_answer(name, sentences(error)[0])) from None
    commit = answer.sha or revision or "main"
    return _Repository(
        repo,
        commit,
        {file.rfilename: file for file in answer.siblings or ()},
        lambda file: _get_json(name, file_address(HubSource(repo=repo, file=file, revision=commit)), file),
        answer.cardData,
        answer.library_name or next((tag for tag in answer.tags or () if tag in LIBRARIES), ""),
    )


def _needed(name: str, repository: _Repository, weights: str) -> list[str]:
    files = repository.files
    needed = ["config.json", *(file for file in TOKENIZER_FILES if file in files), weights]
    if weights.endswith(INDEX):
        return needed + shards_of(f"{name}: {weights}", repository.read(weights), files)
    if weights.endswith(".onnx"):
        return needed + tensors_beside(weights, files)
    return needed


def _file_entry(repository: _Repository, file: str) -> dict[str, Any]:
    source = {"$type": "hf_hub", "repo": repository.name, "file": file, "revision": repository.commit}
    entry: dict[str, Any] = {"name": file, "source": source}
    listed = repository.files[file]
    if listed.size is not None:
        entry["size"] = listed.size
    if listed.lfs is not None and listed.lfs.sha256:
        entry["checksum"] = {"$type": "sha256", "value": listed.lfs.sha256}
    elif listed.size is not None and listed.lfs is None and listed.blobId:
        entry["checksum"] = {"$type": GIT_BLOB, "value": listed.blobId}
    return entry


def _license(repo: str, card: Any) -> str:
    license_name = card.get("license") if isinstance(card, dict) else None
    address = f"https://huggingface.co/{repo}"
    return f"{license_name} ({address})" if isinstance(license_name, str) else address


def _cached_listing(repo: str, revision: str) -> dict[str, _ListedFile]:
    config = cached_file(HubSource(repo=repo, file="config.json", revision=revision))
    if config is None:
        return {}
    sizes = {path: path.stat().st_size for path in config.parent.rglob("*") if path.is_file()}
    names = {path.relative_to(config.parent).as_posix(): size for path, size in sizes.items()}
    return {name: _ListedFile(rfilename=name, size=size) for name, size in names.items()}


def _cached_json(name: str, repo: str, revision: str, file: str) -> Any:
    path = cached_file(HubSource(repo=repo, file=file, revision=revision))
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig")) if path is not None else None
    except (OSError, ValueError) as error:
        msg = f"{name}: {path} can't be read: {error}"
        raise CatalogError(msg) from None


def _get_json(name: str, address: str, file: str = "") -> Any:
    """Fetch JSON from the hub: what it says about a repository, or a file in that."""
    try:
        return get_json(address, authorization(), TIMEOUT)
    except AnswerError as error:
        if error.status in (401, 403, 404):
            raise CatalogError(_refused(name, error.status)) from None
        if file and isinstance(error, ContentError):
            msg = f"{name}: {file} is damaged in the repository, and only its owner can mend it: {error}"
            raise CatalogError(msg) from None
        msg = _no_answer(name, error)
        if error.no_network:
            shown = without_login(endpoint())
            msg = f"{name}: no network: the hub cannot be reached. {NO_NETWORK}\n  {shown}: {error}"
        raise NoAnswerError(msg) from error


def _no_answer(name: str, problem: object) -> str:
    shown = without_login(endpoint())
    return f"{name}: the hub at {shown} can't be used: {problem}; HF_ENDPOINT names another one"


def _refused(name: str, status: int) -> str:
    repo, revision = split_hub_name(name)
    if status == 404:
        where = f" with a revision {revision}" if revision else ""
        return f"{name}: the hub has no repository {repo}{where}"
    return f"{name}: the hub refuses access (HTTP {status}): {why_refused(status, authorization())}"


def why_refused(status: int, headers: Mapping[str, str]) -> str:
    """Return why the hub answers a request with these headers with 401 or 403, and what to do."""
    if status == 401 and headers:  # even for what everybody may read
        return "the token is not valid, or no longer; renew it (HF_TOKEN, or: hf auth login), or remove it"
    remedy = "accept its terms on its page" if headers else "set HF_TOKEN to a token that may read it"
    return f"the repository is gated, private or not there; {remedy}"
