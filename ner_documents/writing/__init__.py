"""Annotated documents out, one module a family of formats."""
