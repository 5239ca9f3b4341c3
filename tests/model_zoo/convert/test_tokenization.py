"""Tokenizers in the files that they were published in, against sentencepiece and transformers."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from benchmarks.hub_models.checkpoints import TEXTS, layouts_of, make_tokenizer
from benchmarks.hub_models.comparison import judge
from benchmarks.hub_models.families import FAMILIES
from benchmarks.hub_models.runner import local_hub, run_family
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.suitability import families
from model_zoo.convert.tokenization import read_tokenizer
from ner_core.tokenizer_files import TokenizerFileError

MADE = {family.name: family for family in FAMILIES}
SENTENCEPIECE = [
    *("albert", "big_bird", "camembert", "deberta-v2", "gemma", "rembert", "t5"),
    *("xlm-roberta", "xlnet"),
]


def own_files(folder, name):
    """Only the files of the family's own tokenizer."""
    make_tokenizer(MADE[name], folder)
    (folder / "config.json").write_text(json.dumps({"model_type": MADE[name].model_type}))
    expected = read_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    return expected


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_a_sentencepiece_model_alone_is_read_as_sentencepiece_reads_it(tmp_path, name):
    sentencepiece = pytest.importorskip("sentencepiece")
    own_files(tmp_path / name, name)
    settings = tmp_path / name / "tokenizer_config.json"  # sentencepiece takes no accents away
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"keep_accents": True}))
    file = tmp_path / name / MADE[name].tokenizer
    reference = sentencepiece.SentencePieceProcessor(model_file=str(file))
    found = read_tokenizer(tmp_path / name)
    for text in [*TEXTS, "Großbritannien  café", " lead", "ﬁne Ａ", "12,345 9,"]:
        assert found.encode(text, add_special_tokens=False).tokens == reference.encode(text, out_type=str), (
            text
        )


@pytest.mark.parametrize("name", ["roberta", "deberta", "gpt2", "bert", "mpnet"])
def test_a_vocabulary_alone_is_the_same_tokenizer(tmp_path, name):
    expected = own_files(tmp_path / name, name)
    found = read_tokenizer(tmp_path / name)
    for text in TEXTS:
        assert found.encode(text).ids == expected.encode(text).ids, text


@pytest.mark.parametrize("name", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("file", ["added_tokens.json", "tokenizer_config.json"])
def test_tokens_added_to_a_vocabulary_are_whole(tmp_path, name, file):
    size = own_files(tmp_path / name, name).get_vocab_size()
    token = {"content": "[E1]", "special": False, "lstrip": False}
    settings = json.loads((tmp_path / name / "tokenizer_config.json").read_text())
    added = {"[E1]": size} if file == "added_tokens.json" else {"added_tokens_decoder": {str(size): token}}
    (tmp_path / name / file).write_text(
        json.dumps(settings | added if file != "added_tokens.json" else added)
    )
    assert size in read_tokenizer(tmp_path / name).encode("see [E1] here").ids
    (tmp_path / name / "added_tokens.json").write_text(json.dumps({"[E2]": size + 7}))
    with pytest.raises(TokenizerFileError, match=rf"the id \d+ for \[E2\], found {size + 7}"):
        read_tokenizer(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "told", "first"),
    [
        ("bert", {"do_lower_case": True, "strip_accents": False}, "é"),
        ("bert", {"do_lower_case": True}, "e"),
        ("bert", {"do_lower_case": True, "tokenizer_class": None}, "e"),
        ("bert", {"do_lower_case": True, "tokenizer_class": "PreTrainedTokenizerFast"}, "É"),
        ("roberta", {"add_prefix_space": True}, "ĠMary"),
        ("roberta", {"add_prefix_space": True, "tokenizer_class": "TokenizersBackend"}, "Mary"),
    ],
)
def test_settings_go_before_tokenizer_json_as_in_transformers(tmp_path, name, told, first):
    """Tokenizers of a family heed them, transformers' general classes don't."""
    make_tokenizer(MADE[name], tmp_path / name)
    file = tmp_path / name / "tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    if name == "bert":
        content["model"]["vocab"] |= {letter: 400 + index for index, letter in enumerate("éeÉ")}
    file.write_text(json.dumps(content))
    settings = tmp_path / name / "tokenizer_config.json"
    size = Tokenizer.from_file(str(file)).get_vocab_size()
    told = {**json.loads(settings.read_text()), **told, "added_tokens_decoder": {size: {"content": "[E1]"}}}
    settings.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))
    (tmp_path / name / "config.json").write_text(json.dumps({"model_type": name}))
    word = "É" if name == "bert" else "Mary"
    found = read_tokenizer(tmp_path / name).encode(f"{word} [E1]")
    assert found.tokens[1] == first
    assert found.offsets[1] == (0, len(word))
    assert size in found.ids


def test_special_tokens_of_a_bare_vocabulary_are_those_of_their_map(tmp_path):
    own_files(tmp_path / "bert", "bert")
    vocabulary = tmp_path / "bert" / "vocab.txt"
    vocabulary.write_text(vocabulary.read_text().replace("[CLS]", "<s>").replace("[SEP]", "</s>"))
    (tmp_path / "bert" / "tokenizer_config.json").unlink()
    special = {"cls_token": "<s>", "sep_token": {"content": "</s>"}}
    (tmp_path / "bert" / "special_tokens_map.json").write_text(json.dumps(special))
    assert read_tokenizer(tmp_path / "bert").encode("Mary").tokens == ["<s>", "Mary", "</s>"]


def test_files_of_another_kind_of_tokenizer_are_refused(tmp_path):
    own_files(tmp_path / "roberta", "roberta")
    (tmp_path / "roberta" / "config.json").write_text(json.dumps({"model_type": "camembert"}))
    with pytest.raises(CatalogError, match=r"expected tokenizer\.json, or sentencepiece\.bpe\.model"):
        read_tokenizer(tmp_path / "roberta")


def test_files_that_do_not_fit_the_model_are_refused(tmp_path):
    own_files(tmp_path / "xlnet", "xlnet")
    (tmp_path / "xlnet" / "config.json").write_text(json.dumps({"model_type": "xlnet", "vocab_size": 32000}))
    with pytest.raises(TokenizerFileError, match=r"pieces, the model has 32000\. They don't fit"):
        read_tokenizer(tmp_path / "xlnet")


@pytest.mark.nightly
@pytest.mark.parametrize("name", MADE)
def test_every_family_is_fetched_converted_and_right(tmp_path, name):
    with local_hub() as hub:
        result = run_family(MADE[name], tmp_path, hub)
    assert result.problem == ""
    assert result.read == result.fetched == layouts_of(MADE[name])
    for strategy, texts in result.texts.items():
        assert texts["wrong"] == 0, strategy
        assert texts["bytes"] <= 3, strategy  # see docs/hub-models.md


def test_every_family_that_is_taken_is_measured():
    assert {family.model_type for family in FAMILIES} == families.FAMILIES


@pytest.mark.parametrize(
    ("wanted", "found", "lone", "shared", "verdict"),
    [
        ([(0, 4, "PER", 0.9)], [(0, 4, "PER", 0.9)], (), (), "equal"),
        ([(0, 4, "PER", 0.9)], [(0, 4, "PER", 0.8)], (), (), "wrong"),
        ([(7, 12, "LOC", 0.9)], [(8, 12, "LOC", 0.9)], (), (), "spaces"),
        ([(7, 8, "LOC", 0.9)], [], (), (), "blanks"),
        ([(7, 12, "LOC", 0.9)], [(8, 12, "LOC", 0.7)], {7, 8}, (), "lone"),
        ([(7, 12, "LOC", 0.9)], [(8, 12, "LOC", 0.7)], (), {9}, "bytes"),
        ([(7, 12, "LOC", 0.9)], [(8, 12, "LOC", 0.7)], (), (), "wrong"),
        (
            [(0, 4, "PER", 0.9), (8, 9, "LOC", 0.5)],
            [(0, 4, "PER", 0.9), (8, 12, "LOC", 0.7)],
            (),
            {9},
            "bytes",
        ),
        (
            [(0, 4, "PER", 0.9), (8, 9, "LOC", 0.5)],
            [(0, 4, "ORG", 0.9), (8, 12, "LOC", 0.7)],
            (),
            {9},
            "wrong",
        ),
        ([(0, 4, "PER", 0.9)], [(0, 4, "PER", 0.8)], {9}, {9}, "wrong"),
        ([(0, 4, "PER", 0.9)], [], {9}, {9}, "wrong"),
    ],
)
def test_only_what_is_known_is_forgiven(wanted, found, lone, shared, verdict):
    assert judge("Mary in Rome and", wanted, found, lone, shared) == verdict
