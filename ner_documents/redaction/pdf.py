"""Redaction of PDF files: every page is rendered as a picture with the names painted over.

The result holds no text, fonts, annotations or metadata: nothing of the original can be selected, searched or
extracted, because none of it is copied.
"""

from __future__ import annotations

import ctypes
import io
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_documents.reading.pdf import flat_page, holds, listed, open_pdf, paragraphs_on
from ner_documents.reading.pdf_letters import text_of
from ner_documents.redaction.files import Found, RedactedFile, found_in
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_documents.reading.pdf_letters import PageText
    from ner_documents.redaction.redactor import Recognize, Redactor

__all__ = ["redact_pdf"]

_DOTS_PER_INCH = 150
_POINTS_PER_INCH = 72
_MAX_PAGES = 2_000
_MAX_PIXELS = 40_000_000
_JPEG_QUALITY = 85
#: Letters exceed their boxes by less than this share of their height.
_MARGIN = 0.12

Box = tuple[float, float, float, float]


class _Painted(NamedTuple):
    """The characters of a name, by their numbers on their page, and what is written on top of them."""

    numbers: list[int]
    placeholder: str


def redact_pdf(content: bytes, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    """Redact a PDF file; see `ner_documents.redaction.redact_file`."""
    import pypdfium2

    try:
        with open_pdf(content) as document:
            if len(document) > _MAX_PAGES:
                msg = f"has {len(document):,} pages; up to {_MAX_PAGES:,} are redacted; split it"
                raise FormatError(msg)
            return _redact(document, recognize, redactor)
    except pypdfium2.PdfiumError as error:
        msg = f"is damaged ({error})"
        raise FormatError(msg) from error


def _redact(document: Any, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    import pypdfium2

    pages: list[PageText] = []
    rotations: list[int] = []
    firsts = [0]
    for index in range(len(document)):
        page = document[index]
        rotations.append(page.get_rotation())
        page.set_rotation(0)  # PDFium orders the lines of a rotated page differently
        page.close()
        page = flat_page(document, index)
        pages.append(text_of(page, firsts[-1]))
        firsts.append(max(pages[-1].letters.numbers, default=firsts[-1]) + 1)
        page.close()
    if all(page.is_blank for page in pages):
        msg = "holds no text that can be read: scanned pages need text recognition (OCR) first"
        raise FormatError(msg)
    found, painted = _find(pages, firsts, recognize, redactor)
    result = pypdfium2.PdfDocument.new()
    try:
        pictures = []
        for index, (names, rotation) in enumerate(zip(painted, rotations, strict=True)):
            pictures += [index + 1] if _draw(document, index, names, rotation, result) else []
        target = io.BytesIO()
        result.save(target)
    finally:
        result.close()
    return RedactedFile(target.getvalue(), tuple(found), tuple(_notes(pages, pictures)))


def _find(
    pages: Sequence[PageText], firsts: Sequence[int], recognize: Recognize, redactor: Redactor
) -> tuple[list[Found], list[list[_Painted]]]:
    """Find the names of all pages, and their characters on each page.

    The text is read twice: its paragraphs, as the reader of PDF files puts them together, and all letters of
    each page in the order of the file, where nothing is left out and no judgement of the reader can miss.
    """
    texts = [*(one.text for one in paragraphs_on(pages)), *(page.letters for page in pages)]
    recognitions = list(recognize([str(text) for text in texts]))
    found: list[Found] = []
    painted: list[list[_Painted]] = [[] for _ in pages]
    known: set[int] = set()
    for text, recognition, result in zip(
        texts, recognitions, redactor.redact_document(recognitions), strict=True
    ):
        for one, told in zip(result.replacements, found_in([result], [recognition]), strict=True):
            name = text[one.finding.start : one.finding.end]
            shown = {number for letter, number in zip(name, name.numbers, strict=True) if letter.isalnum()}
            if shown <= known:  # found in the paragraphs as well
                continue
            known |= shown
            found.append(told)
            by_page: dict[int, list[int]] = {}
            for number in name.numbers:
                if number >= 0:
                    index = bisect_right(firsts, number) - 1
                    by_page.setdefault(index, []).append(number - firsts[index])
            for index, numbers in by_page.items():
                painted[index].append(_Painted(numbers, one.placeholder))
    return found, painted


def _notes(pages: Sequence[PageText], pictures: Sequence[int]) -> Iterator[str]:
    yield f"all pages are pictures now ({_DOTS_PER_INCH} dots an inch): their text cannot be selected"
    blank = [number for number, page in enumerate(pages, start=1) if page.is_blank]
    if blank:
        yield f"no text could be read on page {listed(blank)}: check it"
    partly = [n for n, page in enumerate(pages, start=1) if not page.is_blank and page.unreadable]
    if partly:
        yield f"fonts without a mapping to Unicode hide some letters on page {listed(partly)}: check it"
    if pictures:
        yield f"text in pictures is not read: check page {listed(pictures)}"


def _draw(document: Any, index: int, names: Sequence[_Painted], rotation: int, result: Any) -> bool:
    """Draw a page into the result; return whether it has pictures."""
    import pypdfium2
    from pypdfium2 import raw

    page = document[index]
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    scale = min(scale, (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale)
    position = bitmap.get_posconv(page)
    image = bitmap.to_pil().convert("RGB")
    text_page = page.get_textpage()
    for one in names:
        corners = (_corners(text_page, number) for number in one.numbers)
        boxes = [_on_bitmap(position, box) for box in corners if box is not None]
        _paint(image, _lines(boxes), one.placeholder)
    pictures = holds(page, raw.FPDF_PAGEOBJ_IMAGE)
    text_page.close()
    page.close()
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=_JPEG_QUALITY)
    picture = pypdfium2.PdfImage.new(result)
    picture.load_jpeg(io.BytesIO(packed.getvalue()), inline=True)
    picture.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
    new_page = result.new_page(width, height)
    new_page.insert_obj(picture)
    new_page.gen_content()
    new_page.set_rotation(rotation)
    new_page.close()
    return pictures


def _corners(text_page: Any, index: int) -> Box | None:
    """Return left, bottom, right and top of a character in points, None if it is not drawn."""
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    if not raw.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(box)):
        return None
    tight = [ctypes.c_double() for _ in range(4)]
    raw.FPDFText_GetCharBox(text_page, index, *map(ctypes.byref, tight))
    left, right, bottom, top = (value.value for value in tight)
    edges = (
        *(min(box.left, box.right, left), min(box.bottom, box.top, bottom)),
        *(max(box.left, box.right, right), max(box.bottom, box.top, top)),
    )
    return edges if edges[2] > edges[0] and edges[3] > edges[1] else None


def _on_bitmap(position: Any, box: Box) -> Box:
    left, bottom, right, top = box
    points = [
        position.to_bitmap(x, y) for x, y in ((left, bottom), (right, top), (left, top), (right, bottom))
    ]
    across, down = [x for x, _ in points], [y for _, y in points]
    return min(across), min(down), max(across), max(down)


def _lines(boxes: Iterable[Box]) -> list[Box]:
    """Join the boxes of characters on one line."""
    lines: list[Box] = []
    for left, top, right, bottom in boxes:
        if lines:
            last = lines[-1]
            height = max(bottom - top, last[3] - last[1])
            if min(bottom, last[3]) - max(top, last[1]) > 0.3 * height and left - last[2] < 3 * height:
                joined = (min(left, last[0]), min(top, last[1]), max(right, last[2]), max(bottom, last[3]))
                if joined[3] - joined[1] < 2 * height:
                    lines[-1] = joined
                    continue
        lines.append((left, top, right, bottom))
    return lines


def _paint(image: Any, lines: Sequence[Box], placeholder: str) -> None:
    from PIL import ImageDraw, ImageFont

    draw = ImageDraw.Draw(image)
    for left, top, right, bottom in lines:
        margin = max(1.0, _MARGIN * (bottom - top))
        draw.rectangle((left - margin, top - margin, right + margin, bottom + margin), fill="black")
    if lines and placeholder.isascii():
        left, top, right, bottom = max(lines, key=lambda line: line[2] - line[0])
        font = ImageFont.load_default(max(6.0, 0.7 * (bottom - top)))
        wide = font.getlength(placeholder)
        if wide > right - left:
            font = ImageFont.load_default(max(6.0, 0.7 * (bottom - top) * (right - left) / wide))
        if font.getlength(placeholder) <= right - left + 1:
            middle = ((left + right) / 2, (top + bottom) / 2)
            draw.text(middle, placeholder, fill="white", font=font, anchor="mm")
