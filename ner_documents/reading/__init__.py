"""One module a format: files in, documents out."""
