"""Commands without ``--model``: the language of the text chooses, and the answer says which model it was."""

import json
import sys

import pytest

import cli
import model_zoo

ENGLISH = "Mary lives in the New York of San Santa and An."
GERMAN = "Anna wohnt mit ihrer Mutter in der Stadt San Santa."


@pytest.fixture
def by_language(capsys, two_models):
    """Run a command with the tiny model under the names of both embedded ones."""

    def run(*arguments):
        try:
            status = cli.main([*arguments, "--device", "CPU", "--models-dir", str(two_models)])
        except SystemExit as leaving:
            status = leaving.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_the_language_chooses_the_model_and_the_answer_says_so(by_language):
    status, out, err = by_language("recognize", GERMAN, "--format", "json")
    assert (status, err) == (0, "ner: answered by multilingual-ner\n")
    assert json.loads(out)["parts"] == [{"start": 0, "end": len(GERMAN), "model": "multilingual-ner"}]
    _, _, err = by_language("recognize", f"{ENGLISH}\n\n{GERMAN}")
    border = len(ENGLISH) + 2
    assert err == (
        f"ner: answered by minilm-ner (0-{border}), multilingual-ner ({border}-{border + len(GERMAN)})\n"
    )


def test_which_models_answered_many_texts(by_language, tmp_path):
    (tmp_path / "a.csv").write_text(f"text\n{GERMAN}\n{ENGLISH}\n{GERMAN}\n")
    status, _, err = by_language("recognize", "--file", str(tmp_path / "a.csv"), "--format", "jsonl")
    assert (status, err) == (0, "ner: answered by multilingual-ner (2 texts), minilm-ner (1 text)\n")


def test_without_the_second_model_the_first_answers_and_says_so(by_language, monkeypatch):
    monkeypatch.setattr("model_zoo.by_language.OTHER_LANGUAGES_MODEL", "no-such-model")
    status, _, err = by_language("recognize", GERMAN)
    assert status == 0
    assert err.startswith("ner: answered by minilm-ner\nner: note: This text does not look English.")


def test_files_are_redacted_by_the_model_of_their_language(by_language, tmp_path):
    (tmp_path / "a.txt").write_text(GERMAN)
    status, _, err = by_language("redact", str(tmp_path / "a.txt"), "-o", str(tmp_path / "b.txt"))
    assert status == 0, err
    assert "San Santa" not in (tmp_path / "b.txt").read_text()


@pytest.mark.parametrize(
    "arguments",
    [("recognize", "x", "--model-labels", "O"), ("evaluate", "a.conll", "--protocol", "omz")],
)
def test_what_is_about_one_model_needs_its_name(by_language, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conll").write_text("Mary B-PER\n\n")
    status, _, err = by_language(*arguments)
    assert (status, "name it with --model" in err) == (2, True)


def test_a_corpus_is_evaluated_by_the_models_of_its_languages(by_language, tmp_path):
    (tmp_path / "a.conll").write_text(
        "\n".join(f"{word} O" for word in GERMAN.split()) + "\n\nMary B-PER\n\n"
    )
    status, out, err = by_language("evaluate", str(tmp_path / "a.conll"), "--format", "json")
    assert status == 0, err
    assert json.loads(out)["model"] == "auto"


def test_a_corpus_is_annotated_by_the_models_of_its_languages(by_language, tmp_path, two_models):
    (tmp_path / "a.txt").write_text(f"{GERMAN}\n{ENGLISH}\n")
    output = tmp_path / "out.jsonl"
    status, _, err = by_language("annotate", str(tmp_path / "a.txt"), "--lines", "-o", str(output))
    assert status == 0, err
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    found = model_zoo.load("auto", device="CPU", models_dir=two_models).batch([GERMAN, ENGLISH])
    expected = [[entity.text for entity in one.entities] for one in found]
    assert [[entity["text"] for entity in row["entities"]] for row in rows] == expected


def test_a_run_goes_on_only_with_both_models(by_language, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(GERMAN)
    arguments = ("annotate", str(tmp_path / "a.txt"), "-o", str(tmp_path / "out.jsonl"))
    with monkeypatch.context() as stopping:
        stopping.setattr("ner_corpora.run.assemble", lambda *_: sys.exit(1))
        by_language(*arguments)
    plan = json.loads((tmp_path / "out.jsonl.partial" / "plan.json").read_text())
    assert plan["model"]["name"] == "auto"
    assert plan["model"]["other_languages"]["labels"].startswith("O B-PER")
    monkeypatch.setattr("ner_commands.annotate.OTHER_LANGUAGES_MODEL", "no-such-model")
    status, _, err = by_language(*arguments, "--resume")
    assert status == 1
    assert "model" in err
