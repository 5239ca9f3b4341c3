"""Types of names in the cells of a column, decided jointly.

The model reads each cell alone, where ``Porto`` may be a company, and once more in a row with the other cells
of its column. Among others of its kind it knows more names, but takes all cells for one kind. So the cells as
read alone decide whether the column holds names of one type. The more it does, the more the second reading
counts, and the other cells are used as a prior for the cell. Columns of mixed types stay as read alone.

Lines that alternate, such as a person, a company and a city in turn, are as many columns.

A column is modelled as a mixture: with probability `_UNIFORM` it holds one type, all types being equally
likely. A cell is then a name of that type, no name, or anything, with the probabilities below. Otherwise a
cell is anything.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ner_core.cells import LEAST_CELLS
from ner_core.words import run_starts

if TYPE_CHECKING:
    from ner_core.units import Units

__all__ = ["agree"]

# Chosen on lists, tables and forms with names from the dev parts of CoNLL-2003, UNER EWT and WNUT17, so that
# lists of mixed types and of tasks lose little.
_UNIFORM = 0.6
_NAME = 0.7
_NO_NAME = 0.2
_ANYTHING = 0.1
# Models are overconfident about names without context: in such a column, probabilities are tempered.
_TEMPERATURE = 1.5
# As `_ANYTHING`: a cell that is surely of another type than its column stays as read alone.
_UNFIT = 0.3
# Probabilities that are exactly zero in both readings have no mean.
_LEAST = 1e-30
# The odds that a first row is a heading, before its cells are read, and the probability of a name that rules
# it out. Chosen on tables of two and three columns, with and without headings, of the same names.
_HEADING = 4
# Lines of a record, and what each line more costs as a logarithm. Chosen so that no other list loses by it.
_LONGEST_RECORD = 4
_RECORD = 3.0
_SURE = 0.7


def agree(units: Units, type_of_tag: np.ndarray) -> None:
    """Weigh the types of each cell by what the other cells of its column show.

    Parameters
    ----------
    units : Units
        Probabilities of tags are changed in place, in cells that are a name, or no name, as a whole.
    type_of_tag : ndarray of int, shape (labels,)
        Type of each label, -1 for none.
    """
    if units.cells is None or units.together is None:
        return
    inside = np.flatnonzero(units.cells[:, 0] >= 0)
    kind = type_of_tag + 1  # 0 for no name
    firsts = run_starts(np.cumsum(units.apart)[inside])
    column, first_row = units.cells[inside][firsts].T.copy()
    cell = np.repeat(np.arange(len(firsts)), np.diff(np.append(firsts, len(inside))))
    alone = np.maximum(units.probabilities[inside], _LEAST)
    together = np.maximum(units.together[inside], _LEAST)

    def wholly(probabilities: np.ndarray) -> np.ndarray:
        """Return for each cell the probability that all of it is of one kind."""
        kinds = np.arange(int(kind.max()) + 1) == kind[:, None]
        return np.multiply.reduceat(probabilities @ kinds, firsts, axis=0)

    _divide_records(column, first_row, wholly(alone))
    whole = wholly(_tempered(alone))
    heading = _headings(first_row > 0, whole)
    many = np.bincount(column[~heading], minlength=int(column.max(initial=0)) + 1)[column] >= LEAST_CELLS
    evidence = _evidence(wholly(alone), wholly(together), column, heading)
    share = np.where(many & ~heading, _fit(evidence, whole), 0)[cell, None]
    read = _normalized(alone ** (1 - share) * together**share)

    whole = wholly(_tempered(read))
    weights = _weights(evidence, heading)
    in_part = (evidence[:, 0] + _ANYTHING * (1 - evidence[:, 0])) * np.maximum(1 - whole.sum(axis=1), 0)
    changed = heading | (((whole * weights).max(axis=1) > in_part) & many)
    of_one_type = evidence[:, 1:].max(axis=1, initial=0)
    # Tempered, weighed, and sharpened again, so that scores stay calibrated: (p ** (1 / T) * w) ** T.
    power = 1 + (_TEMPERATURE - 1) * of_one_type[cell, None]
    weighed = _normalized(read * weights[cell][:, kind] ** power)
    units.probabilities[inside] = np.where(changed[cell, None], weighed, read)


def _gain(kinds: int) -> float:
    """Return how much likelier a name is in a column of its type than by itself.

    By itself, a cell is no name with the probability `_NO_NAME`, and a name of each type equally often.
    """
    return _NAME * (kinds - 1) / (1 - _NO_NAME)


def _divide_records(column: np.ndarray, first_row: np.ndarray, whole: np.ndarray) -> None:
    """Make several columns of one whose lines alternate: a person, a company and a city in turn."""
    likely = _likely(whole)
    long = np.flatnonzero(np.bincount(column) >= 2 * LEAST_CELLS)
    for number in np.setdiff1d(long, column[first_row > 0]):  # columns of a table do not alternate
        cells = np.flatnonzero(column == number)
        sizes = range(1, min(_LONGEST_RECORD, len(cells) // LEAST_CELLS) + 1)
        place = np.arange(len(cells)) % max(sizes, key=functools.partial(_fit_of_record, likely[cells]))
        column[cells] = np.where(place, column.max() + place, number)


def _fit_of_record(likely: np.ndarray, size: int) -> float:
    """Return how likely each place of a record of so many lines is a column, as a logarithm."""
    sums = np.stack([likely[place::size].sum(axis=0) for place in range(size)])
    columns = np.log(1 - _UNIFORM + _UNIFORM * np.exp(sums).mean(axis=1))
    return float(columns.sum()) - _RECORD * (size - 1)


def _evidence(alone: np.ndarray, together: np.ndarray, column: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Return what each cell's column holds, by the other cells of it: mixed content, or names of a type.

    Shape (cells, kinds). A column holds one type if it does in both readings.
    """
    evidence = _by_others(alone, column, heading)
    evidence[:, 1:] *= 1 - _by_others(together, column, heading)[:, :1]
    evidence[:, 0] = 1 - evidence[:, 1:].sum(axis=1)
    return evidence


def _likely(whole: np.ndarray) -> np.ndarray:
    """Return how much likelier each cell is in a column of each type than in a mixed one, as a logarithm."""
    return np.asarray(np.log(_gain(whole.shape[1]) * whole[:, 1:] + whole[:, :1] + _ANYTHING))


def _by_others(whole: np.ndarray, column: np.ndarray, heading: np.ndarray) -> np.ndarray:
    kinds = whole.shape[1]
    likely = _likely(whole)
    likely[heading] = 0
    of_column = np.zeros((int(column.max(initial=0)) + 1, kinds - 1))
    np.add.at(of_column, column, likely)
    evidence = np.empty((len(column), kinds))
    evidence[:, 0] = np.log(1 - _UNIFORM)
    evidence[:, 1:] = np.log(_UNIFORM / (kinds - 1)) + of_column[column] - likely
    evidence = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return evidence / evidence.sum(axis=1, keepdims=True)


def _fit(evidence: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return how far each cell fits the types that its column may hold, 0 to 1."""
    fit = _gain(whole.shape[1]) * whole[:, 1:] + whole[:, :1]
    return (evidence[:, 1:] * fit / (fit + _UNFIT)).sum(axis=1)


def _weights(evidence: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Return the weight of no name and of each type in every cell, shape (cells, kinds)."""
    mixed, uniform = evidence[:, :1], 1 - evidence[:, :1]
    gain = _gain(evidence.shape[1])
    weights = mixed + _ANYTHING * uniform + gain * evidence
    weights[:, :1] = mixed + (1 + _ANYTHING) * uniform
    weights[heading] = _ANYTHING
    weights[heading, 0] += gain
    return weights


def _headings(first_row: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return which cells are in a heading: a first row that likely holds no names, and no sure one."""
    row = np.cumsum(~(first_row & np.append(False, first_row[:-1])))
    no_name = np.clip(whole[:, 0], 0.01, 0.99)
    odds = np.log(_HEADING) + np.bincount(row, np.log(no_name / (1 - no_name)))
    surest = np.zeros(len(odds))
    np.maximum.at(surest, row, whole[:, 1:].max(axis=1, initial=0))
    return first_row & (odds[row] > 0) & (surest[row] < _SURE)


def _tempered(probabilities: np.ndarray) -> np.ndarray:
    return _normalized(probabilities ** (1 / _TEMPERATURE))


def _normalized(probabilities: np.ndarray) -> np.ndarray:
    return probabilities / probabilities.sum(axis=-1, keepdims=True)
