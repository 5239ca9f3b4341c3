"""Forms that show what their words are: addresses and salutations; references are in test_people_write.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import model_zoo
from ner_core.forms.addresses import addresses
from ner_core.forms.companies import companies
from ner_core.forms.datelines import datelines
from ner_core.forms.fields import fields
from ner_core.forms.finding import find_forms
from ner_core.forms.parties import parties
from ner_core.forms.salutations import salutations
from ner_core.forms.tables import tables
from ner_core.forms.titles import persons_with_title

SIGNS = st.lists(st.sampled_from([*"Aab1 ,\n\t|-.:Å", "City"]), max_size=40).map("".join)


@pytest.fixture(scope="module")
def ner():
    return model_zoo.load("auto", device="CPU")


def found(forms, text, kind, *gains, new=False):
    chosen = [one for one in sorted(forms(text)) if one.kind == kind and one.gain in gains and one.new is new]
    return [text[one.start : one.end] for one in chosen]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Acme Ltd, 14 Station Road, Cambridge CB1 2JH", ["Station Road", "Cambridge"]),
        ("Write to 5 Victoria Terrace, Durham DH1 4RW.", ["Victoria Terrace", "Durham"]),
        ("Bridge Street\nHebden Bridge\nHX7 8AD", ["Hebden Bridge"]),
        ("8 Sheep Street, Stratford-upon-Avon CV37 6EE", ["Sheep Street", "Stratford-upon-Avon"]),
        ("Our office in Leeds LS1 4AP is closed", ["Leeds"]),
        ("742 Evergreen Terrace\nSpringfield, OR 97477", ["Evergreen Terrace", "Springfield", "OR"]),
        ("Montreal, QC H2Y 2Y5", ["Montreal", "QC"]),
        ("101 Collins St, Melbourne VIC 3000", ["Collins St", "Melbourne", "VIC"]),
        ("Industriestraße 22\n70565 Stuttgart", ["Industriestraße", "Stuttgart"]),
        ("Schillerstr. 14a, D-69115 Heidelberg", ["Schillerstr.", "Heidelberg"]),
        ("Kaiserstraße 2, 60311 Frankfurt am Main", ["Kaiserstraße", "Frankfurt am Main"]),
        ("3 rue du Port, 33000 Bordeaux", ["rue du Port", "Bordeaux"]),
        ("Herengracht 182\r\n1016 BR Amsterdam", ["Herengracht", "Amsterdam"]),
        ("Avenida de la Constitución, 3\n41001 Sevilla", ["Avenida de la Constitución", "Sevilla"]),
        ("ul. Piotrkowska 104\n90-926 Łódź", ["Piotrkowska", "Łódź"]),
        ("Kungsgatan 44\n111 35 Stockholm", ["Kungsgatan", "Stockholm"]),
        ("1100-048 Lisboa", ["Lisboa"]),
        ("wohnhaft Lindenstraße 4, 80331 München", ["Lindenstraße", "München"]),
        ("con domicilio en calle Mayor 5, 28013 Madrid", ["calle Mayor", "Madrid"]),
        ("Mariahilfer Straße 88, 1070 Wien", ["Mariahilfer Straße", "Wien"]),
    ],
)
def test_addresses(text, places):
    assert found(addresses, text, "LOC", 3000) == places


def test_a_street_without_a_known_word_is_only_likely():
    assert found(addresses, "Vukovarska 58\n21000 Split", "LOC", 20) == ["Vukovarska", "Split"]


@pytest.mark.parametrize(
    "text",
    [
        "In 2019 Acme Corp sold 5000 Boeing shares.",
        "1984 George Orwell",
        "12345 Items",
        "Chapter 5\n2000 Annual Report",
        "On or about October 6, 1999, Kelly Cloud signed.",
        "Mary Jones, 12\nBob Smith, 14",
        "Windows 10\n2015 Microsoft",
        "10 Downing Street",
        "Flight BA 117 to Rome, IBM PS2 and HP LJ4",
    ],
)
def test_what_looks_like_an_address(text):
    assert list(addresses(text)) == []


@pytest.mark.parametrize(
    ("text", "greeting", "name"),
    [
        ("Bonjour Marie,", "Bonjour", "Marie"),
        ("BONJOUR MARIE !", "BONJOUR", "MARIE"),
        ("Anlage\n\nSehr geehrter Herr Dr. Weber,\n", "Sehr geehrter", "Weber"),
        ("Dzień dobry Anno\n", "Dzień dobry", "Anno"),
        ("Estimada Sra. García López:", "Estimada", "García López"),
        ("Уважаемый Иван Петрович!", "Уважаемый", "Иван Петрович"),
        ("Caro Luca,", "Caro", "Luca"),
    ],
)
def test_salutations(text, greeting, name):
    assert found(salutations, text, "O", 3000) == [greeting]
    assert found(salutations, text, "PER", 20) == [name]


@pytest.mark.parametrize(
    ("text", "closing", "name"),
    [
        ("See you.\n\nBest\nSofia", "Best", "Sofia"),
        ("Yours sincerely,\r\n\r\nDr. Amara Okoye\r\n", "Yours sincerely", "Dr. Amara Okoye"),
        ("Mit freundlichen Grüßen\n\nPetra Lang\nEinkauf", "Mit freundlichen Grüßen", "Petra Lang"),
        ("Cordialement,\nHélène", "Cordialement", "Hélène"),
        ("LG Anna", "LG", "Anna"),
    ],
)
def test_closings(text, closing, name):
    assert found(salutations, text, "O", 3000) == [closing]
    assert found(salutations, text, "PER", 20, 100) == [name]


@pytest.mark.parametrize(
    ("text", "greeting"),
    [
        ("Guten Morgen", "Guten Morgen"),
        ("Bom dia :)\nParis is nice", "Bom dia"),
        ("See you.\nKind Regards\r\n", "Kind Regards"),
    ],
)
def test_a_greeting_or_closing_alone_is_no_name(text, greeting):
    assert found(salutations, text, "O", 3000) == [greeting]
    assert found(salutations, text, "PER", 20, 100) == []


@pytest.mark.parametrize(
    "text",
    [
        "Cara",
        "Love",
        "Cara Jones\n",
        "I said hello Mary,",
        "Hello world",
        "Moi Tan",
        "Hiroshi Abe,",
        "Best Western",
    ],
)
def test_what_looks_like_a_salutation(text):
    assert list(salutations(text)) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Umowa między Kowalski sp. z o.o. a Novák s.r.o.", ["Kowalski sp. z o.o.", "Novák s.r.o."]),
        ("between Acme Ltd or Contoso GmbH", ["Acme Ltd", "Contoso GmbH"]),
        ("Mary Jones, Bradstreet, Inc.", ["Bradstreet, Inc."]),
        ("New York-based Acme LLC", ["Acme LLC"]),
    ],
)
def test_companies(text, names):
    assert found(companies, text, "ORG", 3000) == names


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Yesterday Northwind Traders Ltd said", ["Traders Ltd"]),
        ("Bank of China Ltd. and Marks and Spencer plc", ["China Ltd.", "Spencer plc"]),
        ("Dun & Bradstreet, Inc.", ["Bradstreet, Inc."]),
        ("ООО Ромашка и ПАО «Северная сталь»", ["Ромашка", "Северная сталь"]),
    ],
)
def test_companies_that_may_begin_earlier(text, ends):
    assert found(companies, text, "ORG", 200) == ends


def test_a_longer_name_counts_where_the_model_has_found_none(ner):
    text = "pomiędzy: Nova Stal sp. z o.o. z siedzibą w Krakowie"
    assert found(companies, text, "ORG", 3000, new=True) == ["Nova Stal sp. z o.o."]
    assert [one.text for one in ner(text).entities] == ["Nova Stal sp. z o.o.", "Krakowie"]
    assert [one.text for one in ner("Company Name Homegate Hospitality Inc").entities] == [
        "Homegate Hospitality Inc"
    ]


def test_a_form_that_is_also_a_name():
    assert found(companies, "Siemens AG", "ORG", 20) == ["Siemens AG"]


@pytest.mark.parametrize(
    "text", ["Calgary AB", "Reno NV 89501", "Inc. magazine", "Acme Incidents", "5 KG", "a GmbH"]
)
def test_what_looks_like_a_company(text):
    assert list(companies(text)) == []


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("The Licensee pays the Lessor's costs.", ["Licensee", "Lessor"]),
        ('Acme Corp (the "Vendor") and each of its Affiliates', ["Vendor", "Affiliates"]),
        ("If Licensor fails, the Parties agree", ["Licensor", "Parties"]),
        ("Der Auftraggeber und le Bailleur y el Comprador", ["Auftraggeber", "Bailleur", "Comprador"]),
        ("Арендатор платит", ["Арендатор"]),
    ],
)
def test_parties_are_no_names(text, roles):
    assert found(parties, text, "O", 200, 3000) == roles


@pytest.mark.parametrize(
    "text",
    [
        "the Labour Party",
        "THE LABOUR PARTY",
        "Vendor Systems Inc.",
        "Taylor Buyer",
        "a buyer",
        "Party-Partner",
        "Lessor.com",
        "O'Grantor",
    ],
)
def test_what_looks_like_a_party(text):
    assert list(parties(text)) == []


def test_persons_with_title():
    text = "Mr & Mrs Smith, Dr. P. Patel, Herrn Weber-Kern und Madame Marie Curie, but Mr. President"
    names = ["Smith", "P. Patel", "Weber-Kern", "Marie Curie"]
    assert found(persons_with_title, text, "PER", 20) == names
    assert found(persons_with_title, text, "O", 3000) == ["Mr"]
    ranks = "Sen. Mitt Romney, Lt. Gov. Dan Patrick and Reps. Jim Jordan, Free Press. Bob came"
    assert found(persons_with_title, ranks, "PER", 20) == ["Mitt Romney", "Dan Patrick", "Jim Jordan"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("We left Lisbon. City: Austin", ["Austin LOC"]),
        (
            "City: Porto\nCompany : Acme Ltd\nNationality: French",
            ["Porto LOC", "Acme Ltd ORG", "French MISC"],
        ),
        ("1. Ort: Köln, Firma: Bayer", ["Köln LOC", "Bayer ORG"]),
        ("姓名：王小明\n城市：上海", ["王小明 PER", "上海 LOC"]),
        ("level=INFO first_name=Mary lastName=Jones city=Porto", ["Mary PER", "Jones PER", "Porto LOC"]),
        ("Contact: Dr. Anna Smith, +44 20 7946 0958", ["Anna Smith PER"]),
        ("City\tCompany\nPorto\tAcme\n\t\nLyon\t42", ["Porto LOC", "Acme ORG", "Lyon LOC"]),
        (
            "| Name | Town | Age |\n|:---|---:|\n| Mary | Bath | 9 |\n\n| Ben | Cork | 8 |",
            ["Mary PER", "Bath LOC"],
        ),
        ("Pos  Rider       Team\n1    Ann Lee     Visma\n", ["Ann Lee PER", "Visma ORG"]),
        ('"name","city","email"\n"Mary","Porto","m@a.example"', ["Mary PER", "Porto LOC"]),
        ("Name;Land\nGouda;Holland", ["Holland LOC"]),
        ("Company\tAcme\nCity\tPorto", ["Acme ORG", "Porto LOC"]),
        ("Company - Acme\nCity - Porto", ["Acme ORG", "Porto LOC"]),
        ("Cities: Porto, Lyon and Bath\nCompanies: Acme", ["Porto LOC", "Lyon LOC", "Bath LOC", "Acme ORG"]),
        ("Company ..... Acme\nCity ........ Porto", ["Acme ORG", "Porto LOC"]),
        ("# | City (home)\n1 | Porto", ["Porto LOC"]),
        ('City,Company\n"Porto","Acme, Inc."', ["Porto LOC", "Acme, Inc. ORG"]),
        ('<a:person><firstName>Mary</firstName><city id="1"> Porto </city>', ["Mary PER", "Porto LOC"]),
    ],
)
def test_values_of_fields(text, values):
    found = [one for one in sorted([*fields(text), *tables(text)]) if one.kind != "O"]
    assert [f"{text[one.start : one.end]} {one.kind}" for one in found] == values


def test_headings_are_no_names():
    text = "Name\tCity\tPhone\tNote\nMary\tPorto\t123\t"
    assert found(tables, text, "O", 20) == ["Note"]
    assert found(tables, text, "O", 3000) == ["Name", "City", "Phone"]


@pytest.mark.parametrize(
    "text",
    [
        "The city: Rome was not built in a day.",
        "City: unknown\nCompany: N/A\nName: none\nCountry: 12",
        "City: a place where many people live and work together",
        "Name\tPhone\tCity",
        "City\tPhone",
        "He visited the city, Rome, and a company, Acme",
        "time: 12:30 = noon",
        "Team, Arsenal\nChelsea, Everton",
    ],
)
def test_what_looks_like_a_field(text):
    assert [one for one in (*fields(text), *tables(text)) if one.kind != "O"] == []


@given(SIGNS)
def test_forms_are_slices(text):
    for start, end, *_ in [
        one for find in (addresses, companies, datelines, fields, salutations, tables) for one in find(text)
    ]:
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    "hostile",
    [
        "Dr A. ",
        "Mr & ",
        ",1234 Aa",
        "\nDear Mr ",
        "Aa Ltd ",
        "A.A.",
        "\t",
        "\nAa (dpa ",
        "City: ",
        "City\ta\n",
        "Cities: a, ",
        "Cities:",
        "<city>a",
        "AU  - ",
        "  ",
        "|",
        "a=b ",
    ],
)
def test_a_long_text_takes_seconds_and_not_hours(hostile):
    find_forms(hostile * (200_000 // len(hostile)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Northwind Traders Ltd\n12 High Street\nManchester M1 2AB",
            ["Northwind Traders Ltd ORG", "High Street LOC", "Manchester LOC"],
        ),
        (
            "Anna Schmidt\nLindenweg 12\n88339 Bad Waldsee",
            ["Anna Schmidt PER", "Lindenweg LOC", "Bad Waldsee LOC"],
        ),
        ("Domplein 29\n3512 JE Utrecht", ["Domplein LOC", "Utrecht LOC"]),
        ("1 Infinite Loop, Cupertino, CA 95014", ["Infinite Loop LOC", "Cupertino LOC", "CA LOC"]),
        ("Bonjour Marie,\n\nJe serai à Lyon jeudi.", ["Marie PER", "Lyon LOC"]),
        ("Hallo Anna,\n\nich komme morgen nach Berlin.", ["Anna PER", "Berlin LOC"]),
        ("Le contrat entre Martin SARL et Jean Dupont.", ["Martin SARL ORG", "Jean Dupont PER"]),
        ("Novák s.r.o.", ["Novák s.r.o. ORG"]),
        (
            "She left Marks and Spencer plc for Bank of China Ltd.",
            ["Marks and Spencer plc ORG", "Bank of China Ltd. ORG"],
        ),
        (
            "BERLIN (dpa) - Angela Merkel war in Paris.",
            ["BERLIN LOC", "dpa ORG", "Angela Merkel PER", "Paris LOC"],
        ),
        ("Mr and Mrs Smith saw Dr Patel.", ["Smith PER", "Patel PER"]),
        (
            "Name\tEmployer\tCity\nAnna Kowalska\tOrlen\tGdansk",
            ["Anna Kowalska PER", "Orlen ORG", "Gdansk LOC"],
        ),
        (
            "<table><tr><th>Employer</th><th>City</th></tr><tr><td>Orlen</td><td>Derby</td></tr></table>",
            ["Orlen ORG", "Derby LOC"],
        ),
        ("Name: Acme Corp\nCity: Austin", ["Acme Corp ORG", "Austin LOC"]),
        ('{"user": "Mary Jones", "city": "Austin"}', ["Mary Jones PER", "Austin LOC"]),
        (
            "TY  - BOOK\nAU  - Okafor, Chidi\nAU  - Lindgren, Maja\nCY  - Oslo\nER  - ",
            ["Okafor, Chidi PER", "Lindgren, Maja PER", "Oslo LOC"],
        ),
        (
            "BEGIN:VCARD\nFN:Ingrid Olsen\nN:Olsen;Ingrid;;;\nEND:VCARD",
            ["Ingrid Olsen PER", "Olsen PER", "Ingrid PER"],
        ),
        ("See you on Monday.\n\nBest\nSofia", ["Sofia PER"]),
        ("See you on Monday.\n\nThanks,\nMicrosoft", ["Microsoft ORG"]),
        ("Dear Customer,\n\nthank you.", []),
        ("Hello World!", []),
    ],
)
def test_names_in_forms(ner, text, expected):
    assert [f"{one.text} {one.label}" for one in ner(text).entities] == expected
