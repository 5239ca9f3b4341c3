"""The fine-tuner: trains a tiny model in seconds, survives kill -9, explains mistakes."""

import io
import json
import math
import multiprocessing
import random
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from filelock import FileLock

from model_zoo import finetuner
from model_zoo.train import run
from model_zoo.train.data import load_corpora
from model_zoo.train.recipe import RecipeError, check_recipe, load_recipe
from tests.conftest import wait_until
from tests.lazily import Lazily, torch

starts = Lazily("model_zoo.train.start")
ROOT = Path(__file__).parents[3]
EMBEDDED = ROOT / "model_zoo" / "models" / "public"
TYPES_RULE = "entity types must differ and not be empty, and O is not one of them"
NAMES = ["Mary", "Peter", "Anna", "John"]
PLACES = ["Rome", "Paris", "Oslo", "Bonn"]
FILLERS = ["lives", "in", "went", "to", "the", "old", "town", "near", "and", "saw"]


def write_corpus(path: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        words = [(rng.choice(NAMES), "B-person"), (rng.choice(FILLERS), "O"), (rng.choice(PLACES), "B-place")]
        words += [(rng.choice(FILLERS), "O") for _ in range(rng.randrange(4))]
        lines += [f"{word} {tag}" for word, tag in words] + [""]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_encoder(folder: Path) -> None:
    from transformers import BertConfig, BertModel

    folder.mkdir()
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *(w.lower() for w in NAMES + PLACES),
        *FILLERS,
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Encoder, corpora and recipe of a run that is long enough to be killed in its middle."""
    return make_lab(tmp_path_factory.mktemp("lab"), sentences=240)


def make_lab(folder: Path, sentences: int) -> Path:
    write_encoder(folder / "encoder")
    write_corpus(folder / "train.conll", sentences, 1)
    write_corpus(folder / "dev.conll", 40, 2)
    recipe = {
        "name": "tiny-ner",
        "start": str(folder / "encoder"),
        "types": ["PER", "LOC"],
        "token_type_ids": "word_casing",
        "max_length": 48,
        "batch_tokens": 64,
        "average": 0.9,
        "save_minutes": 0,
        "bf16": False,
        "corpora": {
            "tiny": {"train": "train.conll", "dev": "dev.conll", "labels": {"person": "PER", "place": "LOC"}}
        },
        "stages": [
            {
                "corpora": {"tiny": 1},
                "epochs": 1,
                "learning_rate": 1e-3,
                "lower": 0.1,
                "join": 0.2,
                "swap": 0.2,
            },
            {"corpora": {"tiny": 0.5}, "epochs": 1, "learning_rate": 5e-4},
        ],
    }
    (folder / "recipe.yml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return folder


def flags(lab: Path, models: Path) -> list[str]:
    return [str(lab / "recipe.yml"), "--output_dir", str(models), "--threads", "1"]


def saved_step(work_dir: Path) -> int:
    steps = [int(path.parent.name.rpartition("-")[2]) for path in work_dir.glob("checkpoint-*/complete")]
    return max(steps, default=0)


@pytest.fixture(scope="module")
def finished(lab, tmp_path_factory):
    """A run that was left alone."""
    models = tmp_path_factory.mktemp("whole")
    with redirect_stdout(io.StringIO()) as said:
        assert finetuner.main(flags(lab, models)) == 0
    assert said.getvalue() == ""
    return models / "public" / "tiny-ner"


def test_learns_and_leaves_a_zoo_folder(finished):
    from model_zoo.catalog.zoo import load_model

    model = load_model(finished / "model.yml", finished.parents[1])
    assert model.labels == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    assert model.checkpoint_path == "checkpoint"
    for file in model.files:
        assert (finished / file.name).stat().st_size == file.size
        assert file.checksum.matches(finished / file.name)
    config = json.loads((finished / "checkpoint" / "config.json").read_text(encoding="utf-8"))
    assert config["token_type_ids"] == "word_casing"
    assert config["type_vocab_size"] == 4
    history = json.loads((finished / ".training" / "scores.json").read_text(encoding="utf-8"))
    assert [(entry["stage"], entry["epoch"]) for entry in history] == [(0, 0), (1, 1), (2, 1)]
    assert history[-1]["scores"]["tiny"]["micro_f1"] > 0.95
    card = (finished / "README.md").read_text(encoding="utf-8")
    assert f"| tiny | {history[-1]['scores']['tiny']['micro_f1']:.4f} |" in card


def test_killed_run_resumes_from_the_saved_step_with_the_same_result(lab, finished, tmp_path, caplog):
    work_dir = tmp_path / "public" / "tiny-ner" / ".training"
    context = multiprocessing.get_context(
        "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    )
    process = context.Process(target=finetuner.main, args=(flags(lab, tmp_path),))  # forked: torch is there
    process.start()
    wait_until(lambda: saved_step(work_dir) >= 5 or not process.is_alive())
    assert process.is_alive(), "the run ended before it could be killed"
    process.kill()
    process.join()
    step = saved_step(work_dir)
    assert step >= 5, "the run took too long to save five steps"
    (work_dir / f"checkpoint-{step + 1}").mkdir(exist_ok=True)  # as a kill in the middle of saving leaves it

    with caplog.at_level("INFO"):
        assert finetuner.main(flags(lab, tmp_path)) == 0
    assert f"resuming from {work_dir / f'checkpoint-{step}'}" in caplog.text
    from safetensors.torch import load_file

    expected = load_file(finished / "checkpoint" / "model.safetensors")
    resumed = load_file(tmp_path / "public" / "tiny-ner" / "checkpoint" / "model.safetensors")
    for name, weight in expected.items():
        torch.testing.assert_close(resumed[name], weight, rtol=0, atol=1e-6)


def test_mean_of_epochs(tmp_path):
    from safetensors.torch import save_file

    from model_zoo.train.averages import epoch_files, mean_weights

    for step in (5, 10):
        save_file({"w": torch.full((2,), float(step))}, tmp_path / f"epoch-{step}.safetensors")
    assert mean_weights(epoch_files(tmp_path))["w"].tolist() == [7.5, 7.5]


def test_the_start_has_its_share_of_the_result():
    from model_zoo.train.averages import mix_in, weights_of

    model = torch.nn.BatchNorm1d(2)  # has a weight that counts batches, which is no number to mix
    start = weights_of(model)
    with torch.no_grad():
        model.weight.fill_(5)
        model.num_batches_tracked.fill_(7)
    mix_in(model, start, 0.25)
    assert model.weight.tolist() == [4, 4]
    assert model.num_batches_tracked.item() == 7
    assert start["weight"].tolist() == [1, 1]


def test_checkpoints_of_another_recipe_are_refused(lab, finished):
    recipe = load_recipe(lab / "recipe.yml").model_copy(update={"seed": 2})
    with pytest.raises(RecipeError, match=r"another training .changed since: seed"):
        run.finetune(recipe, lab / "encoder", lab, finished)


def test_checkpoints_of_other_data_or_another_start_are_refused(lab, finished, tmp_path):
    recipe = load_recipe(lab / "recipe.yml")
    for name in ("train.conll", "dev.conll"):
        (tmp_path / name).write_bytes((lab / name).read_bytes())
    with (tmp_path / "train.conll").open("a") as file:
        file.write("Mary B-person\n")
    with pytest.raises(RecipeError, match=r"changed since: corpora\.tiny\.train\).*--restart"):
        run.finetune(recipe, lab / "encoder", tmp_path, finished)
    with pytest.raises(RecipeError, match=r"changed since: start\)"):
        run.finetune(recipe, finished / "checkpoint", lab, finished)


def test_a_dev_file_that_is_trained_on_is_named(caplog):
    run._warn_of_copies({"corpora.a.train": "1", "corpora.b.dev": "1", "corpora.a.dev": "2"})
    assert [one.getMessage().partition(":")[0] for one in caplog.records] == [
        "corpora.b.dev is the same text as corpora.a.train"
    ]


def test_two_trainings_do_not_share_a_work_folder(lab, finished):
    with (
        FileLock(finished / ".training" / ".lock"),
        pytest.raises(RecipeError, match="another run is using it"),
    ):
        run.finetune(load_recipe(lab / "recipe.yml"), lab / "encoder", lab, finished)


def test_training_that_diverges_says_so_below_the_bar(lab, tmp_path, capsys):
    recipe = yaml.safe_load((lab / "recipe.yml").read_text())
    recipe["stages"] = [{**recipe["stages"][1], "learning_rate": 1e30}]
    (tmp_path / "recipe.yml").write_text(yaml.safe_dump(recipe))
    arguments = [str(tmp_path / "recipe.yml"), "--data_dir", str(lab), "--output_dir", str(tmp_path)]
    assert finetuner.main(arguments) == finetuner.FAILED
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"training diverged at step .* Lower the learning rate", last)
    assert not (tmp_path / "public" / "tiny-ner" / "checkpoint").exists()


def test_a_start_is_a_checkpoint_or_the_folder_of_a_model(lab, finished):
    for start, expected in (
        (finished, finished / "checkpoint"),
        (finished / "checkpoint", finished / "checkpoint"),
        (lab / "encoder", lab / "encoder"),
        (EMBEDDED / "minilm-ner" / "INT8", EMBEDDED / "minilm-ner" / "INT8" / "minilm-ner.xml"),
    ):
        assert run.resolve_start(str(start), None, lab) == expected
    file = finished / "checkpoint" / "config.json"
    with pytest.raises(ValueError, match=r"expected a folder with config\.json, .* found the file"):
        run.resolve_start(str(file), None, lab)


def test_a_name_whose_files_are_an_encoder_starts_from_them(lab, tmp_path):
    files = [
        {"name": f"encoder/{path.name}", "source": {"$type": "file", "path": str(path)}}
        for path in (lab / "encoder").iterdir()
    ]
    described = {"description": "x", "task_type": "named_entity_recognition", "license": "x"}
    described |= {"framework": "pytorch", "files": files, "checkpoint": "checkpoint"}
    folder = tmp_path / "zoo" / "public" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.yml").write_text(yaml.safe_dump(described))
    found = run.resolve_start("tiny", tmp_path / "zoo", tmp_path / "models", progress=False)
    assert found == tmp_path / "models" / "public" / "tiny" / "encoder"


def test_a_run_that_could_not_begin_leaves_nothing_to_resume(lab, tmp_path):
    recipe = load_recipe(lab / "recipe.yml")
    (tmp_path / "empty").mkdir()
    for start in (tmp_path, tmp_path / "empty"):  # the second is not taken for a change of the first
        with pytest.raises(ValueError, match=r"config\.json"):
            run.finetune(recipe, start, lab, tmp_path / "made", progress=False)


def test_a_start_that_reads_the_casing_of_words_still_does(lab, finished, tmp_path):
    recipe = load_recipe(lab / "recipe.yml")
    recipe = recipe.model_copy(update={"token_type_ids": None, "stages": recipe.stages[1:]})
    run.finetune(recipe, finished / "checkpoint", lab, tmp_path / "tiny-ner", progress=False)
    assert "token_type_ids: word_casing" in (tmp_path / "tiny-ner" / "model.yml").read_text()
    for name, expected in (("minilm-ner", True), ("multilingual-ner", False)):
        assert starts.reads_casing(EMBEDDED / name / "INT8" / f"{name}.xml") is expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "r.yml: epochs: no such key"),
        ({"seed": "x"}, "r.yml: seed: expected an integer, found 'x'"),
        ({"types": ["O"]}, f"r.yml: types: {TYPES_RULE}"),
        ({"types": ["PER", " "]}, f"r.yml: types: {TYPES_RULE}"),
        ({"types": ["B-PER"]}, "r.yml: types: expected entity types, found the tag B-PER; write PER"),
        (
            {"name": "../x"},
            "r.yml: name: expected letters, digits and ._-, a letter or digit first, found '../x'",
        ),
        ({"seed": -1}, "r.yml: seed: expected at least 0, found -1"),
        ({"head_rate": math.inf}, "r.yml: head_rate: expected a finite number, found inf"),
        (
            {"stages": [{"corpora": {}, "epochs": 1, "learning_rate": 1}]},
            "r.yml: stages[0].corpora: expected at least 1 of them, found {}",
        ),
        (
            {"corpora": {"tiny": {"train": "t", "held_out": 1}}},
            "r.yml: corpora.tiny.held_out: expected 0 or at least 2, found 1: no sentence would be left",
        ),
        (
            {
                "stages": [
                    {"corpora": {"tiny": 1}, "epochs": 1, "learning_rate": 1, "lower": 0.6, "upper": 0.6}
                ]
            },
            "r.yml: stages[0]: lower, upper and title are more than 1 together",
        ),
        ({"stages": []}, "r.yml: stages: expected at least 1 of them, found []"),
        (
            {"corpora": {"tiny": {"train": "t", "labels": {"x": "GPE"}}}},
            "r.yml: corpora.tiny: 'GPE' is not one of the types ['PER', 'LOC'] (or O)",
        ),
        (
            {"corpora": {"other": {"train": "t"}}},
            "r.yml: stages[0].corpora: 'tiny' is not a corpus with a train file",
        ),
    ],
)
def test_wrong_recipe_is_explained(lab, change, message):
    content = yaml.safe_load((lab / "recipe.yml").read_text(encoding="utf-8"))
    with pytest.raises(RecipeError) as caught:
        check_recipe({**content, **change}, "r.yml")
    assert str(caught.value) == message


def test_command_line_tells_mistakes_without_traceback(tmp_path, capsys):
    path = tmp_path / "r.yml"
    path.write_text("name: [", encoding="utf-8")
    assert finetuner.main([str(path)]) == finetuner.USAGE
    assert f"{path}: line 2: expected plain YAML without tags" in capsys.readouterr().err
    assert finetuner.main([]) == finetuner.USAGE
    assert "--name, --start, --train must be given" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--restart"]])
def test_a_work_folder_that_holds_no_training_keeps_all_its_files(lab, tmp_path, capsys, flags):
    (tmp_path / "mine" / "checkpoint-9").mkdir(parents=True)
    (tmp_path / "mine" / "novel.txt").write_text("once")
    arguments = [str(lab / "recipe.yml"), "--output_dir", str(tmp_path), "--work_dir", str(tmp_path / "mine")]
    assert finetuner.main([*arguments, *flags]) == finetuner.FAILED
    assert "mine: holds files that are not of a training" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["checkpoint-9", "novel.txt"]


def test_restart_deletes_the_training_and_nothing_beside_it(lab, tmp_path):
    (tmp_path / "checkpoint-9").mkdir()
    for name in ("checkpoint-9/weights", "epoch-3.safetensors", "scores.json", "novel.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "recipe.yml").write_text((lab / "recipe.yml").read_text())
    with pytest.raises(FileNotFoundError):
        run.finetune(load_recipe(lab / "recipe.yml"), lab, tmp_path, lab, work_dir=tmp_path, restart=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["novel.txt"]


def test_missing_corpus_is_named(lab, tmp_path, capsys):
    code = finetuner.main([str(lab / "recipe.yml"), "--data_dir", str(tmp_path), "-o", str(tmp_path / "m")])
    assert code == finetuner.FAILED
    assert f"corpus tiny: train file {tmp_path / 'train.conll'} does not exist" in capsys.readouterr().err


def test_a_corpus_without_sentences_is_named(lab, tmp_path, capsys):
    (tmp_path / "dev.conll").write_text("\n")
    named = ["--name", "x", "--start", str(lab / "encoder"), "--train", str(lab / "train.conll")]
    code = finetuner.main([*named, "--dev", str(tmp_path / "dev.conll"), "-o", str(tmp_path / "m")])
    assert code == finetuner.FAILED
    assert "dev.conll: expected labelled text, found none" in capsys.readouterr().err


def test_what_cannot_be_written_is_one_sentence(lab, capsys):
    where = lab / "train.conll"
    assert finetuner.main([str(lab / "recipe.yml"), "-o", str(where)]) == finetuner.FAILED
    assert capsys.readouterr().err == f"{where / 'public/tiny-ner/.training'}: Not a directory\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["recipe.yml", "--epochs", "9", "--seed", "3"], "--epochs, --seed: not used with a recipe file"),
        (["recipe.yml", "--teacher_start", "x"], "--teacher_start: there are no teachers in recipe.yml"),
        (["--train", "outside.conll"], "outside.conll: expected labelled entities to train on, found none"),
        (["--train", "train.conll", "--dev", "none.conll"], "none.conll: no such file or folder"),
        (
            ["--train", "train.conll", "--label", "persn=PER"],
            "--label persn=PER: no such type; the files have person, place",
        ),
        (["--train", "train.conll", "--epochs", "0"], "stages[0].epochs: expected at least 1, found 0"),
        (
            ["--train", "train.conll", "--learning_rate", "0"],
            "learning_rate: expected more than 0.0, found 0",
        ),
    ],
)
def test_wrong_flags_are_explained(lab, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(lab)
    Path("outside.conll").write_text("Mary O\n")
    named = [] if "recipe.yml" in flags else ["--name", "x", "--start", "encoder"]
    assert finetuner.main([*flags, *named]) == finetuner.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--label", "person"], ["--threads", "-1"]])
def test_wrong_values_are_wrong_usage(flags, capsys):
    with pytest.raises(SystemExit) as caught:
        finetuner.build_parser().parse_args(flags)
    assert caught.value.code == finetuner.USAGE
    assert "must be" in capsys.readouterr().err


def test_types_may_be_listed_with_spaces_and_corpora_lie_in_a_folder(lab, tmp_path):
    for name in ("train.conll", "dev.conll"):
        (tmp_path / name).write_text((lab / name).read_text())
    flags = ["--name", "x", "--start", "y", "--train", str(tmp_path), "--dev", str(tmp_path)]
    recipe = finetuner.recipe_of_flags(finetuner.build_parser().parse_args(flags))
    assert recipe.types == ["person", "place"]
    corpus = load_corpora(recipe, tmp_path)["corpus1"]
    assert (len(corpus.train), len(corpus.dev)) == (240, 40)
    listed = finetuner.build_parser().parse_args([*flags, "--types", "person, place"])
    assert finetuner.recipe_of_flags(listed).types == ["person", "place"]


def test_flags_make_a_recipe_that_can_be_used_anywhere(lab, monkeypatch):
    monkeypatch.chdir(lab)
    flags = ["--name", "x", "--start", "encoder", "--train", "train.conll", "dev.conll"]
    flags += ["--label", "person=PER", "--epochs", "2"]
    recipe = finetuner.recipe_of_flags(finetuner.build_parser().parse_args(flags))
    assert recipe.types == ["PER", "place"]
    assert recipe.stages[0].epochs == 2
    assert recipe.corpora["corpus1"].labels == {"person": "PER"}
    assert recipe.corpora["corpus2"].train == str(lab / "dev.conll")
    assert recipe.start == str(lab / "encoder")


def test_a_saved_recipe_names_the_start_that_was_given(lab, monkeypatch, tmp_path):
    """And a folder that was moved meanwhile is the same start."""
    trained = []
    monkeypatch.setattr(finetuner, "finetune", lambda recipe, *_, **__: trained.append(recipe))
    monkeypatch.chdir(lab)
    with pytest.raises(AttributeError):  # there is no result
        finetuner.main([*flags(lab, tmp_path), "--start", "encoder/../encoder"])
    assert trained[0].start == f"{lab}/encoder/../encoder"
    run._check_unchanged(load_recipe(lab / "recipe.yml"), {"start": "1"}, tmp_path)
    (tmp_path / "checkpoint-1").mkdir()
    run._check_unchanged(trained[0], {"start": "1"}, tmp_path)
    with pytest.raises(RecipeError, match=r"changed since: start\)"):
        run._check_unchanged(trained[0], {"start": "2"}, tmp_path)


def test_few_steps_and_no_measurement_are_told(lab, monkeypatch, caplog, tmp_path):
    short = SimpleNamespace(scores={"": {}}, steps=2)
    monkeypatch.setattr(finetuner, "finetune", lambda *_, **__: short)
    assert finetuner.main(flags(lab, tmp_path)) == 0
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert [one.partition(":")[0] for one in told] == ["not measured", "few steps (2)"]


def test_no_torch_before_training():
    code = "import model_zoo.finetuner, sys; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
