"""NeMo archives: every layout that NeMo wrote, against a forward pass after its published definition."""

import gzip
import io
import json
import pickle
import tarfile

import numpy as np
import pytest
import yaml

from model_zoo.convert.checkpoints import nemo
from model_zoo.convert.checkpoints.checkpoint import CheckpointError
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.conversion import convert_checkpoint
from tests.lazily import torch

HASH = "0123456789abcdef0123456789abcdef_"
#: Not sorted, and O is not first: only reading the archive's own order gets this right.
LABELS = ["O", "B-TIME", "B-GPE", "I-PER", "B-PER", "I-TIME"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, "we", "bought", "four", "shirts", "in", "santa", "##s", "."]
SIZES = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}


def make_model(layers=2, activation="relu", log_softmax=False):
    from tests.model_zoo.convert.nemo_model import TokenClassificationModel

    torch.manual_seed(layers)
    return TokenClassificationModel(SIZES, len(LABELS), layers, activation, log_softmax).eval()


def make_archive(path, model, *, old=False, zipped=False, labels="mapping", encoder="member", **config):
    """Write a .nemo: plain or hashed names, tar or tar.gz, labels and encoder in their various places."""
    prefix, scheme = ("", "") if old else (HASH, "nemo:")
    mlp = model.classifier.mlp
    head = {"num_fc_layers": (mlp.layers + 1) // 2, "fc_dropout": 0.5, "activation": "relu"}
    settings = {
        "target": "nemo.collections.nlp.models.token_classification.TokenClassificationModel",
        "language_model": {"pretrained_model_name": "bert-base-uncased", "config_file": None, "config": None},
        "tokenizer": {"tokenizer_name": "bert-base-uncased", "vocab_file": f"{scheme}{prefix}vocab.txt"},
        "head": head | {"log_softmax": mlp.log_softmax},
        "label_ids": {label: index for index, label in enumerate(LABELS)} if labels == "mapping" else None,
        "class_labels": {"class_labels_file": f"{scheme}{prefix}label_ids.csv" if labels == "csv" else None},
    }
    members = {f"{prefix}vocab.txt": "\n".join(VOCABULARY) + "\n"}
    if labels != "mapping":
        members[f"{prefix}label_ids.csv"] = "\n".join(LABELS) + "\n"
    if encoder == "member":
        name = f"{prefix}bert-base-uncased_encoder_config.json"
        settings["language_model"]["config_file"] = f"{scheme}{name}"
        members[name] = json.dumps(SIZES | {"model_type": "bert"})
    else:
        settings["language_model"]["config"] = SIZES
    for key, value in config.items():
        settings[key] = settings[key] | value if key in {"head", "language_model"} else value
    state = model.state_dict() | {"bert_model.embeddings.position_ids": torch.arange(40)[None]}
    weights = io.BytesIO()
    torch.save(state, weights)
    members["model_config.yaml"] = yaml.safe_dump({"model": settings} if old else settings)
    write_tar(path, members | {"model_weights.ckpt": weights.getvalue()}, zipped=zipped)
    return path


def write_tar(path, members, *, zipped=False):
    with tarfile.open(path, "w:gz" if zipped else "w") as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def some_inputs():
    generator = np.random.default_rng(1)
    mask = np.ones((3, 11), np.int64)
    mask[1, 6:] = 0
    ids = generator.integers(5, len(VOCABULARY), mask.shape) * mask
    types = generator.integers(0, 2, mask.shape) * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def reference(model, inputs):
    with torch.no_grad():
        return model(**{name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()


LAYOUTS = [
    {"layers": 1, "labels": "mapping", "encoder": "member"},
    {"layers": 2, "labels": "csv", "encoder": "inline", "zipped": True},
    {"layers": 3, "labels": "unnamed", "encoder": "member", "old": True},
    {"layers": 2, "labels": "csv", "encoder": "member", "old": True, "zipped": True, "log_softmax": True},
    {"layers": 3, "labels": "mapping", "encoder": "inline", "activation": "tanh", "zipped": True},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_gives_what_nemo_gives(tmp_path, layout):
    options = {key: layout[key] for key in ("layers", "activation", "log_softmax") if key in layout}
    model = make_model(**options)
    rest = {key: value for key, value in layout.items() if key not in options}
    head = {"activation": layout.get("activation", "relu")}
    path = make_archive(tmp_path / "ner.nemo", model, head=head, **rest)
    before = torch.get_rng_state()
    checkpoint = load_checkpoint(path)
    assert torch.equal(torch.get_rng_state(), before)  # nothing is initialized at random
    inputs = some_inputs()
    with torch.no_grad():
        found = checkpoint.module(**{name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
    seen = inputs["attention_mask"].astype(bool)
    assert np.abs(found - reference(model, inputs))[seen].max() < 1e-5
    assert checkpoint.labels == LABELS
    assert checkpoint.max_length == 40


@pytest.mark.parametrize(
    ("layers", "zipped", "old"), [pytest.param(1, True, False, marks=pytest.mark.nightly), (3, False, True)]
)
def test_an_archive_converts_to_ir(tmp_path, traced_here, layers, zipped, old):
    import openvino as ov

    model = make_model(layers, log_softmax=layers == 3)
    path = make_archive(tmp_path / "ner.nemo", model, zipped=zipped, old=old, labels="csv")
    [made] = convert_checkpoint(path, tmp_path / "out", "ner-en-bert", precisions=["FP32"])
    inputs = some_inputs()
    compiled = ov.Core().compile_model(made.xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = inputs["attention_mask"].astype(bool)
    assert np.abs(compiled(inputs)["output"] - reference(model, inputs))[seen].max() < 1e-5
    ir = ov.Core().read_model(made.xml)
    info = ir.get_rt_info(["model_info", "labels"]).value
    assert ir.get_rt_info(["model_info", "aggregation"]).value == "whitespace"
    assert info.split() == LABELS


def test_an_encoder_does_not_choose_its_kernels(tmp_path):
    config = SIZES | {"_attn_implementation": "owner/kernel", "use_kernels": True}
    path = make_archive(
        tmp_path / "ner.nemo", make_model(), encoder="inline", language_model={"config": config}
    )
    facts = load_checkpoint(path).module.model.encoder.config
    assert facts._attn_implementation == "sdpa"
    assert "owner/kernel" not in str(facts.to_dict())


def test_the_tokenizer_is_that_of_the_archive(tmp_path):
    from tokenizers import Tokenizer

    checkpoint = load_checkpoint(make_archive(tmp_path / "ner.nemo", make_model()))
    tokenizer = Tokenizer.from_str(checkpoint.tokenizer_json)
    assert tokenizer.encode("We bought SHIRTSs.").tokens == [
        "[CLS]",
        "we",
        "bought",
        "shirts",
        "##s",
        ".",
        "[SEP]",
    ]


def test_an_encoder_known_only_by_name_has_that_encoders_dimensions(tmp_path, monkeypatch):
    words, hidden, _, *others = nemo.KNOWN_ENCODERS["bert-base-uncased"]
    monkeypatch.setitem(nemo.KNOWN_ENCODERS, "bert-base-uncased", (words, hidden, 1, *others))  # of 12 layers
    path = tmp_path / "ner.nemo"
    make_archive(path, make_model(), encoder="inline", language_model={"config": None})
    with pytest.raises(CheckpointError, match=r"do not fit.*\[30522, 768\]"):  # this one is tiny
        load_checkpoint(path)
    named = {"config": None, "pretrained_model_name": "megatron-bert-345m-uncased"}
    path = make_archive(tmp_path / "other.nemo", make_model(), encoder="inline", language_model=named)
    with pytest.raises(CheckpointError, match=r"megatron-bert-345m-uncased.*bert-base-uncased"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"head": {"activation": "__import__"}}, "head.activation: expected one of relu"),
        ({"head": {"num_fc_layers": 4}}, "expected 4 linear layers"),
        ({"label_ids": {"O": 0, "B-PER": 5}}, "label_ids: expected ids 0 to 1"),
        ({"label_ids": {"O": 0, "B-PER": 1}}, "6 outputs, not 2"),
        ({"target": "nemo.collections.nlp.models.QAModel"}, "found nemo.collections.nlp.models.QAModel"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, config, message):
    path = make_archive(tmp_path / "ner.nemo", make_model(), **config)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_a_configuration_of_a_giant_is_refused_before_it_fills_the_memory(tmp_path):
    giant = {"language_model": {"config": {**SIZES, "vocab_size": 10**10}}}
    with pytest.raises(CheckpointError, match=r"describes a model of \d+,[\d,]+ parameters, but the weights"):
        load_checkpoint(make_archive(tmp_path / "giant.nemo", make_model(), encoder="inline", **giant))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"label_ids": {"O": 0, "B-PER": "x"}}, r"label_ids: expected ids 0 to 1, found x, 0"),
        ({"label_ids": {"O": {"B-PER": 1}}}, "label_ids: expected ids 0 to 0, found"),
        ({"head": {"num_fc_layers": None}}, "expected None linear layers"),
        ({"head": {"num_fc_layers": 10**12}}, "expected 1000000000000 linear layers"),
        (
            {"language_model": {"config": {**SIZES, "num_attention_heads": 0}}},
            "cannot build the model 'bert'",
        ),
    ],
)
def test_senseless_values_of_a_configuration_are_said(tmp_path, config, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(make_archive(tmp_path / "bad.nemo", make_model(), encoder="inline", **config))


def test_weights_that_do_not_fit_are_refused(tmp_path):
    model = make_model()
    model.extra = torch.nn.Linear(2, 2)
    with pytest.raises(CheckpointError, match=r"unknown extra\.weight"):
        load_checkpoint(make_archive(tmp_path / "more.nemo", model))
    model = make_model()
    del model.bert_model.encoder.layer[1]
    with pytest.raises(CheckpointError, match="missing encoder"):
        load_checkpoint(make_archive(tmp_path / "less.nemo", model))


def repacked(path, change):
    """Write a good archive with other members."""
    with tarfile.open(make_archive(path.with_name("good.tar"), make_model())) as tar:
        members = {member.name[2:]: tar.extractfile(member).read() for member in tar}
    write_tar(path, change(members))
    return path


def test_a_model_in_parts_is_refused(tmp_path):
    def parts(members):
        weights = members.pop("model_weights.ckpt")
        return members | {f"mp_rank_0{rank}/model_weights.ckpt": weights for rank in range(2)}

    with pytest.raises(CheckpointError, match=r"expected one model_weights.ckpt, found several"):
        load_checkpoint(repacked(tmp_path / "ner.nemo", parts))


def test_weights_without_names_are_refused(tmp_path):
    weights = io.BytesIO()
    torch.save({0: torch.ones(2)}, weights)
    path = repacked(
        tmp_path / "ner.nemo", lambda members: members | {"model_weights.ckpt": weights.getvalue()}
    )
    with pytest.raises(CheckpointError, match="expected a dictionary of named tensors"):
        load_checkpoint(path)


def test_a_vocabulary_of_another_encoder_is_refused(tmp_path):
    path = repacked(
        tmp_path / "ner.nemo",
        lambda members: members | {f"{HASH}vocab.txt": "\n".join([*VOCABULARY, "more"])},
    )
    with pytest.raises(CheckpointError, match="the vocabulary has 14 pieces, the encoder 13"):
        load_checkpoint(path)


# Hostile archives


def hostile(path, change):
    """Write a good archive and put one bad member before the others."""
    good = path.with_name("good.tar")
    make_archive(good, make_model())
    with tarfile.open(good) as source, tarfile.open(path, "w") as target:
        info = tarfile.TarInfo("./extra")
        change(info)
        target.addfile(info, io.BytesIO(b"x" * info.size) if info.isreg() else None)
        for member in source:
            target.addfile(member, source.extractfile(member))
    return path


def named(name):
    def change(info):
        info.name, info.size = name, 1

    return change


def typed(kind, linkname=""):
    def change(info):
        info.type, info.linkname = kind, linkname

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (named("/etc/cron.d/evil"), "would be written outside the folder"),
        (named("../evil"), "would be written outside the folder"),
        (named("a/../../evil"), "would be written outside the folder"),
        (named("..\\evil"), "would be written outside the folder"),
        (typed(tarfile.SYMTYPE, "/etc/passwd"), "is a link or a device"),
        (typed(tarfile.LNKTYPE, "model_config.yaml"), "is a link or a device"),
        (typed(tarfile.CHRTYPE), "is a link or a device"),
        (typed(tarfile.FIFOTYPE), "is a link or a device"),
    ],
)
def test_hostile_members_are_refused(tmp_path, change, message):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = hostile(folder / "evil.nemo", change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.nemo"
    info = tarfile.TarInfo("./model_weights.ckpt")
    info.size = 40 << 30
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(info.tobuf())
        stream.write(bytes(1 << 20))
    with pytest.raises(CheckpointError, match="claims 42949672960 bytes"):
        load_checkpoint(path)


def test_a_header_that_claims_gigabytes_is_refused(tmp_path):
    path = tmp_path / "bomb.nemo"
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    with gzip.open(path, "wb") as stream:
        stream.write(info.tobuf())
        stream.write(bytes(1 << 20))
    with pytest.raises(CheckpointError, match="bytes of headers for a member, found more"):
        load_checkpoint(path)


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_runs_code_is_refused(tmp_path, new_format):
    target = tmp_path / "executed"
    weights = io.BytesIO()
    torch.save({"bert_model.x": Payload(target)}, weights, _use_new_zipfile_serialization=new_format)
    good = make_archive(tmp_path / "good.nemo", make_model())
    with tarfile.open(good) as archive:
        members = {info.name.removeprefix("./"): archive.extractfile(info).read() for info in archive}
    path = tmp_path / "evil.nemo"
    write_tar(path, members | {"model_weights.ckpt": weights.getvalue()})
    with pytest.raises(
        CheckpointError, match=r"which could run code\. Download it again, or use safetensors\.$"
    ):
        load_checkpoint(path)
    write_tar(path, members | {"model_weights.ckpt": pickle.dumps(Payload(target))})
    with pytest.raises(
        CheckpointError, match=r"which could run code\. Download it again, or use safetensors\.$"
    ):
        load_checkpoint(path)
    assert not target.exists()


def test_yaml_with_tags_is_refused(tmp_path):
    path = tmp_path / "evil.nemo"
    write_tar(path, {"model_config.yaml": "a: !!python/name:os.system", "model_weights.ckpt": b"x"})
    with pytest.raises(
        CheckpointError, match=r"model_config\.yaml: line 1: expected plain YAML without tags"
    ):
        load_checkpoint(path)


def test_a_huge_yaml_is_not_read(tmp_path):
    path = tmp_path / "evil.nemo"
    write_tar(path, {"model_config.yaml": b"a: 1\n" * (4 << 20), "model_weights.ckpt": b"x"})
    with pytest.raises(CheckpointError, match=r"no model_config\.yaml"):
        load_checkpoint(path)


@pytest.mark.parametrize("ending", ["vocab.txt", "label_ids.csv"])
def test_lists_that_are_no_text_are_refused(tmp_path, ending):
    path = make_archive(tmp_path / "a.nemo", make_model(), labels="csv")
    with tarfile.open(path) as archive:
        members = {one.name[2:]: archive.extractfile(one).read() for one in archive}
    name = next(name for name in members if name.endswith(ending))
    write_tar(path, members | {name: b"\x80" + members[name]})
    with pytest.raises(CheckpointError, match="is not UTF-8"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a tar", b"\x1f\x8bnot gzip", gzip.compress(b"no tar", mtime=0)]
)
def test_what_is_no_archive_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "ner.nemo"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a NeMo archive"):
        load_checkpoint(path)
