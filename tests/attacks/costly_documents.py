"""Documents that lie, or are made to cost much."""

from __future__ import annotations

import functools
import gzip
import io
import zipfile
from typing import TYPE_CHECKING

from tests.attacks.attack import Kind
from tests.attacks.documents import check, zipped
from tests.ner_documents.test_office import docx, odt, p, r
from tests.ner_documents.test_pdf import lines, pdf
from tests.ner_documents.test_tables import workbook

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


def given(name: str, make):
    def attempt(chance: Random, folder: Path) -> str:
        return check(name, make(chance))

    return attempt


@functools.cache
def bomb() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx(""))) as honest,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in honest.namelist():
            with made.open(name, "w") as target:
                target.write(honest.read(name))
                for _ in range(250 if name == "word/document.xml" else 0):
                    target.write(b"a" * 1_000_000)
    return out.getvalue()


@functools.cache
def packed_zeros() -> bytes:
    return gzip.compress(bytes(300_000_000), 1)


def nested_zip(chance: Random) -> bytes:
    content = zipped(a_txt=b"Mary")
    for _ in range(chance.randrange(2, 30)):
        content = zipped(a_zip=content)
    return content


def lying_zip(chance: Random) -> bytes:
    content = bytearray(zipped(a_txt=b"Mary " * 1000))
    central = content.rindex(b"PK\x01\x02")
    content[central + 24 : central + 28] = chance.choice((b"\xff\xff\xff\x7f", b"\x01\x00\x00\x00"))
    return bytes(content)


def entities(chance: Random) -> bytes:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "Mary">{levels}]><w:document>&e9;</w:document>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx(""))) as honest, zipfile.ZipFile(out, "w") as archive:
        for name in honest.namelist():
            archive.writestr(name, xml if name == "word/document.xml" else honest.read(name))
    return out.getvalue()


def pages_without_end(chance: Random) -> bytes:
    honest = pdf(lines(72, 700, "Mary"))
    return honest.replace(b"/Count 1", b"/Count 999999999").replace(
        b"/Kids [4 0 R]", b"/Kids [2 0 R 4 0 R 2 0 R]"
    )


def sheet_of_a_million_rows(chance: Random) -> bytes:
    honest = workbook({"One": [["text"], ["Mary"]]})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(honest)) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            content = archive.read(name)
            if "worksheets" in name:
                place = chance.choice((b'r="XFD1048576"', b'r="A1048576"', b'r="ZZZZ99999999"'))
                content = content.replace(b'r="A2"', place)
            made.writestr(name, content)
    return out.getvalue()


COSTLY = {
    ("a.docx", "unpacks to hundreds of megabytes"): lambda chance: bomb(),
    ("a.docx", "entities that expand"): entities,
    ("a.docx", "cells over two thousand million columns"): lambda chance: docx(
        "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2000000000'/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>"
    ),
    ("a.docx", "tables nested deeply"): lambda chance: docx(
        "<w:tbl><w:tr><w:tc>" * (n := chance.randrange(50, 3000)) + p(r("x")) + "</w:tc></w:tr></w:tbl>" * n
    ),
    ("a.odt", "spaces by the thousand million"): lambda chance: odt(
        "<text:p>Mary<text:s text:c='2000000000'/>Jones</text:p>"
    ),
    ("a.zip", "archives in archives"): nested_zip,
    ("a.zip", "sizes that lie"): lying_zip,
    ("a.zip", "names that lead outside"): lambda chance: zipped(
        **{chance.choice(("../../outside.txt", "/etc/outside.txt", "..\\outside.txt", "a/../../o.txt")): b"x"}
    ),
    ("a.zip", "ten thousand members"): lambda chance: zipped(**{f"{n}.txt": b"x" for n in range(10_000)}),
    ("a.txt.gz", "unpacks to hundreds of megabytes"): lambda chance: packed_zeros(),
    ("a.html", "tags that are never closed"): lambda chance: (
        chance.choice((b"<p>", b"<!--", b"<td>", b"<b><p>")) * 40_000
    ),
    ("a.html", "nested deeply"): lambda chance: b"<div>" * chance.randrange(1000, 60_000) + b"Mary",
    ("a.html", "attributes by the thousand"): lambda chance: b"<p " + b"a=1 " * 100_000 + b">Mary",
    ("a.html", "references that are none"): lambda chance: b"&#x110000;&#-1;&#99999999999;&amp" * 5000,
    ("a.csv", "hundreds of thousands of columns"): lambda chance: b"a," * 200_000 + b"\n" + b"1," * 200_000,
    ("a.csv", "quotes without end"): lambda chance: b';"\n' * 21_300,
    ("a.csv", "one cell of megabytes"): lambda chance: b'text\n"' + b"Mary " * 1_000_000 + b'"\n',
    ("a.csv", "NUL and control characters"): lambda chance: (
        b"text\n" + bytes(chance.choices(range(32), k=500))
    ),
    ("a.json", "nested deeply"): lambda chance: (
        b'{"text":' + b"[" * (n := chance.randrange(500, 200_000)) + b"]" * n + b"}"
    ),
    ("a.json", "numbers that are none"): lambda chance: (
        b'[{"text": "Mary", "n": 1e999, "m": -1e999, "k": NaN}]'
    ),
    ("a.json", "a number of thousands of digits"): lambda chance: (
        b'[{"text": "Mary", "n": ' + b"9" * 10_000 + b"}]"
    ),
    ("a.jsonl", "a line without end"): lambda chance: b'{"text": "' + b"x" * 70_000_000,
    ("a.jsonl", "the same key again and again"): lambda chance: (
        b'{"text": "a", ' + b'"text": "b", ' * 50_000 + b'"x": 1}'
    ),
    ("a.rtf", "groups nested deeply"): lambda chance: (
        b"{\\rtf1 " + b"{" * chance.randrange(1000, 300_000) + b"Mary"
    ),
    ("a.rtf", "binary data that lies"): lambda chance: b"{\\rtf1 Mary\\bin2147483647 Jones}",
    ("a.eml", "parts nested deeply"): lambda chance: (
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
            for n in range(chance.randrange(50, 1500))
        )
        + b"\nMary"
    ),
    ("a.eml", "headers without end"): lambda chance: b"X: " + b"a\n " * 200_000 + b"\n\nMary",
    ("a.eml", "encodings that nobody knows"): lambda chance: (
        b"Subject: =?x?q?=ZZ?= =?utf-8?b?%%?=\n"
        b"Content-Type: text/plain; charset=\"\xff\"; charset*0*=x''%\n\nMary \xff"
    ),
    ("a.mbox", "messages by the ten thousand"): lambda chance: b"From - \n\n" * 20_000,
    ("a.srt", "times that are none"): lambda chance: b"1\n99:99:99,999 --> -1:00:00,000\nMary\n\n" * 500,
    ("a.pdf", "pages without end"): pages_without_end,
    ("a.pdf", "a stream that lies about its length"): lambda chance: pdf(lines(72, 700, "Mary")).replace(
        b"/Length ", b"/Length 99999999"
    ),
    ("a.xlsx", "a cell at the end of the sheet"): sheet_of_a_million_rows,
    ("a.conll", "columns by the thousand"): lambda chance: b"Mary " + b"O " * 100_000 + b"\n",
    ("a.txt", "no text"): lambda chance: chance.randbytes(5000),
    ("a.txt", "marks of direction, lone surrogates, noncharacters"): lambda chance: (
        ("\u202eyraM\u2066\ufffe\U0010ffff\ufeff" * 200).encode() + b"\xed\xa0\x80"
    ),
    ("a.txt", "combining marks without end"): lambda chance: ("M" + "\u0301" * 100_000).encode(),
}


def kinds() -> list[Kind]:
    return [
        Kind("costly document", f"{name[1:]}: {called}", given(name, make), costly=True)
        for (name, called), make in COSTLY.items()
    ]
