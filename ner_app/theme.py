"""Looks of the page: system fonts, calm colours, light and dark; nothing is fetched from elsewhere."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ner_app.templating import browser_file, render

__all__ = ["launch_options", "page_theme"]

# In this order: what a script is made of comes before it.
_SCRIPTS = (
    "page.js", "answer.js", "marks.js", "viewer.js", "editor.js", "options.js", "reading.js",
    "folds.js", "text.js", "teach.js", "compare.js", "documents.js", "models.js",
)  # fmt: skip


def page_theme() -> gr.themes.Base:
    """Return the theme: gradio's bare one with system fonts, one accent colour and quiet greys."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=sans,
        font_mono=mono,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        link_text_color_hover="*primary_800",
        link_text_color_hover_dark="*primary_200",
        link_text_color_visited="*primary_700",
        link_text_color_visited_dark="*primary_300",
        color_accent="*primary_700",
    )


def launch_options(max_file_bytes: int) -> dict[str, Any]:
    """Return the keyword arguments of ``launch`` that make up the looks and the privacy of the page.

    Parameters
    ----------
    max_file_bytes : int
        Largest upload, in bytes.
    """
    return {
        "theme": page_theme(),
        # Not as `css`: Gradio puts a prefix behind every comma, also those inside of :is().
        "head": render(
            "head.html",
            style=browser_file("page.css"),
            scripts=[browser_file(name) for name in _SCRIPTS],
        ),
        "ssr_mode": False,  # would need Node.js
        "mcp_server": True,
        "run_history": False,
        "pwa": False,
        "enable_monitoring": False,
        "max_file_size": max_file_bytes,
        "footer_links": ["api"],
    }
