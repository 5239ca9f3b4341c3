"""``ner redact`` and ``ner restore`` as people use them."""

import io
import json
import os
import sys

import pytest
from filelock import FileLock

import cli
from ner_documents import bounded

TEXT = "Ask Mary Jones (mary@acme.example).\r\n"


@pytest.fixture
def ner(capfdbinary, tiny_ir, tmp_path, monkeypatch):
    """Run a command in a folder of its own: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("Mary Jones\nBob\n")
    model = ["--labels", "EMAIL", "--model", str(tiny_ir), "--device", "CPU", "--names", "names.txt"]

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            status = cli.main([arguments[0], *(model if arguments[0] == "redact" else []), *arguments[1:]])
        except SystemExit as leaving:
            status = leaving.code
        out, err = capfdbinary.readouterr()
        return status, out, err.decode()

    return run


def test_a_file_goes_and_comes_back(ner, tmp_path):
    (tmp_path / "a.txt").write_text(TEXT, newline="")
    status, out, err = ner("redact", "a.txt", "-o", "b.txt", "--key", "key.json", "--report", "report.json")
    assert (status, out) == (0, b"")
    assert err.splitlines() == [
        "ner: a.txt: 2 replaced (1 NAME, 1 EMAIL)",
        "ner: only what was found is replaced: read the result before you pass it on",
    ]
    assert (tmp_path / "b.txt").read_bytes() == b"Ask NAME_1 (EMAIL_1).\r\n"
    assert json.loads((tmp_path / "report.json").read_text())[0]["replaced"][0] == {
        "text": "Mary Jones",
        "label": "NAME",
        "found_by": "list",
        "score": 1.0,
        "placeholder": "NAME_1",
        "unsure": False,
    }
    assert (tmp_path / "key.json").stat().st_mode & 0o077 == 0
    assert ner("restore", "b.txt", "--key", "key.json") == (0, TEXT.encode(), "")
    assert ner("restore", "b.txt", "--key", "key.json", "-o", "c.txt")[0] == 0
    assert (tmp_path / "c.txt").read_bytes() == TEXT.encode()
    assert ner("restore", "b.txt", "--key", "key.json", "-o", "c.txt")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("a.txt", "b.txt", "c.txt", "key.json", "names.txt", "report.json")
    ]


def test_what_is_hardly_a_name_goes_too(tmp_path, capsys):
    """The core leaves such a span out by default: redaction must not."""
    (tmp_path / "a.txt").write_text("Grand Opening Sunday")
    given = ["redact", str(tmp_path / "a.txt"), "-o", str(tmp_path / "b.txt"), "--model", "minilm-ner"]
    assert cli.main([*given, "--device", "CPU"]) == 0
    assert (tmp_path / "b.txt").read_text() == "MISC_1 Sunday"
    assert cli.main(["recognize", "Grand Opening Sunday", "--model", "minilm-ner", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["entities"] == []


def test_one_numbering_over_files_and_runs(ner, tmp_path):
    for name, text in (("a.txt", "Bob"), ("b.txt", "Mary Jones, BOB"), ("c.txt", "Mary Jones")):
        (tmp_path / name).write_text(text)
    assert ner("redact", "a.txt", "b.txt", "-o", "out", "--key", "key.json")[0] == 0
    assert ner("redact", "c.txt", "-o", "out/", "--key", "key.json")[0] == 0
    results = [(tmp_path / "out" / name).read_text() for name in ("a.txt", "b.txt", "c.txt")]
    assert results == ["NAME_1", "NAME_2, NAME_1", "NAME_2"]
    assert ner("restore", "out/b.txt", "--key", "key.json")[1] == b"Mary Jones, BOB"


def test_a_pipe(ner):
    assert ner("redact", "-", "-o", "-", "--operator", "mask", stdin=b"Bob!")[1] == "███!".encode()
    status, out, _ = ner("redact", "-", "-o", "-", "--key", "key.json", stdin=b"Bob!")
    assert (status, out) == (0, b"NAME_1!")
    assert ner("restore", "-", "--key", "key.json", stdin=out)[1] == b"Bob!"


def test_a_bad_file_does_not_stop_the_others(ner, tmp_path):
    (tmp_path / "a.jsonl").write_text("{")
    (tmp_path / "b.txt").write_text("Bob")
    status, _, err = ner("redact", "a.jsonl", "b.txt", "missing.txt", ".", "-o", "out")
    assert status == 1
    assert "ner: a.jsonl: line 1 is not JSON" in err
    assert "ner: missing.txt: No such file or directory" in err
    assert "ner: .: is a folder; name the files in it" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.txt"]


def test_names_of_outputs_may_be_as_long_as_the_system_allows_and_are_told_as_given(ner, tmp_path):
    long = "名" * 83 + ".txt"
    assert ner("redact", "-", "-o", long, stdin=b"Bob")[0] == 0
    assert (tmp_path / long).read_text() == "NAME_1"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_only_a_file_is_written_over(ner, tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    for arguments in (("-o", "c.txt", "--report", "."), ("-o", "pipe.txt")):
        status, _, err = ner("redact", "names.txt", *arguments, "--overwrite")
        message = f"ner: {arguments[-1]}: is a folder, a pipe or a device, not a file; give another name\n"
        assert (status, err) == (2, message)
    status, _, err = ner("redact", "names.txt", "-o", "loop.txt", "--overwrite")
    assert (status, err) == (1, "ner: loop.txt: Too many levels of symbolic links\n")
    assert (tmp_path / "pipe.txt").is_fifo()
    assert (tmp_path / "loop.txt").is_symlink()


def test_a_reader_that_has_left_is_no_error(ner, monkeypatch):
    ending, left = os.pipe()
    os.close(ending)
    with os.fdopen(left, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert ner("redact", "names.txt", "-o", "-")[::2] == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a.txt", "-o", "a.txt"], 2, "a.txt: is given as FILE and as -o; give -o another name"),
        (["a.txt", "-o", "c.txt", "--report", "a.txt"], 2, "a.txt: is given as FILE and as --report"),
        (["a.txt", "-o", "c.txt", "--report", "./c.txt"], 2, "c.txt: is given as -o and as --report"),
        (["a.txt", "-o", "c.txt", "--report", "b.txt"], 2, "b.txt: already exists"),
        (["a.txt", "-o", "c.txt", "--key", "c.txt"], 2, "c.txt: is given as --key and as -o"),
        (["a.txt", "-o", "c.txt", "--key", "k", "--report", "k"], 2, "k: is given as --key and as --report"),
        (["a.txt", "-o", "names.txt", "--overwrite"], 2, "names.txt: is given as --names and as -o"),
        (["a.txt", "-o", "c.txt", "--regions", "DE,XX"], 2, "country codes such as DE,FR, found XX"),
        (["a", "-o", "c.txt"], 2, "c.txt: the format does not change; expected a name without a suffix"),
        (["a.txt", "-o", "b.txt"], 2, "b.txt: already exists; give another name, or --overwrite"),
        (
            ["a.txt", "-o", "c.pdf"],
            2,
            "c.pdf: the format does not change; expected a name that ends with .txt",
        ),
        (["a.txt", "b.txt", "-o", "b.txt"], 2, "b.txt: is a file; several files need a folder"),
        (["a.txt", "b.txt", "-o", "-"], 2, "-o -: several files need a folder"),
        (["a.txt", "./a.txt", "-o", "out/"], 2, "two files would get this name"),
        (["a.txt", "-o", ""], 2, "output: expected a value, found an empty one"),
        (["a.txt", "-o", "c.txt", "--key", ""], 2, "key: expected a value, found an empty one"),
        (["a.txt", "-o", "c.txt", "--operator", "hash"], 2, "--operator hash needs --key FILE"),
        (["a.txt", "-o", "c.txt", "--key", "b.txt"], 1, "b.txt: is not a ner-zoo redaction key"),
        (["a.txt", "-o", "c.txt", "--key", "no/key"], 1, "no/key: folder no does not exist"),
        (["a.txt", "-o", "c.txt", "--labels", "XYZ,IP"], 2, "--labels: There is no label 'XYZ'; there are "),
        (["a.txt", "-o", "c.txt", "--allow", "missing"], 1, "missing: No such file or directory"),
    ],
)
def test_misuse(ner, tmp_path, arguments, status, message):
    (tmp_path / "a.txt").write_text("Bob")
    (tmp_path / "b.txt").write_text("Bob")
    found, out, err = ner("redact", *arguments)
    assert (found, out) == (status, b"")
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt", "names.txt"]


def test_the_lock_of_a_key_spares_a_file_of_that_name_and_waits_for_nobody(ner, tmp_path):
    (tmp_path / "a.txt").write_text("Bob")
    (tmp_path / "poetry.lock").write_text("of a package manager")
    status, _, err = ner("redact", "a.txt", "-o", "b.txt", "--key", "poetry")
    assert (status, "poetry.lock: is a file of another program" in err) == (1, True)
    assert (tmp_path / "poetry.lock").read_text() == "of a package manager"
    with FileLock(tmp_path / "key.lock"):
        status, _, err = ner("redact", "a.txt", "-o", "b.txt", "--key", "key")
    assert (status, "key: another run is using it; wait" in err) == (1, True)


def test_restore_says_what_is_wrong(ner, tmp_path):
    (tmp_path / "a.txt").write_text("Bob")
    assert ner("redact", "a.txt", "-o", "b.txt", "--key", "key.json")[0] == 0
    status, _, err = ner("restore", "a.txt", "--key", "key.json")
    assert (status, err) == (
        1,
        "ner: a.txt: was not redacted with this key, and holds none of its placeholders\n",
    )
    assert ner("restore", "a.txt", "--key", "a.txt")[2].startswith(
        "ner: a.txt: is not a ner-zoo redaction key"
    )
    assert ner("restore", "b.txt", "--key", "key.json", "-o", "./key.json", "--overwrite") == (
        2,
        b"",
        "ner: ./key.json: is given as --key and as -o; give -o another name\n",
    )


def test_a_library_that_aborts_on_a_file_takes_that_file_alone(ner, tmp_path, monkeypatch):
    (tmp_path / "pypdfium2.py").write_text("import os\n\nos.abort()\n")
    monkeypatch.syspath_prepend(tmp_path)
    bounded._end_idle()  # those know the real one
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "b.html").write_text("<p>Ask Bob.</p>")
    (tmp_path / "c.txt").write_text("Ask Bob.")
    status, _, err = ner("redact", "a.pdf", "b.html", "c.txt", "-o", "out", "--key", "key.json")
    bounded._end_idle()
    assert status == 1
    assert "a.pdf: the library that redacts crashed (SIGABRT)" in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.html", "c.txt"]
    assert (tmp_path / "out" / "b.html").read_text() == "<p>Ask NAME_1.</p>"
    assert (tmp_path / "out" / "c.txt").read_text() == "Ask NAME_1."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_a_pipe_that_nobody_writes_to_ends_in_a_sentence(ner, tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    os.mkfifo(tmp_path / "pipe.txt")
    for arguments in (
        ("redact", "pipe.txt", "-o", "b.txt"),
        ("redact", "a.txt", "-o", "b.txt", "--allow", "pipe.txt"),
        ("restore", "a.txt", "--key", "pipe.txt"),
    ):
        status, out, err = ner(*arguments)
        assert (status, out) == (1, b"")
        assert err.startswith("ner: pipe.txt: is a folder, a pipe or a device, not a file")
