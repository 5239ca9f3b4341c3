"""What was found is gone, all of it and everywhere; the same name has the same placeholder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.entity import Entity, Recognition
from ner_documents.names import fold
from ner_documents.redaction import Placeholders, Redactor, Rules, redact
from ner_documents.redaction.lists import NameList, read_lines
from ner_documents.redaction.patterns import find_patterns
from tests.ner_documents.marking import found


def numbered(marked, **rules):
    return Redactor(rules=Rules(**rules)).redact(found(marked)).text


def test_one_person_has_one_number():
    """P6"""
    marked = "[Katarzyna Nowak|PER] of [Acme|ORG]. Ms. [Nowak|PER] signs for Acme. [NOWAK|ORG]"
    assert numbered(marked) == "PER_1 of ORG_1. Ms. PER_1 signs for ORG_1. PER_1"


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        # T12
        ("PER_1 wrote to [Mary|PER].", "PER_1 wrote to PER_2."),
        ("[PER|PER]_1 wrote to [Mary|PER].", "PER_1 wrote to PER_2."),
        ("PER_01 and SUPER_2 and [Mary|PER]", "PER_01 and SUPER_2 and PER_3"),
        ("[Mary|PER]2 and [Ann|PER]", "PER_1 and PER_2"),
        # Other occurrences
        (
            "[Mary Jones|PER] left; jones stayed, MARY\tJONES and mary jones's did.",
            "PER_1 left; jones stayed, PER_1 and PER_1's did.",
        ),
        ("Jones. [Mary Jones|PER].", "PER_1. PER_1."),
        ("[Will May|PER]. May I, will you, says May. MAY!", "PER_1. May I, will you, says PER_1. PER_1!"),
        ("[Zoe\u0308 Li|PER], Zo\u00eb Li", "PER_1, PER_1"),
        ("[Mary Jones|PER] sent ma\u00adry jones", "PER_1 sent PER_1"),
        ("[Apple|ORG] sells apples and an apple. Apple!", "ORG_1 sells apples and an apple. ORG_1!"),
        ("[Jos\udce9|PER] is Jos\udce9 \u20ac", "PER_1 is PER_1 \u20ac"),
        ("[Ann|PER] met Anna and ANN", "PER_1 met Anna and PER_1"),
        (
            "\u6771\u4eac [\u7530\u4e2d\u592a\u90ce|PER]\u3002\u7530\u4e2d\u592a\u90ce\u306f",
            "\u6771\u4eac PER_1\u3002PER_1\u306f",
        ),
        # Overlaps leave nothing
        ("[Mary|PER] <mary@acme.example>", "PER_1 <EMAIL_1>"),
        ("mail [mary|PER]@acme.example", "mail EMAIL_1"),
        ("[Mary Jones|PER] [Ann|PER]", "PER_1 PER_2"),
        ("[Mary|B-PER] [Jones|I-PER] [Ann|B-PER]", "PER_1 PER_2"),
    ],
)
def test_redaction(marked, expected):
    assert numbered(marked) == expected


def test_numbers_go_on_over_documents():
    redactor = Redactor()
    texts = [
        "[Mary Jones|PER] and [Bob|PER]",
        "[Jones|PER] and [Eve|PER]",
        "[Peter Jones|PER], Ms. [Jones|PER]",
    ]
    assert [redactor.redact(found(text)).text for text in texts] == [
        "PER_1 and PER_2",
        "PER_1 and PER_3",
        "PER_4, Ms. PER_4",
    ]


def test_two_people_with_one_surname():
    redactor = Redactor()
    redactor.redact(found("[Mary Jones|PER], [Peter Jones|PER]"))
    assert redactor.redact(found("[Jones|PER]")).text == "PER_3"
    assert redactor.redact(found("[Mary Jones|PER] and [Jones|PER]")).text == "PER_1 and PER_1"


def test_a_placeholder_of_another_text_is_no_name():
    redactor = Redactor()
    redactor.redact(found("[Mary|PER]"))
    assert (
        redactor.redact(found("PER_1 met [Mary|PER], PER_2 met [Ann|PER]")).text
        == "TEXT_1 met PER_1, PER_2 met PER_3"
    )


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("label", "[PER] met [PER]."), ("mask", "████ met ███."), ("number", "PER_1 met PER_2.")],
)
def test_operators(operator, expected):
    assert redact(found("[Mary|PER] met [Ann|PER]."), operator) == expected


def test_hashes_depend_on_the_key_and_the_name_alone():
    def hashed(marked, secret):
        return redact(found(marked), placeholders=Placeholders("hash", secret=secret))

    one = hashed("[Mary Jones|PER] and MARY JONES", b"k")
    assert re.fullmatch(r"(PER_[0-9a-f]{12}) and \1", one)
    assert hashed("Well, [Mary Jones|PER]", b"k") == f"Well, {one.split()[0]}"
    assert hashed("Well, [Mary Jones|PER]", b"l") != f"Well, {one.split()[0]}"
    with pytest.raises(ValueError, match="needs a secret"):
        Placeholders("hash")
    with pytest.raises(ValueError, match="expected one of label, number, mask, hash"):
        redact(found(""), "rot13")


def test_lists():
    listed = NameList(["Project Aurora", "ann"])
    assert numbered("PROJECT  Aurora: [Bob|PER], Ann, Anna", listed=listed) == "NAME_1: PER_1, NAME_2, Anna"
    assert numbered("[Ann|PER] and ANN", listed=listed) == "PER_1 and PER_1"
    allowed = {fold("Acme"), fold("info@acme.example")}
    marked = "[Acme|ORG], ACME's, [Acme Bank|ORG], info@acme.example"
    assert numbered(marked, allowed=allowed) == "Acme, ACME's, ORG_1, info@acme.example"
    assert numbered("[Ann|PER]", listed=listed, allowed={"ann"}) == "NAME_1"


def test_list_files(tmp_path):
    file = tmp_path / "names.txt"
    file.write_bytes(b"\xef\xbb\xbfAnn\r\n\r\n Bob \n")
    assert read_lines(file) == ["Ann", "Bob"]
    file.write_bytes(b"Ann\n\xff")
    with pytest.raises(ValueError, match=r"names.txt:2: expected UTF-8, found byte 0xff"):
        read_lines(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mary.jones+x@acme.example, <bob@x.co.uk>.",
            ["EMAIL mary.jones+x@acme.example", "EMAIL bob@x.co.uk"],
        ),
        (
            "see (https://en.wikipedia.org/wiki/A_(b)) or www.acme.com.",
            ["URL https://en.wikipedia.org/wiki/A_(b)", "URL www.acme.com"],
        ),
        (
            "192.168.0.1 and 2001:db8::1, not 1.2.3.4.5, LibreOffice/7.4.7.2, 300.1.1.1, 12:30:45 or a::b",
            ["IP 192.168.0.1", "IP 2001:db8::1"],
        ),
        (
            "GB82WEST12345698765432 AND DE89 3704 0044 0532 0130 00.",
            ["IBAN GB82WEST12345698765432", "IBAN DE89370400440532013000"],
        ),
        ("GB83WEST12345698765432", []),
        ("4111 1111 1111 1111, 5500-0000-0000-0004", ["CARD 4111111111111111", "CARD 5500000000000004"]),
        ("4111 1111 1111 1112, 0000 0000 0000 0000", []),
        (
            "SSN 536-90-4399; PESEL 44051401359; DNI 54362315K",
            ["ID us:536904399", "ID pl:44051401359", "ID es:54362315K"],
        ),
        ("44051401359 and PESEL 44051401358", []),
        (
            "(212) 555-0123, +48 601\n234 567, 020 7946 0018",
            ["PHONE +12125550123", "PHONE +48601234567", "PHONE +442079460018"],
        ),
        ("2125550123, 2019-2020, 2024-11-28, 1,234,567.89, ISBN 978-3-16-148410-0", []),
    ],
)
def test_patterns(text, expected):
    assert [f"{one.label} {one.key}" for one in find_patterns(text)] == expected


def test_phone_numbers_of_other_countries():
    assert [one.key for one in find_patterns("030 1234567", ["DE"])] == ["+49301234567"]


@st.composite
def documents(draw):
    words = st.sampled_from(
        ["Mary Jones", "JONES", "Ann", "PER_1", "x", "a@b.example", "é", "Zoe\u0308", "\n", "ﬁ", "TEXT_2"]
    )
    text, entities = "", []
    for word, label, space in draw(
        st.lists(
            st.tuples(words, st.sampled_from(["PER", "ORG", "", ""]), st.sampled_from([" ", "", "-"])),
            max_size=8,
        )
    ):
        if label:
            entities.append(Entity(len(text), len(text) + len(word), label, 0.5, word))
        text += word + space
    return Recognition(text, tuple(entities))


@given(st.lists(documents(), max_size=3), st.sampled_from(["label", "number", "mask", "hash"]))
def test_nothing_found_is_left_and_all_else_stays(recognitions, operator):
    redactor = Redactor(Placeholders(operator, secret=b"k"))
    for recognition, redacted in zip(recognitions, redactor.redact_document(recognitions), strict=True):
        covered = [(one.finding.start, one.finding.end) for one in redacted.replacements]
        assert covered == sorted(covered)
        for entity in recognition.entities:
            around = recognition.text[max(0, entity.start - 1) : entity.end + 3]
            literal = re.search(rf"{entity.label}_\d+", around)
            assert literal or any(start <= entity.start and entity.end <= end for start, end in covered)
        back, position, text = "", 0, redacted.text
        for one in redacted.replacements:
            between = recognition.text[position : one.finding.start]
            assert text.startswith(between + one.placeholder)
            text = text[len(between + one.placeholder) :]
            back += between + recognition.text[one.finding.start : one.finding.end]
            position = one.finding.end
        assert back + text == recognition.text


@given(st.text("P1E_R2 ", max_size=12), st.integers(1, 3))
def test_placeholders_are_new(text, names):
    marked = "".join(f" [Name{number}|PER]." for number in range(names))
    for one in Redactor().redact(found(f"{text}{marked}")).replacements:
        assert not re.search(rf"{one.placeholder}(?!\d)", text)


@pytest.mark.parametrize("cut", ["-\n", "-\r\n", "\u2010 \n  ", "\u00ad\n"])
def test_names_that_a_line_end_cuts_in_two_go_with_the_whole_ones(cut):
    redactor = Redactor(Placeholders("number"), Rules(listed=NameList(["Example"])))
    text = redactor.redact(
        found(f"[Katarzyna Nowak|PER] signed. Ms. No{cut}wak left Exam{cut}ple. Self-\nmade.")
    ).text
    assert text == "PER_1 signed. Ms. PER_1 left NAME_1. Self-\nmade."
    text = Redactor(Placeholders("number")).redact(found(f"[Anna No{cut}wak|PER] came. Nowak left.")).text
    assert text == "PER_1 came. PER_1 left."


def test_companies_go_without_their_legal_form_too():
    text = "[Siemens AG|ORG] and [Blue Widgets Ltd.|ORG] met. "
    text += "SIEMENS paid; Siemens-Werke and Blue Widgets left a blue ag."
    assert redact(found(text)) == "[ORG] and [ORG] met. [ORG] paid; [ORG]-Werke and [ORG] left a blue ag."
