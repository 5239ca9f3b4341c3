"""Files redacted with a model that knows a few names."""

import re

from ner_core.entity import Entity, Recognition
from ner_documents.redaction import Key, Placeholders, Redactor, redact_file

NAMES = {
    "Mary Jones": "PER",
    "Acme Corp": "ORG",
    "Jos\u00e9 \u00c1lvarez": "PER",
    "O'Neill & Sons": "ORG",
    "Bob": "PER",
}


def recognize(texts):
    """A model that knows `NAMES` alone."""
    for text in texts:
        found = [
            Entity(match.start(), match.end(), label, 0.9, name)
            for name, label in NAMES.items()
            for match in re.finditer(re.escape(name), text)
        ]
        yield Recognition(text, tuple(sorted(found, key=lambda entity: entity.start)))


def redacted(name, content, operator="number"):
    key = Key()
    redactor = Redactor(Placeholders(operator, secret=key.secret))
    result = redact_file(name, content, recognize, redactor)
    key.identities = redactor.placeholders.identities
    if result.document:
        key.add(result.document)
    return result, Key.from_json(key.to_json(), "key")
