"""Legal forms of companies."""

from __future__ import annotations

__all__ = ["LEGAL_FORMS"]

#: As written; a form that is not all in small letters is also written without its full stops.
LEGAL_FORMS = (
    *("GmbH", "AG", "SE", "UG", "KG", "KGaA", "OHG", "GbR", "e.V.", "e.K.", "eG", "& Co.", "& Cie"),
    *("S.A.", "S.A.S.", "S.A.R.L.", "Sàrl", "S.p.A.", "S.r.l.", "S.L.", "S.L.U.", "Lda.", "Ltda.", "de C.V."),
    *("B.V.", "N.V.", "AB", "AS", "A/S", "ASA", "ApS", "Oy", "Oyj"),
    *(
        "Sp. z o.o.",
        "sp. z o.o.",
        "sp. k.",
        "s.r.o.",
        "a.s.",
        "k.s.",
        "d.o.o.",
        "d.d.",
        "Kft.",
        "Zrt.",
        "Nyrt.",
        "A.Ş.",
    ),
    *("Inc.", "Corp.", "Co.", "Ltd.", "LLC", "L.L.C.", "LLP", "LP", "L.P.", "PLC", "plc", "Pty", "Pvt."),
    *("Sdn Bhd", "K.K."),
)
