"""What a batch of documents holds: counts in memory, the entities on disk, and the zip of it all."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

from ner_core.rendering import encodable, guarded, to_json
from ner_documents.groups import with_groups
from ner_documents.writing.tables import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from pathlib import Path

    from ner_core import Recognition

__all__ = ["Findings"]

_README = """entities.csv    one row an entity: document, start, end, label, score, text
documents.jsonl one JSON object a document, with its text and entities
counts.csv      how often each name was found: label, text, count
problems.txt    the files that could not be read, if there are any
partial.txt     there when the work was cancelled: how far it went
Offsets count Unicode characters in the text of documents.jsonl.
"""


class Findings:
    """What the documents hold so far: counts in memory, the entities themselves on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents = 0
        self.characters = 0
        self.labels: Counter[str] = Counter()
        self.names: Counter[tuple[str, str]] = Counter()
        self.problems: list[str] = []
        self.partial = ""  # why this is not all of it

    def add(self, name: str, found: Recognition) -> None:
        """Count a document's entities and write them down."""
        self.documents += 1
        self.characters += len(found.text)
        for entity in found.entities:
            self.labels[entity.label] += 1
            self.names[entity.label, " ".join(entity.text.split())] += 1
        with (self.folder / "documents.jsonl").open("a", encoding="utf-8") as file:
            file.write(to_json({"document": name} | with_groups(found)) + "\n")
        new = not (self.folder / "entities.csv").exists()
        with (self.folder / "entities.csv").open("a", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["document", "start", "end", "label", "score", "text"])
            for entity in found.entities:
                writer.writerow(
                    [
                        _cell(name),
                        entity.start,
                        entity.end,
                        _cell(entity.label),
                        entity.score,
                        _cell(entity.text),
                    ]
                )

    def zip_file(self) -> Path:
        """Put everything into a zip and return its path."""
        counts = io.StringIO()
        counts.write(BYTE_ORDER_MARK)
        writer = csv.writer(counts)
        writer.writerow(["label", "text", "count"])
        writer.writerows(
            [_cell(label), _cell(name), count] for (label, name), count in self.names.most_common()
        )
        path = self.folder / "entities.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _README)
            archive.writestr("counts.csv", _encoded(counts.getvalue()))
            if self.problems:
                archive.writestr("problems.txt", _encoded("\n".join(self.problems) + "\n"))
            if self.partial:
                archive.writestr("partial.txt", _encoded(f"Cancelled: {self.partial}.\n"))
            for name in ("documents.jsonl", "entities.csv"):
                if (self.folder / name).exists():
                    archive.write(self.folder / name, name)
        return path


def _cell(text: str) -> str:
    return guarded(encodable(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
