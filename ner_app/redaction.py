"""Redaction of uploaded files to a zip."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from ner_app.file_names import distinct
from ner_app.jobs import until
from ner_app.limits import LimitError
from ner_app.text import REDACTIONS
from ner_documents.redaction import Placeholders, Redactor
from ner_documents.redaction.bounded import redact_bounded
from ner_documents.redaction.files import FormatError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ner_app.service import Choice, Service
    from ner_core import Recognition

__all__ = ["redacted_files"]

_LOOK_AHEAD = 20_000


def redacted_files(
    service: Service,
    choice: Choice,
    paths: Iterable[Path],
    operator: str,
    target: Path,
    cancelled: threading.Event,
    finished: Callable[[str], None] = lambda _: None,
) -> tuple[int, list[str]]:
    """Write a zip of files without the names in them; the same name has the same placeholder in all.

    Parameters
    ----------
    service, choice
        What recognizes; no minimum score applies.
    paths : iterable of Path
        The files.
    operator : str
        ``number``, ``label`` or ``mask``.
    target : Path
        Of the zip.
    cancelled : threading.Event
        Ends the work.
    finished : callable
        Called with the name of each file that is done.

    Returns
    -------
    (int, list of str)
        Number of files in the zip, and notes on these and on the others.

    Raises
    ------
    Cancelled
        It was cancelled.
    """
    redactor = Redactor(Placeholders(operator if operator in dict(REDACTIONS) else "number"))
    written = 0
    notes: list[str] = []
    progress = until(cancelled)

    def recognize(texts: Iterable[str]) -> Iterator[Recognition]:
        document = service.checked(choice).document
        return document(texts, threshold=0.0, look_ahead=_LOOK_AHEAD, progress=progress)

    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        given = list(paths)
        for name, path in zip(distinct(path.name for path in given), given, strict=True):
            progress()
            try:
                service.limits.check_file(name, path.stat().st_size)
                made = redact_bounded(name, path.read_bytes(), recognize, redactor, cancelled=progress)
            except (FormatError, LimitError) as error:
                notes.append(f"{name}: {error}")
                continue
            finally:
                finished(name)
            archive.writestr(name, made.content)
            notes += [f"{name}: {note}" for note in made.notes]
            written += 1
    return written, notes
