"""The functions for programs: what HTTP, Gradio's client and MCP all call, checked and answered alike."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ner_app.arguments import ArgumentError, Options, Text, Texts, checked
from ner_app.service import ChoiceError, filtered
from ner_documents.groups import with_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ner_app.service import Service
    from ner_core import Recognition

__all__ = ["Programs"]


class Programs:
    """Functions that take arguments as JSON has them and return JSON.

    Parameters
    ----------
    service : Service
        Answers.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    def recognize(
        self, arguments: Mapping[str, Any], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """Find the names in a text; `arguments` are those of `Text`, `progress` as for `Service.recognize`.

        Raises
        ------
        ArgumentError
            An argument is missing, unknown or wrong, or cannot be used on this machine.
        LimitError
            The text is too long.
        """
        given = checked(Text, arguments, default=self.service.first)
        self.service.limits.check_text(given.text)
        self._check(given)
        found = self.service.recognize(
            given.text, given.choice, given.aggregation, progress, everything=given.threshold is not None
        )
        return _answer(found, given)

    def recognize_batch(
        self, arguments: Mapping[str, Any], progress: Callable[[int, int], None] | None = None
    ) -> list[dict[str, Any]]:
        """Find the names in several texts; `arguments` are those of `Texts`. Raises as `recognize`."""
        given = checked(Texts, arguments, default=self.service.first)
        self.service.limits.check_batch(given.texts)
        self._check(given)
        found = self.service.recognize_batch(
            given.texts, given.choice, given.aggregation, progress, everything=given.threshold is not None
        )
        return [_answer(one, given) for one in found]

    def models(self) -> list[dict[str, Any]]:
        """List the models that are ready on this machine, the default one first."""
        return [
            {"name": name, "precisions": precisions, "default": name == self.service.first}
            for name, precisions in self.service.models().items()
        ]

    def devices(self) -> list[dict[str, str]]:
        """List the devices of this machine that can run a model, AUTO first."""
        return [{"name": name, "full_name": full} for name, full in self.service.devices().items()]

    def _check(self, given: Options) -> None:
        """Check what needs the model: whether it can be loaded, and whether it has the labels."""
        try:
            recognizer = self.service.checked(given.choice, given.aggregation)
        except ChoiceError as error:
            said = str(error)
            named = not error.argument or said.startswith(f"{error.argument}=")
            raise ArgumentError(said if named else f"{error.argument}: {said}") from None
        known = set(recognizer.labels)
        if given.aggregation == "none":  # its entities have tags such as B-PER
            known.update(tag for tag in recognizer.tags if tag != "O")
        for index, label in enumerate(given.labels):
            if label not in known:
                msg = (
                    f"labels[{index}]: {given.model} has no label {label[:60]!r}; "
                    f"it has {', '.join(recognizer.labels)}."
                )
                raise ArgumentError(msg)


def _answer(found: Recognition, given: Options) -> dict[str, Any]:
    """Return a result as JSON values, as ``ner recognize --format json`` writes them."""
    plain = with_groups(filtered(found, given.threshold or 0.0, given.labels))
    if given.offsets == "utf16":
        _count_utf16(plain)
    return plain


def _count_utf16(plain: dict[str, Any]) -> None:
    """Turn offsets in code points into offsets in UTF-16 units, as JavaScript and Java count.

    Examples
    --------
    >>> plain = {"text": "😀 Mary", "entities": [{"start": 2, "end": 6}], "groups": []}
    >>> _count_utf16(plain)
    >>> plain["entities"]
    [{'start': 3, 'end': 7}]
    """
    if plain["text"].isascii():
        return
    place = [0, *accumulate(2 if character > "\uffff" else 1 for character in plain["text"])]
    for entity in [*plain["entities"], *plain.get("parts", ())]:
        entity |= {"start": place[entity["start"]], "end": place[entity["end"]]}
    for group in plain["groups"]:
        group["first"] = place[group["first"]]
        group["mentions"] = [[place[start], place[end]] for start, end in group["mentions"]]
