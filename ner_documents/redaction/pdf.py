"""Redaction of PDF files: every page is rendered as a picture with the names painted over.

The result holds no text, fonts, annotations or metadata: nothing of the original can be selected, searched or
extracted, because none of it is copied.
"""

from __future__ import annotations

import ctypes
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ner_documents.reading.pdf import listed
from ner_documents.reading.pdf_letters import SOFT_HYPHEN, UNREADABLE, letters_of, unreadable_in
from ner_documents.redaction.files import RedactedFile, found_in
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_documents.redaction.redactor import Recognize, Redacted, Redactor

__all__ = ["redact_pdf"]

_DOTS_PER_INCH = 150
_POINTS_PER_INCH = 72
_MAX_PAGES = 2_000
_MAX_PIXELS = 40_000_000
_JPEG_QUALITY = 85
_HYPHEN = re.compile(rf"(?<=[^\W\d_])(?:{SOFT_HYPHEN}\n*|[-\u2010]\n+)(?=\w)")
#: Letters exceed their boxes by less than this share of their height.
_MARGIN = 0.12

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _PageText:
    """The text of a page, the index of each character on the page, and the page's rotation."""

    text: str
    numbers: list[int]
    rotation: int

    @property
    def is_blank(self) -> bool:
        """Whether nothing on the page can be read."""
        return not self.text.strip(f" \n{UNREADABLE}")


def redact_pdf(content: bytes, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    """Redact a PDF file; see `ner_documents.redaction.redact_file`."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).casefold()
        msg = (
            "is locked with a password; save it without one"
            if locked
            else f"is damaged or not a PDF ({error})"
        )
        raise FormatError(msg) from error
    try:
        if len(document) > _MAX_PAGES:
            msg = f"has {len(document):,} pages; up to {_MAX_PAGES:,} are redacted; split it"
            raise FormatError(msg)
        document.init_forms()
        return _redact(document, recognize, redactor)
    except pypdfium2.PdfiumError as error:
        msg = f"is damaged ({error})"
        raise FormatError(msg) from error
    finally:
        document.close()


def _redact(document: Any, recognize: Recognize, redactor: Redactor) -> RedactedFile:
    pages = [_text_of(document, number) for number in range(len(document))]
    if all(page.is_blank for page in pages):
        msg = "holds no text that can be read: scanned pages need text recognition (OCR) first"
        raise FormatError(msg)
    recognitions = list(recognize([page.text for page in pages]))
    redacted = redactor.redact_document(recognitions)
    import pypdfium2

    result = pypdfium2.PdfDocument.new()
    try:
        pictures = []
        for number, (page, one) in enumerate(zip(pages, redacted, strict=True)):
            pictures += [number + 1] if _draw(document, number, page, one, result) else []
        target = io.BytesIO()
        result.save(target)
    finally:
        result.close()
    found = found_in(redacted, recognitions)
    return RedactedFile(target.getvalue(), found, tuple(_notes(pages, pictures)))


def _notes(pages: Sequence[_PageText], pictures: Sequence[int]) -> Iterator[str]:
    yield f"all pages are pictures now ({_DOTS_PER_INCH} dots an inch): their text cannot be selected"
    blank = [number for number, page in enumerate(pages, start=1) if page.is_blank]
    if blank:
        yield f"no text could be read on page {listed(blank)}: check it"
    partly = [n for n, page in enumerate(pages, start=1) if not page.is_blank and unreadable_in(page.text)]
    if partly:
        yield f"fonts without a mapping to Unicode hide some letters on page {listed(partly)}: check it"
    if pictures:
        yield f"text in pictures is not read: check page {listed(pictures)}"


def _flatten(document: Any, number: int) -> int:
    """Merge forms and annotations into the page and its text; return the page's rotation."""
    from pypdfium2 import raw

    page = document[number]
    rotation = page.get_rotation()
    page.set_rotation(0)  # PDFium orders the lines of a rotated page differently
    flat = raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
    page.close()
    if flat == raw.FLATTEN_FAIL:
        msg = f"page {number + 1} has forms or annotations that cannot be read; print it into a new PDF first"
        raise FormatError(msg)
    return rotation


def _text_of(document: Any, number: int) -> _PageText:
    """Read a page; words hyphenated at a line end are joined."""
    rotation = _flatten(document, number)
    page = document[number]
    text_page = page.get_textpage()
    letters, indices = letters_of(text_page)
    text_page.close()
    page.close()
    text: list[str] = []
    numbers: list[int] = []
    begin = 0
    for hyphen in _HYPHEN.finditer(letters):
        if letters[hyphen.end()].islower():
            text.append(letters[begin : hyphen.start()])
            numbers += indices[begin : hyphen.start()]
            begin = hyphen.end()
    return _PageText("".join([*text, letters[begin:]]), [*numbers, *indices[begin:]], rotation)


def _draw(document: Any, number: int, text: _PageText, redacted: Redacted, result: Any) -> bool:
    """Draw a page into the result; return whether it has pictures."""
    import pypdfium2
    from pypdfium2 import raw

    page = document[number]
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    scale = min(scale, (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale)
    position = bitmap.get_posconv(page)
    image = bitmap.to_pil().convert("RGB")
    text_page = page.get_textpage()
    for one in redacted.replacements:
        first, last = text.numbers[one.finding.start], text.numbers[one.finding.end - 1]
        corners = (_corners(text_page, index) for index in range(first, last + 1))
        boxes = [_on_bitmap(position, box) for box in corners if box is not None]
        _paint(image, _lines(boxes), one.placeholder)
    pictures = any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=5))
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
    new_page.set_rotation(text.rotation)
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
