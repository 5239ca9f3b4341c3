"""Redaction: documents without names, and with the key the documents as they were."""

from ner_documents.redaction.findings import Finding, Rules
from ner_documents.redaction.placeholders import OPERATORS, Placeholders
from ner_documents.redaction.redactor import Redacted, Redactor, Replacement, redact

__all__ = ["OPERATORS", "Finding", "Placeholders", "Redacted", "Redactor", "Replacement", "Rules", "redact"]
