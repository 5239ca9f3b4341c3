"""What elements and attributes mean in HTML and in the XML of office files (ECMA-376, OpenDocument 1.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ner_documents.reading.html import BLOCKS

__all__ = [
    "FORMULAS",
    "HTML",
    "ODF",
    "OOXML",
    "OTHER_XML",
    "OUTSIDE",
    "PAGE_CODE",
    "PAGE_EDGES",
    "PRINTER",
    "READ",
    "READ_IN",
    "STANDARDS",
    "SVG",
    "WHO",
    "Dialect",
]

#: Attributes that are written for people.
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
    *("prompt", "prompttitle", "error", "errortitle", "displaytext", "text", "comment"),
}
#: The same, by element: lists to choose from, variables, what pivot tables and filters keep of cells.
READ_IN = {
    *(("docVar", "val"), ("alias", "val"), ("listItem", "value"), ("listEntry", "val")),
    *(("s", "v"), ("filter", "val"), ("sheetName", "val"), ("custShow", "name"), ("section", "name")),
}
#: Attributes that name who wrote something, by element.
WHO = {("person", "displayName"), ("cmAuthor", "name"), ("author", "name"), ("userInfo", "name")}
#: Links of OpenDocument to files beside it; those into the package go into folders of it.
OUTSIDE = re.compile(r"file:|\.\./|/|[A-Za-z]:[\\/]")
#: Settings of OpenDocument that name a printer, and with it often a person or a company.
PRINTER = {"PrinterName", "PrinterSetup"}
#: ECMA-376, part 1, 18.8.15: the text of a page's edge names its parts and looks within it.
PAGE_EDGES = tuple(f"{which}{edge}" for which in ("odd", "even", "first") for edge in ("Header", "Footer"))
PAGE_CODE = re.compile(
    r"""&amp;(?:&amp;|(?:&quot;|")[^"&<]{0,80}(?:&quot;|")|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d{1,3}|[A-Za-z])"""
)
#: Texts that stand in an element of their own: document properties, and comments of spreadsheets and slides.
_PROPERTIES = ("title", "subject", "description", "keywords", "category", "contentStatus", "lpstr", "lpwstr")
FORMULAS = frozenset(("f", "formula", "formula1", "formula2"))
#: Addresses that name standards, not people.
STANDARDS = ("http://schemas.", "http://purl.org", "http://www.w3.org", "http://docs.oasis-open.org", "urn:")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which elements mean what, by local name.

    Attributes
    ----------
    blocks : frozenset of str
        A name never goes over their borders; empty when that is true of all elements.
    texts : frozenset of str
        Elements whose text people read; empty when all text is.
    breaks : dict of str to str
        Elements that stand for a character.
    apart : frozenset of str
        Elements whose text is not read with what stands around it: scripts, deleted text, formulas.
    joined : frozenset of str
        Those of them that go on in the next one of a block.
    asides : frozenset of str
        Elements with blocks of their own that interrupt the block they stand in: notes, comments, boxes.
    hidden_authors : frozenset of str
        Attributes and elements that name who wrote or changed something; they become empty.
    raw : frozenset of str
        Elements of HTML that hold no tags.
    lower : bool
        Names of elements are the same in any case.
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

    @property
    def identifiers(self) -> bool:
        """Whether attributes name parts of the file, so that a placeholder has to be such a name."""
        return bool(self.hidden_authors)


HTML = Dialect(
    # What is in the head, and texts of drawings, are not shown in a line with others either.
    blocks=BLOCKS | {"desc", "foreignobject", "head", "text", "title"},
    breaks={"br": "\n"},
    apart=frozenset(("rt", "rp")),
    raw=frozenset(("script", "style", "xmp", "iframe", "noembed", "noframes")),
    lower=True,
)
# ECMA-376: w:t, a:t and t of spreadsheets hold text; paragraphs are w:p, a:p, shared and inline strings.
OOXML = Dialect(
    blocks=frozenset(("p", "si", "is", "c", "v", "oMath", "text", *_PROPERTIES, *PAGE_EDGES)),
    texts=frozenset(("t", "text", *_PROPERTIES)),
    breaks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
    apart=frozenset(("delText", "instrText", "delInstrText", "rPh", "rt", "v", *FORMULAS)),
    joined=frozenset(("delText", "instrText", "delInstrText")),
    asides=frozenset(("txbxContent",)),
    hidden_authors=frozenset(
        (
            *("author", "initials", "userId", "creator", "lastModifiedBy", "Company", "Manager"),
            *("providerId", "userName", "lastEditedBy", "refreshedBy"),
        )
    ),
)
# OpenDocument 1.3, part 3: text stands anywhere in text:p and text:h.
ODF = Dialect(
    blocks=frozenset(("p", "h", "title", "desc", "subject", "description", "keyword", "user-defined")),
    breaks={"tab": "\t", "line-break": "\n", "s": " "},
    apart=frozenset(("ruby-text",)),
    asides=frozenset(("annotation", "note", "frame", "custom-shape", "rect", "ellipse", "caption")),
    hidden_authors=frozenset(
        ("creator", "initial-creator", "printed-by", "creator-initials", "sender-initials")
    ),
)
SVG = Dialect(
    blocks=frozenset(("text", "title", "desc", "foreignObject", "p", "div", "svg")),
    apart=frozenset(("style", "script")),
)
OTHER_XML = Dialect()
