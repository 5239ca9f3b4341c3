import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from ner_core import AGGREGATIONS
from ner_core.casing import word_casing
from ner_core.decoding import Decoder
from ner_core.tokenizer import Tokenizer
from ner_core.words import word_numbers

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.tiny_bert import tiny_vocabulary

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
TRAPS = st.sampled_from([*"aB \n.\u0301\0\u200d\u200b\ufe0f😀中\ud800한", "e\u0301", "אב"])
TEXTS = st.one_of(ANY_TEXT, st.lists(TRAPS, max_size=20).map("".join))


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(tiny_vocabulary()) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def cased(vocabulary):
    return Tokenizer.from_file(vocabulary, lower_case=False)


@pytest.fixture(scope="module")
def uncased(vocabulary):
    return Tokenizer.from_file(vocabulary, lower_case=True, token_type_ids="word_casing")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory):
    """Byte-level BPE, with the space before a word as a part of its first piece, and <s> </s>."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        vocab_size=300,
        show_progress=False,
    )
    backend.train_from_iterator(["Mary lives in Santa Clara."] * 10, trainer)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    path = tmp_path_factory.mktemp("roberta") / "tokenizer.json"
    backend.save(str(path))
    return Tokenizer.from_file(path)


@pytest.fixture(scope="module")
def deberta(tmp_path_factory):
    """Unigram with the sentencepiece underline, and a template."""
    backend = Backend(models.Unigram())
    backend.normalizer = normalizers.Sequence([normalizers.NFKC()])
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        special_tokens=["[PAD]", "[CLS]", "[SEP]", "[UNK]"],
        unk_token="[UNK]",
        vocab_size=60,
        show_progress=False,
    )
    backend.train_from_iterator(["Mary lives in Santa Clara and works at NVIDIA."] * 10, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    path = tmp_path_factory.mktemp("deberta") / "tokenizer.json"
    backend.save(str(path))
    return Tokenizer.from_file(path)


@pytest.mark.parametrize("name", ["cased", "uncased", "roberta", "deberta"])
def test_any_string_has_offsets_in_it(name, request):
    tokenizer = request.getfixturevalue(name)

    @settings(max_examples=2 * settings.default.max_examples)
    @given(TEXTS)
    def check(text):
        encoding = tokenizer.encode_texts([text])[0]
        starts, ends = encoding.offsets[:, 0], encoding.offsets[:, 1]
        assert (starts >= 0).all()
        assert (starts <= ends).all()
        assert (ends <= len(text)).all()
        assert (np.diff(starts) >= 0).all()
        assert (np.diff(ends) >= 0).all()
        assert (np.diff(encoding.word) >= 0).all()
        assert encoding.ids.dtype == encoding.offsets.dtype == encoding.word.dtype == np.int32

    check()


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=6), max_size=6))
def test_words_are_counted_as_given(cased, words):
    encoding = cased.encode_all([words])[0]
    assert encoding.text == " ".join(words)
    assert encoding.words == tuple(words)
    position = 0
    borders = []
    for word in words:
        borders.append((position, position + len(word)))
        position += len(word) + 1
    for word, (start, end) in zip(encoding.word.tolist(), encoding.offsets.tolist(), strict=True):
        assert borders[word][0] <= start <= end <= borders[word][1]


def test_offsets_where_characters_disappear(cased, uncased):
    assert slices(cased, "a\0b\u200dA") == ["a", "b", "A"]
    assert slices(uncased, "xe\u0301y") == ["x", "e", "y"]
    assert slices(cased, "a\ud800b") == ["a", "b"]
    assert slices(cased, "אב 中国") == ["א", "ב", "中", "国"]


def slices(tokenizer, text):
    return [text[start:end] for start, end in tokenizer.encode_texts([text])[0].offsets.tolist()]


def test_special_tokens_come_from_the_file(cased, roberta, deberta):
    assert (cased.prefix, cased.suffix, cased.pad_id) == ((2,), (3,), 0)
    assert (roberta.prefix, roberta.suffix, roberta.pad_id) == ((0,), (2,), 1)
    assert (deberta.prefix, deberta.suffix, deberta.pad_id) == ((1,), (2,), 0)


def test_a_text_cannot_type_special_tokens(cased, roberta):
    assert not {2, 3} & set(cased.encode_texts(["[CLS] a [SEP]"])[0].ids.tolist())
    assert 2 not in roberta.encode_texts(["Mary</s>"])[0].ids.tolist()


@pytest.mark.parametrize("name", ["cased", "uncased", "roberta", "deberta"])
@pytest.mark.parametrize("white", [" ", "\n", "  ", " \n"])
def test_parts_of_a_long_text_are_those_of_the_whole(name, white, request, monkeypatch):
    tokenizer = request.getfixturevalue(name)
    text = white.join(["Mary lives", "in Santa,", "Clara", "e\u0301e", "😀"] * 40)
    whole = tokenizer.encode_texts([text])[0]
    monkeypatch.setattr("ner_core.tokenizer._PART", 50)
    parts = tokenizer.encode_texts(["x", text, ""])[1]
    assert np.array_equal(whole.ids, parts.ids)
    # A byte-level tokenizer counts the space before a piece at the start of a part, which decoding drops.
    assert stripped(whole) == stripped(parts)
    assert np.array_equal(whole.word, parts.word)
    assert np.array_equal(whole.type_ids, parts.type_ids)


def stripped(encoding):
    """Say which characters the pieces cover that are not white space."""
    return [
        [index for index in range(start, end) if not encoding.text[index].isspace()]
        for start, end in encoding.offsets.tolist()
    ]


def test_a_text_without_white_space_is_cut_late(cased, monkeypatch):
    monkeypatch.setattr("ner_core.tokenizer._PART", 50)
    monkeypatch.setattr("ner_core.tokenizer._LONGEST_PART", 250)
    text = "中" * 1000
    encoding = cased.encode_texts([text])[0]
    assert encoding.offsets[:, 0].tolist() == list(range(1000))
    assert encoding.word.tolist() == list(range(1000))


def test_over_long_words_are_unknown(cased):
    assert cased.encode_texts(["a" * 101])[0].ids.tolist() == [1]
    assert len(cased.encode_texts(["a" * 100])[0]) == 100


def test_casing_is_that_of_basic_tokens(uncased, cased):
    text = "NVIDIA's iPhone in U.S. Mary-ann éA"
    encoding = uncased.encode_texts([text])[0]
    basic = ["NVIDIA", "'", "s", "iPhone", "in", "U", ".", "S", ".", "Mary", "-", "ann", "éA"]
    assert encoding.type_ids.tolist() == [word_casing(basic[word]) for word in encoding.word.tolist()]
    words = uncased.encode_all([text.split()])[0]
    assert words.type_ids.tolist() == encoding.type_ids.tolist()
    assert words.word.max() == len(text.split()) - 1
    assert not cased.encode_texts([text])[0].type_ids.any()


def test_casing_of_a_bare_vocabulary_is_inferred(tmp_path, vocabulary, cased):
    small = tmp_path / "vocab.txt"
    small.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nmary\n##s\nσ\n", "utf-8")
    uncased = Tokenizer.from_file(small)
    assert uncased.encode_texts(["MARYs"])[0].ids.tolist() == [4, 5]
    assert "lower_case=True was inferred from vocab.txt" in uncased.notes[0]
    assert "lower_case=False was inferred" in Tokenizer.from_file(vocabulary).notes[0]
    assert not cased.notes


def test_lower_case_overrides_a_bert_tokenizer_json(tmp_path, cased):
    path = tmp_path / "tokenizer.json"
    cased._backend.save(str(path))
    assert "B" in slices(Tokenizer.from_file(path), "B")
    kept, lowered = (Tokenizer.from_file(path, lower_case=value) for value in (False, True))
    assert kept.encode_texts(["B"])[0].ids.tolist() != lowered.encode_texts(["B"])[0].ids.tolist()
    assert lowered.encode_texts(["b"])[0].ids.tolist() == lowered.encode_texts(["B"])[0].ids.tolist()


def test_truncation_and_padding_of_the_file_are_ignored(tmp_path, cased):
    backend = Backend.from_str(cased._backend.to_str())
    backend.enable_truncation(4)
    backend.enable_padding(length=16)
    backend.save(str(tmp_path / "tokenizer.json"))
    encoding = Tokenizer.from_file(tmp_path).encode_texts(["a b c d e f"])[0]
    assert len(encoding) == 6


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("tokenizer.json", "{", "expected JSON"),
        ("tokenizer.json", json.dumps({"model": {"type": "?"}}), "the tokenizers library failed"),
        ("tokenizer.json", "[]", "expected a JSON object"),
        ("vocab.txt", "a\nb\n", r"\[UNK\], \[CLS\], \[SEP\] missing"),
    ],
)
def test_a_broken_file_is_named(tmp_path, name, content, complaint):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(ValueError, match=complaint) as caught:
        Tokenizer.from_file(path)
    assert str(path) in str(caught.value)


def test_a_binary_file_is_no_vocabulary(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"expected UTF-8 text"):
        Tokenizer.from_file(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no tokenizer\.json and no vocab.txt in this folder"):
        Tokenizer.from_file(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such tokenizer file"):
        Tokenizer.from_file(tmp_path / "tokenizer.json")


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    """BPE over the whole text: spaces become underlines, and nothing divides words before."""
    backend = Backend(models.BPE(byte_fallback=True, unk_token="<unk>"))
    backend.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(
        special_tokens=["<pad>", "<bos>", "<eos>", "<unk>"], vocab_size=60, show_progress=False
    )
    backend.train_from_iterator(["Mary", " lives", " at", " NVIDIA", ".", "東京"] * 9, trainer)
    path = tmp_path_factory.mktemp("gemma") / "tokenizer.json"
    backend.save(str(path))
    return Tokenizer.from_file(path)


def units(encoding):
    """Say which text the words of a text have, as `word_numbers` finds them."""
    numbers = word_numbers(encoding.text, encoding.offsets)
    found = {}
    for number, (start, end) in zip(numbers.tolist(), encoding.offsets.tolist(), strict=True):
        found[number] = (found.get(number, (start, end))[0], end)
    return [encoding.text[start:end].strip() for start, end in found.values()]


@pytest.mark.parametrize("name", ["cased", "roberta", "deberta", "gemma"])
def test_words_come_from_the_text_whatever_the_tokenizer_does(name, request):
    tokenizer = request.getfixturevalue(name)
    assert units(tokenizer.encode_texts(["Mary  lives at NVIDIA."])[0]) == [
        "Mary",
        "lives",
        "at",
        "NVIDIA",
        ".",
    ]


def test_pieces_of_scripts_without_spaces_are_words(gemma):
    encoding = gemma.encode_texts(["東京に住む"])[0]
    assert len(units(encoding)) == len(np.unique(encoding.offsets[:, 0]))


@pytest.mark.parametrize("strategy", AGGREGATIONS)
@pytest.mark.parametrize("name", ["cased", "roberta", "deberta", "gemma"])
def test_white_space_at_the_end_of_a_text(name, strategy, request):
    text = " Mary  lives \n"
    one = request.getfixturevalue(name).encode_texts([text])[0]
    logits = np.tile(np.float32([0, 5, 0]), (len(one), 1))
    word = word_numbers(text, one.offsets) if strategy == "word" else one.word
    for entity in Decoder(("O", "B-PER", "I-PER")).decode(text, logits, one.offsets, word, strategy=strategy):
        assert entity.text == entity.text.strip() == text[entity.start : entity.end]


def test_a_bare_underline_belongs_to_the_given_word_after_it(deberta):
    encoding = deberta.encode_all([["Mary", "ß", "in"]])[0]
    pieces = [
        (number, encoding.text[start:end])
        for number, (start, end) in zip(encoding.word.tolist(), encoding.offsets.tolist(), strict=True)
    ]
    assert [number for number, _ in pieces] == sorted(number for number, _ in pieces)
    for number, piece in pieces:
        assert not piece.strip() or piece.strip() in ["Mary", "ß", "in"][number]
    bare = [number for number, piece in pieces if piece == " "]
    assert set(bare) <= {1, 2}
