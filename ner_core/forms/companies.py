"""Companies, recognized by their legal form: ``Huber GmbH``; a name may have several (``GmbH & Co. KG``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import CAPITALIZED, LIKELY, PERHAPS, SURE, Form
from ner_core.forms.legal_forms import LEGAL_FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LEGAL_FORM", "companies"]

# In capitals, they may be words: ACME AS GOOD AS GOLD, IBERIA SE FUSIONA.
_WORDS = ("AS", "SE")
# They follow other names as well (Orange Co., Net weight KG), some too often (Calgary AB).
_AMBIGUOUS = frozenset(("AG", "Co", "Co.", "KG", "SL", "UG", "eG"))
_UNKNOWN = frozenset(("AB", "LP", "NV", "SA"))

_SPELLINGS = [
    re.escape(spelling).replace(r"\ ", r"[ \u00a0]")
    for form in LEGAL_FORMS
    if form not in _WORDS
    for spelling in (form, form if form.islower() else form.replace(".", ""))
]
_FIRST = "".join(sorted({form[0] for form in LEGAL_FORMS}))
#: One or more forms after a name. `Calgary, AB` and `Las Vegas, NV` are places in states.
LEGAL_FORM = re.compile(
    rf"(?=[, \u00a0])(?:(?:,(?!\ [A-Z]{{2}}\b))?[ \u00a0](?=[{_FIRST}])(?:{'|'.join(_SPELLINGS)})(?!\w|-\w))+"
)

_NAME = rf"(?<!\w)(?!\S+-based\b){CAPITALIZED}\.?"
_BEFORE = re.compile(rf"(?P<more>(?:{_NAME}\ (?:[&+]\ )?){{0,4}})(?P<last>{_NAME})\"?\Z")
_LONGEST = 80
# Words within names, after which a name goes on: Bank of China Ltd, Marks and Spencer plc, de Vries B.V.
_JOINS = re.compile(
    r"(?:[&+]|\b(?:and|und|et|e|y|i|och|og|en|of|f[üo]r|del?|della?|d[uiao]|des|l[ae]|el|v[ao]n|der|den)) \Z"
)
# Russian and Ukrainian forms stand before the name.
_FORM_FIRST = re.compile(
    r"\b(?:ООО|ОАО|ЗАО|ПАО|АО|НАО|ТОВ|ПрАТ)\ "
    rf"(?:[\"«„](?P<quoted>[^\"»“\n]{{1,60}})[\"»“]|(?P<plain>{_NAME}))"
)


def companies(text: str) -> Iterator[Form]:
    """Yield what stands before a legal form as a company; of several words, the last.

    Where a longer name begins is left to the model (``Company Name Homegate Hospitality Inc``), unless it has
    found none.

    Examples
    --------
    >>> text = "Umowa między Kowalski sp. z o.o. a Nova Stal s.r.o."
    >>> [(text[one.start : one.end], one.whole) for one in companies(text)]
    [('Kowalski sp. z o.o.', True), ('Nova Stal s.r.o.', True), ('Stal s.r.o.', False)]
    """
    done = 0
    for form in LEGAL_FORM.finditer(text):
        before = _BEFORE.search(text, max(form.start() - _LONGEST, done), form.start())
        done, written = form.end(), form[0].strip(", \u00a0")
        if before is None or written in _UNKNOWN:
            continue
        whole = not before["more"] and not _JOINS.search(text, max(before.start() - 8, 0), before.start())
        if before["more"]:
            yield Form(before.start(), form.end(), "ORG", SURE, new=True)
        gain = PERHAPS if written in _AMBIGUOUS else SURE if whole else LIKELY
        yield Form(before.start("last"), form.end(), "ORG", gain, whole)
    for match in () if text.isascii() else _FORM_FIRST.finditer(text):
        yield Form(*match.span("quoted" if match["quoted"] else "plain"), "ORG", LIKELY)
