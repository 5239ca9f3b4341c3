import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.edges import is_inverted_name, name_span


@pytest.mark.parametrize(
    ("text", "tagged", "name"),
    [
        ("Ostrava Systems s.r.o. and others", "Ostrava Systems", "Ostrava Systems s.r.o."),
        ("Adler GmbH & Co. KG, Ulm", "Adler GmbH", "Adler GmbH & Co. KG"),
        ("Duna Kft. pays", "Duna Kft", "Duna Kft."),
        ("Acme, Inc. pays", "Acme", "Acme, Inc."),
        ("Brown Partners L.P. and", "Brown Partners", "Brown Partners L.P."),
        ("Praha Stroje, a.s., pays", "Praha Stroje", "Praha Stroje, a.s."),
        ("Perak Sdn Bhd pays", "Perak", "Perak Sdn Bhd"),
        ("Kowalski Sp. z o.o. sp. k. pays", "Kowalski", "Kowalski Sp. z o.o. sp. k."),
        ("Sol, S.A. de C.V. pays", "Sol", "Sol, S.A. de C.V."),
        ("University of Calgary, AB", "University of Calgary", "University of Calgary"),
        ("ACME AS GOOD AS GOLD", "ACME", "ACME"),
        ("Acme Incidents", "Acme", "Acme"),
        ("Acme as seen", "Acme", "Acme"),
        ("Acme; Inc. magazine", "Acme", "Acme"),
    ],
)
def test_the_legal_form_of_a_company_is_part_of_its_name(text, tagged, name):
    start, end = name_span(text, 0, len(tagged), "ORG")
    assert text[start:end] == name
    assert name_span(text, 0, len(tagged), "LOC")[1] <= len(tagged)


@pytest.mark.parametrize(
    ("tagged", "name"),
    [
        ('"Mary Jones",', "Mary Jones"),
        ("«Анна»", "Анна"),
        (". Jones", "Jones"),
        ("Anna?", "Anna"),
        ("Anna!", "Anna"),
        ("#Anna", "Anna"),
        ("• Anna", "Anna"),
        ("Mary's", "Mary"),
        ("Mary’s", "Mary"),
        ("James'", "James"),
        ("Mary`s", "Mary"),
        ("Mary'll", "Mary"),
        ("Bob’d", "Bob"),
        ("Ｍａｒｙ’ｓ", "Ｍａｒｙ"),
        ("Dr.", "Dr."),
        ("Martin Luther King Jr.", "Martin Luther King Jr."),
        ("George W.", "George W."),
        ("Mary.", "Mary"),
        ("Zoe\u0308", "Zoe\u0308"),
        ("U.S.-born", "U.S.-born"[:4]),
        ("...", ""),
        ("@", ""),
        ("'s", "s"),
    ],
)
def test_edges_of_people(tagged, name):
    start, end = name_span(tagged, 0, len(tagged), "PERSON")
    assert tagged[start:end] == name


@pytest.mark.parametrize(
    ("text", "tagged", "label", "name"),
    [
        ("at McDonald’s today", "McDonald’s", "ORG", "McDonald’s"),
        ("at Yahoo! and", "Yahoo!", "ORG", "Yahoo!"),
        ("at Acme! She", "Acme!", "ORG", "Acme"),
        ("I work for Yahoo!", "Yahoo", "ORG", "Yahoo!"),
        ("I live in Oklahoma!", "Oklahoma", "LOC", "Oklahoma"),
        ("Acme Inc. said", "Acme Inc.", "ORG", "Acme Inc."),
        ("the U.S.", "U.S.", "LOC", "U.S."),
        ("in Paris.", "Paris.", "LOC", "Paris"),
        ("Congo (Kinshasa) is", "Congo (Kinshasa)", "LOC", "Congo (Kinshasa)"),
        ("Paris) is", "Paris)", "LOC", "Paris"),
        ("Disney+ and", "Disney+", "ORG", "Disney+"),
        ("Washington-based", "Washington-based", "LOC", "Washington"),
        ("U.S.-led", "U.S.-led", "MISC", "U.S.-led"),
        ("Coca-Cola", "Coca-Cola", "ORG", "Coca-Cola"),
        ("Stratford-upon-Avon", "Stratford-upon-Avon", "LOC", "Stratford-upon-Avon"),
        ("Mary Jones2,3 of", "Mary Jones2,3", "PER", "Mary Jones"),
        ("to Bob99 now", "Bob99", "PER", "Bob99"),
        ("on Channel 4", "Channel 4", "PER", "Channel 4"),
        ("to @_anna_ now", "_anna_", "PER", "_anna_"),
        ("to _Anna_ now", "_Anna_", "PER", "Anna"),
        ("to mary@acme.example", "acme.example", "ORG", ""),
        ("to mary@acme.example", "mary@acme.example", "EMAIL", "mary@acme.example"),
        ("to mary@acme.example", "mary", "PER", "mary"),
    ],
)
def test_edges_in_a_text(text, tagged, label, name):
    start = text.index(tagged)
    start, end = name_span(text, start, start + len(tagged), label)
    assert text[start:end] == name


@given(
    st.text(st.sampled_from("aB1é.'’s-!()@_+# \n\u0301"), max_size=15),
    st.sampled_from(["PER", "MISC", "LOC"]),
)
def test_a_name_is_a_slice_with_a_letter_or_digit_or_nothing(text, label):
    start, end = name_span(text, 0, len(text), label)
    assert 0 <= start <= end <= len(text)
    assert start == end or any(map(str.isalnum, text[start:end]))
    assert name_span(text, start, end, label) == (start, end) or start == end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jones, Mary; Smith, Peter", True),
        ("Names: Jones, Mary; Smith", True),
        ("Jones, Mary", False),
        ("I met Jones, Mary; they", False),
        ("Jones and Mary; Smith", False),
        ("Jones, Mary\nSmith, Peter", True),
        ("Brown, Tom\n- Jones, Mary", True),
        ("1. Jones, Mary\r\n2. Smith, Peter", True),
        ("Jones, Mary | Smith, Peter", True),
        ("Jones, Mary • Smith, Peter", True),
        ("Jones, Mary\tRome\nSmith, Peter\tParis", True),
        ("Jones, Mary (Boeing)\nSmith, Peter (Airbus)", True),
        ("- Jones, Mary - Boeing\n- Smith, Peter - Airbus", True),
        ("1. Jones, Mary .... 12\n2. Smith, Peter ... 14", True),
        ("To: Smith, Peter <p@acme.example>, Jones, Mary <m@acme.example>", True),
        ('From: "Jones, Mary" <m@acme.example>', True),
        ("Jones, Mary\tRome", True),
        ("Rome | Jones, Mary", True),
        ("Patient: Jones, Mary    City: Rome", True),
        ("Rome    Jones, Mary    Boeing", True),
        ("Present: Jones, Mary; absent: Smith, Peter", False),
        ("Present: Smith, Peter; not present: Jones, Mary", False),
        ("Hello Jones, Mary\nSmith, Peter", False),
        ("Patient: Jones, Mary", True),
        ("Full name = Jones, Mary\nCity = Rome", True),
        ("Nombre: Jones, Mary\n\nCiudad: Roma", True),
        ("Names: Jones, Mary", False),
        ("Present: Jones, Mary", False),
        ("Name: Jones, Mary and Bob", False),
        ("@book{a, author = {Smith, Bob and Jones, Mary}, year = 2001}", True),
        ('author = "Jones, Mary and others"', True),
        ("author = {Smith, Bob}, note = {with Jones, Mary}", False),
        ("Jones, Mary\n\nThank you, Peter", False),
    ],
)
def test_inverted_names(text, expected):
    one, two = text.index("Jones"), text.index("Mary")
    assert is_inverted_name(text, (one, one + 5), (two, two + 4)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "Mary Jones, Bob Smith; Anna Brown, Tom White",
        "Present: Mary Jones, Bob Smith; Apologies: Tom White",
        "To: Mary Jones, Bob Smith <bob@acme.example>",
    ],
)
def test_two_full_names_are_two_persons(text):
    one, two = text.index("Mary Jones"), text.index("Bob Smith")
    assert not is_inverted_name(text, (one, one + 10), (two, two + 9))
