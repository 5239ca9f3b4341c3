import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core import labels
from tests.lazily import Lazily

sequence_labeling = Lazily("seqeval.metrics.sequence_labeling")
PREFIXED = st.sampled_from(["O"] + [f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC")])


@given(st.lists(PREFIXED, max_size=12))
def test_spans_are_seqevals_default_chunks(tags):
    assert labels.spans(tags) == [
        (kind, start, end + 1) for kind, start, end in sequence_labeling.get_entities(tags)
    ]


@st.composite
def span_lists(draw):
    spans, position = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start = position + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 3))
        spans.append((draw(st.sampled_from(["PER", "LOC"])), start, end))
        position = end
    return spans, position + draw(st.integers(0, 2))


@given(span_lists(), st.sampled_from(["IOB1", "IOB2", "BIOES"]))
def test_spans_survive_writing_and_reading(case, scheme):
    spans, length = case
    assert labels.spans(labels.tags_of(spans, length, scheme)) == spans


def test_iob1_writes_b_only_between_neighbours():
    spans = [("PER", 0, 1), ("PER", 1, 2), ("LOC", 2, 3)]
    assert labels.tags_of(spans, 3, "IOB1") == ["I-PER", "B-PER", "I-LOC"]
    assert labels.tags_of(spans, 3, "IO") == ["I-PER", "I-PER", "I-LOC"]


@pytest.mark.parametrize("spans", [[("PER", 0, 2), ("LOC", 1, 3)], [("PER", 2, 2)], [("PER", 2, 9)]])
def test_impossible_spans_are_refused(spans):
    with pytest.raises(ValueError, match="overlaps another one"):
        labels.tags_of(spans, 4)


def test_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="Unknown tag scheme 'IOB3'"):
        labels.tags_of([], 1, "IOB3")


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-PER", "I-PER"], "IOB2"),
        (["B-PER", "O"], "IOB2"),
        (["O", "B-LOC", "I-LOC", "I-PER"], "IOB1"),
        (["O", "I-PER", "I-LOC"], "IO"),
        (["PER", "LOC", "O"], "IO"),
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "BIOES"),
        (["O", "E-MAIL", "PHONE"], "IO"),
        (["O", "B-E-MAIL", "I-E-MAIL"], "IOB2"),
        ([], "IO"),
    ],
)
def test_scheme_is_found_from_the_label_set(tags, scheme):
    assert labels.tag_scheme(tags) == scheme


def test_types_keep_dashes_of_names():
    assert labels.entity_types(["O", "B-WORK-OF-ART", "I-WORK-OF-ART", "E-MAIL"]) == ["WORK-OF-ART", "E-MAIL"]


@given(st.text(max_size=8))
def test_any_label_has_a_stable_colour(label):
    assert re.fullmatch("#[0-9a-f]{6}", labels.colors([label])[label])
    assert labels.colors([label]) == labels.colors([label])


def test_the_four_labels_have_four_colours():
    assert len(set(labels.colors(["PER", "LOC", "ORG", "MISC"]).values())) == 4


def test_no_type_is_called_o():
    assert labels.entity_types(["B-O", "B-PER", "I-PER", "I-O"]) == ["PER"]
    assert labels.entity_types(["LABEL_0", "LABEL_1", "LABEL_2"]) == ["LABEL_1", "LABEL_2"]
    assert labels.spans(["B-O", "B-PER", "I-O"]) == [("PER", 1, 2)]


@pytest.mark.parametrize("special", [["[CLS]", "[SEP]", "X"], ["<pad>", "<s>", "</s>"], ["[PAD]"]])
def test_labels_of_special_tokens_are_no_types(special):
    assert labels.entity_types([*special, "O", "B-PER", "I-PER"]) == ["PER"]


def test_x_beside_no_special_token_and_names_in_brackets_are_types():
    assert labels.entity_types(["O", "X", "[DRUG]"]) == ["X", "[DRUG]"]


def test_tags_in_lower_case_are_read_where_none_is_in_capitals():
    assert labels.prefixed(["o", "b-org", "i-org", "b_gpe"]) == ["O", "B-org", "I-org", "B-gpe"]
    assert labels.prefixed(["O", "b-org", "o"]) == ["O", "b-org", "o"]
