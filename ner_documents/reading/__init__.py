"""Readers from files to documents, one module per format, shared by the page and the command line.

::

    for item in read("contract.docx"):            # Document or Problem
        ...
    for item in read_bounded("upload.pdf", seconds=60):   # the same, in a separate process

What a reader cannot read is a `Problem` with file, place and reason; the content of a file never raises an
exception.
"""

from ner_documents.formats import SUFFIXES
from ner_documents.reading.bounded import read_bounded
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.registry import first_rows, read, table_columns

__all__ = ["SUFFIXES", "ReadOptions", "first_rows", "read", "read_bounded", "table_columns"]
