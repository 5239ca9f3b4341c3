"""Folders of Hugging Face checkpoints as tests need them: changed, spoilt, and of many architectures."""

import json

from ner_core.tokenizer_files import build_wordpiece
from tests.lazily import torch, transformers
from tests.tiny_bert import tiny_vocabulary


def edit_config(folder, **changes):
    file = folder / "config.json"
    config = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def state_of(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def save_pickle(folder, state, name="pytorch_model.bin"):
    (folder / "model.safetensors").unlink(missing_ok=True)
    torch.save(state, folder / name)


def widen_types(folder):
    """Give the segment table a row for each casing."""
    state = state_of(folder)
    key = "bert.embeddings.token_type_embeddings.weight"
    save_pickle(folder, state | {key: torch.randn(4, 32)})
    edit_config(folder, type_vocab_size=4)


def cut_short(folder):
    save_pickle(folder, state_of(folder))
    file = folder / "pytorch_model.bin"
    file.write_bytes(file.read_bytes()[:5000])


def logits(checkpoint):
    ids = torch.arange(5, 17)[None]
    with torch.no_grad():
        return checkpoint.module(ids, torch.ones_like(ids), torch.zeros_like(ids))


ARCHITECTURES = {
    "bert": {},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "roberta": {"type_vocab_size": 1},
    "xlm-roberta": {"type_vocab_size": 1},
    "electra": {"embedding_size": 16},
    "deberta-v2": {
        "type_vocab_size": 0,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
    },
    "deberta": {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 8, "pad_token_id": 0},
}


def make_architecture(folder, name):
    """Write a tiny random checkpoint of another family, with the tiny vocabulary."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.AutoConfig.for_model(
        name,
        vocab_size=len(tiny_vocabulary()),
        max_position_embeddings=64,
        num_labels=3,
        id2label={0: "O", 1: "B-X", 2: "I-X"},
        initializer_range=0.3,
        **(ARCHITECTURES[name] if name == "distilbert" else sizes | ARCHITECTURES.get(name, {})),
    )
    torch.manual_seed(1)
    transformers.AutoModelForTokenClassification.from_config(config).save_pretrained(folder)
    tokenizer = build_wordpiece({piece: index for index, piece in enumerate(tiny_vocabulary())})
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
