"""Files in, documents out: one module a format, one way in for the page and the command line.

::

    for item in read("contract.docx"):            # Document or Problem
        ...
    for item in read_bounded("upload.pdf", seconds=60):   # the same, in a process that can be ended

What a reader cannot show is a `Problem` with file, place and reason; a reader raises nothing for what it
finds in a file.
"""

from ner_documents.formats import SUFFIXES
from ner_documents.reading.bounded import read_bounded
from ner_documents.reading.records import ReadOptions
from ner_documents.reading.registry import first_rows, read, table_columns

__all__ = ["SUFFIXES", "ReadOptions", "first_rows", "read", "read_bounded", "table_columns"]
