"""Text in, entities out: BERT token classifiers on OpenVINO.

Examples
--------
>>> import ner_core
>>> ner = ner_core.EntityRecognizer.from_ir("FP16/bert-base-ner.xml", device="AUTO")  # doctest: +SKIP
>>> ner("Mary lives in Santa Clara.").entities[0].text  # doctest: +SKIP
'Mary'
"""

from ner_core.entity import Entity, Recognition, Timings

__all__ = ["Entity", "Recognition", "Timings"]
