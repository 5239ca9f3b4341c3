"""The tokenizer of a checkpoint folder as one tokenizer.json, whichever files it was published in.

A sentencepiece model is converted by transformers' own converters, which made the tokenizer.json files of the
hub; vocab.json with merges.txt and all others, by the tokenizer class of the family.
"""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Tokenizer, normalizers

from model_zoo.catalog.suitability.families import WORDPIECE_FAMILIES, with_family
from model_zoo.catalog.suitability.tokenizers import OWN_FILES, TOKENIZER_FILES, check_tokenizer
from ner_core.tokenizer_files import (
    TokenizerFileError,
    check_pieces,
    no_panics,
    parse_tokenizer,
    read_json_object,
    read_text,
    read_wordpiece,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOKENIZER_FILES", "lowers_case", "read_tokenizer"]

#: Family to its converter in transformers, and the defaults of its tokenizer class.
_SENTENCEPIECE: dict[str, tuple[str, dict[str, Any]]] = {
    "albert": ("AlbertConverter", {"do_lower_case": True, "keep_accents": False}),
    "big_bird": ("BigBirdConverter", {}),
    "camembert": ("CamembertConverter", {}),
    "deberta-v2": ("DebertaV2Converter", {"do_lower_case": False, "split_by_punct": False}),
    "mt5": ("T5Converter", {"extra_ids": 0}),
    "rembert": ("RemBertConverter", {"do_lower_case": False, "keep_accents": True}),
    "t5": ("T5Converter", {"extra_ids": 100}),
    "umt5": ("T5Converter", {"extra_ids": 0}),
    "xlm-roberta": ("XLMRobertaConverter", {}),
    "xlm-roberta-xl": ("XLMRobertaConverter", {}),
    "xlnet": ("XLNetConverter", {"do_lower_case": False, "keep_accents": False}),
    "xmod": ("XLMRobertaConverter", {}),
}
#: Classes of tokenizers that belong to no family.
_GENERAL = ("PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend")
#: Flags of an added token in tokenizer_config.json.
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_SPECIAL = (
    *("<s>", "</s>", "<pad>", "<unk>", "<mask>", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"),
    *("<cls>", "<sep>"),
)


def read_tokenizer(folder: Path, lower_case: bool | None = None) -> Tokenizer:
    """Read the tokenizer of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        tokenizer.json is preferred; else vocab.json with merges.txt, a sentencepiece model, or vocab.txt.
    lower_case : bool or None
        None: by the files, else guessed from the vocabulary.

    Returns
    -------
    tokenizers.Tokenizer
        Truncation and padding off.

    Raises
    ------
    CatalogError, TokenizerFileError
        There is none, or it cannot be used.
    """
    config = {"model_type": "bert"} | with_family(read_json_object(folder / "config.json"))
    settings = read_json_object(folder / "tokenizer_config.json")
    family = str(config["model_type"])
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    group = check_tokenizer(str(folder), names, config, settings)
    vocab_size = int(config.get("vocab_size") or 0)
    fewest = vocab_size // 2  # a class of transformers makes a small tokenizer without its files
    if group == ("tokenizer.json",):
        file, fewest = folder / "tokenizer.json", 0
        told = settings if _heeds_settings(family, settings) else {}
        tokenizer = parse_tokenizer(read_text(file), str(file), lower_case, told)
    elif group == ("vocab.txt",) and family in WORDPIECE_FAMILIES:
        tokenizer, fewest = read_wordpiece(folder / "vocab.txt", lower_case), 0
    elif group[0].endswith(".model") and family in _SENTENCEPIECE:
        tokenizer = _from_sentencepiece(folder / group[0], family, settings)
    else:
        tokenizer = _from_class(folder, family, settings)
    _add_tokens(folder, tokenizer, settings)
    return _checked(folder, tokenizer, fewest, vocab_size)


def _heeds_settings(family: str, settings: Mapping[str, Any]) -> bool:
    """Return whether the tokenizer's class lets tokenizer_config.json override tokenizer.json.

    Those of the families do in transformers; its general classes use tokenizer.json unchanged.
    """
    named = settings.get("tokenizer_class")
    return family in OWN_FILES if named is None else named not in _GENERAL


def lowers_case(tokenizer: Tokenizer) -> bool | None:
    """Return whether a tokenizer lower-cases; None where its normalizer is not BERT's."""
    normalizer = tokenizer.normalizer
    return bool(normalizer.lowercase) if isinstance(normalizer, normalizers.BertNormalizer) else None


def _from_sentencepiece(file: Path, family: str, settings: Mapping[str, Any]) -> Tokenizer:
    # a function of this name in the package hides the module
    converters = importlib.import_module("transformers.convert_slow_tokenizer")

    name, usual = _SENTENCEPIECE[family]
    told = {key: settings.get(key, value) for key, value in usual.items()}
    stand_in = SimpleNamespace(vocab_file=str(file), _extra_ids=told.pop("extra_ids", 0), **told)
    with no_panics(str(file)):
        converter = getattr(converters, name)(stand_in)
        check_pieces((one.piece for one in converter.proto.pieces), str(file))
        ids = {piece: number for number, (piece, _) in enumerate(converter.vocab(converter.proto))}
        stand_in.convert_tokens_to_ids = ids.__getitem__
        tokenizer: Tokenizer = converter.converted()
    special = [token for token in _SPECIAL if token in ids]
    mask = settings.get("mask_token")
    mask = mask.get("content") if isinstance(mask, dict) else mask
    if family == "deberta-v2" and "[MASK]" not in ids:
        special.append(mask if isinstance(mask, str) else "[MASK]")  # its id is the first after the pieces
    tokenizer.add_special_tokens(special)
    return tokenizer


def _add_tokens(folder: Path, tokenizer: Tokenizer, settings: Mapping[str, Any]) -> None:
    """Add the tokens that added_tokens.json or the settings append to the vocabulary."""
    file = folder / "added_tokens.json"
    found: dict[int, AddedToken] = {}
    try:
        for content, number in read_json_object(file).items():
            found[int(number)] = AddedToken(str(content))
        for number, told in (settings.get("added_tokens_decoder") or {}).items():
            flags = {key: bool(told[key]) for key in _FLAGS if key in told}
            found[int(number)] = AddedToken(str(told["content"]), **flags)
    except (TypeError, ValueError, KeyError, AttributeError):
        msg = f"{folder}: added tokens: expected contents and ids in {file.name} or added_tokens_decoder"
        raise TokenizerFileError(msg) from None
    for number, token in sorted(found.items()):
        size = tokenizer.get_vocab_size()
        if tokenizer.token_to_id(token.content) is not None or number < size:
            continue
        if number > size:
            msg = f"{folder}: added tokens: expected the id {size} for {token.content}, found {number}"
            raise TokenizerFileError(msg)
        tokenizer.add_tokens([token])


def _from_class(folder: Path, family: str, settings: Mapping[str, Any]) -> Tokenizer:
    """Load the tokenizer with transformers from its files, without settings that name code or paths."""
    from transformers import AutoTokenizer

    kept = {
        key: value
        for key, value in settings.items()
        if not key.endswith(("_file", "auto_map", "name_or_path"))
    }
    with tempfile.TemporaryDirectory(prefix="tokenizer-") as made:
        for name in TOKENIZER_FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, Path(made) / name)
        (Path(made) / "tokenizer_config.json").write_text(json.dumps(kept), encoding="utf-8")
        (Path(made) / "config.json").write_text(json.dumps({"model_type": family}), encoding="utf-8")
        with no_panics(str(folder)):
            tokenizer = AutoTokenizer.from_pretrained(made, local_files_only=True, trust_remote_code=False)
            return parse_tokenizer(tokenizer.backend_tokenizer.to_str(), str(folder))


def _checked(folder: Path, tokenizer: Tokenizer, fewest: int, most: int) -> Tokenizer:
    """Refuse a tokenizer whose number of pieces is not that of the model, where the model says it."""
    pieces = tokenizer.get_vocab_size(with_added_tokens=False)
    if most and not fewest <= pieces <= most:
        msg = f"{folder}: the tokenizer's files give {pieces} pieces, the model has {most}. They don't fit."
        raise TokenizerFileError(msg)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
