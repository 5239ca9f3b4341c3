"""Mail as programs write it: several forms of one text, forwarded messages, broken ones; subtitles too."""

import base64
import email.message
import time

import pytest

from ner_core import Recognition
from ner_documents.document import Document, Problem
from ner_documents.reading import read
from ner_documents.redaction import FormatError, Redactor, redact_file
from tests.ner_documents.redacting import redacted


def items(name, content):
    found = list(read(name, content=content if isinstance(content, bytes) else content.encode()))
    texts = [item.text for item in found if isinstance(item, Document)]
    return texts, [(item.reason, item.lost) for item in found if isinstance(item, Problem)]


def multipart(kind, *parts, end=True):
    body = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n{body}' + ("--b--\r\n" if end else "")


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
PAGE = "Content-Type: text/html; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((PLAIN + "Mary met Bob.", PAGE + "<p>Mary met <b>Bob</b>.</p>"), "Mary met Bob."),
        (
            (PLAIN + "This is HTML mail.", PAGE + "<p>Mary Jones of Acme Corp met Bob Smith in Santa Clara."),
            "Mary Jones of Acme Corp met Bob Smith in Santa Clara.",
        ),
        ((PLAIN + "\r\n", PAGE + "<p>Mary met Bob in the park.</p>"), "Mary met Bob in the park."),
        ((PAGE + "<p>Mary",), "Mary"),
    ],
)
def test_of_several_forms_the_one_that_says_it_all(parts, text):
    assert items("a.eml", multipart("alternative", *parts))[0] == [text]


FOLDER = (
    b"From ann@x.example Sat Nov 28 10:00:00 2026\nSubject: One\n\nHello.\n\nFrom Monday on Bob is away.\n\n"
    b"From ann@x.example\nSubject: Two\n\nFrom Tuesday on, too.\n\n>From here.\n\n"
    b"From 0daaada2 Mon Sep 17 00:00:00 2001\n\nNo header.\n"
)


def test_sentences_that_begin_with_from_do_not_part_messages():
    texts, problems = items("a.mbox", FOLDER)
    assert texts == [
        "Subject: One\nHello.\nFrom Monday on Bob is away.",
        "Subject: Two\nFrom Tuesday on, too.\nFrom here.",
        "No header.",
    ]
    assert problems == []
    assert [message.line for message in read("a.mbox", content=FOLDER)] == [1, 2, 3]


def test_a_line_that_nearly_parts_messages_is_read_in_linear_time():
    line = b"From " + b"1:11 " * 200_000
    began = time.process_time()
    assert len(items("a.mbox", FOLDER + b"\n" + line + b"\n")[0]) == 3
    assert time.process_time() - began < 10


def test_every_part_is_read_or_named():
    calendar = "Content-Type: text/calendar\r\n\r\nSUMMARY:Mary"
    forwarded = "Content-Type: message/rfc822\r\n\r\nSubject: {}\r\n\r\nHello {}"
    mail = multipart(
        "mixed",
        PLAIN + "Before Mary",
        'Content-Type: image/png; name="p.png"\r\n\r\nx',
        forwarded.format("One", "Ann"),
        forwarded.format("Two", "Bob"),
        calendar,
        PLAIN + "After Zoe",
    )
    texts, problems = items("a.eml", mail)
    assert texts == ["Before Mary\nSubject: One\nHello Ann\nSubject: Two\nHello Bob\nAfter Zoe"]
    assert [reason.partition(" was")[0] for reason, _ in problems] == [
        *("attachment 'p.png'", "attachment 'text/calendar'")
    ]


def test_a_message_that_breaks_off_says_so():
    texts, ((reason, lost),) = items("a.eml", multipart("mixed", PLAIN + "Mary", end=False))
    assert (texts, lost) == (["Mary"], True)
    assert "breaks off" in reason


def test_a_text_in_base64_that_breaks_off_is_read_as_far_as_it_goes():
    encoded = base64.b64encode(b"Mary Jones sings.").decode()[:17]
    mail = f"Subject: Hi\nContent-Transfer-Encoding: base64\n\n{encoded}"
    said = ("breaks off before its end; the text may not be all", True)
    assert items("a.eml", mail) == (["Subject: Hi\nMary Jones s"], [said])
    written = redacted("a.eml", mail.encode())[0].content.partition(b"\n\n")[2]
    assert base64.b64decode(written) == b"PER_1 s"


def test_names_in_comments_of_old_headers_are_read():
    mail = "From: mary at acme.example (Mary Jones)\nTo: bob@x.example (Bob\n\tSmith)\n\nHi\n"
    assert items("a.eml", mail)[0] == [
        "From: mary at acme.example (Mary Jones)\nTo: bob@x.example (Bob Smith)\nHi"
    ]


def test_all_people_in_the_headers_are_read():
    mail = "Bcc: Zoe <z@x>\nSender: Bob <b@x>\nFrom: Mary <m@x>\nReply-To: Ann <a@x>\n\nHi\n"
    whole = ["From: Mary <m@x>\nSender: Bob <b@x>\nReply-To: Ann <a@x>\nBcc: Zoe <z@x>\nHi"]
    assert items("a.eml", mail)[0] == whole
    counted = f"{len(mail)}      \n{mail}<?xml version='1.0'?><plist></plist>\n"
    assert items("a.emlx", counted) == (whole, [])


def test_flowed_lines_are_joined():
    mail = (
        "Content-Type: text/plain; format=flowed\r\n\r\nMary lives in New \r\nYork at \r\nAcme.\r\n"
        "> said by Bob \r\n> Smith\r\n>> deep\r\n-- \r\nAnn\r\n From here \r\n"
    )
    assert items("a.eml", mail)[0] == [
        "Mary lives in New York at Acme.\n> said by Bob Smith\n>> deep\n-- \nAnn\nFrom here"
    ]


def test_words_that_flowed_lines_divide_are_whole():
    mail = "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n東 \r\n京 in New  \r\nYork\r\n"
    assert items("a.eml", mail)[0] == ["東京 in New York"]


def test_headers_with_bytes_that_nobody_encoded():
    texts, _ = items(
        "a.eml", b"Subject: Zo\xeb met Jos\xe9\r\nFrom: =?utf-8?q?Zo=C3=AB?= <z@x.example>\r\n\r\nHi\r\n"
    )
    assert texts == ["From: Zoë <z@x.example>\nSubject: Zoë met José\nHi"]


def test_mail_that_a_library_wrote():
    message = email.message.EmailMessage()
    message["Subject"] = "Grüße aus Łódź " * 8
    message.set_content("Zażółć, Mary = 1 " * 20)
    message.add_alternative("<p>Zażółć, Mary = 1 </p>" * 20, subtype="html")
    (text,), problems = items("a.eml", message.as_bytes())
    assert text.startswith("Subject: " + " ".join(["Grüße aus Łódź"] * 8))
    assert text.count("Mary") == 20
    assert not problems


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.srt", "1\n00:01,0 --> 00:02,0\nMary met\n2\n00:02,0 --> 00:03,0\nBob.\n", "Mary met Bob."),
        ("a.srt", "1\n00:01,0 --> 00:02,0\n{\\an8}<font color='x'>Mary</font>\n", "Mary"),
        ("a.vtt", "WEBVTT\n\n00:01.0 --> 00:02.0 line:0\n- Hi Bob\n- Ann\n\nx\n00:03.0 --> 00:04.0\nleft.",
         "- Hi Bob\n- Ann left."),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.0 --> 00:02.0\n<v Ann &amp; Bob>We met\n\n00:02.0 --> 00:03.0\n"
            "<v Ann &amp; Bob>Zoe.</v>\n\n00:03.0 --> 00:04.0\n<v.loud Lee>Who? <v Ann>Her.\n",
            "Ann & Bob: We met Zoe.\nLee: Who?\nAnn: Her.",
        ),
        ("a.sbv", "0:00:00.599,0:00:04.160\n>> Hi Bob\n\n0:00:04.1,0:00:05.0\n>> Ann", ">> Hi Bob\n>> Ann"),
        ("a.ttml", "<tt><body><div><p begin='1s'>Mary<br/>met</p><p begin='2s'>Bob", "Mary\nmet\nBob"),
        ("a.vtt", "WEBVTT\n\n00:01.0 --> 00:02.0\n<ruby>東<rt>とう</rt>京</ruby>", "東京"),
    ],
)  # fmt: skip
def test_subtitles(name, content, text):
    assert items(name, content) == ([text], [])


def test_lines_of_subtitles_are_counted_where_empty_lines_are_missing():
    content = "1\n00:01,0 --> 00:02,0\nMary\n2\n00:02,0 --> 00:03,0\nBob.\n\nlost\n"
    found = list(read("a.srt", content=content.encode()))
    assert [item.line for item in found if isinstance(item, Problem)] == [8]


@pytest.mark.parametrize("name", ["From", "Subject"])
def test_headers_of_a_thousand_encoded_words_are_read_whole(name):
    words = [f"=?utf-8?q?Zo=C3=AB{number}?=" for number in range(4000)]
    (document,) = read("a.eml", content=f"{name}: {' '.join(words)} end\n\nhi\n".encode())
    expected = "".join(f"Zoë{number}" for number in range(4000))
    assert document.text.splitlines()[0] == f"{name}: {expected} end"


@pytest.mark.parametrize(
    "value", ["=?utf-8?q?a?= " * 60_000, "=?utf-8?q?" * 60_000, "a <a@b.c>, " * 60_000, "; a*0*=x" * 60_000]
)
@pytest.mark.parametrize("name", ["To", "Content-Type: text/plain"])
def test_time_for_headers_grows_with_their_length(name, value):
    """With the square of it each of these would take minutes, more than a test may."""
    content = f"{name} {value}\n\nhi\n".replace("To ", "To: ").encode()
    assert all(len(one.text) < 1_000_000 for one in read("a.eml", content=content) if hasattr(one, "text"))
    if name != "To":
        with pytest.raises(FormatError, match="more than 4,096 characters"):
            redact_file("a.eml", content, lambda texts: (Recognition(text, ()) for text in texts), Redactor())


def test_a_text_that_stands_within_the_message_is_read_whatever_its_name():
    named = "Content-Type: text/plain; name=a.txt\r\nContent-Disposition: {}; filename=a.txt\r\n\r\n{}"
    mail = multipart("mixed", named.format("inline", "Mary"), named.format("attachment", "Bob"))
    texts, problems = items("a.eml", mail)
    assert texts == ["Mary"]
    assert [reason for reason, _ in problems] == [
        "attachment 'a.txt' was not read; save it and read it as a file"
    ]


def test_captions_that_are_made_while_somebody_speaks():
    vtt = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n \nhello<00:00.500><c> Mary</c>\n\n"
        "00:02.000 --> 00:02.010\nhello Mary\n \n\n"
        "00:02.010 --> 00:04.000\nhello Mary\nmet<00:03.000><c> Bob</c>\n"
    )
    assert items("a.vtt", vtt) == (["hello Mary met Bob"], [])


def test_cues_with_no_line_between_them():
    srt = "00:00:01,000 --> 00:00:02,000\nMary.\n00:00:03,000 --> 00:00:04,000 X1:1\nBob\nsings.\n"
    assert items("a.srt", srt) == (["Mary.\nBob sings."], [])


def test_letters_that_a_message_says_nothing_right_about():
    (text,), problems = items("a.eml", "Content-Type: text/plain; charset=us-ascii\r\n\r\nJosé\r\n")
    assert (text, problems) == ("José", [])
    page = b"Content-Type: text/html\r\n\r\n<meta charset=koi8-r><p>" + "Мария".encode("koi8-r")
    assert items("a.eml", page) == (["Мария"], [])
    assert items("a.eml", "Subject: S\r\rMary\r\rBob\r")[0] == ["Subject: S\nMary\nBob"]


def test_lines_of_a_mail_divide_as_in_plain_text():
    body = "Dear Bob,\nI met\n\nBest\nMary Jones\nAcme Corp"
    [document] = read("a.eml", content=f"Subject: Hi\n\n{body}\n".encode())
    found = [document.text[start:end] for start, end in document.segments or ()]
    assert found[-4:] == ["I met", "Best", "Mary Jones", "Acme Corp"]
