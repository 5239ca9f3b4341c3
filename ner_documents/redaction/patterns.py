"""Patterns that need no model: addresses by form, numbers by checksum or numbering plan.

Phone numbers are checked by phonenumbers, bank accounts, cards and national numbers by python-stdnum, which
cite the standard of each.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DEFAULT_REGIONS", "PATTERN_LABELS", "Pattern", "find_patterns"]

#: Countries whose phone numbers are found without their country code.
DEFAULT_REGIONS = ("US", "GB")

PATTERN_LABELS = ("EMAIL", "URL", "IP", "IBAN", "CARD", "ID", "PHONE")

# RFC 5322 dot-atom without quoted local parts; letters of all scripts (RFC 6531).
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}\b"
)
_URL = re.compile(r"\b(?:(?:https?|ftp)://|www\.)[^\s<>\"\u201c\u201d]+", re.IGNORECASE)
_URL_END = ".,;:!?'\u2019*_~"
_IPV4 = re.compile(r"(?<![\w./])(?<!ersion )\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?\b")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])")
_PHONE = re.compile(r"(?<![\w+])(?:\+|\(|\d)[\d()\s./\u2010\u2011\u2013-]{5,30}\d(?!\w)")
_PHONE_SEPARATOR = re.compile(r"[\s()./\u2010\u2011\u2013-]")


class Pattern(NamedTuple):
    """A match of a pattern.

    Attributes
    ----------
    start, end : int
        Span in the text.
    label : str
        One of `PATTERN_LABELS`.
    key : str
        Equal for all spellings of one number.
    """

    start: int
    end: int
    label: str
    key: str


class _Number(NamedTuple):
    """A national number: its form, the module of python-stdnum that checks it, and words that announce it.

    Forms that are nothing but digits pass their check by chance in one of ten or so; they count only behind
    one of the words.
    """

    form: re.Pattern[str]
    module: str
    words: str = ""


_NUMBERS = tuple(
    _Number(re.compile(rf"(?<![\w-]){form}(?![\w-])"), module, words)
    for form, module, words in (
        (r"\d{3}-\d{2}-\d{4}", "us.ssn", ""),
        (r"\d{3}[- ]?\d{2}[- ]?\d{4}", "us.ssn", "ssn|social security"),
        (r"9\d{2}-[5-9]\d-\d{4}", "us.itin", ""),
        (r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", "nhs"),
        (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", "steuer|idnr|tax"),
        (r"\d{8}-?[A-Z]", "es.dni", ""),
        (r"[XYZ]-?\d{7}-?[A-Z]", "es.nie", ""),
        (r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale", ""),
        (r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir", ""),
        (r"\d{11}", "pl.pesel", "pesel"),
        (r"\d{9}|\d{4}\.\d{2}\.\d{3}", "nl.bsn", "bsn|burgerservice|sofi"),
        (r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf", ""),
        (r"\d{11}", "br.cpf", "cpf"),
        (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn", ""),
        (r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]", "fi.hetu", ""),
        (r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer", ""),
        (r"\d{6}-?\d{4}", "dk.cpr", "cpr"),
        (r"\d{6} ?\d{5}", "no.fodselsnummer", "personnummer|fødselsnummer|fodselsnummer"),
        (r"\d{17}[\dX]", "cn.ric", ""),
        (r"\d{6}-\d{7}", "kr.rrn", ""),
        (r"\d{4} \d{4} \d{4}", "in_.aadhaar", ""),
        (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "mx.curp", ""),
        (r"\d{3}[ -]\d{3}[ -]\d{3}", "ca.sin", "sin|social insurance"),
        (r"\d{3} ?\d{3} ?\d{3}", "au.tfn", "tfn|tax file"),
        (r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn", ""),
        (r"\d{4} ?\d{6}", "at.vnr", "sozialversicherung|svnr|vnr"),
        (r"\d{6}/\d{3,4}", "cz.rc", ""),
        (r"[1-8]\d{12}", "ro.cnp", "cnp"),
        (r"\d{10}", "bg.egn", "egn|егн"),
        (r"\d{13}", "za.idnr", "id"),
        (r"\d{7}[A-W][A-IW]?", "ie.pps", "pps"),
        (r"\d{11}", "tr.tckimlik", "kimlik|tc"),
    )
)
_NEAR = 40


def find_patterns(text: str, regions: Sequence[str] = DEFAULT_REGIONS) -> list[Pattern]:
    """Find e-mail and web addresses, IP addresses, bank accounts, cards, national numbers and phone numbers.

    Parameters
    ----------
    text : str
        Any text.
    regions : sequence of str
        Countries (ISO 3166-1 alpha-2) whose phone numbers are found without their country code.

    Returns
    -------
    list of Pattern
        Sorted and not overlapping: the stronger proof wins.

    Examples
    --------
    >>> [(one.label, one.key) for one in find_patterns("DE89 3704 0044 0532 0130 00, ann@acme.example.")]
    [('IBAN', 'DE89370400440532013000'), ('EMAIL', 'ann@acme.example')]
    """
    found: list[Pattern] = []
    taken = bytearray(len(text))
    for one in chain(_addresses(text), _accounts(text), _numbers(text), _phones(text, regions)):
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
            found.append(one)
    return sorted(found)


def _addresses(text: str) -> Iterator[Pattern]:
    if "@" in text:
        for one in _EMAIL.finditer(text):
            yield Pattern(one.start(), one.end(), "EMAIL", one[0].casefold())
    for one in _URL.finditer(text):
        address = one[0].rstrip(_URL_END)
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(_URL_END)
        if len(address) > len("www."):
            yield Pattern(one.start(), one.start() + len(address), "URL", address)
    for form in (_IPV4, _IPV6):
        for one in form.finditer(text):
            try:
                address = ipaddress.ip_address(one[0]).compressed
            except ValueError:
                continue
            if sum(character != ":" for character in one[0]) > 2:  # "::" alone is more often punctuation
                yield Pattern(one.start(), one.end(), "IP", address)


def _accounts(text: str) -> Iterator[Pattern]:
    for one in _IBAN.finditer(text):
        # Capitalised words after the number match its form too: take the longest prefix that is valid.
        gaps = [gap.start() for gap in re.finditer("[ -]", one[0])]
        for cut in (one[0], *(one[0][:gap] for gap in reversed(gaps))):
            if number := _valid("iban", cut):
                yield Pattern(one.start(), one.start() + len(cut), "IBAN", number)
                break
    for one in _CARD.finditer(text):
        digits = re.sub(r"\D", "", one[0])
        if digits[0] in "23456" and _valid("luhn", digits) and len(set(digits)) > 1:
            yield Pattern(one.start(), one.end(), "CARD", digits)


def _numbers(text: str) -> Iterator[Pattern]:
    for number in _NUMBERS:
        for one in number.form.finditer(text):
            near = text[max(0, one.start() - _NEAR) : one.start()].casefold()
            announced = not number.words or re.search(rf"\b(?:{number.words})", near)
            if announced and (key := _valid(number.module, one[0])):
                yield Pattern(one.start(), one.end(), "ID", f"{number.module.partition('.')[0]}:{key}")


def _valid(module: str, number: str) -> str:
    """Return the number in standard form, empty if its check fails."""
    from stdnum.exceptions import ValidationError

    try:
        checked: str = importlib.import_module(f"stdnum.{module}").validate(number)
    except ValidationError:
        return ""
    return checked


def _phones(text: str, regions: Sequence[str]) -> Iterator[Pattern]:
    for candidate in _PHONE.finditer(text):
        import phonenumbers

        written = candidate[0].replace("\n", " ")  # numbers may continue on the next line
        for region in (None, *regions):
            found = phonenumbers.PhoneNumberMatcher(
                written, region, leniency=phonenumbers.Leniency.STRICT_GROUPING
            )
            for one in found:
                # Bare digits are nearly always a valid phone number of some country.
                if one.raw_string.startswith("+") or _PHONE_SEPARATOR.search(one.raw_string.strip()):
                    key = phonenumbers.format_number(one.number, phonenumbers.PhoneNumberFormat.E164)
                    start = candidate.start() + one.start
                    yield Pattern(start, start + len(one.raw_string), "PHONE", key)
