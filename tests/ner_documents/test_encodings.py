"""Encodings: right, or said to be a guess; a wrong byte is named."""

import pytest

from ner_documents.document import Document, Problem
from ner_documents.reading import ReadOptions, read
from ner_documents.reading.detection import guess_encoding
from ner_documents.redaction.encoding import decode_text, encode_text
from ner_documents.redaction.text_formats import FormatError

RUSSIAN = "Анна Петрова живёт в Москве и работает в Газпроме."
POLISH = "Katarzyna Żółkiewska mieszka w Łodzi. Późnym wieczorem przyjechał do Częstochowy."
CZECH = "Žaneta Dvořáková bydlí v Plzni. Příští týden pojede do Českých Budějovic."
HUNGARIAN = "Ödön a győri művésznőt Székesfehérvárra hívta."
ARABIC = "محمد علي يعيش في القاهرة ويعمل في شركة الاتصالات"
HEBREW = "שלום, שמי מרים כהן ואני גרה בחיפה"
JAPANESE = "トヨタ自動車の豊田章男社長は名古屋で会見した。"
CHINESE = "王小明住在北京，在中国银行工作。"
TAIWANESE = "王小明住在台北，在台灣大學工作。"
KOREAN = "김철수는 서울에 살고 삼성전자에서 일한다."
FRENCH = "François Lefèvre a défini la chaîne « même fenêtre » à Orléans."

CASES = [
    (RUSSIAN, "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic utf-16-le utf-16-be utf-32-le utf-32-be"),
    ("Анна", "cp1251 koi8_r iso8859_5 cp866"),
    ("Олена Шевченко живе у Києві й працює в їхній установі.", "cp1251 koi8_u iso8859_5"),
    (POLISH, "cp1250 iso8859_2"),
    ("Lech Wałęsa", "cp1250 iso8859_2"),
    (CZECH, "cp1250 iso8859_2"),
    ("Dvořák", "cp1250 iso8859_2"),
    (HUNGARIAN, "cp1250 iso8859_2"),
    (FRENCH, "cp1252 latin-1 mac_roman cp850"),
    ("José lives in Málaga; “Müller” paid 5 €.", "cp1252"),
    ("• Don’t say “fast”… • “menu”, user’s", "cp1252"),
    ("Müller", "cp1252 cp850"),
    ("Ayşe Yılmaz İstanbul'da yaşıyor ve Türk Hava Yolları'nda çalışıyor.", "cp1254 iso8859_9"),
    ("Ο Γιώργος Παπαδόπουλος ζει στην Αθήνα.", "cp1253 iso8859_7"),
    (HEBREW, "cp1255 iso8859_8"),
    (ARABIC, "cp1256 iso8859_6"),
    ("محمد علي", "cp1256 iso8859_6"),
    ("Jānis Bērziņš dzīvo Rīgā un strādā Latvijas Bankā.", "cp1257 iso8859_13"),
    ("สมชาย อยู่ที่กรุงเทพ", "cp874"),
    (JAPANESE, "cp932 euc_jp iso2022_jp utf-16-le utf-16-be"),
    ("田中太郎", "cp932 euc_jp iso2022_jp"),
    (CHINESE, "gb18030 hz utf-16-le utf-16-be"),
    ("王小明", "gb18030 big5"),
    (TAIWANESE, "big5 gb18030"),
    (KOREAN, "cp949 iso2022_kr"),
    ("김철수", "cp949"),
    ("Mary Jones lives in Paris.", "utf-16-le utf-16-be utf-32-le utf-32-be"),
]


@pytest.mark.parametrize(
    ("text", "encoding"), [(text, one) for text, encodings in CASES for one in encodings.split()]
)
def test_other_encodings_are_detected_and_said(text, encoding):
    raw = text.encode(encoding)
    note, document = read("a.txt", content=raw)
    assert (document.text, note.lost) == (text, False)
    assert "which was detected" in note.reason or "which is a guess" in note.reason
    note, line = read("a.txt", ReadOptions(lines=True), content=raw)
    assert (line.text, note.lost) == (text, False)
    (given,) = read("a.txt", ReadOptions(encoding=encoding), content=raw)
    assert given.text == text


@pytest.mark.parametrize(
    "content",
    [b"a+b-c, C++, 1+1-2, x+ABC-1", b"~{not hz~}", b"\x1b[31mred\x1b[0m", "naïve café".encode(), b"a~{b}"],
)
def test_what_only_looks_like_an_escape_is_left_alone(content):
    (document,) = read("a.txt", content=content)
    assert document.text == content.decode()


@pytest.mark.parametrize("content", [b"no\0text\0", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", bytes(64)])
def test_what_is_no_text_is_not_read_as_utf16(content):
    (problem,) = read("a.txt", content=content)
    assert problem.reason == "is not a text file: it holds binary data"


def test_an_old_office_file_is_named():
    (problem,) = read("a.txt", content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    assert "older than 2007 or a .msg; save it as .docx" in problem.reason


def test_japanese_is_no_utf8_with_wrong_bytes():
    """Two bytes of EUC are a character of UTF-8 now and then."""
    text = (JAPANESE + "\n") * 20
    note, document = read("a.txt", content=text.encode("euc_jp"))
    assert (document.text, note.lost) == (text, False)


def test_a_wrong_byte_in_utf8_is_named_whatever_else_it_may_be():
    for text in ("José\nZoë\n", f"{JAPANESE}\n", f"{RUSSIAN}\n"):
        found = list(read("a.txt", content=text.encode() + b"Jos\xe9 x\n"))
        (problem,) = (item for item in found if isinstance(item, Problem))
        assert (problem.lost, problem.line) == (True, text.count("\n") + 1)
        assert "byte 0xe9" in problem.reason
        assert [item.text for item in found if isinstance(item, Document)] == [text + "Jos\ufffd x\n"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-be", "iso2022_jp", "cp932", "koi8_r"])
def test_redaction_reads_them_as_the_readers_do_and_gives_the_bytes_back(encoding):
    raw = (RUSSIAN if encoding == "koi8_r" else JAPANESE).encode(encoding)
    text, found, (note,) = decode_text(raw)
    assert (text.encode(encoding), encode_text(text, found)) == (raw, raw)
    assert "which was detected" in note


def test_redaction_refuses_what_it_cannot_write_again():
    raw = JAPANESE.encode("iso2022_jp") + b"\x1b$B\x1b(B"
    with pytest.raises(FormatError, match="save it as UTF-8"):
        decode_text(raw)


def test_the_beginning_of_a_long_text_may_end_inside_of_a_character():
    for encoding in ("euc_jp", "gb18030", "utf-16-le", "utf-8", "cp1251"):
        text = RUSSIAN if encoding == "cp1251" else CHINESE if encoding == "gb18030" else JAPANESE
        raw = ((text + "\n") * 50).encode(encoding)
        for end in range(100, 110):
            found = guess_encoding(raw[:end], whole=False).name
            assert raw.decode(found) == (text + "\n") * 50
