"""Checkpoints as they are published, one module a layout."""
