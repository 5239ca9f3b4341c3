"""PDF: characters and their places by PDFium, put in reading order by `pdf_layout`.

pypdfium2 brings Chromium's PDF engine (Apache-2.0 and BSD-3-Clause, 9 MB): faster than pypdf, and with the
position and size of each character, which columns, running heads and hyphenation need.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, document_of
from ner_documents.reading.packages import UnreadableError
from ner_documents.reading.pdf_layout import paragraphs_of
from ner_documents.reading.pdf_letters import PageText, text_of
from ner_documents.reading.pdf_strings import Letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ner_documents.reading.pdf_layout import Paragraph
    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["flat_page", "holds", "listed", "open_pdf", "paragraphs_on", "read_pdf"]

# ISO 32000-1, 12.5.6, by PDFium's numbers: sticky notes, lines and shapes, text markup, stamps, ink.
_COMMENTS = frozenset((1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
_NOTES = 10_000
_LETTERS = 20  # a page without text but with this many shapes may hold drawn letters


def open_pdf(raw: bytes) -> Any:
    """Open a file.

    Raises
    ------
    UnreadableError
        If it is locked or damaged.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError.because(error) from error
    pdf.init_forms()
    return pdf


def flat_page(pdf: Any, index: int) -> Any:
    """Load a page with its form fields and text annotations merged into it."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    page = pdf[index]
    if pdfium.FPDFPage_GetAnnotCount(page):
        flat = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        if flat == pdfium.FLATTEN_FAIL:
            msg = "its forms or annotations cannot be read"
            raise pypdfium2.PdfiumError(msg)
        page = pdf[index]
    return page


def paragraphs_on(pages: Sequence[PageText]) -> list[Paragraph]:
    """Return the paragraphs of a document in reading order; those written in another direction come last."""
    found = paragraphs_of([page.groups[0] for page in pages])
    for number, page in enumerate(pages, 1):
        for others in page.groups[1:]:
            found += [replace(one, page=number) for one in paragraphs_of([others])]
    return found


def read_pdf(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document; pages without text are problems."""
    import pypdfium2

    with open_pdf(raw) as pdf:
        pages: list[PageText] = []
        blocks = BlockText()
        for number in range(1, len(pdf) + 1):
            text = PageText([[]], Letters(), 0)
            try:
                blocks.comments += _comments(pdf[number - 1])
                page = flat_page(pdf, number - 1)
                text = text_of(page)
                if text.is_blank and not text.unreadable:
                    blocks.problems += _without_text(page, source, number)
                page.close()
            except pypdfium2.PdfiumError as error:
                reason = f"the page is damaged ({error})"
                blocks.problems.append(Problem(source, None, reason, place=f"page {number}"))
            pages.append(text)
        attached = pypdfium2.raw.FPDFDoc_GetAttachmentCount(pdf)
    blocks.hidden = sum(page.outside for page in pages)
    if count := sum(page.unreadable for page in pages):
        reason = (
            f"{count:,} {'letter' if count == 1 else 'letters'} cannot be read, as the font has no mapping "
            "to Unicode; text recognition (OCR) can read them"
        )
        numbers = [number for number, page in enumerate(pages, 1) if page.unreadable]
        blocks.problems.append(Problem(source, None, reason, place=f"page {listed(numbers)}"))
    if attached > 0:
        reason = (
            f"holds {attached:,} attached {'file' if attached == 1 else 'files'}; save and read them as files"
        )
        blocks.problems.append(Problem(source, None, reason, lost=False))
    for one in paragraphs_on(pages):
        blocks.add(one.kind, one.text, one.cell, place=f"page {one.page}")
    if not blocks.blocks and all(page.is_blank and not page.unreadable for page in pages):
        reason = "holds no text; a scanned PDF needs text recognition (OCR) first"
        blocks.problems.append(Problem(source, None, reason))
    yield from document_of(source, blocks)


def listed(numbers: Sequence[int]) -> str:
    """Return a list of page numbers for a message.

    Examples
    --------
    >>> listed([1, 2, 5])
    '1, 2, 5'
    """
    return ", ".join(map(str, numbers[:20])) + (", …" if len(numbers) > 20 else "")


def _without_text(page: Any, source: str, number: int) -> Iterator[Problem]:
    import pypdfium2.raw as pdfium

    place = f"page {number}"
    if holds(page, pdfium.FPDF_PAGEOBJ_IMAGE):
        reason = "holds an image and no text; text recognition (OCR) has to come first"
        yield Problem(source, None, reason, place=place)
    elif holds(page, pdfium.FPDF_PAGEOBJ_PATH, _LETTERS):
        reason = "holds drawings and no text; letters that are drawn need text recognition (OCR)"
        yield Problem(source, None, reason, place=place, lost=False)


def holds(page: Any, kind: int, least: int = 1) -> bool:
    """Return whether a page has objects of a kind, such as images, and at least so many."""
    found = page.get_objects(filter=[kind], max_depth=5)
    return sum(1 for _ in itertools.islice(found, least)) == least


def _comments(page: Any) -> int:
    """Count the comments on a page."""
    import pypdfium2.raw as pdfium

    count = 0
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if note and pdfium.FPDFAnnot_GetSubtype(note) in _COMMENTS:
            # An empty text takes two bytes.
            count += pdfium.FPDFAnnot_GetStringValue(note, b"Contents", None, 0) > 2
        if note:
            pdfium.FPDFPage_CloseAnnot(note)
    return count
