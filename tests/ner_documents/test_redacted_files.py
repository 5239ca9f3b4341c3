"""Files redacted and restored: nothing found is left anywhere in them, and all else stays."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_documents.redaction import FormatError, Key, KeyProblem, restore_file
from tests.ner_documents.redacting import redacted


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Mary Jones\r\nmet Bob; JONES left.\r", "PER_1\r\nmet PER_2; PER_1 left.\r"),
        ("a.md", "# Mary Jones\n", "# PER_1\n"),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nMary Jones\n",
            "1\n00:00:01,000 --> 00:00:02,000\nPER_1\n",
        ),
        (  # a sentence goes on in the next cue
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nMary\n\n2\n00:00:02,000 --> 00:00:03,000 X1:2\nJones\n-A",
            "1\n00:00:01,000 --> 00:00:02,000\nPER_1\n\n2\n00:00:02,000 --> 00:00:03,000 X1:2\n\n-A",
        ),
        ("a.csv", "id,who\r\n1,Mary Jones\r\n", "id,who\r\n1,PER_1\r\n"),
        (
            "a.csv",
            'id;"who ""x"""\n7;"said ""Mary Jones"" of\nAcme Corp"\n',
            'id;"who ""x"""\n7;"said ""PER_1"" of\nORG_1"\n',
        ),
        ("a.csv", 'a,b\n"Mary Jones\n', 'a,b\n"PER_1\n'),
        ("a.csv", 'a,b\nMary Jones,"Bob",\n\n', 'a,b\nPER_1,"PER_2",\n\n'),
        ("a.tsv", "who\tn\nMary Jones\t1,5\n", "who\tn\nPER_1\t1,5\n"),
        (
            "a.json",
            '{"Mary Jones": ["Bob\\n", 4111111111111111, 1e999], "n": 12}',
            '{"PER_1": ["PER_2\\n", "CARD_1", 1e999], "n": 12}',
        ),
        ("a.json", '"Jos\\u00e9 \\u00c1lvarez \\ud83d\\ude00"', '"PER_1 \\ud83d\\ude00"'),
        (  # words of a tokenized text are read together, and stay as many
            "a.json",
            '[{"tokens": ["He", "met", "Mary", "Jon\\u0065s", "."],'
            ' "to": ["Mary Jones", "Bob"], "cc": ["Mary", "Bob"]}]',
            '[{"tokens": ["He", "met", "PER_1", "", "."],'
            ' "to": ["PER_1", "PER_2"], "cc": ["PER_1", "PER_2"]}]',
        ),
        ("long.json", '["Bob", ' + 5_000 * "7" + "]", '["PER_1", ' + 5_000 * "7" + "]"),
        ("a.jsonl", '[\n{"t": "Bob"}\n]\n', '[\n{"t": "PER_1"}\n]\n'),
        ("a.json", '{"t":\n"Bob"}\n{"t": "Bob"}\n', '{"t":\n"PER_1"}\n{"t": "PER_1"}\n'),
        (
            "a.sbv",
            "0:00:00.599,0:00:04.160\nMary\n\n0:00:04.160,0:00:05.000\nJones, Bob\n",
            "0:00:00.599,0:00:04.160\nPER_1\n\n0:00:04.160,0:00:05.000\n, PER_2\n",
        ),
        ("a.jsonl", '{"t": "Bob"}\n\n{"t": "O\'Neill & Sons"}\n', '{"t": "PER_1"}\n\n{"t": "ORG_1"}\n'),
        ("a.html", "<p>Mary\n   <b>Jones</b> of O&#39;Neill &amp; Sons<br>Bob</p>", None),
        (
            "a.html",
            "<a title='Bob &quot;' href=\"mailto:b@x.example\">Bob</a><!--Bob--><script>'Bob'</script>",
            "<a title='PER_1 &quot;' href=\"mailto:EMAIL_1\">PER_1</a><!--PER_1--><script>'PER_1'</script>",
        ),
        (
            "a.html",
            "<a href='mailto:mary.jones@acme.example?x'>Mary Jones",
            "<a href='mailto:EMAIL_1?x'>PER_1",
        ),
        ("a.html", "<p>Bob < b <Bob", "<p>PER_1 < b <PER_1"),
        ("a.txt", "", ""),
        ("a.csv", '# by A, B\nid;who\n1;"Mary Jones; Bob"\n', '# by A, B\nid;who\n1;"PER_1; PER_2"\n'),
        ("a.csv", 'sep=;\n1;x, y;"Bob ""B"" Bob"\n', 'sep=;\n1;x, y;"PER_1 ""B"" PER_1"\n'),
        ("a.csv", "", ""),
        ("a.html", "<!-- Bob", "<!-- PER_1"),
        (
            "a.html",
            "<p>Bob, <a href='mailto:x?subject=Jos%C3%A9%20%C3%81lvarez'>Jos\u00e9 \u00c1lvarez",
            "<p>PER_1, <a href='mailto:x?subject=PER_2'>PER_2",
        ),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nO&#39;Neill &amp; Sons, Mary Jones &amp; Mary&nbsp;Jones\n",
            "1\n00:00:01,000 --> 00:00:02,000\nORG_1, PER_1 &amp; PER_1\n",
        ),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bob>I, <i>Mary</i> <00:01.5>Jones, am <Acme Corp>\n",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v PER_2>I, <i>PER_1</i><00:01.5>, am <ORG_1>\n",
        ),
    ],
)
def test_text_files(name, content, expected):
    result, key = redacted(name, content.encode())
    if expected is not None:
        assert result.content.decode() == expected
    assert restore_file(name, result.content, key) == (content.encode(), ())


@pytest.mark.parametrize("name", ["a.doc", "a.xls", "a", "a.docx"])
def test_files_under_another_name_are_redacted_as_what_they_are(name):
    for content in (b"<html><p>Bob <x>", rb"{\rtf1 Bob}", b"MIME-Version: 1.0\nSubject: Bob\n\nBob\n"):
        result, key = redacted(name, content)
        assert result.content == content.replace(b"Bob", b"PER_1")
        assert restore_file(name, result.content, key)[0] == content


def test_markup_inside_of_a_name():
    result, _ = redacted("a.html", b"<p>Mary <b>Jones</b>, O&#39;Neill &amp; Sons</p>")
    assert result.content == b"<p>PER_1<b></b>, ORG_1</p>"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
@pytest.mark.parametrize("operator", ["label", "number", "mask", "hash"])
def test_encodings_are_kept(encoding, operator):
    content = "Jos\u00e9 \u00c1lvarez d\u00eene\r\n".encode(encoding)
    result, key = redacted("a.txt", content, operator)
    assert "\u00c1lvarez" not in result.content.decode(encoding)
    assert result.content.decode(encoding).endswith(" d\u00eene\r\n")
    assert restore_file("a.txt", result.content, key)[0] == content


def test_wrong_bytes_are_kept():
    content = b"\xef\xbb\xbfBob \xff Bob"
    result, key = redacted("a.txt", content)
    assert result.content == b"\xef\xbb\xbfPER_1 \xff PER_1"
    assert restore_file("a.txt", result.content, key)[0] == content


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.xyz", b"Bob", r"files of this type are not redacted; \.txt, .* are"),
        ("a.jsonl", b'{"a": 1}\n{"a": Bob}\n', "line 2 is not JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.txt", b"Bob\0", "holds binary data"),
        ("a.docx", b"Bob", "is damaged or does not match its suffix"),
        ("a.docx", b"\xd0\xcf\x11\xe0 Bob", "locked with a password"),
    ],
)
def test_what_cannot_be_read_is_refused(name, content, problem):
    with pytest.raises(FormatError, match=problem):
        redacted(name, content)


def test_an_edited_file_gets_its_names_back():
    result, key = redacted("a.txt", b"Mary Jones met JONES and Bob.")
    assert result.content == b"PER_1 met PER_1 and PER_2."
    edited = b"<p>PER_2 traf PER_1 &amp; PER_9.</p>"
    assert restore_file("a.html", edited, key) == (
        b"<p>Bob traf Mary Jones &amp; PER_9.</p>",
        ("was changed after redaction: 2 placeholders were replaced by the longest form of the name",),
    )
    result, key = redacted("a.txt", b"O'Neill & Sons")
    for name in ("a.srt", "a.sbv"):
        assert restore_file(name, b"So said ORG_1.", key)[0] == b"So said O'Neill &amp; Sons."
    with pytest.raises(KeyProblem, match="holds none of its placeholders"):
        restore_file("a.txt", b"nothing", key)
    with pytest.raises(FormatError, match="keep the original"):
        restore_file("a.pdf", b"%PDF", key)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "ner-zoo redaction key", "version": 1}', "[" * 100_000]
)
def test_other_files_are_no_keys(text):
    with pytest.raises(KeyProblem, match=r"^k\.json: "):
        Key.from_json(text, "k.json")


FRAGMENTS = [
    "Mary Jones", "Bob", "JONES", "PER_1", "[PER]", "TEXT_1", "\u2588", "a@b.example", "x", " ", "\n",
    "\r\n", '"', '""', ",", ";", "\t", "<b>", "</p>", "&amp;", "&", "<", ">", "\\", "\u00e9",
    "\U0001f600", "'",
]  # fmt: skip


@settings(max_examples=2 * settings.default.max_examples)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.html", "a.json", "a.jsonl", "a.vtt"]),
    st.sampled_from(["label", "number", "mask", "hash"]),
)
def test_every_text_comes_back(text, name, operator):
    if "json" in name:
        text = json.dumps({"t": [text], text: 1}, ensure_ascii=len(text) % 2 == 0)
    result, key = redacted(name, text.encode(), operator)
    assert restore_file(name, result.content, key)[0] == text.encode()
    if name == "a.txt":
        assert not re.search(r"(?<!\w)(Mary Jones|Bob|a@b\.example)(?!\w)", result.content.decode())


def test_other_encodings_are_those_of_the_readers():
    content = "Привет, это Bob и Мария Иванова из Москвы.\n".encode("cp1251") * 3
    result, key = redacted("a.txt", content)
    assert result.content.decode("cp1251").startswith("Привет, это PER_1 и")
    assert "cp1251" in result.notes[0]
    assert restore_file("a.txt", result.content, key)[0] == content


def test_the_encoding_that_a_page_or_a_message_names_is_taken():
    page = "<meta charset=x-mac-cyrillic><p>José Bob".replace("José", "Приём").encode("mac_cyrillic")
    result, _ = redacted("a.html", page)
    assert result.content == page.replace(b"Bob", b"PER_1")
    assert not result.notes
    for told in ("us-ascii", "utf-8"):  # ASCII has no such letters
        mail = f"Subject: S\r\nContent-Type: text/plain; charset={told}\r\n\r\nJosé Álvarez left\r\n".encode()
        assert redacted("a.eml", mail)[0].content.endswith(b"\r\n\r\nPER_1 left\r\n")
    content = b"Subject: S\r\nContent-Type: text/html\r\n\r\n<meta charset=koi8-r><p>" + "Приём Bob".encode(
        "koi8-r"
    )
    assert redacted("a.eml", content)[0].content.endswith("Приём PER_1".encode("koi8-r"))
