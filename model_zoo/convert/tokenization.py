"""Tokenizers as files: BERT's vocab.txt or any tokenizer.json, made into one that needs nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from model_zoo.catalog.errors import ZooError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["TokenizerError", "lowers_case", "portable_tokenizer", "read_tokenizer", "wordpiece_tokenizer"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SIZE_LIMIT = 256 * 2**20


class TokenizerError(ZooError, ValueError):
    """A tokenizer that cannot be used; the message says which file and why."""


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
        if file.stat().st_size > SIZE_LIMIT:
            msg = f"{file}: {file.stat().st_size} bytes, expected at most {SIZE_LIMIT}."
            raise TokenizerError(msg)
        return portable_tokenizer(file.read_text(encoding="utf-8"), lower_case, where=str(file))
    if vocabulary.is_file():
        settings = folder / "tokenizer_config.json"
        if lower_case is None and settings.is_file():
            lower_case = _do_lower_case(settings)
        return wordpiece_tokenizer(vocabulary.read_text(encoding="utf-8").splitlines(), lower_case)
    msg = f"{folder}: no tokenizer. Expected tokenizer.json or vocab.txt."
    raise TokenizerError(msg)


def portable_tokenizer(text: str, lower_case: bool | None = None, where: str = "tokenizer.json") -> Tokenizer:
    """Read a ``tokenizers`` file and take what belongs to one use of it away: truncation and padding.

    Parameters
    ----------
    text : str
        Content of a tokenizer.json.
    lower_case : bool or None
        Overrides the file, where its normalizer is BERT's.
    where : str
        Names the file in errors.

    Returns
    -------
    tokenizers.Tokenizer
    """
    try:
        if lower_case is not None:
            content = json.loads(text)
            normalizer = content.get("normalizer") or {}
            if normalizer.get("type") == "BertNormalizer":
                normalizer["lowercase"] = lower_case
                text = json.dumps(content, ensure_ascii=False)
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises plain Exception
        msg = f"{where}: not a tokenizer: {str(error)[:200]}. Download it again."
        raise TokenizerError(msg) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def wordpiece_tokenizer(vocabulary: Iterable[str], lower_case: bool | None = None) -> Tokenizer:
    """Build BERT's tokenizer from the lines of a vocab.txt.

    Built with the ``tokenizers`` library itself: transformers 5 silently ignores
    ``BertTokenizer(vocab_file=...)``.

    Parameters
    ----------
    vocabulary : iterable of str
        One piece a line, in id order.
    lower_case : bool or None
        None: lower-cases unless the vocabulary has capitals outside brackets.

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    TokenizerError
        If a special token is missing.

    Examples
    --------
    >>> pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "mary", "sing", "##s"]
    >>> wordpiece_tokenizer(pieces).encode("Mary sings").tokens
    ['[CLS]', 'mary', 'sing', '##s', '[SEP]']
    """
    vocab = {piece.rstrip("\r\n"): index for index, piece in enumerate(vocabulary)}
    missing = [token for token in SPECIAL_TOKENS[:4] if token not in vocab]
    if missing:
        msg = f"vocab.txt: {', '.join(missing)} missing. Expected BERT's vocabulary, one piece a line."
        raise TokenizerError(msg)
    if lower_case is None:
        lower_case = not any(piece != piece.lower() for piece in vocab if not piece.startswith("["))
    model = models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100)  # noqa: S106
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    tokenizer.add_special_tokens([token for token in SPECIAL_TOKENS if token in vocab])
    return tokenizer


def lowers_case(tokenizer: Tokenizer) -> bool | None:
    """Say whether a tokenizer lower-cases; None where its normalizer is not BERT's."""
    normalizer = tokenizer.normalizer
    return bool(normalizer.lowercase) if isinstance(normalizer, normalizers.BertNormalizer) else None


def _do_lower_case(file: Path) -> bool | None:
    """Read what tokenizer_config.json says of case."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{file}: not JSON: {error}. Download it again."
        raise TokenizerError(msg) from error
    told = settings.get("do_lower_case") if isinstance(settings, dict) else None
    return told if isinstance(told, bool) else None
