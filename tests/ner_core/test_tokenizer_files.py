"""Tokenizers as files: the settings of a bare vocab.txt, patterns that never end, panics of the library."""

import json

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from ner_core.tokenizer import Tokenizer
from ner_core.tokenizer_files import TokenizerFileError, build_wordpiece, parse_tokenizer, parse_vocabulary
from tests.tiny_bert import tiny_vocabulary

IDS = {piece: index for index, piece in enumerate(tiny_vocabulary())}
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "mary",
    "Mary",
    "josé",
    "jose",
    "José",
    "東",
    "東京",
    "\u2028",
]


def pieces_of(folder, text, **options):
    tokenizer = Tokenizer.from_file(folder / "vocab.txt", **options)
    names = {index: piece for piece, index in tokenizer._backend.get_vocab().items()}
    return [names[index] for index in tokenizer.encode_texts([text])[0].ids.tolist()]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("given_settings", "text", "expected"),
    [
        ({}, "Mary", ["Mary"]),  # it has pieces with capitals
        ({"do_lower_case": True}, "Mary José", ["mary", "jose"]),
        ({"do_lower_case": True, "strip_accents": False}, "Mary José", ["mary", "josé"]),
        ({"do_lower_case": False, "strip_accents": True}, "José", ["[UNK]"]),  # Jose is no piece
        ({"do_lower_case": False}, "東京", ["東", "[UNK]"]),
        ({"do_lower_case": False, "tokenize_chinese_chars": False}, "東京", ["東京"]),
        ({"unk_token": {"content": "[MASK]"}}, "xyz", ["[MASK]"]),
    ],
)
def test_a_vocabulary_is_read_with_the_settings_beside_it(folder, given_settings, text, expected):
    (folder / "tokenizer_config.json").write_text(json.dumps(given_settings))
    assert pieces_of(folder, text) == expected


def test_lower_case_keeps_the_accents_that_a_model_keeps(folder):
    (folder / "tokenizer_config.json").write_text(json.dumps({"strip_accents": False}))
    assert pieces_of(folder, "Mary José", lower_case=True) == ["mary", "josé"]
    built = build_wordpiece({piece: i for i, piece in enumerate(PIECES)}, False, {"strip_accents": False})
    assert parse_tokenizer(built.to_str(), lower_case=True).encode("José").tokens[1] == "josé"


def test_only_line_feeds_end_the_lines_of_a_vocabulary():
    assert parse_vocabulary("a\r\n\u2028\n\n\x85\nb") == {"a": 0, "\u2028": 1, "\x85": 3, "b": 4}


def test_a_vocabulary_without_special_tokens_is_refused():
    with pytest.raises(TokenizerFileError, match=r"\[UNK\], \[CLS\], \[SEP\] missing"):
        build_wordpiece({"a": 0, "b": 1})


def test_truncation_and_padding_are_taken_away():
    tokenizer = build_wordpiece(IDS)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    kept = parse_tokenizer(tokenizer.to_str())
    assert (kept.truncation, kept.padding) == (None, None)
    assert len(kept.encode("Mary lives in Santa Clara").ids) == 7


@pytest.fixture(scope="module")
def both():
    transformers = pytest.importorskip("transformers")
    return build_wordpiece(IDS, lower_case=False), transformers.BertTokenizer(vocab=IDS, do_lower_case=False)


@given(text=st.text(max_size=60))
def test_the_built_tokenizer_is_transformers_own(text, both):
    built, own = both
    assert built.encode(text).ids == own(text)["input_ids"]
    assert tokenizers.Tokenizer.from_str(built.to_str()).encode(text).ids == built.encode(text).ids


def with_pattern(pattern):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    return tokenizer


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(?:a|a)*b",
        "((a)*)*b",
        "(a{1,9}){2,}b",
        "(?:(?:a?){30}){30}b",
        "a*a*a*b",
        "(.*)(.*)(.*)!",
        "(?<x>a+)+",
    ],
)
def test_patterns_that_may_never_end_are_refused(pattern):
    for part in ("pre_tokenizer", "normalizer"):
        content = json.loads(with_pattern("a").to_str())
        content[part] = {"type": "Sequence", "normalizers": [{"pattern": {"Regex": pattern}}]}
        with pytest.raises(TokenizerFileError, match="can take time without bound"):
            parse_tokenizer(json.dumps(content))


@pytest.mark.parametrize(
    "pattern",
    [
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\s+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+""",
        r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))",
        " {2,}",
        r"[一-龥぀-ゟ゠-ヿ]+",
    ],
)
def test_patterns_of_published_tokenizers_are_read(pattern):
    assert parse_tokenizer(with_pattern(pattern).to_str()).encode("a").tokens == ["a"]


def test_a_panic_of_the_library_is_an_error_and_the_next_text_is_answered():
    tokenizer = Tokenizer(with_pattern("(a+)+$"))
    with pytest.raises(ValueError, match="the tokenizers library failed"):
        tokenizer.encode_texts(["a" * 40 + "b"])
    assert len(tokenizer.encode_texts(["a"])[0]) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": 5}', "[" * 100_000, "\ufeff"])
def test_what_is_no_tokenizer_is_named(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json: "):
        Tokenizer.from_file(tmp_path)


def test_a_vocabulary_of_a_gigabyte_is_not_read(tmp_path):
    for name in ("vocab.txt", "tokenizer.json"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(1 << 30)
        with pytest.raises(TokenizerFileError, match=f"{name}: expected at most"):
            Tokenizer.from_file(tmp_path / name)


@pytest.mark.parametrize("typed", [{"type": "Unigram"}, {}])
def test_a_piece_that_would_end_the_process_is_refused(typed):
    """With a million characters the library walks so deep that its stack ends, and the process with it."""
    model = typed | {"unk_id": 0, "vocab": [["<unk>", 0.0], ["a" * 1_000_000, -1.0]]}
    with pytest.raises(TokenizerFileError, match="a piece has 1,000,000 characters, expected at most 1,000"):
        parse_tokenizer(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))


def replacing(*parts):
    replacements = [{"type": "Replace", "pattern": pattern, "content": text} for pattern, text in parts]
    normalizer = {"type": "Sequence", "normalizers": replacements}
    return json.dumps(json.loads(with_pattern("a").to_str()) | {"normalizer": normalizer})


@pytest.mark.parametrize(
    "content",
    [
        replacing(*[({"String": "a"}, "aa")] * 40),
        replacing(({"Regex": "a"}, "b" * 101)),
        replacing(({"String": "ab"}, "b" * 300)),
        json.dumps({"normalizer": {"type": "Prepend", "prepend": "b" * 101}}),
    ],
)
def test_a_normalizer_that_makes_texts_endless_is_refused(content):
    with pytest.raises(TokenizerFileError, match="can make a text over 100 times longer"):
        parse_tokenizer(content)


def test_replacements_of_published_tokenizers_are_read():
    parts = [
        ({"String": "``"}, '"'),
        ({"String": " "}, "▁"),
        ({"Regex": " {2,}"}, " "),
        ({"String": "…"}, "..."),
    ]
    assert parse_tokenizer(replacing(*parts)).encode("a").tokens == ["a"]


@pytest.mark.parametrize("place", ["vocabulary", "added"])
def test_an_id_that_no_vocabulary_needs_is_refused(place):
    content = json.loads(with_pattern("a").to_str())
    if place == "vocabulary":
        content["model"]["vocab"]["b"] = 2**31
    else:
        content["added_tokens"] = [{"id": 2**31, "content": "b"}]
    with pytest.raises(TokenizerFileError, match="a token has the id 2147483648, expected at most 16777216"):
        parse_tokenizer(json.dumps(content))
