"""Files and classes of tokenizers: which ones the ``tokenizers`` library can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import few
from model_zoo.catalog.suitability.families import WORDPIECE_FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["OWN_FILES", "TOKENIZER_FILES", "check_tokenizer"]

_BYTE_FAMILIES = ("data2vec-text", "deberta", "gpt2", "gpt_neo", "ibert", "roberta", "roberta-prelayernorm")
#: Files of a family's own tokenizer, used if there is no tokenizer.json.
OWN_FILES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys([*WORDPIECE_FAMILIES, "mpnet"], ("vocab.txt",)),
    **dict.fromkeys(_BYTE_FAMILIES, ("vocab.json", "merges.txt")),
    **dict.fromkeys(["camembert", "xlm-roberta", "xlm-roberta-xl", "xmod"], ("sentencepiece.bpe.model",)),
    **dict.fromkeys(["albert", "big_bird", "mt5", "t5", "umt5", "xlnet"], ("spiece.model",)),
    "deberta-v2": ("spm.model",),
    "rembert": ("sentencepiece.model",),
    **dict.fromkeys(["gemma", "gemma2", "llama", "mistral"], ("tokenizer.model",)),
}
#: All files of a tokenizer.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    *dict.fromkeys(file for group in OWN_FILES.values() for file in group),
)
#: Tokenizer classes with code of their own, and why they are refused.
_REFUSED_TOKENIZERS = {
    "BertJapaneseTokenizer": "it splits Japanese words with MeCab or Sudachi",
    "JumanppTokenizer": "it splits Japanese words with Juman++",
    "BertweetTokenizer": "it rewrites tweets before it splits them",
    "PhobertTokenizer": "it expects Vietnamese text whose words were joined before",
    **dict.fromkeys(("CpmTokenizer", "RoFormerTokenizer"), "it splits Chinese words with jieba"),
    **dict.fromkeys(("FlaubertTokenizer", "XLMTokenizer", "HerbertTokenizer"), "it splits words with Moses"),
    **dict.fromkeys(("LukeTokenizer", "MLukeTokenizer"), "it needs the entities marked"),
    "CanineTokenizer": "it reads characters",
    "ByT5Tokenizer": "it reads bytes",
    "TapasTokenizer": "it reads tables",
    "KoBertTokenizer": "it is code of its repository",
}


def check_tokenizer(
    name: str,
    files: Collection[str],
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[str, ...]:
    """Refuse tokenizers that the ``tokenizers`` library cannot run; return the files to build one from.

    Parameters
    ----------
    name : str
        Start of error messages.
    files : collection of str
        Names in the repository.
    config, settings : mapping
        config.json and tokenizer_config.json.

    Raises
    ------
    CatalogError
        The message is one sentence.
    """
    for given in (settings.get("tokenizer_class"), config.get("tokenizer_class")):
        reason = _REFUSED_TOKENIZERS.get(str(given).removesuffix("Fast"))
        if reason:
            msg = (
                f"{name}: its tokenizer {given} isn't supported: {reason}, which no tokenizer.json can; "
                "choose another kind of model, such as one based on XLM-RoBERTa"
            )
            raise CatalogError(msg)
    has_json = "tokenizer.json" in files
    if (
        isinstance(settings.get("auto_map"), dict)
        and settings["auto_map"].get("AutoTokenizer")
        and not has_json
    ):
        msg = f"{name}: its tokenizer is code of this repository, which isn't run"
        raise CatalogError(msg)
    if has_json:
        return ("tokenizer.json",)
    own = OWN_FILES.get(str(config.get("model_type")), ())
    if own and all(file in files for file in own):
        return own
    kinds = f"tokenizer.json, or {' and '.join(own)}," if own else "tokenizer.json"
    msg = f"{name}: expected {kinds} in the repository, found {few(sorted(files), 12) or 'no files'}"
    raise CatalogError(msg)
