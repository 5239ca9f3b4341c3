import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_core.batching import TOKEN_BUDGET, group, stack


@settings(deadline=None)
@given(st.lists(st.integers(1, 600), max_size=100))
def test_every_row_is_in_one_group_within_the_budget(lengths):
    groups = group(lengths)
    assert sorted(index for one in groups for index in one) == list(range(len(lengths)))
    for one in groups:
        padded = len(one) * max(lengths[index] for index in one)
        assert padded <= TOKEN_BUDGET or len(one) == 1
        assert lengths[one[0]] == max(lengths[index] for index in one)


@settings(deadline=None)
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
