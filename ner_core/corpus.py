"""Labelled text on disk: CoNLL columns, NeMo's text/labels files and JSON, read as streams of sentences.

Tags are returned in the scheme of the file; `ner_core.labels.tags_of` converts their spans to another.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import zlib
from collections import Counter
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ner_core.columns import Layout, columns, find_layout, is_no_word
from ner_core.marked import Sentence, sentences_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import BufferedReader

T = TypeVar("T")

__all__ = [
    "CorpusError",
    "Sentence",
    "read_conll",
    "read_conll_documents",
    "read_json",
    "read_json_texts",
    "read_label_ids",
    "read_nemo",
    "uncompressed",
]

_DOCUMENT_START = "-DOCSTART-"
# Lines from which the layout of a file is inferred.
_HEAD_LINES = 1000
_EXCERPT = 60
_GZIP = b"\x1f\x8b"


class CorpusError(ValueError):
    """A corpus that cannot be read; the message names the file, the line, and what was expected."""


def read_conll(
    path: str | Path,
    *,
    word_column: int | None = None,
    tag_column: int | None = None,
    encoding: str = "utf-8",
) -> Iterator[Sentence]:
    r"""Read one sentence after another from a file with a word and its tags on each line.

    An empty line or ``-DOCSTART-`` ends a sentence, and so does another value in a column that a first line
    names ``Sentence #`` or the like. Columns are separated by commas, semicolons or tabs in ``.csv``,
    elsewhere by tabs where a line has any, else by spaces. Other white space, such as the no-break space, may
    be part of a word.

    Parameters
    ----------
    path : str or Path
        File in the format of https://www.clips.uantwerpen.be/conll2003/ner/ with two or more columns.
    word_column, tag_column : int, optional
        Columns counted from 0, or from the end with negative numbers; inferred when not given, like comments,
        see `ner_core.columns`.
    encoding : str
        A byte order mark of UTF-8 is skipped.

    Yields
    ------
    Sentence
        Words and tags, of equal length, at least one of each.

    Raises
    ------
    CorpusError
        Naming the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dev.conll"
    ...     _ = file.write_text("Mary B-PER\nsings O\n")
    ...     list(read_conll(file))
    [Sentence(words=['Mary', 'sings'], tags=['B-PER', 'O'])]
    """
    found = _sentences_and_borders(path, word_column, tag_column, encoding)
    return (sentence for sentence in found if sentence is not None)


def read_conll_documents(
    path: str | Path,
    *,
    word_column: int | None = None,
    tag_column: int | None = None,
    encoding: str = "utf-8",
) -> Iterator[list[Sentence]]:
    """Read one document (a list of sentences) after another, separated by ``-DOCSTART-`` lines.

    A file without such lines is one document, held in memory as a whole. For parameters and errors see
    :func:`read_conll`.
    """
    document: list[Sentence] = []
    for sentence in _sentences_and_borders(path, word_column, tag_column, encoding):
        if sentence is not None:
            document.append(sentence)
        elif document:
            yield document
            document = []
    if document:
        yield document


def _sentences_and_borders(
    path: str | Path, word_column: int | None, tag_column: int | None, encoding: str
) -> Iterator[Sentence | None]:
    """Yield sentences, and None at each ``-DOCSTART-``."""
    words: list[str] = []
    tags: list[str] = []
    lines = _lines(path, encoding)
    first_lines = list(islice(lines, _HEAD_LINES))
    split = _splitter(path, (line for _, line in first_lines))
    rows = ((number, line, split(line)) for number, line in chain(first_lines, lines))
    head = list(islice(rows, len(first_lines)))
    first = [fields for _, _, fields in head if fields and fields[0] != _DOCUMENT_START]
    layout = find_layout(first, word_column, tag_column)
    sentence = slice(0) if layout.sentence is None else slice(layout.sentence, layout.sentence + 1)
    mark: list[str] = []
    for number, line, fields in chain(head, rows, [(0, "", [])]):  # an empty line ends the last sentence
        if line.startswith("#") and not words and layout.is_comment(fields):
            continue
        if fields == layout.header or (layout.word > 0 and not layout.header and is_no_word(fields)):
            continue
        border = not fields or fields[0] == _DOCUMENT_START
        if words and (border or fields[sentence] not in ([""], mark)):
            yield Sentence(words, tags)
            words, tags = [], []
        if not border:
            word, tag = _word_and_tag(fields, layout, f"{path}:{number}", line)
            words.append(word)
            tags.append(tag)
            mark = fields[sentence]
        elif fields:
            yield None


def _splitter(path: str | Path, first_lines: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what splits a line into columns; in CSV at the separator that the first lines have most."""
    if uncompressed(path).suffix.lower() != ".csv":
        return columns
    counts = Counter(chain.from_iterable(first_lines))
    separator = max(",;\t", key=counts.__getitem__)
    return lambda line: _cells(line, separator)


def _cells(line: str, separator: str) -> list[str]:
    """Split one line of CSV; an empty list for a line without values."""
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell of more than 131,072 characters
        return [line]
    return cells if any(cells) else []


def _word_and_tag(fields: list[str], layout: Layout, where: str, line: str) -> tuple[str, str]:
    try:
        word, tag = fields[layout.word], fields[layout.tag]
    except IndexError:
        word = tag = ""
    if len(fields) < 2 or not word or not tag:
        msg = f"{where}: expected word and tag with a space or tab between, found {_excerpt(line)}"
        raise CorpusError(msg)
    read = layout.read_tag(tag)
    if read is None:
        column = layout.tag % len(fields) + 1
        shape = "O or TYPE-PREFIX, such as PER-B," if layout.suffixed else "O or PREFIX-TYPE, such as B-PER,"
        msg = (
            f"{where}: expected {shape} in column {column}, found {_excerpt(tag)}; "
            "correct this tag, or convert a file of another format to a word and its tag on each line"
        )
        raise CorpusError(msg)
    return word, read


def read_label_ids(path: str | Path) -> list[str]:
    """Read NeMo's ``label_ids.csv``: one label a line, whose id is its index.

    Raises
    ------
    CorpusError
        For an empty file or a duplicate label.
    """
    labels: list[str] = []
    for number, line in _lines(path, "utf-8"):
        label = line.strip()
        if not label:
            continue
        if label in labels:
            msg = f"{path}:{number}: duplicate label {label}; expected each label once"
            raise CorpusError(msg)
        labels.append(label)
    if not labels:
        msg = f"{path}: expected one label a line, found an empty file"
        raise CorpusError(msg)
    return labels


def read_nemo(
    text_file: str | Path, labels_file: str | Path, label_ids: Sequence[str] | str | Path | None = None
) -> Iterator[Sentence]:
    """Read NeMo's pair of files: a sentence a line in one, its tags in the other.

    Parameters
    ----------
    text_file, labels_file : str or Path
        ``text_*.txt`` and ``labels_*.txt``, words and tags separated by spaces; format described in
        https://docs.nvidia.com/nemo-framework/user-guide/24.07/nemotoolkit/nlp/token_classification.html
    label_ids : sequence of str, or str or Path of ``label_ids.csv``, optional
        Allowed tags; others are an error. When not given, all tags are allowed.

    Yields
    ------
    Sentence
        Lines that are empty in both files are skipped.

    Raises
    ------
    CorpusError
        If the files differ in the number of lines, or a line in the number of words and tags.
    """
    known = read_label_ids(label_ids) if isinstance(label_ids, str | Path) else label_ids
    pairs = zip_longest(_lines(text_file, "utf-8"), _lines(labels_file, "utf-8"))
    for number, (text_line, labels_line) in enumerate(pairs, 1):
        if text_line is None or labels_line is None:
            shorter = text_file if text_line is None else labels_file
            msg = f"{shorter}: ends before line {number}, unlike the file it belongs to"
            raise CorpusError(msg)
        words, tags = text_line[1].split(), labels_line[1].split()
        if len(words) != len(tags):
            msg = f"{labels_file}:{number}: expected {len(words)} tags as in {text_file}, found {len(tags)}"
            raise CorpusError(msg)
        unknown = [tag for tag in tags if known is not None and tag not in known]
        if unknown:
            known_tags = ", ".join(known or ())
            msg = f"{labels_file}:{number}: tag {unknown[0]} is not in label_ids; known are {known_tags}"
            raise CorpusError(msg)
        if words:
            yield Sentence(words, tags)


def read_json(
    path: str | Path,
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    label_ids: Sequence[str] | None = None,
) -> Iterator[Sentence]:
    """Read marked texts or tagged words: a JSON value on each line, or in a list, see `ner_core.marked`.

    Parameters
    ----------
    path : str or Path
    column : str, optional
        The key of the text, if it is not ``text``.
    encoding : str
    label_ids : sequence of str, optional
        Tags in the order of their ids, for files that hold ids.

    Yields
    ------
    Sentence

    Raises
    ------
    CorpusError
        Naming the file and the line, or the number in the list.
    """
    return _of_each(path, encoding, lambda document: sentences_of(document, column, label_ids))


def read_json_texts(path: str | Path, column: str | None = None) -> Iterator[str]:
    """Read only the texts of such a file; they need no names. For the rest see `read_json`."""
    return _of_each(path, "utf-8", lambda document: [text_of(document, column)])


def _of_each(path: str | Path, encoding: str, read: Callable[[Any], Iterable[T]]) -> Iterator[T]:
    for where, document in _json_values(path, encoding):
        try:
            yield from read(document)
        except ValueError as error:  # noqa: PERF203
            msg = f"{where}: {error}"
            raise CorpusError(msg) from None


def _json_values(path: str | Path, encoding: str) -> Iterator[tuple[str, Any]]:
    """Yield the documents of a file and where each is; the first line tells whether each is one."""
    lines = (one for one in _lines(path, encoding) if one[1].strip())
    head = list(islice(lines, 2))
    try:
        each_line = len(head) == 2 and bool(json.loads(head[0][1]))
    except (ValueError, RecursionError):
        each_line = False
    if not head:
        return
    if each_line:
        for number, line in chain(head, lines):
            value = _parsed(line, path, number)
            # A list that begins with a string is a document of spaCy 2.
            listed = isinstance(value, list) and not (value and isinstance(value[0], str))
            yield from ((f"{path}:{number}", one) for one in (value if listed else [value]))
        return
    every: list[str] = []
    for number, line in chain(head, lines):
        every += [""] * (number - 1 - len(every)) + [line]  # with the blank ones, for the numbers in errors
    whole = _parsed("\n".join(every), path, 1)
    if isinstance(whole, dict) and "classes" in whole and isinstance(whole.get("annotations"), list):
        whole = [value for value in whole["annotations"] if value is not None]  # of NER Annotator
    if isinstance(whole, list):
        yield from ((f"{path}, item {number}", value) for number, value in enumerate(whole, 1))
    else:
        yield f"{path}:{head[0][0]}", whole


def _parsed(text: str, path: str | Path, number: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        place = f"{path}:{number + error.lineno - 1}"
        msg = f"{place}: expected JSON, found {_excerpt(line)} ({error.msg} at column {error.colno})"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or too many levels
        msg = f"{path}:{number}: expected JSON that can be read ({error})"
    raise CorpusError(msg) from None


def _lines(path: str | Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield line numbers from 1 and lines; only LF ends a line, so that words can contain U+2028."""
    number, rest = 1, ""
    decoder = codecs.getincrementaldecoder(encoding)()
    with Path(path).open("rb") as stored:
        for raw in chain(_decompressed(stored, path), [b""]):
            try:  # in UTF-16 a line of bytes may end within a character
                *lines, rest = (rest + decoder.decode(raw, final=not raw)).split("\n")
            except UnicodeError as error:
                found = "no byte order mark"
                if isinstance(error, UnicodeDecodeError):
                    found = f"byte 0x{error.object[error.start]:02x} at column {error.start + 1}"
                msg = f"{path}:{number}: expected {encoding} text, found {found}; convert the file"
                raise CorpusError(msg) from None
            if not raw and rest:
                lines.append(rest)
            for line in lines:
                yield number, line.removeprefix("\ufeff" if number == 1 else "").rstrip("\r")
                number += 1


def _decompressed(stored: BufferedReader, path: str | Path) -> Iterator[bytes]:
    try:
        yield from gzip.GzipFile(fileobj=stored) if stored.peek(2).startswith(_GZIP) else stored
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        msg = f"{path}: expected a whole gzip file, found a damaged one ({error})"
        raise CorpusError(msg) from None


def uncompressed(path: str | Path) -> Path:
    """Return the name of a file without ``.gz``, which may follow the suffix of every corpus."""
    return Path(str(path).removesuffix(".gz"))


def _excerpt(line: str) -> str:
    return repr(line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…")
