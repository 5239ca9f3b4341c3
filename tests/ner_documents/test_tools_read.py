"""What is written for annotation tools is read back by their own loaders, in environments of their own."""

import json
import os
import random
import subprocess
import venv
from pathlib import Path

import pytest

import ner_documents

TEXT = "\U0001f600 Mary Jones\nmet Ann in New\r\nYork."
PIECES = [
    "Mary", "Ann", "x", " ", "  ", "\n", "\r\n", ".", "-", "\U0001f600", "e\u0301", "'s",
    "\t", "\v", "\u2028",
]  # fmt: skip

_BEGIN = """
import io, json, sys, zipfile
from pathlib import Path
from ner_documents.writing.tools import marked, write_marked

documents = [marked(*one) for one in json.load(sys.stdin)]

def written(name):
    target = io.BytesIO()
    write_marked(documents, target, name)
    return target.getvalue()
"""

_SPACY = """
import spacy
from spacy import displacy
from spacy.tokens import DocBin

docs = DocBin().from_bytes(written("spacy")).get_docs(spacy.blank("en").vocab)
found = [[doc.text, [[one.start_char, one.end_char, one.label_] for one in doc.ents]] for doc in docs]
assert "Mary Jones" in displacy.render(json.loads(written("displacy")), style="ent", manual=True)
print(json.dumps(found))
"""

_LABEL_STUDIO = """
from label_studio_sdk.label_interface import LabelInterface

labels = '<Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
interface = LabelInterface(f'<View>{labels}<Text name="text" value="$text"/></View>')
found = []
for task in json.loads(written("label-studio")):
    assert interface.validate_prediction(task["predictions"][0], return_errors=True) == []
    values = [one["value"] for one in task["predictions"][0]["result"]]
    assert all(task["data"]["text"][one["start"]:one["end"]] == one["text"] for one in values)
    spans = [[one["start"], one["end"], *one["labels"]] for one in values]
    found.append([task["data"]["text"], spans])
print(json.dumps(found))
"""

_BRAT = """
from bioc import brat
from pybrat.parser import BratParser

zipfile.ZipFile(io.BytesIO(written("brat"))).extractall("brat")
by_pybrat = {}
for one in BratParser().parse("brat"):
    by_pybrat[one.id] = sorted([each.spans[0].start, each.spans[-1].end, each.type] for each in one.entities)
found = []
for number, path in enumerate(sorted(Path("brat").glob("*.ann"))):
    with path.with_suffix(".txt").open(newline="") as text, path.open() as lines:
        document = brat.load(text, lines)
    spans = sorted([*each.total_span, each.type] for each in document.entities)
    assert spans == by_pybrat[path.stem]
    whole = documents[number].text
    assert document.text == whole.replace("\\r\\n", " \\n").replace("\\r", "\\n")
    found.append([whole, spans])
print(json.dumps(found))
"""


def documents():
    chance = random.Random(1)
    made = [["a", TEXT, [(2, 12, "PER"), (17, 20, "PER"), (24, 33, "LOC")]]]
    for number in range(500):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 12)))
        borders = sorted(chance.sample(range(len(text) + 1), min(len(text) + 1, chance.choice((0, 2, 4)))))
        spans = zip(borders[::2], borders[1::2], strict=False)
        made.append(
            [f"a:{number}", text, [(a, b, "PER") for a, b in spans if text[a:b] == text[a:b].strip()]]
        )
    return made


def marked(text, start, end, label):
    return {"start": start, "end": end, "label": label, "score": 0.5, "text": text[start:end]}


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("packages", "script"),
    [(("spacy",), _SPACY), (("label-studio-sdk",), _LABEL_STUDIO), (("pybrat", "bioc"), _BRAT)],
    ids=["spacy", "label-studio", "brat"],
)
def test_their_own_loaders_read_every_span(tmp_path, packages, script):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    needed = ("openvino", "tokenizers", "numpy")
    subprocess.run([python, "-m", "pip", "install", "-q", *packages, *needed], check=True)
    given = [[name, text, [marked(text, *span) for span in spans]] for name, text, spans in documents()]
    environment = {**os.environ, "PYTHONPATH": str(Path(ner_documents.__file__).parents[1])}
    done = subprocess.run(
        [python, "-c", _BEGIN + script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        [text, [list(span) for span in spans]] for _, text, spans in documents()
    ]
