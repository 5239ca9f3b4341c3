"""Types in the cells of a column, decided jointly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.agreement import agree
from ner_core.units import Pieces, find_units

# O, then two types of one tag each.
TYPES = np.array([-1, 0, 1])
SURE, OTHER = [0.02, 0.96, 0.02], [0.02, 0.02, 0.96]
UNSURE = [0.1, 0.3, 0.6]
NOTHING = [0.96, 0.02, 0.02]


def agreed(*cells, column=0, first_row=0, types=TYPES, beside=None):
    """Return the probabilities of cells of one column, each a list of the probabilities of its words.

    The first cells, `first_row` of them, are in the first row. Where the model saw the other cells, its words
    have the probabilities `beside`.
    """
    parts = [np.float32(cell).reshape(-1, len(types)) for cell in cells]
    words = np.concatenate(parts)
    count = len(words)
    segment = np.repeat(np.arange(len(cells)), [len(part) for part in parts])
    offsets = np.stack([np.arange(count) * 2, np.arange(count) * 2 + 1], axis=1)
    pieces = Pieces(
        "a " * count,
        np.log(words),
        offsets,
        np.arange(count),
        segment,
        cells=np.stack([np.full(count, column), segment < first_row], 1),
        together=np.log(words if beside is None else np.float32(beside)),
    )
    units = find_units([pieces], "word", types)
    agree(units, types)
    return units.probabilities


def test_an_unsure_cell_follows_the_others():
    assert agreed(UNSURE, SURE, SURE, SURE)[0].argmax() == 1


def test_a_name_that_the_model_missed_is_found():
    missed = [0.6, 0.35, 0.05]
    assert agreed(missed, *[SURE] * 5)[0].argmax() == 1
    assert agreed([0.7, 0.2, 0.1], SURE, SURE, SURE, beside=[SURE] * 4)[0].argmax() == 1


def test_where_no_cell_is_sure_the_reading_beside_the_others_decides():
    missed = [0.8, 0.1, 0.1]
    assert (agreed(*[missed] * 4).argmax(axis=1) == 0).all()
    assert (agreed(*[missed] * 4, beside=[OTHER] * 4).argmax(axis=1) == 2).all()


def test_cells_of_types_that_alternate_are_as_many_columns():
    cells = [SURE, OTHER] * 4
    found = agreed(*cells, [0.3, 0.3, 0.4], [0.3, 0.4, 0.3], beside=[*cells, SURE, OTHER])
    assert found[-2:].argmax(axis=1).tolist() == [1, 2]
    in_a_table = agreed(*cells, [0.3, 0.3, 0.4], first_row=1, beside=[*cells, SURE])
    assert in_a_table[-1].argmax() == 2


def test_a_column_of_mixed_types_stays_as_read_alone():
    found = agreed(SURE, OTHER, SURE, OTHER, [0.5, 0.3, 0.2], beside=[SURE] * 5)
    assert found.argmax(axis=1).tolist() == [1, 2, 1, 2, 0]


def test_readings_without_any_doubt_have_a_mean():
    found = agreed(*[[1e-45, 1, 1e-45]] * 4, beside=[[1, 1e-45, 1e-45]] * 4)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("exception", [OTHER, NOTHING])
def test_a_sure_cell_stays_what_it_is(exception):
    found = agreed(exception, SURE, SURE, SURE, SURE)
    assert found[0].argmax() == np.argmax(exception)
    assert (found[1:].argmax(axis=1) == 1).all()


def test_cells_that_are_no_names_say_nothing():
    assert agreed(UNSURE, NOTHING, SURE, NOTHING, SURE, SURE)[0].argmax() == 1


def test_a_column_of_mixed_types_is_left_alone():
    found = agreed(UNSURE, SURE, OTHER, SURE, OTHER)
    assert found[0].argmax() == 2


def test_a_name_in_a_longer_cell_is_left_alone():
    found = agreed([NOTHING, OTHER], SURE, SURE, SURE)
    np.testing.assert_allclose(found[:2], [NOTHING, OTHER], rtol=1e-5)


def test_a_heading_holds_no_names_and_says_nothing_about_its_columns():
    city = [0.45, 0.4, 0.15]
    found = agreed(NOTHING, city, NOTHING, SURE, SURE, SURE, first_row=3)
    assert (found[:3].argmax(axis=1) == 0).all()
    assert agreed(city, SURE, SURE, SURE)[0].argmax() == 1
    assert agreed(NOTHING, SURE, NOTHING, OTHER, OTHER, OTHER, first_row=3)[1].argmax() == 1
    assert agreed(NOTHING, NOTHING, UNSURE, SURE, SURE, SURE, first_row=2)[2].argmax() == 1


def test_with_many_types_numbers_say_nothing_about_a_name():
    types = np.arange(-1, 20)
    number, name = np.full(21, 0.002), np.full(21, 0.01)
    number[0], name[7] = 0.96, 0.8
    found = agreed(*[number] * 8, name, types=types)
    assert found[8].argmax() == 7
    assert found[8, 7] > 0.7


def test_two_cells_are_no_column():
    np.testing.assert_allclose(agreed(UNSURE, SURE), [UNSURE, SURE], rtol=1e-5)


def test_outside_of_columns_nothing_changes():
    np.testing.assert_allclose(agreed(UNSURE, SURE, SURE, column=-1), [UNSURE, SURE, SURE], rtol=1e-5)


probabilities = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda p: [x / sum(p) for x in p])


@given(st.lists(st.lists(probabilities, min_size=1, max_size=3), min_size=1, max_size=8))
def test_probabilities_stay_probabilities_in_any_order(cells):
    found = agreed(*cells)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.sort(agreed(*cells[::-1]), axis=0), np.sort(found, axis=0), atol=1e-5)
