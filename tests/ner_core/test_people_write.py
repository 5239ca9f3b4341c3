"""Texts as people write them, through the model that comes with the program."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import model_zoo

PEOPLE = ("Mary", "Bob", "Anna")
COMPANIES = ("Bosch", "Siemens", "Ikea")


@pytest.fixture(scope="module")
def ner():
    return model_zoo.load("minilm-ner", device="CPU")


@pytest.fixture(scope="module")
def multilingual():
    """Its pieces know words by the space before them."""
    return model_zoo.load("multilingual-ner", device="CPU")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Acme Corp\n\nBank of America\n\nWells Fargo",
            ["Acme Corp ORG", "Bank of America ORG", "Wells Fargo ORG"],
        ),
        ("Company\tContact\nAcme\tMary Jones", ["Acme ORG", "Mary Jones PER"]),
        (
            "- Porto\n- London\n- Nagoya\n- Stuttgart",
            ["Porto LOC", "London LOC", "Nagoya LOC", "Stuttgart LOC"],
        ),
        (
            "Name,City\nMary Jones,Porto\nBob Smith,London\nAnna Brown,Nagoya",
            ["Mary Jones PER", "Porto LOC", "Bob Smith PER", "London LOC", "Anna Brown PER", "Nagoya LOC"],
        ),
        ("1. Porto\n2. London\n3. Nagoya", ["Porto LOC", "London LOC", "Nagoya LOC"]),
        ("@anna met @bob_smith in Paris", ["anna PER", "bob_smith PER", "Paris LOC"]),
        ("Prof. Dr. Smith", ["Smith PER"]),
        ("Smith v. Jones", ["Smith PER", "Jones PER"]),
        ("SMITH: Where is Anna?", ["SMITH PER", "Anna PER"]),
        ("He lives in Paris.Mary left", ["Paris LOC", "Mary PER"]),
        ("Washington-based Boeing", ["Washington LOC", "Boeing ORG"]),
        ("Write to mary@acme.example today", ["mary PER"]),
        (
            "Griﬃn of Paciﬁc Gas met Jeﬀ Shaﬀer in Shefﬁeld",
            ["Griﬃn PER", "Paciﬁc Gas ORG", "Jeﬀ Shaﬀer PER", "Shefﬁeld LOC"],
        ),
        ("Ｍａｒｙ Ｊｏｎｅｓ lives in Ｐａｒｉｓ.", ["Ｍａｒｙ Ｊｏｎｅｓ PER", "Ｐａｒｉｓ LOC"]),
        (
            "Mary Jo\u00ad\nnes of the Bank of Ameri¬\r\nca",
            ["Mary Jo\u00ad\nnes PER", "Bank of Ameri¬\r\nca ORG"],
        ),
        (
            "Katharina Schnei-\nder met Bob Smith-\nJones of the Bank of Ameri-\r\n> ca in Frank-\nfurt.",
            [
                "Katharina Schnei-\nder PER",
                "Bob Smith-\nJones PER",
                "Bank of Ameri-\r\n> ca ORG",
                "Frank-\nfurt LOC",
            ],
        ),
        ("Washington-\nbased Boeing", ["Washington LOC", "Boeing ORG"]),
        ("①Mary Jones ②Bob Smith met in Paris③.", ["Mary Jones PER", "Bob Smith PER", "Paris LOC"]),
        ("\x1b[1mMary Jones\x1b[0m works at \x1b[1;32mAcme\x1b[0m", ["Mary Jones PER", "Acme ORG"]),
        ("O'NEILL, Mary\n\nSMITH, John Q.", ["O'NEILL, Mary PER", "SMITH, John Q. PER"]),
        ("Ⓜⓐⓡⓨ Ⓙⓞⓝⓔⓢ lives in 𝐏𝐚𝐫𝐢𝐬.", ["Ⓜⓐⓡⓨ Ⓙⓞⓝⓔⓢ PER", "𝐏𝐚𝐫𝐢𝐬 LOC"]),
        ("McDonald’s", ["McDonald’s ORG"]),
        ("Mary’s, Peter's and James'", ["Mary PER", "Peter PER", "James PER"]),
        ("Jones, Mary; Smith, Peter", ["Jones, Mary PER", "Smith, Peter PER"]),
        ("Anna: Hi Bob\nBob: Hi Anna", ["Anna PER", "Bob PER", "Bob PER", "Anna PER"]),
        ("Mary😀 met Anna❤️Bob in 🇫🇷Paris", ["Mary PER", "Anna PER", "Bob PER", "Paris LOC"]),
        (
            "<p><a href='/x'>Mary Jones</a>'s <b>Deutsche Bank</b></p><p>Paris</p>",
            ["Mary Jones PER", "Deutsche Bank ORG", "Paris LOC"],
        ),
        ("**City:** Porto, **Company:** Bosch", ["Porto LOC", "Bosch ORG"]),
        ("_Mary Jones_ and __Bob__ left", ["Mary Jones PER", "Bob PER"]),
        ("Mary´s house in New\u200bYork", ["Mary PER", "New\u200bYork LOC"]),
        (
            "Mary, Bosch\nAnna, Siemens\nBob, Ikea",
            ["Mary PER", "Bosch ORG", "Anna PER", "Siemens ORG", "Bob PER", "Ikea ORG"],
        ),
        ("Jones, Mary\nSmith, Peter\nBrown, Bob", ["Jones, Mary PER", "Smith, Peter PER", "Brown, Bob PER"]),
        ("City: Porto, Country: Portugal", ["Porto LOC", "Portugal LOC"]),
        ("user=Mary Jones city=Porto", ["Mary Jones PER", "Porto LOC"]),
        ("Name:Mary,City:Porto", ["Mary PER", "Porto LOC"]),
        ("Kate&amp;Tom met at AT&amp;T", ["Kate PER", "Tom PER", "AT&amp;T ORG"]),
        ('{"name": "Mary Jones", "city": "Porto"}', ["Mary Jones PER", "Porto LOC"]),
        (r'[{"name":"Jos\u00e9","city":"Porto"}]', [r"Jos\u00e9 PER", "Porto LOC"]),
        ("{name: \"Mary Jones\", city: 'Porto', age: 5}", ["Mary Jones PER", "Porto LOC"]),
        ("Name = Mary Jones\nCITY=Porto\n", ["Mary Jones PER", "Porto LOC"]),
        ('<person name="Mary Jones" city="Porto"/>', ["Mary Jones PER", "Porto LOC"]),
        (
            "[12:03] <mary> Is Bob in Lisbon?\n[12:04] <bob> Yes, with Anna.",
            ["mary PER", "Bob PER", "Lisbon LOC", "bob PER", "Anna PER"],
        ),
        (
            "FranÃ§ois Hollande met Fran=C3=A7ois of the Bank of Ameri=\nca in S%C3%A3o%20Paulo",
            ["FranÃ§ois Hollande PER", "Fran=C3=A7ois PER", "Bank of Ameri=\nca ORG", "S%C3%A3o%20Paulo LOC"],
        ),
        (
            "&Eacute;mile Zola met Ren&eacute; in Paris",
            ["&Eacute;mile Zola PER", "Ren&eacute; PER", "Paris LOC"],
        ),
        (
            "Mary&nbsp;Jones&rsquo;s flat in M&uuml;nchen,\\nAT&amp;T&#39;s &quot;Bob Smith&quot;",
            ["Mary&nbsp;Jones PER", "M&uuml;nchen LOC", "AT&amp;T ORG", "Bob Smith PER"],
        ),
        ("Bank of America\x85\x85Wells Fargo", ["Bank of America ORG", "Wells Fargo ORG"]),
        (
            "Bank of America / Wells Fargo / Deutsche Bank",
            ["Bank of America ORG", "Wells Fargo ORG", "Deutsche Bank ORG"],
        ),
        ("1.Mary Jones\n2.Bob Smith", ["Mary Jones PER", "Bob Smith PER"]),
        ("I. Mary Jones\nII. Bob Smith", ["Mary Jones PER", "Bob Smith PER"]),
        (
            "Present: Mary, Bob; absent: Anna, Peter",
            ["Mary PER", "Bob PER", "Anna PER", "Peter PER"],
        ),
        ("d'Artagnan met Jeanne d'Arc", ["d'Artagnan PER", "Jeanne d'Arc PER"]),
        ("- Jones, Mary\n- Smith, Peter", ["Jones, Mary PER", "Smith, Peter PER"]),
        ("Mary+Bob and Kate&Tom met at AT&T", ["Mary PER", "Bob PER", "Kate PER", "Tom PER", "AT&T ORG"]),
        ("He lives in PARIS.Mary left", ["PARIS LOC", "Mary PER"]),
        (
            "He said \"Mary\" met 'Bob' and (Anna) in [Paris]",
            ["Mary PER", "Bob PER", "Anna PER", "Paris LOC"],
        ),
        ("Smith, J., Jones, M. & Brown (2010)", ["Smith, J. PER", "Jones, M. PER", "Brown PER"]),
        (
            "Okoro, C., Smith, J. & Brown, P. (2011). Trade in Lagos.\nAdeyemi, F., 2013. Cities.",
            ["Okoro, C. PER", "Smith, J. PER", "Brown, P. PER", "Lagos LOC", "Adeyemi, F. PER"],
        ),
        ("Smith, J., Jones, M. &amp; Brown, P. (2010)", ["Smith, J. PER", "Jones, M. PER", "Brown, P. PER"]),
        ("Okoro C, Smith J, et al. Malaria in Ghana. BMJ 2011.", ["Okoro C PER", "Smith J PER", "Ghana LOC"]),
        (
            "[3] van der Berg, J. and Nkosi, T. et al. (1999) Ports.",
            ["van der Berg, J. PER", "Nkosi, T. PER"],
        ),
        (
            "It was held in Washington, D.C. (2011). Brooklyn, N.Y., 2011 was cold.",
            ["Washington LOC", "D.C. LOC", "Brooklyn LOC", "N.Y. LOC"],
        ),
        ("Townsend, George\tAcme Corp", ["Townsend, George PER", "Acme Corp ORG"]),
        (
            "Mary Jones, Bob Smith; Anna Brown, Tom White",
            ["Mary Jones PER", "Bob Smith PER", "Anna Brown PER", "Tom White PER"],
        ),
        (
            "(Jones & Brown, 2011; Miller & Davis, 2012)",
            ["Jones PER", "Brown PER", "Miller PER", "Davis PER"],
        ),
        (
            "See http://t.co/Paris, www.acme.example/Mary-Jones or [New York](https://berlin.example/Bob).",
            ["New York LOC"],
        ),
        ("Microsoft™ was founded by Bill Gates", ["Microsoft ORG", "Bill Gates PER"]),
        (
            "Bill to: Acme Corp\nBill date: 3 May\nBILL NO. 7\nThe bill of lading\nBill: see you in Rome",
            ["Acme Corp ORG", "Bill PER", "Rome LOC"],
        ),
        ("Bill to\nAcme Corp", ["Acme Corp ORG"]),
        ("Covid is back in Rome", ["Rome LOC"]),
        ("Patient: Jones, Mary\nCity: Rome", ["Jones, Mary PER", "Rome LOC"]),
        (
            "He works at Yahoo! and Acme Inc. in St. Louis, U.S.",
            ["Yahoo! ORG", "Acme Inc. ORG", "St. Louis LOC", "U.S. LOC"],
        ),
    ],
)
def test_names(ner, text, expected):
    assert [f"{entity.text} {entity.label}" for entity in ner(text).entities] == expected


def test_companies_are_known_beside_others(ner):
    rows = "".join(f"{person}\t{company}\n" for person, company in zip(PEOPLE, COMPANIES, strict=True))
    found = ner(rows).entities
    assert [(one.text, one.label) for one in found if one.text in COMPANIES] == [
        (c, "ORG") for c in COMPANIES
    ]
    # Columns longer than a window, and windows shorter than a cell.
    assert len([one for one in ner(rows * 30).entities if one.label == "ORG"]) >= 80
    for window in (4, 9):
        short = model_zoo.load("minilm-ner", device="CPU", window=window)
        assert all(rows[one.start : one.end] == one.text for one in short(rows).entities)


def test_lines_that_alternate_are_read_as_the_columns_of_a_table(ner):
    found = ner("Mary Jones\nPorto\nBob Smith\nOslo\nAnna Brown\nNagoya\nTom White\nLisbon").entities
    assert [one.label for one in found] == ["PER", "LOC"] * 4


@pytest.mark.parametrize("separator", ["|", ",", ";"])
def test_cells_without_spaces_are_read_as_those_between_tabs(multilingual, separator):
    text = "Mary Jones\tAcme\tPorto\nBob Smith\tSiemens\tLyon\nAnna Kern\tBosch\tGraz"
    found = multilingual(text.replace("\t", separator)).entities
    assert list(map(place, found)) == list(map(place, multilingual(text).entities))
    assert "Siemens" in [one.text for one in found]


def test_what_a_reader_does_not_see_is_hidden_from_all_tokenizers(multilingual):
    text = "<p>Gestern hat <b>Anna Schmidt</b> in M&uuml;n\u00adchen mit Herrn **Weber** gesprochen.</p>"
    names = ["Anna Schmidt", "M&uuml;n\u00adchen", "Weber"]
    assert [entity.text for entity in multilingual(text).entities] == names


def test_names_behind_an_elided_article(multilingual):
    for text, names in {
        "Il presidente dell'Italia vive a Milano.": ["Italia", "Milano"],
        "Elle vient d’Espagne avec Jeanne d'Arc.": ["Espagne", "Jeanne d'Arc"],
        "L'Espagne bat la France.": ["Espagne", "France"],
        "L’Italia e l’ENI firmano.": ["Italia", "ENI"],
        "D'Alema vive a Roma.": ["D'Alema", "Roma"],
    }.items():
        assert [entity.text for entity in multilingual(text).entities] == names


def test_what_edges_cut_off_says_nothing_against_a_name(ner):
    for text in ("Tom's, Dick's and Harry's", "cc: Mary; Bob; Anna"):
        assert min(entity.score for entity in ner(text).entities) > 0.1


PARTS = st.sampled_from(
    ["Mary Jones", "Bank of America", "Paris", "U.S.", "the", "of", "@", "'s", "“", "(", ";", ".", ",", "-",
     " ", "\n", "\n\n", "\t", "|", "\u00ad", "ﬁ", "😀", "\u200b", "™", "_", "\u200d", "\ud800", "\0", "東京"]
)  # fmt: skip


@given(st.lists(st.lists(PARTS, max_size=14).map("".join), min_size=1, max_size=3))
def test_properties_of_names(ner, texts):
    for text, found in zip(texts, ner.batch(texts), strict=True):
        for entity in found.entities:
            assert text[entity.start : entity.end] == entity.text
            assert any(map(str.isalnum, entity.text))
            assert not re.search(r"\t|\n[^\S\n]*\n", entity.text)
        alone = ner(text).entities
        assert list(map(place, alone)) == list(map(place, found.entities))


def place(entity):
    return entity.start, entity.end, entity.label


@pytest.mark.parametrize("aggregation", ["word", "whitespace"])
def test_what_is_hardly_a_name_is_no_answer_unless_asked_for(ner, aggregation):
    text = "Grand Opening Sunday\n\nMary Jones"
    everything = ner(text, aggregation=aggregation, threshold=0.0).entities
    likely = tuple(entity for entity in everything if entity.score >= ner.default_threshold)
    assert ner(text, aggregation=aggregation).entities == likely
    assert 0 < len(likely) < len(everything)


def test_the_models_own_threshold_is_about_probabilities_of_spans(ner):
    text = "Grand Opening Sunday\n\nMary Jones"
    for options in ({"aggregation": "first"}, {"raw_scores": True}):
        assert ner(text, **options).entities == ner(text, threshold=0.0, **options).entities


def test_a_threshold_that_was_given_takes_the_place_of_the_models_own():
    given = model_zoo.load("minilm-ner", device="CPU", threshold=0.9)
    assert (given.default_threshold, given.threshold) == (0.9, 0.9)


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("總統蔡英文在臺北會見了鴻海董事長郭台銘。", "总统蔡英文在台北会见了鸿海董事长郭台铭。"),
        ("Бора Станковић је рођен у Врању, Србија.", "Bora Stanković je rođen u Vranju, Srbija."),
        ("EL PRESIDENTE PEDRO SÁNCHEZ VIAJA A PARÍS.", "el presidente pedro sánchez viaja a parís."),
        ("Juana\tPLAZA DE ESPAÑA\nSINE DIE", "Juana\tPlaza De España\nSINE DIE"),
    ],
)
def test_a_text_is_read_in_the_form_that_the_model_knows(multilingual, written, known):
    found, expected = multilingual(written).entities, multilingual(known).entities
    assert [one.label for one in found] == [one.label for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-3)
    assert all(written[one.start : one.end] == one.text for one in found)
    assert found
