"""Annotate corpora: many documents in, entities out, resumably, on one machine or on a Ray cluster.

Data flow: ``inputs -> sources -> readers -> chunks -> annotation -> formats -> workspace``.
An engine only decides where a chunk is annotated. Chunks and their encoding are the same everywhere, so the
result does not depend on the engine, on interruptions, or on the number of workers.
"""
