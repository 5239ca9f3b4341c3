import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner_core.batching import TOKEN_BUDGET, fill, group, stack

START = 25  # what a batch costs beside its pieces, in pieces


def price(lengths, groups):
    return sum(START + len(one) * max(lengths[index] for index in one) for one in groups)


def partitions(row):
    """All ways to cut a sorted row into neighbours."""
    for cuts in range(2 ** max(len(row) - 1, 0)):
        parts, start = [], 0
        for end in range(1, len(row) + 1):
            if end == len(row) or cuts >> (end - 1) & 1:
                parts.append(row[start:end])
                start = end
        yield parts


@given(st.lists(st.integers(1, 600), max_size=100))
def test_every_row_is_in_one_group_within_the_budget(lengths):
    groups = group(lengths)
    assert sorted(index for one in groups for index in one) == list(range(len(lengths)))
    for one in groups:
        padded = len(one) * max(lengths[index] for index in one)
        assert padded <= TOKEN_BUDGET or len(one) == 1
        assert lengths[one[0]] == max(lengths[index] for index in one)


@given(st.lists(st.integers(1, 300), max_size=8))
def test_no_other_cut_is_cheaper(lengths):
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    allowed = (
        parts
        for parts in partitions(order)
        if all(len(one) == 1 or len(one) * lengths[one[0]] <= TOKEN_BUDGET for one in parts)
    )
    assert price(lengths, group(lengths)) == min(price(lengths, parts) for parts in allowed)


@given(st.lists(st.integers(0, 600), max_size=100), st.integers(1, 9))
def test_filled_groups_are_full_but_the_last(lengths, rows):
    groups = fill(lengths, lambda length: rows)
    assert sorted(index for one in groups for index in one) == list(range(len(lengths)))
    assert all(len(one) == rows for one in groups[:-1])


@given(st.lists(st.lists(st.integers(10, 99), min_size=1, max_size=9), min_size=1, max_size=5), st.booleans())
def test_stacked_rows_can_be_read_back(rows, fixed):
    arrays = [(np.array(row, np.int32), np.array(row, np.int32) % 4) for row in rows]
    shape = (7, 16) if fixed else None
    batch = stack(arrays, prefix=(1, 2), suffix=(3,), pad_id=5, shape=shape)
    assert batch.input_ids.shape == (shape or (len(rows), 3 + max(map(len, rows))))
    for row, ids in enumerate(rows):
        length = len(ids) + 3
        assert batch.input_ids[row].tolist()[:length] == [1, 2, *ids, 3]
        assert set(batch.input_ids[row].tolist()[length:]) <= {5}
        assert batch.attention_mask[row].tolist()[:length] == [1] * length
        assert not batch.attention_mask[row, length:].any()
        assert batch.token_type_ids[row].tolist()[2 : length - 1] == [number % 4 for number in ids]
    assert batch.input_ids.dtype == batch.attention_mask.dtype == batch.token_type_ids.dtype == np.int64
    # An unused row attends to something, so that no softmax divides by zero.
    assert batch.attention_mask.any(axis=1).all()
