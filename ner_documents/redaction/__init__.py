"""Redaction: documents without names, and with the key the documents as they were."""

from ner_documents.redaction.files import SUFFIXES, Found, RedactedFile, redact_file, suffix_of
from ner_documents.redaction.findings import Finding, Rules
from ner_documents.redaction.keys import Key, KeyProblem
from ner_documents.redaction.lists import ListError, NameList, read_lines
from ner_documents.redaction.placeholders import OPERATORS, Placeholders
from ner_documents.redaction.redactor import Redacted, Redactor, Replacement, redact
from ner_documents.redaction.restoring import restore_file
from ner_documents.redaction.text_formats import FormatError

__all__ = [
    "OPERATORS",
    "SUFFIXES",
    "Finding",
    "FormatError",
    "Found",
    "Key",
    "KeyProblem",
    "ListError",
    "NameList",
    "Placeholders",
    "Redacted",
    "RedactedFile",
    "Redactor",
    "Replacement",
    "Rules",
    "read_lines",
    "redact",
    "redact_file",
    "restore_file",
    "suffix_of",
]
