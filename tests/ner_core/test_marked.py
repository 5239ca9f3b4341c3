"""Texts with marked names, as annotation tools write them, read as words and tags."""

import json

import pytest

from ner_core.corpus import CorpusError
from ner_core.dataset import open_dataset
from ner_core.marked import sentences_of

TEXT = "😀 Mary's in New York."
MARKED = (["😀", "Mary", "'s", "in", "New", "York", "."], ["O", "B-PER", "O", "O", "B-LOC", "I-LOC", "O"])
SPANS = [[2, 6, "PER"], [12, 20, "LOC"]]
OBJECTS = [{"start": start, "end": end, "label": label} for start, end, label in SPANS]
RESULT = [
    {"type": "labels", "value": {"start": start, "end": end, "labels": [label], "text": TEXT[start:end]}}
    for start, end, label in SPANS
]


@pytest.mark.parametrize(
    "document",
    [
        {"text": TEXT, "entities": [{**one, "score": 0.9} for one in OBJECTS], "groups": []},  # ner annotate
        {"text": TEXT, "label": SPANS, "id": 1},  # doccano
        {"text": TEXT, "entities": [{"start_offset": s, "end_offset": e, "label": k} for s, e, k in SPANS]},
        {"text": TEXT, "spans": OBJECTS, "tokens": [{"text": "😀"}], "answer": "accept"},  # Prodigy
        {"data": {"text": TEXT}, "annotations": [{"result": [*RESULT, {"type": "choices"}]}]},  # Label Studio
        {"data": {"text": TEXT}, "annotations": [{"was_cancelled": True}, {"result": RESULT}]},
        {"text": TEXT, "label": [one["value"] for one in RESULT]},  # Label Studio, JSON-MIN
        {"text": TEXT, "ents": OBJECTS},  # displaCy
        {"text": TEXT, "entities": [{"entity": k, "start": s, "end": e} for s, e, k in SPANS]},  # Gradio
        {"text": TEXT, "entities": [{"entity_group": k, "start": s, "end": e} for s, e, k in SPANS]},
        {"text": TEXT, "entities": [{"type": k, "start": s, "end": e} for s, e, k in SPANS]},
        {"words": MARKED[0], "entities": [[2, 6, "PER"], [13, 21, "LOC"]]},
        {"text": TEXT, "label": [[1, 6, " PER"], [11, 20, "LOC"], [12, 20, "LOC"]]},  # spaces, twice
    ],
)
def test_documents_of_annotation_tools(document):
    assert list(sentences_of(document)) == [MARKED]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"text": "Rome", "answer": "accept"}, [(["Rome"], ["O"])]),
        ({"text": "Rome", "answer": "reject", "spans": [[0, 4, "LOC"]]}, []),
        ({"text": "Rome", "annotator": 1, "annotation_id": 2}, [(["Rome"], ["O"])]),  # JSON-MIN
        ({"data": {"text": "Rome"}, "annotations": []}, []),  # nobody has read it yet
        ({"data": {"text": "Rome"}, "annotations": [{"was_cancelled": True, "result": []}]}, []),
        (["Rome", {"entities": [[0, 4, "LOC"]]}], [(["Rome"], ["B-LOC"])]),  # spaCy 2
        ({"text": " \n", "label": []}, []),
        ({"words": [], "label": []}, []),
        ({"text": "Mary\n\nRome", "label": [[6, 10, "LOC"]]}, [(["Mary"], ["O"]), (["Rome"], ["B-LOC"])]),
        (
            {"text": "12 Hill\n\nRome", "label": [[0, 13, "X"]]},
            [(["12", "Hill", "Rome"], ["B-X", *["I-X"] * 2])],
        ),
        ({"text": "Rome-based", "label": [[0, 4, "LOC"]]}, [(["Rome", "-based"], ["B-LOC", "O"])]),
        ({"text": "東京に", "label": [[0, 2, "LOC"]]}, [(["東", "京", "に"], ["B-LOC", "I-LOC", "O"])]),
        ({"text": "Zoe\u0301!", "label": [[0, 4, "PER"]]}, [(["Zoe\u0301", "!"], ["B-PER", "O"])]),
        ({"text": "\ufeffMary \ud83d", "label": [[0, 5, "PER"]]}, [(["Mary", "\ufffd"], ["B-PER", "O"])]),
    ],
)
def test_words_and_parts(document, expected):
    assert list(sentences_of(document)) == expected


@pytest.mark.parametrize(
    ("document", "tags"),
    [
        (
            {"tokens": ["Ann", "Ray"], "ner_tags": ["B-PER", "I-PER"], "spans": ["PER: Ann Ray"]},
            ["B-PER", "I-PER"],
        ),
        ({"tokens": ["Ann", "Ray"], "pos_tags": [9, 9], "ner_tags": [1, 2]}, ["B-PER", "I-PER"]),
        ({"text": "Ann Ray", "words": ["Ann", "Ray"], "labels": ["PER-B", "PER-E"]}, ["B-PER", "E-PER"]),
        ({"text": ["Ann", "Ray"], "tags": ["B-PER", "I-PER"]}, ["B-PER", "I-PER"]),
        ({"Sentence": ["Ann", "Ray"], "tags": ["PER", "PER"]}, ["PER", "PER"]),
        ({"tokens": ["Ann", "Ray"], "tags": ["story"], "entities": [[4, 7, "PER"]]}, ["O", "B-PER"]),
    ],
)
def test_words_with_tags(document, tags):
    assert list(
        sentences_of(document, "Sentence" if "Sentence" in document else None, ("O", "B-PER", "I-PER"))
    ) == [(["Ann", "Ray"], tags)]


def test_words_with_half_characters_can_be_tokenized():
    assert list(sentences_of({"tokens": ["\ud83d"], "ner_tags": ["O"]})) == [(["\ufffd"], ["O"])]


def test_the_names_of_tags_that_are_numbers_lie_beside_the_file(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"tokens": ["Ann"], "ner_tags": [1]}\n{"tokens": ["a"], "ner_tags": [2]}'
    )
    (tmp_path / "label_ids.csv").write_text("O\nB-PER\n")
    dataset = open_dataset(tmp_path / "a.jsonl")
    assert [file.name for file in dataset.files] == ["a.jsonl", "label_ids.csv"]  # a training notes both
    sentences = iter(dataset)
    assert next(sentences) == (["Ann"], ["B-PER"])
    with pytest.raises(CorpusError, match=r"a\.jsonl:2: expected ner_tags from 0 to 1, as in label_ids"):
        next(sentences)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("Mary", "expected an object with a text and its names, found 'Mary'"),
        (
            {"body": "Mary", "label": []},
            "expected a text or a list of words under text, words, tokens, found an",
        ),
        ({"text": ["Mary", 5], "label": []}, "expected a text or a list of words"),
        ({"text": "Mary"}, "expected names under entities, .* or annotations, found an object with text"),
        ({"text": "Mary", "label": [], "entities": []}, "under one of entities, label; leave out the other"),
        (
            {"text": "Mary", "label": [[0, 4]]},
            r"expected a name with start, end and one label, found \[0, 4\]",
        ),
        ({"text": "Mary", "label": [{"start": 0, "end": 4, "labels": ["A", "B"]}]}, "and one label"),
        ({"text": "Mary", "label": [[0, 4, " "]]}, "and one label"),
        ({"text": "Mary", "label": [[0, 5, "PER"]]}, "in the 4 characters of the text, found 0 and 5"),
        ({"text": "Mary", "label": [[False, 4, "PER"]]}, "found False and 4"),
        ({"text": "a b", "label": [[1, 2, "PER"]]}, r"the name ' ' \(1-2 PER\) is empty"),
        ({"text": "Mary", "label": [[0, 3, "PER"]]}, r"the name 'Mar' \(0-3 PER\) cuts a word"),
        ({"text": "Zoe\u0301", "label": [[0, 3, "PER"]]}, "cuts a word"),
        ({"words": ["Rome-based"], "label": [[0, 4, "LOC"]]}, "cuts a word"),
        (
            {"text": "New York", "label": [[0, 8, "ORG"], [4, 8, "LOC"]]},
            r"'New York' .* and 'York' .* overlap",
        ),
        ({"text": "New York", "label": [[0, 8, "ORG"], [0, 8, "LOC"]]}, "overlap; leave one of them"),
        (
            {"text": TEXT, "spans": [{"start": 3, "end": 7, "label": "PER", "text": "Mary"}]},
            r"expected the name 'Mary', found \"ary'\" \(3-7 PER\) there; offsets count characters",
        ),
        (
            {"data": {"text": "a"}, "annotations": [{"result": []}, {"result": []}]},
            "expected one annotation with a result, found 2; leave one of them",
        ),
        (
            {
                "data": {"text": "<p>Mary</p>"},
                "annotations": [{"result": [{"type": "hypertextlabels", "value": {"start": "/p[1]"}}]}],
            },
            "expected a name with start, end and one label",
        ),
        ({"tokens": ["a", "b"], "ner_tags": ["O"]}, "expected a tag for each of 2 words, found 1 ner_tags"),
        (
            {"tokens": ["a"], "ner_tags": ["x"]},
            "expected O or PREFIX-TYPE, such as B-PER, for 'a', found 'x'",
        ),
        (
            {"tokens": ["a"], "ner_tags": [0]},
            r"under ner_tags, found numbers; write the tags, .* label_ids\.csv",
        ),
        ({"tokens": ["a", ""], "ner_tags": ["O", "O"]}, r"found an empty one \(number 2\)"),
        ({"data": {"text": "a"}, "predictions": []}, "found an object with data, predictions"),
    ],
)
def test_what_cannot_be_learned_is_refused(document, message):
    with pytest.raises(ValueError, match=message):
        list(sentences_of(document))


def test_the_key_of_the_text_may_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "no", "body": TEXT, "label": SPANS}))
    assert list(open_dataset(tmp_path / "a.jsonl", column="body")) == [MARKED]


def test_files_of_lines_lists_and_one_object(tmp_path):
    documents = [{"text": TEXT, "label": SPANS}, {"text": "a\u2028b", "label": []}]
    expected = [MARKED, (["a"], ["O"]), (["b"], ["O"])]
    lines = "\n\n".join(json.dumps(one, ensure_ascii=False) for one in documents)
    for name, content in (
        ("a.jsonl", f"\ufeff{lines}\r\n"),
        ("b.json", lines),
        ("c.json", json.dumps(documents, indent=1)),
        ("d.ndjson", json.dumps(documents)),
        ("d.jsonl", "\n".join(json.dumps([one]) for one in documents)),
        ("e.jsonl", "\n".join(json.dumps([one["text"], {"entities": one["label"]}]) for one in documents)),
        ("f.json", json.dumps({"classes": [], "annotations": [None, *documents]})),  # NER Annotator
    ):
        (tmp_path / name).write_text(content, "utf-8", newline="")
        assert list(open_dataset(tmp_path / name)) == expected
    (tmp_path / "dev.json").write_text(json.dumps(documents[0], indent=1))
    (tmp_path / "labels.json").write_text("{}")  # of other things
    assert list(open_dataset(tmp_path, split="dev")) == [MARKED]
    (tmp_path / "e.jsonl").write_text(lines, "utf-16")
    assert list(open_dataset(tmp_path / "e.jsonl", encoding="utf-16")) == expected
    (tmp_path / "f.jsonl").write_text("\n")
    assert list(open_dataset(tmp_path / "f.jsonl")) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"text": "", "label": []}\n\n{"text": "Mary", "label": [[0, 3, "PER"]]}',
            r"a\.jsonl:3: the name 'Mar'",
        ),
        ('{"text": "", "label": []}\n{"text": ', r"a\.jsonl:2: expected JSON, found '\{\"text\": '"),
        ('[{"text": "", "label": []},\n5]', r"a\.jsonl, item 2: expected an object with a text"),
        ("[\n{\n", r"a\.jsonl:2: expected JSON, found '{' \(Expecting .* at column 2"),
        ("Mary B-PER\n", r"a\.jsonl:1: expected JSON, found 'Mary B-PER'"),
        ("[" * 100_000, r"a\.jsonl:1: expected JSON that can be read .maximum recursion"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, content, message):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(CorpusError, match=message):
        list(open_dataset(tmp_path / "a.jsonl"))
