"""Where the page is served: Gradio's own variables, checked before Gradio ends at them with a traceback."""

from __future__ import annotations

import logging
import os
import socket
from urllib.parse import urlsplit

__all__ = ["check_address", "check_port", "note_port"]

_LOG = logging.getLogger(__name__)
_NAME, _PORT = "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"
#: Browsers refuse these: https://fetch.spec.whatwg.org/#port-blocking.
_BLOCKED = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
    109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
    526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
    3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))  # fmt: skip


def check_port() -> int:
    """Return the port that Gradio tries first.

    Raises
    ------
    ValueError
        It is not a port.
    """
    written = os.environ.get(_PORT, "7860")
    if not written.isdecimal() or not 0 < int(written) < 1 << 16:
        msg = f"{_PORT}={written!r} in the environment: expected a port from 1 to 65535."
        raise ValueError(msg)
    return int(written)


def check_address() -> None:
    """Make sure that the page can be served at one of the ports that Gradio will try.

    Raises
    ------
    ValueError
        It cannot.
    """
    first, name = check_port(), os.environ.get(_NAME, "127.0.0.1")
    try:
        host = socket.gethostbyname(name)
    except OSError as error:
        reasons = [error.strerror]
    else:
        ports = range(first, first + int(os.environ.get("GRADIO_NUM_PORTS", "100")))
        reasons = [_refused(host, port) for port in ports if port < 1 << 16]
    if all(reasons):
        msg = (
            f"The page cannot be served at {name}:{first} ({reasons[0]}). Set {_NAME} to 127.0.0.1 (this "
            f"machine alone) or 0.0.0.0 (others too), and {_PORT} to a free port above 1023."
        )
        raise ValueError(msg)


def _refused(host: str, port: int) -> str:
    """Return why nothing can be served at a port; empty where it can."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def note_port(address: str) -> None:
    """Log what a visitor must know about the port of a page that has started.

    Parameters
    ----------
    address : str
        Of the page.
    """
    port, asked = urlsplit(address).port, check_port()
    if port in _BLOCKED:
        _LOG.warning(
            "Browsers refuse port %d and cannot open this page; set %s to another, such as 7860.", port, _PORT
        )
    elif _PORT in os.environ and port != asked:
        _LOG.warning("Port %d is in use; the page is served at port %d.", asked, port)
