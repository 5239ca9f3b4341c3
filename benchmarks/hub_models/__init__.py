"""Test families of token classifiers as they are published: fetched, converted, and equal to transformers.

``python -m benchmarks.hub_models --output docs/hub-models.md [FAMILY ...]`` makes tiny random checkpoints of
each family with a tokenizer of its kind, publishes them on a local server in every layout, fetches them by
``owner/name``, converts them, and compares the entities of the texts with transformers' pipeline for its five
aggregation strategies: labels and offsets equal, scores within 1e-3.
"""
