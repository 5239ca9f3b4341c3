"""Tiny random checkpoints of a family, in the layouts that people publish."""

from __future__ import annotations

import copy
import json
import shutil
from typing import TYPE_CHECKING, Any

from benchmarks.hub_models.families import NO_TEMPLATE
from model_zoo.catalog.suitability.tokenizers import OWN_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.hub_models.families import Family

LABELS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]

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

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 258,
    "initializer_range": 0.3,
}


def make_tokenizer(family: Family, folder: Path) -> None:
    """Write the tokenizer's own files, and the tokenizer.json of the same tokenizer."""
    folder.mkdir(parents=True)
    kind = "gemma" if family.name == "mmbert" else family.model_type  # mmBERT has the tokenizer of Gemma
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
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
    if family.template != NO_TEMPLATE:
        special |= {"cls_token": first, "sep_token": last, "mask_token": "<mask>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if family.name == "qwen2":  # transformers divides digits whatever the file says, and so do the published
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, tokenizer.pre_tokenizer])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=list(dict.fromkeys(special.values())),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        vocab_size=500,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    if family.template != NO_TEMPLATE:
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
    from tokenizers import processors

    from model_zoo.convert.tokenization import read_tokenizer

    source = folder / "texts"
    source.write_text("\n".join(TEXTS), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source),
        model_prefix=str(folder / "trained"),
        vocab_size=700,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"character_coverage": 1.0, **family.pieces},
    )
    source.unlink()
    (folder / "trained.vocab").unlink()
    (folder / "trained.model").rename(folder / family.tokenizer)
    settings = _byte_fallback_settings(family) if "byte_fallback" in family.pieces else _settings(family)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = read_tokenizer(folder)
    if family.name == "mmbert":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A <eos>",
            special_tokens=[(token, tokenizer.token_to_id(token)) for token in family.template],
        )
    tokenizer.save(str(folder / "tokenizer.json"))


def _settings(family: Family) -> dict[str, Any]:
    """Return the tokenizer_config.json of an encoder with a sentencepiece model."""
    marks = {"albert": ("[CLS]", "[SEP]", "<pad>"), "xlnet": ("<cls>", "<sep>", "<pad>")}
    marks |= dict.fromkeys(["rembert", "big_bird"], ("[CLS]", "[SEP]", "<pad>"))
    marks["deberta-v2"] = ("[CLS]", "[SEP]", "[PAD]")
    first, last, pad = marks.get(family.name, ("<s>", "</s>", "<pad>"))
    special = {"cls_token": first, "sep_token": last, "pad_token": pad}
    special |= {"unk_token": "[UNK]" if family.name == "deberta-v2" else "<unk>"}
    # transformers takes XLNet's accents away whatever the files say; so do the published ones.
    xlnet = family.name == "xlnet"
    own_class = "XLNetTokenizer" if xlnet else "PreTrainedTokenizerFast"
    return {"tokenizer_class": own_class, "do_lower_case": False, "keep_accents": not xlnet, **special}


def _byte_fallback_settings(family: Family) -> dict[str, Any]:
    """Return the tokenizer_config.json of Gemma's or Llama's kind."""
    if family.model_type in ("llama", "mistral"):
        special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"}
        return {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, **special}
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"}
    own_class = "PreTrainedTokenizerFast" if family.name == "mmbert" else "GemmaTokenizer"
    return {"tokenizer_class": own_class, "add_bos_token": True, **special}


def make_model(family: Family, vocab_size: int, pad_id: int) -> Any:
    """Build a random token classifier whose labels vary."""
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification

    usual = AutoConfig.for_model(family.model_type)
    known = set(usual.to_dict()) | set(usual.attribute_map)
    settings = {key: value for key, value in _SIZES.items() if key in known}
    if family.tokenizer == "bytes" and family.template == NO_TEMPLATE:
        settings |= {"bos_token_id": 0, "eos_token_id": 2}
    config = AutoConfig.for_model(
        family.model_type,
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
    own = OWN_FILES.get(family.model_type, ())
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
