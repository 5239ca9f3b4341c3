"""Redaction in a separate process: no file can crash the program that redacts for others.

Names are still recognized in the calling program: the process sends texts and receives entities.
"""

from __future__ import annotations

import base64
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any

from ner_core.entity import Entity, Recognition
from ner_documents.bounded import MEGABYTES, Answers, BoundedError, borrowed
from ner_documents.redaction.files import Found, RedactedFile, redact_file
from ner_documents.redaction.keys import RedactedDocument
from ner_documents.redaction.placeholders import Identity
from ner_documents.redaction.text_formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ner_documents.redaction.redactor import Recognize, Redactor

__all__ = ["SECONDS", "answer", "redact_bounded"]

#: A page of a PDF takes a third of a second, and there may be 2,000.
SECONDS = 900.0


def redact_bounded(
    name: str,
    content: bytes,
    recognize: Recognize,
    redactor: Redactor,
    *,
    seconds: float = SECONDS,
    cancelled: Callable[[], object] | None = None,
) -> RedactedFile:
    """Redact as `redact_file` does, in a separate process that is killed when it exceeds a limit.

    Parameters
    ----------
    name, content, recognize, redactor
        As for `redact_file`; if a file fails, the redactor is unchanged.
    seconds : float
        Time limit of the process; recognition does not count.
    cancelled : callable, optional
        Called ten times a second; an exception that it raises stops the work.

    Raises
    ------
    FormatError
        If the file cannot be redacted safely, exceeds a limit, or crashes a library.
    """
    with borrowed(MEGABYTES) as process:
        # The process may trust our pickle; we only accept data from it.
        question = {"name": name, "redactor": base64.b64encode(pickle.dumps(redactor)).decode()}
        process.ask(__name__, question, content, seconds, "library that redacts")
        try:
            while True:
                frame = process.frame(cancelled) or {}
                if "texts" in frame:
                    plain = [
                        [(one.start, one.end, one.label, one.score) for one in recognition.entities]
                        for recognition in recognize(frame["texts"])
                    ]
                    process.send({"entities": plain})
                elif "problem" in frame:
                    process.whole = True
                    raise FormatError(frame["problem"])
                elif "found" in frame:
                    document = frame["document"] and RedactedDocument.from_dict(frame["document"])
                    found = tuple(Found(*one) for one in frame["found"])
                    written = process.body(cancelled) or b""
                    process.whole = True
                    break
        except BoundedError as error:
            raise FormatError(str(error)) from None
    redactor.placeholders = redactor.placeholders.continued(map(Identity.from_dict, frame["identities"]))
    return RedactedFile(written, found, tuple(frame["notes"]), document)


def answer(question: dict[str, Any], content: bytes | None, answers: Answers) -> None:
    """Redact a file; runs in the separate process."""
    redactor: Redactor = pickle.loads(base64.b64decode(question["redactor"]))  # noqa: S301 - the caller's own

    def recognize(texts: Iterable[str]) -> Iterator[Recognition]:
        given = list(texts)
        answers.write({"texts": given})
        answer = answers.read()
        if answer is None:
            raise SystemExit(1)
        for text, entities in zip(given, answer["entities"], strict=True):
            found = (
                Entity(start, end, label, score, text[start:end]) for start, end, label, score in entities
            )
            yield Recognition(text, tuple(found))

    try:
        made = redact_file(question["name"], content or b"", recognize, redactor)
    except FormatError as error:
        answers.write({"problem": str(error)})
        return
    document = made.document
    answers.write(
        {
            "found": [dataclasses.astuple(one) for one in made.found],
            "notes": made.notes,
            "document": None if document is None else dataclasses.asdict(document),
            "identities": [one.to_dict() for one in redactor.placeholders.identities],
        }
    )
    answers.write_bytes(made.content)
