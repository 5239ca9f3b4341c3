"""The page under a prefix, ``GRADIO_ROOT_PATH``, behind a proxy that passes it on or takes it off."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Prefix"]


class Prefix:
    """ASGI middleware that puts the prefix back into paths, where ASGI has it and mounted apps look for it.

    Gradio sets ``root_path`` and leaves the path as it came, so its MCP server is not found behind a proxy
    that takes the prefix off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the prefix in its path."""
        root = urlsplit(scope.get("root_path", "")).path.rstrip("/")  # a whole address is allowed too
        if root and "path" in scope:
            path = scope["path"]
            inside = path == root or path.startswith(f"{root}/")
            scope = {**scope, "root_path": root, "path": path if inside else f"{root}{path}"}
        await self._app(scope, receive, send)
