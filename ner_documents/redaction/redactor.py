"""Redaction of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_documents.folding import join_words
from ner_documents.names import BEFORE, title_of
from ner_documents.redaction.findings import Finding, Rules, find_all
from ner_documents.redaction.placeholders import Mention, Placeholders
from ner_documents.redaction.segments import Edit, undo_edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ner_core.entity import Recognition

    #: Recognizes texts in order.
    Recognize = Callable[[Iterable[str]], Iterable[Recognition]]

__all__ = ["Redacted", "Redactor", "Replacement", "redact"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """One finding and its replacement.

    Attributes
    ----------
    finding : Finding
        What was found, with its span in the original text.
    placeholder : str
        The replacement.
    """

    finding: Finding
    placeholder: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A redacted text.

    Attributes
    ----------
    text : str
        The text with placeholders.
    replacements : tuple of Replacement
        The replacements, in order.
    """

    text: str
    replacements: tuple[Replacement, ...]


class Redactor:
    """Removes names from documents; a name has the same placeholder in all of them.

    Only what is found is replaced: there is no guarantee that a text is free of names.

    Parameters
    ----------
    placeholders : Placeholders, optional
        The placeholders of names; numbered by default.
    rules : Rules, optional
        What to search for besides entities.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("Mary Jones (JONES), a@b.example", (Entity(0, 10, "PER", 1.0, "Mary Jones"),))
    >>> Redactor().redact(found).text
    'PER_1 (PER_1), EMAIL_1'
    """

    def __init__(self, placeholders: Placeholders | None = None, rules: Rules | None = None) -> None:
        self.placeholders = placeholders or Placeholders()
        self.rules = rules or Rules()

    def redact(self, recognition: Recognition) -> Redacted:
        """Redact a document of one text; see `redact_document`."""
        return self.redact_document([recognition])[0]

    def redact_document(self, recognitions: Sequence[Recognition]) -> list[Redacted]:
        """Redact the texts of one document.

        Parameters
        ----------
        recognitions : sequence of Recognition
            Its texts in order, each with all entities found, without filters of a page.

        Returns
        -------
        list of Redacted
            One for each text.
        """
        findings = find_all(recognitions, self.rules, self.placeholders.given_in)
        mentions = [
            Mention(
                join_words(recognition.text[one.start : one.end]),
                one.label,
                title_of(recognition.text[max(0, one.start - BEFORE) : one.start]),
                one.key,
            )
            for recognition, found in zip(recognitions, findings, strict=True)
            for one in found
        ]
        placeholders = iter(self.placeholders.give(mentions, [one.text for one in recognitions]))
        return [
            _replaced(recognition.text, tuple(Replacement(one, next(placeholders)) for one in found))
            for recognition, found in zip(recognitions, findings, strict=True)
        ]


def _replaced(text: str, replacements: tuple[Replacement, ...]) -> Redacted:
    edits = (Edit(one.finding.start, one.finding.end, one.placeholder) for one in replacements)
    return Redacted(undo_edits(text, edits), replacements)


def redact(
    recognition: Recognition, operator: str = "label", placeholders: Placeholders | None = None
) -> str:
    """Redact one text with the default rules.

    Parameters
    ----------
    recognition : Recognition
        A text with all its entities.
    operator : str
        One of `OPERATORS`; ``hash`` needs `placeholders`.
    placeholders : Placeholders, optional
        Share them between texts to number all of them together; `operator` is then ignored.

    Returns
    -------
    str
        The text with placeholders.

    Raises
    ------
    ValueError
        For an unknown operator.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("Mary sings.", (Entity(0, 4, "PER", 1.0, "Mary"),))
    >>> redact(found), redact(found, "number")
    ('[PER] sings.', 'PER_1 sings.')
    """
    return Redactor(placeholders or Placeholders(operator)).redact(recognition).text
