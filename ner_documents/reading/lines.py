"""Lines of bounded length, so that no input can exhaust the memory; and text files."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ner_documents.document import Document, Hint, Problem
from ner_documents.reading.detection import Guess, guess_encoding
from ner_documents.reading.encodings import as_lines_of_bytes, byte_problem, decode, guessed
from ner_documents.reading.records import EXCERPT, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["Line", "TextLine", "bounded_lines", "read_lines", "read_text", "text_lines"]

_UTF8_MARK = b"\xef\xbb\xbf"
_SKIP_BYTES = 1 << 20


class Line(NamedTuple):
    """One line: its number from 1, its bytes with the line end, and whether it was truncated."""

    number: int
    raw: bytes
    cut: bool = False


class TextLine(NamedTuple):
    """One line: its number from 1, its text without the line end, and its first bytes."""

    number: int
    text: str
    raw: bytes


def bounded_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    r"""Split a stream at LF; lines are truncated to `limit` bytes.

    A UTF-8 byte order mark at the start of the stream is skipped.

    Examples
    --------
    >>> import io
    >>> for line in bounded_lines(io.BytesIO(b"ab\r\nabcdefgh\nc"), 4):
    ...     print(line.number, line.raw, line.cut)
    1 b'ab\r\n' False
    2 b'abcd' True
    3 b'c' False
    """
    number = 0
    most = limit + len(_UTF8_MARK) + len(b"\r\n")
    while raw := stream.readline(most):
        number += 1
        ended = raw.endswith(b"\n") or len(raw) < most
        if number == 1:
            raw = raw.removeprefix(_UTF8_MARK)
        cut = not ended or len(raw.removesuffix(b"\n").removesuffix(b"\r")) > limit
        while not ended and (rest := stream.readline(_SKIP_BYTES)):
            ended = rest.endswith(b"\n")
        yield Line(number, raw[:limit] if cut else raw, cut)


def text_lines(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[TextLine | Problem]:
    """Read lines of text; a line that is too long or in another encoding is a problem."""
    stream, guess = as_lines_of_bytes(stream, options.encoding)
    if not guess.name:
        yield Problem(source, None, "is not a text file: it holds binary data")
        return
    yield from guessed(source, guess)
    for line in bounded_lines(stream, options.limit):
        if line.cut:
            yield too_long(source, line.number, options.limit, line.raw[:EXCERPT])
            continue
        raw = line.raw.removesuffix(b"\n").removesuffix(b"\r")
        if not guess.fixed and not raw.isascii():
            guess = guess_encoding(raw)
            guess = guess if guess.name else Guess("utf-8")
            yield from guessed(source, guess)
        try:
            yield TextLine(line.number, raw.decode(guess.name), raw[:EXCERPT])
        except UnicodeDecodeError as error:
            reason = byte_problem(raw, guess.name, error)
            yield Problem(source, line.number, reason, raw[:EXCERPT], hint=Hint.ENCODING)


def read_text(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a text file, or one in Markdown, as one document."""
    text, problems = decode(raw, source, options.encoding)
    yield from problems
    if text is not None:
        if not text.strip():
            yield Problem(source, None, "the file holds no text", lost=False)
        yield Document(source, None, text, {"source": source, "text": text})


def read_lines(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a text file with one document per line."""
    for line in text_lines(stream, source, options):
        if isinstance(line, Problem):
            yield line
        else:
            fields = {"source": source, "line": line.number, "text": line.text}
            yield Document(source, line.number, line.text, fields)
