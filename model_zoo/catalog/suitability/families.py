"""Model families (``model_type``): which ones run, and whether a config.json belongs to one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.messages import shown
from model_zoo.catalog.suitability.weights import check_quantization

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CRF",
    "FAMILIES",
    "REFUSED_FAMILIES",
    "WORDPIECE_FAMILIES",
    "architectures",
    "check_architecture",
    "clean_config",
    "with_family",
]

#: Families (``model_type``) that the tests convert and compare with transformers.
_RUN = """
    albert apertus arcee bert big_bird biogpt bloom camembert data2vec-text deberta deberta-v2 distilbert
    electra ernie eurobert falcon gemma gemma2 gpt2 gpt_neo gpt_neox gpt_bigcode ibert llama megatron-bert
    mistral mobilebert modernbert mpnet mt5 nomic_bert openai_privacy_filter phi phi3 qwen2 qwen3 rembert
    roberta roberta-prelayernorm smollm3 squeezebert stablelm starcoder2 t5 umt5 xlm-roberta xlm-roberta-xl
    xlnet xmod
"""
FAMILIES = frozenset(_RUN.split())
#: Families with BERT's tokenizer, for which a bare vocab.txt is enough.
WORDPIECE_FAMILIES = frozenset(
    ("bert", "distilbert", "electra", "ernie", "megatron-bert", "mobilebert", "nomic_bert", "squeezebert")
)
_BOXES = "it reads documents as images or boxes of words, and has no answer for plain text"
_PADDING = "its scores change with padding and neighbours in a batch, so that no batch is right"
_OWN_TOKENIZER = "its tokenizer is Python code that the tokenizers library doesn't have"
#: Families of transformers that would give wrong results or none, and why.
REFUSED_FAMILIES = {
    **dict.fromkeys(["layoutlm", "layoutlmv2", "layoutlmv3", "lilt", "bros", "markuplm"], _BOXES),
    **dict.fromkeys(["convbert", "fnet", "nystromformer", "funnel", "longformer", "mra", "yoso"], _PADDING),
    **dict.fromkeys(["canine", "flaubert", "luke", "mluke", "roc_bert", "roformer", "xlm"], _OWN_TOKENIZER),
    **dict.fromkeys(["esm", "esmc"], "it reads proteins, not text"),
}

#: Keys of config.json that select code to run, or the type of numbers, which is chosen here.
_CHOOSES_CODE = re.compile(
    r"implementation|^auto_map$|^custom_pipelines$|^use_kernels?$|^kernel_config$|quantiz|^compression_config$"
    r"|^(base_model_)?[te]p_plan$|^_name_or_path$|^_commit_hash$|^(torch_)?dtype$"
)
_WHOLE_NUMBERS = (
    *("vocab_size", "max_position_embeddings", "n_positions", "type_vocab_size", "pad_token_id"),
    *("num_random_blocks", "block_size"),
)
_SUFFIX = "ForTokenClassification"
#: Why a model is refused whose labels a conditional random field chooses.
CRF = (
    "a CRF chooses its labels ({}), which can't be converted. Use a token classifier without one, or train "
    "this one further: python -m model_zoo.finetuner --start"
)
#: Families that use another family's classes.
_BORROWED = {"gpt-sw3": "gpt2"}


def check_architecture(name: str, config: Mapping[str, Any], *, encoder: bool = False) -> None:
    """Refuse anything but token classifiers of the supported families.

    The class in ``architectures`` must be the one of transformers for ``model_type``: a repository may bring
    code for another class, which is never run.

    Parameters
    ----------
    name : str
        Start of error messages.
    config : mapping
        Content of config.json.
    encoder : bool
        Accept any model of the family, as a start for fine-tuning.

    Raises
    ------
    CatalogError
        The message is one sentence.
    """
    check_numbers(name, config)
    named, family = architectures(config), str(config.get("model_type") or "")
    found = ", ".join(named) or "no architecture"
    if encoder and not named and family in FAMILIES:
        return
    if family in REFUSED_FAMILIES:
        msg = f"{name}: {family} models aren't supported: {REFUSED_FAMILIES[family]}"
    elif not encoder and "crf" in found.lower():
        msg = f"{name}: {CRF.format(found)}"
    elif not encoder and not any(one.endswith(_SUFFIX) for one in named):
        msg = (
            f"{name}: expected a token classifier (an architecture ...{_SUFFIX}), found {found}; "
            "an encoder has to be fine-tuned first: python -m model_zoo.finetuner --start"
        )
    elif family in FAMILIES and any(_belongs(one, family, encoder=encoder) for one in named):
        check_quantization(name, config)
        return
    elif config.get("auto_map") or family in FAMILIES:
        expected = f"expected the architecture of {family} models, " if family in FAMILIES else ""
        msg = (
            f"{name}: {expected}found {found}, which is code of its repository or of another library and "
            "isn't run; use a model whose architecture is part of transformers"
        )
    else:
        kind = f"{family} models aren't" if family else "a model without a model_type isn't"
        msg = f"{name}: {kind} supported; docs/hub-models.md lists the families that are"
    raise CatalogError(msg)


def with_family(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config.json with the ``model_type`` that its architecture says, if it has none of its own.

    Examples
    --------
    >>> with_family({"architectures": ["DebertaV2ForTokenClassification"]})["model_type"]
    'deberta-v2'
    """
    belong = (
        family for family in FAMILIES for one in architectures(config) if _belongs(one, family, encoder=True)
    )
    family = config.get("model_type") or max(belong, key=len, default=None)
    return {**config, "model_type": family} if family else dict(config)


def check_numbers(name: str, config: Mapping[str, Any]) -> None:
    """Refuse sizes and ids of a config.json that are no integers."""
    for key in _WHOLE_NUMBERS:
        if not isinstance(config.get(key), int | None):
            msg = f"{name}: {key}: expected an integer, found {shown(config[key])}"
            raise CatalogError(msg)


def _belongs(architecture: str, family: str, *, encoder: bool) -> bool:
    """Return whether a class is the one of transformers for a family.

    Examples
    --------
    >>> _belongs("XLMRobertaForTokenClassification", "xlm-roberta", encoder=False)
    True
    >>> _belongs("NewBertForTokenClassification", "bert", encoder=False)
    False
    """
    own = _plain(_BORROWED.get(family, family))
    if encoder:
        return _plain(architecture).startswith(own)
    return _plain(architecture) == own + _plain(_SUFFIX)


def architectures(config: Mapping[str, Any]) -> list[str]:
    """Return the classes named in a config.json.

    Examples
    --------
    >>> architectures({"architectures": ["BertForTokenClassification"]})
    ['BertForTokenClassification']
    """
    given = config.get("architectures")
    return (
        [str(one) for one in given] if isinstance(given, list) else [given] if isinstance(given, str) else []
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def clean_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Remove keys that select code, kernels or types of numbers from a config.json.

    transformers would fetch an attention implementation of the form ``owner/repository`` from the hub if the
    kernels package is installed, and import quantization libraries. Nested configurations are cleaned too.

    Examples
    --------
    >>> clean_config({"hidden_size": 8, "_attn_implementation": "owner/kernel", "auto_map": {}})
    {'hidden_size': 8}
    """
    return {
        key: clean_config(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if not _CHOOSES_CODE.search(key)
    }
