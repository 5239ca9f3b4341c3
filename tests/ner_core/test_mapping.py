import json
import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ner_core.mapping import EntityMapper

DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "corpora.md").read_text("utf-8")
TEXTS = ["Mary lives in Santa Clara.", "", "An of the"]


def documented(engine, model):
    """What the lines that the documentation shows for an engine leave in `found`."""
    code = re.search(rf"^{engine}:\n\n```python\n(.+?)```", DOCUMENTATION, re.DOTALL | re.MULTILINE)[1]
    names = {"model": str(model), "__name__": "documented"}
    exec(code, names)
    return names["found"]


@pytest.fixture
def expected(tiny_ner):
    return [[entity.to_dict() for entity in found.entities] for found in tiny_ner.batch(TEXTS)]


def same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(map(json.loads, found), expected, strict=True):
        assert [e["text"] for e in one] == [e["text"] for e in other]
        assert [e["score"] for e in one] == pytest.approx([e["score"] for e in other], abs=1e-4)


def test_arrays_and_frames_get_a_column_and_stay_as_they_are(tiny_ir, expected):
    import pandas

    mapper = EntityMapper(tiny_ir, device="CPU")
    arrays = {"id": np.arange(3), "text": np.array(TEXTS)}
    mapped = mapper(arrays)
    assert list(arrays) == ["id", "text"]
    assert list(mapped) == ["id", "text", "entities"]
    same(mapped["entities"], expected)
    frame = pandas.DataFrame({"body": TEXTS})
    mapper = EntityMapper(tiny_ir, column="body", into="found", device="CPU")
    (mapped,) = mapper.partitions([frame])
    assert list(frame) == ["body"]
    same(mapped["found"], expected)


def test_nothing_is_an_empty_text_and_lists_are_words(tiny_ir):
    import pandas

    mapper = EntityMapper(tiny_ir, device="CPU")
    cells = [None, float("nan"), pandas.NA, "", np.array(["Mary", "lives"], dtype=object)]
    found = [
        json.loads(cell)
        for cell in mapper(pandas.DataFrame({"text": pandas.Series(cells, dtype=object)}))["entities"]
    ]
    assert found[:4] == [[], [], [], []]
    assert all("word_start" in entity for entity in found[4])
    with pytest.raises(TypeError):
        mapper({"text": [5]})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": 5}, "model: expected a path .* found 5"),
        ({"load": 5}, "load: expected a function such as model_zoo.load, found 5"),
        ({"load": lambda model: [model]}, "load: expected a function that returns a recognizer, it returned"),
        ({"bogus": 1}, "Unknown option bogus"),
    ],
)
def test_wrong_arguments_are_named(tiny_ir, options, said):
    with pytest.raises(TypeError, match=said):
        EntityMapper(**{"model": tiny_ir, **options})({"text": ["Mary"]})


@pytest.mark.parametrize(("column", "found"), [("Mary", "one"), (5, "5"), (None, "one"), (b"Mary", "one")])
def test_a_column_that_is_one_cell_is_named(tiny_ir, column, found):
    with pytest.raises(TypeError, match=f"expected many texts in 'text', found {found}; for datasets"):
        EntityMapper(tiny_ir)({"text": column})


def test_a_missing_column_is_named(tiny_ir):
    with pytest.raises(KeyError) as told:
        EntityMapper(tiny_ir)({"body": ["x"]})
    assert str(told.value) == "expected one column 'text' with texts, found body"


def test_the_loaded_model_is_not_sent_along(tiny_ir):
    mapper = EntityMapper(tiny_ir, device="CPU")
    recognizer = mapper.recognizer
    assert mapper.recognizer is recognizer
    sent = pickle.dumps(mapper)
    assert len(sent) < 1000
    assert (
        pickle.loads(sent)({"text": TEXTS})["entities"].tolist()
        == mapper({"text": TEXTS})["entities"].tolist()
    )


def test_another_way_to_load(tiny_ir):
    import model_zoo

    mapper = EntityMapper(str(tiny_ir / "tiny.xml"), load=model_zoo.load, device="CPU", aggregation="none")
    assert mapper.recognizer.aggregation == "none"


@pytest.mark.parametrize("engine", [pytest.param("Dask", marks=pytest.mark.nightly), "pandas alone"])
def test_documented_lines(tiny_ir, expected, engine):
    same(documented(engine, tiny_ir)["entities"], expected[:1])


def test_documented_lines_for_spark(tiny_ir, expected, monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    pytest.importorskip(
        "pyspark", reason="Spark is 450 MB and needs Java: pip install pyspark runs this test"
    )
    if not shutil.which("java"):
        pytest.skip("Spark needs Java")
    same([row["entities"] for row in documented("Spark", tiny_ir)], expected[:1])


def test_hugging_face_datasets_in_batches(tiny_ir, expected, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    data = datasets.Dataset.from_dict({"text": TEXTS})
    mapper = EntityMapper(tiny_ir, device="CPU")
    same(data.map(mapper, batched=True)["entities"], expected)
    # Its workers are forked after OpenVINO was used here.
    same(data.map(mapper, batched=True, num_proc=2)["entities"], expected)
    with pytest.raises(TypeError, match="map with batched=True"):
        data.map(mapper)


def test_polars_and_cells_without_a_text(tiny_ir, expected):
    polars = pytest.importorskip("polars")
    mapper = EntityMapper(tiny_ir, device="CPU")
    frame = polars.DataFrame({"text": [*TEXTS, None]})
    mapped = mapper(frame)
    assert frame.columns == ["text"]
    same(mapped["entities"].to_list(), [*expected, []])
    assert [json.loads(cell) for cell in mapper({"text": [np.float32("nan"), np.nan]})["entities"]] == [
        [],
        [],
    ]
    with pytest.raises(TypeError, match="column 'text': expected a text or a list of words, found 5"):
        mapper({"text": [5]})


def test_arrow_tables_get_a_column(tiny_ir, expected):
    pyarrow = pytest.importorskip("pyarrow")
    mapper = EntityMapper(tiny_ir, device="CPU")
    for kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()):
        table = pyarrow.table({"id": [1, 2, 3, 4], "text": pyarrow.array([*TEXTS, None], kind)})
        for given in (table, table.to_batches()[0], mapper(table)):
            mapped = mapper(given)
            assert type(mapped) is type(given)
            assert mapped.schema.names == ["id", "text", "entities"]
            same(mapped["entities"].to_pylist(), [*expected, []])
    about = pyarrow.table({"entities": [None], "text": ["x"]}).replace_schema_metadata({"of": "others"})
    assert mapper(about).schema.names == ["entities", "text"]
    assert mapper(about).schema.metadata == {b"of": b"others"}
    coded = pyarrow.table({"text": pyarrow.array([*TEXTS, None]).dictionary_encode()})
    same(mapper(coded)["entities"].to_pylist(), [*expected, []])


def test_parts_without_rows_have_the_types_of_others(tiny_ir):
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    mapper = EntityMapper(tiny_ir, device="CPU")
    some, none = polars.DataFrame({"text": ["Mary"]}), polars.DataFrame({"text": []}, {"text": polars.String})
    assert polars.concat([mapper(none), mapper(some)]).height == 1
    assert mapper(pandas.DataFrame({"text": []})).dtypes["entities"].kind == "O"


def test_missing_words_are_empty_ones(tiny_ir):
    mapper = EntityMapper(tiny_ir, device="CPU")
    given, meant = mapper({"text": [["Mary", None, float("nan")], ["Mary", "", ""]]})["entities"]
    assert given == meant


def test_words_that_are_none_are_told(tiny_ir):
    for words in ([["Mary"], ["Rome"]], [b"Mary"], [{"word": "Mary"}]):
        with pytest.raises(TypeError, match="column 'text': expected words in the list of a cell, found"):
            EntityMapper(tiny_ir, device="CPU")({"text": [words]})


def test_the_way_for_lazy_frames_works(tiny_ir, expected):
    polars = pytest.importorskip("polars")
    mapper = EntityMapper(tiny_ir, device="CPU")
    frame = polars.LazyFrame({"text": TEXTS})
    with pytest.raises(TypeError, match="found a lazy one") as told:
        mapper(frame)
    written = str(told.value).partition(" or ")[2]
    same(eval(written).collect()["entities"].to_list(), expected)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (b"Mary", "b'Mary': decode it first"),
        ({"a": 1}, "{'a': 1}"),
        ({"Mary"}, "{'Mary'}"),
        (object, "<class 'object'>"),
        (float("inf"), "inf"),
        (True, "True"),
    ],
)
def test_cells_that_are_no_text_are_told(tiny_ir, cell, found):
    with pytest.raises(TypeError, match="column 'text': expected a text or a list of words") as told:
        EntityMapper(tiny_ir, device="CPU")({"text": ["Mary", cell]})
    assert found in str(told.value)


def test_what_is_no_table_is_told(tiny_ir):
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    mapper = EntityMapper(tiny_ir)
    series = pandas.Series(TEXTS), polars.Series(TEXTS)
    for given in ("Mary", TEXTS, None, 5, *series):
        with pytest.raises(TypeError, match=f"such as a data frame .* found {type(given).__name__}"):
            mapper(given)
    with pytest.raises(TypeError, match=r"use mapper\(frame\.collect\(\)\), or "):
        mapper(polars.LazyFrame({"text": TEXTS}))
    with pytest.raises(TypeError, match="found one"):
        mapper({"text": None})
    with pytest.raises(KeyError, match="expected one column 'text' with texts, found text, text"):
        mapper(pandas.DataFrame([["a", "b"]], columns=["text", "text"]))
