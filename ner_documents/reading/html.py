"""HTML as a browser shows it: white space collapsed, hidden parts left out, blocks and cells separate.

Parsed by Lexbor, which builds the same tree as browsers from malformed markup, in C; the standard library's
parser, which Beautiful Soup uses, nests elements that browsers close, and is a hundred times slower.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_documents.reading.blocks import BlockText, count_of, document_of
from ner_documents.reading.detection import charset_of
from ner_documents.reading.encodings import decode
from ner_documents.reading.packages import UnreadableError
from ner_documents.reading.styles import Styles, display_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["BLOCKS", "declared_in_page", "html_blocks", "read_html"]

_KINDS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    **dict.fromkeys(("li", "dt", "dd"), "list item"),
    **dict.fromkeys(("td", "th"), "cell"),
    **dict.fromkeys(("caption", "figcaption", "legend"), "caption"),
    "header": "header",
    "footer": "footer",
}
#: Elements that are separate from the text around them: blocks, tables and controls
#: (https://html.spec.whatwg.org/multipage/rendering.html).
BLOCKS = frozenset(
    """address article aside blockquote body button center details dialog dir div dl fieldset figure footer
    form frameset header hgroup hr html listing main menu nav ol optgroup option p plaintext pre search
    section select summary table tbody textarea tfoot thead tr ul xmp""".split()  # noqa: SIM905 - strings read worse
) | frozenset(_KINDS)
_SILENT = frozenset(
    """script style noscript template head title desc iframe object audio video canvas datalist noframes rt
    rp annotation annotation-xml comment""".split()  # noqa: SIM905
)
#: Pictures and controls: they separate words even without a space.
_BETWEEN = frozenset("img input iframe object audio video canvas embed meter progress".split())  # noqa: SIM905
#: Types of controls that show their value.
_FILLED_IN = frozenset("text search tel url email number date button submit reset".split())  # noqa: SIM905
_KEPT_SPACE = frozenset(("pre", "textarea", "listing", "xmp", "plaintext"))
#: Elements of a drawing (SVG) that are shown, and whether text directly inside of them is.
_DRAWN = {"svg": False, "g": False, "a": False, "switch": False, "text": True, "foreignobject": True}
_INVISIBLE = re.compile(r"(?:^|;)\s*visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_BLOCK_DISPLAYS = ("block", "flex", "grid", "list-item", "flow-root", "table")
_WHITE_SPACE = re.compile(
    r"(?:^|;)\s*white-space\s*:\s*(?:pre|pre-wrap|pre-line|break-spaces)\b", re.IGNORECASE
)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]{1,40})|\A<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w:.-]{1,40})""",
    re.IGNORECASE,
)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_HEAD = 4096
#: Elements that are nested in none of their kind: without content, or closed by the next one.
_FLAT = frozenset(
    """area base br col embed hr img input link meta source track wbr html head body p li dd dt option
    optgroup caption colgroup tbody td tfoot th thead tr rt rp""".split()  # noqa: SIM905
)
_NESTED = re.compile(rf"<(/?)(?:{'|'.join(sorted(BLOCKS - _FLAT))})\b", re.IGNORECASE)
_DEEPEST = 10_000  # levels of blocks, for which Lexbor takes quadratic time; browsers stop at 512
_XHTML = "http://www.w3.org/1999/xhtml"
#: What XML writes in another way than HTML: elements without content, and text without escapes.
_OF_XML = re.compile(
    r"""<!--(?:.*?-->|.*)|<!\[CDATA\[(?P<text>.*?)(?:\]\]>|\Z)"""
    r"""|<(?P<name>[\w:.-]+)(?P<rest>(?:[^<>"']|"[^"]*"|'[^']*')*)/>""",
    re.DOTALL,
)
_SPAN = 1000  # cells in one
_MARK = 16  # steps through the nodes of a footnote's mark, at most


def read_html(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a page as one document."""
    text, problems = decode(raw, source, options.encoding, declared_in_page(raw))
    yield from problems
    if text is not None:
        yield from document_of(source, html_blocks(text))


def declared_in_page(raw: bytes) -> str:
    """Return the encoding that a page declares in its head, empty if none.

    Examples
    --------
    >>> declared_in_page(b"<!-- <meta charset=latin-1> --><meta charset='koi8-r'>")
    'koi8-r'
    """
    told = _CHARSET.search(_COMMENT.sub(b"", raw[:_HEAD]))
    label = (told[1] or told[2]).decode("ascii", "replace") if told else ""
    # A page that declares UTF-16 in ASCII letters is not UTF-16; the standard reads it as UTF-8.
    return "" if (charset_of(label) or "").startswith(("utf-16", "utf-32")) else label


def html_blocks(text: str, sheets: str = "") -> BlockText:
    r"""Extract the text of HTML or XHTML.

    Parameters
    ----------
    text : str
        The page.
    sheets : str
        Style sheets that it refers to.

    Raises
    ------
    UnreadableError
        If elements are nested too deeply.
    MemoryError
        If there is not enough memory.

    Examples
    --------
    >>> html_blocks("<h1>Mary</h1><p>in <b>Santa\n  Clara</b><br>now</p><p hidden>x</p>").text
    'Mary\nin Santa Clara\nnow'
    """
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    if _XHTML in text[:_HEAD]:
        text = _OF_XML.sub(_as_html, text)
    _check_depth(text)
    try:
        parsed = LexborHTMLParser(text)
    except SelectolaxError as error:  # every text is HTML
        raise MemoryError from error
    own = "".join(_sheet(style) for style in parsed.css("style"))
    blocks = _blocks_in(parsed.root, Styles(sheets + own))
    # What hides all of its text shows it by a script.
    return blocks if blocks.blocks else _blocks_in(parsed.root, Styles(""))


def _blocks_in(root: Any, styles: Styles) -> BlockText:
    page = _Page(styles)
    node = root
    depth = 0
    while node is not None:
        entered = page.enter(node)
        child = node.child if entered else None
        if child is not None:
            node = child
            depth += 1
            continue
        if entered:
            page.leave()
        while node is not None and node.next is None:
            depth -= 1
            node = node.parent if depth >= 0 else None
            if node is not None:
                page.leave()
        if node is None or depth < 0 or node.mem_id == root.mem_id:
            break
        node = node.next
    page.end_block()
    return page.blocks


def _as_html(found: re.Match[str]) -> str:
    """Write what `_OF_XML` finds as HTML, which has no ``<title/>``: all that follows would be its title."""
    if found["text"] is not None:
        return html.escape(found["text"])
    name = found["name"]
    if name is None or name.lower() in _FLAT:
        return found[0]
    return f"<{name}{found['rest']}></{name}>"


def _check_depth(text: str) -> None:
    depth = 0
    for closing in _NESTED.findall(text) if text.count("<") > _DEEPEST else ():
        depth = max(depth - 1, 0) if closing else depth + 1
        if depth > _DEEPEST:
            msg = f"its elements are nested more than {_DEEPEST:,} deep; many are probably not closed"
            raise UnreadableError(msg)


def _sheet(style: Any) -> str:
    """Return the rules of a style element; those of a medium count as in an at-rule."""
    if style.parent.tag == "noscript":
        return ""
    rules = style.text()
    return f"@media {{{rules}}}" if "media" in style.attributes else rules


class _Shown(NamedTuple):
    """How a browser shows an element, and what it means for the text in it.

    Attributes
    ----------
    block, apart : bool
        Whether it is separate from its neighbours, as a block or within a line.
    kept_space : bool
        Whether white space is kept.
    kind : str
        Kind of its blocks.
    cell, table : (int, int), _Table or None
        The innermost cell and table that it is in.
    drawn : bool or None
        Within a drawing, whether text directly inside is shown; None elsewhere.
    """

    block: bool = False
    apart: bool = False
    kept_space: bool = False
    kind: str = "paragraph"
    cell: tuple[int, int] | None = None
    table: _Table | None = None
    drawn: bool | None = None

    def inner(self, node: Any, attributes: dict[str, str | None]) -> _Shown:
        """Return how an element in this one is shown."""
        tag = node.tag.lower()
        style = attributes.get("style") or ""
        display = display_of(style) if style else ""
        block, inline = tag in BLOCKS, display.startswith("inline")
        if display in ("inline", "contents"):
            block, inline = False, block
        elif display.startswith(_BLOCK_DISPLAYS):
            block = True
        drawn = self.drawn
        if tag in _DRAWN and (drawn is not None or tag == "svg"):
            drawn = _DRAWN[tag] or (tag == "a" and drawn is True)
            block = block or _DRAWN[tag]  # each text is a block, and its lines are one
        apart = (inline and not block) or _is_mark(node)
        kept_space = self.kept_space or tag in _KEPT_SPACE or bool(style and _WHITE_SPACE.search(style))
        return _Shown(block, apart, kept_space, self.kind, self.cell, self.table, drawn)


class _Table:
    """The position of the next cell of a table."""

    def __init__(self) -> None:
        self.row = 0
        self.column = 0
        self.taken: dict[int, int] = {}  # the last row of a cell of several rows, by column

    def next_cell(self, across: int, down: int) -> tuple[int, int]:
        self.column += 1
        while self.taken.get(self.column, -1) >= self.row:
            self.column += 1
        place = (max(self.row, 1), self.column)
        if down > 1:
            columns = range(self.column, self.column + across)
            self.taken.update(dict.fromkeys(columns, self.row + down - 1))
        self.column += across - 1
        return place


class _Page:
    """Collects the text of nodes into blocks."""

    def __init__(self, styles: Styles) -> None:
        self.blocks = BlockText()
        self._styles = styles
        self._parts: list[str] = []
        self._opened = [_Shown()]
        self._mark = False

    def enter(self, node: Any) -> bool:
        """Visit a node; return whether its children are read."""
        tag = node.tag.lower()
        drawn = self._opened[-1].drawn
        self._mark = self._mark or tag in _BETWEEN
        if tag == "-text":
            if drawn is not False:
                self._text(node.text_content or "")
            return False
        if (
            tag in _SILENT
            or (tag.startswith("-") and tag != "-document")
            or (drawn is False and tag not in _DRAWN)
        ):
            return False
        if tag == "br":
            self.end_block()
            return False
        attributes = node.attributes
        if attributes and self._is_hidden(tag, attributes):
            self.blocks.hidden += bool(node.text(strip=True))
            return False
        if tag == "dialog" and "open" not in attributes:
            return False
        value = attributes.get("value") if tag == "input" else None
        if value and (attributes.get("type") or "text").lower() in _FILLED_IN:
            self._text(value)
            self._mark = True
            return False
        shown = self._opened[-1].inner(node, attributes)
        if shown.block:
            self.end_block()
            shown = _as_block(shown, tag, attributes)
        elif shown.apart or (tag == "tspan" and drawn and attributes.keys() & {"x", "y", "dy"}):
            self._apart()
        self._opened.append(shown)
        return True

    def _is_hidden(self, tag: str, attributes: dict[str, str | None]) -> bool:
        if tag in ("html", "body"):  # a script shows the page
            return False
        style = attributes.get("style") or ""
        display = display_of(style) if style else ""
        if self._opened[-1].drawn is not None:
            display = display or attributes.get("display") or ""
            style += f";visibility:{attributes.get('visibility')}"
        return (
            "hidden" in attributes
            or display == "none"
            or (bool(style) and _INVISIBLE.search(style) is not None)
            or (not display and self._styles.hide(tag, attributes))
        )

    def leave(self) -> None:
        """Leave a node whose children were read."""
        self._mark = self._mark or self._opened[-1].apart
        if self._opened[-1].block:
            self.end_block()
        self._opened.pop()

    def _apart(self) -> None:
        if self._parts and self._parts[-1][-1:].isalnum():
            self._parts.append(" ")

    def _text(self, text: str) -> None:
        if self._mark and text[:1].isalnum():
            self._apart()
        self._mark = False
        if not self._opened[-1].kept_space:
            self._parts.append(_SPACE.sub(" ", text))
            return
        first, *rest = text.replace("\r\n", "\n").split("\n")
        self._parts.append(first)
        for line in rest:
            self.end_block()
            self._parts.append(line)

    def end_block(self) -> None:
        """Add the collected text as a block."""
        if not self._parts:
            return
        joined = "".join(self._parts).replace("\u00ad", "")  # soft hyphens are shown only at line ends
        shown = self._opened[-1]
        text = joined if shown.kept_space else re.sub(" {2,}", " ", joined)
        self._parts.clear()
        kind = "cell" if shown.kind == "paragraph" and shown.cell else shown.kind
        self.blocks.add(kind, text.strip(" \t"), shown.cell, place=f"block {len(self.blocks.blocks) + 1}")


def _as_block(shown: _Shown, tag: str, attributes: dict[str, str | None]) -> _Shown:
    """Return how a block is shown, with its kind and its place in a table."""
    if tag in _KINDS:
        shown = shown._replace(kind=_KINDS[tag])
    if tag == "table":
        return shown._replace(table=_Table())
    if tag == "tr" and shown.table:
        shown.table.row += 1
        shown.table.column = 0
    elif tag in ("td", "th"):
        across, down = (count_of(attributes.get(name), _SPAN) for name in ("colspan", "rowspan"))
        return shown._replace(cell=(shown.table or _Table()).next_cell(across, down))
    return shown


def _is_mark(node: Any) -> bool:
    """Return whether a node is a footnote mark, which is not part of the adjacent word."""
    if node.tag not in ("sup", "a"):
        return False
    if node.tag == "sup":
        return not (node.text(deep=False) or "").strip().isalpha()
    text = ""
    waiting = [node.child]
    to_note = (node.attributes.get("href") or "").startswith("#")
    for _ in range(_MARK):  # links may be nested by the thousand
        if not waiting:
            text = text.strip()
            return len(text) < 4 and (text.isdigit() or (to_note and text.isalpha()))
        inner = waiting.pop()
        if inner is not None:
            text += inner.text_content or "" if inner.tag == "-text" else ""
            waiting += [inner.next, inner.child]
    return False
