import json
import shlex
import shutil

import pytest

from model_zoo.convert.serving import ServingError, add_to_repository
from model_zoo.model_server import main
from ner_core import EntityRecognizer


def test_the_repository_has_the_layout_that_the_server_wants(tiny_ir, tmp_path, capsys):
    for path in (tiny_ir / "tiny.xml", tiny_ir):
        assert main(["--name", str(path), "-o", str(tmp_path / "serving")]) == 0
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["serving/config.json", "serving/tiny/1/tiny.bin", "serving/tiny/1/tiny.xml"]
    config = json.loads((tmp_path / "serving" / "config.json").read_text())
    (entry,) = config["model_config_list"]
    assert entry["config"]["name"] == "tiny"
    assert entry["config"]["base_path"] == "/models/tiny"
    assert "kserve://localhost:8000/tiny" in capsys.readouterr().out
    served = EntityRecognizer.from_ir(
        tmp_path / "serving/tiny/1/tiny.xml", device="CPU", tokenizer=tiny_ir / "tokenizer.json"
    )
    here = EntityRecognizer.from_ir(tiny_ir, device="CPU")
    assert served("Mary lives in Santa Clara").entities == here("Mary lives in Santa Clara").entities


def test_the_commands_can_be_copied(tiny_ir, tmp_path, capsys):
    models, serving = tmp_path / "my models", tmp_path / "my server"
    for name in ("one", "two"):
        folder = models / "public" / name / "FP32"
        folder.mkdir(parents=True)
        for suffix in ("xml", "bin"):
            shutil.copyfile(tiny_ir / f"tiny.{suffix}", folder / f"{name}.{suffix}")
    given = ["--name", "one", "--name", "two", "--model_dir", str(models), "-o", str(serving)]
    assert main(given) == 0
    serve, ask = (shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("  "))
    assert serve[4] == f"{serving}:/models:ro"
    assert ask[2:7] == ["--model", "one", "--models-dir", str(models), "--device"]
    assert ask[7].endswith("/one")


def test_models_and_versions_are_added_and_replaced(tiny_ir, tmp_path):
    xml = tiny_ir / "tiny.xml"
    add_to_repository(xml, "one", tmp_path)
    add_to_repository(xml, "two", tmp_path)
    add_to_repository(xml, "one", tmp_path, version=2, device="GPU")
    add_to_repository(xml, "one", tmp_path, version=2, device="GPU")
    listed = [
        entry["config"] for entry in json.loads((tmp_path / "config.json").read_text())["model_config_list"]
    ]
    assert [(entry["name"], entry["target_device"]) for entry in listed] == [("two", "CPU"), ("one", "GPU")]
    assert sorted(folder.name for folder in (tmp_path / "one").iterdir()) == ["1", "2"]


def test_what_cannot_be_is_said(tiny_ir, tmp_path, capsys):
    assert main(["--name", "no-such-model", "-o", str(tmp_path)]) == 1
    assert "There is no model 'no-such-model'. The zoo has: bert-base-ner" in capsys.readouterr().err
    assert main(["--name", "owner/name", "-o", str(tmp_path)]) == 1
    assert "python -m model_zoo.downloader --name hf:owner/name" in capsys.readouterr().err
    assert main(["--name", "auto", "-o", str(tmp_path)]) == 1
    assert "serve the two it chooses from: minilm-ner, multilingual-ner" in capsys.readouterr().err
    assert main(["--name", "minilm-ner", "-o", str(tmp_path), "--precision", "FP64"]) == 1
    assert "minilm-ner has no FP64 here, only INT8" in capsys.readouterr().err
    for name, found in (
        ("", "a name of the zoo or a path, found ''"),
        (str(tiny_ir / "tiny.bin"), "another file"),
    ):
        assert main(["--name", name, "-o", str(tmp_path)]) == 1
        assert found in capsys.readouterr().err
    assert main(["--name", "none.xml", "-o", str(tmp_path)]) == 1
    assert "none.xml: expected a file" in capsys.readouterr().err
    for wrong in (["--version", "0"], ["--mount", "models"], ["--mount", "/models:rw"]):
        with pytest.raises(SystemExit):
            main(["--name", "x", "-o", str(tmp_path), *wrong])
        assert "must be a p" in capsys.readouterr().err
    for broken in ("{", "[]", '{"model_config_list": 1}', '{"model_config_list": ["x"]}'):
        (tmp_path / "config.json").write_text(broken)
        with pytest.raises(ServingError, match=r"config\.json"):
            add_to_repository(tiny_ir / "tiny.xml", "tiny", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
