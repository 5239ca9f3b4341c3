"""A page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import functools
import html
import zlib
from collections import Counter
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from ner_core.labels import colors
from ner_core.rendering.characters import encodable
from ner_core.rendering.slices import several, slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ner_core.entity import Recognition

__all__ = ["html_frame", "html_section", "to_html"]


def to_html(
    recognitions: Recognition | Iterable[Recognition],
    *,
    title: str = "Named entities",
    names: Sequence[str] = (),
) -> str:
    """Write a self-contained page: no script, no font, no network.

    The label of an entity is drawn by the style sheet, so that selecting and copying yields only the text;
    label and score are in the tooltip. Text contrast is at least 4.5 to 1 (WCAG AA), in light and dark mode.

    Parameters
    ----------
    recognitions : Recognition or iterable of Recognition
        One text or several.
    title : str
        Heading and title of the page.
    names : sequence of str
        A heading for each text, if any.

    Returns
    -------
    str
        HTML; store it as UTF-8.
    """
    counts: Counter[str] = Counter()
    texts: list[str] = []
    headings = iter(names)
    for recognition in several(recognitions):
        counts.update(entity.label for entity in recognition.entities)
        texts.append(html_section(recognition, next(headings, "")))
    before, after = html_frame(counts, title=title)
    return before + "\n".join(texts) + after


def html_frame(counts: Mapping[str, int], *, title: str = "Named entities") -> tuple[str, str]:
    """Write the parts of a page before and after its texts, for pages too long to hold in memory.

    Parameters
    ----------
    counts : mapping of str to int
        Number of entities of every label in the page, in the order of the legend.
    title : str
        Heading and title of the page.
    """
    fills = colors(counts)
    styles = [f".{_html_class(label)} {{ background: {fills[label]}; }}" for label in counts]
    legend = [
        f'<li><mark class="{_html_class(label)}" data-label="{_html(label)}">{count}</mark></li>'
        for label, count in counts.items()
    ]
    before, after = _page().split("<!-- texts -->")
    before = Template(before).substitute(
        title=_html(title), colors="\n".join(styles), legend="".join(legend) or "<li>none found</li>"
    )
    return before, after


@functools.cache
def _page() -> str:
    return files(__package__).joinpath("page.html").read_text("utf-8")


def _html_class(label: str) -> str:
    """Return a class name for a label, whose own characters may have a meaning in a style sheet."""
    return f"label{zlib.crc32(label.encode('utf-8', 'surrogatepass'))}"


def html_section(recognition: Recognition, name: str = "") -> str:
    """Write one text of a page, with its name as heading; `html_frame` writes the rest of the page."""
    marked: list[str] = []
    for text, entity in slices(recognition):
        if entity is None:
            marked.append(_html(text))
        else:
            label, style = _html(entity.label), _html_class(entity.label)
            tooltip = f"{label} {entity.score:.3f}"
            marked.append(
                f'<mark class="{style}" data-label="{label}" title="{tooltip}">{_html(text)}</mark>'
            )
    about = " · ".join(filter(None, (recognition.model, recognition.device, recognition.precision)))
    caption = f'\n<p class="about">{_html(about)}</p>' if about else ""
    heading = f"<h2>{_html(name)}</h2>\n" if name else ""
    return f'<section>\n{heading}<div class="text" dir="auto">{"".join(marked)}</div>{caption}\n</section>'


def _html(text: str) -> str:
    """Escape for element content and quoted attributes; parsers drop NUL and turn a raw CR into LF."""
    return html.escape(encodable(text).replace("\0", "\ufffd")).replace("\r", "&#13;")
