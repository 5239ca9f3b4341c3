"""The families, and how a tiny model of each is made."""

from __future__ import annotations

# ruff: noqa: E501 - a table of families reads best a line each
from dataclasses import dataclass, field
from typing import Any

#: What sentencepiece is told of each family's special tokens, as in the published models.
_CLASSIC: dict[str, Any] = {
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": 2,
    "eos_id": 3,
    "control_symbols": "[CLS],[SEP],[MASK]",
}
_T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
_DEBERTA = {
    "pad_id": 0,
    "bos_id": 1,
    "eos_id": 2,
    "unk_id": 3,
    "pad_piece": "[PAD]",
    "bos_piece": "[CLS]",
    "eos_piece": "[SEP]",
    "unk_piece": "[UNK]",
}
#: Byte pair encoding with white space in the pieces, and bytes for characters that are none.
_BYTE_FALLBACK: dict[str, Any] = {
    "model_type": "bpe",
    "byte_fallback": True,
    "character_coverage": 0.98,
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
}
_GEMMA = _BYTE_FALLBACK | {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "add_dummy_prefix": False}
_LLAMA = _BYTE_FALLBACK | {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}


@dataclass(frozen=True)
class Family:
    """How to make a tiny model of a family.

    Attributes
    ----------
    name : str
        Its name in the table, ``model_type`` where ``kind`` is not given.
    tokenizer : str
        ``wordpiece``, ``bytes`` (byte-level BPE), or the name of the sentencepiece file.
    example : str
        A published model of this kind.
    settings : dict
        Of its configuration, beside the usual sizes.
    pieces : dict
        Of the sentencepiece trainer.
    template : tuple of str
        Tokens before and after a text, for byte-level tokenizers.
    kind : str
        ``model_type`` of models that have a tokenizer of another family.
    """

    name: str
    tokenizer: str
    example: str
    settings: dict[str, Any] = field(default_factory=dict)
    pieces: dict[str, Any] = field(default_factory=dict)
    template: tuple[str, str] = ("<s>", "</s>")
    kind: str = ""

    @property
    def model_type(self) -> str:
        """What config.json says."""
        return self.kind or self.name


_SPM, _XLMR, _BPE = "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"
_GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
NO_TEMPLATE = ("", "")
FAMILIES = [
    Family("bert", "wordpiece", "dslim/bert-base-NER"),
    Family("distilbert", "wordpiece", "dslim/distilbert-NER", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}),
    Family("electra", "wordpiece", "google/electra-small-discriminator", {"embedding_size": 16}),
    Family("mobilebert", "wordpiece", "google/mobilebert-uncased", {"embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32, "initializer_range": 0.02}),
    Family("squeezebert", "wordpiece", "squeezebert/squeezebert-uncased", {"embedding_size": 32}),
    Family("megatron-bert", "wordpiece", "nvidia/megatron-bert-cased-345m"),
    Family("ernie", "wordpiece", "nghuyong/ernie-3.0-base-zh"),
    Family("nomic_bert", "wordpiece", "nomic-ai/nomic-embed-text-v1"),
    Family("mpnet", "wordpiece", "microsoft/mpnet-base", {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}),
    Family("roberta", "bytes", "Jean-Baptiste/roberta-large-ner-english", {"type_vocab_size": 1}),
    Family("roberta-prelayernorm", "bytes", "andreasmadsen/efficient_mlm_m0.40", {"type_vocab_size": 1}),
    Family("data2vec-text", "bytes", "facebook/data2vec-text-base", {"type_vocab_size": 1}),
    Family("ibert", "bytes", "kssteven/ibert-roberta-base", {"type_vocab_size": 1}),
    Family("modernbert", "bytes", "answerdotai/ModernBERT-base", {"global_attn_every_n_layers": 2, "local_attention": 16, "pad_token_id": 1}),
    Family("mmbert", _BPE, "jhu-clsp/mmBERT-base", {"global_attn_every_n_layers": 2, "local_attention": 16, "pad_token_id": 0}, _GEMMA, ("<bos>", "<eos>"), "modernbert"),
    Family("deberta", "bytes", "microsoft/deberta-base", {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}, template=("[CLS]", "[SEP]")),
    Family("eurobert", "bytes", "EuroBERT/EuroBERT-210m", {"num_key_value_heads": 2, "pad_token_id": 1}, template=NO_TEMPLATE),
    Family("xlm-roberta", _XLMR, "FacebookAI/xlm-roberta-large-finetuned-conll03-english", {"type_vocab_size": 1}),
    Family("xlm-roberta-xl", _XLMR, "facebook/xlm-roberta-xl", {"type_vocab_size": 1}),
    Family("xmod", _XLMR, "facebook/xmod-base", {"type_vocab_size": 1, "languages": ["en_XX"], "default_language": "en_XX"}),
    Family("camembert", _XLMR, "Jean-Baptiste/camembert-ner", {"type_vocab_size": 1}),
    Family("albert", _SPM, "albert/albert-base-v2", {"embedding_size": 16}, {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": "[CLS],[SEP],[MASK]"}),
    Family("deberta-v2", "spm.model", "microsoft/mdeberta-v3-base", {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "position_buckets": 32, "share_att_key": True, "norm_rel_ebd": "layer_norm"}, _DEBERTA),
    Family("xlnet", _SPM, "xlnet/xlnet-base-cased", {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}, {"control_symbols": "<cls>,<sep>,<pad>,<mask>,<eod>,<eop>"}),
    Family("rembert", "sentencepiece.model", "google/rembert", {"input_embedding_size": 16, "output_embedding_size": 16}, _CLASSIC),
    Family("big_bird", _SPM, "google/bigbird-roberta-base", {"block_size": 16}, _CLASSIC),
    Family("t5", _SPM, "google-t5/t5-small", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}, _T5),
    Family("mt5", _SPM, "google/mt5-small", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}, _T5),
    Family("umt5", _SPM, "google/umt5-small", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}, _T5),
    Family("gpt2", "bytes", "brad1141/gpt2-finetuned-comp2", _GPT, template=NO_TEMPLATE),
    Family("gpt_bigcode", "bytes", "bigcode/starencoder", _GPT, template=NO_TEMPLATE),
    Family("gpt_neo", "bytes", "EleutherAI/gpt-neo-125m", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 16}, template=NO_TEMPLATE),
    Family("gpt_neox", "bytes", "EleutherAI/pythia-70m", template=NO_TEMPLATE),
    Family("biogpt", "bytes", "microsoft/biogpt", template=NO_TEMPLATE),
    Family("bloom", "bytes", "bigscience/bloom-560m", {"n_layer": 2, "n_head": 4}, template=NO_TEMPLATE),
    Family("falcon", "bytes", "tiiuae/falcon-rw-1b", {"new_decoder_architecture": False}, template=NO_TEMPLATE),
    Family("llama", "bytes", "meta-llama/Llama-3.2-1B", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("llama-2", _BPE, "meta-llama/Llama-2-7b-hf", {"num_key_value_heads": 2}, _LLAMA, NO_TEMPLATE, "llama"),
    Family("mistral", _BPE, "mistralai/Mistral-7B-v0.3", {"num_key_value_heads": 2, "sliding_window": 64}, _LLAMA, NO_TEMPLATE),
    Family("qwen2", "bytes", "Qwen/Qwen2-0.5B", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("qwen3", "bytes", "Qwen/Qwen3-0.6B", {"num_key_value_heads": 2, "head_dim": 8}, template=NO_TEMPLATE),
    Family("gemma", _BPE, "google/gemma-2b", {"num_key_value_heads": 2, "head_dim": 8}, _GEMMA, NO_TEMPLATE),
    Family("gemma2", _BPE, "google/gemma-2-2b", {"num_key_value_heads": 2, "head_dim": 8}, _GEMMA, NO_TEMPLATE),
    Family("phi", "bytes", "microsoft/phi-1_5", template=NO_TEMPLATE),
    Family("phi3", "bytes", "microsoft/Phi-3-mini-4k-instruct", {"num_key_value_heads": 2, "pad_token_id": 1}, template=NO_TEMPLATE),
    Family("smollm3", "bytes", "HuggingFaceTB/SmolLM3-3B", {"num_key_value_heads": 2, "pad_token_id": 1}, template=NO_TEMPLATE),
    Family("stablelm", "bytes", "stabilityai/stablelm-2-1_6b", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("starcoder2", "bytes", "bigcode/starcoder2-3b", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("apertus", "bytes", "swiss-ai/Apertus-8B-2509", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("arcee", "bytes", "arcee-ai/AFM-4.5B", {"num_key_value_heads": 2}, template=NO_TEMPLATE),
    Family("openai_privacy_filter", "bytes", "openai/privacy-filter", {"num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 4}, template=NO_TEMPLATE),
]  # fmt: skip
