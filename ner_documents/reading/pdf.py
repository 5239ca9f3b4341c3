"""PDF: characters and their places by PDFium, put in reading order by `pdf_layout`.

pypdfium2 brings Chromium's PDF engine (Apache-2.0 and BSD-3-Clause, 9 MB): faster than pypdf, and with the
place and size of each character, without which columns, running heads and broken words cannot be told.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import re
from typing import TYPE_CHECKING, Any

from ner_documents.document import Problem
from ner_documents.reading.blocks import BlockText, left_out
from ner_documents.reading.pdf_columns import Fragment
from ner_documents.reading.pdf_layout import paragraphs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_pdf"]

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_LIGATURE = re.compile("[ﬀ-ﬆ]")
# What PDFium gives for a hyphen at a line end, and for characters without Unicode value.
_HYPHENS = frozenset((0x02, 0xFFFE, 0xAD))
_GAP = 1.5  # of the size of the letters: wider is another column or cell
# ISO 32000-1, 12.5.6, by PDFium's numbers: sticky notes, drawn lines and shapes, marks of text, stamps, ink.
_COMMENTS = frozenset((1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
_NOTES = 10_000
_LETTERS = 20  # shapes on a page without text, from which on they may be letters
_HEIGHT = 0.7  # of the size: how far letters reach above the line they stand on


def read_pdf(raw: bytes, source: str, _: ReadOptions) -> Iterator[Item]:
    """Read a file as one document; pages without text are problems."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        reason = (
            "is locked with a password; save it without one" if locked else f"the file is damaged ({error})"
        )
        yield Problem(source, None, reason)
        return
    with pdf:
        pages: list[list[Fragment]] = []
        aside: list[tuple[int, list[Fragment]]] = []
        comments = 0
        if pdf.get_formtype():
            pdf.init_forms()
        for number in range(len(pdf)):
            try:
                page = pdf[number]
                comments += _comments(page)
                page = _flat(pdf, page, number)
                fragments, *turned = _fragments(page)
                aside += [(number + 1, others) for others in turned]
                if not fragments and _has_images(page):
                    reason = "holds an image and no text; text recognition (OCR) has to come first"
                    yield Problem(source, None, reason, place=f"page {number + 1}")
                elif not fragments and _is_drawn(page):
                    reason = "holds drawings and no text; letters that are drawn need text recognition (OCR)"
                    yield Problem(source, None, reason, place=f"page {number + 1}", lost=False)
                page.close()
            except pypdfium2.PdfiumError as error:
                fragments = []
                yield Problem(source, None, f"the page is damaged ({error})", place=f"page {number + 1}")
            pages.append(fragments)
        attached = pypdfium2.raw.FPDFDoc_GetAttachmentCount(pdf)
    yield from left_out(source, comments=comments, hidden=0)
    if attached > 0:
        reason = (
            f"holds {attached:,} attached {'file' if attached == 1 else 'files'}; save and read them as files"
        )
        yield Problem(source, None, reason, lost=False)
    blocks = BlockText()
    found = [(one, one.page) for one in paragraphs_of(pages)]
    found += [(one, number) for number, fragments in aside for one in paragraphs_of([fragments])]
    for one, number in found:
        blocks.add(one.kind, one.text, row=one.row, column=one.column, place=f"page {number}")
    if blocks.blocks:
        yield blocks.document(source)
    elif not any(pages):
        yield Problem(source, None, "holds no text; a scanned PDF needs text recognition (OCR) first")


def _has_images(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))


def _is_drawn(page: Any) -> bool:
    """Return whether a page has so many lines and shapes that letters could be among them."""
    import pypdfium2.raw as pdfium

    drawn = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=3)
    return sum(1 for _ in itertools.islice(drawn, _LETTERS)) == _LETTERS


def _comments(page: Any) -> int:
    """Count the notes that readers show beside the page."""
    import pypdfium2.raw as pdfium

    count = 0
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if note and pdfium.FPDFAnnot_GetSubtype(note) in _COMMENTS:
            # Two bytes are the end of an empty text.
            count += pdfium.FPDFAnnot_GetStringValue(note, b"Contents", None, 0) > 2
        if note:
            pdfium.FPDFPage_CloseAnnot(note)
    return count


def _flat(pdf: Any, page: Any, number: int) -> Any:
    """Draw what is typed into forms and boxes on a page."""
    import pypdfium2.raw as pdfium

    if pdfium.FPDFPage_GetAnnotCount(page):
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = pdf[number]
    return page


def _fragments(page: Any) -> list[list[Fragment]]:
    """Cut the text of a page where a line ends or a gap is wide; what stands sideways is apart, and last."""
    import pypdfium2.raw as pdfium

    text = page.get_textpage()
    count = text.count_chars()
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    box, origin = tuple(map(ctypes.byref, (left, right, bottom, top))), tuple(map(ctypes.byref, (x, y)))
    unicode_of, box_of, origin_of, angle_of = (
        pdfium.FPDFText_GetUnicode,
        pdfium.FPDFText_GetCharBox,
        pdfium.FPDFText_GetCharOrigin,
        pdfium.FPDFText_GetCharAngle,
    )
    handle = text.raw
    found: dict[int, list[Fragment]] = {}
    turn = 0
    letters: list[str] = []
    x0 = x1 = y0 = 0.0
    size = 1.0
    high = 0

    def end() -> None:
        joined = "".join(letters).strip()
        if joined:
            one = Fragment(x0, y0, x1, y0 + _HEIGHT * size, _plain(joined), size)
            found.setdefault(turn, []).append(one)
        letters.clear()

    for index in range(count):
        code = unicode_of(handle, index)
        if code in (10, 13):
            end()
            continue
        if code in _HYPHENS:
            if letters:
                letters.append("\u00ad")
            continue
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code, high = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00, 0
        if code == 0 or 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        if character.isspace():
            if letters:
                letters.append(" ")
            continue
        box_of(handle, index, *box)
        origin_of(handle, index, *origin)
        corners, point = (left.value, bottom.value, right.value, top.value), (x.value, y.value) * 2
        ax, _, bx, _ = _turned(*corners, turn)
        base = _turned(*point, turn)[1]
        if letters and (ax > x1 + _GAP * size or ax < x1 - 3 * size or abs(base - y0) > 0.8 * size):
            end()
        if not letters:
            turn = round(angle_of(handle, index) / (math.pi / 2)) % 4
            x0, _, x1, _ = _turned(*corners, turn)
            y0 = _turned(*point, turn)[1]
            size = _size(handle, index)
        else:
            x0, x1 = min(x0, ax), max(x1, bx)
        letters.append(character)
    end()
    text.close()
    return sorted(found.values(), key=lambda ones: -sum(len(one.text) for one in ones)) or [[]]


def _size(handle: Any, index: int) -> float:
    """Return the size of a letter's font as it is drawn."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    scale = 1.0
    if pdfium.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix)):
        scale = math.hypot(matrix.c, matrix.d) or 1.0
    return max(float(pdfium.FPDFText_GetFontSize(handle, index)) * scale, 1.0)


def _turned(x0: float, y0: float, x1: float, y1: float, turn: int) -> tuple[float, float, float, float]:
    """Turn a box back by so many quarters; PDFium counts them clockwise."""
    if turn == 1:
        return -y1, x0, -y0, x1
    if turn == 2:
        return -x1, -y1, -x0, -y0
    if turn == 3:
        return y0, -x1, y1, -x0
    return x0, y0, x1, y1


def _plain(text: str) -> str:
    return _LIGATURE.sub(lambda match: _LIGATURES[match[0]], " ".join(text.split(" ")))
