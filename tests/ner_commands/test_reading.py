import io
import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_commands.arguments import Failure
from ner_commands.reading import read_text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(["utf-8", "utf-16"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_as_it_was_written(tmp_path, text, encoding):
    file = tmp_path / "text.txt"
    file.write_bytes(text.encode(encoding))
    assert read_text(str(file), encoding) == text.removeprefix("\ufeff")


def test_line_ends_stay_and_the_mark_goes(tmp_path, monkeypatch):
    content = "\ufeffMary\r\nRome\r".encode()
    (tmp_path / "text.txt").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_text(str(tmp_path / "text.txt"), "utf-8") == read_text("-", "utf-8") == "Mary\r\nRome\r"


@pytest.mark.parametrize(
    ("content", "encoding", "complaint"),
    [
        (b"one\nzw\xf6lf", "utf-8", ":2: expected utf-8 text, found byte 0xf6; see --encoding"),
        (b"Mar\xff", "ascii", ":1: expected ascii text, found byte 0xff; see --encoding"),
        (b"Mary", "utf-16", ": expected utf-16 text (UTF-16 stream does not start with BOM); see --encoding"),
    ],
)
def test_another_encoding_is_one_sentence(tmp_path, content, encoding, complaint):
    file = tmp_path / "text.txt"
    file.write_bytes(content)
    with pytest.raises(Failure, match=re.escape(f"{file}{complaint}") + "$"):
        read_text(str(file), encoding)


def test_what_never_ends_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_bytes(b"Mary")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Mary")))
    for name, called in (("-", "standard input"), (str(tmp_path / "text.txt"), str(tmp_path / "text.txt"))):
        with pytest.raises(Failure, match=re.escape(f"{called}: longer than the limit of 3 bytes")):
            read_text(name, "utf-8", 3)
