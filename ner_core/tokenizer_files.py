"""Tokenizer files: any tokenizer.json, or BERT's vocab.txt with its tokenizer_config.json.

The files are untrusted. Their size is limited, ids, replacements and regular expressions without bound are
refused, and panics of the Rust library become a `TokenizerFileError`.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tokenizers

from ner_core.patterns import may_never_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "TokenizerFileError",
    "build_wordpiece",
    "check_pieces",
    "looks_uncased",
    "no_panics",
    "parse_tokenizer",
    "parse_vocabulary",
    "read_json_object",
    "read_text",
    "read_wordpiece",
]

_LARGEST = 256 << 20  # bytes; the largest tokenizer.json of a published model has some 35 MB
#: Special tokens of BERT's tokenizer: their names in tokenizer_config.json, and their defaults.
_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_OPTIONAL = ("pad_token", "mask_token")

#: Maximum characters of a piece of a Unigram model; sentencepiece's are 16 at most. The library recurses for
#: each character, and some hundred thousand calls overflow the stack and end the process.
_LONGEST_PIECE = 1_000

#: Maximum id of a piece; tables have a row for each. Published vocabularies have up to a million pieces.
_LARGEST_ID = 1 << 24

#: How many times longer a normalizer may make a text. Published ones replace one character by one.
_LARGEST_GROWTH = 100

#: Part of tokenizer.json, its type, the setting of tokenizer_config.json that overrides it, its key.
_OVERRIDDEN = (
    ("normalizer", "BertNormalizer", "do_lower_case", "lowercase"),
    ("normalizer", "BertNormalizer", "strip_accents", "strip_accents"),
    ("normalizer", "BertNormalizer", "tokenize_chinese_chars", "handle_chinese_chars"),
    ("pre_tokenizer", "ByteLevel", "add_prefix_space", "add_prefix_space"),
    ("post_processor", "ByteLevel", "add_prefix_space", "add_prefix_space"),
    ("post_processor", "RobertaProcessing", "add_prefix_space", "add_prefix_space"),
)

#: A noncharacter, which is in no vocabulary.
_UNKNOWN = "\U0010ffff"


class TokenizerFileError(ValueError):
    """A tokenizer that cannot be used; the message says which file and why."""


@contextmanager
def no_panics(where: str) -> Iterator[None]:
    """Turn errors of the ``tokenizers`` library into `TokenizerFileError`.

    It raises plain Exception, and a Rust panic is a BaseException that ``except Exception`` does not catch.

    Examples
    --------
    >>> with no_panics("tokenizer.json"):
    ...     tokenizers.Tokenizer.from_str("{}")
    Traceback (most recent call last):
    ...
    ner_core.tokenizer_files.TokenizerFileError: tokenizer.json: the tokenizers library failed: ...
    """
    try:
        yield
    except TokenizerFileError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        msg = f"{where}: the tokenizers library failed: {str(error)[:200]}"
        raise TokenizerFileError(msg) from None


def read_text(path: Path) -> str:
    """Read a file of bounded size as UTF-8."""
    size = path.stat().st_size
    if size > _LARGEST:
        msg = f"{path}: expected at most {_LARGEST} bytes, found {size}"
        raise TokenizerFileError(msg)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: expected UTF-8 text, found {error}"
        raise TokenizerFileError(msg) from None


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object, such as tokenizer_config.json; empty if there is no such file."""
    if not path.is_file():
        return {}
    return _object(read_text(path), str(path))


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{where}: expected JSON, found: {error}. Download it again."
        raise TokenizerFileError(msg) from None
    if not isinstance(value, dict):
        msg = f"{where}: expected a JSON object, found {type(value).__name__}"
        raise TokenizerFileError(msg)
    return value


# tokenizer.json


def parse_tokenizer(
    text: str,
    where: str = "tokenizer.json",
    lower_case: bool | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tokenizers.Tokenizer:
    """Read a tokenizer.json.

    Parameters
    ----------
    text : str
        Its content.
    where : str
        Names the file in errors.
    lower_case : bool, optional
        Overrides the file if it has BERT's normalizer; stripping of accents is not changed.
    settings : mapping, optional
        Settings of tokenizer_config.json, which override the file: ``do_lower_case``, ``strip_accents`` and
        ``tokenize_chinese_chars`` of BERT's normalizer, ``add_prefix_space`` of byte-level tokenizers.

    Returns
    -------
    tokenizers.Tokenizer
        Without truncation and padding.

    Raises
    ------
    TokenizerFileError
        It cannot be read, has a regular expression that may never end, replaces characters by very many, or
        has an id that no vocabulary needs.
    """
    content = _object(text, where)
    _check_patterns(content, where)
    _check_growth(content.get("normalizer"), where)
    model = content.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, list):  # of Unigram: pieces with their scores
        check_pieces((one[0] for one in vocabulary if isinstance(one, list) and one), where)
    _check_ids(vocabulary, content.get("added_tokens"), where)
    if _override(content, lower_case, settings or {}):
        text = json.dumps(content, ensure_ascii=False)
    with no_panics(where):
        tokenizer = tokenizers.Tokenizer.from_str(text)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode(_UNKNOWN)  # without an unknown piece it should fail now, not at a user's text
        return tokenizer


def _override(content: dict[str, Any], lower_case: bool | None, settings: Mapping[str, Any]) -> bool:
    """Override values of a tokenizer.json by its settings, and return whether anything changed.

    Examples
    --------
    >>> content = {"normalizer": {"type": "BertNormalizer", "lowercase": True, "strip_accents": None}}
    >>> _override(content, None, {"do_lower_case": False}), content["normalizer"]["lowercase"]
    (True, False)
    """
    told = dict(settings) if lower_case is None else {**settings, "do_lower_case": lower_case}
    changed = False
    for place, kind, setting, key in _OVERRIDDEN:
        part, value = content.get(place), told.get(setting)
        if not isinstance(part, dict) or part.get("type") != kind or part.get(key) == value:
            continue
        if isinstance(value, bool) or (setting == "strip_accents" and setting in told and value is None):
            part[key], changed = value, True
    return changed


def check_pieces(pieces: Iterable[Any], where: str) -> None:
    """Raise `TokenizerFileError` if a piece of a Unigram model is so long that it would end the process."""
    longest = max((len(piece) for piece in pieces if isinstance(piece, str)), default=0)
    if longest > _LONGEST_PIECE:
        msg = f"{where}: refused: a piece has {longest:,} characters, expected at most {_LONGEST_PIECE:,}"
        raise TokenizerFileError(msg)


def _check_patterns(value: Any, where: str) -> None:
    """Check the regular expressions everywhere except in vocabularies."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            pattern = value.get("Regex")
            if isinstance(pattern, str) and may_never_end(pattern):
                shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}…"
                msg = f"{where}: refused: the pattern {shown!r} can take time without bound"
                raise TokenizerFileError(msg)
            todo += [inner for key, inner in value.items() if key not in ("vocab", "merges", "added_tokens")]
        elif isinstance(value, list):
            todo += value


def _check_growth(normalizer: Any, where: str) -> None:
    """Check that replacements, one after the other, cannot make a text very much longer."""
    growth, todo = 1, [normalizer]
    while todo:
        part = todo.pop()
        if not isinstance(part, dict):
            continue
        if isinstance(parts := part.get("normalizers"), list):
            todo += parts
        pattern, added = part.get("pattern"), part.get("content", part.get("prepend"))
        replaced = pattern.get("String") if isinstance(pattern, dict) else None
        if isinstance(added, str):
            width = len(replaced) if isinstance(replaced, str) and replaced else 1
            growth *= max(1, math.ceil(len(added) / width))
        if growth > _LARGEST_GROWTH:
            msg = f"{where}: refused: its normalizer can make a text over {_LARGEST_GROWTH} times longer"
            raise TokenizerFileError(msg)


def _check_ids(vocabulary: Any, added_tokens: Any, where: str) -> None:
    """Check the ids of a vocabulary and of the tokens added to it."""
    ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else []
    if isinstance(added_tokens, list):
        ids += [token.get("id") for token in added_tokens if isinstance(token, dict)]
    largest = max((one for one in ids if isinstance(one, int)), default=0)
    if largest > _LARGEST_ID:
        msg = f"{where}: refused: a token has the id {largest}, expected at most {_LARGEST_ID}"
        raise TokenizerFileError(msg)


# vocab.txt


def read_wordpiece(path: Path, lower_case: bool | None = None) -> tokenizers.Tokenizer:
    """Build BERT's tokenizer from a vocab.txt and the settings beside it, if there are any.

    tokenizer_config.json overrides special_tokens_map.json.

    Parameters
    ----------
    path : Path
        The vocabulary, one piece a line.
    lower_case : bool, optional
        Overrides the settings; if neither is given, a vocabulary without capital letters counts as uncased.

    Returns
    -------
    tokenizers.Tokenizer
    """
    vocabulary = parse_vocabulary(read_text(path))
    settings = {
        **read_json_object(path.with_name("special_tokens_map.json")),
        **read_json_object(path.with_name("tokenizer_config.json")),
    }
    return build_wordpiece(vocabulary, lower_case, settings, str(path))


def parse_vocabulary(text: str) -> dict[str, int]:
    r"""Read a vocab.txt: one piece a line, the line number is the id.

    Only a line feed ends a line: a piece may be another line separator, such as U+2028.

    Examples
    --------
    >>> parse_vocabulary("[UNK]\r\nMary\n\u2028\n")
    {'[UNK]': 0, 'Mary': 1, '\u2028': 2}
    """
    lines = text.removeprefix("\ufeff").split("\n")
    return {line.rstrip("\r"): index for index, line in enumerate(lines) if line.rstrip("\r")}


def looks_uncased(vocabulary: Mapping[str, int]) -> bool:
    """Return whether no piece has a capital letter, except special tokens such as ``[CLS]``."""
    return all(piece == piece.lower() or re.fullmatch(r"\[.+\]", piece, re.DOTALL) for piece in vocabulary)


def build_wordpiece(
    vocabulary: Mapping[str, int],
    lower_case: bool | None = None,
    settings: Mapping[str, Any] | None = None,
    where: str = "vocab.txt",
) -> tokenizers.Tokenizer:
    """Build BERT's tokenizer, https://github.com/google-research/bert/blob/master/tokenization.py.

    It uses the ``tokenizers`` library because transformers 5 silently ignores
    ``BertTokenizer(vocab_file=...)``.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Piece to id.
    lower_case : bool, optional
        Overrides the settings; if neither is given, inferred from the vocabulary.
    settings : mapping, optional
        Settings of tokenizer_config.json: ``do_lower_case``, ``strip_accents``, ``tokenize_chinese_chars``,
        and the special tokens.
    where : str
        Names the file in errors.

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    TokenizerFileError
        If a special token is missing.

    Examples
    --------
    >>> pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "mary", "sing", "##s"]
    >>> build_wordpiece({piece: index for index, piece in enumerate(pieces)}).encode("Mary sings").tokens
    ['[CLS]', 'mary', 'sing', '##s', '[SEP]']
    """
    settings = settings or {}
    special = {key: _token(settings.get(key), usual) for key, usual in _SPECIAL.items()}
    missing = [token for key, token in special.items() if token not in vocabulary and key not in _OPTIONAL]
    if missing:
        msg = f"{where}: not a BERT vocabulary: {', '.join(missing)} missing (expected one piece a line)"
        raise TokenizerFileError(msg)
    told = settings.get("do_lower_case")
    if lower_case is None:
        lower_case = told if isinstance(told, bool) else looks_uncased(vocabulary)
    accents = settings.get("strip_accents")
    unknown, first, last = special["unk_token"], special["cls_token"], special["sep_token"]
    model = tokenizers.models.WordPiece(dict(vocabulary), unk_token=unknown, max_input_chars_per_word=100)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lower_case,
        strip_accents=accents if isinstance(accents, bool) else None,
        handle_chinese_chars=settings.get("tokenize_chinese_chars") is not False,
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{first}:0 $A:0 {last}:0",
        pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1",
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    tokenizer.add_special_tokens([token for token in special.values() if token in vocabulary])
    return tokenizer


def _token(given: Any, usual: str) -> str:
    """Return a token of tokenizer_config.json, which is a string or an object with its content."""
    content = given.get("content") if isinstance(given, dict) else given
    return content if isinstance(content, str) and content else usual
