"""What was recognized, written for people and for other programs: highlighted, as tags, as rows.

The file formats (HTML, CoNLL, JSON lines, CSV) can always be encoded as UTF-8: what has no place in them,
such as half a surrogate pair, is escaped (JSON) or replaced by U+FFFD.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from ner_core.entity import Recognition
from ner_core.labels import color, colors, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ner_core.entity import Entity

__all__ = [
    "html_frame",
    "html_section",
    "segments",
    "to_conll",
    "to_csv",
    "to_html",
    "to_inline",
    "to_json",
    "to_jsonl",
    "to_terminal",
    "visible",
]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Cc but line feed and tab, and the marks that turn the direction of what follows them around.
_TERMINAL_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Cells that spreadsheets run: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

# Zero-width non-joiner and joiner: inside a word of Persian or Hindi, and of emoji families.
_JOINERS = ("\u200c", "\u200d")

CSV_COLUMNS = ("document", "start", "end", "label", "score", "text")


def segments(recognition: Recognition) -> list[tuple[str, str | None]]:
    """Cut a text into entities and what stands between them.

    Returns
    -------
    list of (str, str or None)
        Text and label; the joined texts are the text that went in, none of them is empty. This is the value
        of Gradio's HighlightedText.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> segments(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    [('Mary', 'PER'), (' sings.', None)]
    """
    return [(text, None if entity is None else entity.label) for text, entity in _slices(recognition)]


def _slices(recognition: Recognition) -> Iterator[tuple[str, Entity | None]]:
    position = 0
    for entity in recognition.entities:
        if entity.start > position:
            yield recognition.text[position : entity.start], None
        yield recognition.text[entity.start : entity.end], entity
        position = entity.end
    if position < len(recognition.text):
        yield recognition.text[position:], None


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --page: #ffffff; --ink: #1a1a1a; --quiet: #595959; --line: #d0d0d0; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #16181d; --ink: #ececec; --quiet: #a8adb5; --line: #40444c; }}
}}
body {{ margin: 2rem auto; max-width: 50rem; padding: 0 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.9 system-ui, sans-serif; }}
h1 {{ font-size: 1.3rem; line-height: 1.3; }}
h2 {{ font-size: 1rem; }}
.about {{ color: var(--quiet); font-size: .85rem; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem 0;
  border-top: 1px solid var(--line); }}
mark {{ color: #000000; border-radius: .25em; padding: .1em .25em;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }}
mark::after {{ content: attr(data-label); font-size: .7em; font-weight: 700; margin-inline-start: .4em;
  unicode-bidi: isolate; }}
ul {{ list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; }}
{colors}
@media print {{ mark {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul aria-label="Entities by label">{legend}</ul>
<main>
<!-- texts -->
</main>
</body>
</html>
"""


def to_html(
    recognitions: Recognition | Iterable[Recognition],
    *,
    title: str = "Named entities",
    names: Sequence[str] = (),
) -> str:
    """Write a page that needs nothing else: no script, no font, no network.

    The label of an entity is drawn by the style sheet, so that selecting and copying gives the text alone;
    label and score stand in the tooltip. Black on the fixed colours, ink on the page: at least 4.5 to 1 (WCAG
    AA), in the light and in the dark.

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
        HTML, to be stored as UTF-8.
    """
    counts: Counter[str] = Counter()
    texts: list[str] = []
    headings = iter(names)
    for recognition in _several(recognitions):
        counts.update(entity.label for entity in recognition.entities)
        texts.append(html_section(recognition, next(headings, "")))
    before, after = html_frame(counts, title=title)
    return before + "\n".join(texts) + after


def html_frame(counts: Mapping[str, int], *, title: str = "Named entities") -> tuple[str, str]:
    """Write what stands before and after the texts of a page, for pages too long to hold in memory.

    Parameters
    ----------
    counts : mapping of str to int
        Number of entities by label, of every label in the page, in the order of the legend.
    title : str
        Heading and title of the page.
    """
    fills = colors(counts)
    styles = [f".{_html_class(label)} {{ background: {fills[label]}; }}" for label in counts]
    legend = [
        f'<li><mark class="{_html_class(label)}" data-label="{_html(label)}">{count}</mark></li>'
        for label, count in counts.items()
    ]
    before, after = _PAGE.split("<!-- texts -->")
    before = before.format(
        title=_html(title), colors="\n".join(styles), legend="".join(legend) or "<li>none found</li>"
    )
    return before, after


def _html_class(label: str) -> str:
    """Name a label in a style sheet, where a label itself may have characters with a meaning."""
    return f"label{zlib.crc32(label.encode('utf-8', 'surrogatepass'))}"


def html_section(recognition: Recognition, name: str = "") -> str:
    """Write one text of a page, its name above it; see `html_frame` for what stands around the texts."""
    marked: list[str] = []
    for text, entity in _slices(recognition):
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
    return html.escape(_encodable(text).replace("\0", "\ufffd")).replace("\r", "&#13;")


def to_terminal(recognition: Recognition, *, colors: bool = True) -> str:
    r"""Write the text with its entities marked, and a table of them, for people at a terminal.

    Control characters of the text (which could move the cursor, set the window's title or hide text) and
    marks that turn the direction of writing around are shown as escapes such as ``\x1b``.

    Parameters
    ----------
    recognition : Recognition
        A text and its entities.
    colors : bool
        With ANSI colours (256-colour codes), else with brackets.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),))
    >>> print(to_terminal(found, colors=False))
    [Mary PER] sings.
    <BLANKLINE>
    Mary  PER  0.500
    """
    marked = [
        visible(text) if entity is None else _terminal_mark(visible(text), visible(entity.label), colors)
        for text, entity in _slices(recognition)
    ]
    lines = ["".join(marked)]
    if recognition.entities:
        names = [visible(" ".join(entity.text.split())) for entity in recognition.entities]
        labels = [visible(entity.label) for entity in recognition.entities]
        name_width = min(max(map(_columns, names)), 60)
        label_width = max(map(_columns, labels))
        lines.append("")
        for entity, name, label in zip(recognition.entities, names, labels, strict=True):
            lines.append(f"{_padded(name, name_width)}  {_padded(label, label_width)}  {entity.score:.3f}")
    return "\n".join(lines)


def _terminal_mark(text: str, label: str, colors: bool) -> str:
    if not colors:
        return f"[{text} {label}]"
    red, green, blue = (round(int(color(label)[i : i + 2], 16) / 255 * 5) for i in (1, 3, 5))
    background = 16 + 36 * red + 6 * green + blue
    # Each line on its own: a background that crosses a line end fills the rest of the line in many terminals.
    lines = [f"\x1b[38;5;16;48;5;{background}m{line}\x1b[0m" for line in f"{text} \x1b[1m{label}".split("\n")]
    return "\n".join(lines)


def visible(text: str) -> str:
    r"""Write control characters as escapes, line feed and tab apart, so that a terminal can show the text.

    Examples
    --------
    >>> visible("a\x1b[2J")
    'a\\x1b[2J'
    """
    return _TERMINAL_UNSAFE.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text
    )


def _columns(text: str) -> int:
    """Count terminal columns: wide East Asian characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


def to_conll(recognitions: Recognition | Iterable[Recognition]) -> str:
    r"""Write a word and its IOB2 tag on each line, an empty line after each sentence.

    Words that were given stay as they were. A text that was not split is split into runs of letters and
    digits and single other characters, at the borders of entities too, so that entities are always whole
    words; each line of the text makes one sentence. The columns are separated by a space, or by a tab where a
    word has a space in it. Labels of aggregation ``none``, which are tags already, are kept.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> to_conll(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    'Mary B-PER\nsings O\n. O\n\n'
    """
    sentences: list[str] = []
    for recognition in _several(recognitions):
        tagged = _tagged_lines(recognition) if recognition.words is None else [_tagged_words(recognition)]
        sentences += ["".join(_conll_line(word, tag) for word, tag in line) for line in tagged if line]
    return "".join(f"{sentence}\n" for sentence in sentences)


def _tagged_words(recognition: Recognition) -> list[tuple[str, str]]:
    words = recognition.words or ()
    tags = tags_of([], len(words))
    for entity in recognition.entities:
        first, end = entity.word_start, entity.word_end
        if first is not None and end is not None:
            tags[first:end] = [_tag(entity, index == first) for index in range(first, end)]
    return list(zip(words, tags, strict=True))


def _tagged_lines(recognition: Recognition) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    for text, entity in _slices(recognition):
        for index, word in enumerate(_words(text, keep_lines=entity is None)):
            if word == "\n":
                lines.append([])
            else:
                lines[-1].append((word, _tag(entity, index == 0) if entity else "O"))
    return lines


def _words(text: str, *, keep_lines: bool) -> Iterator[str]:
    """Split into words, marks with what they modify; a line feed is a word where lines are kept."""
    word, in_word = "", False
    for character in text:
        if word and (unicodedata.category(character)[0] == "M" or character in _JOINERS):
            word += character
            continue
        letter = character.isalnum() or character == "_"
        joined = word.endswith(_JOINERS) and not character.isspace()
        if word and not (in_word and letter) and not joined:
            yield word
            word = ""
        if keep_lines and character == "\n":
            yield character
        elif not character.isspace():
            word += character
        in_word = letter
    if word:
        yield word


def _tag(entity: Entity, first: bool) -> str:
    if entity.label.startswith(("B-", "I-")):
        return entity.label
    return f"B-{entity.label}" if first else f"I-{entity.label}"


def _conll_line(word: str, tag: str) -> str:
    word = re.sub("[\t\r\n]", " ", _encodable(word)).strip(" ") or "_"
    return f"{word}\t{tag}\n" if " " in word else f"{word} {tag}\n"


def to_jsonl(recognitions: Recognition | Iterable[Recognition]) -> str:
    """Write one JSON object a line, as :meth:`ner_core.Recognition.to_dict` has it."""
    return "".join(f"{to_json(recognition.to_dict())}\n" for recognition in _several(recognitions))


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON that people can read: letters as they are, only lone surrogates escaped."""
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def to_csv(
    recognitions: Recognition | Iterable[Recognition],
    *,
    names: Sequence[str] = (),
    escape_formulas: bool = True,
) -> str:
    r"""Write one row an entity (RFC 4180): document, start, end, label, score, text.

    Parameters
    ----------
    recognitions : Recognition or iterable of Recognition
        One text or several.
    names : sequence of str
        Names of the documents; those without have a number, counted from 0.
    escape_formulas : bool
        Put an apostrophe before texts that a spreadsheet would take for a formula (``=``, ``+``, ``-``,
        ``@``). This is the default because such files are made to be opened in spreadsheets, and the text may
        come from anybody; start and end tell the exact text in any case.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> to_csv(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    'document,start,end,label,score,text\r\n0,0,4,PER,0.5,Mary\r\n'
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    for number, recognition in enumerate(_several(recognitions)):
        document = names[number] if number < len(names) else str(number)
        for entity in recognition.entities:
            cells = [_encodable(cell) for cell in (document, entity.label, entity.text)]
            if escape_formulas:
                cells = [f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells]
            writer.writerow([cells[0], entity.start, entity.end, cells[1], entity.score, cells[2]])
    return file.getvalue()


def to_inline(recognition: Recognition) -> str:
    """Write the tags into the text as NeMo's ``add_predictions`` prints them, white space kept.

    A tag stands behind its word (what white space separates), before the word's last character if that is
    punctuation. NeMo also puts it before a last digit (``201[B-TIME]9``); here numbers stay whole.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = (Entity(10, 21, "LOC", 0.9, "Santa Clara"),)
    >>> to_inline(Recognition("She is in Santa Clara.", found))
    'She is in Santa[B-LOC] Clara[I-LOC].'
    """
    parts: list[str] = []
    position = 0
    entities = iter(recognition.entities)
    entity = next(entities, None)
    for word in re.finditer(r"\S+", recognition.text):
        while entity is not None and entity.end <= word.start():
            entity = next(entities, None)
        if entity is None or entity.start >= word.end():
            continue
        end = word.end()
        if end - word.start() > 1 and unicodedata.category(word[0][-1])[0] in "PS":
            end -= 1
        tag = _tag(entity, first=entity.start >= word.start())
        parts += [recognition.text[position:end], f"[{tag}]"]
        position = end
    return "".join([*parts, recognition.text[position:]])


def _encodable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _several(recognitions: Recognition | Iterable[Recognition]) -> Iterable[Recognition]:
    return [recognitions] if isinstance(recognitions, Recognition) else recognitions
