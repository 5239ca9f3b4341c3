"""One way to open a web session: proxies and CA bundles of the environment, nothing compressed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

__all__ = ["new_session"]


def new_session() -> requests.Session:
    """Return a session; close it, or use it in a ``with`` statement."""
    import requests

    session = requests.Session()
    # Compressed answers would break ranges, lengths and hashes.
    session.headers.update({"User-Agent": "ner-zoo", "Accept-Encoding": "identity"})
    if os.environ.get("SSL_CERT_FILE"):
        session.verify = os.environ["SSL_CERT_FILE"]  # requests itself reads only REQUESTS_CA_BUNDLE
    return session
