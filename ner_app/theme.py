"""Looks of the page: fonts of the system, calm colours, light and dark; nothing is fetched from elsewhere."""

from __future__ import annotations

from typing import Any

import gradio as gr

__all__ = ["CSS", "START_SCRIPT", "launch_options", "page_theme"]

CSS = """
.gradio-container { padding: 0 !important; }
.gradio-container .wrap:has(> main) { max-width: 1280px; margin: 0 auto; }
.dark { --color-accent: var(--primary-400); }
.dark button[role="tab"][aria-selected="true"] { color: var(--primary-400) !important; }
#masthead h1 { margin: 0.2rem 0 0; font-size: 1.5rem; letter-spacing: -0.01em; }
#masthead p { margin: 0.1rem 0 0.4rem; color: var(--body-text-color-subdued); }
.html-container { padding: 0 !important; }
.quiet:not(:has(.said)) { display: none; }
.facts, .facts p { color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }
.facts strong { color: var(--body-text-color); font-weight: 600; }
.notice { border-left: 4px solid #c2410c; background: var(--background-fill-secondary);
  padding: 0.6rem 0.9rem; border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.notice ul { margin: 0.2rem 0 0 1.2rem; }
progress { width: 100%; height: 0.7rem; accent-color: var(--color-accent); }
.panel { border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 0.8rem 1rem;
  background: var(--background-fill-primary); }
.marked { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.9; max-height: 32rem;
  overflow-y: auto; }
.marked mark { color: #111; background: var(--label-color); border-radius: 4px; padding: 0.1em 0.25em;
  box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.marked mark b { font-size: 0.7em; font-weight: 700; margin-inline-start: 0.4em; user-select: none;
  color: #111; unicode-bidi: isolate; }
.marked mark.differs { outline: 2px dashed #b91c1c; outline-offset: 1px; }
.dark .marked mark.differs { outline-color: #fca5a5; }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem 0.6rem; margin: 0 0 0.5rem; padding: 0;
  list-style: none; }
.legend li { margin: 0; color: #111; background: var(--label-color); border-radius: 4px;
  padding: 0.05em 0.5em; font-size: 0.85rem; font-weight: 600; }
.table-wrap th * { white-space: nowrap; word-break: normal; }
.table-wrap, .table-wrap * { font-family: var(--font) !important; font-variant-numeric: tabular-nums; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.card { border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 0.8rem 1rem;
  background: var(--background-fill-primary); min-width: 0; }
.card h2, .section { margin: 0 0 0.3rem; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; max-height: 28rem; }
.scroll table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
.scroll th, .scroll td, #model-card th, #model-card td { border-color: var(--border-color-primary);
  border-style: solid; border-width: 0 0 1px; padding: 0.4rem 0.6rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; word-break: normal; }
.scroll table, .scroll tr, #model-card table, #model-card tr { border-width: 0; }
#model-card { overflow: auto; max-height: 46rem; }
#model-card td code { white-space: nowrap; }
#model-card thead:not(:has(th:not(:empty))) { display: none; }
.scroll th[scope="row"] { white-space: nowrap; }
.bars { display: grid; gap: 0.3rem 0.8rem; grid-template-columns: fit-content(45%) 1fr; align-items: center;
  margin: 0; }
.bars dt { overflow-wrap: anywhere; }
.bars dd { margin: 0; display: flex; align-items: center; gap: 0.5rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.bars i { display: block; height: 1.1rem; min-width: 2px; border-radius: 3px; background: var(--color-accent);
  width: calc(var(--share) * (100% - 6rem)); }
.scroll th { font-weight: 600; }
.sortable th { padding: 0; position: sticky; top: 0; background: var(--background-fill-primary); }
.sortable th button { font: inherit; text-align: left; padding: 0.4rem 0.6rem; width: 100%; cursor: pointer;
  white-space: nowrap; background: none; }
.sortable th button::after { content: " ⇅"; color: var(--body-text-color-subdued); font-weight: 400; }
.sortable th[aria-sort="ascending"] button::after { content: " ↑"; }
.sortable th[aria-sort="descending"] button::after { content: " ↓"; }
@media (max-width: 640px) {
  .sortable th:not([aria-sort]) button::after { content: none; }
  .sortable th button, .sortable td { padding-inline: 0.3rem; }
}
.sortable { font-variant-numeric: tabular-nums; padding: 0 0.4rem; }
.scroll a { text-decoration: underline; }
/* Gradio nests two buttons here, which screen readers cannot tell apart; the cross clears the list. */
.prose pre .token { color: inherit; }
.prose pre, .prose pre code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
#files button[aria-label="common.upload"] { display: none; }
:focus-visible { outline: 2px solid var(--color-accent) !important; outline-offset: 2px; }
"""

# Ctrl-Enter (Cmd-Enter on a Mac) recognizes from anywhere in the text box; a click on the head of a sortable
# table sorts it by that column.
START_SCRIPT = """() => {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const pane = event.target.closest("[data-ctrl-enter], .ctrl-enter");
    const button = pane && pane.querySelector("button.ctrl-enter-target");
    if (button) { event.preventDefault(); event.target.blur(); event.target.focus(); button.click(); }
  });
  const order = new Intl.Collator(undefined, {numeric: true}).compare;
  document.addEventListener("click", (event) => {
    const head = event.target.closest(".sortable th");
    if (!head) return;
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const text = (row) => row.cells[column].textContent;
    body.append(...[...body.rows].sort((one, other) => sign * order(text(one), text(other))));
  });
}"""


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
        block_label_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
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
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
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
        "css": CSS,
        "ssr_mode": False,  # would need Node.js
        "mcp_server": True,
        "run_history": False,
        "pwa": False,
        "enable_monitoring": False,
        "max_file_size": max_file_bytes,
        # A fifth of a megabyte each. Whoever is let go, longest unused first, is answered anew.
        "state_session_capacity": 100,
        "footer_links": ["api", "settings"],
    }
