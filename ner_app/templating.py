"""The page's own files: HTML templates (Jinja2, everything escaped), style sheet and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

__all__ = ["browser_file", "browser_image", "render"]

_FOLDER = Path(__file__).parent
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.filters["number"] = "{:,}".format
_TEMPLATES.filters["megabytes"] = lambda size: f"{size / 1e6:,.1f} MB".replace(".0 MB", " MB")


def render(template: str, **values: Any) -> str:
    """Fill in a template of ``ner_app/templates``.

    Examples
    --------
    >>> render("said.html", said="<b>").strip()
    '<p class="said facts" role="status">&lt;b&gt;</p>'
    """
    return _TEMPLATES.get_template(template).render(**values)


def browser_file(name: str) -> str:
    """Return the content of a file of ``ner_app/browser``: what the browser gets as it is."""
    return (_FOLDER / "browser" / name).read_text(encoding="utf-8")


def browser_image(name: str) -> bytes:
    """Return a picture of ``ner_app/browser``."""
    return (_FOLDER / "browser" / name).read_bytes()
