"""Output formats: encoding of the documents of a chunk, and assembly of chunks into one file.

JSON lines, CoNLL and HTML are simply joined. The columns of CSV and Parquet are known only when every chunk
has been seen, so `tables` stores their chunks in an intermediate form and converts them at the end.
"""

from __future__ import annotations

import importlib
import io
import itertools
import json
import shutil
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

from ner_core.entity import Recognition
from ner_core.rendering import html_frame, html_section, to_conll, to_json
from ner_core.rendering.conll import tagged_words
from ner_documents.document import as_text
from ner_documents.groups import Grouper
from ner_documents.reading.conll import words_among
from ner_documents.sources import require
from ner_documents.writing import tables
from ner_documents.writing.tables import PARTS
from ner_documents.writing.tools import TOOL_FORMATS, marked, write_marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core.entity import Answered, Entity
    from ner_documents.document import Document
    from ner_documents.writing.parts import Part
    from ner_documents.writing.tools import Marked

__all__ = ["OUTPUT_FORMATS", "assemble", "encode_documents", "format_of"]

OUTPUT_FORMATS = (
    *("jsonl", "csv", "csv-long", "tsv", "xlsx", "parquet", "conll", "conll-tabs", "html"),
    *TOOL_FORMATS,
)

#: Besides the names of the formats.
_SUFFIXES = {".spacy": "spacy", ".ndjson": "jsonl", ".htm": "html", ".bio": "conll", ".iob2": "conll"}
_ENTITIES_AT_ONCE = 1000
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def format_of(name: str) -> str | None:
    """Return the output format for the suffix of a file name, None for an unknown one.

    Examples
    --------
    >>> format_of("out/found.CSV"), format_of("found.jsonl"), format_of("found")
    ('csv', 'jsonl', None)
    """
    dot, suffix = name.rsplit("/", 1)[-1].lower().rpartition(".")[1:]
    known = {f".{known}": known for known in OUTPUT_FORMATS if known not in TOOL_FORMATS} | _SUFFIXES
    return known.get(dot + suffix)


def encode_documents(
    found: Iterable[tuple[Document, Iterable[Entity], Sequence[Answered]]],
    format_name: str,
    into: str,
    schema: bytes | None = None,
) -> bytes:
    """Encode the documents of one chunk.

    Parameters
    ----------
    found : iterable of (Document, iterable of Entity, sequence of Answered)
        Each document, its entities (both consumed once, in order), and which model processed which part of
        it, read after the entities; JSON Lines and Parquet keep it.
    format_name : str
        One of `OUTPUT_FORMATS`.
    into : str
        Name of the field with the entities.
    schema : bytes, optional
        Serialized Arrow schema of the source, to keep the types of its columns in Parquet.

    Returns
    -------
    bytes
        The documents in order; only `assemble` reads them.
    """
    if format_name == "parquet":
        rows = []
        for document, entities, parts in found:
            plain, fields = [one.to_dict() for one in entities], document.fields
            if parts and PARTS not in (*fields, into):
                fields = {**fields, PARTS: [part.to_dict() for part in parts]}
            rows.append((fields, plain))
        return _parquet().encode_arrow(rows, into, schema)
    target = io.BytesIO()
    for document, entities, parts in found:
        if format_name in ("conll", "conll-tabs"):
            tabs = format_name == "conll-tabs"
            target.write(_conll(document, _recognition(document, entities), tabs=tabs).encode())
        elif format_name == "html":
            target.write(f"{html_section(_recognition(document, entities))}\n".encode())
        elif format_name == "jsonl":
            fields = document.fields
            grouper = Grouper() if "groups" not in (*fields, into) else None
            lists = {into: _plain(entities, document.text, grouper)}
            if grouper:
                lists["groups"] = (group.to_dict() for group in grouper.groups())
            if parts and PARTS not in (*fields, into):
                lists[PARTS] = (part.to_dict() for part in parts)
            _write_json(target, fields, lists)
        elif format_name in TOOL_FORMATS:
            fields = {"name": document.where, "text": document.text}
            _write_json(target, fields, {"entities": _plain(entities, document.text)})
        else:
            fields = {"where": document.where, "fields": document.fields}
            _write_json(target, fields, {"entities": _plain(entities, document.text)})
    return target.getvalue()


def _parquet() -> Any:
    require("pyarrow", "documents", "writing Parquet")
    return importlib.import_module("ner_documents.writing.parquet")


def _recognition(document: Document, entities: Iterable[Entity]) -> Recognition:
    return Recognition(document.text, tuple(entities), document.words)


def _plain(entities: Iterable[Entity], text: str, grouper: Grouper | None = None) -> Iterator[dict[str, Any]]:
    for entity in entities:
        if grouper is not None:
            grouper.add(entity, text)
        yield entity.to_dict()


def _write_json(
    target: IO[bytes], fields: dict[str, Any], lists: dict[str, Iterator[dict[str, Any]]]
) -> None:
    """Write one line: the fields, then the lists, each begun after the one before and in batches.

    There may be millions of entities, and groups are known after them.
    """
    target.write(_json(fields).removesuffix("}").encode())
    before = ", " if fields else ""
    for name, values in lists.items():
        target.write(f"{before}{to_json(name)}: [".encode())
        separator = ""
        while some := list(itertools.islice(values, _ENTITIES_AT_ONCE)):
            target.write(f"{separator}{to_json(some)[1:-1]}".encode())
            separator = ", "
        target.write(b"]")
        before = ", "
    target.write(b"}\n")


def assemble(
    parts: Callable[[], Iterable[Part]], target: IO[bytes], format_name: str, into: str, labels: Sequence[str]
) -> None:
    """Assemble the output file from the stored chunks, in bounded memory.

    Parameters
    ----------
    parts : callable
        Returns an iterator over the chunks in order; may be called repeatedly.
    target : binary stream
        Target of the output.
    format_name, into : str
        As for `encode_documents`.
    labels : sequence of str
        Entity types of the model, in the order of their table columns.
    """
    if format_name in _DELIMITERS:
        tables.assemble_csv(parts, target, _DELIMITERS[format_name], into, labels)
    elif format_name == "csv-long":
        tables.assemble_long(parts, target)
    elif format_name == "xlsx":
        tables.assemble_xlsx(parts, target, into, labels)
    elif format_name == "parquet":
        _parquet().assemble_parquet(parts, target, into)
    elif format_name in TOOL_FORMATS:
        write_marked(_marked(parts), target, format_name)
    else:
        before, after = _frame(parts) if format_name == "html" else ("", "")
        target.write(before.encode())
        for part in parts():
            with part.open() as payload:
                shutil.copyfileobj(payload, target)
        target.write(after.encode())


def _marked(parts: Callable[[], Iterable[Part]]) -> Iterator[Marked]:
    for part in parts():
        for row in part.rows():
            yield marked(row["name"], row["text"], row["entities"])


def _frame(parts: Callable[[], Iterable[Part]]) -> tuple[str, str]:
    counts: Counter[str] = Counter()
    for part in parts():
        counts.update(part.header["labels"])
    return html_frame(dict(sorted(counts.items())))


def _json(value: dict[str, Any]) -> str:
    try:
        return to_json(value)
    except TypeError:  # dates, decimals and bytes of a Parquet source
        return to_json(json.loads(json.dumps(value, default=as_text)))


def _conll(document: Document, found: Recognition, *, tabs: bool = False) -> str:
    r"""Add the tag as the last column of the lines of the source.

    Examples
    --------
    >>> from ner_core.entity import Entity, Recognition
    >>> from ner_documents.document import Document
    >>> found = Recognition("Mary sings", (Entity(0, 4, "PER", 0.9, "Mary", 0, 1),), words=("Mary", "sings"))
    >>> lines = ("Mary NNP", "sings VBZ")
    >>> _conll(Document("a.conll", 1, "Mary sings", {}, lines, ("Mary", "sings")), found)
    'Mary NNP B-PER\nsings VBZ O\n\n'
    """
    if not document.lines:
        return to_conll(found, tabs=tabs)
    places = words_among(document.lines)[0][-len(document.words or ()) :]
    tags = dict(zip(places, (tag for _, tag in tagged_words(found)), strict=True))
    written = []
    for number, line in enumerate(document.lines):
        if number in tags:
            written.append(_with_column(line, tags[number], tabs=tabs))
        elif places and number > places[0]:
            written.append(_with_column(line, "_", tabs=tabs))
        else:
            written.append(_with_column(line, "O", tabs=tabs) if line.startswith("-DOCSTART-") else line)
    return "".join(f"{line}\n" for line in [*written, ""])


def _with_column(line: str, tag: str, *, tabs: bool) -> str:
    if "\t" in line:
        return f"{line}\t{tag}"
    return "\t".join([*line.split(), tag]) if tabs else f"{line.rstrip(' ')} {tag}"
