"""Measure reading: pages of PDF and rows of CSV beside other programs, and the detection of encodings.

::

    python -m benchmarks.readers files --pages 500 --rows 100000 --rounds 3
    python -m benchmarks.readers encodings --texts 30    # from the gettext catalogues of this machine

Each program runs in a separate process, all in turns. Seconds are processor time, start and imports included;
MB (of 2**20 bytes) is the largest resident set. An encoding is right if it decodes to the same text.
"""

from __future__ import annotations

import csv
import gettext
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks import command_line
from ner_documents.reading.detection import guess_encoding
from tests.ner_documents.test_pdf import pdf

_WORDS = """the report of Mary Jones says that Acme Corp in Santa Clara will sell its plants near Lake Erie to
Orion Holdings and that 1,200 people keep their work until the end of next year""".split()  # noqa: SIM905
_END = """
status = open("/proc/self/status").read()
print(time.process_time(), int(status.split("VmHWM:")[1].split()[0]) // 1024, length)
"""
_OURS = """
import sys, time
from ner_documents.reading import read
length = sum(len(item.text) for item in read(sys.argv[1]))
"""
_READERS = {
    "a.pdf": {
        "ner_documents": _OURS,
        "pypdfium2, plain text": """
import sys, time
import pypdfium2
length = sum(len(page.get_textpage().get_text_range()) for page in pypdfium2.PdfDocument(sys.argv[1]))
""",
        "pypdf": """
import sys, time
import pypdf
length = sum(len(page.extract_text()) for page in pypdf.PdfReader(sys.argv[1]).pages)
""",
    },
    "a.csv": {
        "ner_documents": _OURS,
        "pandas": """
import sys, time
import pandas
length = int(pandas.read_csv(sys.argv[1])["text"].str.len().sum())
""",
        "csv module": """
import csv, sys, time
length = sum(len(row["text"]) for row in csv.DictReader(open(sys.argv[1], newline="")))
""",
    },
}

_ENCODINGS = {
    "ru": "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic", "uk": "cp1251 koi8_u iso8859_5",
    "bg": "cp1251 iso8859_5", "sr": "cp1251", "pl": "cp1250 iso8859_2", "cs": "cp1250 iso8859_2",
    "hu": "cp1250 iso8859_2", "sk": "cp1250", "sl": "cp1250", "hr": "cp1250", "ro": "iso8859_2 iso8859_16",
    "de": "cp1252 cp850 mac_roman", "fr": "cp1252 cp850 mac_roman", "es": "cp1252 cp850 mac_roman",
    "it": "cp1252", "pt_BR": "cp1252 cp850", "sv": "cp1252 cp850 mac_roman", "da": "cp1252", "fi": "cp1252",
    "tr": "cp1254", "el": "cp1253 iso8859_7", "he": "cp1255 iso8859_8", "ar": "cp1256 iso8859_6",
    "fa": "cp1256", "lt": "cp1257", "lv": "cp1257", "et": "cp1257", "vi": "cp1258", "th": "cp874",
    "ja": "cp932 euc_jp iso2022_jp", "zh_CN": "gb18030", "zh_TW": "big5", "ko": "cp949",
}  # fmt: skip
_NO_SPACES = ("ja", "th", "zh_CN", "zh_TW")
_CATALOGUES = Path("/usr/share/locale")


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def make_files(folder: Path, pages: int, rows: int) -> None:
    """Write a PDF with a running head and a page number on each page, and a table with a column of text."""
    chance = random.Random(7)
    made = [
        [
            (72, 760, "Quarterly report"),
            *((72, 730 - 14 * line, _prose(chance, 12)) for line in range(46)),
            (300, 30, str(n)),
        ]
        for n in range(1, pages + 1)
    ]
    (folder / "a.pdf").write_bytes(pdf(*made))
    with (folder / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "city"])
        writer.writerows([n, _prose(chance, 25), "Santa Clara"] for n in range(rows))


def measure_files(pages: int, rows: int, rounds: int) -> None:
    """Print seconds and megabytes of each reader."""
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), pages, rows)
        for name, readers in _READERS.items():
            taken: dict[str, list[tuple[float, int, int]]] = {reader: [] for reader in readers}
            for _ in range(rounds):
                for reader, script in readers.items():
                    command = [sys.executable, "-c", script + _END, str(Path(folder, name))]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    seconds, megabytes, length = done.stdout.split()
                    taken[reader].append((float(seconds), int(megabytes), int(length)))
            for reader, runs in taken.items():
                seconds, megabytes, length = (statistics.median(column) for column in zip(*runs, strict=True))
                print(f"{name}  {reader:<22} {seconds:6.2f} s  {megabytes:4.0f} MB  {length:,.0f} characters")


def _messages(language: str) -> list[str]:
    found = []
    for path in sorted((_CATALOGUES / language / "LC_MESSAGES").glob("*.mo"))[:40]:
        with path.open("rb") as file:
            catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
        found += [
            text.replace("\n", " ")
            for text in catalogue.values()
            if isinstance(text, str) and len(text) > 15 and not text.isascii()
            if not re.search(r"[%<>{}\\_&]|Content-Type", text)
        ]
    random.Random(5).shuffle(found)
    return found


def _samples(language: str, texts: list[str]) -> dict[str, list[str]]:
    words = [
        word[:4] if language in _NO_SPACES else word
        for text in texts
        for word in [next((one for one in re.findall(r"\w{4,}", text) if not one.isascii()), "")]
        if word
    ]
    few = [text[:10] if language in _NO_SPACES else " ".join(text.split()[:4]) for text in texts]
    five = ["\n".join(texts[number : number + 5]) for number in range(len(texts))]
    return {"a word": words, "four words": [one for one in few if not one.isascii()], "five lines": five}


def measure_encodings(count: int) -> None:
    """Print how many texts of each length are decoded correctly, in all languages and encodings."""
    right, tried = Counter[str](), Counter[str]()
    for language, encodings in _ENCODINGS.items():
        for kind, texts in _samples(language, _messages(language)).items():
            for encoding in encodings.split():
                done = 0
                for text in texts:
                    try:
                        raw = text.encode(encoding)
                    except UnicodeEncodeError:
                        continue
                    name = guess_encoding(raw).name
                    right[kind] += bool(name) and raw.decode(name, "replace") == text
                    done += 1
                    if done == count:
                        break
                tried[kind] += done
    for kind, number in tried.items():
        print(f"{kind:<11} {right[kind]:,} of {number:,} right")


def main() -> None:
    """Run the command."""
    parser = command_line(__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    files = what.add_parser("files")
    files.add_argument("--pages", type=int, default=500)
    files.add_argument("--rows", type=int, default=100_000)
    files.add_argument("--rounds", type=int, default=3)
    encodings = what.add_parser("encodings")
    encodings.add_argument("--texts", type=int, default=30)
    given = parser.parse_args()
    if given.what == "files":
        measure_files(given.pages, given.rows, given.rounds)
    else:
        measure_encodings(given.texts)


if __name__ == "__main__":
    main()
