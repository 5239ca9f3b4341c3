"""What elements and attributes mean in HTML and in the XML of office files (ECMA-376, OpenDocument 1.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ner_documents.reading.html import BLOCKS

__all__ = ["HTML", "ODF", "OOXML", "OTHER_XML", "SVG", "Dialect"]

#: Attributes with text for people.
READ = {
    "alt",
    "title",
    "content",
    "placeholder",
    "aria-label",
    "label",
    "value",
    "summary",
    "descr",
    "caption",
    "srcdoc",
    *("prompt", "prompttitle", "error", "errortitle", "displaytext", "text", "comment", "tooltip", "display"),
    # OpenDocument: variables, hints, entries of indexes and of bibliographies, fields of forms.
    *("string-value", "string-value-if-true", "string-value-if-false", "description", "key1", "key2"),
    *("author", "editor", "publisher", "institution", "booktitle", "address", "note", "current-value"),
}
#: Attributes that hold formulas of OpenDocument or formats of numbers, and the texts in these.
FORMULA = frozenset(("formula", "condition", "expression", "formatCode"))
CONSTANT = re.compile("&quot;((?:(?!&quot;).)+)&quot;")
#: The same, by element: drop-down lists, forms, variables, cell values cached by pivot tables and filters.
READ_IN = {
    *(("docVar", "val"), ("alias", "val"), ("listItem", "value"), ("listEntry", "val")),
    *(("default", "val"), ("helpText", "val"), ("statusText", "val")),
    *(("s", "v"), ("filter", "val"), ("sheetName", "val"), ("custShow", "name"), ("section", "name")),
}
#: Elements whose names people choose, but which must stay identifiers: sheets, ranges and bookmarks.
NAMED = frozenset(
    (
        "sheet",
        "table",
        "page",
        "definedName",
        "named-range",
        "database-range",
        "bookmarkStart",
        "bookmark",
        "bookmark-start",
    )
)
#: Elements whose names people may choose; those that programs give end with a number.
SHAPES = frozenset(("docPr", "cNvPr", "frame", "custom-shape"))
#: Attributes that name authors, by element.
WHO = {
    ("person", "displayName"),
    *((element, "name") for element in ("cmAuthor", "author", "userInfo")),
    ("permStart", "ed"),
}
#: OpenDocument links to other files; links into the package begin with a folder name.
OUTSIDE = re.compile(r"file:|\.\./|/|[A-Za-z]:[\\/]")
#: ECMA-376, part 1, 18.8.15: headers and footers of sheets hold codes for sections and formatting.
PAGE_EDGES = tuple(f"{which}{edge}" for which in ("odd", "even", "first") for edge in ("Header", "Footer"))
PAGE_CODE = re.compile(
    r"""&amp;(?:&amp;|(?:&quot;|")[^"&<]{0,80}(?:&quot;|")|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d{1,3}|[A-Za-z])"""
)
#: Elements with separate texts: document properties, and comments of spreadsheets and slides.
_PROPERTIES = ("title", "subject", "description", "keywords", "category", "contentStatus", "lpstr", "lpwstr")
FORMULAS = frozenset(("f", "formula", "formula1", "formula2"))
#: Addresses of standards.
STANDARDS = ("http://schemas.", "http://purl.org", "http://www.w3.org", "http://docs.oasis-open.org", "urn:")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The meaning of elements, by local name.

    Attributes
    ----------
    blocks : frozenset of str
        A name never goes over their borders; empty when that is true of all elements.
    texts : frozenset of str
        Elements whose text is shown; empty if all text is.
    breaks : dict of str to str
        Elements that represent a character.
    apart : frozenset of str
        Elements whose text is separate from the surrounding text: scripts, deleted text, formulas.
    joined : frozenset of str
        Those of them that continue in the next one of a block.
    asides : frozenset of str
        Elements with their own blocks, which interrupt the surrounding block: notes, comments, boxes.
    hidden_authors : frozenset of str
        Attributes and elements that name authors; they are emptied.
    raw : frozenset of str
        HTML elements without markup inside.
    lower : bool
        Whether element names are case-insensitive.
    tables : dict of str to str
        Elements that are a ``table``, a ``row`` or a ``cell``.
    """

    blocks: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    breaks: dict[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()
    asides: frozenset[str] = frozenset()
    hidden_authors: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    lower: bool = False
    tables: dict[str, str] = field(default_factory=dict)

    @property
    def identifiers(self) -> bool:
        """Whether attributes name parts of the file, so that placeholders must be valid identifiers."""
        return bool(self.hidden_authors)


HTML = Dialect(
    # The head and texts of drawings are separate from other text as well.
    blocks=BLOCKS | {"desc", "foreignobject", "head", "text", "title"},
    breaks={"br": "\n"},
    apart=frozenset(("rt", "rp")),
    raw=frozenset(("script", "style", "xmp", "iframe", "noembed", "noframes")),
    lower=True,
    tables={"table": "table", "tr": "row", "td": "cell", "th": "cell"},
)
# ECMA-376: w:t, a:t and t of spreadsheets hold text; paragraphs are w:p, a:p, shared and inline strings.
OOXML = Dialect(
    blocks=frozenset(("p", "si", "is", "c", "v", "oMath", "text", *_PROPERTIES, *PAGE_EDGES)),
    texts=frozenset(("t", "text", *_PROPERTIES)),
    breaks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
    apart=frozenset(("delText", "moveFrom", "instrText", "delInstrText", "rPh", "rt", "v", *FORMULAS)),
    joined=frozenset(("delText", "moveFrom", "instrText", "delInstrText")),
    asides=frozenset(("txbxContent",)),
    hidden_authors=frozenset(
        (
            *("author", "initials", "userId", "creator", "lastModifiedBy", "Company", "Manager"),
            *("providerId", "userName", "lastEditedBy", "refreshedBy"),
        )
    ),
    tables={"tbl": "table", "tr": "row", "tc": "cell", "sheetData": "table", "row": "row", "c": "cell"},
)
# OpenDocument 1.3, part 3: text is anywhere in text:p and text:h.
ODF = Dialect(
    blocks=frozenset(("p", "h", "title", "desc", "subject", "description", "keyword", "user-defined")),
    breaks={"tab": "\t", "line-break": "\n", "s": " "},
    apart=frozenset(("ruby-text", "hidden-text", "script")),
    asides=frozenset(("annotation", "note", "frame", "custom-shape", "rect", "ellipse", "caption")),
    hidden_authors=frozenset(
        ("creator", "initial-creator", "printed-by", "creator-initials", "sender-initials")
    ),
    tables={"table": "table", "table-row": "row", "table-cell": "cell", "covered-table-cell": "cell"},
)
SVG = Dialect(
    blocks=frozenset(("text", "title", "desc", "foreignObject", "p", "div", "svg")),
    apart=frozenset(("style", "script")),
)
OTHER_XML = Dialect()
