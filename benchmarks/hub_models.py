"""Families of token classifiers as their people publish them: which are fetched, converted, and right.

``python -m benchmarks.hub_models --output docs/hub-models.md [FAMILY ...]`` makes tiny random checkpoints of each
family with a tokenizer of its kind, publishes them on a local server in every layout, fetches them by
``owner/name``, converts them, and compares the entities of the texts below with transformers' pipeline for its
five aggregation strategies: labels and offsets equal, scores within 1e-3.
"""

from __future__ import annotations

# ruff: noqa: E501 - a table of families reads best a line each
import argparse
import copy
import json
import logging
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_zoo.catalog import suitability
from model_zoo.catalog.suitability import OWN_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_zoo.convert.checkpoints.checkpoint import Checkpoint

LABELS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
STRATEGIES = ("none", "simple", "first", "average", "max")

TEXTS = [
    "Mary lives in Santa Clara and works at NVIDIA.",
    "My name is Alex Rivera, I live at 42 Baker Street, Springfield.",
    "SOCCER - JAPAN GET LUCKY WIN, CHINA IN SURPRISE DEFEAT.",
    "the iPhone was announced by steve jobs in san francisco on 9 january 2007",
    "Großbritannien's café owner José Núñez-O'Neill paid £3.50 (€4.10).",
    "Yes",
    "New York, London and Paris",
    "The U.S. President met Angela Merkel at the White House.",
    "Bank of America hired 1,200 people in North Carolina last year.",
    'She said: "I never met Mr. Smith in Boston."',
    "Dr. Anna Kowalska (University of Warsaw) wrote to Siemens AG.",
    "Rome wasn't built in a day, said Julius.",
    "e-mail me at the office of Acme Corp. in Berlin-Mitte",
    "Peter's brother Paul, Paul's sister Mary and Mary's friend Jo",
    "From Tokyo to Osaka by train; from Osaka to Kyoto by bus.",
    "Ludwig van Beethoven was born in Bonn in 1770.",
    "McDonald's opened 12 restaurants in Moscow.",
    "Jean-Claude Juncker and Donald Tusk in Brussels",
    "Red Cross workers left Aleppo on Tuesday",
    "UN, EU, NATO and WHO",
    "no names here at all",
    "Alexandria Ocasio-Cortez represents New York's 14th district",
    "The Beatles played in Hamburg before they were famous.",
    "Microsoft bought GitHub for $7.5 billion",
    "Marie Curie won the Nobel Prize twice",
    "Lake Geneva lies between Switzerland and France",
    "Amazon's Jeff Bezos flew to space from Texas",
    "The Hague is not the capital of the Netherlands",
    "O'Connor, MacDonald and van der Berg",
    "Real Madrid beat Manchester City 3-1 (6-5 on aggregate)",
    "Cape Town has mountains; Table Mountain is one of them",
    "Toyota, Honda and Nissan sell cars in California",
    "He flew with Lufthansa from Frankfurt to Addis Ababa",
    "World Health Organization officials arrived in Geneva",
    "Nelson Mandela was freed on 11 February 1990",
    "San Marino is smaller than Luxembourg",
    "Mount Everest stands between Nepal and China",
    "Oxford and Cambridge rowed on the Thames",
    "Sony Music signed a singer from Lagos, Nigeria",
    "What did Leonardo da Vinci paint in Milan?",
    "A.B. Smith & Sons Ltd., 10 Downing St., London SW1A 2AA",
]

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


@dataclass(frozen=True)
class Family:
    """How to make a tiny model of a family.

    Attributes
    ----------
    name : str
        ``model_type``.
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
    """

    name: str
    tokenizer: str
    example: str
    settings: dict[str, Any] = field(default_factory=dict)
    pieces: dict[str, Any] = field(default_factory=dict)
    template: tuple[str, str] = ("<s>", "</s>")


_SPM, _XLMR = "spiece.model", "sentencepiece.bpe.model"
_GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
_NONE = ("", "")
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
    Family("deberta", "bytes", "microsoft/deberta-base", {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}, template=("[CLS]", "[SEP]")),
    Family("eurobert", "bytes", "EuroBERT/EuroBERT-210m", {"num_key_value_heads": 2, "pad_token_id": 1}, template=_NONE),
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
    Family("gpt2", "bytes", "brad1141/gpt2-finetuned-comp2", _GPT, template=_NONE),
    Family("gpt_bigcode", "bytes", "bigcode/starencoder", _GPT, template=_NONE),
    Family("gpt_neo", "bytes", "EleutherAI/gpt-neo-125m", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 16}, template=_NONE),
    Family("gpt_neox", "bytes", "EleutherAI/pythia-70m", template=_NONE),
    Family("biogpt", "bytes", "microsoft/biogpt", template=_NONE),
    Family("bloom", "bytes", "bigscience/bloom-560m", {"n_layer": 2, "n_head": 4}, template=_NONE),
    Family("falcon", "bytes", "tiiuae/falcon-rw-1b", {"new_decoder_architecture": False}, template=_NONE),
    Family("llama", "bytes", "meta-llama/Llama-3.2-1B", {"num_key_value_heads": 2}, template=_NONE),
    Family("mistral", "bytes", "mistralai/Mistral-7B-v0.3", {"num_key_value_heads": 2, "sliding_window": 64}, template=_NONE),
    Family("qwen2", "bytes", "Qwen/Qwen2-0.5B", {"num_key_value_heads": 2}, template=_NONE),
    Family("qwen3", "bytes", "Qwen/Qwen3-0.6B", {"num_key_value_heads": 2, "head_dim": 8}, template=_NONE),
    Family("gemma", "bytes", "google/gemma-2b", {"num_key_value_heads": 2, "head_dim": 8}, template=_NONE),
    Family("gemma2", "bytes", "google/gemma-2-2b", {"num_key_value_heads": 2, "head_dim": 8}, template=_NONE),
    Family("phi", "bytes", "microsoft/phi-1_5", template=_NONE),
    Family("phi3", "bytes", "microsoft/Phi-3-mini-4k-instruct", {"num_key_value_heads": 2, "pad_token_id": 1}, template=_NONE),
    Family("smollm3", "bytes", "HuggingFaceTB/SmolLM3-3B", {"num_key_value_heads": 2, "pad_token_id": 1}, template=_NONE),
    Family("stablelm", "bytes", "stabilityai/stablelm-2-1_6b", {"num_key_value_heads": 2}, template=_NONE),
    Family("starcoder2", "bytes", "bigcode/starcoder2-3b", {"num_key_value_heads": 2}, template=_NONE),
    Family("apertus", "bytes", "swiss-ai/Apertus-8B-2509", {"num_key_value_heads": 2}, template=_NONE),
    Family("arcee", "bytes", "arcee-ai/AFM-4.5B", {"num_key_value_heads": 2}, template=_NONE),
    Family("openai_privacy_filter", "bytes", "openai/privacy-filter", {"num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 4}, template=_NONE),
]  # fmt: skip

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 258,
    "initializer_range": 0.3,
}


# Making a repository


def make_tokenizer(family: Family, folder: Path) -> None:
    """Write the tokenizer's own files, and the tokenizer.json of the same tokenizer."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": family.name}))
    {"wordpiece": _make_wordpiece, "bytes": _make_bytes}.get(family.tokenizer, _make_sentencepiece)(
        family, folder
    )
    (folder / "config.json").unlink()


def _make_wordpiece(family: Family, folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    from ner_core.tokenizer_files import read_wordpiece

    special = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    if family.name == "mpnet":
        special |= {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    trained = Tokenizer(models.WordPiece(unk_token=special["unk_token"]))
    trained.normalizer = normalizers.BertNormalizer(lowercase=False)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, special_tokens=list(special.values()), show_progress=False
    )
    trained.train_from_iterator(TEXTS, trainer)
    vocabulary = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in vocabulary), encoding="utf-8")
    settings = {
        "tokenizer_class": "MPNetTokenizer" if family.name == "mpnet" else "BertTokenizer",
        "do_lower_case": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | special))
    read_wordpiece(folder / "vocab.txt").save(str(folder / "tokenizer.json"))


def _make_bytes(family: Family, folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    first, last = family.template
    special = {
        "bos_token": first or "<s>",
        "pad_token": "<pad>",
        "eos_token": last or "</s>",
        "unk_token": "<unk>",
    }
    if family.template != _NONE:
        special |= {"cls_token": first, "sep_token": last, "mask_token": "<mask>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=list(dict.fromkeys(special.values())),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        vocab_size=500,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    if family.template != _NONE:
        ids = tokenizer.get_vocab()
        tokenizer.post_processor = processors.RobertaProcessing(
            (last, ids[last]), (first, ids[first]), add_prefix_space=False
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))
    classes = dict.fromkeys(["roberta", "roberta-prelayernorm", "data2vec-text", "ibert"], "RobertaTokenizer")
    classes |= {"deberta": "DebertaTokenizer", "gpt2": "GPT2Tokenizer", "gpt_neo": "GPT2Tokenizer"}
    settings = {"tokenizer_class": classes.get(family.name, "PreTrainedTokenizerFast"), **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _make_sentencepiece(family: Family, folder: Path) -> None:
    import sentencepiece

    from model_zoo.convert.tokenization import read_tokenizer

    source = folder / "texts"
    source.write_text("\n".join(TEXTS), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source),
        model_prefix=str(folder / "trained"),
        vocab_size=700,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
        **family.pieces,
    )
    source.unlink()
    (folder / "trained.vocab").unlink()
    (folder / "trained.model").rename(folder / family.tokenizer)
    marks = {"albert": ("[CLS]", "[SEP]", "<pad>"), "xlnet": ("<cls>", "<sep>", "<pad>")}
    marks |= dict.fromkeys(["rembert", "big_bird"], ("[CLS]", "[SEP]", "<pad>"))
    marks["deberta-v2"] = ("[CLS]", "[SEP]", "[PAD]")
    first, last, pad = marks.get(family.name, ("<s>", "</s>", "<pad>"))
    special = {"cls_token": first, "sep_token": last, "pad_token": pad}
    special |= {"unk_token": "[UNK]" if family.name == "deberta-v2" else "<unk>"}
    own_class = "XLNetTokenizer" if family.name == "xlnet" else "PreTrainedTokenizerFast"
    settings = {"tokenizer_class": own_class, "do_lower_case": False, "keep_accents": True, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    read_tokenizer(folder).save(str(folder / "tokenizer.json"))


def make_model(family: Family, vocab_size: int, pad_id: int) -> Any:
    """Make a random token classifier whose labels vary."""
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification

    known = set(AutoConfig.for_model(family.name).to_dict()) | set(
        AutoConfig.for_model(family.name).attribute_map
    )
    settings = {key: value for key, value in _SIZES.items() if key in known}
    if family.tokenizer == "bytes" and family.template == _NONE:
        settings |= {"bos_token_id": 0, "eos_token_id": 2}
    config = AutoConfig.for_model(
        family.name,
        **{"pad_token_id": pad_id, **settings, "vocab_size": vocab_size, **family.settings},
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    torch.manual_seed(len(family.name))
    model = AutoModelForTokenClassification.from_config(config).float().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2 and not name.startswith(f"{model.base_model_prefix}."):
                weight.div_(weight.std())
    return model


#: Layouts of one and the same checkpoint.
LAYOUTS = ("tokenizer.json", "own files", "pytorch_model.bin", "shards", "fp16", "bf16")


#: Those with weights of half the size, and torch's names of their types.
ROUNDED = {"fp16": "float16", "bf16": "bfloat16"}


def layouts_of(family: Family) -> list[str]:
    """Return the layouts that a family is published in: most decoders have a tokenizer.json alone."""
    own = OWN_FILES.get(family.name, ())
    has_own = bool(own) and (family.tokenizer == "bytes") == ("merges.txt" in own)
    return [layout for layout in LAYOUTS if layout != "own files" or has_own]


def publish(model: Any, tokenizer: Path, layout: str, folder: Path) -> None:
    """Write a repository in one layout."""
    import torch

    size = {"max_shard_size": "20KB"} if layout == "shards" else {}
    if layout in ROUNDED:
        model = copy.deepcopy(model).to(getattr(torch, ROUNDED[layout]))
    model.save_pretrained(folder, **size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if layout == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
        torch.save(
            {name: tensor.clone() for name, tensor in model.state_dict().items()},
            folder / "pytorch_model.bin",
        )
    for file in tokenizer.iterdir():
        own = file.name != "tokenizer.json"
        if file.name == "tokenizer_config.json" or own == (layout == "own files"):
            shutil.copyfile(file, folder / file.name)


# Fetching, converting, comparing


@dataclass
class Result:
    """What came of one family."""

    family: Family
    fetched: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    converted: bool = False
    equal: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    def row(self) -> list[str]:
        """Return the cells of the table."""
        counts = [str(self.equal.get(strategy, "")) for strategy in STRATEGIES]
        own = ", ".join(OWN_FILES.get(self.family.name, ()))
        every = layouts_of(self.family)
        layouts = f"{len(self.read)} of {len(every)}"
        verdict = "runs" if self.converted else f"refused: {self.problem}"
        return [self.family.name, self.family.example, own, layouts, verdict, *counts]


class Repositories:
    """Serves folders as the hub serves repositories, on this machine."""

    def __init__(self) -> None:
        import importlib
        import os

        self.server = importlib.import_module("tests.model_zoo.file_server").FileServer()
        os.environ["HF_ENDPOINT"] = self.server.base
        os.environ.pop("HF_HUB_OFFLINE", None)

    def add(self, repo: str, folder: Path) -> None:
        """Publish the files of a folder."""
        siblings = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            self.server.files[f"/{repo}/resolve/{'0' * 40}/{name}"] = path.read_bytes()
            siblings.append({"rfilename": name, "size": path.stat().st_size})
        answer = {"id": repo, "sha": "0" * 40, "siblings": siblings}
        self.server.files[f"/api/models/{repo}/revision/main?blobs=true"] = json.dumps(answer).encode()


def run_family(family: Family, work: Path, repositories: Repositories) -> Result:
    """Publish, fetch, convert and compare one family."""
    from tokenizers import Tokenizer

    from model_zoo.convert.checkpoints.loading import load_checkpoint

    result = Result(family)
    try:
        make_tokenizer(family, work / "tokenizer")
        backend = Tokenizer.from_file(str(work / "tokenizer" / "tokenizer.json"))
        pad = next(
            (index for piece in ("[PAD]", "<pad>") if (index := backend.token_to_id(piece)) is not None), 0
        )
        model = make_model(family, backend.get_vocab_size() + 3, pad)
        folders = {}
        for layout in layouts_of(family):
            source = work / layout
            publish(model, work / "tokenizer", layout, source)
            folders[layout] = _fetch(family, layout, source, work / "models", repositories)
            result.fetched.append(layout)
        expected = load_checkpoint(folders["tokenizer.json"])
        for layout in layouts_of(family):
            _check_layout(layout, load_checkpoint(folders[layout]), expected)
            result.read.append(layout)
        xml = _convert(folders["tokenizer.json"], work / "ir", family.name)
        result.converted = True
        result.equal = _compare(xml, folders["tokenizer.json"])
    except Exception as error:
        result.problem = " ".join(str(error).split()).replace(str(work), "")[:200] or type(error).__name__
        logging.getLogger(__name__).debug("%s", family.name, exc_info=True)
    return result


def _fetch(family: Family, layout: str, source: Path, models: Path, repositories: Repositories) -> Path:
    from model_zoo.catalog import folders
    from model_zoo.download import hub
    from model_zoo.download.job import download

    repo = f"owner/{family.name}-{layout.replace(' ', '-')}"
    repositories.add(repo, source)
    model = hub.resolve(folders.canonical_name(repo))
    download(model, models)
    return folders.model_folder(model, models)


def _check_layout(layout: str, found: Checkpoint, expected: Checkpoint) -> None:
    """Raise unless a layout gives the model and the tokenizer of the first one."""
    import torch

    from ner_core.tokenizer_files import parse_tokenizer

    one, other = (parse_tokenizer(checkpoint.tokenizer_json) for checkpoint in (expected, found))
    for text in TEXTS:
        if one.encode(text).ids != other.encode(text).ids:
            msg = f"{layout}: {text!r} has other pieces: {other.encode(text).tokens} not {one.encode(text).tokens}"
            raise ValueError(msg)
    module: Any = copy.deepcopy(expected.module)
    if layout in ROUNDED:
        for weight in module.parameters():  # buffers, such as rotary frequencies, are not stored
            weight.data = weight.data.to(getattr(torch, ROUNDED[layout])).float()
    ids = torch.tensor([one.encode(TEXTS[0]).ids])
    with torch.no_grad():
        modules: tuple[Any, ...] = (module, found.module)
        logits = [model(ids, torch.ones_like(ids)) for model in modules]
    if not float((logits[0] - logits[1]).abs().max()) <= 1e-5 * float(logits[0].abs().max()):
        msg = f"{layout}: other logits"
        raise ValueError(msg)


def _convert(folder: Path, target: Path, name: str) -> Path:
    from model_zoo.convert import conversion, tracing

    def trace(
        source: Path,
        staging: Path,
        shape: tuple[int, int] | None,
        overrides: dict[str, Any],
        python: str,  # noqa: ARG001 - torch is in this process already
    ) -> None:
        tracing.trace(source, staging, shape, overrides)

    conversion._trace = trace  # noqa: SLF001
    [made] = conversion.convert_checkpoint(folder, target, name, precisions=["FP32"])
    return made.xml


def _compare(xml: Path, folder: Path) -> dict[str, int]:
    """Count the texts whose entities are those of transformers' pipeline, by strategy."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    from ner_core import EntityRecognizer

    ner = EntityRecognizer.from_ir(xml, device="CPU")
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    equal = {}
    for strategy in STRATEGIES:
        own: Any = pipeline(
            "token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=strategy
        )
        equal[strategy] = 0
        for text in TEXTS:
            key = "entity" if strategy == "none" else "entity_group"
            own_entities = [(one["start"], one["end"], one[key], float(one["score"])) for one in own(text)]
            wanted = _apart(text, own_entities)
            found = [(e.start, e.end, e.label, e.score) for e in ner(text, aggregation=strategy).entities]
            equal[strategy] += _same(wanted, found)
    return equal


def _apart(text: str, entities: list[tuple[int, int, str, float]]) -> list[tuple[int, int, str, float]]:
    """End each entity where the next one begins: a piece that is a space may claim the character after it."""
    starts = [*(start for start, *_ in entities[1:]), len(text)]
    cut = [(one[0], min(one[1], after), one[2], one[3]) for one, after in zip(entities, starts, strict=False)]
    return [one for given in cut if (one := _trimmed(text, given))]


def _trimmed(text: str, entity: tuple[int, int, str, float]) -> tuple[int, int, str, float] | None:
    """Take spaces at its ends out of an entity; None where nothing is left, as of a piece that is a space."""
    start, end, label, score = entity
    inside = text[start:end].strip()
    if not inside:
        return None
    start += text[start:end].index(inside)
    return start, start + len(inside), label, score


def _same(
    wanted: Sequence[tuple[int, int, str, float]], found: Sequence[tuple[int, int, str, float]]
) -> bool:
    return [one[:3] for one in wanted] == [one[:3] for one in found] and all(
        abs(one[3] - other[3]) < 1e-3 for one, other in zip(wanted, found, strict=True)
    )


# The table


def to_markdown(results: Sequence[Result]) -> str:
    """Write the page: families that run, with the counts, and those that are refused."""
    ran = [result for result in results if result.converted]
    head = ["family", "such as", "tokenizer's own files", "layouts read", "", *STRATEGIES]
    lines = [
        "# Models of the hub",
        "`owner/name`, `hf:owner/name` or the address of a page names a token classifier of the Hugging Face hub, "
        "wherever a model is named. Its small files are looked at first; what does not run is refused with one "
        "sentence before a byte of weights. No code of a repository is ever run.",
        f"This page is made by `python -m benchmarks.hub_models --output docs/hub-models.md`: tiny random "
        f"checkpoints of each family, published on a local server in {len(LAYOUTS)} layouts ({', '.join(LAYOUTS)}), "
        f"fetched, converted, and compared with transformers' pipeline on {len(TEXTS)} texts (labels and offsets "
        "equal, spaces at the ends of its entities aside, scores within 1e-3). The last columns count the equal texts for each aggregation.",
        f"Fetched in all layouts: {sum(len(r.fetched) == len(layouts_of(r.family)) for r in results)} of {len(results)} families. "
        f"Read in all layouts: {sum(len(r.read) == len(layouts_of(r.family)) for r in results)}. Converted: {len(ran)}. "
        + "Equal texts: "
        + ", ".join(
            f"{s} {sum(r.equal.get(s, 0) for r in ran)} of {len(ran) * len(TEXTS)}" for s in STRATEGIES
        )
        + ".",
        _table([head, ["---"] * len(head), *(result.row() for result in results)]),
        "The texts that differ have pieces that are one byte of a character, or only the space before a word: "
        "transformers gives them entities of their own, or lets entities begin inside a character; here entities "
        "are whole characters and never overlap. For `qwen2`, transformers divides digits one by one whatever "
        "tokenizer.json says, and the one made here does not; the published ones do.",
        *_unmeasured(results),
        "## Refused",
        _table(
            [
                ["family", "why"],
                ["---"] * 2,
                *([name, why] for name, why in suitability.REFUSED_FAMILIES.items()),
            ]
        ),
        "Also refused, each with what to do: code of a repository (`auto_map` to another class), tokenizers that are "
        "programs (MeCab, Juman++, jieba, Moses), GLiNER, SpanMarker, Flair, spaCy, Stanza, adapters without their "
        "model, weights for TensorFlow, Flax or GGUF alone, quantized weights, encoders without a classifier, and "
        "labels that nobody named (`python -m model_zoo add owner/name --labels O,B-PER,...` names them).",
    ]
    return "\n\n".join(lines) + "\n"


def _unmeasured(results: Sequence[Result]) -> list[str]:
    missing = sorted(suitability.FAMILIES - {result.family.name for result in results})
    names = ", ".join(f"`{name}`" for name in missing)
    told = f"Taken too, and compared only when a model is converted (its logits, padded and not): {names}."
    return [told] if missing else []


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def main(arguments: Sequence[str] | None = None, report: Callable[[str], Any] = sys.stderr.write) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("families", nargs="*", help="only these")
    parser.add_argument("--output", type=Path, help="write the table here")
    parser.add_argument(
        "--results", type=Path, help="keep what was measured here, and take up earlier results"
    )
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    repositories = Repositories()
    kept = json.loads(given.results.read_text()) if given.results and given.results.is_file() else {}
    results = [Result(family, **kept[family.name]) for family in FAMILIES if family.name in kept]
    for family in FAMILIES:
        if family.name in kept or (given.families and family.name not in given.families):
            continue
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="family-") as work:
            results.append(run_family(family, Path(work), repositories))
        counts = " ".join(f"{name} {count}" for name, count in results[-1].equal.items())
        report(
            f"{family.name}: fetched {len(results[-1].fetched)}, read {len(results[-1].read)}, "
            f"{counts or results[-1].problem} ({time.perf_counter() - began:.0f} s)\n"
        )
        if given.results:
            told = {one.family.name: {k: v for k, v in vars(one).items() if k != "family"} for one in results}
            given.results.write_text(json.dumps(told, indent=1))
    results.sort(key=lambda result: FAMILIES.index(result.family))
    if given.output:
        given.output.write_text(to_markdown(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
