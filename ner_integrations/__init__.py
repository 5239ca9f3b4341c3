"""Adapters for other programs: transformers' pipeline, a spaCy component.

Nothing here imports transformers or spaCy, except the component, which spaCy loads by its entry point.

Examples
--------
>>> from ner_integrations import pipeline
>>> ner = pipeline("ner", model="minilm-ner", aggregation_strategy="simple")  # doctest: +SKIP
>>> ner("Mary lives in Santa Clara.")[0]["entity_group"]  # doctest: +SKIP
'PER'
"""

from __future__ import annotations

from ner_integrations.token_classification import TokenClassification, pipeline

__all__ = ["TokenClassification", "pipeline"]
