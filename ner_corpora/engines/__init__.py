"""Engines, which annotate the chunks of a corpus: in this process, or on a Ray cluster."""
