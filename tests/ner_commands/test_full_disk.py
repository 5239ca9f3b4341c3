"""A disk that is full at some moment: a sentence, nothing half-written, and on it goes when there is room."""

from pathlib import Path

import pytest

import cli
from tests.model_zoo.test_bad_days import room_for
from tests.ner_app.conftest import save_lookup_model

FORMATS = ("jsonl", "csv", "xlsx", "html", "conll", "parquet", "brat", "doccano")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_lookup_model(tmp_path_factory.mktemp("models"))


@pytest.fixture
def ner(model, capsys, tmp_path, monkeypatch):
    """Run a command in a folder of its own: exit status and what it said."""
    monkeypatch.chdir(tmp_path)

    def run(command, *arguments):
        chosen = () if command == "restore" else ("--model", str(model), "--device", "CPU")
        status = cli.main([command, *arguments, *chosen])
        return status, capsys.readouterr().err

    return run


def said(error):
    assert "Traceback" not in error
    assert "File too large; nothing was written there: free some space" in error
    return True


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", FORMATS)
def test_annotate_goes_on_with_the_same_bytes(ner, tmp_path, form):
    (tmp_path / "in").mkdir()
    rows = "".join(f"Mary {number} met Priya Raman in Santa Clara.\n" for number in range(150))
    (tmp_path / "in" / "a.txt").write_text(rows)
    (tmp_path / "in" / "b.txt").write_bytes(b"no\0text\0")
    arguments = ("in", "--lines", "--format", form, "--quiet")
    assert ner("annotate", *arguments, "-o", "whole")[0] == 0
    whole = (tmp_path / "whole").read_bytes()
    for size in (0, len(whole) // 2, len(whole) - 1):
        with room_for(size):
            status, error = ner("annotate", *arguments, "-o", "out", "--resume")
        assert status == 1
        assert said(error)
        assert not (tmp_path / "out").exists()
        assert not [name for name in names(tmp_path) if name.endswith(".tmp")]
    assert ner("annotate", *arguments, "-o", "out", "--resume")[0] == 0
    assert (tmp_path / "out").read_bytes() == whole
    assert "out.partial" not in names(tmp_path)


def test_redact_and_restore_write_whole_files_or_none(ner, tmp_path):
    text = "Mary Jones (mary@acme.example) met Priya Raman.\n" * 200
    (tmp_path / "a.txt").write_text(text)
    redact = ("a.txt", "-o", "b.txt", "--key", "key.json", "--report", "report.json")
    for size in (0, 100, 5000):
        with room_for(size):
            status, error = ner("redact", *redact)
        assert status == 1
        assert said(error)
        assert "b.txt" not in names(tmp_path)
        if "key.json" in names(tmp_path):
            assert (tmp_path / "key.json").read_text().rstrip().endswith("}")
    status, error = ner("redact", *redact, "--overwrite")
    assert status == 0
    with room_for(100):
        status, error = ner("restore", "b.txt", "--key", "key.json", "-o", "c.txt")
    assert status == 1
    assert said(error)
    assert "c.txt" not in names(tmp_path)
    assert ner("restore", "b.txt", "--key", "key.json", "-o", "c.txt")[0] == 0
    assert (tmp_path / "c.txt").read_text() == text


def test_the_folder_of_the_run_may_lie_on_the_full_disk(ner, tmp_path):
    (tmp_path / "a.txt").write_text("Mary\n" * 2000)
    with room_for(1000):
        status, error = ner("annotate", "a.txt", "-o", "out.jsonl", "--work-dir", "work", "--lines")
    assert status == 1
    assert said(error)
    assert names(tmp_path) == ["a.txt", "work"]
    assert names(tmp_path / "work") == ["plan.json"]
