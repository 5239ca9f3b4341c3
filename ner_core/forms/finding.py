"""All finders of forms, as one function for the decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_core.forms.addresses import addresses
from ner_core.forms.companies import companies
from ner_core.forms.datelines import datelines
from ner_core.forms.fields import fields
from ner_core.forms.parties import parties
from ner_core.forms.references import authors
from ner_core.forms.salutations import salutations
from ner_core.forms.tables import tables
from ner_core.forms.titles import persons_with_title

if TYPE_CHECKING:
    from ner_core.forms.form import Form

__all__ = ["find_forms"]

_FINDERS = (
    authors,
    addresses,
    companies,
    datelines,
    fields,
    tables,
    salutations,
    persons_with_title,
    parties,
)


def find_forms(text: str) -> list[Form]:
    r"""Return all that the form of a text shows of its names.

    Examples
    --------
    >>> text = "Bonjour Marie,\nNova Stal s.r.o. est à 75002 Paris"
    >>> [(text[one.start : one.end], one.kind) for one in find_forms(text) if one.whole]
    [('Nova Stal s.r.o.', 'ORG'), ('Bonjour', 'O'), ('Marie', 'PER')]
    """
    return [form for find in _FINDERS for form in find(text)]
