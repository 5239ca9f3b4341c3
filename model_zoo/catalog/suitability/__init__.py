"""Decide from its small files whether a published checkpoint runs here, before any weights are fetched.

Used by the lookup on the hub and by the reader of checkpoint folders. A refusal is one sentence: what the
repository is, and what to do. ``docs/hub-models.md`` lists the same families with measurements.
"""
