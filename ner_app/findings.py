"""Results of a batch of documents: names in memory, entities on disk, the zip and the view of them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Any

from ner_app.answers import answer
from ner_app.file_names import distinct
from ner_app.kinds import kinds
from ner_core.rendering import encodable, guarded, to_json
from ner_documents.formats import TABLES, format_by_name
from ner_documents.groups import group_names, with_groups
from ner_documents.writing.formats import assemble, encode_documents
from ner_documents.writing.parts import Part
from ner_documents.writing.tables import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ner_core import Recognition
    from ner_documents.document import Document

__all__ = ["Findings"]

_README = """entities.csv    one row an entity: document, start, end, label, score, text
documents.jsonl one JSON object a document, with its text and entities
counts.csv      how often each name was found: label, text, count, documents
tables/         each table as it was given, with the entities and a column a label
problems.txt    remarks on the files, such as which could not be read
partial.txt     there when the work was cancelled: how far it went
Offsets count Unicode characters in the text of documents.jsonl.
"""
# What the browser shows by itself; the zip has everything.
_SHOWN_DOCUMENTS = 200
_SHOWN_CHARACTERS = 400_000
_SHOWN_NAMES = 500
_NAME_LENGTH = 80


class Findings:
    """What the documents hold so far: counts in memory, the entities themselves on disk.

    Parameters
    ----------
    folder : Path
        Where the entities go.
    naming : str
        Column of tables that names their rows for people.
    """

    def __init__(self, folder: Path, naming: str = "id") -> None:
        self.folder, self._naming = folder, naming
        self.documents = 0
        self.characters = 0
        self.labels: Counter[str] = Counter()
        self.names: Counter[tuple[str, str]] = Counter()
        self.problems: list[str] = []
        self.choices: list[str] = []  # of columns: the page shows them where it shows the tables
        self.partial = ""  # why this is not all of it
        self._known: dict[str, None] = {}
        self._places: dict[tuple[str, str], list[int]] = {}
        self._shown: list[dict[str, Any]] = []
        self._shown_characters = 0
        self._tables: dict[str, Path] = {}

    def add(self, document: Document, found: Recognition, labels: Sequence[str]) -> None:
        """Count a document's entities and write them down."""
        number = self.documents
        self.documents += 1
        self.characters += len(found.text)
        self._known |= dict.fromkeys(labels)
        self.labels.update(entity.label for entity in found.entities)
        for group in group_names(found):
            self.names[group.label, group.name] += group.count
            self._places.setdefault((group.label, group.name), []).append(number)
        self._write(document, found)
        name = _name_of(document, self._naming)
        if number < _SHOWN_DOCUMENTS:
            self._shown_characters += len(found.text)
            in_full = self._shown_characters <= _SHOWN_CHARACTERS
            self._shown.append(
                {"name": encodable(name), "count": len(found.entities)}
                | ({"text": encodable(found.text), "answer": answer(found, labels)} if in_full else {})
            )

    def _write(self, document: Document, found: Recognition) -> None:
        name = document.where
        with (self.folder / "documents.jsonl").open("a", encoding="utf-8") as file:
            file.write(to_json({"document": name} | with_groups(found)) + "\n")
        with (self.folder / "entities.csv").open("a", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            if self.documents == 1:
                writer.writerow(["document", "start", "end", "label", "score", "text"])
            writer.writerows(
                [_cell(name), one.start, one.end, _cell(one.label), one.score, _cell(one.text)]
                for one in found.entities
            )
        if document.line is not None and format_by_name(document.source)[0] in TABLES:
            path = self._tables.setdefault(document.source, self.folder / f"table-{len(self._tables)}")
            with path.open("ab") as file:
                file.write(encode_documents([(document, found.entities, found.parts)], "csv", "entities"))

    def zip_file(self) -> Path:
        """Write everything into a zip and return its path; there is a document at least."""
        counts = io.StringIO()
        counts.write(BYTE_ORDER_MARK)
        writer = csv.writer(counts)
        writer.writerow(["label", "text", "count", "documents"])
        writer.writerows(
            [_cell(label), _cell(name), count, len(self._places[label, name])]
            for (label, name), count in self.names.most_common()
        )
        path = self.folder / "entities.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _README)
            archive.writestr("counts.csv", _encoded(counts.getvalue()))
            if remarks := [*self.problems, *self.choices]:
                archive.writestr("problems.txt", _encoded("\n".join(remarks) + "\n"))
            if self.partial:
                archive.writestr("partial.txt", _encoded(f"Cancelled: {self.partial}.\n"))
            for name in ("documents.jsonl", "entities.csv"):
                archive.write(self.folder / name, name)
            names = distinct(f"{source.rsplit('/', 1)[-1]}.csv" for source in self._tables)
            for name, stored in zip(names, self._tables.values(), strict=True):
                part = Part({}, lambda stored=stored: stored.open("rb"))  # type: ignore[misc]
                with archive.open(f"tables/{name}", "w") as target:
                    assemble(lambda part=part: [part], target, "csv", "entities", list(self._known))  # type: ignore[misc]
        return path

    def view(self) -> dict[str, Any]:
        """Return what the browser shows: names over all documents, and the first documents themselves."""
        known = list(dict.fromkeys([*self._known, *self.labels]))
        numbers = {label: number for number, label in enumerate(known)}
        named = Counter(label for label, _ in self.names)
        return {
            "kinds": [kind._asdict() for kind in kinds(known)],
            "labels": {label: named[label] for label in known},
            "names": [
                {
                    "kind": numbers[label],
                    "name": encodable(name),
                    "count": count,
                    "documents": self._places[label, name],
                }
                for (label, name), count in self.names.most_common(_SHOWN_NAMES)
            ],
            "all_names": len(self.names),
            "documents": self._shown,
            "all_documents": self.documents,
        }


def _name_of(document: Document, naming: str) -> str:
    """Name a document for people: a row by a cell of its own where it has one."""
    own = document.fields.get(naming)
    if document.line is None or own in (None, ""):
        return document.where
    return f"{document.source} · {str(own)[:_NAME_LENGTH]}"


def _cell(text: str) -> str:
    return guarded(encodable(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
