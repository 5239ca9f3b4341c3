"""The component in spaCy's own pipelines."""

import pickle
import subprocess
import sys
import warnings
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from tests.lazily import spacy

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
TEXTS = ["Mary lives in Santa Clara.", "", "An of the New York-San", "Marying  \n\n naïve 日本 ☃ Yorkland!"]


@pytest.fixture(scope="module", autouse=True)
def registered():
    """What spaCy does with the entry point of an installed project."""
    (named,) = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["spacy_factories"].items()
    assert EntryPoint(*named, "spacy_factories").load().__name__ == "create"


def pipeline(tiny_ir, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_zoo", config={"model": str(tiny_ir / "tiny.xml"), "device": "CPU"} | config)
    return nlp


def test_every_entity_is_in_doc_spans_and_all_that_fit_in_doc_ents(tiny_ir, tiny_ner):
    nlp = pipeline(tiny_ir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        docs = list(nlp.pipe(TEXTS, batch_size=3))
    assert sum(len(doc.ents) for doc in docs) > 3
    for doc, text, found in zip(docs, TEXTS, tiny_ner.batch(TEXTS), strict=True):
        assert doc.text == text
        group = doc.spans["ner_zoo"]
        assert group.attrs["offsets"] == [(entity.start, entity.end) for entity in found.entities]
        assert group.attrs["scores"] == pytest.approx([e.score for e in found.entities], abs=1e-4)
        for span, entity in zip(group, found.entities, strict=True):
            assert (span.start_char, span.end_char) <= (entity.start, span.end_char)
            assert entity.text in span.text
            assert span.label_ == entity.label
        lost = [span for span in group if not any(e.start <= span.start < e.end for e in doc.ents)]
        assert not lost
    assert [(e.text, e.label_) for e in nlp(TEXTS[0]).ents] == [(e.text, e.label_) for e in docs[0].ents]
    assert nlp.get_pipe("ner_zoo").labels == ("PER", "ORG", "LOC", "MISC")


def test_two_names_in_one_token_and_entities_of_others(tiny_ir):
    class Halves:
        labels = ("PER",)

        def batch(self, texts, **options):
            from ner_core import Entity, Recognition

            found = (Entity(0, 4, "PER", 0.6, "Mary"), Entity(4, 8, "PER", 0.9, "Jane"))
            return [Recognition(text, found) for text in texts]

    nlp = pipeline(tiny_ir)
    component = nlp.get_pipe("ner_zoo")
    component.recognizer = Halves()
    with pytest.warns(UserWarning, match=r"ner_zoo: 'MaryJane' \(PER\): not in doc.ents"):
        doc = nlp("MaryJane sings")
    assert [entity.text for entity in doc.ents] == ["MaryJane"]
    assert len(doc.spans["ner_zoo"]) == 2
    doc = nlp.make_doc("MaryJane sings")
    doc.ents = [doc.char_span(0, 14, label="SONG")]
    with pytest.warns(UserWarning, match="not in doc.ents"):
        assert [entity.label_ for entity in component(doc).ents] == ["SONG"]
    component._overwrite = True
    with pytest.warns(UserWarning, match="not in doc.ents"):
        assert [entity.label_ for entity in component(doc).ents] == ["PER"]


def test_what_another_component_found_already_is_not_lost(tiny_ir):
    nlp = pipeline(tiny_ir)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once = nlp(TEXTS[0])
        twice = nlp.get_pipe("ner_zoo")(once.copy())
    assert twice.ents
    assert [str(entity) for entity in twice.ents] == [str(entity) for entity in once.ents]


def test_settings_are_kept_and_checked(tiny_ir, tmp_path):
    nlp = pipeline(tiny_ir, labels=["PER"], threshold=0.2)
    assert {entity.label_ for doc in nlp.pipe(TEXTS) for entity in doc.ents} == {"PER"}
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert [e.text for e in again(TEXTS[0]).ents] == [e.text for e in nlp(TEXTS[0]).ents]
    assert len(pickle.dumps(again.get_pipe("ner_zoo"))) < 2_000
    with pytest.raises(ValueError, match=r"ner_zoo: Threshold: expected a number from 0 to 1, found 7"):
        pipeline(tiny_ir, threshold=7)
    with pytest.raises(ValueError, match=r"ner_zoo: Threshold: expected a number from 0 to 1, found '0.5'"):
        pipeline(tiny_ir, threshold="0.5")
    with pytest.raises(ValueError, match=r"ner_zoo: Unknown aggregation 'best': expected one of word"):
        pipeline(tiny_ir, aggregation="best")
    with pytest.raises(ValueError, match=r"ner_zoo: labels: There is no label 'per'; there are PER, ORG"):
        pipeline(tiny_ir, labels=["per"])("Mary")
    component = pipeline(tiny_ir, labels=["PERSON"], threshold=0.2).get_pipe("ner_zoo")
    assert component.labels == ("PER",)
    assert {
        entity.label_ for doc in component.pipe(map(spacy.blank("en"), TEXTS)) for entity in doc.ents
    } == {"PER"}
    with pytest.raises(ValueError, match="no_such_setting"):
        pipeline(tiny_ir, no_such_setting=1)


def test_spacy_measures_it(tiny_ir):
    nlp = pipeline(tiny_ir)
    found = [(entity.start_char, entity.end_char, entity.label_) for entity in nlp(TEXTS[0]).ents]
    from spacy.training import Example

    examples = [Example.from_dict(nlp.make_doc(TEXTS[0]), {"entities": gold}) for gold in (found, found[:1])]
    measured = nlp.evaluate(examples)
    assert (measured["ents_r"], measured["ents_p"]) == (1, pytest.approx((len(found) + 1) / 2 / len(found)))


def test_the_stand_in_for_transformers_imports_no_spacy():
    code = "import ner_integrations, sys; assert not {'spacy', 'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
