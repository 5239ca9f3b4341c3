"""How many texts that people typed are fully right: every name, its borders and its type, and nothing else.

The texts in ``benchmarks/typed_texts`` were written before a model was run on them: sentences, small
documents, and five sentences in each of sixteen other languages. ``[Mary Jones](PER)`` marks a name.
CoNLL-2003's guidelines apply: titles are not part of a name, nationalities are MISC. A title inside a found
span is not counted as an error.

``python -m benchmarks.typed`` prints the shares, then every text that is not fully right.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import model_zoo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ner_core import Recognition

FOLDER = Path(__file__).parent / "typed_texts"

_MARKED = re.compile(r"\[([^\][]+)\]\((PER|ORG|LOC|MISC)\)")
_TITLE = re.compile(r"(?:Mr|Mrs|Ms|Dr|Prof|Queen|Prince|Governor|Aunt|Frau)\.? ")


class Typed(NamedTuple):
    """A text, where it comes from, and its names: label and text, in order."""

    origin: str
    text: str
    names: list[tuple[str, str]]


def read(path: Path) -> Iterator[Typed]:
    """Yield the texts of a file; ``=== name`` begins a document, or a group of texts of one line each."""
    for part in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        origin, body = part.split("\n", 1)
        for text in [body.rstrip("\n")] if path.stem == "documents" else body.splitlines():
            names = [(kind, name) for name, kind in _MARKED.findall(text)]
            yield Typed(origin, _MARKED.sub(r"\1", text), names)


def found(recognition: Recognition) -> list[tuple[str, str]]:
    """Return what was found as label and text, in order, without titles."""
    return [
        (entity.label, _TITLE.sub("", entity.text) if entity.label == "PER" else entity.text)
        for entity in recognition.entities
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Print shares and errors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="auto", help="name in the zoo, or auto (the default)")
    arguments = parser.parse_args(argv)
    ner = model_zoo.load(arguments.model, device="CPU")
    errors = []
    for path in sorted(FOLDER.glob("*.txt")):
        right: dict[str, list[bool]] = {}
        texts = list(read(path))
        for typed, result in zip(texts, ner.batch([typed.text for typed in texts]), strict=True):
            answer = found(result)
            right.setdefault(typed.origin, []).append(answer == typed.names)
            if answer != typed.names:
                errors.append((typed, answer))
        verdicts = [verdict for group in right.values() for verdict in group]
        print(f"{path.stem}: {sum(verdicts)} of {len(verdicts)} fully right")
        if path.stem == "languages":
            print("  " + ", ".join(f"{name} {sum(group)}" for name, group in right.items()))
    for typed, answer in errors:
        missing = [name for name in typed.names if name not in answer]
        wrong = [name for name in answer if name not in typed.names]
        print(f"\n{typed.origin}: {typed.text[:100]!r}\n  missing {missing}\n  wrong {wrong}")


if __name__ == "__main__":
    main()
