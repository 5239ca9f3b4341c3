"""Which texts are English, and which parts of a text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.language import english_score, is_english, language_parts

ENGLISH = [
    "Mary lives in Santa Clara and works at NVIDIA.",
    "SOCCER - JAPAN GET LUCKY WIN, CHINA IN SURPRISE DEFEAT.",
    "The Swiss champion thanked his coach, Ivan Ljubicic, and José Álvarez of FC Barcelona.",
    "omg @maria_lopez u have to see this lol https://t.co/aB3xQ #weloveberlin",
    "She said que será, será and left for Madrid.",
    "ジョン works at the office of Sony in 東京",
    "Ｍａｒｙ Ｊｏｎｅｓ lives in Ｐａｒｉｓ.",
    "ﬁve oﬃcers of the Paciﬁc ﬂeet were ﬁned",
    "Dear Sir or Madam, please find attached our invoice no. 4711 of 3 May.",
]
OTHER = {
    "German": "Die Bundeskanzlerin traf am Dienstag in München den Vorstand von Siemens.",
    "German without umlauts": "Der Vorstand der Bank traf sich am Dienstag in Frankfurt.",
    "German, capital letters": "DER BUNDESTAG HAT AM FREITAG NEUE REGELN FUER MIETEN BESCHLOSSEN",
    "French": "Le président de la République a rencontré hier les maires de Bretagne.",
    "Spanish": "El presidente del Gobierno viajará mañana a Lisboa para una reunión.",
    "Portuguese": "A ministra da Saúde visitou o hospital de Coimbra na segunda-feira.",
    "Italian": "Il sindaco di Torino ha inaugurato la nuova linea della metropolitana.",
    "Dutch": "De burgemeester van Utrecht heeft gisteren met de bewoners gesproken.",
    "Danish": "Statsministeren mødte i går borgmesteren i Aarhus for at tale om havnen.",
    "Swedish": "Regeringen vill att fler ungdomar ska läsa vidare vid universiteten.",
    "Norwegian": "Regjeringen vil ikke gi mer penger til sykehusene i Nord-Norge.",
    "Finnish": "Hallitus aikoo ensi vuonna lisätä rahaa yliopistoille.",
    "Estonian": "Valitsus tahab järgmisel aastal anda ülikoolidele rohkem raha.",
    "Polish": "Premier spotkał się wczoraj w Krakowie z prezydentem miasta.",
    "Czech": "Premiér se včera v Brně setkal se starosty okolních obcí.",
    "Slovak": "Predseda vlády sa včera v Košiciach stretol s primátorom.",
    "Croatian without accents": "Premijer se jucer u Splitu sastao s gradonacelnikom i njegovim suradnicima.",
    "Hungarian": "A miniszterelnök tegnap Szegeden találkozott a polgármesterrel.",
    "Romanian": "Primarul orașului a declarat ieri că lucrările vor începe în mai.",
    "Turkish": "Başbakan dün Ankara'da belediye başkanlarıyla görüştü.",
    "Indonesian": "Presiden mengatakan bahwa pemerintah akan membangun sekolah baru di Jakarta.",
    "Vietnamese": "Thủ tướng đã gặp các nhà khoa học ở Hà Nội vào hôm qua.",
    "Swahili": "Rais alikutana na viongozi wa vijiji jana mjini Dodoma.",
    "Russian": "Президент встретился вчера в Казани с мэром города.",
    "Greek": "Ο πρωθυπουργός συνάντησε χθες τον δήμαρχο της Πάτρας.",
    "Arabic": "التقى رئيس الوزراء أمس برئيس بلدية القاهرة.",
    "Hebrew": "ראש הממשלה נפגש אתמול עם ראש עיריית חיפה.",
    "Hindi": "प्रधानमंत्री ने कल वाराणसी में किसानों से मुलाकात की।",
    "Thai": "นายกรัฐมนตรีพบผู้ว่าราชการจังหวัดเชียงใหม่เมื่อวานนี้",
    "Chinese": "总理昨天在上海会见了市长。",
    "Japanese with an English name": "首相は昨日、大阪でApple社の社長と会談した。",
    "Korean": "총리는 어제 부산에서 시장을 만났다.",
}
GREETINGS = [
    "Danke, Anna!",
    "Hallo Peter",
    "Liebe Anna,",
    "Merci Marie",
    "Bonjour M. Dupont",
    "Hola Maria",
    "Gracias, Pedro",
    "Ciao Anna",
    "Buongiorno Marco",
    "Bedankt Jan",
    "Hej Lars",
    "Tack Anna",
    "Witaj Anna",
    "Ahoj Petr",
    "Hvala Ana",
]
GERMAN = OTHER["German"]
NAMES = ["Acme Corp", "Mary Jones", "Siemens AG", "Katarzyna Nowak", "NVIDIA", "123 456", "😀", ""]


@pytest.mark.parametrize("text", ENGLISH)
def test_english(text):
    assert is_english(text)


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_other_languages(text):
    assert not is_english(text)


@pytest.mark.parametrize("text", GREETINGS)
def test_greetings_beside_a_name(text):
    assert not is_english(text)


def test_foreign_greetings_in_an_english_sentence():
    assert is_english("She said merci and danke to the waiters, and left for Ciao Bella in London.")


@pytest.mark.parametrize("text", NAMES)
def test_what_shows_no_language_counts_as_english(text):
    assert is_english(text)
    assert not english_score("") < 0


def test_names_with_letters_that_english_does_not_have():
    assert not is_english("José Álvarez, Mikołaj Żuławski")


def divided(text, segments=None):
    return [(text[part.start : part.end].strip(), part.english) for part in language_parts(text, segments)]


def test_paragraphs_of_a_mixed_text():
    english = ENGLISH[0]
    assert divided(f"{english}\n\n{GERMAN}\n\n{english}") == [
        (english, True),
        (GERMAN, False),
        (english, True),
    ]


@pytest.mark.parametrize("english_first", [True, False])
def test_names_go_with_what_is_around_them(english_first):
    languages = [(ENGLISH[0], True), (GERMAN, False)]
    (first, one), (second, other) = languages if english_first else languages[::-1]
    text = f"{first}\n\nSiemens AG\n\n{first}\n\n{second}\n\nMary Jones"
    assert [part.english for part in language_parts(text)] == [one, other]
    assert text[language_parts(text)[1].start :].startswith(second)


def test_a_table_of_names_in_a_german_letter_is_german():
    text = f"Sehr geehrte Frau Jones,\n\nName\tOrt\nMary\tParis\nSiemens\tBerlin\n\n{GERMAN}"
    assert divided(text) == [(text, False)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "rows",
    [
        ["NAME     DEPARTMENT   CITY", "INGRID   FINANCE      STAVANGER", "MIA      LEGAL        HOUSTON"],
        [
            "| Name | Employer | City |",
            "|---|---|---|",
            "| Anna Kowalska | Orlen | Gdansk |",
            "",
            "Hi there,",
        ],
    ],
)
def test_a_table_has_one_language(rows, end):
    assert [part.english for part in language_parts(end.join(rows))] == [True]


def test_tables_may_have_different_languages():
    text = "Name\twhere she lives\nMary\tin the city\n\nName\two er wohnt und ist\nKarl\tin der Stadt\n"
    assert [part.english for part in language_parts(text)] == [True, False]


def test_cells_in_two_languages():
    english = "The contract ends on the last day of May."
    text = f"{english}\tDer Vertrag endet am letzten Tag im Mai.\n" * 2
    assert [part.english for part in language_parts(text)] == [True, False, True, False]


def test_segments_of_a_document_divide_a_line():
    text = f"{ENGLISH[0]} {GERMAN}"
    border = len(ENGLISH[0])
    assert len(language_parts(text)) == 1
    one, other = language_parts(text, [(0, border), (border + 1, len(text))])
    assert one == (0, border + 1, True, ((0, border),))
    assert other == (border + 1, len(text), False, ((0, len(GERMAN)),))


def test_segments_of_one_language_are_passed_on():
    assert language_parts("Mary sings.", [(0, 4)]) == [(0, 11, True, [(0, 4)])]


lines = st.lists(
    st.one_of(st.sampled_from([*ENGLISH, *OTHER.values(), *NAMES]), st.text(max_size=30)), max_size=8
)


@given(lines, st.sampled_from(["\n", "\n\n", "\t", " | ", "\r\n"]))
def test_parts_cover_the_text_and_alternate(chosen, between):
    text = between.join(chosen)
    parts = language_parts(text)
    assert parts[0].start == 0
    assert parts[-1].end == len(text)
    for one, after in pairwise(parts):
        assert one.end == after.start
        assert one.english != after.english
    for part in parts if len(parts) > 1 else ():
        for start, end in part.segments:
            assert 0 <= start < end <= part.end - part.start
