"""Archives that are honest and archives that are not; text that is replaced once."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_zoo.catalog.archives import Limits
from model_zoo.catalog.schema import RegexReplace, UnpackArchive
from model_zoo.download import postprocessing
from model_zoo.download.postprocessing import (
    PostprocessingError,
    is_done,
    original,
    postprocess,
    unpack,
)

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = {
    "package/code.py": b"import this\nimport that\n",
    "package/data/x.bin": bytes(300),
    "top.txt": b"top",
}
TAR_MODES = {"tar": "w", "gztar": "w:gz", "bztar": "w:bz2", "xztar": "w:xz"}


def make_archive(path: Path, kind: str, members: dict[str, bytes]) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, TAR_MODES[kind]) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".partial" not in path.parts
    }


@pytest.mark.parametrize("kind", ["zip", *TAR_MODES])
def test_archives_unpack_beside_themselves_and_stay(tmp_path, kind):
    archive = make_archive(tmp_path / "in.archive", kind, MEMBERS)
    before = archive.read_bytes()
    step = UnpackArchive(file="in.archive", format=kind)
    postprocess([step], tmp_path)
    there = everything(tmp_path)
    assert there.pop("in.archive") == before
    del there[".postprocessing.json"]
    assert there == MEMBERS
    assert is_done([step], tmp_path)


def test_what_a_killed_process_unpacked_is_removed(tmp_path, monkeypatch):
    archive = make_archive(tmp_path / "in.archive", "zip", MEMBERS)
    with monkeypatch.context() as patch:
        patch.setattr(postprocessing.shutil, "rmtree", lambda *_, **__: None)  # killed before
        unpack(archive, "zip", tmp_path)
    (tmp_path / ".partial" / "unpacked" / "left").write_bytes(b"of an earlier version")
    unpack(archive, "zip", tmp_path)
    assert everything(tmp_path).keys() == {"in.archive", *MEMBERS}
    assert not list((tmp_path / ".partial").iterdir())


def hostile_tar(path: Path, kind: str) -> Path:
    with tarfile.open(path, "w") as archive:
        good = tarfile.TarInfo("good.txt")
        good.size = 4
        archive.addfile(good, io.BytesIO(b"good"))
        entry = tarfile.TarInfo({"absolute": "/hostile", "parent": "../hostile"}.get(kind, "hostile"))
        entry.type = {
            "symlink": tarfile.SYMTYPE,
            "hardlink": tarfile.LNKTYPE,
            "character device": tarfile.CHRTYPE,
            "block device": tarfile.BLKTYPE,
            "fifo": tarfile.FIFOTYPE,
        }.get(kind, tarfile.REGTYPE)
        entry.linkname = "/etc/passwd" if "link" in kind else ""
        archive.addfile(entry)
        behind = tarfile.TarInfo("hostile/behind the link")
        if kind == "symlink":
            archive.addfile(behind)
    return path


@pytest.mark.parametrize(
    "kind", ["absolute", "parent", "symlink", "hardlink", "character device", "block device", "fifo"]
)
def test_hostile_tar_members_refuse_the_whole_archive(tmp_path, kind):
    folder = tmp_path / "model"
    folder.mkdir()
    archive = hostile_tar(folder / "in.tar", kind)
    with pytest.raises(
        PostprocessingError, match=r"in.tar: member '.*hostile' (is a link or a device|would be written)"
    ):
        unpack(archive, "tar", folder)
    assert list(everything(tmp_path)) == ["model/in.tar"]


@pytest.mark.parametrize(
    "name", ["/hostile", "../hostile", "a/../../hostile", "..\\hostile", "C:\\hostile", ".partial/x"]
)
def test_hostile_zip_names_refuse_the_whole_archive(tmp_path, name):
    folder = tmp_path / "model"
    folder.mkdir()
    archive = make_archive(folder / "in.zip", "zip", {"good.txt": b"good", name: b"bad"})
    with pytest.raises(PostprocessingError, match=r"would be written outside the folder|reserved"):
        unpack(archive, "zip", folder)
    assert list(everything(tmp_path)) == ["model/in.zip"]


def test_a_symlink_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(PostprocessingError, match="is a link or a device"):
        unpack(tmp_path / "in.zip", "zip", tmp_path)


def test_a_link_that_lies_in_the_folder_is_not_followed(tmp_path):
    folder, outside = tmp_path / "model", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "package").symlink_to(outside)
    archive = make_archive(folder / "in.zip", "zip", MEMBERS)
    with pytest.raises(PostprocessingError, match="outside"):
        unpack(archive, "zip", folder)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_bombs_are_bounded_by_what_comes_out(tmp_path, kind):
    archive = make_archive(tmp_path / "in", kind, {"bomb": bytes(5_000_000)})
    with pytest.raises(PostprocessingError, match="expected at most 1000000 bytes in it, found more"):
        unpack(archive, kind, tmp_path, Limits(size=1_000_000))
    assert list(everything(tmp_path)) == ["in"]


@pytest.mark.parametrize("header", ["long name", "extended", "shared", "nested", "sparse"])
def test_headers_are_bounded_before_they_are_read(tmp_path, header):
    archive = tmp_path / "in"
    entry = tarfile.TarInfo("././@LongLink")
    entry.type = {
        "long name": tarfile.GNUTYPE_LONGNAME,
        "extended": tarfile.XHDTYPE,
        "shared": tarfile.XGLTYPE,
        "nested": tarfile.GNUTYPE_LONGNAME,
        "sparse": tarfile.GNUTYPE_SPARSE,
    }[header]
    entry.size = 512 if header == "nested" else 8 << 20
    block = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    if header == "sparse":  # one block of the map after the other
        block[482] = 1
        block[148:156] = b"%06o\0 " % (sum(block[:148]) + 256 + sum(block[156:]))
    with gzip.open(archive, "wb", compresslevel=1) as stream:
        stream.write(bytes(block))
        more = bytes(504) + b"\1" + bytes(7) if header == "sparse" else bytes(512) + bytes(block)
        for _ in range(8):
            stream.write(more * (700 if header in ("nested", "sparse") else 1))
            if header not in ("nested", "sparse"):
                stream.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(PostprocessingError, match=r"bytes of headers for a member|readable .* archive"):
        unpack(archive, "gztar", tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert list(everything(tmp_path)) == ["in"]


def test_headers_for_all_members_are_bounded(tmp_path):
    with tarfile.open(tmp_path / "in", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.pax_headers = {f"key{number}": "x" for number in range(101)}
        info = tarfile.TarInfo("a")
        archive.fileobj.write(archive.tarinfo.create_pax_global_header(archive.pax_headers))
        archive.addfile(info, io.BytesIO())
    with pytest.raises(PostprocessingError, match="expected at most 100 headers for all members"):
        unpack(tmp_path / "in", "tar", tmp_path)


def test_a_ratio_bounds_large_bombs(tmp_path):
    archive = make_archive(tmp_path / "in", "zip", {"bomb": bytes(10)})
    assert Limits(ratio=10).allowance(archive) == (64 << 20) + 10 * archive.stat().st_size


def test_the_number_of_members_is_bounded(tmp_path):
    archive = make_archive(tmp_path / "in", "zip", {f"{number}": b"" for number in range(11)})
    with pytest.raises(PostprocessingError, match="expected at most 10 members"):
        unpack(archive, "zip", tmp_path, Limits(members=10))


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_what_is_not_an_archive_is_an_error(tmp_path, kind):
    (tmp_path / "in").write_bytes(b"no archive" * 100)
    with pytest.raises(PostprocessingError, match=f"expected a readable {kind} archive"):
        unpack(tmp_path / "in", kind, tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_leaves_nothing_outside_and_no_half_of_itself(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    kind = data.draw(st.sampled_from(["zip", "tar", "gztar"]))
    archive = make_archive(folder / "in", kind, MEMBERS)
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        unpack(archive, kind, folder)
    except PostprocessingError:
        assert list(everything(folder)) == ["in"]


def replace(**changes: object) -> RegexReplace:
    given = {"file": "code.py", "pattern": "import (th..)", "replacement": r"# \g<0>"}
    return RegexReplace.model_validate({"$type": "regex_replace", **given, **changes})


def test_text_is_replaced_once_and_the_original_kept(tmp_path):
    (tmp_path / "code.py").write_bytes(b"import this\r\nimport that\n")
    steps = [replace(), replace(pattern="# import that", replacement="pass", count=1)]
    postprocess(steps, tmp_path)
    changed = b"# import this\npass\n"  # as Python writes text that it has read, and so the peer
    assert (tmp_path / "code.py").read_bytes() == changed
    assert original(tmp_path, "code.py").read_bytes() == b"import this\r\nimport that\n"
    assert is_done(steps, tmp_path)
    assert is_done(steps, tmp_path)
    postprocess(steps, tmp_path)  # begins with the original again
    assert (tmp_path / "code.py").read_bytes() == changed
    assert not is_done(steps[:1], tmp_path)
    (tmp_path / "code.py").write_text("somebody changed it")
    assert not is_done(steps, tmp_path)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_pattern_of_several_lines_is_found_whatever_the_lines_end_with(tmp_path, end):
    (tmp_path / "code.py").write_bytes(b"import this" + end + b"import that" + end)
    postprocess([replace(pattern=r"this\nimport ", replacement="this, ")], tmp_path)
    assert (tmp_path / "code.py").read_bytes() == b"import this, that\n"
    assert original(tmp_path, "code.py").read_bytes() == b"import this" + end + b"import that" + end


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (replace(pattern="absent"), "expected an occurrence of 'absent', found 0"),
        (replace(count=5), "expected 5 occurrences of .*, found 2"),
        (replace(file="missing.py"), "expected a file in the model's folder for regex_replace, found none"),
    ],
)
def test_replacements_that_do_not_fit_are_errors(tmp_path, step, message):
    (tmp_path / "code.py").write_text("import this\nimport that\n")
    with pytest.raises(PostprocessingError, match=message):
        postprocess([step], tmp_path)
    assert (tmp_path / "code.py").read_text() == "import this\nimport that\n"


def test_binary_files_are_not_text(tmp_path):
    (tmp_path / "code.py").write_bytes(b"\xff\xfe")
    with pytest.raises(PostprocessingError, match="expected UTF-8 text"):
        postprocess([replace()], tmp_path)


def test_a_file_behind_a_link_out_of_the_folder_is_not_touched(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "outside.py").write_text("import this")
    (folder / "code.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(PostprocessingError, match="expected a file in the model's folder"):
        postprocess([replace()], folder)
    assert (tmp_path / "outside.py").read_text() == "import this"
