"""A callable for libraries that process tables in parts: Ray Data, Spark, Dask, datasets, pandas, polars.

It imports none of them. The model is loaded when the first part arrives, once in each process; it is not
pickled with the callable.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ner_core.arguments import check_path
from ner_core.rendering import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ner_core.recognizer import EntityRecognizer

__all__ = ["EntityMapper"]

Table = TypeVar("Table")


class EntityMapper:
    """Add the entities of a column of texts to a table.

    Parameters
    ----------
    model : str or Path
        An ``.xml``, or the folder that holds one; must exist on every worker. With `load`, its argument.
    column : str
        Column with the texts: strings, or lists of words. None counts as an empty text.
    into : str
        Column to add or replace: the entities as a JSON list of objects with start, end, label, score and
        text (read it with `json.loads` or Spark's ``from_json``). A JSON string has the same type in all of
        these engines, while types of nested columns are inferred from each part and differ without entities.
    load : callable, optional
        Creates the recognizer from `model` and `options`, by default `EntityRecognizer.from_ir`; use
        `model_zoo.load` for names of the zoo.
    **options
        Passed on to `load`.

    Examples
    --------
    The model can be anything that `load` accepts:

    >>> import pandas
    >>> from ner_core import Entity, Recognition
    >>> class Capitals:
    ...     def stream(self, texts):
    ...         for text in texts:
    ...             yield Recognition(text, (Entity(0, 4, "PER", 0.9, text[:4]),))
    >>> mapper = EntityMapper("capitals", load=lambda model: Capitals())
    >>> mapper(pandas.DataFrame({"text": ["Mary sings."]})).entities[0]
    '[{"start": 0, "end": 4, "label": "PER", "score": 0.9, "text": "Mary"}]'
    """

    def __init__(
        self,
        model: str | Path,
        *,
        column: str = "text",
        into: str = "entities",
        load: Callable[..., EntityRecognizer] | None = None,
        **options: Any,
    ) -> None:
        if load is None:
            check_path("model", model)
        elif not callable(load):
            msg = f"load: expected a function such as model_zoo.load, found {load!r:.60}."
            raise TypeError(msg)
        self._model = model
        self._column = column
        self._into = into
        self._load = load
        self._options = options

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model behind."""
        return {name: value for name, value in self.__dict__.items() if name != "recognizer"}

    @functools.cached_property
    def recognizer(self) -> EntityRecognizer:
        """The recognizer, loaded when first asked for."""
        from ner_core.recognizer import EntityRecognizer

        loaded = (self._load or EntityRecognizer.from_ir)(self._model, **self._options)
        if not hasattr(loaded, "stream"):
            msg = f"load: expected a function that returns a recognizer, it returned {loaded!r:.60}."
            raise TypeError(msg)
        return loaded

    def __call__(self, table: Table) -> Table:
        """Annotate one part of a table.

        Parameters
        ----------
        table : dict, mapping, pandas.DataFrame, polars.DataFrame, pyarrow.Table or pyarrow.RecordBatch
            A batch of Ray Data's ``map_batches`` (in any of its formats) or of ``datasets``' ``map`` with
            ``batched=True``, a partition of Dask's ``map_partitions``, a data frame.

        Returns
        -------
        dict or data frame
            A copy with one more column.

        Raises
        ------
        KeyError
            If the column is missing, or exists several times.
        TypeError
            If this is not a table, if the column holds one text instead of many, as in ``datasets`` without
            ``batched=True``, or if a cell is neither text nor words.
        """
        columns: Any = table
        cells = self._cells(columns)
        found = [
            to_json([entity.to_dict() for entity in recognition.entities])
            for recognition in self.recognizer.stream(map(self._text, cells))
        ]
        import numpy as np

        strings = np.array(found, dtype=object)
        added: Any
        if hasattr(columns, "with_columns"):  # polars; a part without rows needs the type too
            import polars

            added = columns.with_columns(polars.Series(self._into, found, dtype=polars.String))
        elif hasattr(columns, "assign"):  # pandas
            added = columns.assign(**{self._into: strings})
        elif hasattr(columns, "column_names"):  # Arrow
            import pyarrow

            place, column = columns.schema.get_field_index(self._into), pyarrow.array(found, pyarrow.string())
            added = (
                columns.append_column(self._into, column)
                if place < 0
                else columns.set_column(place, self._into, column)
            )
        elif isinstance(columns, dict):
            added = {**columns, self._into: strings}
        else:  # the mapping of datasets, which expects the columns to add
            added = {self._into: found}
        return added

    def _cells(self, table: Any) -> Iterable[Any]:
        """Return the column of a table."""
        if hasattr(table, "collect") and hasattr(table, "collect_schema"):
            schema = f"frame.collect_schema() | {{{self._into!r}: polars.String}}"
            msg = (
                "expected a table, found a lazy one; use mapper(frame.collect()), or "
                f"frame.map_batches(mapper, schema={schema})"
            )
            raise TypeError(msg)
        names = getattr(table, "column_names", getattr(table, "columns", None))
        if names is None and isinstance(table, Mapping):
            names = table
        if names is None:
            msg = f"expected a table, such as a data frame or a dict of columns, found {type(table).__name__}"
            raise TypeError(msg)
        names = list(names)
        if names.count(self._column) != 1:
            found = ", ".join(map(str, names)) or "none"
            msg = f"expected one column {self._column!r} with texts, found {found}"
            raise _ColumnError(msg)
        cells = table[self._column]
        if cells is None or isinstance(cells, (str, bytes)) or not hasattr(cells, "__iter__"):
            one = "one" if cells is None or isinstance(cells, (str, bytes)) else repr(cells)[:60]
            msg = f"expected many texts in {self._column!r}, found {one}; for datasets, map with batched=True"
            raise TypeError(msg)
        return cells.to_pylist() if hasattr(cells, "to_pylist") else cells

    def partitions(self, tables: Iterable[Table]) -> Iterator[Table]:
        """Annotate an iterator of parts, for Spark's ``mapInPandas``."""
        return map(self, tables)

    def _word(self, value: Any) -> Any:
        if isinstance(value, (str, numbers.Number)) or not hasattr(value, "__iter__"):
            return value
        msg = f"column {self._column!r}: expected words in the list of a cell, found {value!r:.60}"
        raise TypeError(msg)

    def _text(self, value: Any) -> str | list[str]:
        """Read a cell as a text or as words; a missing value of NumPy or pandas is an empty text."""
        if isinstance(value, str):
            return value
        if _is_nothing(value):
            return ""
        if isinstance(value, (list, tuple)) or hasattr(value, "tolist") or hasattr(value, "to_list"):
            return ["" if _is_nothing(word) else str(self._word(word)) for word in value]
        hint = ": decode it first" if isinstance(value, (bytes, bytearray)) else ""
        msg = f"column {self._column!r}: expected a text or a list of words, found {value!r:.60}{hint}"
        raise TypeError(msg)


class _ColumnError(KeyError):
    """A column is missing or ambiguous; shows its message without the quotation marks of `KeyError`."""

    __str__ = Exception.__str__


def _is_nothing(value: Any) -> bool:
    """Return whether a value is missing, as None, NumPy and pandas have it."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, numbers.Real) and math.isnan(value)
