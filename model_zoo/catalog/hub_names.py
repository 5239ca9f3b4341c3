"""Names of models of the Hugging Face hub, ``hf:owner/name[@revision]``, in all forms that people give."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from model_zoo.catalog.errors import CatalogError

__all__ = ["canonical_name", "hub_name", "hub_subdirectory", "is_there", "split_hub_name"]

_PREFIX = re.compile(r"hf:/{0,2}\s*", re.IGNORECASE)
#: Hosts of the hub, with what may stand before them: a scheme, a user, a token.
_HOST = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^/@\s]+@)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)(?::\d+)?"
    r"(?:[/:]|$)",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"(?P<repo>[\w.-]+/[\w.-]+?|[\w.-]+?)(?:\.git)?(?:@(?P<pinned>[\w./-]+?))?"
    r"(?:/discussions(?:/[^?#]*)?"
    r"|/(?P<kind>tree|blob|resolve|raw|commits?|edit|blame)"
    r"/(?P<revision>refs/(?:pr|convert)/[^/?#]+|[^/?#]+)(?:/(?P<path>[^?#]*))?)?"
    r"/?(?:[?#].*)?"
)
#: First parts of addresses of the hub that are no owners of models.
_NO_OWNERS = frozenset(
    ("api", "blog", "collections", "datasets", "docs", "join", "login", "models", "papers", "spaces", "tasks")
)
_NAME = re.compile(r"hf:(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")
#: Quotes, brackets and invisible characters that are copied along with a name.
_AROUND = " \t\r\n\v\f\u00a0\u200b\u2060\ufeff<>()'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_END_OF_SENTENCE = re.compile(r"(?<![.,;:!])[.,;:!]$")


def canonical_name(name: str) -> str:
    """Return ``hf:owner/name`` for what people give for it: ``owner/name``, its folder, or its page.

    Quotes, spaces and punctuation around it are removed. Anything else is returned as it is, and so is
    ``owner/name`` where there is a file or folder of that name.

    Raises
    ------
    CatalogError
        It is an address of the hub, but not that of a model.

    Examples
    --------
    >>> canonical_name("dslim/bert-base-NER"), canonical_name("bert-base-ner")
    ('hf:dslim/bert-base-NER', 'bert-base-ner')
    >>> canonical_name("https://huggingface.co/dslim/bert-base-NER/tree/v1")
    'hf:dslim/bert-base-NER@v1'
    """
    text = _END_OF_SENTENCE.sub("", name.strip(_AROUND)).rstrip(_AROUND)
    page = text[prefix.end() :] if (prefix := _PREFIX.match(text)) else text
    if (host := _HOST.match(page)) or (mirror := _endpoint_before(page)):
        return _named_by_page(name, page[host.end() if host else len(mirror) :])
    if prefix:
        return _named_by_page(name, page) if _PAGE.fullmatch(page) else f"hf:{page}"
    if text.startswith("hf--") and not is_there(name):
        return hub_name(text)
    owner, slash, rest = text.partition("/")
    is_path = not owner.strip(".~") or owner in _NO_OWNERS or rest.endswith((".xml", ".onnx", ".nemo"))
    if not slash or is_path or is_there(name):
        return name
    found = _PAGE.fullmatch(text)
    return _named_by_page(name, text) if found and "/" in found["repo"] else name


def is_there(path: str) -> bool:
    """Return whether there is a file or folder of this name."""
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def _endpoint_before(text: str) -> str:
    """Return ``$HF_ENDPOINT`` with a slash behind it if an address begins with it, else an empty string."""
    own = os.environ.get("HF_ENDPOINT", "").rstrip("/") + "/"
    return own if len(own) > 1 and text.startswith(own) else ""


def _named_by_page(name: str, page: str) -> str:
    """Return ``hf:owner/name[@revision]`` for a page of the hub, given without its host."""
    found = _PAGE.fullmatch(page)
    if found is None or found["repo"].split("/")[0] in _NO_OWNERS:
        msg = (
            f"{name}: expected a model of the hub: hf:OWNER/NAME, hf:OWNER/NAME@REVISION, or the address of "
            "its page, https://huggingface.co/OWNER/NAME"
        )
        raise CatalogError(msg)
    path = (found["path"] or "").strip("/")
    folder = path if found["kind"] == "tree" else path.rpartition("/")[0]
    if folder not in ("", "onnx"):
        msg = (
            f"{name}: expected the address of a repository, found that of its folder {folder}; only files at "
            "the top, or ONNX in onnx/, are read: download that folder, and give its path"
        )
        raise CatalogError(msg)
    branch = unquote(found["revision"] or "main")  # which every page shows unless asked for another
    revision = found["pinned"] or ("" if branch == "main" else branch)
    return f"hf:{found['repo']}" + (f"@{revision}" if revision else "")


def split_hub_name(name: str) -> tuple[str, str | None]:
    """Split ``hf:owner/name[@revision]`` into repository and revision.

    Raises
    ------
    CatalogError
        The name has another form.

    Examples
    --------
    >>> split_hub_name("hf:dslim/bert-base-NER@main")
    ('dslim/bert-base-NER', 'main')
    """
    match = _NAME.fullmatch(name)
    if match is None or any(set(part) <= {"."} for part in re.split("[/@:]", name)):
        msg = f"expected hf:OWNER/NAME or hf:OWNER/NAME@REVISION, found {name!r}"
        raise CatalogError(msg)
    return match["repo"], match["revision"]


def hub_subdirectory(name: str) -> str:
    """Return the subdirectory of an ``hf:`` name: a single folder, with a name safe on every system.

    Raises
    ------
    CatalogError
        As of `split_hub_name`.

    Examples
    --------
    >>> hub_subdirectory("hf:dslim/bert-base-NER")
    'public/hf--dslim--bert-base-NER'
    """
    repo, revision = split_hub_name(name)
    parts = ["hf", *repo.split("/"), *(revision.split("/") if revision else [])]
    return "public/" + "--".join(parts)


def hub_name(folder: str) -> str:
    """Return the name that belongs to the folder of a hub model.

    Examples
    --------
    >>> hub_name("hf--dslim--bert-base-NER"), hub_name("hf--dslim--bert-base-NER--main")
    ('hf:dslim/bert-base-NER', 'hf:dslim/bert-base-NER@main')
    """
    _, *parts = folder.split("--")
    revision = "/".join(parts[2:])
    return "hf:" + "/".join(parts[:2]) + (f"@{revision}" if revision else "")
