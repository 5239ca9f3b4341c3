"""The page's Documents tab and `ner annotate` find the same in the same files."""

import json
import random
import threading

import pytest

import cli
from ner_app.batch import work_through
from ner_app.findings import Findings
from ner_app.service import Choice
from tests.attacks.attack import DAMAGES
from tests.attacks.documents import files
from tests.ner_app.conftest import NAMES


def mixed(folder, count):
    """Files of every format, each with names of its own, some of them damaged."""
    chance, honest = random.Random(17), files()
    folder.mkdir()
    for number in range(count):
        name, content = chance.choice(list(honest.items()))
        if name.endswith(
            (".txt", ".md", ".html", ".csv", ".tsv", ".json", ".jsonl", ".srt", ".vtt", ".conll")
        ):
            content = content.replace(b"Mary", chance.choice(list(NAMES)).encode())
        if chance.random() < 0.1:
            content = chance.choice(list(DAMAGES.values()))(content, chance)
        (folder / f"{number:04d}-{name}").write_bytes(content)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("count", [24, pytest.param(1000, marks=pytest.mark.nightly)])
def test_same_entities(service, lookup_models, tmp_path, count):
    paths = mixed(tmp_path / "in", count)
    findings = Findings(tmp_path)
    for _ in work_through(service, Choice("lookup", "CPU"), findings, paths, "", 0.0, "", threading.Event()):
        pass
    model = str(lookup_models / "public" / "lookup" / "FP32")
    out = tmp_path / "out.jsonl"
    assert cli.main(
        ["annotate", *map(str, paths), "-o", str(out), "--model", model, "--device", "CPU", "--quiet"]
    ) in (0, 1)
    command, page = {}, {}
    for found, lines in ((command, out), (page, tmp_path / "documents.jsonl")):
        for line in lines.read_text("utf-8").splitlines():
            row = json.loads(line)
            entities = [(one["start"], one["end"], one["label"], one["text"]) for one in row["entities"]]
            found.setdefault(json.dumps(entities), 0)
            found[json.dumps(entities)] += 1
    assert command == page
    assert sum(command.values()) > count
