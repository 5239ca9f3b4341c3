"""Mentions of one name are one group; what is not sure stays apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.entity import Entity, Recognition
from ner_documents.groups import group_names, with_groups
from tests.ner_documents.marking import found


def groups(marked):
    return [[group.label, group.name, *group.aliases] for group in group_names(found(marked))]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        # P6
        (
            "[Katarzyna Nowak|PER] of [Acme|ORG]. Ms. [Nowak|PER] signs. [NOWAK|ORG]",
            [["PER", "Katarzyna Nowak", "Nowak", "NOWAK"], ["ORG", "Acme"]],
        ),
        ("[Mary\n Jones|PER], [MARY JONES|PER]", [["PER", "Mary Jones", "MARY JONES"]]),
        ("[Jones|PER]'s friend [Mary Jones's|PER]", [["PER", "Mary Jones's", "Jones"]]),
        ("[Jones|PER] met [Mary Jones|PER]", [["PER", "Mary Jones", "Jones"]]),
        ("[Mary Jones|PER] left. [Mary|PER] slept.", [["PER", "Mary Jones", "Mary"]]),
        ("[Mary|PER] met [Mary Jones|PER]", [["PER", "Mary"], ["PER", "Mary Jones"]]),
        ("[Mary Ann Jones|PER] or [Mary Jones|PER]", [["PER", "Mary Ann Jones", "Mary Jones"]]),
        ("[M. Jones|PER] is [Mary Jones|PER]", [["PER", "Mary Jones", "M. Jones"]]),
        ("[Jones, Mary|PER] is [Mary Jones|PER]", [["PER", "Jones, Mary", "Mary Jones"]]),
        ("[Vincent van Gogh|PER] ... [van Gogh|PER]", [["PER", "Vincent van Gogh", "van Gogh"]]),
        ("[Dr. Jones|PER] and [Jones|PER]", [["PER", "Dr. Jones", "Jones"]]),
        # Rivals
        (
            "[Mary Jones|PER], [Peter Jones|PER], [Jones|PER]",
            [["PER", "Mary Jones"], ["PER", "Peter Jones"], ["PER", "Jones"]],
        ),
        (
            "Mr. [Smith|PER] and Mrs. [Smith|PER]; [John Smith|PER]",
            [["PER", "Smith"], ["PER", "Smith"], ["PER", "John Smith"]],
        ),
        (
            "Mr. [John Smith|PER], Mr. [Smith|PER] and Mrs. [Smith|PER]",
            [["PER", "John Smith", "Smith"], ["PER", "Smith"]],
        ),
        (
            "[John Smith Jr.|PER] son of [John Smith Sr.|PER]",
            [["PER", "John Smith Jr."], ["PER", "John Smith Sr."]],
        ),
        ("Ms. [Jones|PER] and Mr. [Peter Jones|PER]", [["PER", "Jones"], ["PER", "Peter Jones"]]),
        ("[J. Jones|PER] and [Mary Jones|PER]", [["PER", "J. Jones"], ["PER", "Mary Jones"]]),
        # Organisations and places
        (
            "the [Acme Corporation|ORG], [Acme Corp.|ORG], [Acme|ORG]",
            [["ORG", "Acme Corporation", "Acme Corp.", "Acme"]],
        ),
        (
            "[Acme Inc.|ORG] sues [Acme Ltd|ORG]: [Acme|ORG]",
            [["ORG", "Acme Inc."], ["ORG", "Acme Ltd"], ["ORG", "Acme"]],
        ),
        (
            "[Ostrava Systems s.r.o.|ORG]: [Ostrava Systems|ORG], [Adler GmbH & Co. KG|ORG], [Adler|ORG]",
            [
                ["ORG", "Ostrava Systems s.r.o.", "Ostrava Systems"],
                ["ORG", "Adler GmbH & Co. KG", "Adler"],
            ],
        ),
        (
            "[Kowalski Sp. z o.o. sp. k.|ORG], [Kowalski|ORG]; [Sol, S.A. de C.V.|ORG], [SOL|ORG]",
            [["ORG", "Kowalski Sp. z o.o. sp. k.", "Kowalski"], ["ORG", "Sol, S.A. de C.V.", "SOL"]],
        ),
        ("[Tiffany & Co.|ORG] is [Tiffany|ORG]", [["ORG", "Tiffany & Co.", "Tiffany"]]),
        ("[AB|ORG], [Co. Ltd.|ORG]", [["ORG", "AB"], ["ORG", "Co. Ltd."]]),
        ("[World Health Organization|ORG] ([WHO|ORG])", [["ORG", "World Health Organization", "WHO"]]),
        ("[Bank of America|ORG], [BofA|ORG], [BA|ORG]", [["ORG", "Bank of America", "BA"], ["ORG", "BofA"]]),
        ("[United States|LOC], [U.S.|LOC], [US|LOC]", [["LOC", "United States", "U.S.", "US"]]),
        ("[Bank of America|ORG] and [Bank|ORG]", [["ORG", "Bank of America"], ["ORG", "Bank"]]),
        ("[Washington|LOC] and [Washington|PER]", [["LOC", "Washington"], ["PER", "Washington"]]),
        ("[Henry Ford|PER] owned [Ford|ORG]", [["PER", "Henry Ford"], ["ORG", "Ford"]]),
        ("[Mary|B-PER] [Jones|I-PER] [Mary|B-PER]", [["PER", "Mary"], ["PER", "Jones"]]),
        ("nothing", []),
    ],
)
def test_groups(marked, expected):
    assert groups(marked) == expected


def test_group_counts_and_places():
    group = group_names(found("[Mary Jones|PER] left. [Jones|PER] slept."))[0].to_dict()
    assert group == {
        "name": "Mary Jones",
        "label": "PER",
        "count": 2,
        "first": 0,
        "mentions": [[0, 10], [17, 22]],
        "aliases": ["Jones"],
    }


@given(
    st.lists(
        st.tuples(st.text("aB .'-\u0301\u2019", min_size=1, max_size=8), st.sampled_from(["PER", "ORG"]))
    )
)
def test_every_mention_is_in_one_group(names):
    text, entities = "", []
    for name, label in names:
        entities.append(Entity(len(text), len(text) + len(name), label, 0.5, name))
        text += name + " "
    recognition = Recognition(text, tuple(entities))
    mentions = sorted(mention for group in group_names(recognition) for mention in group.mentions)
    assert mentions == [(entity.start, entity.end) for entity in entities]
    assert list(with_groups(recognition))[:3] == ["text", "entities", "groups"]
