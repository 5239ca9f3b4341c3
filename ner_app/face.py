"""What a shared link shows: title, description and picture of this page in place of Gradio's.

Gradio puts what `launch` is given as ``head`` into the page by script, which makers of previews do not run.
So its own tags are replaced in the HTML as it is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from ner_app.templating import browser_image, render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PREVIEW", "Face", "preview"]

#: Path of the picture.
PREVIEW = "/preview.png"
_TAG = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:|name="description")[^>]*>')


async def preview(_: Request) -> Response:
    """Return the picture."""
    day = {"Cache-Control": "public, max-age=86400"}
    return Response(browser_image("preview.png"), headers=day, media_type="image/png")


class Face:
    """ASGI middleware that gives the page its own tags and compresses it; Gradio compresses other files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._page = GZipMiddleware(self._with_face, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the page itself with its tags, all else as it is."""
        root = scope.get("root_path", "").rstrip("/")
        asked = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].rstrip("/") == root
        await (self._page if asked else self._app)(scope, receive, send)

    async def _with_face(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Message = {}
        parts: list[bytes] = []

        async def take(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
                if not Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    begun = {}
                    await send(message)
            elif not begun:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = with_face(b"".join(parts).decode(), _address(scope)).encode()
                    MutableHeaders(raw=begun["headers"])["content-length"] = str(len(body))
                    await send(begun)
                    await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, take)


def with_face(html: str, address: str) -> str:
    """Return a page with the tags of this one.

    Examples
    --------
    >>> page = with_face('<head><meta property="og:title" content="Gradio" /></head>', "https://x.org")
    >>> 'content="Gradio"' in page, 'content="https://x.org/preview.png"' in page
    (False, True)
    """
    face = render("face.html", address=address, preview=f"{address}{PREVIEW}")
    return _TAG.sub("", html).replace("</head>", f"{face}</head>", 1)


def _address(scope: Scope) -> str:
    """Return the address as the visitor sees it, maybe through a proxy."""
    if "://" in (whole := scope["app"].root_path):
        return str(whole).rstrip("/")
    headers = Headers(scope=scope)
    host = headers.get("x-forwarded-host") or headers.get("host", "")
    scheme = headers.get("x-forwarded-proto") or scope["scheme"]
    return f"{scheme.split(',')[0].strip()}://{host.split(',')[0].strip()}{scope.get('root_path', '')}"
