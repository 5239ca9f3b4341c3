"""Documents that are damaged or another's; the same files redacted; names of files."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from typing import TYPE_CHECKING

from ner_core.entity import Entity, Recognition
from ner_documents.document import Document, Problem
from ner_documents.reading import ReadOptions, read, read_bounded
from ner_documents.redaction import (
    SUFFIXES,
    FormatError,
    Key,
    KeyProblem,
    Redactor,
    redact_file,
    restore_file,
)
from tests.attacks.attack import DAMAGES, Kind, sentence
from tests.ner_documents.test_office import docx, odt, p, r
from tests.ner_documents.test_pdf import lines, pdf
from tests.ner_documents.test_tables import workbook

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

MAIL = (
    b"From: Mary Jones <mary@acme.example>\nTo: bob@acme.example\nSubject: =?utf-8?q?Zo=C3=AB?=\n"
    b"Content-Type: multipart/mixed; boundary=xyz\n\n--xyz\nContent-Type: text/plain; charset=utf-8\n"
    b"Content-Transfer-Encoding: base64\n\nTWFyeSBKb25lcyBsaXZlcyBpbiBQYXJpcy4=\n--xyz\n"
    b'Content-Type: text/csv; name="a.csv"\nContent-Disposition: attachment; filename="a.csv"\n\n'
    b"who\nMary Jones\n--xyz--\n"
)
ROWS = [{"id": number, "text": f"Mary Jones {number} lives in Paris."} for number in range(30)]
TABLE = "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in ROWS)
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}{\header Acme\par}\pard\b Mary"
    rb"\b0  Jones \u235?\'e9 {\f1 \'cc\'e0}\cell in Paris\row{\*\annotation note}\par}"
)


def parquet() -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), out)
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def files() -> dict[str, bytes]:
    """One honest file of each format."""
    text = b"Mary Jones lives in Paris.\n\nBob works at Acme Corp.\n"
    cue = b"00:00:01.000 --> 00:00:02.000\nMary Jones\nlives\n\n"
    cells = [["id", "text"], *([row["id"], row["text"]] for row in ROWS)]
    return {
        "a.txt": text,
        "a.md": b"# Mary\n\n- Bob\n- `Acme`\n" + text,
        "a.html": b"<html><head><meta charset=utf-8></head><body><h1>Mary</h1><table><tr><td colspan=2>Bob"
        b"<td>Acme</table><p>Mary &amp; Bob<br>&#9731;</p></body></html>",
        "a.pdf": pdf(
            lines(72, 700, "Mary Jones lives in Paris.", "Bob works at Acme."), lines(72, 700, "Page 2")
        ),
        "a.docx": docx(p(r("Mary Jones")) + p(r("lives in Paris.")), header=p(r("Acme"))),
        "a.odt": odt("<text:h>Mary</text:h><text:p>Mary <text:s text:c='3'/>Jones</text:p>"),
        "a.rtf": RTF,
        "a.csv": TABLE.encode(),
        "a.tsv": TABLE.replace(",", "\t").encode(),
        "a.xlsx": workbook({"One": cells}),
        "a.json": json.dumps(ROWS).encode(),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
        "a.parquet": parquet(),
        "a.eml": MAIL,
        "a.mbox": b"From mary@acme.example Sat Nov 28 10:00:00 2026\n" + MAIL + b"\nFrom - \n" + MAIL,
        "a.srt": b"1\n" + cue.replace(b".000", b",000") + b"2\n" + cue.replace(b".000", b",000"),
        "a.vtt": b"WEBVTT\n\n" + cue,
        "a.conll": b"# id 1\nMary B-PER\nlives O\n\nBob B-PER\n",
        "a.zip": zipped(a_txt=text, b_csv=TABLE.encode()),
        "a.txt.gz": gzip.compress(text),
    }


def check(name: str, content: bytes | None, options: ReadOptions | None = None) -> str:
    """Read a file as `ner annotate` and the page do, and check all that comes."""
    documents = problems = 0
    for item in read_bounded(name, options, content=content, seconds=60):
        if isinstance(item, Problem):
            problems += 1
            sentence(ValueError(item.reason))
            json.dumps(item.to_dict())
            continue
        assert isinstance(item, Document)
        documents += 1
        if documents <= 200:
            for block in item.blocks:
                assert 0 <= block.start <= block.end <= len(item.text), block
            json.dumps(item.fields, default=str)
    return ("read in part" if problems else "read") if documents else "reported" if problems else "empty"


def damaged(name: str, honest: bytes, damage):
    def attempt(chance: Random, folder: Path) -> str:
        return check(name, damage(honest, chance))

    return attempt


def misnamed(name: str, others: list[bytes]):
    def attempt(chance: Random, folder: Path) -> str:
        return check(name, chance.choice([*others, chance.randbytes(chance.randrange(1, 5000)), b""]))

    return attempt


# Redaction


def recognize(texts):
    for text in texts:
        found = [Entity(m.start(), m.end(), "PER", 0.9, m[0]) for m in re.finditer("Mary Jones|Bob", text)]
        yield Recognition(text, tuple(found))


def redacted(name: str, honest: bytes, damage):
    """A damaged file is refused, or nothing that was found in it is left, and text formats come back."""

    def attempt(chance: Random, folder: Path) -> str:
        content = damage(honest, chance)
        try:
            result = redact_file(name, content, recognize, Redactor())
        except FormatError as error:
            return sentence(error)
        key = Key()
        if result.document:
            key.add(result.document)
            try:
                back, _ = restore_file(name, result.content, key)
            except (KeyProblem, FormatError) as error:
                raise AssertionError(str(error)) from error
            if result.document.encoding:
                assert back == content
        if name.endswith((".txt", ".csv", ".srt", ".tsv", ".md")):
            assert b"Mary Jones" not in result.content
        return "redacted"

    return attempt


def key_file(chance: Random, folder: Path) -> str:
    result = redact_file("a.txt", b"Mary Jones met Bob.", recognize, Redactor())
    key = Key()
    key.add(result.document)
    plain = key.to_json().encode()
    damage = chance.choice(list(DAMAGES.values()))
    try:
        read_again = Key.from_json(damage(plain, chance).decode("utf-8", "replace"), "key")
        back, _ = restore_file("a.txt", result.content, read_again)
    except (KeyProblem, FormatError) as error:
        return sentence(error)
    if read_again.documents == key.documents:
        assert back == b"Mary Jones met Bob."
    return "restored"


# Files that are none, and names that are more than names

NAMES = {
    "a line feed": "a\nb.txt",
    "quotes and dollars": "a'\"$(x)`.txt",
    "a formula": "=HYPERLINK(1).txt",
    "an option": "-rf.txt",
    "markup": "<img src=x onerror=alert(1)>.txt",
    "another direction": "\u202etxt.exe.txt",
    "bytes that are no text": os.fsdecode(b"\xff\xfe.txt"),
    "255 bytes": "n" * 251 + ".txt",
    "white space alone": " .txt",
    "a wildcard": "[a]*?.txt",
}


def named(name: str):
    def attempt(chance: Random, folder: Path) -> str:
        from ner_documents.sources import find_sources

        (folder / name).write_text("Mary Jones lives.")
        for given_name in (str(folder), str(folder / name)):
            sources, _ = find_sources([given_name])
            assert len(sources) == 1
            [document] = read(sources[0])
            assert document.text == "Mary Jones lives."
            line = json.dumps({"source": document.source})
            assert "\n" not in line
        return "read"

    return attempt


def special(make):
    def attempt(chance: Random, folder: Path) -> str:
        make(folder)
        return check(str(folder / "a.txt"), None)

    return attempt


SPECIAL = {
    "a pipe": lambda folder: os.mkfifo(folder / "a.txt"),
    "a link to an endless device": lambda folder: (folder / "a.txt").symlink_to("/dev/zero"),
    "a link to itself": lambda folder: (folder / "a.txt").symlink_to(folder / "a.txt"),
    "a folder": lambda folder: (folder / "a.txt").mkdir(),
    "gone": lambda folder: None,
}


def kinds() -> list[Kind]:
    honest = files()
    found = [
        Kind("reader", f"{name[1:]}: {called}", damaged(name, content, damage))
        for name, content in honest.items()
        for called, damage in DAMAGES.items()
    ]
    found += [
        Kind(
            "reader",
            f"{name[1:]}: another format inside",
            misnamed(name, [v for k, v in honest.items() if k != name]),
        )
        for name in honest
    ]
    found += [
        Kind("redaction", f"{name[1:]}: {called}", redacted(name, content, DAMAGES[called]))
        for name, content in honest.items()
        if name.endswith(SUFFIXES)
        for called in ("cut", "bits flipped", "pieces moved")
    ]
    found.append(Kind("redaction", "key file: damaged", key_file))
    found += [Kind("file name", called, named(name)) for called, name in NAMES.items()]
    found += [Kind("no file", called, special(make)) for called, make in SPECIAL.items()]
    return found
