"""The tokenizer of a checkpoint folder, made into one tokenizer.json that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer, normalizers

from ner_core.tokenizer_files import TokenizerFileError, parse_tokenizer, read_text, read_wordpiece

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["lowers_case", "read_tokenizer"]


def read_tokenizer(folder: Path, lower_case: bool | None = None) -> Tokenizer:
    """Read tokenizer.json of a folder, or build the WordPiece tokenizer of its vocab.txt.

    Parameters
    ----------
    folder : pathlib.Path
        tokenizer.json is preferred to vocab.txt.
    lower_case : bool or None
        None: as the files say (tokenizer_config.json for a vocab.txt), else as the vocabulary looks.

    Returns
    -------
    tokenizers.Tokenizer
        Truncation and padding off.
    """
    file, vocabulary = folder / "tokenizer.json", folder / "vocab.txt"
    if file.is_file():
        return parse_tokenizer(read_text(file), str(file), lower_case)
    if vocabulary.is_file():
        return read_wordpiece(vocabulary, lower_case)
    msg = f"{folder}: no tokenizer. Expected tokenizer.json or vocab.txt."
    raise TokenizerFileError(msg)


def lowers_case(tokenizer: Tokenizer) -> bool | None:
    """Say whether a tokenizer lower-cases; None where its normalizer is not BERT's."""
    normalizer = tokenizer.normalizer
    return bool(normalizer.lowercase) if isinstance(normalizer, normalizers.BertNormalizer) else None
