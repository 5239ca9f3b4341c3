"""Texts are converted to the form that a model knows; offsets and what is returned are those of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.conversions import conversions, romanized, simplified, uncapitalized
from ner_core.tokenizer import Tokenizer

ALL = conversions("simplified romanized uncapitalized")
LETTERS = st.text(st.sampled_from("aZé ßİǅΣŉ馬馬九のЉљЊњЏџЈјшЩыя\n\t.АВ"), max_size=40)


@given(LETTERS | st.text(max_size=40))
def test_no_conversion_changes_the_length_or_line_ends(text):
    for convert in ALL:
        converted = convert(text)
        assert len(converted) == len(text)
        assert [at for at, sign in enumerate(text) if sign == "\n"] == [
            at for at, sign in enumerate(converted) if sign == "\n"
        ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Срби живе у Београду, ЊУЈОРКУ и Њујорку: ђак, ћуп, џеп",
            "Srbi žive u Beogradu, ǊUJORKU i ǋujorku: đak, ćup, ǆep",
        ),
        ("Љубљана\nЭто Москва\nНови Сад, Јагодина", "ǈubǉana\nЭто Москва\nNovi Sad, Jagodina"),
        ("Иван живёт в Москве", "Иван живёт в Москве"),
        ("Ѓорче и Ќире Ѕвонко сѐ уште се во Скопје", "Đorče i Ćire Zvonko sè ušte se vo Skopje"),
        ("Київ, Їжаковий, Жылдыз", "Київ, Їжаковий, Жылдыз"),
    ],
)
def test_only_serbian_and_macedonian_are_romanized(text, expected):
    assert romanized(text) == expected


def test_only_chinese_is_simplified():
    assert simplified("總統蔡英文在臺北") == "总统蔡英文在台北"
    assert simplified("乾隆") == "乾隆"
    assert simplified("東京の總統") == "東京の總統"
    assert simplified("Taipei") == "Taipei"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DER KANZLER REIST NACH PARIS.", "der kanzler reist nach paris."),
        ("NAME\tJEAN-LUC O'BRIEN\tNATO", "NAME\tJean-Luc O'Brien\tNATO"),
        ("Die NATO in BRÜSSEL", "Die NATO in BRÜSSEL"),
        ("他在MICROSOFT工作", "他在MICROSOFT工作"),
        ("USA, EU, NATO UND BND", "USA, EU, NATO UND BND"),
        ("HABER: İSTANBUL BUGÜN SOĞUK", "HABER: İSTANBUL BUGÜN SOĞUK"),  # its lower case is longer
    ],
)
def test_lines_in_capitals_are_read_in_lower_case_and_names_in_title_case(text, expected):
    assert uncapitalized(text) == expected


def test_the_tokenizer_converts_what_it_encodes_and_not_the_text(tmp_path):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "马", "英", "九", "馬", "maria", "rome"]
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    plain = Tokenizer.from_file(path)
    converting = Tokenizer.from_file(path, conversions="simplified uncapitalized unknown")
    for encode in (converting.encode_texts, converting.encode_all):
        found = encode(["馬英九"])[0]
        assert found.text == "馬英九"
        assert found.ids.tolist() == plain.encode_texts(["马英九"])[0].ids.tolist()
        assert found.offsets.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert plain.encode_texts(["馬"])[0].ids.tolist() == [7]
