"""Legal forms of companies, as written after their names; a name may have several (`GmbH & Co. KG`)."""

from __future__ import annotations

import re

__all__ = ["LEGAL_FORM", "LEGAL_FORMS"]

#: As written; a form that is not all in small letters is also written without its full stops.
LEGAL_FORMS = (
    *("GmbH", "AG", "SE", "UG", "KG", "KGaA", "OHG", "GbR", "e.V.", "e.K.", "eG", "& Co.", "& Cie"),
    *("S.A.", "S.A.S.", "S.A.R.L.", "Sàrl", "S.p.A.", "S.r.l.", "S.L.", "S.L.U.", "Lda.", "Ltda.", "de C.V."),
    *("B.V.", "N.V.", "AB", "AS", "A/S", "ASA", "ApS", "Oy", "Oyj"),
    *("Sp. z o.o.", "sp. k.", "s.r.o.", "a.s.", "k.s.", "d.o.o.", "d.d.", "Kft.", "Zrt.", "Nyrt.", "A.Ş."),
    *("Inc.", "Corp.", "Co.", "Ltd.", "LLC", "L.L.C.", "LLP", "LP", "L.P.", "PLC", "plc", "Pty", "Pvt."),
    *("Sdn Bhd", "K.K."),
)
# In capitals, they may be words: ACME AS GOOD AS GOLD, IBERIA SE FUSIONA.
_WORDS = ("AS", "SE")


_SPELLINGS = [
    re.escape(spelling).replace(r"\ ", r"[ \u00a0]")
    for form in LEGAL_FORMS
    if form not in _WORDS
    for spelling in (form, form if form.islower() else form.replace(".", ""))
]
#: One or more forms after a name. `Calgary, AB` and `Las Vegas, NV` are places in states.
LEGAL_FORM = re.compile(rf"(?:(?:,(?!\ [A-Z]{{2}}\b))?[ \u00a0](?:{'|'.join(_SPELLINGS)})(?!\w))+")
