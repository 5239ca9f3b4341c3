"""A callable for what hands over tables part by part: Ray Data, Spark, Dask, datasets, pandas, polars.

It imports none of them. The model is loaded where the first part arrives, once in each process, and not
carried along when the callable is sent to another one.
"""

from __future__ import annotations

import functools
import math
import numbers
from typing import TYPE_CHECKING, Any, TypeVar

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
        An ``.xml``, or the folder that holds one; must be there on every worker. With `load`, whatever that
        takes.
    column : str
        Column with the texts: strings, or lists of words. None stands for an empty text.
    into : str
        Column that is added, or replaced: the entities as JSON, a list of objects with start, end, label,
        score and text (`json.loads` of it, Spark's ``from_json``). JSON is a string in every one of these
        engines, while types of nested columns are guessed from a part and differ where it has no entities.
    load : callable, optional
        Makes the recognizer out of `model` and `options`, `EntityRecognizer.from_ir` by default;
        `model_zoo.load` takes names of the zoo.
    **options
        Passed on to `load`.

    Examples
    --------
    The model is anything that `load` makes a recognizer of:

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
        if self._load is not None:
            return self._load(self._model, **self._options)
        from ner_core.recognizer import EntityRecognizer

        return EntityRecognizer.from_ir(self._model, **self._options)

    def __call__(self, table: Table) -> Table:
        """Annotate one part of a table.

        Parameters
        ----------
        table : dict, mapping, pandas.DataFrame or polars.DataFrame
            A batch of Ray Data's ``map_batches`` (formats numpy and pandas) or of ``datasets``' ``map`` with
            ``batched=True``, a partition of Dask's ``map_partitions``, a data frame.

        Returns
        -------
        dict or data frame
            The same, with one column more; what was given is left as it is.

        Raises
        ------
        KeyError
            If there is no such column.
        TypeError
            If the column holds one text instead of many, as ``datasets`` gives without ``batched=True``, or a
            cell that is neither text nor words.
        """
        columns: Any = table
        names = list(getattr(columns, "columns", columns))
        if self._column not in names:
            msg = f"expected a column {self._column!r} with texts, found {', '.join(map(str, names))}"
            raise KeyError(msg)
        cells = columns[self._column]
        if isinstance(cells, (str, bytes)):
            msg = f"expected many texts in {self._column!r}, found one; for datasets, map with batched=True"
            raise TypeError(msg)
        found = [
            to_json([entity.to_dict() for entity in recognition.entities])
            for recognition in self.recognizer.stream(map(self._text, cells))
        ]
        added: Any
        if hasattr(columns, "with_columns"):  # polars
            added = columns.with_columns(**{self._into: type(columns[self._column])(self._into, found)})
        elif hasattr(columns, "assign"):  # pandas
            added = columns.assign(**{self._into: found})
        elif isinstance(columns, dict):
            import numpy as np

            added = {**columns, self._into: np.array(found, dtype=object)}
        else:  # datasets' own mapping, which takes the columns to add
            added = {self._into: found}
        return added

    def partitions(self, tables: Iterable[Table]) -> Iterator[Table]:
        """Annotate an iterator of parts, as Spark's ``mapInPandas`` wants it."""
        return map(self, tables)

    def _text(self, value: Any) -> str | list[str]:
        """Take a cell for a text or for words; nothing, as NumPy and pandas have it, for an empty text."""
        if isinstance(value, str):
            return value
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            return ""
        if isinstance(value, numbers.Real):
            if math.isnan(value):
                return ""
            msg = f"column {self._column!r}: expected a text or a list of words, found {value!r}"
            raise TypeError(msg)
        return [str(word) for word in value]
