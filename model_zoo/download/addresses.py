"""Web addresses of sources, with the request headers they need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from model_zoo.catalog.sources import GoogleDriveSource, HttpSource, HubSource, NgcSource, without_login
from model_zoo.download import hub

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Address", "address_of"]


@dataclass(frozen=True)
class Address:
    """Address and headers of a request."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the address for messages."""
        return without_login(self.url)


def address_of(source: HttpSource | GoogleDriveSource | HubSource | NgcSource) -> Address:
    """Return the web address of a source.

    Examples
    --------
    >>> address_of(NgcSource(model="nvidia/nemo/ner_en_bert", version="1.10", file="ner_en_bert.nemo")).url
    'https://api.ngc.nvidia.com/v2/models/nvidia/nemo/ner_en_bert/versions/1.10/files/ner_en_bert.nemo'
    """
    if isinstance(source, HttpSource):
        return Address(source.url)
    if isinstance(source, GoogleDriveSource):
        query = f"id={quote(source.id)}&export=download&confirm=t"
        return Address(f"https://drive.usercontent.google.com/download?{query}")
    if isinstance(source, NgcSource):
        base = f"https://api.ngc.nvidia.com/v2/models/{source.model}/versions/{source.version}"
        return Address(f"{base}/files/{quote(source.file)}")
    return Address(hub.file_address(source), hub.authorization())
