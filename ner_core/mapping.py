"""A callable for the engines that hand over tables part by part: Ray Data, Spark, Dask, pandas.

It imports none of them. The model is loaded where the first part arrives, once in each process, and not
carried along when the callable is sent to another one.
"""

from __future__ import annotations

import functools
import math
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
        table : dict of str to ndarray, or pandas.DataFrame
            A batch of Ray Data's ``map_batches`` (formats numpy and pandas), a partition of Dask's
            ``map_partitions``.

        Returns
        -------
        dict or pandas.DataFrame
            The same, with one column more; what was given is left as it is.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        columns: Any = table
        if self._column not in columns:
            msg = f"expected a column {self._column!r} with texts, found {', '.join(map(str, columns))}"
            raise KeyError(msg)
        found = [
            to_json([entity.to_dict() for entity in recognition.entities])
            for recognition in self.recognizer.stream(_text(value) for value in columns[self._column])
        ]
        if isinstance(columns, dict):
            import numpy as np

            added: Any = {**columns, self._into: np.array(found, dtype=object)}
            return added
        assigned: Table = columns.assign(**{self._into: found})
        return assigned

    def partitions(self, tables: Iterable[Table]) -> Iterator[Table]:
        """Annotate an iterator of parts, as Spark's ``mapInPandas`` wants it."""
        return map(self, tables)


def _text(value: Any) -> str | list[str]:
    """Take a cell for a text or for words; nothing, in the ways of NumPy and pandas, for an empty text."""
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, float) and math.isnan(value):
        return ""
    return [str(word) for word in value]
