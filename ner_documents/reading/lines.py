"""Lines of bytes with a bound on their length, so that no input can fill the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Line", "bounded_lines", "byte_problem"]

_UTF8_MARK = b"\xef\xbb\xbf"
_SKIP_BYTES = 1 << 20


class Line(NamedTuple):
    """One line: its number from 1, its bytes with the line end, and whether the rest of it was left out."""

    number: int
    raw: bytes
    cut: bool = False


def bounded_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    r"""Split a stream at LF; of a line longer than `limit` bytes only the beginning is kept.

    A byte order mark of UTF-8 at the beginning of the stream is left out.

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


def byte_problem(raw: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    r"""Say which byte is not text in the expected encoding, and what to do.

    Examples
    --------
    >>> try:
    ...     "Jos\u00e9".encode("latin-1").decode()
    ... except UnicodeDecodeError as error:
    ...     byte_problem(b"Jos\xe9", "utf-8", error)
    'expected utf-8 text, found byte 0xe9 at byte 4; convert the file or give its encoding with --encoding'
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return f"expected {encoding} text, found the byte order mark of UTF-16; convert the file to UTF-8"
    return (
        f"expected {encoding} text, found byte 0x{raw[error.start]:02x} at byte {error.start + 1}; "
        "convert the file or give its encoding with --encoding"
    )
