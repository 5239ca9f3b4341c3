"""Parquet output: chunks are stored as Arrow streams and become one table when all columns are known."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

import pyarrow as arrow
import pyarrow.parquet

from ner_core.rendering import encodable
from ner_documents.writing.tables import PARTS, cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_documents.writing.parts import Part

__all__ = ["PARTS", "assemble_parquet", "encode_arrow"]

Row = tuple[dict[str, Any], list[dict[str, Any]]]

_ROW_GROUP = 65_536


_WHOLE, _STRING = arrow.int64(), arrow.string()
_SPAN = {"start": _WHOLE, "end": _WHOLE}
_ENTITY = {**_SPAN, "label": _STRING, "score": arrow.float64(), "text": _STRING}
_ENTITIES = arrow.list_(arrow.struct({**_ENTITY, "word_start": _WHOLE, "word_end": _WHOLE}))
_PARTS = arrow.list_(arrow.struct({**_SPAN, "model": _STRING}))


def _are_parts(rows: Sequence[Row]) -> bool:
    """Return whether a column is this project's, not one of the same name in the source."""
    values = [fields[PARTS] for fields, _ in rows if fields.get(PARTS)]
    return all(
        isinstance(value, list)
        and all(isinstance(part, dict) and part.keys() == {"start", "end", "model"} for part in value)
        for value in values
    )


def encode_arrow(rows: Sequence[Row], into: str, schema: bytes | None) -> bytes:
    """Encode rows as an Arrow IPC stream; no bytes if there are no rows.

    Parameters
    ----------
    rows : sequence of (dict, list of dict)
        Kept fields and entities of each document.
    into : str
        Name of the column of entities, a list of structs of start, end, label, score, text, word_start and
        word_end.
    schema : bytes or None
        Serialized Arrow schema of the fields, if the source has one.
    """
    if not rows:
        return b""
    known = arrow.ipc.read_schema(arrow.py_buffer(schema)) if schema else None
    names = list(dict.fromkeys(name for fields, _ in rows for name in fields))
    columns = {_clean(name): _column([fields.get(name) for fields, _ in rows], known, name) for name in names}
    if PARTS in names and (known is None or PARTS not in known.names) and _are_parts(rows):
        columns[PARTS] = arrow.array([fields.get(PARTS) for fields, _ in rows], _PARTS)
    columns[into] = arrow.array([_clean(entities) for _, entities in rows], _ENTITIES)
    table = arrow.table(columns)
    sink = io.BytesIO()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _column(values: list[Any], schema: Any, name: str) -> Any:
    """Build a column; values of mixed types become JSON, except strings."""
    if schema is not None and name in schema.names:
        return arrow.array(values, schema.field(name).type)
    values = [_clean(value) for value in values]
    try:
        column = arrow.array(values)
    except (arrow.ArrowException, OverflowError):
        column = _as_cells(values)
    return column


def _as_cells(values: Iterable[Any]) -> Any:
    return arrow.array([None if value is None else cell(value) for value in values], arrow.string())


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which UTF-8 and so Arrow cannot represent."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return value


def assemble_parquet(parts: Callable[[], Iterable[Part]], target: IO[bytes], into: str) -> None:
    """Write stored Arrow streams as one Parquet file, in row groups of about 65,536 rows.

    A column of different types in different chunks takes the type that holds all of them, or becomes JSON.
    """
    schema = _unified([table.schema for table in _tables(parts, schema_only=True)], into)
    with pyarrow.parquet.ParquetWriter(target, schema) as writer:
        pending: list[Any] = []
        for table in _tables(parts):
            pending.append(_fitted(table, schema))
            if sum(each.num_rows for each in pending) >= _ROW_GROUP:
                writer.write_table(arrow.concat_tables(pending))
                pending = []
        if pending:
            writer.write_table(arrow.concat_tables(pending))


def _tables(parts: Callable[[], Iterable[Part]], *, schema_only: bool = False) -> Iterator[Any]:
    for part in parts():
        with part.open() as payload:
            stream = payload.read(0 if not part.header["documents"] else -1)
        if stream:
            reader = arrow.ipc.open_stream(stream)
            yield reader.schema.empty_table() if schema_only else reader.read_all()


def _unified(schemas: Sequence[Any], into: str) -> Any:
    types: dict[str, Any] = {}
    for schema in schemas:
        for field in schema:
            types[field.name] = _common_type(types.get(field.name, field.type), field.type)
    types[into] = types.pop(into, _ENTITIES)
    return arrow.schema(
        [
            arrow.field(name, arrow.string() if arrow.types.is_null(kind) else kind)
            for name, kind in types.items()
        ]
    )


def _common_type(one: Any, other: Any) -> Any:
    if one == other:
        return one
    try:
        fields = [arrow.schema([arrow.field("value", kind)]) for kind in (one, other)]
        return arrow.unify_schemas(fields, promote_options="permissive").field("value").type
    except arrow.ArrowException:
        return arrow.string()


def _fitted(table: Any, schema: Any) -> Any:
    columns = []
    for field in schema:
        known = field.name in table.column_names
        column = table.column(field.name) if known else arrow.nulls(table.num_rows)
        if arrow.types.is_string(field.type) and column.type not in (field.type, arrow.null()):
            column = _as_cells(column.to_pylist())
        columns.append(column.cast(field.type))
    return arrow.table(columns, schema=schema)
