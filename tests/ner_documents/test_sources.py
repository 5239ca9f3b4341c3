import errno
import io
import os
import sys

import pytest

from ner_documents import sources
from ner_documents.document import CorpusError
from ner_documents.reading import ReadOptions, read
from ner_documents.reading.bounded import read_safely
from ner_documents.reading.lines import bounded_lines
from ner_documents.sources import Meter, Source, find_sources, identified, open_binary, read_whole, total_size


def names(sources):
    return [source.path.rsplit("/", 1)[-1] for source in sources]


def test_folders_are_searched_deep_and_sorted_hidden_and_unknown_files_left_out(tmp_path):
    for name in (
        "b/two.txt",
        "a/one.jsonl",
        ".hidden/x.txt",
        ".y.txt",
        "z.exe",
        "out.partial/1.csv",
        "c.csv.zst",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found, left_out = find_sources([str(tmp_path)])
    assert names(found) == ["one.jsonl", "two.txt", "c.csv.zst"]
    assert [path.rsplit("/", 1)[-1] for path in left_out] == ["z.exe"]


def test_inputs_keep_their_order_and_each_file_comes_once(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(name)
    again = [f"{tmp_path}/./c.txt", f"{tmp_path}/../{tmp_path.name}"]
    found, _ = find_sources([str(tmp_path / "c.txt"), str(tmp_path / "*.txt"), *again])
    assert names(found) == ["c.txt", "a.txt", "b.txt"]
    assert total_size(found) == 3


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path, monkeypatch):
    def walk(folder, onerror):
        onerror(PermissionError(errno.EACCES, "Permission denied", f"{folder}/shut"))
        yield folder, ["shut"], ["one.txt"]

    monkeypatch.setattr(os, "walk", walk)
    found, _ = find_sources([str(tmp_path)])
    assert names(found) == ["one.txt", "shut"]
    assert [problem.lost for problem in read(found[1])] == [True]


def test_a_file_is_opened_once_to_tell_its_format(tmp_path, monkeypatch):
    (tmp_path / "letter").write_bytes(rb"{\rtf1 Mary}")
    opened = []
    real = sources.open_file
    monkeypatch.setattr(sources, "open_file", lambda path: opened.append(path) or real(path))
    [source], _ = find_sources([str(tmp_path / "letter")])
    assert (source.format, source.told) == ("rtf", "")
    assert identified(source) is source
    assert [item.text for item in read_safely(source, ReadOptions())] == ["Mary"]
    assert len(opened) == 1  # here; the separate process reads it


@pytest.mark.parametrize(
    ("given", "expected"),
    [("none.txt", "no such file"), ("*.nothing", "expected files"), ("a.exe", "unknown suffix")],
)
def test_inputs_that_cannot_be_are_named(tmp_path, given, expected):
    (tmp_path / "a.exe").write_text("x")
    with pytest.raises(CorpusError, match=expected) as caught:
        find_sources([str(tmp_path / given)])
    assert given in str(caught.value)


def test_a_folder_without_known_files_says_what_to_give(tmp_path):
    (tmp_path / "a.exe").write_text("x")
    with pytest.raises(CorpusError, match="--input-format"):
        find_sources([str(tmp_path)])
    found, _ = find_sources([str(tmp_path)], "lines")
    assert found[0].format == "lines"


@pytest.mark.parametrize("standard_input", [None, io.StringIO()])
def test_files_are_read_whatever_standard_input_is(tmp_path, monkeypatch, standard_input):
    (tmp_path / "a.txt").write_text("Mary")
    monkeypatch.setattr(sys, "stdin", standard_input)
    with open_binary(Source(str(tmp_path / "a.txt"), "text"), Meter()) as stream:
        assert stream.read() == b"Mary"


def test_urls_go_through_fsspec(tmp_path):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/part-2.jsonl", b"2")
    memory.pipe("/bucket/part-1.jsonl", b"11")
    for given in ("memory://bucket", "memory://bucket/part-*.jsonl"):
        found, _ = find_sources([given])
        assert names(found) == ["part-1.jsonl", "part-2.jsonl"]
        assert [source.size for source in found] == [2, 1]
    with open_binary(found[0], Meter()) as stream:
        assert stream.read() == b"11"
    with pytest.raises(CorpusError, match="no such file"):
        find_sources(["memory://bucket/none.jsonl"])
    with pytest.raises(CorpusError, match="nosuchscheme"):
        find_sources(["nosuchscheme://bucket/a.txt"])


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_compressed_files_read_alike_and_the_meter_counts_stored_bytes(tmp_path, compressed, compression):
    content = b"Mary sings.\n" * 1000
    packed = {None: content, "gzip": compressed(content, "gzip"), "zstd": compressed(content, "zstd")}[
        compression
    ]
    (tmp_path / "x").write_bytes(packed)
    meter = Meter()
    with open_binary(Source(str(tmp_path / "x"), "text", compression), meter) as stream:
        assert b"".join(stream) == content
    assert meter.bytes == len(packed)


def test_frames_of_zstd_behind_each_other_are_one_stream(tmp_path, compressed):
    (tmp_path / "x").write_bytes(compressed(b"one\n", "zstd") + compressed(b"two\n", "zstd"))
    with open_binary(Source(str(tmp_path / "x"), "lines", "zstd"), Meter()) as stream:
        assert [line.raw for line in bounded_lines(stream, 9)] == [b"one\n", b"two\n"]


def test_standard_input_stays_open(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Mary")))
    with open_binary(Source("-", "text"), Meter()) as stream:
        assert stream.read() == b"Mary"
    assert not sys.stdin.buffer.closed


def test_lines_longer_than_the_limit_are_cut_and_reading_goes_on():
    stream = io.BytesIO(b"\xef\xbb\xbfabcd\n" + b"x" * 3_000_000 + b"\nabc\r\n\nlast")
    lines = list(bounded_lines(stream, 4))
    assert [(line.number, line.raw, line.cut) for line in lines] == [
        (1, b"abcd\n", False),
        (2, b"xxxx", True),
        (3, b"abc\r\n", False),
        (4, b"\n", False),
        (5, b"last", False),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_what_never_ends_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(OSError, match=r"a pipe or a device, not a file: .*pipe\.txt"):
        read_whole(str(tmp_path / "pipe.txt"))
    (tmp_path / "a.txt").write_bytes(b"Mary")
    assert read_whole(str(tmp_path / "a.txt"), 4) == b"Mary"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Mary")))
    for name in (str(tmp_path / "a.txt"), "-"):
        with pytest.raises(OSError, match="larger than 0 MB"):
            read_whole(name, 3)
