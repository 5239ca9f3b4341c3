"""Annotate corpora: many documents in, entities out, locally or on a Ray cluster, resumable.

Data on its way: ``inputs -> sources -> readers -> chunks -> annotation -> formats -> workspace``.
The engines only decide where a chunk is annotated; what a chunk holds and how it is written is the same
everywhere, so the result does not depend on the engine, on interruptions, or on the number of workers.
"""
