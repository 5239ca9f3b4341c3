"""Which published checkpoints this project runs, told by their small files alone, before a byte of weights.

Both the hub look-up and the reader of checkpoint folders ask here. A refusal is one sentence that says what
the repository is and what to do. ``docs/hub-models.md`` is the same table, with what was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_zoo.catalog.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "FAMILIES",
    "INDEX",
    "LIBRARIES",
    "OWN_FILES",
    "REFUSED_FAMILIES",
    "WEIGHTS",
    "WORDPIECE_FAMILIES",
    "check_architecture",
    "check_kind",
    "check_quantization",
    "check_tokenizer",
    "clean_config",
    "labels_of",
    "named_labels",
    "shards_of",
    "weights_in",
]

INDEX = ".index.json"  # names the files (shards) of weights that come in several
#: Weights, best first; ONNX is taken where there is nothing else.
WEIGHTS = (
    *(name + kind for name in ("model.safetensors", "pytorch_model.bin") for kind in ("", INDEX)),
    "onnx/model.onnx",
    "model.onnx",
)
#: Families (``model_type``) that the tests convert and compare with transformers.
_RUN = """
    albert apertus arcee bert big_bird biogpt bloom camembert data2vec-text deberta deberta-v2 distilbert
    electra ernie eurobert falcon gemma gemma2 gpt2 gpt_neo gpt_neox gpt_bigcode ibert llama megatron-bert
    mistral mobilebert modernbert mpnet mt5 nomic_bert openai_privacy_filter phi phi3 qwen2 qwen3 rembert
    roberta roberta-prelayernorm smollm3 squeezebert stablelm starcoder2 t5 umt5 xlm-roberta xlm-roberta-xl
    xlnet xmod
"""
FAMILIES = frozenset(_RUN.split())
#: Those of them whose tokenizer is BERT's, so that a bare vocab.txt says everything.
WORDPIECE_FAMILIES = frozenset(
    ("bert", "distilbert", "electra", "ernie", "megatron-bert", "mobilebert", "nomic_bert", "squeezebert")
)
_BYTE_FAMILIES = ("data2vec-text", "deberta", "gpt2", "gpt_neo", "ibert", "roberta", "roberta-prelayernorm")
#: The files of a family's own tokenizer, which do where there is no tokenizer.json.
OWN_FILES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys([*WORDPIECE_FAMILIES, "mpnet"], ("vocab.txt",)),
    **dict.fromkeys(_BYTE_FAMILIES, ("vocab.json", "merges.txt")),
    **dict.fromkeys(["camembert", "xlm-roberta", "xlm-roberta-xl", "xmod"], ("sentencepiece.bpe.model",)),
    **dict.fromkeys(["albert", "big_bird", "mt5", "t5", "umt5", "xlnet"], ("spiece.model",)),
    "deberta-v2": ("spm.model",),
    "rembert": ("sentencepiece.model",),
    **dict.fromkeys(["gemma", "gemma2", "llama", "mistral"], ("tokenizer.model",)),
}

_BOXES = "it reads documents as images or boxes of words, and has no answer for plain text"
_PADDING = "its scores change with padding and neighbours in a batch, so that no batch is right"
_OWN_TOKENIZER = "its tokenizer is Python code that the tokenizers library doesn't have"
#: Families of transformers that would run wrongly or not at all, and why.
REFUSED_FAMILIES = {
    **dict.fromkeys(["layoutlm", "layoutlmv2", "layoutlmv3", "lilt", "bros", "markuplm"], _BOXES),
    **dict.fromkeys(["convbert", "fnet", "nystromformer", "funnel", "longformer", "mra", "yoso"], _PADDING),
    **dict.fromkeys(["canine", "flaubert", "luke", "mluke", "roc_bert", "roformer", "xlm"], _OWN_TOKENIZER),
    **dict.fromkeys(["esm", "esmc"], "it reads proteins, not text"),
}

#: Classes of tokenizers that split words with programs of their own.
_REFUSED_TOKENIZERS = {
    "BertJapaneseTokenizer": "it splits Japanese words with MeCab or Sudachi",
    "JumanppTokenizer": "it splits Japanese words with Juman++",
    "BertweetTokenizer": "it rewrites tweets before it splits them",
    "PhobertTokenizer": "it expects Vietnamese text whose words were joined before",
    "CpmTokenizer": "it splits Chinese words with jieba",
    "RoFormerTokenizer": "it splits Chinese words with jieba",
    "FlaubertTokenizer": "it splits words with Moses",
    "XLMTokenizer": "it splits words with Moses",
    "HerbertTokenizer": "it splits words with Moses",
    "CanineTokenizer": "it reads characters",
    "LukeTokenizer": "it needs the entities marked",
    "MLukeTokenizer": "it needs the entities marked",
    "ByT5Tokenizer": "it reads bytes",
    "TapasTokenizer": "it reads tables",
    "KoBertTokenizer": "it is code of its repository",
}

#: Keys of config.json that choose what is run.
_CHOOSES_CODE = re.compile(
    r"implementation|^auto_map$|^custom_pipelines$|^use_kernels?$|^kernel_config$|quantiz|^compression_config$"
    r"|^(base_model_)?[te]p_plan$|^_name_or_path$|^_commit_hash$"
)
_SUFFIX = "ForTokenClassification"
#: Families that use the classes of another one.
_BORROWED = {"gpt-sw3": "gpt2"}


@dataclass(frozen=True)
class _Sign:
    """Something that a repository of another library has, and a sentence about it."""

    sentence: str
    file: str = ""
    library: str = ""
    architecture: str = ""

    def seen(self, files: Collection[str], library: str, architectures: Collection[str]) -> bool:
        return (
            (bool(self.file) and any(name.rsplit("/", 1)[-1] == self.file for name in files))
            or (bool(self.library) and library == self.library)
            or (bool(self.architecture) and any(self.architecture in name for name in architectures))
        )


_SIGNS = (
    _Sign(
        "a GLiNER model, which takes the labels as text; use the gliner package",
        "gliner_config.json",
        "gliner",
        "GLiNER",
    ),
    _Sign(
        "a SpanMarker model, which scores spans instead of tokens; use the span_marker package",
        library="span-marker",
        architecture="SpanMarker",
    ),
    _Sign("a Flair model; use the flair package", library="flair"),
    _Sign("a spaCy pipeline; use the spacy package", library="spacy"),
    _Sign("a Stanza model; use the stanza package", library="stanza"),
    _Sign(
        "an adapter without the model that it changes; merge it (merge_and_unload, save_pretrained) and "
        "give the folder",
        "adapter_config.json",
        "peft",
    ),
    _Sign(
        "an adapter without the model that it changes; merge it and give the folder",
        "pytorch_adapter.bin",
        "adapter-transformers",
    ),
)
#: Names of other libraries, as the hub tags their models.
LIBRARIES = frozenset(sign.library for sign in _SIGNS if sign.library)
_OTHER_WEIGHTS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "rust_model.ot": "rust-bert",
    "model.gguf": "GGUF",
}


def check_kind(
    name: str, files: Collection[str], config: Mapping[str, Any] | None = None, library: str = ""
) -> None:
    """Refuse repositories of other libraries, and those without readable weights.

    Parameters
    ----------
    name : str
        What errors begin with.
    files : collection of str
        Names in the repository.
    config : mapping or None
        Its config.json, where it has one.
    library : str
        What the hub says that it belongs to.

    Raises
    ------
    CatalogError
        With one sentence.
    """
    architectures = _architectures(config or {})
    for sign in _SIGNS:
        if sign.seen(files, library, architectures):
            msg = f"{name}: this is {sign.sentence}"
            raise CatalogError(msg)
    if config is None:
        about = (
            "; with pytorch_model.bin alone it may be a Flair model, for the flair package"
            if "pytorch_model.bin" in files
            else ""
        )
        msg = f"{name}: expected a config.json in the repository, found none{about}"
        raise CatalogError(msg)
    weights_in(name, files)


def weights_in(name: str, files: Collection[str]) -> str:
    """Return the weights to take.

    Examples
    --------
    >>> weights_in("x", ["pytorch_model.bin", "model.safetensors"])
    'model.safetensors'
    """
    for file in WEIGHTS:
        if file in files:
            return file
    for file, framework in _OTHER_WEIGHTS.items():
        if file in files or any(one.endswith(file.removeprefix("model")) for one in files):
            msg = (
                f"{name}: this has weights for {framework} only; load it with its own library and save it as "
                "safetensors (transformers: save_pretrained), then give the folder"
            )
            raise CatalogError(msg)
    kinds = "model.safetensors, pytorch_model.bin (whole or in shards) or onnx/model.onnx"
    msg = f"{name}: expected {kinds} in the repository, found {_some(files)}"
    raise CatalogError(msg)


def shards_of(where: str, index: Any) -> list[str]:
    """Return the files that an index of weights names, which lie beside it.

    Examples
    --------
    >>> shards_of("x", {"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}})
    ['1.bin', '2.bin']
    """
    by_weight = index.get("weight_map") if isinstance(index, dict) else None
    shards = sorted({str(shard) for shard in by_weight.values()}) if isinstance(by_weight, dict) else []
    if not shards or any("/" in shard or "\\" in shard or ":" in shard for shard in shards):
        found = _few(shards) or "none"
        msg = f"{where}: expected the names of files beside it in its weight_map, found {found}"
        raise CatalogError(msg)
    return shards


def _some(files: Collection[str]) -> str:
    return ", ".join(sorted(files)[:12]) or "no files"


def check_architecture(name: str, config: Mapping[str, Any], *, encoder: bool = False) -> None:
    """Refuse what is not the token classifier of a family that runs.

    The class in ``architectures`` must be the one that transformers has for ``model_type``: a repository may
    bring code for another one, which is never run.

    Parameters
    ----------
    name : str
        What errors begin with.
    config : mapping
        Content of config.json.
    encoder : bool
        Any model of the family will do, as a start for fine-tuning.

    Raises
    ------
    CatalogError
        With one sentence.
    """
    architectures, family = _architectures(config), str(config.get("model_type") or "")
    found = ", ".join(architectures) or "no architecture"
    if encoder and not architectures and family in FAMILIES:
        return
    if family in REFUSED_FAMILIES:
        msg = f"{name}: {family} models aren't supported: {REFUSED_FAMILIES[family]}"
    elif not encoder and not any(one.endswith(_SUFFIX) for one in architectures):
        msg = (
            f"{name}: expected a token classifier (an architecture ...{_SUFFIX}), found {found}; "
            "an encoder has to be fine-tuned first: python -m model_zoo.finetuner --start"
        )
    elif family in FAMILIES and any(_belongs(one, family, encoder=encoder) for one in architectures):
        check_quantization(name, config)
        return
    elif config.get("auto_map"):
        msg = (
            f"{name}: {found} is code of its repository, which isn't run; "
            "use a model whose architecture is part of transformers"
        )
    elif family in FAMILIES:
        msg = f"{name}: expected the architecture of {family} models, found {found}"
    else:
        shown = f"{family} models aren't" if family else "a model without a model_type isn't"
        msg = f"{name}: {shown} supported; docs/hub-models.md lists the families that are"
    raise CatalogError(msg)


def _belongs(architecture: str, family: str, *, encoder: bool) -> bool:
    """Say whether a class is transformers' own for a family.

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


def clean_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Take out of a config.json what chooses code or kernels to run: that is ours to choose.

    transformers would ask the hub for an attention implementation of the form ``owner/repository`` where the
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


def check_quantization(name: str, config: Mapping[str, Any]) -> None:
    """Refuse weights that only a quantization library can read."""
    if config.get("quantization_config"):
        msg = f"{name}: the weights are already quantized. Use the unquantized checkpoint."
        raise CatalogError(msg)


def _architectures(config: Mapping[str, Any]) -> list[str]:
    given = config.get("architectures")
    return [str(one) for one in given] if isinstance(given, list) else []


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def check_tokenizer(
    name: str,
    files: Collection[str],
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[str, ...]:
    """Refuse tokenizers that the ``tokenizers`` library cannot be; return the files to make one of.

    Parameters
    ----------
    name : str
        What errors begin with.
    files : collection of str
        Names in the repository.
    config, settings : mapping
        config.json and tokenizer_config.json.

    Raises
    ------
    CatalogError
        With one sentence.
    """
    for given in (settings.get("tokenizer_class"), config.get("tokenizer_class")):
        reason = _REFUSED_TOKENIZERS.get(str(given).removesuffix("Fast"))
        if reason:
            msg = f"{name}: its tokenizer {given} isn't supported: {reason}"
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
    msg = f"{name}: expected {kinds} in the repository, found {_some(files)}"
    raise CatalogError(msg)


def labels_of(where: str, config: Mapping[str, Any]) -> list[str]:
    """Return the labels of a config.json in id order; empty where it names none.

    Parameters
    ----------
    where : str
        What errors begin with.
    config : mapping
        Content of config.json.

    Raises
    ------
    CatalogError
        If the ids are not 0, 1, 2 and so on, or a label is empty or occurs twice.

    Examples
    --------
    >>> labels_of("config.json", {"id2label": {"1": "B-PER", "0": "O"}})
    ['O', 'B-PER']
    """
    named = config.get("id2label")
    if not isinstance(named, dict) or not named:
        return []
    try:
        by_id = {int(key): str(value).strip() for key, value in named.items()}
    except ValueError:
        msg = f"{where}: id2label: expected whole numbers as keys, found {_few(named)}"
        raise CatalogError(msg) from None
    if sorted(by_id) != list(range(len(by_id))):
        msg = f"{where}: id2label: expected ids 0 to {len(by_id) - 1}, found {_few(sorted(by_id))}"
        raise CatalogError(msg)
    labels = [by_id[index] for index in range(len(by_id))]
    empty = [index for index, label in enumerate(labels) if not label]
    if empty:
        msg = f"{where}: id2label: expected a name for each label, found none for {_few(empty)}"
        raise CatalogError(msg)
    return labels


def named_labels(name: str, config: Mapping[str, Any]) -> list[str]:
    """Return the labels of a config.json; refuse those that nobody named.

    Raises
    ------
    CatalogError
        As `labels_of`, or the labels are LABEL_0 and so on: the message says how to give better ones.
    """
    labels = labels_of(name, config)
    if labels and not all(re.fullmatch(r"LABEL_\d+", label) for label in labels):
        return labels
    found = f"{_few(labels)}" if labels else "no id2label"
    msg = (
        f"{name}: expected labels such as B-PER in config.json's id2label, found {found}. If its card says "
        f"what they are, name them in their order: python -m model_zoo add {name} --zoo my-zoo "
        "--labels O,B-PER,I-PER,..., then use --zoo my-zoo"
    )
    raise CatalogError(msg)


def _few(values: Collection[Any], count: int = 4) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown[:count]) + (", ..." if len(shown) > count else "")
